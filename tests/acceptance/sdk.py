"""What tests of the SageMaker Python SDK's versions share: programs as their users write them, against a server in another process."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Server

EXAMPLES = ROOT / "docs" / "examples"
BOOSTING = ROOT / ".venv-boosting"
PROGRAMS = ROOT / "tests" / "acceptance" / "programs"


@dataclass(frozen=True)
class Ran:
    """A server, and what programs have printed that ran on it."""

    server: Server
    folder: Path

    def output(self, program: str) -> str:
        """What a program, which must have ended well, has printed."""
        assert not (self.folder / f"{program}.failed").exists(), (self.folder / f"{program}.out").read_text()
        return (self.folder / f"{program}.out").read_text()


def run(version: int, modules: str, programs: list[Path], folder: Path) -> Iterator[Ran]:
    """All programs at once, in the SDK's own environment."""
    python = ROOT / f".venv-sdk{version}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"`make .venv-sdk{version}/.ready` makes the SDK's environment")
    boosting = ("--image", f"*/pytorch-*:1.9.0-cpu-py38=python:{BOOSTING}") if (BOOSTING / ".ready").exists() else ()
    server = Server(folder / "state", ("--stop-grace", "2", "--parallel", "4", *boosting)).start()
    try:
        environment = {**server.proxied, "HOME": str(folder), "PYTHONPATH": str(ROOT)}  # for those that use sm_tuning beside it
        command: list[str | Path] = [python, PROGRAMS / "forked.py", f"rare_gc,one_loader,{modules}", *programs]
        subprocess.run(command, env=environment, cwd=folder, check=True, timeout=600)
        yield Ran(server, folder)
    finally:
        server.remove()


def printed(output: str, word: str) -> str:
    """The rest of the line that begins with a word, after what the SDK prints while it waits."""
    lines = [line.lstrip("-.!*") for line in output.splitlines()]
    return next(line for line in lines if line.startswith(f"{word} ")).removeprefix(f"{word} ")


def judged(server: Server, output: str) -> Any:
    """The tuning job that a program told of: complete, with its best training job's model and log; gives the best."""
    sagemaker, logs, s3 = (server.client(name) for name in ("sagemaker", "logs", "s3"))
    job = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=printed(output, "tuning job"))
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"]["Completed"] == 4
    best = job["BestTrainingJob"]
    assert best["TrainingJobName"] == printed(output, "best")
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
    assert any("accuracy: " in event["message"] for event in events["events"])
    return training


def executed(server: Server, output: str, registration: str) -> str:
    """The model package that a pipeline has registered, whose steps a program told of: it has the best training job's model."""
    sagemaker, s3 = server.client("sagemaker"), server.client("s3")
    lines = [line.split(maxsplit=3) for line in output.splitlines() if line.startswith("step ")]
    steps = {name: ast.literal_eval(metadata) for _, name, status, metadata in lines if status == "Succeeded"}
    assert list(steps) == ["Prepare", "Tune", "Check", registration], lines
    assert steps["Check"] == {"Condition": {"Outcome": "True"}}
    tuning = steps["Tune"]["TuningJob"]["Arn"].rpartition("/")[2]
    job = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=tuning)
    assert (job["HyperParameterTuningJobStatus"], job["TrainingJobStatusCounters"]["Completed"]) == ("Completed", 2)
    processing = steps["Prepare"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    prepared = sagemaker.describe_processing_job(ProcessingJobName=processing)
    training = sagemaker.describe_training_job(TrainingJobName=job["BestTrainingJob"]["TrainingJobName"])
    written = prepared["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
    channels = {channel["ChannelName"]: channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in training["InputDataConfig"]}
    assert channels["train"] == written
    package: str = steps[registration]["RegisterModel"]["Arn"]
    (container,) = sagemaker.describe_model_package(ModelPackageName=package)["InferenceSpecification"]["Containers"]
    assert container["ModelDataUrl"] == training["ModelArtifacts"]["S3ModelArtifacts"]
    bucket, key = container["ModelDataUrl"].removeprefix("s3://").split("/", 1)
    assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] > 1000
    return package
