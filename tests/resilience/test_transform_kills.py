"""A transform job goes on while the emulator is down: each record is sent once, and the output is in S3 afterwards."""

import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Server
from tests.resilience.pipeline_steps import SERVES

RECORDS = [f"record {number}\n" for number in range(12)]
WITHIN = 120.0  # seconds


def status(server: Server) -> Any:
    return server.client("sagemaker").describe_transform_job(TransformJobName="job")


@pytest.mark.slow(5)
def test_a_killed_emulator_finds_the_job_again(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(SERVES)
    ledger = tmp_path / "ledger"
    server = Server(tmp_path / "state", ("--image", f"mine:1={sys.executable} {tmp_path / 'program.py'}")).start()
    try:
        s3, sagemaker = server.client("s3"), server.client("sagemaker")
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="in/a", Body="".join(RECORDS).encode())
        container = {"Image": "mine:1", "Environment": {"LEDGER": str(ledger)}}
        sagemaker.create_model(ModelName="model", PrimaryContainer=container, ExecutionRoleArn="arn:aws:iam::123456789012:role/r")
        source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in/"}}
        sagemaker.create_transform_job(
            TransformJobName="job",
            ModelName="model",
            BatchStrategy="SingleRecord",
            TransformInput={"DataSource": source, "SplitType": "Line"},
            TransformOutput={"S3OutputPath": "s3://bucket/out"},
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        )
        deadline = time.monotonic() + WITHIN
        while not ledger.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        server.end(signal.SIGKILL)
        server.start()
        while (job := status(server))["TransformJobStatus"] == "InProgress":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert job["TransformJobStatus"] == "Completed", job
        assert ledger.read_text().splitlines(keepends=True) == RECORDS
        answer = server.client("s3").get_object(Bucket="bucket", Key="out/a.out")["Body"].read()
        assert answer.decode() == "".join(RECORDS).upper()
    finally:
        server.remove()
