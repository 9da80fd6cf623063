"""What is looked at before a job is created."""

import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from local_emulator.domain.errors import ThrottlingException, ValidationException
from local_emulator.domain.objects import NoSuchBucket, ObjectInfo
from local_emulator.domain.spec import AlgorithmSpec, Channel, InstanceGroup, ResourceConfig, S3DataSource, TrainingSpec
from local_emulator.domain.training import TimeBudget
from local_emulator.runs.mounts import Support
from local_emulator.runs.preparation import Preparation
from local_emulator.runs.run import Command
from local_emulator.settings import Docker, Python, Settings, StandIn
from tests.made_jobs import training

SPEC = TrainingSpec(
    role_arn="arn:aws:iam::123456789012:role/R",
    algorithm=AlgorithmSpec(image="image"),
    hyperparameters={"sagemaker_program": "train.py", "sagemaker_submit_directory": "s3://bucket/source.tar.gz"},
    channels=(Channel(channel_name="train", source=S3DataSource(s3_uri="s3://bucket/train")),),
)


class HangingS3:
    """An S3 that does not answer until it is let go."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.answers = threading.Event()

    def list(self, bucket: str, prefix: str) -> Sequence[ObjectInfo]:
        self.asked.release()
        self.answers.wait(60)
        raise NoSuchBucket(f"{bucket}/{prefix}")

    def download(self, bucket: str, key: str, target: Path) -> None:
        raise AssertionError(bucket, key, target)

    def upload(self, bucket: str, key: str, source: Path) -> None:
        raise AssertionError(bucket, key, source)


class OneScript(HangingS3):
    """An S3 with a script alone."""

    def list(self, bucket: str, prefix: str) -> Sequence[ObjectInfo]:
        assert bucket == "bucket"
        return [ObjectInfo(key=f"{prefix}/train.py", size=1, etag="e")]

    def download(self, bucket: str, key: str, target: Path) -> None:
        assert bucket == "bucket", key
        target.write_text("import json, sys")


@pytest.mark.parametrize(
    ("parameters", "program", "imports"),
    [
        ({}, sys.executable, ("json", "sys")),
        ({"sagemaker_torch_distributed_enabled": "true"}, "torchrun", None),
        ({"sagemaker_mpi_enabled": "true"}, "mpirun", None),
    ],
)
def test_only_what_python_starts_may_be_forked(
    tmp_path: Path, parameters: dict[str, str], program: str, imports: tuple[str, ...] | None
) -> None:
    preparation = Preparation(
        settings=Settings(state=tmp_path),
        objects=OneScript(),
        folder_of_caches=tmp_path / "cache",
        endpoint=lambda: None,
        support=lambda: Support(why_not_private=None),
        role_exists=lambda _arn: True,
    )
    code = {"sagemaker_program": "train.py", "sagemaker_submit_directory": "/opt/ml/input/data/train"}
    spec = replace(SPEC, hyperparameters={**code, **parameters})
    run = preparation.prepare(replace(training("j"), spec=spec), tmp_path / "runs" / "r", TimeBudget())
    assert isinstance(run.program, Command)
    assert (run.program.argv[0], run.imports) == (program, imports)


class Drivers(HangingS3):
    """An S3 with what SDK 3 sends."""

    def list(self, bucket: str, prefix: str) -> Sequence[ObjectInfo]:
        assert bucket == "bucket"
        return [ObjectInfo(key=f"{prefix}sm_train.sh", size=1, etag="e")]

    def download(self, bucket: str, key: str, target: Path) -> None:
        assert bucket == "bucket", key
        target.write_text("python3 /opt/ml/input/data/sm_drivers/distributed_drivers/mpi_driver.py")


@pytest.mark.parametrize(("stand_in", "hosts", "refused"), [(None, 1, True), (Docker(), 1, False), (Docker(), 2, True)])
def test_the_driver_that_starts_an_sshd_runs_in_a_container_alone(
    tmp_path: Path,
    stand_in: StandIn | None,
    hosts: int,
    refused: bool,  # noqa: FBT001 - a column
) -> None:
    preparation = Preparation(
        settings=Settings(state=tmp_path, images={} if stand_in is None else {"image": stand_in}),
        objects=Drivers(),
        folder_of_caches=tmp_path / "cache",
        endpoint=lambda: None,
        support=lambda: Support(why_not_private=None),
        role_exists=lambda _arn: True,
    )
    drivers = Channel(channel_name="sm_drivers", source=S3DataSource(s3_uri="s3://bucket/drivers/"))
    algorithm = AlgorithmSpec(image="image", container_entrypoint=("/bin/bash", "-c"), container_arguments=("sm_train.sh",))
    resources = ResourceConfig(groups=(InstanceGroup(instance_type="ml.m5.large", instance_count=hosts),))
    spec = replace(SPEC, algorithm=algorithm, channels=(drivers,), resources=resources)
    with pytest.raises(ValidationException, match="The MPI driver of the SageMaker SDK 3") if refused else nullcontext():
        preparation.check(spec, "us-east-1")


def test_few_requests_wait_for_an_s3_that_hangs(tmp_path: Path) -> None:
    s3 = HangingS3()
    preparation = Preparation(
        settings=Settings(state=tmp_path),
        objects=s3,
        folder_of_caches=tmp_path,
        endpoint=lambda: None,
        support=lambda: Support(why_not_private="switched off"),
        role_exists=lambda _arn: True,
    )
    with ThreadPoolExecutor() as threads:
        waiting = [threads.submit(preparation.check, SPEC, "us-east-1") for _ in range(4)]
        for _ in waiting:
            assert s3.asked.acquire(timeout=60)
        with pytest.raises(ThrottlingException, match="Rate exceeded"):
            preparation.check(SPEC, "us-east-1")
        s3.answers.set()
        for check in waiting:
            with pytest.raises(ValidationException):
                check.result(60)
    with pytest.raises(ValidationException):
        preparation.check(SPEC, "us-east-1")


@pytest.mark.parametrize(
    ("stand_in", "refused"),
    [(None, True), (Python("/no/python"), True), (Docker(), False), (("mine",), False), (lambda _: None, False)],
)
def test_who_starts_the_script_launches_its_distribution(
    tmp_path: Path,
    stand_in: StandIn | None,
    refused: bool,  # noqa: FBT001 - a column
) -> None:
    preparation = Preparation(
        settings=Settings(state=tmp_path, images={} if stand_in is None else {"*": stand_in}),
        objects=HangingS3(),
        folder_of_caches=tmp_path,
        endpoint=lambda: None,
        support=lambda: Support(why_not_private=None),
        role_exists=lambda _arn: True,
    )
    distributed = {**SPEC.hyperparameters, "sagemaker_distributed_dataparallel_enabled": "true"}
    expected = pytest.raises(ValidationException, match="smdistributed") if refused else nullcontext()
    with expected:
        preparation.check(replace(SPEC, hyperparameters=distributed, channels=()), "us-east-1")
