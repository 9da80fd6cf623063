"""The laws of an executor: a run happens at most once, ends when asked, leaves nothing behind, and tells the truth."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local_emulator.domain.jobs import MetricDefinition
from local_emulator.runs import mounts
from local_emulator.runs.data.log import read_tail
from local_emulator.runs.folder import EvidenceError, RunFolder, read_metrics
from local_emulator.runs.process import ProcessExecutor, _holders, living
from local_emulator.runs.run import Cause, Command, Container, Exit, Run, RunState
from local_emulator.runs.supervisor import MARKER
from tests.conftest import BASE_IMAGE, Engine

pytestmark = pytest.mark.processes

Start = Callable[..., RunFolder]


@pytest.fixture
def executor() -> Iterator[ProcessExecutor]:
    one = ProcessExecutor(wakeup=None)
    yield one
    one.close()


@pytest.fixture(params=["process", "container"])
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "container":
        request.getfixturevalue("docker")
    return str(request.param)


@pytest.fixture
def start(kind: str, executor: ProcessExecutor, tmp_path: Path) -> Start:
    """Starts a script, as a process or in a container; it finds its folder in ML."""

    def begin(script: str, *, folder: RunFolder | None = None, **settings: object) -> RunFolder:
        folder = folder or RunFolder(tmp_path / "runs" / os.urandom(16).hex())
        (folder.ml / "model").mkdir(parents=True)
        (folder.ml / "output" / "data").mkdir(parents=True)
        program: Command | Container = Command(argv=(sys.executable, "-c", script))
        if kind == "container":
            program = Container(image=BASE_IMAGE, argv=("python3", "-c", script))
        run = Run(
            id=folder.path.name,
            folder=folder.path,
            program=settings.pop("program", program),  # type: ignore[arg-type] # a test's own settings
            env={"PYTHONUNBUFFERED": "1", "ML": "/opt/ml" if kind == "container" else str(folder.ml)},
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


def containers(kind: str) -> list[str]:
    """Names of all containers there are."""
    if kind == "process":
        return []
    listed = subprocess.run(["docker", "ps", "--all", "--format", "{{.Names}}"], capture_output=True, text=True, check=True)
    return listed.stdout.split()


def test_code_output_and_metrics(start: Start) -> None:
    script = (
        "import os, sys; open(os.environ['ML'] + '/model/m', 'w').write('w')\n"
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
    # In a container the script is process 1, which its own signals do not end.
    assert ended(start("import os, sys; sys.exit(139) if os.getpid() == 1 else os.kill(os.getpid(), 11)")).code == 139


def test_what_cannot_start_is_told(start: Start, kind: str) -> None:
    argv = ("/no/such/program",)
    told = ended(start("", program=Command(argv=argv) if kind == "process" else Container(image=BASE_IMAGE, argv=argv)))
    assert told.cause is Cause.START
    assert told.message.startswith("ClientError: ")
    assert "/no/such/program" in told.message
    assert "no such file or directory" in told.message.lower()


def test_stop_lets_the_program_end_well(start: Start, executor: ProcessExecutor) -> None:
    script = "import signal, sys, time\nsignal.signal(15, lambda *_: (print('x=7'), sys.exit(0)))\nprint('x=1')\ntime.sleep(60)"
    folder = start(script)
    until(lambda: bool(read_metrics(folder, 0)[0]))
    executor.stop(folder.path)
    executor.stop(folder.path)
    told = ended(folder)
    assert (told.cause, told.code) == (Cause.STOP, 0)
    assert read_metrics(folder, 0)[0][-1].value == 7.0


def test_stop_kills_what_does_not_listen(start: Start, executor: ProcessExecutor, kind: str) -> None:
    folder = start("import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('x=1')\ntime.sleep(60)", stop_grace=0.3)
    until(lambda: bool(read_metrics(folder, 0)[0]))
    executor.stop(folder.path)
    assert ended(folder).code == 137
    assert containers(kind) == []


def test_stop_before_the_start(executor: ProcessExecutor, start: Start, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs" / os.urandom(16).hex())
    folder.make()
    executor.stop(folder.path)
    start("print('x=1')", folder=folder)
    assert ended(folder).cause is Cause.STOP
    assert list(read_metrics(folder, 0)[0]) == []


def test_max_runtime(start: Start) -> None:
    # A container's process 1 has to ask for SIGTERM to hear it: this one does not.
    assert ended(start("import time; time.sleep(60)", max_runtime=0.3, stop_grace=0.3)).cause is Cause.MAX_RUNTIME


def test_a_full_disk_ends_it(start: Start) -> None:
    script = "import os, time\nopen(os.environ['ML'] + '/model/m', 'wb').write(b'x' * 3_000_000)\ntime.sleep(60)"
    told = ended(start(script, disk_limit=2**21))
    assert told.code != 0


def test_daemons_are_ended_too(start: Start, kind: str) -> None:
    daemon = "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(60)\n    os._exit(0)\n"
    script = f"import os, time\n{daemon}print('x=1')"
    folder = start(script)
    assert ended(folder).code == 0
    assert marked(folder.path.name) == []
    assert containers(kind) == []


def test_it_happens_at_most_once(start: Start, executor: ProcessExecutor) -> None:
    folder = start("import os, time; open(os.environ['ML'] + '/count', 'a').write('x'); time.sleep(0.3)")
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: executor._hand_over(folder.path), range(20)))
    ended(folder)
    executor.start(folder.load_run())
    time.sleep(0.3)
    assert (folder.ml / "count").read_text() == "x"


def test_killed_supervisor_is_lost_and_takes_its_program_along(start: Start, executor: ProcessExecutor, kind: str) -> None:
    script = "import os, time\nif os.fork() == 0: os.setsid()\nprint('x=1')\ntime.sleep(60)"
    folder = start(script)
    until(lambda: len(read_metrics(folder, 0)[0]) == 2)
    for process in _holders(folder.lock):
        os.kill(process, signal.SIGKILL)
    until(lambda: folder.state() is RunState.LOST)
    executor.kill(folder.path)
    assert marked(folder.path.name) == []
    assert containers(kind) == []


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


def test_kill_ends_a_run_at_once(start: Start, executor: ProcessExecutor, kind: str) -> None:
    folder = start("print('x=1')\nimport time; time.sleep(60)")
    until(lambda: bool(read_metrics(folder, 0)[0]))
    assert executor.kill(folder.path)
    assert folder.state() is RunState.LOST
    assert not executor.kill(folder.path)
    assert containers(kind) == []


def test_opt_ml_is_private(start: Start, kind: str, tmp_path: Path) -> None:
    reason = mounts.available(tmp_path).why_not_private
    if kind == "process" and reason is not None:
        pytest.skip(f"no private mounts here: {reason}")
    script = (
        "import time; open('/opt/ml/model/m', 'w').write('{0}'); time.sleep(0.3); print('x=' + open('/opt/ml/model/m').read())"
    )
    folders = [start(script.format(number), opt_ml=True) for number in (1, 2)]
    assert [ended(folder).code for folder in folders] == [0, 0]
    assert [read_metrics(folder, 0)[0][0].value for folder in folders] == [1.0, 2.0]
    assert not Path("/opt/ml/model").exists()


def test_an_image_that_is_nowhere_fails_its_job_alone(executor: ProcessExecutor, docker: Engine, tmp_path: Path) -> None:
    told = ended(_begin(executor, tmp_path, Container(image="localhost:1/no/such:image")))
    assert told.cause is Cause.START
    assert told.message.startswith(
        "ClientError: The image localhost:1/no/such:image is not on this machine and cannot be pulled: "
    )


def test_without_an_engine(executor: ProcessExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    told = ended(_begin(executor, tmp_path, Container(image=BASE_IMAGE)))
    assert told.cause is Cause.ENGINE
    assert told.message.startswith("InternalServerError: We encountered an internal error. Please try again. (")


def test_the_engine_dies_and_comes_back(executor: ProcessExecutor, docker: Engine, tmp_path: Path) -> None:
    folder = _begin(
        executor, tmp_path, Container(image=BASE_IMAGE, argv=("python3", "-uc", "print('x=1')\nimport time; time.sleep(60)"))
    )
    until(lambda: bool(read_metrics(folder, 0)[0]))
    docker.kill()
    told = ended(folder)
    assert told.cause is Cause.ENGINE
    assert told.message.startswith("InternalServerError: ")
    docker.start()
    # The next run clears away what the engine could not be told.
    assert ended(_begin(executor, tmp_path, Container(image=BASE_IMAGE, argv=("true",)))).code == 0
    assert containers("container") == []


@pytest.mark.parametrize("network", [True, False])
def test_the_network_is_this_machines_or_none(
    executor: ProcessExecutor, docker: Engine, tmp_path: Path, *, network: bool
) -> None:
    program = Container(image=BASE_IMAGE, argv=("ls", "/sys/class/net"), network=network)
    folder = _begin(executor, tmp_path, program)
    assert ended(folder).code == 0
    seen = {line.text for line in read_tail(folder)} - {""}
    assert seen == ({one.name for one in Path("/sys/class/net").iterdir()} if network else {"lo"})


def _begin(executor: ProcessExecutor, tmp_path: Path, program: Container) -> RunFolder:
    folder = RunFolder(tmp_path / "runs" / os.urandom(16).hex())
    (folder.ml / "model").mkdir(parents=True)
    (folder.ml / "output" / "data").mkdir(parents=True)
    metrics = (MetricDefinition(name="x", regex="x=([0-9.]+)"),)
    executor.start(Run(id=folder.path.name, folder=folder.path, program=program, metrics=metrics, disk_floor=0))
    return folder


def test_a_withdrawn_run_is_not_begun(executor: ProcessExecutor, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs" / os.urandom(16).hex())
    folder.save_run(
        Run(id=folder.path.name, folder=folder.path, program=Command(argv=("touch", str(tmp_path / "began"))), disk_floor=0)
    )
    assert folder.withdraw()
    executor._hand_over(folder.path)
    executor.start(Run(id="next", folder=tmp_path / "runs" / "next", program=Command(argv=("true",)), disk_floor=0))
    ended(RunFolder(tmp_path / "runs" / "next"))  # the spawner has come that far
    assert folder.state() is RunState.NEW
    assert not (tmp_path / "began").exists()


def test_a_run_that_has_begun_cannot_be_withdrawn(start: Start, executor: ProcessExecutor) -> None:
    folder = start("import time; time.sleep(60)")
    until(lambda: folder.state() is RunState.RUNNING)
    assert not folder.withdraw()
    assert executor.kill(folder.path)


def test_a_run_without_evidence_is_found_and_killed(start: Start, executor: ProcessExecutor, kind: str) -> None:
    if kind == "container":
        pytest.skip("a container reaches no evidence; what engines keep is swept before the next one")
    folder = start("print('x=1')\nimport time; time.sleep(60)")
    until(lambda: bool(read_metrics(folder, 0)[0]))
    shutil.rmtree(folder.path)
    assert folder.state() is RunState.NEW
    assert folder.path.name in living(folder.path.parent)
    assert executor.kill(folder.path)
    assert marked(folder.path.name) == []
    assert living(folder.path.parent) == set()


def test_the_end_is_told_even_without_a_folder(start: Start, kind: str) -> None:
    if kind == "container":
        pytest.skip("a container reaches no evidence")
    folder = start("print('x=1')\nimport time; time.sleep(0.5)")
    until(lambda: bool(read_metrics(folder, 0)[0]))
    shutil.rmtree(folder.path)
    assert ended(folder).code == 0


def test_a_run_of_version_0_1_is_read(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs" / "old")
    (folder.path / "ml" / "model").mkdir(parents=True)
    (folder.path / "tmp").mkdir()
    assert (folder.ml, folder.work) == (folder.path / "ml", folder.path)
    folder.remove_results()
    assert not (folder.path / "ml").exists()
    assert RunFolder(tmp_path / "runs" / "new").ml == tmp_path / "work" / "new" / "ml"


@pytest.mark.parametrize("kind_of_file", ["garbage", "folder", "fifo", "link", "types"])
def test_evidence_may_be_anything(tmp_path: Path, kind_of_file: str) -> None:
    folder = RunFolder(tmp_path / "runs" / "run")
    folder.make()
    make: dict[str, Callable[[Path], object]] = {
        "garbage": lambda path: path.write_bytes(b"\xff{\n" * 10),
        "folder": lambda path: path.mkdir(),
        "fifo": os.mkfifo,
        "link": lambda path: path.symlink_to("/dev/zero"),
        "types": lambda path: path.write_text('{"cause": [], "code": {}, "time": 5, "seq": [], "program": 3}\n'),
    }
    for path in (folder.lock, folder.claim, folder.exit, folder.stop, folder.metrics, folder.run_json, folder.path / "log.0"):
        make[kind_of_file](path)
    assert folder.state() is RunState.LOST
    assert folder.read_exit() is None
    assert folder.asked_to_stop() is None
    assert list(read_metrics(folder, 0)[0]) == []
    assert list(read_tail(folder)) == []
    with pytest.raises(EvidenceError, match=r"run\.json is missing or damaged"):
        folder.load_run()
    folder.write_exit(Exit(cause=Cause.EXIT, code=3, time=datetime.now(UTC)))
    told = folder.read_exit()
    assert told is not None
    assert told.code == 3
    folder.remove()
    assert list((tmp_path / "runs").iterdir()) == list((tmp_path / "work").iterdir()) == []
