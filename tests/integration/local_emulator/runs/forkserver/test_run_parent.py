"""A forked program ends as an executed one does, whoever is killed or stopped, and leaves nothing behind."""
# ruff: noqa: E501 - a script is one line here

import os
import signal
from pathlib import Path

import pytest

from local_emulator.runs.process import _holders
from local_emulator.runs.run import Cause, RunState
from tests.conftest import until
from tests.integration.local_emulator.runs.forkserver.running import Runs, end, lines, marked, own_process, why_not_forked

SLEEPS = "import os, subprocess, time; subprocess.Popen(['sleep', '601']); print(os.getpid(), flush=True); time.sleep(600)"


def parent_of(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1])


def test_stops_and_deadlines(runs: Runs) -> None:
    trap = "import signal, sys, os, time\nsignal.signal(15, lambda *a: (print('term'), sys.exit(4)))\nprint(os.getpid(), flush=True)\ntime.sleep(600)"
    folder = runs.start(trap)
    own_process(folder)
    runs.executor.stop(folder.path)
    assert (lines(folder)[1:], end(folder).cause, end(folder).code) == (["term"], Cause.STOP, 4)
    late = runs.start(SLEEPS, max_runtime=0.5, stop_grace=0.2)
    assert (end(late).cause, end(late).code) == (Cause.MAX_RUNTIME, 128 + signal.SIGTERM)
    assert marked(late.load_run().id) == []


@pytest.mark.parametrize("victim", ["program", "run parent", "supervisor", "all"])
def test_nothing_is_left_whoever_dies(runs: Runs, victim: str) -> None:
    folder = runs.start(SLEEPS)
    program, run = own_process(folder), folder.load_run().id
    assert program in marked(run)
    assert len(marked(run)) == 3  # its run parent, itself, and what it has started
    if victim == "all":
        assert runs.executor.kill(folder.path)
    else:
        (supervisor,) = _holders(folder.lock)
        victims = {"program": program, "run parent": parent_of(program), "supervisor": supervisor}
        os.kill(victims[victim], signal.SIGKILL)
    until(lambda: folder.state() is not RunState.RUNNING)
    if victim in {"program", "run parent"}:
        assert (end(folder).cause, end(folder).code) == (Cause.EXIT, 128 + signal.SIGKILL)
    else:
        assert folder.state() is RunState.LOST
        runs.executor.kill(folder.path)
    assert marked(run) == []


def test_a_program_that_stops_its_run_parent_ends_all_the_same(runs: Runs) -> None:
    script = "import os, signal\nprint(os.getpid(), flush=True)\nos.kill(os.getppid(), signal.SIGSTOP)\nprint('x=1')"
    folder = runs.start(script)
    program = own_process(folder)
    assert lines(folder) == [str(program), "x=1"]
    assert (end(folder).cause, end(folder).code, why_not_forked(folder)) == (Cause.EXIT, 0, "")
    assert marked(folder.path.name) == []


def test_a_run_outlives_its_server(tmp_path: Path) -> None:
    runs = Runs(tmp_path, tmp_path)
    folder = runs.start("import os, time; print(os.getpid(), flush=True); time.sleep(0.5); print('x=1')")
    own_process(folder)
    runs.executor.close()
    assert lines(folder)[1:] == ["x=1"]
    assert (end(folder).cause, end(folder).code, why_not_forked(folder)) == (Cause.EXIT, 0, "")
