"""Values of a job's environment do not show where it fails."""

from typing import Any

from tests.conftest import Server

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
