"""Values of a job's environment do not show where it fails."""

from typing import Any

import pytest

from local_emulator.domain.redaction import without_environment
from tests.conftest import Server


@pytest.mark.parametrize(
    ("environment", "text", "shown"),
    [
        ({"DB_URL": "postgres://me:pw@db"}, "cannot reach postgres://me:pw@db!", "cannot reach (the value of DB_URL)!"),
        ({"API_KEY": "s3cr"}, "bad key s3cr", "bad key (the value of API_KEY)"),
        ({"MODE": "fast"}, "mode fast failed", "mode fast failed"),  # a word that any text may hold
        ({"A": "abcdefgh", "B": "abcdefghij"}, "abcdefghij abcdefgh", "(the value of B) (the value of A)"),
        ({"PEM": "-----BEGIN\nMIIEpAIBAAKC\n"}, "got MIIEpAIBAAKC", "got (the value of PEM)"),
        ({}, "as it was", "as it was"),
    ],
)
def test_names_stand_for_values(environment: dict[str, str], text: str, shown: str) -> None:
    assert without_environment(text, environment) == shown


SCRIPT = """
import os
raise RuntimeError("x" * 800 + " cannot log in with " + os.environ["DB_PASSWORD"] * 20)
"""


def test_a_failing_job_does_not_tell_them(server: Server, request_of: Any) -> None:
    source = server.upload_source("redaction", SCRIPT)
    request = request_of(
        "secret", source, bucket="redaction", jobs=1, parallel=1, definition={"Environment": {"DB_PASSWORD": "hunter2-hunter2"}}
    )
    sagemaker = server.client("sagemaker")
    sagemaker.create_hyper_parameter_tuning_job(**request)
    training = ""
    while not training.endswith(("Failed", "Completed")):
        jobs = sagemaker.list_training_jobs()["TrainingJobSummaries"]
        training = jobs[0]["TrainingJobStatus"] if jobs else ""
    job = sagemaker.describe_training_job(TrainingJobName=jobs[0]["TrainingJobName"])
    assert "cannot log in with (the value of DB_PASSWORD)" in job["FailureReason"]
    assert "hunter2" not in job["FailureReason"]
    assert job["FailureReason"].endswith(", exit code: 1")
