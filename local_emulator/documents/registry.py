"""Requests and answers about model packages and their groups."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from local_emulator.documents.serialize import milliseconds
from local_emulator.domain.jobs import Document
from local_emulator.domain.registry import ModelPackage, ModelPackageGroup

PENDING = "PendingManualApproval"
_APPROVAL = "ModelApprovalStatus"
_REPLACED = (
    "ModelApprovalStatus",
    "ApprovalDescription",
    "ModelPackageRegistrationType",
    "InferenceSpecification",
    "SourceUri",
    "ModelCard",
    "ModelLifeCycle",
)
_OF_CONTAINERS = (
    "Image",
    "ModelDataUrl",
    "ModelDataSource",
    "ContainerHostname",
    "AdditionalModelDataSources",
    "AdditionalS3DataSource",
)
_PROPERTIES, _ADDITIONAL = "CustomerMetadataProperties", "AdditionalInferenceSpecifications"


def package(request: Document) -> Document:
    """CreateModelPackage as it is kept: a version waits for approval unless it says otherwise. `ClientToken` finds it again."""
    versioned = {_APPROVAL: PENDING} if "ModelPackageGroupName" in request else {}
    return {"CertifyForMarketplace": False, **versioned, **{name: value for name, value in request.items() if name != "Tags"}}


def repeats(request: Document, stored: ModelPackage) -> bool:
    """Whether a request is the one that made a package, sent again."""
    return "ClientToken" in request and request["ClientToken"] == stored.request.get("ClientToken")


def approval(stored: ModelPackage) -> str | None:
    """ModelApprovalStatus; only versions have one."""
    status: str | None = stored.request.get(_APPROVAL)
    return status


def updated(stored: ModelPackage, request: Document, now: datetime) -> ModelPackage:
    """The package after UpdateModelPackage."""
    changes: dict[str, Any] = {name: request[name] for name in _REPLACED if name in request}
    removed = request.get(f"{_PROPERTIES}ToRemove", ())
    if _PROPERTIES in request or removed:
        properties = {**stored.request.get(_PROPERTIES, {}), **request.get(_PROPERTIES, {})}
        changes[_PROPERTIES] = {name: value for name, value in properties.items() if name not in removed}
    if f"{_ADDITIONAL}ToAdd" in request:
        changes[_ADDITIONAL] = [*stored.request.get(_ADDITIONAL, ()), *request[f"{_ADDITIONAL}ToAdd"]]
    time = max(now, stored.modified)
    return replace(
        stored,
        request={**stored.request, **changes},
        modified=time,
        update_time=time,
        updated=tuple(changes),
        updates=stored.updates + 1,
    )


def described_package(stored: ModelPackage) -> Document:
    """Answer of DescribeModelPackage."""
    return {
        **{name: value for name, value in stored.request.items() if name != "ClientToken"},
        **_identity(stored),
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        "CreatedBy": {},
        **({} if stored.update_time is None else {"LastModifiedTime": milliseconds(stored.update_time), "LastModifiedBy": {}}),
    }


def unpacked(definition: Document, stored: ModelPackage) -> list[Document]:
    """The container definitions of a package that a model's container definition names; its environment goes before theirs."""
    specification = stored.request.get("InferenceSpecification", {})
    return [
        {
            **{member: value for member, value in definition.items() if member != "ModelPackageName"},
            **{member: container[member] for member in _OF_CONTAINERS if member in container},
            "Environment": {**container.get("Environment", {}), **definition.get("Environment", {})},
        }
        for container in specification.get("Containers", ())
    ]


def package_event(stored: ModelPackage) -> Document:
    """The detail of an event about a package."""
    return {**described_package(stored), **({"UpdatedModelPackageFields": list(stored.updated)} if stored.updated else {})}


def package_summary(stored: ModelPackage) -> Document:
    """An entry of ListModelPackages."""
    echoed = ("ModelPackageDescription", _APPROVAL, "ModelPackageRegistrationType", "ModelLifeCycle")
    return {**_identity(stored), **{name: stored.request[name] for name in echoed if name in stored.request}}


def batch_summary(stored: ModelPackage) -> Document:
    """An entry of BatchDescribeModelPackage."""
    specification = stored.request.get("InferenceSpecification")
    return {
        **{name: value for name, value in package_summary(stored).items() if name != "ModelLifeCycle"},
        **({} if specification is None else {"InferenceSpecification": specification}),
    }


def _identity(stored: ModelPackage) -> dict[str, Any]:
    named = (
        {"ModelPackageName": stored.name}
        if stored.group is None
        else {"ModelPackageGroupName": stored.group, "ModelPackageVersion": stored.number}
    )
    return {
        **named,
        "ModelPackageArn": stored.arn,
        "ModelPackageStatus": stored.status.value,
        "CreationTime": milliseconds(stored.created),
    }


def described_group(stored: ModelPackageGroup) -> Document:
    """Answer of DescribeModelPackageGroup."""
    return {**group_summary(stored), "CreatedBy": {}}


def group_summary(stored: ModelPackageGroup) -> Document:
    """An entry of ListModelPackageGroups."""
    return {
        "ModelPackageGroupName": stored.name,
        "ModelPackageGroupArn": stored.arn,
        **{name: value for name, value in stored.request.items() if name == "ModelPackageGroupDescription"},
        "CreationTime": milliseconds(stored.created),
        "ModelPackageGroupStatus": stored.status.value,
    }
