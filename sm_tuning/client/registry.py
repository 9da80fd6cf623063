"""Versions of a group of the model registry."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from botocore.exceptions import ClientError

from sm_tuning.boto import Client
from sm_tuning.client.errors import NOT_FOUND, code_of
from sm_tuning.errors import NotServed

APPROVED, PENDING, REJECTED = "Approved", "PendingManualApproval", "Rejected"
_NO_NAME = "validation error detected"  # of what can be no name; SageMaker's code for it is that of a group that is not there
_TYPES = ["text/csv", "application/json", "application/x-npy"]


@dataclass(frozen=True, kw_only=True)
class Version:
    """A model package: a version of a group.

    Attributes:
        arn: Its ARN.
        number: Its ModelPackageVersion.
        approval: Its ModelApprovalStatus.
        facts: Its CustomerMetadataProperties.
    """

    arn: str
    number: int
    approval: str
    facts: Mapping[str, str]

    @property
    def training_job(self) -> str | None:
        """The training job whose model it is; None where that was not noted."""
        return self.facts.get("TrainingJobName")

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """A version as DescribeModelPackage answers."""
        return cls(
            arn=answer["ModelPackageArn"],
            number=answer["ModelPackageVersion"],
            approval=answer["ModelApprovalStatus"],
            facts=answer.get("CustomerMetadataProperties", {}),
        )


def current(client: Client, group: str) -> Version | None:
    """The newest version of a group that nobody has rejected; None if there is none, or no such group."""
    if not _exists(client, group):
        return None
    asked = {"ModelPackageGroupName": group, "SortBy": "CreationTime", "SortOrder": "Descending"}
    for page in client.get_paginator("list_model_packages").paginate(**asked):
        for summary in page["ModelPackageSummaryList"]:
            if summary["ModelApprovalStatus"] != REJECTED:
                return Version.of(client.describe_model_package(ModelPackageName=summary["ModelPackageArn"]))
    return None


def add(client: Client, group: str, container: Mapping[str, Any], *, approval: str, facts: Mapping[str, str]) -> str:
    """Add a version to a group, which is made if it is not there; its ARN. Raises NotServed."""
    if not _exists(client, group):
        client.create_model_package_group(ModelPackageGroupName=group)
    specification = {"Containers": [container], "SupportedContentTypes": _TYPES, "SupportedResponseMIMETypes": _TYPES}
    try:
        arn: str = client.create_model_package(
            ModelPackageGroupName=group,
            InferenceSpecification=specification,
            ModelApprovalStatus=approval,
            CustomerMetadataProperties=facts,
        )["ModelPackageArn"]
    except ClientError as error:
        message = error.response["Error"]["Message"]
        raise NotServed(f"the model of {facts['TrainingJobName']} cannot be registered in {group}: {message}") from error
    return arn


def approve(client: Client, version: Version) -> None:
    """Approve a version."""
    client.update_model_package(ModelPackageArn=version.arn, ModelApprovalStatus=APPROVED)


def _exists(client: Client, group: str) -> bool:
    try:
        client.describe_model_package_group(ModelPackageGroupName=group)
    except ClientError as error:
        is_no_name = _NO_NAME in error.response["Error"]["Message"]
        if is_no_name or code_of(error) not in {*NOT_FOUND, "ValidationException"}:
            raise
        return False
    return True
