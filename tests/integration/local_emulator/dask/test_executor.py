"""Training jobs on a Dask cluster: a scheduler and two workers, processes of their own that share no path with the emulator."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_emulator.runs.forkserver.server.messages import MARKER
from tests.conftest import ROOT, Server, until
from tests.integration.local_emulator.dask.cluster import Cluster

pytestmark = pytest.mark.slow(40)

RESUMING = """
import os, pathlib, time
seen = pathlib.Path(os.environ['CHECKPOINTS'])
seen.mkdir(exist_ok=True)
done = max([int(epoch.name) for epoch in seen.iterdir()], default=0)
print(f'begins after {done}', flush=True)
for epoch in range(done + 1, 9):
    time.sleep(0.1 if done or epoch < 4 else 600)  # the first run waits for its worker's end
    (seen / str(epoch)).touch()
    print(f'score={epoch}', flush=True)
pathlib.Path(os.environ['SM_MODEL_DIR'], 'weights').write_text('w')
"""


@pytest.fixture(scope="module")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    (state := tmp_path_factory.mktemp("emulator") / "state").mkdir()
    cluster = Cluster(folder, hidden=state)
    try:
        yield cluster.start()
    finally:
        cluster.end()


@pytest.fixture
def cluster(shared_cluster: Cluster) -> Cluster:
    """With two workers, whatever a test before has made of them."""
    shared_cluster.workers = [worker for worker in shared_cluster.workers if worker.poll() is None]
    while len(shared_cluster.workers) < 2:
        shared_cluster.add_worker()
    return shared_cluster


@pytest.fixture(scope="module")
def server(shared_cluster: Cluster) -> Iterator[Server]:
    arguments = ("--executor", "dask", "--scheduler", shared_cluster.address, "--stop-grace", "1")
    emulator = Server(state=shared_cluster.hidden, arguments=arguments)
    try:
        yield emulator.start()
    finally:
        emulator.end()


def environment(process: int) -> dict[str, str]:
    """The environment of a process; empty if it is gone."""
    try:
        words = Path(f"/proc/{process}/environ").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return {}
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def running(server: Server) -> dict[str, int]:
    """Run -> process, of all programs of an emulator's runs on this machine."""
    by_run, ours = {}, {folder.name for folder in (server.state / "runs").iterdir()}
    for process in (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()):
        run = environment(process).get(MARKER)
        if run in ours:
            by_run[run] = process
    return by_run


def above(process: int) -> list[int]:
    """The process, its parent, and so on."""
    chain = [process]
    while chain[-1] > 1:
        chain.append(int(Path(f"/proc/{chain[-1]}/stat").read_text().rsplit(")", 1)[1].split()[1]))
    return chain


def below(process: int) -> list[int]:
    """The process and everything that it has started."""
    processes = [process]
    for pid in processes:
        for task in Path(f"/proc/{pid}/task").iterdir():
            processes += map(int, (task / "children").read_text().split())
    return processes


def children(server: Server, name: str) -> list[dict[str, Any]]:
    listed = server.client("sagemaker").list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    result: list[dict[str, Any]] = [
        server.client("sagemaker").describe_training_job(TrainingJobName=summary["TrainingJobName"])
        for summary in listed["TrainingJobSummaries"]
    ]
    return result


def ended(server: Server, name: str) -> dict[str, Any]:
    sagemaker = server.client("sagemaker")

    def look() -> Any:
        job = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        return job if job["HyperParameterTuningJobStatus"] not in {"InProgress", "Stopping"} else None

    return dict(until(look))


def log_of(server: Server, training: str) -> list[str]:
    """What a script has printed, in all of its runs: the log without the training toolkit's lines."""
    logs = server.client("logs")
    group = "/aws/sagemaker/TrainingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=training + "/")["logStreams"]
    printed = []
    for stream in streams:
        events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)["events"]
        lines = [event["message"] for event in events]
        invoking = "Invoking script with the following command:"  # not there of a run that is not over, or was lost
        lines = lines[lines.index(invoking) + 5 :] if invoking in lines else lines
        ends = [index for index, line in enumerate(lines) if " sagemaker-training-toolkit " in line]
        printed += lines[: min(ends, default=len(lines))]
    return printed


