"""What training scripts may do, by accident or on purpose: it ends their own job, in words, and touches nothing else.

A table of behaviours. Each is a training job of its own; many run at a time on one emulator, beside a tuning job that must not notice.
"""

# ruff: noqa: E501 - a table is read by its rows

import io
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import IMAGE, ROLE, Server, source_archive, until

COMPLETED, FAILED, STOPPED = "Completed", "Failed", "Stopped"
INTERNAL = "InternalServerError: We encountered an internal error. Please try again."
AT_A_TIME = 6
MARK = "hostile-script-was-here"

# What every behaviour may use. `evidence` is where the emulator keeps what it knows about the run: nothing leads there by accident.
PRELUDE = """
import os, shutil, signal, socket, subprocess, sys, time
from pathlib import Path
home, temporary, ml = Path(os.environ["HOME"]), Path(os.environ["TMPDIR"]), Path("/opt/ml")
evidence = home.parents[2] / "runs" / home.parent.name
victim = home.parents[3] / "victim"
def supervisor():
    for entry in Path("/proc").iterdir():
        try:
            links = [os.readlink(link) for link in (entry / "fd").iterdir()]
        except OSError:
            continue
        if str(evidence / "lock") in links:
            return int(entry.name)
def seen():
    "Until the emulator has looked at this run."
    print("score=1", flush=True); time.sleep(0.7)
def forever():
    time.sleep(300)
def deep(folder, name, levels):
    os.chdir(folder)
    for _ in range(levels):
        os.mkdir(name); os.chdir(name)
    open("f", "w").close(); os.chdir("/")
"""


@dataclass(frozen=True)
class Behaviour:
    """What a script does, and how its job must end: its status, and words of its FailureReason."""

    name: str
    code: str
    status: str = COMPLETED
    words: str = ""
    changes: dict[str, Any] = field(default_factory=dict)
    listed: tuple[str, ...] = ()  # what the model's archive must hold


CHECKPOINTS = {"CheckpointConfig": {"S3Uri": "s3://hostile/checkpoints"}}
PLAIN = {"OutputDataConfig": {"S3OutputPath": "s3://hostile/plain", "CompressionType": "NONE"}}
SOON = {"StoppingCondition": {"MaxRuntimeInSeconds": 1}}
WEIGHTS = "(ml / 'model/w').write_text('w')\n"


def environment(**variables: str) -> dict[str, Any]:
    return {"Environment": variables}


