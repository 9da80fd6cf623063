"""What a training program finds around it: files, variables, arguments, data, and what becomes of what it leaves."""

import io
import json
import tarfile
from typing import Any

import pytest

from tests.conftest import source_archive, until

SCRIPT = r"""
import json, os, pathlib, sys
root = pathlib.Path('/opt/ml')
data = root / 'input/data'
facts = {
    'argv': sys.argv[1:],
    'cwd': os.getcwd(),
    'env': {name: value for name, value in os.environ.items() if name.startswith(('SM_', 'AWS_', 'TRAINING_', 'MY_', 'HOME'))},
    'config': {path.stem: json.loads(path.read_text()) for path in (root / 'input/config').glob('*.json')},
    'data': {str(path.relative_to(data)): path.read_text() for path in data.rglob('*') if path.is_file()},
    'helper': __import__('helper').VALUE,
}
(root / 'model' / 'deep').mkdir()
(root / 'model/deep/weights').write_text('weights')
(root / 'output/data/facts.json').write_text(json.dumps(facts))
seen = root / 'checkpoints' / 'seen'
print('score=' + (seen.read_text() if seen.exists() else '0'))
seen.write_text('1')
print('tab\there', file=sys.stderr)
print('nothing at the end', end='')
"""  # fmt: skip


def _run(server: Any, name: str, **changes: Any) -> dict[str, Any]:
    client = server.client("sagemaker")
    channel = {"S3DataType": "S3Prefix", "S3DataDistributionType": "FullyReplicated"}
    request: dict[str, Any] = {
        "TrainingJobName": name,
        "HyperParameters": {"sagemaker_program": "train.py", "sagemaker_submit_directory": "s3://box/code.tar.gz", "rate": "0.1",
                            "x": "[1, 2]", "name": '"adam"'},
        "AlgorithmSpecification": {"TrainingImage": "1.dkr.ecr.us-east-1.amazonaws.com/scikit-learn:1", "TrainingInputMode": "File",
                                   "MetricDefinitions": [{"Name": "score", "Regex": "score=([0-9]+)"}]},
        "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
        "InputDataConfig": [
            {"ChannelName": "train", "ContentType": "text/csv", "DataSource": {"S3DataSource": {**channel, "S3Uri": "s3://box/data/"}}},
            {"ChannelName": "one", "DataSource": {"S3DataSource": {**channel, "S3Uri": "s3://box/data/a.csv"}}},
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://box/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "CheckpointConfig": {"S3Uri": "s3://box/checkpoints"},
        "Environment": {"MY_OWN": "a b'c"},
        **changes,
    }  # fmt: skip
    client.create_training_job(**request)
    job: dict[str, Any] = until(
        lambda: client.describe_training_job(TrainingJobName=name),
        so=lambda job: job["TrainingJobStatus"] not in {"InProgress", "Stopping"},
    )
    return job


@pytest.fixture
def box(server: Any) -> Any:
    """A server whose bucket `box` holds a script and data."""
    s3 = server.client("s3")
    s3.create_bucket(Bucket="box")
    s3.put_object(Bucket="box", Key="code.tar.gz", Body=source_archive({"train.py": SCRIPT, "helper.py": "VALUE = 42\n"}))
    s3.put_object(Bucket="box", Key="data/a.csv", Body=b"a")
    s3.put_object(Bucket="box", Key="data/deep/b.csv", Body=b"b")
    s3.put_object(Bucket="box", Key="data-else/c.csv", Body=b"c")
    return server


def test_the_contract(box: Any) -> None:
    job = _run(box, "contract")
    if not box.health()["privateOptMl"]:
        pytest.skip("this machine gives no private mounts")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    s3 = box.client("s3")
    archive = io.BytesIO(s3.get_object(Bucket="box", Key="out/contract/output/output.tar.gz")["Body"].read())
    with tarfile.open(fileobj=archive) as tar:
        content = tar.extractfile("facts.json")
        assert content is not None
        facts = json.load(content)
    with tarfile.open(
        fileobj=io.BytesIO(s3.get_object(Bucket="box", Key="out/contract/output/model.tar.gz")["Body"].read())
    ) as tar:
        assert tar.getnames() == ["deep/weights"]
    assert facts["argv"] == ["--name", "adam", "--rate", "0.1", "-x", "[1, 2]"]
    assert facts["helper"] == 42
    assert facts["data"] == {"one/a.csv": "a", "train/a.csv": "a", "train/deep/b.csv": "b"}
    assert facts["config"]["hyperparameters"]["rate"] == "0.1"
    assert facts["config"]["resourceconfig"]["current_host"] == "algo-1"
    assert facts["config"]["inputdataconfig"]["train"]["ContentType"] == "text/csv"
    environment = facts["env"]
    assert environment["MY_OWN"] == "a b'c"
    assert environment["TRAINING_JOB_NAME"] == "contract"
    assert environment["TRAINING_JOB_ARN"] == job["TrainingJobArn"]
    assert environment["SM_CHANNEL_TRAIN"] == "/opt/ml/input/data/train"
    assert environment["SM_MODEL_DIR"] == "/opt/ml/model"
    assert json.loads(environment["SM_HPS"]) == {"name": "adam", "rate": 0.1, "x": [1, 2]}
    assert environment["SM_HP_RATE"] == "0.1"
    assert json.loads(environment["SM_CHANNELS"]) == ["one", "train"]
    assert environment["AWS_REGION"] == "us-east-1"
    assert environment["AWS_ACCESS_KEY_ID"] == "test"
    streams = box.client("logs").describe_log_streams(logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix="contract/")
    events = box.client("logs").get_log_events(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamName=streams["logStreams"][0]["logStreamName"]
    )["events"]
    lines = [event["message"] for event in events]
    assert {"score=0", "tab#011here", "nothing at the end"} <= set(lines)


def test_checkpoints_come_back(box: Any) -> None:
    assert _run(box, "first")["FinalMetricDataList"][0]["Value"] == 0.0
    assert box.client("s3").get_object(Bucket="box", Key="checkpoints/seen")["Body"].read() == b"1"
    assert _run(box, "second")["FinalMetricDataList"][0]["Value"] == 1.0


def test_data_are_staged_once_and_uncompressed_models_are_files(box: Any) -> None:
    output = {"S3OutputPath": "s3://box/out/", "CompressionType": "NONE"}
    jobs = [_run(box, f"plain-{number}", OutputDataConfig=output) for number in range(3)]
    assert jobs[0]["ModelArtifacts"]["S3ModelArtifacts"] == "s3://box/out/plain-0/output/model"
    assert box.client("s3").get_object(Bucket="box", Key="out/plain-0/output/model/deep/weights")["Body"].read() == b"weights"
    copies = [path for path in (box.state / "cache").rglob("b.csv") if path.is_file()]
    assert len(copies) == 1


def test_deleted_jobs_leave_nothing_after_a_restart(box: Any) -> None:
    _run(box, "gone")
    assert len(list((box.state / "runs").iterdir())) == 1
    box.client("sagemaker").delete_training_job(TrainingJobName="gone")
    box.end()
    box.start()
    until(lambda: not (list((box.state / "runs").iterdir())))
