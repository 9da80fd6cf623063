"""Processing jobs on an emulator that is killed at any moment: what was acknowledged runs once, and its output is in S3."""

from collections import Counter
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tests.conftest import Server
from tests.resilience.pipeline_steps import content

ENDED = {"Completed", "Failed", "Stopped"}
_SCRIPT = 'echo "$1" >> "$LEDGER"; sleep 0.1; tr a-z A-Z < /opt/ml/processing/in/text > /opt/ml/processing/out/text'


class ProcessingJobs:
    """Processing jobs that were acknowledged."""

    def __init__(self, server: Server, bucket: str, ledger: Path) -> None:
        self._server = server
        self._bucket = bucket
        self._ledger = ledger
        self._names: list[str] = []
        server.client("s3").put_object(Bucket=bucket, Key="in/text", Body=b"content")

    def create(self) -> None:
        """Ask for another one."""
        name = f"processing-{len(self._names)}"
        source = {"S3Uri": f"s3://{self._bucket}/in/", "S3DataType": "S3Prefix", "S3InputMode": "File"}
        target = {"S3Uri": f"s3://{self._bucket}/{name}", "S3UploadMode": "EndOfJob"}
        command = ["/bin/sh", "-ec", _SCRIPT, "sh", name]
        try:
            self._server.client("sagemaker").create_processing_job(
                ProcessingJobName=name,
                RoleArn="arn:aws:iam::123456789012:role/r",
                AppSpecification={"ImageUri": "any", "ContainerEntrypoint": command},
                Environment={"LEDGER": str(self._ledger)},
                ProcessingInputs=[{"InputName": "in", "S3Input": {**source, "LocalPath": "/opt/ml/processing/in"}}],
                ProcessingOutputConfig={
                    "Outputs": [{"OutputName": "out", "S3Output": {**target, "LocalPath": "/opt/ml/processing/out"}}]
                },
                ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
            )
        except BotoCoreError:
            return  # nothing was promised; if it is there, the next attempt says so
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceInUse":
                raise
        self._names.append(name)

    def going_on(self) -> set[str]:
        """Those that have not ended."""
        return {name for name in self._names if self._described(name)["ProcessingJobStatus"] not in ENDED}

    def faults(self) -> list[str]:
        """What is not as it must be, once all have ended."""
        ran = Counter(self._ledger.read_text().split() if self._ledger.exists() else ())
        faults = [f"{name} ran {ran[name]} times" for name in self._names if ran[name] != 1]
        for name in self._names:
            job = self._described(name)
            if job["ProcessingJobStatus"] != "Completed":
                faults.append(f"{name} is {job['ProcessingJobStatus']}: {job.get('FailureReason')}")
            elif (output := content(self._server.client("s3"), self._bucket, f"{name}/text")) != b"CONTENT":
                faults.append(f"{name} has left {output!r}")
        return faults

    def _described(self, name: str) -> Any:
        return self._server.client("sagemaker").describe_processing_job(ProcessingJobName=name)
