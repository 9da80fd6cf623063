"""`POST /moto-api/reset`, which test suites call between their tests: runs end, and nothing is known any more."""

import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Server

SLEEPS = """
import os, time
open(os.environ["LEDGER"], "a").write(f"{os.getpid()}\\n")
time.sleep(600)
"""


def _post(server: Server, path: str) -> bytes:
    request = urllib.request.Request(f"{server.url}{path}", method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        content: bytes = answer.read()
        return content


def _begun(ledger: Path) -> list[int]:
    return [int(line) for line in ledger.read_text().split()] if ledger.exists() else []


def test_a_reset_ends_runs_and_forgets_everything(server: Server, request_of: Any, tmp_path: Path) -> None:
    sagemaker, s3 = server.client("sagemaker"), server.client("s3")
    source = server.upload_source("bucket", SLEEPS)
    ledger = tmp_path / "ledger"
    body = request_of("tuning", source, bucket="bucket", jobs=8)
    body["TrainingJobDefinition"]["Environment"] = {"LEDGER": str(ledger)}
    sagemaker.create_hyper_parameter_tuning_job(**body)
    deadline = time.monotonic() + 60
    while len(_begun(ledger)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(_begun(ledger)) == 2
    assert _post(server, "/moto-api/reset") == b'{"status": "ok"}'

    assert [process for process in _begun(ledger) if Path(f"/proc/{process}/exe").exists()] == []
    assert sagemaker.list_training_jobs()["TrainingJobSummaries"] == []
    assert sagemaker.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"] == []
    assert s3.list_buckets()["Buckets"] == []
    assert [*(server.state / "runs").iterdir(), *(server.state / "work").iterdir()] == []

    # The same names again, and a restart: nothing of before comes back.
    source = server.upload_source("bucket", "print('score=0.5')")
    sagemaker.create_hyper_parameter_tuning_job(**request_of("tuning", source, bucket="bucket", jobs=2))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        job = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="tuning")
        if job["HyperParameterTuningJobStatus"] != "InProgress":
            break
        time.sleep(0.05)
    assert job["TrainingJobStatusCounters"]["Completed"] == 2
    server.end()
    server.start()
    assert len(server.client("sagemaker").list_training_jobs()["TrainingJobSummaries"]) == 2


def test_what_may_not_be_reset(server: Server) -> None:
    server.client("s3").create_bucket(Bucket="kept")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{server.url}/moto-api/reset", timeout=60)  # GET changes nothing
    with refused.value as error:
        assert error.code == 400
    with pytest.raises(urllib.error.HTTPError) as refused:
        _post(server, "/moto-api/recorder/start-recording")
    with refused.value as error:
        assert error.code == 403
    assert [bucket["Name"] for bucket in server.client("s3").list_buckets()["Buckets"]] == ["kept"]
    with pytest.raises(ClientError, match="not found"):
        server.client("sagemaker").describe_training_job(TrainingJobName="none")
