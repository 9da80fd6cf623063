"""A server is ready or not there at all, and learns what runs import later."""

from pathlib import Path

from tests.conftest import until
from tests.integration.local_emulator.runs.forkserver.packages import THREAD, imported
from tests.integration.local_emulator.runs.forkserver.running import Runs, lines, why_not_forked


def test_no_run_waits_for_imports(runs: Runs, python: str, environment: Path) -> None:
    script = "print('x=1')\nif False:\n    import slow"
    for _ in range(3):
        folder = runs.start(script, python=python, when_ready=False)
        assert lines(folder) == ["x=1"]
        assert why_not_forked(folder) == "not forked: its server is not ready\n"
    (environment / "go").touch()
    folder = runs.start(script, python=python)
    assert (lines(folder), why_not_forked(folder), imported(environment)["slow"]) == (["x=1"], "", 1)


def test_what_a_run_imports_later_and_cannot_be_forked_is_not_learned(runs: Runs, python: str, environment: Path) -> None:
    (packages,) = environment.glob("lib/*/site-packages")
    (packages / "large").mkdir()
    (packages / "large" / "__init__.py").write_text("")
    (packages / "large" / "sub.py").write_text(THREAD)
    script = (
        "import sys, large\nprint(*(name in [*sys.modules] for name in ('large', 'innocent', 'large.sub')))\n"
        "import importlib\nfor name in ('large.sub', 'inn' + 'ocent'): importlib.import_module(name)"
    )
    until(lambda: lines(runs.start(script, python=python)) == ["True True False"])
    for _ in range(2):
        folder = runs.start(script, python=python)
        assert (lines(folder), why_not_forked(folder)) == (["True True False"], "")


def test_learns_what_is_imported_later(runs: Runs) -> None:
    script = "import sys\nprint('xmlrpc.client' in sys.modules)\ndef f():\n    import xmlrpc.client\nf()"
    printed = [lines(runs.start(script)) for _ in range(3)]
    assert printed[0] == ["False"]
    assert printed[2] == ["True"]