# fmt: off
TABLE = [
    # its home, its temporary files, its working folder
    Behaviour("home-files", "for name in ('log.txt', 'log.0', 'metrics', 'exit', 'lock', 'claim', 'run.json', 'stop', 'control'):\n (home / name).write_text('x')"),
    Behaviour("home-folders", "for name in ('log.0', 'metrics', 'exit', 'lock', 'claim', 'run.json', 'stop'):\n (home / name).mkdir()"),
    Behaviour("home-fifos", "for name in ('log.0', 'metrics', 'exit', 'lock', 'stop'):\n os.mkfifo(home / name)"),
    Behaviour("home-removed", "shutil.rmtree(home)"),
    Behaviour("home-a-link", "shutil.rmtree(home); home.symlink_to(victim)"),
    Behaviour("home-a-fifo", "shutil.rmtree(home); os.mkfifo(home)"),
    Behaviour("tmp-removed", "shutil.rmtree(temporary)"),
    Behaviour("tmp-full-of-fifos", "for n in range(200): os.mkfifo(temporary / str(n))"),
    Behaviour("work-removed", "shutil.rmtree(home.parent, ignore_errors=True)"),
    Behaviour("cwd-removed", "shutil.rmtree(os.getcwd(), ignore_errors=True)"),
    Behaviour("no-rights-left", "(home / 'a/b').mkdir(parents=True); (home / 'a/b/f').touch(); (home / 'a').chmod(0); home.chmod(0)"),
    Behaviour("deep-home", "deep(home, 'd', 1500)"),
    # its evidence, on purpose
    Behaviour("lock-and-claim-removed", "seen(); (evidence / 'lock').unlink(); (evidence / 'claim').unlink(); forever()", FAILED, INTERNAL),
    Behaviour("evidence-removed", "seen(); shutil.rmtree(evidence); forever()", FAILED, INTERNAL),
    Behaviour("evidence-a-file", "seen(); shutil.rmtree(evidence); evidence.write_text('x'); forever()", FAILED, INTERNAL),
    Behaviour("evidence-a-link", "seen(); evidence.rename(evidence.with_name('aside-' + evidence.name)); evidence.symlink_to(victim); forever()", FAILED, INTERNAL),
    Behaviour("lock-a-folder", "seen(); (evidence / 'lock').unlink(); (evidence / 'lock').mkdir(); forever()", FAILED, INTERNAL),
    Behaviour("lock-a-fifo", "seen(); (evidence / 'lock').unlink(); os.mkfifo(evidence / 'lock'); forever()", FAILED, INTERNAL),
    Behaviour("exit-garbage", "(evidence / 'exit').write_text('{garbage')"),
    Behaviour("exit-of-wrong-types", "(evidence / 'exit').write_text('{\"cause\": 5, \"code\": [], \"time\": {}}')"),
    Behaviour("exit-forged", "(evidence / 'exit').write_text('{}'); time.sleep(0.3); sys.exit(3)", FAILED, "ExitCode 3"),
    Behaviour("exit-a-folder", "(evidence / 'exit/x').mkdir(parents=True)"),
    Behaviour("exit-a-fifo", "os.mkfifo(evidence / 'exit')"),
    Behaviour("exit-a-link", "(evidence / 'exit').symlink_to('/dev/zero')"),
    Behaviour("run-garbage", "(evidence / 'run.json').write_text('[]'); sys.exit(3)", FAILED, "AlgorithmError"),
    Behaviour("run-removed", "(evidence / 'run.json').unlink(); sys.exit(3)", FAILED, "AlgorithmError"),
    Behaviour("metrics-garbage", "(evidence / 'metrics').write_bytes(b'\\xff\\n{}\\n[]\\n{\"seq\": \"x\"}\\n')"),
    Behaviour("metrics-a-fifo", "(evidence / 'metrics').unlink(); os.mkfifo(evidence / 'metrics'); seen()"),
    Behaviour("metrics-a-device", "(evidence / 'metrics').unlink(); (evidence / 'metrics').symlink_to('/dev/zero'); seen()"),
    Behaviour("logs-of-all-kinds", "(evidence / 'log.txt').touch(); os.mkfifo(evidence / 'log.7'); (evidence / 'log.8').mkdir(); sys.exit(3)", FAILED, "ExitCode 3"),
    Behaviour("log-garbage", "(evidence / 'log.0').write_bytes(b'x\\n\\xff 1\\n'); sys.exit(3)", FAILED, "ExitCode 3"),
    Behaviour("control-removed", "(evidence / 'control').unlink(); (evidence / 'control').mkdir()"),
    Behaviour("stop-garbage", "(evidence / 'stop').write_text('please'); seen()"),
    Behaviour("archive-a-folder", WEIGHTS + "(evidence / 'model.tar.gz/x').mkdir(parents=True)", FAILED, "model.tar.gz cannot be made"),
    Behaviour("wakeup-removed", "(evidence.parents[1] / 'wakeup').unlink()"),
    # its processes
    Behaviour("kills-its-supervisor", "seen(); os.kill(supervisor(), 9); forever()", FAILED, INTERNAL),
    Behaviour("kills-itself", "os.kill(os.getpid(), 9)", FAILED, "ExitCode -9"),
    Behaviour("kills-its-group", "os.killpg(0, 9)", FAILED, "ExitCode -9"),
    Behaviour("aborts", "os.abort()", FAILED, "ExitCode -6"),
    Behaviour("crashes", "os.kill(os.getpid(), signal.SIGSEGV)", FAILED, "ExitCode -11"),
    Behaviour("deaf", "signal.signal(15, signal.SIG_IGN); forever()", STOPPED, changes=SOON),
    Behaviour("stops-itself", "os.kill(os.getpid(), signal.SIGSTOP)", STOPPED, changes=SOON),
    Behaviour("leaves-daemons", "for _ in range(20):\n if os.fork() == 0:\n  os.setsid(); os.fork(); forever()"),
    Behaviour("leaves-a-stranger", f"subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)', '{MARK}'], env={{}}, start_new_session=True)"),
    Behaviour("daemon-writes-on", WEIGHTS + "if os.fork() == 0:\n os.setsid()\n while True: open(ml / 'model/w', 'a').write('w' * 1000)"),
    Behaviour("many-files-open", "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))\nfiles = [open(os.devnull) for _ in range(100)]", FAILED, "Too many open files"),
    Behaviour("unmounts", "subprocess.run(['umount', '-l', '/opt/ml'], stderr=subprocess.DEVNULL)"),
    Behaviour("many-values", "for n in range(30000): print(f'score={n}')"),
    Behaviour("mounts", "subprocess.run(['mount', '-t', 'tmpfs', 'none', '/mnt'], stderr=subprocess.DEVNULL)"),
    Behaviour("exits-without-cleaning", "os._exit(0)"),
    Behaviour("raises-odd-things", "raise BaseException('\\ud800 \\x1b[2J')", FAILED, "BaseException"),
    Behaviour("recurses", "def f(): f()\nf()", FAILED, "RecursionError"),
    Behaviour("exits-with-text", "sys.exit('no data')", FAILED, "ExitCode 1"),
    # its output
    Behaviour("no-output-at-all", "os.close(1); os.close(2); time.sleep(0.2)"),
    Behaviour("a-line-without-end", "sys.stdout.write('x' * 3_000_000)"),
    Behaviour("binary-output", "sys.stdout.buffer.write(os.urandom(100_000))"),
    Behaviour("odd-metrics", "print('score=nan'); print('score=1e999'); print('score=' + '9' * 5000); print('score=1')"),
    Behaviour("reads-its-input", "sys.exit(len(sys.stdin.read()))"),
    # its model
    Behaviour("model-a-link", "(ml / 'model').rmdir(); (ml / 'model').symlink_to('/etc/apt')", FAILED, "/opt/ml/model was replaced by a link"),
    Behaviour("model-a-file", "(ml / 'model').rmdir(); (ml / 'model').write_text('w')", FAILED, "/opt/ml/model was replaced by a file"),
    Behaviour("model-removed", "(ml / 'model').rmdir()"),
    Behaviour("output-a-link", "(ml / 'output').rename(ml / 'o'); (ml / 'output').symlink_to('/etc')", FAILED, "/opt/ml/output was replaced by a link"),
    Behaviour("data-a-link", "(ml / 'output/data').rmdir(); (ml / 'output/data').symlink_to('/etc/apt')", FAILED, "/opt/ml/output/data was replaced by a link"),
    Behaviour("link-to-itself", "(ml / 'model/loop').symlink_to('loop')", FAILED, "'loop' is a link that leads to itself"),
    Behaviour("links-in-a-circle", "(ml / 'model/a').symlink_to('b'); (ml / 'model/b').symlink_to('a')", FAILED, "is a link that leads to itself"),
    Behaviour("links-out", WEIGHTS + "(ml / 'model/p').symlink_to('/etc/passwd'); (ml / 'model/gone').symlink_to('nowhere')", listed=("w",)),
    Behaviour("no-regular-files", WEIGHTS + "os.mkfifo(ml / 'model/fifo'); s = socket.socket(socket.AF_UNIX); s.bind('/opt/ml/model/socket')", listed=("w",)),
    Behaviour("a-device", WEIGHTS + "os.mknod(ml / 'model/zero', 0o20600, os.makedev(1, 5)) if os.getuid() == 0 else None", listed=("w",)),
    Behaviour("odd-names", "for name in (b'\\xff', b'a\\nb', b'\\x1b[2J', b'n' * 255): open(b'/opt/ml/model/' + name, 'w').close()"),
    Behaviour("deep-model", "deep(ml / 'model', 'd', 1200)"),
    Behaviour("too-deep-model", "deep(ml / 'model', 'd' * 200, 40)", FAILED, "cannot be read: File name too long"),
    Behaviour("many-files", "for n in range(2000): open(f'/opt/ml/model/{n}', 'w').close()"),
    Behaviour("a-huge-file", "open('/opt/ml/model/w', 'wb').truncate(2**31)", FAILED, "File too large"),
    Behaviour("failure-a-fifo", "os.mkfifo(ml / 'output/failure'); sys.exit(4)", FAILED, "ExitCode 4"),
    Behaviour("failure-a-folder", "(ml / 'output/failure').mkdir(); sys.exit(4)", FAILED, "ExitCode 4"),
    Behaviour("failure-a-link", "(ml / 'output/failure').symlink_to('/etc/passwd'); sys.exit(4)", FAILED, "ExitCode 4"),
    Behaviour("failure-huge", "(ml / 'output/failure').write_bytes(b'\\xff\\0' * 1_000_000); sys.exit(4)", FAILED, "AlgorithmError"),
    # files that become objects of S3
    Behaviour("checkpoint-not-utf-8", "open(b'/opt/ml/checkpoints/\\xff', 'w').close()", FAILED, "'\\udcff' is not UTF-8", CHECKPOINTS),
    Behaviour("checkpoints-a-link", "(ml / 'checkpoints').rmdir(); (ml / 'checkpoints').symlink_to('/etc/apt')", FAILED, "/opt/ml/checkpoints was replaced by a link", CHECKPOINTS),
    Behaviour("checkpoints-of-all-kinds", "c = ml / 'checkpoints'; os.mkfifo(c / 'fifo'); (c / 'l').symlink_to('/etc/passwd'); (c / 'a\\tb &<>\"').touch()", changes=CHECKPOINTS),
    Behaviour("checkpoint-loop", "(ml / 'checkpoints/loop').symlink_to('loop')", FAILED, "'loop' is a link that leads to itself", CHECKPOINTS),
    Behaviour("checkpoint-key-too-long", "p = ml / 'checkpoints' / ('a' * 255) / ('b' * 255) / ('c' * 255) / ('d' * 255); p.mkdir(parents=True); (p / 'e').touch()", FAILED, "more than S3's 1,024", CHECKPOINTS),
    Behaviour("checkpoint-control-name", "open('/opt/ml/checkpoints/\\x01', 'w').close()", FAILED, "characters that S3's lists cannot show", CHECKPOINTS),
    Behaviour("plain-not-utf-8", "open(b'/opt/ml/model/\\xff', 'w').close()", FAILED, "is not UTF-8", PLAIN),
    Behaviour("plain-a-link", "(ml / 'model').rmdir(); (ml / 'model').symlink_to('/etc/apt')", FAILED, "/opt/ml/model was replaced by a link", PLAIN),
    Behaviour("plain-fifo", WEIGHTS + "os.mkfifo(ml / 'model/fifo')", changes=PLAIN),
    # what it is started with
    Behaviour("hyperparameters-too-large", "", FAILED, "Argument list too long: SM_HPS takes", {"large": "y"}),
    Behaviour("nul-in-a-variable", "", FAILED, "the environment variable MY_OWN has a NUL character", environment(MY_OWN="a\0b")),
    Behaviour("loader-of-its-own", "", changes=environment(LD_PRELOAD="/no/such.so")),
    Behaviour("python-of-its-own", "", FAILED, "ExitCode", environment(PYTHONHOME="/nowhere")),
    Behaviour("no-path", "", changes=environment(PATH="/nowhere", HOME="/nowhere/home", TMPDIR="/nowhere/tmp") | {"prelude": "no"}),
]
# fmt: on


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    state = tmp_path_factory.mktemp("hostile") / "state"
    (state.parent / "victim").mkdir()
    (state.parent / "victim" / "kept").touch()
    arguments = ("--stop-grace", "1", "--parallel", str(AT_A_TIME), "--quota", "ml.m5.large=100")
    running = Server(state=state, arguments=arguments)
    try:
        yield _with_sources(running.start())
    finally:
        running.remove()


