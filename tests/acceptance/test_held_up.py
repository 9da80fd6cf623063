"""A stop ends a training job in every phase: while S3 hangs, while its supervisor hears nothing."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_emulator.assembly import Emulator
from local_emulator.runs.forkserver.server.messages import MARKER
from local_emulator.runs.process import _holders
from local_emulator.settings import Settings
from local_emulator.testing import emulated_sagemaker
from tests.conftest import source_archive

SCRIPT = "import os, time; open(os.environ['SM_MODEL_DIR'] + '/m', 'w').write('m'); print('score=1'); time.sleep({0})"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with emulated_sagemaker(Settings(parallel=1, stop_grace=0.5, fork_server=False)) as running:
        yield running


@pytest.fixture
def create(emulator: Emulator, request_of: Any) -> Any:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="bucket")

    def make(name: str, seconds: float = 0) -> None:
        s3.put_object(Bucket="bucket", Key=f"{name}.tar.gz", Body=source_archive({"train.py": SCRIPT.format(seconds)}))
        definition = request_of("unused", f"s3://bucket/{name}.tar.gz", bucket="bucket")["TrainingJobDefinition"]
        definition["HyperParameters"] = definition.pop("StaticHyperParameters")
        boto3.client("sagemaker").create_training_job(TrainingJobName=name, **definition)

    return make


def described(name: str) -> dict[str, Any]:
    job: dict[str, Any] = boto3.client("sagemaker").describe_training_job(TrainingJobName=name)
    return job


def until(name: str, status: str, member: str = "TrainingJobStatus", within: float = 90.0) -> dict[str, Any]:
    deadline = time.monotonic() + within
    while (job := described(name))[member] != status:
        assert time.monotonic() < deadline, job
        time.sleep(0.05)
    return job


def stop(name: str) -> None:
    boto3.client("sagemaker").stop_training_job(TrainingJobName=name)


@pytest.mark.parametrize("phase", ["download", "upload"])
def test_a_job_is_stopped_while_s3_hangs(phase: str, emulator: Emulator, create: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging, real = threading.Event(), getattr(emulator.cloud.objects, phase)
    begun = threading.Event()

    def hang(*arguments: Any) -> None:
        if not hanging.is_set():
            begun.set()
        assert hanging.wait(300)
        real(*arguments)

    monkeypatch.setattr(emulator.cloud.objects, phase, hang)
    create("stuck")
    assert begun.wait(60)
    stop("stuck")
    until("stuck", "Stopped")
    monkeypatch.setattr(emulator.cloud.objects, phase, real)
    create("neighbour")  # the only slot is free
    until("neighbour", "Completed")
    hanging.set()


def test_a_supervisor_that_hears_nothing_is_killed(emulator: Emulator, create: Any) -> None:
    create("deaf", seconds=600)
    deadline = time.monotonic() + 60
    while not (
        holders := [pid for lock in (Path(emulator.settings.state) / "runs").glob("*/lock") for pid in _holders(lock)]
    ) or not ("FinalMetricDataList" in described("deaf") or described("deaf")["SecondaryStatus"] == "Training"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (run,) = (path.name for path in (Path(emulator.settings.state) / "runs").iterdir())
    for pid in holders:
        os.kill(pid, signal.SIGSTOP)
    stop("deaf")
    until("deaf", "Stopped")
    assert not [entry for entry in Path("/proc").iterdir() if entry.name.isdigit() and marked(entry, run)]


def marked(entry: Path, run: str) -> bool:
    try:
        return f"{MARKER}={run}".encode() in (entry / "environ").read_bytes()
    except OSError:
        return False
