"""Packages that must not be imported before a fork: found by what their import does, remembered, left to the scripts."""
# ruff: noqa: E501 - a script is one line here

from collections import Counter
from pathlib import Path

import pytest

from tests.integration.local_emulator.runs.forkserver.running import Runs, lines, until, why_not_forked

# Notes each import, in the environment's folder.
COUNTED = "import pathlib\nfolder = pathlib.Path(__file__).parents[3]\nwith (folder / 'imported').open('a') as file: file.write(__name__ + ' ')\n"
THREAD = "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()"
PACKAGES = {
    "good": "version = 1",
    "threads": THREAD,
    "prints": "print('hello from prints')",
    "opens": "file = open('/etc/hostname')",
    "starts": "import subprocess\nprocess = subprocess.Popen(['sleep', '600'])",
    "fails": "raise RuntimeError('no')",
    "dies": "import os\nos.abort()",
    "inner": COUNTED + THREAD,
    "outer": COUNTED + "import inner",
    "late": COUNTED + "import inner",
    "innocent": COUNTED,
    "purges": "import threading, time, os, pathlib\nthread = threading.Thread(target=time.sleep, args=(600,), daemon=True)\n"
    "thread.start()\npathlib.Path(f'/proc/self/task/{thread.native_id}/comm').write_text('jemalloc_bg_thd')",
    "slow": COUNTED + "import time\nwhile not (folder / 'go').exists(): time.sleep(0.01)",
}


@pytest.fixture(scope="module")
def python(environment: Path) -> str:
    """An interpreter with packages that must not be imported before a fork, and some that may be."""
    (packages,) = environment.glob("lib/*/site-packages")
    for name, content in PACKAGES.items():
        (packages / f"{name}.py").write_text(content)
    return str(environment / "bin" / "python")


def imported(environment: Path) -> Counter[str]:
    """How often each package that counts has been imported, in any process."""
    return Counter((environment / "imported").read_text().split())


def test_what_a_fork_would_break_is_left_to_the_script(runs: Runs, python: str) -> None:
    names = ("threads", "prints", "opens", "starts", "good")
    script = (
        f"import sys, os\nprint(sorted({{*{names!r}}} & {{*sys.modules}}))\ntry:\n    import fails\nexcept RuntimeError as e: print(e)\n"
        "import threads, prints, opens, starts, good\n"
        "print(len(os.listdir('/proc/self/task')), opens.file.read() == open('/etc/hostname').read(), good.version)"
    )
    for _ in range(2):
        folder = runs.start(script, python=python)
        assert lines(folder) == ["['good']", "no", "hello from prints", "2 True 1"]
        assert why_not_forked(folder) == ""
    log = (runs.kept / "forkserver" / "log").read_text()
    assert "threads is left to the scripts: it starts threads\n" in log
    assert "prints is left to the scripts: it prints when it is imported\n" in log


def test_an_import_that_kills_its_server_is_left_to_the_script(runs: Runs, python: str) -> None:
    folder = runs.start("import sys\nprint('good' in sys.modules)\nif False:\n    import dies\nimport good", python=python)
    assert (lines(folder), why_not_forked(folder)) == (["True"], "")


def test_what_starts_threads_excludes_its_importers_and_is_remembered(runs: Runs, python: str, environment: Path) -> None:
    names = ("outer", "late", "innocent", "inner")
    script = f"import sys\nprint(sorted({{*{names!r}}} & {{*sys.modules}}))\nif False:\n    import {', '.join(names)}"
    for _ in range(2):
        folder = runs.start(script, python=python)
        assert (lines(folder), why_not_forked(folder)) == (["['innocent']"], "")
    before = imported(environment)
    assert (before["inner"], before["outer"], before["late"], before["innocent"]) == (1, 1, 1, 2)  # one restart
    again = Runs(runs.path, runs.kept)
    try:
        assert lines(again.start(script, python=python)) == ["['innocent']"]
    finally:
        again.executor.close()
    assert imported(environment) - before == {"innocent": 1}  # another emulator needs no restart


def test_a_thread_that_its_owner_can_do_without_excludes_nothing(runs: Runs, python: str) -> None:
    script = "import sys\nprint('purges' in sys.modules)\nif False:\n    import purges"
    assert lines(runs.start(script, python=python)) == ["True"]


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


def test_a_changed_package_is_imported_anew(runs: Runs, python: str, environment: Path) -> None:
    (module,) = environment.glob("lib/*/site-packages/good.py")
    script = "import good; print(good.version)"
    assert lines(runs.start(script, python=python)) == ["1"]
    module.write_text("version = 2222")
    for _ in range(2):
        folder = runs.start(script, python=python)
        assert lines(folder) == ["2222"]
    assert why_not_forked(folder) == ""