def sources() -> bytes:
    """A source archive whose `train.py` behaves as its hyperparameter `behaviour` says."""
    files = {f"behaviours/{behaviour.name}.py": behaviour.code for behaviour in TABLE}
    files["train.py"] = (
        "import os, sys\nname = sys.argv[sys.argv.index('--behaviour') + 1]\n"
        f"if 'nowhere' not in os.environ['HOME']: exec({PRELUDE!r})\n"
        "exec(compile(open('behaviours/' + name + '.py').read(), name, 'exec'))\n"
    )
    return source_archive(files)


def _with_sources(server: Server) -> Server:
    server.upload_source("hostile", "import time\nfor n in range(5): print(f'score={n}', flush=True); time.sleep(0.05)\n")
    server.client("s3").put_object(Bucket="hostile", Key="hostile.tar.gz", Body=sources())
    return server


def _create(server: Server, behaviour: Behaviour) -> None:
    changes = {name: value for name, value in behaviour.changes.items() if name[0].isupper()}
    hyperparameters = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": "s3://hostile/hostile.tar.gz",
        "behaviour": behaviour.name,
    }
    if "large" in behaviour.changes:
        hyperparameters |= {f"large{number}": "x" * 2400 for number in range(90)}
    server.client("sagemaker").create_training_job(**{
        "TrainingJobName": behaviour.name,
        "HyperParameters": hyperparameters,
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "score", "Regex": r"score=([-+0-9.eE]+)"}],
        },
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://hostile/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        **changes,
    })  # fmt: skip


