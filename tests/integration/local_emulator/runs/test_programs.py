"""The programs of a run on several hosts: what each leaves behind ends with it, and the failure of one ends all."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from local_emulator.domain.jobs import MetricDefinition
from local_emulator.runs import memory, mounts, programs
from local_emulator.runs.data.log import read_tail
from local_emulator.runs.folder import RunFolder, read_metrics
from local_emulator.runs.process import ProcessExecutor
from local_emulator.runs.program import ExecutedProgram
from local_emulator.runs.programs import HostedProgram
from local_emulator.runs.run import Cause, Command, Container, HostProgram, Run
from tests.conftest import until
from tests.contracts.executors import marked
from tests.integration.local_emulator.runs.test_supervisor import ended

METRICS = (MetricDefinition(name="x", regex="x=([0-9.]+)"),)


@pytest.fixture
def executor() -> Iterator[ProcessExecutor]:
    running = ProcessExecutor(wakeup=None)
    yield running
    running.close()


@pytest.fixture
def start(executor: ProcessExecutor, tmp_path: Path) -> Callable[..., RunFolder]:
    reason = mounts.available(tmp_path).why_not_private
    if reason is not None:
        pytest.skip(f"no private mounts here: {reason}")

    def begin(*scripts: str) -> RunFolder:
        folder = RunFolder(tmp_path / "runs" / os.urandom(4).hex())
        names = [f"algo-{number}" for number, _ in enumerate(scripts, 1)]
        for name in names:
            (folder.host(name).ml / "model").mkdir(parents=True)
        programs = [Command(argv=(sys.executable, "-uc", script)) for script in scripts]
        hosts = tuple(HostProgram(name=name, program=program) for name, program in zip(names, programs, strict=True))
        run = Run(
            id=folder.path.name,
            folder=folder.path,
            program=programs[0],
            hosts=hosts,
            metrics=METRICS,
            disk_floor=0,
            opt_ml=True,
            stop_grace=60.0,
        )
        executor.start(run)
        return folder

    return begin


def log(folder: RunFolder, host: str) -> list[str]:
    return [line.text for line in read_tail(folder.host(host))]


LISTEN = """
import socket
server = socket.create_server((socket.gethostname(), 7777))
print("listens")
connection, _ = server.accept()
print("heard", connection.recv(100).decode(), socket.gethostbyname("algo-2"))
"""
SPEAK = """
import socket, time
while True:
    try:
        connection = socket.create_connection(("algo-1", 7777))
    except ConnectionRefusedError:
        time.sleep(0.02)
        continue
    connection.send(socket.gethostname().encode())
    break
"""


def test_hosts_find_one_another_and_two_runs_do_not_meet(start: Callable[..., RunFolder]) -> None:
    folders = [start(LISTEN, SPEAK), start(LISTEN, SPEAK)]
    assert [ended(folder).code for folder in folders] == [0, 0]
    addresses = [log(folder, "algo-1")[1].rpartition(" ") for folder in folders]
    assert {said for said, _, _ in addresses} == {"heard algo-2"}
    assert len({address for _, _, address in addresses}) == 2


def test_one_hosts_failure_ends_the_others(start: Callable[..., RunFolder]) -> None:
    asked = "import os, signal, sys, time; signal.signal(15, lambda *_: sys.exit(print('asked to end')))"
    listens = (
        f"{asked}; os.write(1, b'x=1\\n'); time.sleep(600)"  # in one piece: `print` may be interrupted before the line's end
    )
    folder = start(listens, "import sys; print('x=2'); sys.exit(3)", "import time; print('x=3'); time.sleep(600)")
    end = ended(folder)
    assert (end.cause, end.code, end.host) == (Cause.EXIT, 3, "algo-2")
    assert "x=2" in log(folder, "algo-2")
    assert log(folder, "algo-1") in (["x=1", "asked to end"], []), "it was asked, if it had begun"
    assert marked(folder.path.name) == []


def test_only_the_container_that_failed_first_says_why(executor: ProcessExecutor, tmp_path: Path) -> None:
    """Commands stand in for the containers: one fails by itself, the other cannot end as it is asked to."""
    folder = RunFolder(tmp_path / "runs" / "run")
    error, ready = folder.host("algo-2").container_error, tmp_path / "ready"
    fails = f"while [ ! -e {ready} ]; do sleep 0.02; done; exit 3"
    loses_its_engine = f"""trap 'echo {{\\"cause\\": \\"engine\\", \\"message\\": \\"away\\"}} > {error}; exit 125' TERM
        touch {ready}; while true; do sleep 0.02; done"""
    programs = {"algo-1": fails, "algo-2": loses_its_engine}
    hosts = tuple(HostProgram(name=name, program=Command(argv=("sh", "-c", text))) for name, text in programs.items())
    run = Run(id="run", folder=folder.path, program=Container(image="any"), hosts=hosts, disk_floor=0, stop_grace=60.0)
    executor.start(run)
    end = ended(folder)
    assert error.exists()
    assert (end.cause, end.code, end.host, end.message) == (Cause.EXIT, 3, "algo-1", "")


def test_a_hosts_end_ends_its_own_processes_and_no_others(start: Callable[..., RunFolder], tmp_path: Path) -> None:
    daemon = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(600)\n"
    ready = tmp_path / "ready"
    waits = f"{daemon}print('x=1')\nwhile not os.path.exists({str(ready)!r}): time.sleep(0.02)"
    folder = start(daemon + "print('x=2')", waits)
    until(lambda: len(read_metrics(folder, 0)[0]) == 2 and len(marked(folder.path.name)) == 2)
    assert folder.read_exit() is None
    ready.touch()
    assert ended(folder).code == 0
    assert marked(folder.path.name) == []


def test_all_hosts_values_are_one_series_and_their_last_lines_are_kept(start: Callable[..., RunFolder]) -> None:
    folder = start(*(f"for i in range(100): print(f'x={{i}}')\nprint('x={number}', end='')" for number in (1000, 2000)))
    assert ended(folder).code == 0
    observations, _ = read_metrics(folder, 0)
    assert [observation.seq for observation in observations] == list(range(1, 203))
    assert {1000.0, 2000.0} <= {observation.value for observation in observations}
    assert [log(folder, host)[-1] for host in ("algo-1", "algo-2")] == ["x=1000", "x=2000"]


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[HostedProgram]:
    with subprocess.Popen(["sleep", "600"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        run = Run(id="a", folder=tmp_path, program=Command(argv=()))
        program = HostedProgram(run, 0, ExecutedProgram(process.pid), process.stdout.fileno())
        yield program
        os.close(program.process)
        process.kill()


def test_the_memory_of_a_process_without_others_is_not_known_before_its_end(hosted: HostedProgram) -> None:
    hosted.measure()
    assert hosted.peak is None


def test_memory_that_takes_long_to_look_at_is_looked_at_seldom(hosted: HostedProgram, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second a look, for tens of gigabytes: more than one in ten seconds would hold up the log and the limits."""
    now, looks = 100.0, []

    def of_several(_: int) -> int:
        nonlocal now
        looks.append(now)
        now += 0.5
        return len(looks)

    monkeypatch.setattr(memory, "of_several", of_several)
    monkeypatch.setattr(programs, "time", SimpleNamespace(monotonic=lambda: now))
    while now < 130.0:
        hosted.measure()
        now += 1.0
    assert looks == [100.0, 110.5, 121.0]
    assert hosted.peak == len(looks)
