"""Training jobs that go wrong in every way: AWS's status and reason, and nothing else is harmed."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import until

ENDED = {"Completed", "Failed", "Stopped"}


def _definition(request_of: Any, source: str, bucket: str, **changes: Any) -> dict[str, Any]:
    definition: dict[str, Any] = request_of("unused", source, bucket=bucket)["TrainingJobDefinition"]
    definition["HyperParameters"] = definition.pop("StaticHyperParameters")
    return definition | changes


def _ended(client: Any, name: str, within: float = 60.0) -> dict[str, Any]:
    job: dict[str, Any] = until(
        lambda: client.describe_training_job(TrainingJobName=name),
        so=lambda job: job["TrainingJobStatus"] in ENDED,
        within=within,
    )
    return job


@pytest.fixture
def run(server: Any, request_of: Any) -> Any:
    """A function that runs a script as a training job and gives what Describe says at its end."""
    count = iter(range(100))

    def run_job(script: str, **changes: Any) -> dict[str, Any]:
        number = next(count)
        source = server.upload_source(f"bucket-{number}", script)
        name = f"job-{number}"
        client = server.client("sagemaker")
        client.create_training_job(TrainingJobName=name, **_definition(request_of, source, f"bucket-{number}", **changes))
        return _ended(client, name)

    return run_job


def test_good_and_bad_endings(run: Any, server: Any) -> None:
    good = run("import os; print('score=1'); open(os.environ['SM_MODEL_DIR'] + '/m', 'w').write('x')")
    assert good["TrainingJobStatus"] == "Completed"
    assert good["FinalMetricDataList"][0]["Value"] == 1.0
    assert [transition["Status"] for transition in good["SecondaryStatusTransitions"]] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    bucket, key = good["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").split("/", 1)
    assert server.client("s3").head_object(Bucket=bucket, Key=key)["ContentLength"] > 0

    left = run("import sys; sys.exit(3)")["FailureReason"]
    assert left.startswith('AlgorithmError: ExecuteUserScriptError:\nExitCode 3\nErrorMessage ""\nCommand "')
    assert left.endswith(", exit code: 1")
    process = run("import os, sys; open(os.environ['SM_OUTPUT_DIR'] + '/failure', 'w').write('bad value'); sys.exit(1)")
    assert process["FailureReason"] == "AlgorithmError: bad value, exit code: 1"
    assert "\nExitCode -9\n" in run("import os; os.kill(os.getpid(), 9)")["FailureReason"]
    raised = run("try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError('no\\nsuch column') from error")
    assert '\nErrorMessage "ValueError: no\nsuch column"\n' in raised["FailureReason"]
    missing = run("import no_such_package.part")["FailureReason"]
    assert "\nErrorMessage \"ModuleNotFoundError: No module named 'no_such_package'\"\n" in missing
    assert "name no_such_package in the requirements.txt of the source, or start the emulator with another Python" in missing
    assert "FinalMetricDataList" not in run("print('score is 1')")


def test_hang_is_ended_by_max_runtime(run: Any) -> None:
    job = run("import time; time.sleep(600)", StoppingCondition={"MaxRuntimeInSeconds": 2})
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_fork_and_log_flood(run: Any, server: Any) -> None:
    script = (
        "import os, sys, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    time.sleep(600)\n"
        "for _ in range(200):\n"
        "    sys.stdout.write('x' * 2**20)\n"
        "print()\n"
        "print('score=4')\n"
    )
    job = run(script)
    assert job["TrainingJobStatus"] == "Completed"
    assert job["FinalMetricDataList"][0]["Value"] == 4.0
    kept = sum(path.stat().st_size for path in (server.state / "runs").glob("*/log.*"))
    assert kept < 80 * 2**20


def test_missing_things(run: Any, server: Any, request_of: Any) -> None:
    client = server.client("sagemaker")
    source = server.upload_source("things", "print('score=1')")
    channel = {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://nowhere/data"}}}
    with pytest.raises(ClientError, match='No S3 objects found under S3 URL "s3://nowhere/data"'):
        client.create_training_job(
            TrainingJobName="no-data", **_definition(request_of, source, "things", InputDataConfig=[channel])
        )
    client.create_training_job(TrainingJobName="no-code", **_definition(request_of, "s3://things/none.tar.gz", "things"))
    assert "Data download failed" in _ended(client, "no-code")["FailureReason"]
    server.client("s3").put_object(Bucket="things", Key="broken.tar.gz", Body=b"\x1f\x8bthis is no archive")
    client.create_training_job(TrainingJobName="broken", **_definition(request_of, "s3://things/broken.tar.gz", "things"))
    assert "cannot be unpacked" in _ended(client, "broken")["FailureReason"]
    save = "import os; open(os.environ['SM_MODEL_DIR'] + '/m', 'w').write('x')"
    lost = run(save, OutputDataConfig={"S3OutputPath": "s3://no-such-bucket/x"})
    assert lost["FailureReason"].startswith("ClientError: Artifact upload failed")


def test_https_addresses_of_s3(server: Any, run: Any) -> None:
    """AWS's examples send them; that S3ModelArtifacts keeps their form is inferred, for no answer of AWS's to one is published."""
    address = "https://s3-us-east-1.amazonaws.com/addresses"
    s3 = server.client("s3")
    s3.create_bucket(Bucket="addresses")
    s3.put_object(Bucket="addresses", Key="train/value", Body=b"7")
    channel = {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{address}/train"}}}
    script = (
        "import os; open(os.environ['SM_MODEL_DIR'] + '/m', 'w'); print('score=' + open('/opt/ml/input/data/train/value').read())"
    )
    job = run(script, InputDataConfig=[channel], OutputDataConfig={"S3OutputPath": f"{address}/out"})
    assert job["FinalMetricDataList"][0]["Value"] == 7.0
    key = f"out/{job['TrainingJobName']}/output/model.tar.gz"
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"{address}/{key}"
    assert s3.head_object(Bucket="addresses", Key=key)["ContentLength"]


def test_stop_gives_the_script_time(server: Any, request_of: Any) -> None:
    script = (
        "import os, signal, sys, time\n"
        "def end(*_):\n"
        "    open(os.environ['SM_MODEL_DIR'] + '/m', 'w').write('saved')\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('score=2')\n"
        "time.sleep(600)\n"
    )
    client = server.client("sagemaker")
    source = server.upload_source("stops", script)
    client.create_training_job(TrainingJobName="to-stop", **_definition(request_of, source, "stops"))
    logs = server.client("logs")
    until(lambda: _streams(logs, "to-stop"))
    client.stop_training_job(TrainingJobName="to-stop")
    job = _ended(client, "to-stop")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert server.client("s3").head_object(Bucket="stops", Key="output/to-stop/output/model.tar.gz")
    with pytest.raises(ClientError, match="The request was rejected because the training job is in status Stopped"):
        client.stop_training_job(TrainingJobName="to-stop")


def _streams(logs: Any, name: str) -> list[Any]:
    try:
        streams: list[Any] = logs.describe_log_streams(logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=name)[
            "logStreams"
        ]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return streams


def test_what_is_left_out_of_checkpoints_is_named_wherever_these_lie(run: Any, server: Any) -> None:
    script = (
        "import os, pathlib\n"
        "saved = pathlib.Path(os.environ['SM_MODEL_DIR']).parent / 'saved' / 'here'\n"
        "saved.mkdir(parents=True)\n"
        "(saved / 'epoch-1').write_text('w')\n"
        "(saved / 'latest').symlink_to('/etc/hostname')\n"
        "os.mkfifo(saved / 'pipe')\n"
    )
    server.client("s3").create_bucket(Bucket="saved")
    name = run(script, CheckpointConfig={"S3Uri": "s3://saved/c", "LocalPath": "/opt/ml/saved/here"})["TrainingJobName"]
    assert [entry["Key"] for entry in server.client("s3").list_objects_v2(Bucket="saved")["Contents"]] == ["c/epoch-1"]
    (stream,) = _streams(server.client("logs"), name)
    lines = server.client("logs").get_log_events(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamName=stream["logStreamName"]
    )
    paths = "'/opt/ml/saved/here/latest', '/opt/ml/saved/here/pipe'"
    notice = f"[sm-tuning: not uploaded, being neither files nor links to files beside them: {paths}]"
    assert notice in [event["message"] for event in lines["events"]]


def test_private_opt_ml_for_parallel_runs(server: Any, request_of: Any) -> None:
    script = (
        "import os, sys, time\n"
        "x = sys.argv[sys.argv.index('-x') + 1]\n"
        "open('/opt/ml/model/x', 'w').write(x)\n"
        "time.sleep(0.5)\n"
        "assert open('/opt/ml/model/x').read() == x\n"
        "print('score=' + x)\n"
    )
    source = server.upload_source("private", script)
    client = server.client("sagemaker")
    client.create_hyper_parameter_tuning_job(**request_of("private", source, bucket="private", jobs=4))
    job = until(
        lambda: client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="private"),
        so=lambda job: job["HyperParameterTuningJobStatus"] != "InProgress",
    )
    if not server.health()["privateOptMl"]:
        pytest.skip("this machine gives no private mounts")
    assert job["TrainingJobStatusCounters"]["Completed"] == 4


def test_failing_script_fails_the_tuning_job_after_five(server: Any, request_of: Any) -> None:
    source = server.upload_source("failing", "raise SystemExit(2)")
    client = server.client("sagemaker")
    client.create_hyper_parameter_tuning_job(**request_of("failing", source, bucket="failing", jobs=20, parallel=2))
    job = until(
        lambda: client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="failing"),
        so=lambda job: job["HyperParameterTuningJobStatus"] != "InProgress",
    )
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("No training job succeeded after 5 attempts.")
    assert 5 <= job["TrainingJobStatusCounters"]["NonRetryableError"] <= 6
