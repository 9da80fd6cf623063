"""The newest version of a group that counts, found page by page."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sm_tuning.client.registry import current

STATUSES = {"arn/3": "Rejected", "arn/2": "Rejected", "arn/1": "Approved"}


class Registry:
    """A client of a registry with one group, whose pages have one version each."""

    def __init__(self, statuses: dict[str, str]) -> None:
        self._statuses = statuses

    def describe_model_package_group(self, ModelPackageGroupName: str) -> Any:  # noqa: N803 - boto3's
        if ModelPackageGroupName != "digits":
            message = f"ModelPackageGroup arn/{ModelPackageGroupName} does not exist."
            if " " in ModelPackageGroupName:
                message = f"1 validation error detected: Value '{ModelPackageGroupName}' at 'modelPackageGroupName' failed"
            raise ClientError({"Error": {"Code": "ValidationException", "Message": message}}, "DescribeModelPackageGroup")
        return {}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_model_packages"
        return SimpleNamespace(paginate=self._pages)

    def _pages(self, **asked: str) -> Any:
        assert asked == {"ModelPackageGroupName": "digits", "SortBy": "CreationTime", "SortOrder": "Descending"}
        for arn, status in self._statuses.items():
            yield {"ModelPackageSummaryList": [{"ModelPackageArn": arn, "ModelApprovalStatus": status}]}

    def describe_model_package(self, ModelPackageName: str) -> Any:  # noqa: N803 - boto3's
        number = int(ModelPackageName[-1])
        facts = {"CustomerMetadataProperties": {"TrainingJobName": "a"}} if number == 1 else {}
        status = self._statuses[ModelPackageName]
        return {"ModelPackageArn": ModelPackageName, "ModelPackageVersion": number, "ModelApprovalStatus": status, **facts}


def test_rejected_ones_do_not_count() -> None:
    version = current(Registry(STATUSES), "digits")
    assert version is not None
    assert (version.number, version.approval, version.training_job) == (1, "Approved", "a")
    pending = current(Registry({"arn/4": "PendingManualApproval", **STATUSES}), "digits")
    assert pending is not None
    assert (pending.number, pending.training_job) == (4, None)


def test_there_may_be_none() -> None:
    assert current(Registry({"arn/3": "Rejected"}), "digits") is None
    assert current(Registry(STATUSES), "another") is None
    with pytest.raises(ClientError, match="Value 'my digits' at"):
        current(Registry(STATUSES), "my digits")
