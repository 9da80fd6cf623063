"""The laws of an executor: a run happens at most once, ends when asked, leaves nothing behind, and tells the truth."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local_emulator.domain.jobs import MetricDefinition
from local_emulator.runs import mounts
from local_emulator.runs.folder import RunFolder, read_metrics
from local_emulator.runs.process import ProcessExecutor, _holders
from local_emulator.runs.run import Cause, Command, Exit, Run, RunState
from local_emulator.runs.supervisor import MARKER

Start = Callable[..., RunFolder]


@pytest.fixture
def executor() -> Iterator[ProcessExecutor]:
    one = ProcessExecutor(bell=None)
    yield one
    one.close()


@pytest.fixture
def start(executor: ProcessExecutor, tmp_path: Path) -> Start:
    count = iter(range(100))

    def begin(script: str, **settings: object) -> RunFolder:
        folder = RunFolder(tmp_path / f"run-{next(count)}")
        (folder.ml / "model").mkdir(parents=True)
        (folder.ml / "output" / "data").mkdir(parents=True)
        command = Command(argv=(sys.executable, "-c", script))
        run = Run(
            id=folder.path.name + os.urandom(4).hex(),
            folder=folder.path,
            program=settings.pop("program", command),  # type: ignore[arg-type] # a test's own settings
            env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"},
            metrics=(MetricDefinition(name="x", regex="x=([0-9.]+)"),),
            disk_floor=0,
            **settings,  # type: ignore[arg-type] # a test's own settings
        )
        executor.start(run)
        return folder

    return begin


def until(true: Callable[[], bool], within: float = 30.0) -> None:
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.01)


def ended(folder: RunFolder) -> Exit:
    until(lambda: folder.state() in {RunState.EXITED, RunState.LOST})
    found = folder.read_exit()
    assert found is not None
    return found


def marked(run: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"{MARKER}={run}".encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_code_output_and_metrics(start: Start) -> None:
    script = (
        "import sys; open('ml/model/m', 'w').write('w')\n"
        "for i in range(1000): print(f'x={i}')\n"
        "print('x=0.5', end=''); sys.exit(3)"
    )
    folder = start(script)
    told = ended(folder)
    assert (told.cause, told.code, told.model, told.output) == (Cause.EXIT, 3, True, False)
    seen, offset = read_metrics(folder, 0)
    assert [one.value for one in seen] == [*map(float, range(1000)), 0.5]
    assert [one.seq for one in seen] == list(range(1, 1002))
    assert read_metrics(folder, offset) == ([], offset)


def test_death_by_signal(start: Start) -> None:
    assert ended(start("import os; os.kill(os.getpid(), 11)")).code == 139


def test_what_cannot_start_is_told(start: Start) -> None:
    told = ended(start("", program=Command(argv=("/no/such/program",))))
    assert (told.cause, told.code) == (Cause.START, 127)
    assert "/no/such/program: No such file or directory" in told.message


def test_stop_lets_the_program_end_well(start: Start, executor: ProcessExecutor) -> None:
    script = "import signal, sys, time\nsignal.signal(15, lambda *_: (print('x=7'), sys.exit(0)))\nprint('x=1')\ntime.sleep(60)"
    folder = start(script)
    until(lambda: bool(read_metrics(folder, 0)[0]))
    executor.stop(folder.path)
    executor.stop(folder.path)
    told = ended(folder)
    assert (told.cause, told.code) == (Cause.STOP, 0)
    assert read_metrics(folder, 0)[0][-1].value == 7.0


def test_stop_kills_what_does_not_listen(start: Start, executor: ProcessExecutor) -> None:
    folder = start("import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('x=1')\ntime.sleep(60)", stop_grace=0.3)
    until(lambda: bool(read_metrics(folder, 0)[0]))
    executor.stop(folder.path)
    assert ended(folder).code == 137


def test_stop_before_the_start(executor: ProcessExecutor, start: Start, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run-0")
    folder.path.mkdir()
    executor.stop(folder.path)
    assert start("print('x=1')") == folder
    assert ended(folder).cause is Cause.STOP
    assert list(read_metrics(folder, 0)[0]) == []


def test_max_runtime(start: Start) -> None:
    assert ended(start("import time; time.sleep(60)", max_runtime=0.3)).cause is Cause.MAX_RUNTIME


def test_a_full_disk_ends_it(start: Start) -> None:
    told = ended(start("import time\nopen('ml/model/m', 'wb').write(b'x' * 3_000_000)\ntime.sleep(60)", disk_limit=2**21))
    assert told.code != 0


def test_daemons_are_ended_too(start: Start) -> None:
    daemon = "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(60)\n    os._exit(0)\n"
    script = f"import os, time\n{daemon}print('x=1')"
    folder = start(script)
    assert ended(folder).code == 0
    assert marked(folder.load_run().id) == []


def test_it_happens_at_most_once(start: Start, executor: ProcessExecutor, tmp_path: Path) -> None:
    folder = start(f"open({str(tmp_path / 'count')!r}, 'a').write('x'); import time; time.sleep(0.3)")
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: executor._hand_over(folder.path), range(20)))
    ended(folder)
    executor.start(folder.load_run())
    time.sleep(0.3)
    assert (tmp_path / "count").read_text() == "x"


def test_killed_supervisor_is_lost_and_takes_its_program_along(start: Start, executor: ProcessExecutor) -> None:
    script = "import os, time\nif os.fork() == 0: os.setsid()\nprint('x=1')\ntime.sleep(60)"
    folder = start(script)
    until(lambda: len(read_metrics(folder, 0)[0]) == 2)
    for process in _holders(folder.lock):
        os.kill(process, signal.SIGKILL)
    until(lambda: folder.state() is RunState.LOST)
    run = folder.load_run()
    executor.kill_strays(run.id)
    assert marked(run.id) == []


def test_runs_survive_the_spawner_and_the_executor(start: Start, executor: ProcessExecutor) -> None:
    folder = start("import time; time.sleep(0.5); print('x=1')")
    until(lambda: folder.state() is RunState.RUNNING)
    assert executor._spawner is not None
    executor._spawner.kill()
    executor._spawner.wait()
    assert ended(start("print('x=2')")).code == 0
    executor.close()
    assert ended(folder).code == 0
    assert read_metrics(folder, 0)[0][0].value == 1.0


def test_kill_ends_a_run_at_once(start: Start, executor: ProcessExecutor) -> None:
    folder = start("print('x=1')\nimport time; time.sleep(60)")
    until(lambda: bool(read_metrics(folder, 0)[0]))
    assert executor.kill(folder.path)
    assert folder.state() is RunState.LOST
    assert not executor.kill(folder.path)


def test_opt_ml_is_private(start: Start) -> None:
    reason = mounts.available()
    if reason is not None:
        pytest.skip(f"no private mounts here: {reason}")
    script = (
        "import time; open('/opt/ml/model/m', 'w').write('{0}'); time.sleep(0.3); print('x=' + open('/opt/ml/model/m').read())"
    )
    folders = [start(script.format(number), opt_ml=True) for number in (1, 2)]
    assert [ended(folder).code for folder in folders] == [0, 0]
    assert [read_metrics(folder, 0)[0][0].value for folder in folders] == [1.0, 2.0]
    assert not Path("/opt/ml/model").exists()
