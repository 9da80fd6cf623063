"""Where the tests of a module are."""

import ast
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGES = ("sm_tuning", "local_emulator")
SMALL = 60  # lines
MIRRORS = ("unit", "integration")  # their folders are those of the packages


# Waits of a fixed time, in files whose subject is time: clocks, time limits, what is slow on purpose.
SLEEPS = {
    "tests/acceptance/programs/scripts/score.py": 1,
    "tests/integration/local_emulator/api/test_connections.py": 1,
    "tests/integration/local_emulator/runs/test_pipes.py": 1,
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
    paths = [path for path in paths if path.parent.parent.name != "skeletons"]  # scripts to copy: test_init.py
    return [str(path.relative_to(ROOT)) for path in paths if path.read_text(encoding="utf-8").count("\n") > SMALL]


def named(module: Path) -> str:
    """The name that a module's test file has: of an `__init__`, `__main__` or `base`, its package's."""
    return module.parent.name if module.stem.startswith("__") or module.stem == "base" else module.stem


def files_of(module: str) -> list[Path]:
    """Test files of a module's name: in a mirror of its folder or of one above that, or in a folder of tests that mirrors nothing."""
    path = Path(module)
    files = [file.relative_to(ROOT / "tests") for file in (ROOT / "tests").rglob(f"test_{named(path)}.py")]
    above = {str(folder) for folder in path.parents}
    return [file for file in files if file.parts[0] not in MIRRORS or str(Path(*file.parts[1:-1])) in above]


def test_every_module_has_a_test_file_of_its_name() -> None:
    assert not [module for module in modules() if not files_of(module)]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("sm_tuning/__init__.py", "sm_tuning"),
        ("local_emulator/store/base.py", "store"),
        ("local_emulator/runs/program.py", "program"),
    ],
)
def test_the_name_of_a_module(module: str, name: str) -> None:
    assert named(Path(module)) == name


def test_a_file_of_another_package_is_none_of_a_modules() -> None:
    assert sorted(str(file) for file in files_of("sm_tuning/client/run.py")) == [
        "integration/sm_tuning/client/test_run.py",
        "unit/sm_tuning/client/test_run.py",
    ]
