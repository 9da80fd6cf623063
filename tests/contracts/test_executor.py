"""The laws of an executor: a run happens at most once, ends when asked, leaves nothing behind, and its end is told truthfully."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local_emulator.runs import mounts
from local_emulator.runs.folder import RunFolder, read_metrics
from local_emulator.runs.run import Cause, RunState
from tests.conftest import until
from tests.contracts.executors import Containers, Kind, Limits, OnCluster, Processes, SeveralHosts, supervisors
from tests.integration.local_emulator.dask.cluster import Cluster

pytestmark = [pytest.mark.processes, pytest.mark.slow(17)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler and one worker with four threads."""
    cluster = Cluster(tmp_path_factory.mktemp("cluster"), hidden=tmp_path_factory.mktemp("hidden"), threads=4)
    try:
        yield cluster.start(workers=1)
    finally:
        cluster.end()


@pytest.fixture(params=["process", "hosts", "container", "dask"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kind]:
    make: dict[str, Callable[[], Kind]] = {
        "process": lambda: Processes(tmp_path),
        "hosts": lambda: SeveralHosts(tmp_path),
        "container": lambda: request.getfixturevalue("docker") and Containers(tmp_path),
        "dask": lambda: OnCluster(tmp_path, scheduler=request.getfixturevalue("cluster").address),
    }
    kind = make[request.param]()
    yield kind
    kind.executor.close()


def values(folder: RunFolder) -> list[float]:
    return [observation.value for observation in read_metrics(folder, 0)[0]]


def test_code_output_and_metrics(kind: Kind) -> None:
    folder = kind.start("import sys\nfor i in range(1000): print(f'x={i}')\nprint('x=0.5', end=''); sys.exit(3)")
    end = kind.ended(folder)
    assert (end.cause, end.code) == (Cause.EXIT, 3)
    seen, offset = read_metrics(folder, 0)
    assert [observation.value for observation in seen] == [*map(float, range(1000)), 0.5]
    assert [observation.seq for observation in seen] == list(range(1, 1002))
    assert read_metrics(folder, offset) == ([], offset)


def test_death_by_signal(kind: Kind) -> None:
    # In a container the script is process 1, which its own signals do not end.
    assert kind.ended(kind.start("import os, sys; sys.exit(139) if os.getpid() == 1 else os.kill(os.getpid(), 11)")).code == 139


def test_what_cannot_start_is_told(kind: Kind) -> None:
    end = kind.ended(kind.start_program(["/no/such/program"]))
    assert end.cause is Cause.START
    assert end.message.startswith("ClientError: ")
    assert "/no/such/program" in end.message
    assert "no such file or directory" in end.message.lower()


def test_stop_lets_the_program_end_well(kind: Kind) -> None:
    folder = kind.start(
        "import signal, sys, time\nsignal.signal(15, lambda *_: (print('x=7'), sys.exit(0)))\nprint('x=1')\ntime.sleep(600)"
    )
    until(lambda: values(folder))
    for _ in range(2):
        kind.executor.stop(folder.path)
    end = kind.ended(folder)
    assert (end.cause, end.code, values(folder)) == (Cause.STOP, 0, [1.0, 7.0])


def test_an_interruption_is_told_as_one(kind: Kind) -> None:
    folder = kind.start("import signal, sys, time\nsignal.signal(15, lambda *_: sys.exit(0))\nprint('x=1')\ntime.sleep(600)")
    until(lambda: values(folder))
    kind.executor.stop(folder.path, interrupt=True)
    assert kind.ended(folder).cause is Cause.INTERRUPT


def test_stop_kills_what_does_not_listen(kind: Kind) -> None:
    folder = kind.start(
        "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('x=1')\ntime.sleep(600)", limits=Limits(stop_grace=0.3)
    )
    until(lambda: values(folder))
    kind.executor.stop(folder.path)
    end = kind.ended(folder)
    assert (end.cause, end.code) == (Cause.STOP, 137)
    assert kind.left(folder.path.name) == []


def test_stop_before_the_start(kind: Kind) -> None:
    folder = kind.new_folder()
    folder.make()
    kind.executor.stop(folder.path)
    kind.start("print('x=1')", folder)
    assert kind.ended(folder).cause is Cause.STOP
    assert values(folder) == []


def test_max_runtime(kind: Kind) -> None:
    # A container's process 1 has to ask for SIGTERM to hear it: this one does not.
    assert (
        kind.ended(kind.start("import time; time.sleep(600)", limits=Limits(max_runtime=0.3, stop_grace=0.3))).cause
        is Cause.MAX_RUNTIME
    )


def test_a_file_larger_than_the_volume_cannot_be_written(kind: Kind) -> None:
    end = kind.ended(kind.start("open('/tmp/large', 'wb').truncate((1 << 30) + 1)"))
    assert (end.cause, end.code) in {(Cause.EXIT, 1), (Cause.EXIT, 128 + signal.SIGXFSZ)}


def test_daemons_are_ended_too(kind: Kind) -> None:
    folder = kind.start(
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(600)\n    os._exit(0)\nprint('x=1')"
    )
    assert kind.ended(folder).code == 0
    assert kind.left(folder.path.name) == []


def test_it_happens_at_most_once(kind: Kind) -> None:
    folder = kind.new_folder()
    run = kind.run([kind.python, "-uc", "print('x=1')\nimport time; time.sleep(0.3)"], folder)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: kind.executor.start(run), range(20)))
    kind.ended(folder)
    kind.executor.start(run)
    other = kind.start("print('x=2')")
    assert (kind.ended(other).code, values(other)) == (0, [2.0])  # the executor has come that far
    assert values(folder) == [1.0]


