"""Where the tests of a module are."""

import ast
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGES = ("sm_tuning", "local_emulator")
SMALL = 60  # lines
NAMES = {path.name for path in (ROOT / "tests").rglob("test_*.py")}

# Modules whose tests have another name, for what is tested is what several of them do together.
ELSEWHERE = {
    "local_emulator/assembly.py": "tests/integration/local_emulator/test_server.py",
    "local_emulator/cloud/moto_patches/resource_types.py": "tests/infra/test_stacks.py",
    "local_emulator/runs/forkserver/client.py": "tests/contracts/test_forkserver.py",
    "local_emulator/runs/forkserver/server/mounting.py": "tests/contracts/test_forkserver.py",
    "local_emulator/runs/forkserver/server/restarts.py": "tests/contracts/test_forkserver.py",
    "local_emulator/runs/forkserver/server/script.py": "tests/contracts/test_forkserver.py",
    "local_emulator/runs/forkserver/server/serving.py": "tests/contracts/test_forkserver.py",
    "local_emulator/runs/forkserver/server/state.py": "tests/contracts/test_forkserver.py",
    "local_emulator/serving.py": "tests/integration/local_emulator/test_server.py",
    "local_emulator/store/base.py": "tests/contracts/test_store.py",
}


# Waits of a fixed time, in files whose subject is time: clocks, time limits, what is slow on purpose.
SLEEPS = {
    "tests/acceptance/programs/scripts/score.py": 1,
    "tests/integration/local_emulator/api/test_connections.py": 1,
    "tests/integration/local_emulator/testing/test_time_scale.py": 3,
    "tests/integration/local_emulator/testing/test_waiting.py": 1,
    "tests/integration/sm_tuning/client/test_answers.py": 1,
    "tests/resilience/kills.py": 1,
    "tests/unit/local_emulator/runs/test_clock.py": 9,
}


def sleeps(path: Path) -> int:
    """Calls of `time.sleep` that no loop repeats until a condition holds."""
    text = path.read_text(encoding="utf-8")
    if "time.sleep(" not in text:
        return 0
    tree = ast.parse(text)
    waiting = {call for loop in ast.walk(tree) if isinstance(loop, ast.While) for call in ast.walk(loop)}
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call) and node not in waiting]
    return sum(isinstance(call, ast.Attribute) and ast.unparse(call) == "time.sleep" for call in calls)


def test_tests_wait_for_conditions() -> None:
    """A guest's repository is somebody else's."""
    paths = [path for path in sorted((ROOT / "tests").rglob("*.py")) if "test_as_a_guest" not in path.parts]
    counts = {str(path.relative_to(ROOT)): sleeps(path) for path in paths}
    assert {path: count for path, count in counts.items() if count} == SLEEPS


def modules() -> list[str]:
    """Modules that are long enough to have tests of their own."""
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return [str(path.relative_to(ROOT)) for path in paths if path.read_text(encoding="utf-8").count("\n") > SMALL]


def test_every_module_has_a_test_file_of_its_name() -> None:
    """Of an `__init__` or `__main__` the name is its package's."""
    missing = []
    for module in modules():
        path = Path(module)
        name = path.parent.name if path.stem.startswith("__") else path.stem
        if f"test_{name}.py" not in NAMES and module not in ELSEWHERE:
            missing.append(module)
    assert not missing


@pytest.mark.parametrize("module", ELSEWHERE)
def test_tests_of_another_name_are_where_the_list_says(module: str) -> None:
    assert module in modules(), "it has gone, or has become short: take it out of the list"
    assert f"test_{Path(module).stem}.py" not in NAMES, "it has a file of its own: take it out of the list"
    assert (ROOT / ELSEWHERE[module]).exists()