def _until_ended(server: Server, names: list[str], within: float) -> dict[str, dict[str, Any]]:
    client, deadline = server.client("sagemaker"), time.monotonic() + within
    ended: dict[str, dict[str, Any]] = {}
    while len(ended) < len(names):
        for name in set(names) - ended.keys():
            job = client.describe_training_job(TrainingJobName=name)
            if job["TrainingJobStatus"] not in {"InProgress", "Stopping"}:
                ended[name] = job
        assert time.monotonic() < deadline, sorted(set(names) - ended.keys())
        time.sleep(0.05)
    return ended


def _marked(text: str) -> list[int]:
    """Processes with a text in their environment or arguments."""
    processes = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and any(text.encode() in (entry / name).read_bytes() for name in ("environ", "cmdline")):
                processes.append(int(entry.name))
        except OSError:
            continue
    return processes


def _difference(behaviour: Behaviour, job: dict[str, Any]) -> str | None:
    """How a job ended otherwise than it should have."""
    reason = job.get("FailureReason", "")
    if job["TrainingJobStatus"] != behaviour.status or behaviour.words not in reason:
        return f"{behaviour.name}: {job['TrainingJobStatus']} {reason!r}, not {behaviour.status} {behaviour.words!r}"
    if len(reason) > 1024 or "root:" in reason:
        return f"{behaviour.name}: {reason!r}"
    return None