def create(server: Server, request_of: Any, name: str, script: str, **changes: Any) -> None:
    source = server.upload_source("box", script)
    server.client("sagemaker").create_hyper_parameter_tuning_job(**request_of(name, source, bucket="box", **changes))


@pytest.mark.parametrize("how", ["the worker alone", "the worker and all its children"])
def test_a_killed_worker_costs_no_job(cluster: Cluster, server: Server, request_of: Any, how: str) -> None:
    name = f"lossy-{how.count(' ')}"
    definition = {
        "CheckpointConfig": {"S3Uri": f"s3://box/{name}"},
        "Environment": {"CHECKPOINTS": "/opt/ml/checkpoints"},
    }
    create(server, request_of, name, RESUMING, jobs=1, parallel=1, definition=definition)
    (training,) = until(lambda: children(server, name))
    s3 = server.client("s3")
    until(lambda: s3.list_objects_v2(Bucket="box", Prefix=f"{name}/").get("KeyCount", 0) >= 2)
    until(lambda: "begins after 0" in log_of(server, training["TrainingJobName"]))  # what has not come goes with the worker
    ((_, program),) = running(server).items()
    (worker,) = [worker for worker in cluster.workers if worker.pid in above(program)]
    for process in below(worker.pid) if how != "the worker alone" else [worker.pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    worker.wait()
    until(lambda: program not in running(server).values())
    job = ended(server, name)
    assert job["TrainingJobStatusCounters"]["Completed"] == 1
    (training,) = children(server, name)
    lines = log_of(server, training["TrainingJobName"])
    begins = [line for line in lines if line.startswith("begins")]
    assert begins[0] == "begins after 0"
    assert len(begins) == 2
    assert int(begins[1].split()[-1]) >= 2, "it went on from its checkpoint"
    assert training["FinalMetricDataList"][0]["Value"] == 8.0
    s3.head_object(Bucket="box", Key=training["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://box/"))


def test_both_workers_train_and_everything_comes_back(cluster: Cluster, server: Server, request_of: Any) -> None:
    script = """
import os, sys, time
words = open('/opt/ml/input/data/train/words').read()
assert open('/opt/ml/input/data/piped_0').read() == words
print(words, os.environ['HOME'])
print('score=' + sys.argv[sys.argv.index('-x') + 1])
time.sleep(1)
if float(sys.argv[sys.argv.index('-x') + 1]) > 2: raise ValueError('too much')
open('/opt/ml/model/weights', 'w').write('w')
open('/opt/ml/output/data/figures', 'w').write('f')
"""
    server.client("s3").create_bucket(Bucket="box")
    server.client("s3").put_object(Bucket="box", Key="data/words", Body=b"hello from S3")
    channel = {
        "ChannelName": "train",
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://box/data/"}},
    }
    piped = {**channel, "ChannelName": "piped", "InputMode": "Pipe"}
    config = {
        "Strategy": "Grid",
        "ParameterRanges": {"CategoricalParameterRanges": [{"Name": "x", "Values": ["0", "1", "2", "3"]}]},
    }
    create(server, request_of, "both", script, jobs=None, config=config, definition={"InputDataConfig": [channel, piped]})
    counters = ended(server, "both")["TrainingJobStatusCounters"]
    assert (counters["Completed"], counters["NonRetryableError"]) == (3, 1)
    homes = set()
    for child in children(server, "both"):
        lines = log_of(server, child["TrainingJobName"])
        homes.add(lines[0].rsplit("/work/", 1)[0])
        assert lines[0].startswith("hello from S3 /")
        assert child["FinalMetricDataList"][0]["Value"] == float(child["HyperParameters"]["x"])
        if child["TrainingJobStatus"] == "Failed":
            assert "ValueError: too much" in child["FailureReason"]
            continue
        assert server.client("s3").head_object(
            Bucket="box", Key=child["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://box/")
        )
    assert len(homes) == 2, "both workers had some"


def test_runs_go_on_while_the_emulator_is_away_and_stop_when_asked(cluster: Cluster, server: Server, request_of: Any) -> None:
    create(server, request_of, "away", "import time\nprint('score=1', flush=True)\ntime.sleep(4)\nprint('score=2')", jobs=1)
    until(lambda: [child for child in children(server, "away") if child.get("FinalMetricDataList") or running(server)])
    before = running(server)
    server.end(signal.SIGKILL)
    assert running(server) == before
    server.start()
    assert ended(server, "away")["TrainingJobStatusCounters"]["Completed"] == 1
    (training,) = children(server, "away")
    assert training["FinalMetricDataList"][0]["Value"] == 2.0
    assert log_of(server, training["TrainingJobName"]) == ["score=1", "score=2"], "it ran once"

    create(server, request_of, "endless", "import time\nprint('score=1', flush=True)\ntime.sleep(600)", jobs=3, parallel=2)
    until(lambda: len(running(server)) == 2)
    server.client("sagemaker").stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="endless")
    assert ended(server, "endless")["HyperParameterTuningJobStatus"] == "Stopped"
    assert running(server) == {}


