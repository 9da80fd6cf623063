"""Stop and limits hold in every phase of a run, whatever its program has left to be done."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local_emulator.domain.jobs import MetricDefinition
from local_emulator.runs.data.log import read_tail
from local_emulator.runs.folder import RunFolder, read_metrics
from local_emulator.runs.process import ProcessExecutor
from local_emulator.runs.program import ExecutedProgram
from local_emulator.runs.programs import HostedProgram
from local_emulator.runs.run import Cause, Command, Exit, Run, RunState
from tests.conftest import until

SPARSE = "import os; file = open(os.environ['ML'] + '/model/weights', 'wb'); file.truncate(1 << 34); file.close()"


@pytest.fixture
def executor() -> Iterator[ProcessExecutor]:
    running = ProcessExecutor(wakeup=None)
    yield running
    running.close()


@pytest.fixture
def start(executor: ProcessExecutor, tmp_path: Path) -> Callable[..., RunFolder]:
    def begin(script: str, **settings: object) -> RunFolder:
        folder = RunFolder(tmp_path / "runs" / os.urandom(4).hex())
        (folder.ml / "model").mkdir(parents=True)
        run = Run(
            id=folder.path.name,
            folder=folder.path,
            program=Command(argv=(sys.executable, "-c", script)),
            env={"ML": str(folder.ml)},
            disk_floor=0,
            **settings,  # type: ignore[arg-type] # a test's own settings
        )
        executor.start(run)
        return folder

    return begin


def ended(folder: RunFolder) -> Exit:
    until(lambda: folder.state() in {RunState.EXITED, RunState.LOST})
    exit_ = folder.read_exit()
    assert exit_ is not None
    return exit_


def packing(folder: RunFolder) -> bool:
    return any(folder.path.glob(".model.tar.gz.*"))


def definitions(*regexes: str) -> tuple[MetricDefinition, ...]:
    return tuple(MetricDefinition(name=f"m{number}", regex=regex) for number, regex in enumerate(regexes))


def test_stop_is_heard_while_metrics_are_looked_for(start: Callable[..., RunFolder], executor: ProcessExecutor) -> None:
    slow = [rf"^{letter}*a*a*a*a*!" for letter in "abcd"]
    script = "for number in range(1500): print('a' * 150)\nprint('good=1', flush=True)\nimport time; time.sleep(600)"
    folder = start(script, metrics=definitions(*slow, "good=([0-9])"), stop_grace=0.5)
    until(lambda: "good=1" in [line.text for line in read_tail(folder)])
    begun = time.monotonic()
    executor.stop(folder.path)
    assert ended(folder).cause is Cause.STOP
    assert time.monotonic() - begun < 30  # all of it would take minutes


def test_slow_expressions_are_disabled_and_good_ones_lose_nothing(start: Callable[..., RunFolder]) -> None:
    script = "for number in range(300): print('a' * 30, 'good=%d' % number)"
    folder = start(script, metrics=definitions("^(a|a)*$", "good=([0-9]+)"))
    assert ended(folder).code == 0
    assert [seen.value for seen in read_metrics(folder, 0)[0]] == list(range(300))
    lines = [line.text for line in read_tail(folder)]
    assert "[sm-tuning: the regular expression of metric 'm0' is too slow or too large and is not used any more]" in lines


@pytest.mark.parametrize(
    ("script", "values"),
    [
        # Twenty updates of Keras's progress bar: it goes back by as many \b as it has printed.
        (
            "for n in range(20): print('\\b' * 400 + f'{n}/20 [' + '=' * 380 + f'] - val_loss: 0.{n:02}', end='')\nprint()",
            [n / 100 for n in range(20)],
        ),
        # Three hundred steps of tqdm's, each after \r, none after a newline.
        ("for n in range(300): print('\\r' + f'{n}%|' + '#' * 90 + f'| val_loss: {n}.5', end='')", [n + 0.5 for n in range(300)]),
        # One line of JSON.
        ("import json; print(json.dumps({'w': list(range(40000))}) + ' val_loss: 0.5')", [0.5]),
        ("print('x' * 300_000 + ' val_loss: 0.5')", [0.5]),
    ],
    ids=["keras", "tqdm", "json", "longer than an event"],
)
def test_metrics_wherever_they_stand(script: str, values: list[float], start: Callable[..., RunFolder]) -> None:
    folder = start(script, metrics=definitions(r"val_loss: ([0-9\.]+)"))
    assert ended(folder).code == 0
    assert [seen.value for seen in read_metrics(folder, 0)[0]] == pytest.approx(values)


def test_stop_ends_packing_after_its_grace(start: Callable[..., RunFolder], executor: ProcessExecutor) -> None:
    folder = start(SPARSE, stop_grace=0.3)
    until(lambda: packing(folder))
    executor.stop(folder.path)
    outcome = ended(folder)
    assert (outcome.cause, outcome.code, outcome.model) == (Cause.STOP, 0, False)
    assert not packing(folder)


def test_max_runtime_ends_packing(start: Callable[..., RunFolder]) -> None:
    folder = start(SPARSE, stop_grace=0.1, max_runtime=5.0)
    until(lambda: packing(folder))
    outcome = ended(folder)
    assert (outcome.cause, outcome.model) == (Cause.MAX_RUNTIME, False)


def test_a_failure_stays_one_when_packing_is_stopped(start: Callable[..., RunFolder], executor: ProcessExecutor) -> None:
    folder = start(SPARSE + "; os._exit(3)", stop_grace=0.1)
    until(lambda: packing(folder))
    executor.stop(folder.path)
    outcome = ended(folder)
    assert (outcome.cause, outcome.code, outcome.model) == (Cause.EXIT, 3, False)


def test_sparse_files_count_against_the_volume(start: Callable[..., RunFolder]) -> None:
    two = "\n".join(SPARSE.replace("weights", name).replace("1 << 34", "3 << 31") for name in ("a", "b"))
    outcome = ended(start(two, disk_limit=1 << 33))
    assert outcome.message.startswith("ClientError: Artifact upload failed: No space left on device: ")
    assert not outcome.model


def test_a_model_is_packed_in_the_grace_of_a_stop(start: Callable[..., RunFolder], executor: ProcessExecutor) -> None:
    script = (
        "import os, signal, sys, time\n"
        "def save(*_):\n    open(os.environ['ML'] + '/model/m', 'w').write('model'); sys.exit(0)\n"
        "signal.signal(15, save)\nprint('x=1', flush=True)\ntime.sleep(600)"
    )
    folder = start(script, metrics=definitions("x=([0-9])"))
    until(lambda: bool(read_metrics(folder, 0)[0]))
    executor.stop(folder.path)
    outcome = ended(folder)
    assert (outcome.cause, outcome.model) == (Cause.STOP, True)
    assert json.loads(folder.exit.read_text())["model"] is True


def test_values_that_come_in_bursts_wake_the_emulator_now_and_then(tmp_path: Path) -> None:
    fifo = tmp_path / "wakeup"
    os.mkfifo(fifo)
    reading = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    executor = ProcessExecutor(wakeup=fifo)
    folder = RunFolder(tmp_path / "runs" / "burst")
    go = tmp_path / "go"
    script = (
        "import os, time\nfor number in range(200): print(f'm={number}', flush=True); time.sleep(0.001)\n"
        f"while not os.path.exists({str(go)!r}): time.sleep(0.01)\n"
    )
    run = Run(
        id="burst",
        folder=folder.path,
        program=Command(argv=(sys.executable, "-c", script)),
        metrics=definitions("m=([0-9]+)"),
        simple_metrics=True,
        disk_floor=0,
    )
    begun = time.monotonic()
    executor.start(run)
    notices = 0

    def last_value_is_told() -> bool:
        nonlocal notices
        try:
            notices += os.read(reading, 65536).count(b"burst\n")
        except BlockingIOError:
            return False
        values = read_metrics(folder, 0)[0]
        return bool(values) and values[-1].value == 199.0

    until(last_value_is_told)  # while the program goes on
    assert folder.state() is RunState.RUNNING
    assert 1 <= notices <= (time.monotonic() - begun) / 0.05 + 2
    go.touch()
    assert ended(folder).code == 0
    until(lambda: bool(os.read(reading, 65536)))
    executor.close()
    os.close(reading)


def test_the_most_memory_of_a_program_is_kept(start: Callable[..., RunFolder]) -> None:
    assert 150 << 20 < (ended(start("kept = bytearray(b'x') * (150 << 20); del kept")).memory[0] or 0) < 280 << 20


def test_memory_that_several_processes_share_counts_once(tmp_path: Path) -> None:
    """The kernel tells of the largest process alone; so what several take together is looked at while they run."""
    alone = "kept = bytearray(b'x') * (100 << 20)"
    script = f"import os\n{alone}\nif not os.fork(): {alone}\nprint('ready', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == [b"ready\n"] * 2
        program = HostedProgram(
            Run(id="a", folder=tmp_path, program=Command(argv=())), 0, ExecutedProgram(process.pid), process.stdout.fileno()
        )
        program.measure()
        os.close(program.process)
        assert 200 << 20 < (program.peak or 0) < 300 << 20
        process.stdin.write(b"\n\n")