def test_names_are_unique() -> None:
    assert len({behaviour.name for behaviour in TABLE}) == len(TABLE) >= 60


@pytest.mark.slow(25)
@pytest.mark.parametrize("number", range(4))
def test_hostile_scripts_harm_themselves_only(server: Server, request_of: Any, number: int) -> None:
    batch = TABLE[number::4]
    neighbour = f"neighbour-{number}"
    began = time.monotonic()
    for behaviour in batch:
        _create(server, behaviour)
    body = request_of(neighbour, "s3://hostile/sourcedir.tar.gz", bucket="hostile", jobs=3, parallel=2)
    client = server.client("sagemaker")
    client.create_hyper_parameter_tuning_job(**body)
    ended = _until_ended(server, [behaviour.name for behaviour in batch], within=120)
    assert [difference for behaviour in batch if (difference := _difference(behaviour, ended[behaviour.name]))] == []
    while (job := client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=neighbour))[
        "HyperParameterTuningJobStatus"
    ] == "InProgress":
        assert time.monotonic() - began < 120
        time.sleep(0.05)
    assert job["TrainingJobStatusCounters"] == {
        "Completed": 3, "InProgress": 0, "RetryableError": 0, "NonRetryableError": 0, "Stopped": 0
    }  # fmt: skip
    for behaviour in batch:
        if behaviour.listed:
            assert _members(server, ended[behaviour.name]) == behaviour.listed
    _nothing_is_left(server)
    assert [path.name for path in (server.state.parent / "victim").iterdir()] == ["kept"]


def _members(server: Server, job: dict[str, Any]) -> tuple[str, ...]:
    bucket, key = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").split("/", 1)
    archive = server.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return tuple(tar.getnames())


def _nothing_is_left(server: Server) -> None:
    runs = [folder.name for folder in (server.state / "runs").iterdir() if len(folder.name) == 32]
    until(lambda: not (list((server.state / "work").iterdir())))
    assert [run for run in runs if _marked(f"SM_EMULATOR_RUN={run}")] == []
    assert _marked(MARK) == []
    assert str(server.state) not in Path("/proc/mounts").read_text()
    keys = [content["Key"] for content in server.client("s3").list_objects_v2(Bucket="hostile")["Contents"]]
    assert "hostile.tar.gz" in keys
    assert not any("apt" in key or "passwd" in key for key in keys)


@pytest.mark.parametrize("name", ["A=B", "A\0B", "1A", "A-B", ""])
def test_names_of_variables_are_refused_when_asked_for(server: Server, name: str) -> None:
    with pytest.raises(ClientError, match="at 'environment' failed"):
        _create(server, Behaviour("refused", "", changes=environment(**{name: "x"})))