def test_reset_ends_what_runs_on_the_cluster(cluster: Cluster, server: Server, request_of: Any) -> None:
    create(server, request_of, "forgotten", "import time\nprint('score=1', flush=True)\ntime.sleep(600)", jobs=2)
    programs = until(lambda: len(pids := running(server)) == 2 and pids)
    server.end()
    assert running(server) == programs
    command = [sys.executable, "-m", "local_emulator", "reset", "--yes", "--state", str(server.state)]
    message = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert message.startswith("2 runs ended")
    until(lambda: not any(MARKER in environment(process) for process in programs.values()))
    server.start()


def test_a_worker_without_this_package_fails_a_job_and_lives(tmp_path: Path, request_of: Any) -> None:
    (tmp_path / "cluster").mkdir()
    cluster = Cluster(tmp_path / "cluster", hidden=tmp_path)
    server = Server(state=tmp_path / "state")
    try:
        cluster.start(workers=0).add_worker(ours=False)
        server.arguments = ("--executor", "dask", "--scheduler", cluster.address)
        create(server.start(), request_of, "foreign", "print('score=1')", jobs=1)
        assert ended(server, "foreign")["TrainingJobStatusCounters"]["RetryableError"] == 1
        (training,) = children(server, "foreign")
        assert training["FailureReason"].startswith("InternalServerError: ")
        assert "local_emulator" in training["FailureReason"]
        assert cluster.workers[0].poll() is None
    finally:
        server.end()
        cluster.end()


def test_what_is_missing_is_told_in_a_line(tmp_path: Path) -> None:
    serve = ["serve", "--port", "0", "--state", str(tmp_path), "--executor", "dask"]
    without_dask = (
        "import sys; sys.modules['distributed'] = None; from local_emulator.command import main; sys.exit(main(sys.argv[1:]))"
    )
    for command, code, message in (
        (["-m", "local_emulator", *serve], 2, "--executor dask and --scheduler ADDRESS go together"),
        (["-m", "local_emulator", *serve, "--scheduler", "tcp://127.0.0.1:1"], 1, "no Dask scheduler answers there"),
        (["-c", without_dask, *serve, "--scheduler", "tcp://127.0.0.1:1", "--parallel", "1"], 1, "pip install 'sm-tuning[dask]'"),
    ):
        done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == code
        assert message in done.stderr
        assert "Traceback" not in done.stderr