def test_a_run_whose_supervisor_is_killed_is_lost_and_leaves_nothing(kind: Kind) -> None:
    folder = kind.start("import os, time\nif os.fork() == 0: os.setsid()\nprint('x=1')\ntime.sleep(600)")
    until(lambda: len(values(folder)) == 2)
    for process in supervisors(folder.path.name):
        os.kill(process, signal.SIGKILL)
    until(lambda: kind.executor.state(folder.path) is RunState.LOST)
    kind.executor.kill(folder.path)
    until(lambda: kind.left(folder.path.name) == [])


def test_kill_ends_a_run_at_once(kind: Kind) -> None:
    folder = kind.start("print('x=1')\nimport time; time.sleep(600)")
    until(lambda: values(folder))
    assert kind.executor.kill(folder.path)
    assert kind.executor.state(folder.path) is RunState.LOST
    assert not kind.executor.kill(folder.path)
    until(lambda: kind.left(folder.path.name) == [])


def test_there_is_nothing_to_kill_of_a_run_that_has_ended(kind: Kind) -> None:
    folder = kind.start("print('x=1')")
    assert kind.ended(folder).code == 0
    assert not kind.executor.kill(folder.path)
    assert kind.executor.state(folder.path) is RunState.EXITED


def test_runs_outlive_their_executor_and_another_one_finds_them(kind: Kind) -> None:
    folder = kind.start("print('x=1')\nimport time; time.sleep(1)\nprint('x=2')")
    until(lambda: values(folder))
    kind.executor.close()
    kind.executor = kind.make()
    assert kind.executor.state(folder.path) is RunState.RUNNING
    assert (kind.ended(folder).code, values(folder)) == (0, [1.0, 2.0])
    assert kind.executor.state(folder.path) is RunState.EXITED


def test_another_executor_kills_a_run_of_the_first(kind: Kind) -> None:
    folder = kind.start("print('x=1')\nimport time; time.sleep(600)")
    until(lambda: values(folder))
    kind.executor.close()
    kind.executor = kind.make()
    assert kind.executor.kill(folder.path)
    assert kind.executor.state(folder.path) is RunState.LOST
    until(lambda: kind.left(folder.path.name) == [])


def test_opt_ml_is_private(kind: Kind, tmp_path: Path) -> None:
    reason = mounts.available(tmp_path).why_not_private
    if not isinstance(kind, Containers) and reason is not None:
        pytest.skip(f"no private mounts here: {reason}")
    script = "import time; open('/opt/ml/own', 'w').write('{0}'); time.sleep(0.3); print('x=' + open('/opt/ml/own').read())"
    folders = [kind.start(script.format(number)) for number in (1, 2)]
    assert [kind.ended(folder).code for folder in folders] == [0, 0]
    assert [values(folder) for folder in folders] == [[1.0], [2.0]]
    assert not Path("/opt/ml/own").exists()
