"""Programs with the SageMaker Python SDK, versions 2 and 3, as their users write them: against a server in another process."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Server

pytestmark = pytest.mark.slow
EXAMPLES = ROOT / "docs" / "examples"
PROGRAMS = ROOT / "tests" / "acceptance" / "programs"


def run(server: Server, version: int, program: Path, home: Path) -> str:
    """What a program prints in the SDK's own environment."""
    python = ROOT / f".venv-sdk{version}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"`make .venv-sdk{version}/.ready` makes the SDK's environment")
    environment = {**server.proxied, "HOME": str(home), "PYTHONPATH": str(ROOT)}  # for those that use sm_tuning beside it
    done = subprocess.run([python, program], env=environment, cwd=home, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def told(output: str, word: str) -> str:
    """The rest of the line that begins with a word."""
    return next(line for line in output.splitlines() if line.startswith(f"{word} ")).removeprefix(f"{word} ")


def judged(server: Server, output: str) -> Any:
    """The tuning job that a program told of: complete, with its best training job's model and log; gives the best."""
    sagemaker, logs, s3 = (server.client(name) for name in ("sagemaker", "logs", "s3"))
    job = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=told(output, "tuning job"))
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["Completed"] == 4
    best = job["BestTrainingJob"]
    assert best["TrainingJobName"] == told(output, "best")
    value = best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    assert 0.8 < value < 1.0
    assert f"{value:.4f}".rstrip("0") in output
    training = sagemaker.describe_training_job(TrainingJobName=best["TrainingJobName"])
    bucket, key = training["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").split("/", 1)
    assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] > 1000
    streams = logs.describe_log_streams(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{best['TrainingJobName']}/"
    )["logStreams"]
    events = logs.get_log_events(logGroupName="/aws/sagemaker/TrainingJobs", logStreamName=streams[0]["logStreamName"])
    assert any("accuracy: " in one["message"] for one in events["events"])
    return training


def test_version_2(server: Server, tmp_path: Path) -> None:
    output = run(server, 2, EXAMPLES / "sagemaker_sdk_v2.py", tmp_path)
    assert "role arn:aws:iam::123456789012:role/SageMakerRole, bucket sagemaker-us-east-1-123456789012" in output
    training = judged(server, output)
    assert told(output, "model") == training["ModelArtifacts"]["S3ModelArtifacts"]
    assert training["HyperParameters"]["penalty"] in {'"l1"', '"l2"'}  # version 2 sends JSON, quotes and all


def test_version_3(server: Server, tmp_path: Path) -> None:
    """A training job by its drivers, whose paths are hard-coded, and a tuning job in script mode."""
    if not server.health()["privateOptMl"]:
        pytest.skip("this machine does not allow a private /opt/ml")
    training = judged(server, run(server, 3, EXAMPLES / "sagemaker_sdk_v3.py", tmp_path))
    assert training["HyperParameters"]["penalty"] in {"l1", "l2"}
    sagemaker = server.client("sagemaker")
    (plain,) = sagemaker.list_training_jobs(NameContains="digits-", MaxResults=100)["TrainingJobSummaries"][-1:]
    job = sagemaker.describe_training_job(TrainingJobName=plain["TrainingJobName"])
    assert job["AlgorithmSpecification"]["ContainerEntrypoint"] == ["/bin/bash"]
    assert job["TrainingJobStatus"] == "Completed"


def test_version_2_with_built_in_algorithms(server: Server, tmp_path: Path) -> None:
    """Tuned by metrics that AWS defines, on CSV and RecordIO-protobuf."""
    output = run(server, 2, EXAMPLES / "sagemaker_sdk_v2_builtin.py", tmp_path)
    sagemaker = server.client("sagemaker")
    for word, metrics in {"xgboost": 30, "linear": 30}.items():
        name, best = told(output, word).split()
        job = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        assert job["TrainingJobStatusCounters"]["Completed"] == 4
        assert job["BestTrainingJob"]["TrainingJobName"] == best
        assert job["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] > 0.9
        definitions = job["TrainingJobDefinition"]["AlgorithmSpecification"]["MetricDefinitions"]
        assert len(definitions) > metrics
        assert definitions[-1]["Name"] == "ObjectiveMetric"


def test_version_2_beyond_one_tuning_job(server: Server, tmp_path: Path) -> None:
    output = run(server, 2, PROGRAMS / "sdk2_more.py", tmp_path)
    assert "score=0.96\n" in output  # the log was streamed
    assert "arguments: --at 0.75" in output
    assert told(output, "torch").endswith("/output/model.tar.gz")
    assert [told(output, word) for word in ("boost", "shell", "endless")] == ["Completed", "Completed", "Stopped"]
    assert told(output, "both").startswith("['sklearn', 'torch'] 6 both-")
    assert told(output, "identical") == "IdenticalDataAndAlgorithm Completed"
    assert told(output, "transfer") == "TransferLearning Completed"


def test_version_3_beyond_one_tuning_job(server: Server, tmp_path: Path) -> None:
    if not server.health()["privateOptMl"]:
        pytest.skip("this machine does not allow a private /opt/ml")
    output = run(server, 3, PROGRAMS / "sdk3_more.py", tmp_path)
    assert [told(output, word) for word in ("needy", "command", "endless")] == ["Completed", "Completed", "Stopped"]
    assert told(output, "failing") == "FailedStatusError Failed"
    assert told(output, "core training") == "Completed 0.9975"
    assert told(output, "core tuning") == "Completed 4"
    assert told(output, "core best") == "True"
    assert (told(output, "core listed"), told(output, "core left")) == ("['core-tuning']", "[]")


def test_version_3_and_sm_tuning_say_the_same(server: Server, tmp_path: Path) -> None:
    """A tuner's request and that of the TuningJob made from it are the same to the last member, and so is the way back."""
    output = run(server, 3, PROGRAMS / "sdk3_translate.py", tmp_path)
    assert told(output, "problems") == "()"
    assert (told(output, "run"), told(output, "theirs")) == ("Completed", "Completed")
    for line in ("from config", "from definition", "back config", "back definition"):
        assert told(output, line) == "same"
    assert (told(output, "again"), told(output, "values")) == ("True", "True")
    for name in ("isolated", "local", "warm pool", "command"):
        assert told(output, f"refused {name}")
