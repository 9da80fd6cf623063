"""The operations by which a step makes, describes and stops its job, model or model package."""

from collections.abc import Mapping
from dataclasses import dataclass

from local_emulator.domain.pipeline import StepKind


@dataclass(frozen=True, kw_only=True)
class StepOperations:
    """AWS's operations of a kind of step; `stop` is None if nothing runs."""

    create: str
    describe: str
    name: str
    arn: str
    stop: str | None = None


def _of_job(noun: str) -> StepOperations:
    return StepOperations(
        create=f"Create{noun}", describe=f"Describe{noun}", stop=f"Stop{noun}", name=f"{noun}Name", arn=f"{noun}Arn"
    )


OPERATIONS: Mapping[StepKind, StepOperations] = {
    StepKind.TRAINING: _of_job("TrainingJob"),
    StepKind.TUNING: _of_job("HyperParameterTuningJob"),
    StepKind.PROCESSING: _of_job("ProcessingJob"),
    StepKind.TRANSFORM: _of_job("TransformJob"),
    StepKind.MODEL: StepOperations(create="CreateModel", describe="DescribeModel", name="ModelName", arn="ModelArn"),
    StepKind.REGISTER_MODEL: StepOperations(
        create="CreateModelPackage",
        describe="DescribeModelPackage",
        name="ModelPackageName",
        arn="ModelPackageArn",
    ),
}
"""Condition, Fail and Lambda steps make nothing."""
