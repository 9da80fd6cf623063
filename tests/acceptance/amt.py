"""A client of an emulator in this process, and requests for it."""

import zlib
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_emulator.domain.names import AwsScope
from tests.conftest import source_archive, until

SCOPE = AwsScope(region="us-east-1", account="123456789012")
SCORE = "import sys\nprint('score=' + sys.argv[sys.argv.index('-x') + 1])\n"


class Amt:
    """A client of an emulator in this process."""

    def __init__(self, request_of: Any, emulator: Any) -> None:
        self.emulator = emulator
        self.client = boto3.client("sagemaker", region_name="us-east-1")
        self.s3 = boto3.client("s3", region_name="us-east-1")
        self.s3.create_bucket(Bucket="box")
        self._request_of = request_of

    def request(self, name: str, script: str = SCORE, **changes: Any) -> dict[str, Any]:
        key = f"{zlib.crc32(script.encode())}.tar.gz"
        self.s3.put_object(Bucket="box", Key=key, Body=source_archive({"train.py": script}))
        made: dict[str, Any] = self._request_of(name, f"s3://box/{key}", bucket="box", **changes)
        return made

    def create(self, name: str, script: str = SCORE, **changes: Any) -> None:
        self.client.create_hyper_parameter_tuning_job(**self.request(name, script, **changes))

    def run(self, name: str, script: str = SCORE, **changes: Any) -> dict[str, Any]:
        self.create(name, script, **changes)
        return self.ended(name)

    def ended(self, name: str, within: float = 90.0) -> dict[str, Any]:
        job: dict[str, Any] = until(
            lambda: self.client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name),
            so=lambda job: job["HyperParameterTuningJobStatus"] in {"Completed", "Failed", "Stopped"},
            within=within,
        )
        return job

    def children(self, name: str) -> list[dict[str, Any]]:
        summaries = self.client.list_training_jobs_for_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name, SortBy="CreationTime", SortOrder="Ascending", MaxResults=100
        )["TrainingJobSummaries"]
        return [self.client.describe_training_job(TrainingJobName=summary["TrainingJobName"]) | summary for summary in summaries]

    def refusal(self, name: str, **changes: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as raised:
            self.create(name, **changes)
        error = raised.value.response["Error"]
        return error["Code"], error["Message"]


def warm(kind: str, *parents: str) -> dict[str, Any]:
    return {
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": name} for name in parents],
        "WarmStartType": kind,
    }
