from typing import Any

import pytest

from local_emulator.documents.hosting import ModelData
from local_emulator.documents.registry import package_event, unpacked
from local_emulator.documents.transform import containers as containers_of
from local_emulator.domain.names import TRANSFORM_JOB, Arn
from tests.made_jobs import SCOPE, transform
from tests.made_pipelines import step
from tests.pipeline_world import ROLE, RefusedError, World

CONTAINER = {"Image": "x", "ModelDataUrl": "s3://b/model.tar.gz"}
SPECIFICATION = {
    "Containers": [CONTAINER],
    "SupportedContentTypes": ["text/csv"],
    "SupportedResponseMIMETypes": ["text/csv"],
}
PROFILE = {
    "ProfileName": "p",
    "TransformJobDefinition": {
        "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in"}}},
        "TransformOutput": {"S3OutputPath": "s3://b/out"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    },
}
PREFIX = "arn:aws:sagemaker:us-east-1:123456789012"


def version(world: World, group: str = "Group", **members: Any) -> str:
    request = {"InferenceSpecification": SPECIFICATION, **members}
    arn: str = world.ask("CreateModelPackage", ModelPackageGroupName=group, **request)["ModelPackageArn"]
    return arn


def listed(world: World, **request: Any) -> list[str]:
    summaries = world.ask("ListModelPackages", **request)["ModelPackageSummaryList"]
    return [summary["ModelPackageArn"].partition("/")[2] for summary in summaries]


def test_versions_of_a_group(world: World) -> None:
    tags = [{"Key": "a", "Value": "b"}]
    group = world.ask("CreateModelPackageGroup", ModelPackageGroupName="Group", ModelPackageGroupDescription="d", Tags=tags)
    assert group == {"ModelPackageGroupArn": f"{PREFIX}:model-package-group/group"}
    arn = version(world)
    assert arn == f"{PREFIX}:model-package/group/1"
    assert version(world, ModelApprovalStatus="Approved") == f"{PREFIX}:model-package/group/2"
    assert world.ask("DescribeModelPackage", ModelPackageName=arn) == {
        "ModelPackageGroupName": "Group",
        "ModelPackageVersion": 1,
        "ModelPackageArn": arn,
        "CreationTime": 1777636800.0,
        "InferenceSpecification": SPECIFICATION,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        "CertifyForMarketplace": False,
        "ModelApprovalStatus": "PendingManualApproval",
        "CreatedBy": {},
    }
    assert world.ask("DescribeModelPackageGroup", ModelPackageGroupName="Group") == {
        "ModelPackageGroupName": "Group",
        "ModelPackageGroupArn": f"{PREFIX}:model-package-group/group",
        "ModelPackageGroupDescription": "d",
        "CreationTime": 1777636800.0,
        "ModelPackageGroupStatus": "Completed",
        "CreatedBy": {},
    }
    assert world.ask("ListTags", ResourceArn=f"{PREFIX}:model-package-group/group")["Tags"] == tags


def test_lists(world: World) -> None:
    for name in ("Group", "Other"):
        world.ask("CreateModelPackageGroup", ModelPackageGroupName=name)
        world.pass_time(1)
    for group in ("Group", "Group", "Other"):
        version(world, group)
        world.pass_time(1)
    world.ask("CreateModelPackage", ModelPackageName="alone", InferenceSpecification=SPECIFICATION)
    world.ask("UpdateModelPackage", ModelPackageArn=f"{PREFIX}:model-package/group/2", ModelApprovalStatus="Approved")
    assert listed(world) == ["alone"]
    assert listed(world, ModelPackageType="Both") == ["group/1", "group/2", "other/1", "alone"]
    assert listed(world, ModelPackageType="Versioned", NameContains="OTHER") == ["other/1"]
    assert listed(world, ModelPackageGroupName="Group", SortOrder="Descending") == ["group/2", "group/1"]
    assert listed(world, ModelPackageGroupName="Group", ModelApprovalStatus="Approved") == ["group/2"]
    groups = world.ask("ListModelPackageGroups", SortOrder="Descending")["ModelPackageGroupSummaryList"]
    assert [group["ModelPackageGroupName"] for group in groups] == ["Other", "Group"]
    missing = f"{PREFIX}:model-package/group/9"
    batch = world.ask("BatchDescribeModelPackage", ModelPackageArnList=[f"{PREFIX}:model-package/group/2", missing])
    assert batch["ModelPackageSummaries"][f"{PREFIX}:model-package/group/2"]["ModelApprovalStatus"] == "Approved"
    assert list(batch["BatchDescribeModelPackageErrorMap"]) == [missing]
    results = world.ask("Search", Resource="ModelPackageGroup")["Results"]
    assert [result["ModelPackageGroup"]["ModelPackageGroupName"] for result in results] == ["Other", "Group"]
    approved = {"Filters": [{"Name": "ModelApprovalStatus", "Value": "Approved"}]}
    assert world.ask("Search", Resource="ModelPackage", SearchExpression=approved)["TotalHits"]["Value"] == 1


def test_updates_are_told_in_events(world: World) -> None:
    world.ask("CreateModelPackageGroup", ModelPackageGroupName="Group")
    arn = version(world, CustomerMetadataProperties={"a": "1", "b": "2"})
    before = world.store.packages.get(Arn(arn))
    assert "UpdatedModelPackageFields" not in package_event(before)
    world.pass_time(5)
    world.ask(
        "UpdateModelPackage",
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="good",
        CustomerMetadataProperties={"c": "3"},
        CustomerMetadataPropertiesToRemove=["a"],
        ModelPackageRegistrationType="Registered",
    )
    after = world.store.packages.get(Arn(arn))
    assert after.state != before.state
    event = package_event(after)
    assert event["UpdatedModelPackageFields"] == [
        "ModelApprovalStatus",
        "ApprovalDescription",
        "ModelPackageRegistrationType",
        "CustomerMetadataProperties",
    ]
    assert world.ask("DescribeModelPackage", ModelPackageName=arn)["ModelPackageRegistrationType"] == "Registered"
    assert (event["ModelApprovalStatus"], event["CustomerMetadataProperties"]) == ("Approved", {"b": "2", "c": "3"})
    assert event["LastModifiedTime"] == event["CreationTime"] + 5


def test_a_repeated_request_is_one_version(world: World) -> None:
    world.ask("CreateModelPackageGroup", ModelPackageGroupName="Group")
    token = "t" * 36
    assert version(world, ClientToken=token) == version(world, ClientToken=token)
    assert version(world).endswith("/2")
    assert "ClientToken" not in world.ask("DescribeModelPackage", ModelPackageName=f"{PREFIX}:model-package/group/1")
    named = {"ModelPackageName": "alone", "InferenceSpecification": SPECIFICATION}
    for _ in range(2):
        assert world.ask("CreateModelPackage", **named, ClientToken=token) == {"ModelPackageArn": f"{PREFIX}:model-package/alone"}
    with pytest.raises(RefusedError, match="ModelPackage already exists"):
        world.ask("CreateModelPackage", **named, ClientToken="u" * 36)


def test_a_group_with_versions_is_not_deleted_and_no_number_is_given_twice(world: World) -> None:
    world.ask("CreateModelPackageGroup", ModelPackageGroupName="Group")
    arn = version(world)
    with pytest.raises(RefusedError, match=r"ConflictException: Model Package Group .* contains model packages"):
        world.ask("DeleteModelPackageGroup", ModelPackageGroupName="Group")
    world.ask("DeleteModelPackage", ModelPackageName=arn)
    with pytest.raises(RefusedError, match=r"ValidationException: ModelPackage .*model-package/group/1 does not exist"):
        world.ask("DeleteModelPackage", ModelPackageName=arn)
    arn = version(world)
    assert arn.endswith("/2")
    world.ask("DeleteModelPackage", ModelPackageName=arn)
    world.ask("DeleteModelPackageGroup", ModelPackageGroupName="Group")
    with pytest.raises(RefusedError, match=r"ValidationException: ModelPackageGroup .*model-package-group/group does not exist"):
        world.ask("DescribeModelPackageGroup", ModelPackageGroupName="Group")


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({"ModelPackageGroupName": "Nowhere", "InferenceSpecification": SPECIFICATION}, "Model Package Group does not exist"),
        ({"InferenceSpecification": SPECIFICATION}, "Missing ARN"),
        ({"ModelPackageName": "a", "ModelPackageGroupName": "Group"}, "Both ModelPackageName and ModelPackageGroupName are"),
        (
            {"ModelPackageGroupName": "Group", "InferenceSpecification": SPECIFICATION, "Tags": [{"Key": "a", "Value": "b"}]},
            "Tags are not allowed for a versioned model package",
        ),
        (
            {
                "ModelPackageName": "a",
                "ValidationSpecification": {"ValidationRole": ROLE, "ValidationProfiles": [PROFILE]},
            },
            "CreateModelPackage with a ValidationSpecification is not emulated",
        ),
    ],
)
def test_packages_that_cannot_be(world: World, request_: Any, error: str) -> None:
    world.ask("CreateModelPackageGroup", ModelPackageGroupName="Group")
    with pytest.raises(RefusedError, match=f"ValidationException: .*{error}"):
        world.ask("CreateModelPackage", **request_)
    with pytest.raises(RefusedError, match="ValidationException: Model Package Group already exists"):
        world.ask("CreateModelPackageGroup", ModelPackageGroupName="Group")


def test_a_register_step_makes_the_group_and_one_version(world: World) -> None:
    tags = [{"Key": "a", "Value": "b"}]
    arguments = {
        "ModelPackageGroupName": "New",
        "InferenceSpecification": SPECIFICATION,
        "SkipModelValidation": "None",
        "Tags": tags,
    }
    refer = {"ErrorMessage": {"Get": "Steps.Register.ModelPackageArn"}}
    arn = world.run(step("Register", "RegisterModel", arguments), step("Say", "Fail", refer))
    package = world.ask("DescribeModelPackage", ModelPackageName=f"{PREFIX}:model-package/new/1")
    assert package["MetadataProperties"] == {"GeneratedBy": arn.lower()}
    assert world.execution(arn).steps[1].failure_reason == package["ModelPackageArn"]
    assert world.ask("ListTags", ResourceArn=f"{PREFIX}:model-package-group/new")["Tags"] == tags


def test_a_model_of_a_package_has_the_packages_containers(world: World) -> None:
    world.ask("CreateModelPackageGroup", ModelPackageGroupName="Group")
    container = {**CONTAINER, "Environment": {"A": "package", "B": "package"}}
    arn = version(world, InferenceSpecification={**SPECIFICATION, "Containers": [container]})
    named = {"ModelPackageName": arn, "Environment": {"B": "model"}}
    world.ask("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=named)
    described = world.ask("DescribeModel", ModelName="m")
    assert described["PrimaryContainer"]["ModelPackageName"] == arn
    assert unpacked(described["PrimaryContainer"], world.store.packages.get(Arn(arn))) == [
        {
            "Image": "x",
            "ModelDataUrl": "s3://b/model.tar.gz",
            "Mode": "SingleModel",
            "Environment": {"A": "package", "B": "model"},
        }
    ]
    with pytest.raises(RefusedError, match=r"ValidationException: ModelPackage .*group/9 does not exist"):
        world.ask("CreateModel", ModelName="n", ExecutionRoleArn=ROLE, PrimaryContainer={"ModelPackageName": f"{arn[:-1]}9"})
    job = {name: value for name, value in transform("t").request.items() if name != "ModelName"}
    world.ask("CreateTransformJob", ModelName="m", **job)
    (served,) = containers_of(world.store.transforms.get(SCOPE.arn(TRANSFORM_JOB, "t")))
    assert (served.image, served.environment, served.data) == (
        "x",
        {"A": "package", "B": "model"},
        ModelData(uri="s3://b/model.tar.gz"),
    )


SOURCE = {"S3Uri": "s3://b/a/", "S3DataType": "S3Prefix", "CompressionType": "None"}


@pytest.mark.parametrize(
    ("container", "named", "present"),
    [
        ({"AdditionalModelDataSources": [{"ChannelName": "a", "S3DataSource": SOURCE}]}, {}, "AdditionalModelDataSources"),
        ({"AdditionalS3DataSource": {"S3DataType": "S3Object", "S3Uri": "s3://b/a"}}, {}, "an AdditionalS3DataSource"),
        ({}, {"InferenceSpecificationName": "other"}, "an InferenceSpecificationName"),
    ],
)
def test_what_a_package_has_and_nothing_here_can_serve_is_refused(world: World, container: Any, named: Any, present: str) -> None:
    specification = {**SPECIFICATION, "Containers": [{**CONTAINER, **container}]}
    world.ask("CreateModelPackage", ModelPackageName="p", InferenceSpecification=specification)
    world.ask("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer={"ModelPackageName": "p", **named})
    variant = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    world.ask("CreateEndpointConfig", EndpointConfigName="c", ProductionVariants=[variant])
    with pytest.raises(RefusedError, match=f"The model m has {present}, which no endpoint here can serve"):
        world.ask("CreateEndpoint", EndpointName="e", EndpointConfigName="c")
    job = {name: value for name, value in transform("t").request.items() if name != "ModelName"}
    with pytest.raises(RefusedError, match=f"The model m has {present}, which no endpoint here can serve"):
        world.ask("CreateTransformJob", ModelName="m", **job)


def test_what_is_asked_of_the_registry_and_is_not_done_is_refused(world: World) -> None:
    with pytest.raises(RefusedError, match="CreateModelPackageGroup with a ManagedConfiguration is not emulated"):
        world.ask("CreateModelPackageGroup", ModelPackageGroupName="Group", ManagedConfiguration={})
    world.ask("CreateModelPackageGroup", ModelPackageGroupName="Group")
    assert world.ask("ListModelPackageGroups", CrossAccountFilterOption="CrossAccount") == {"ModelPackageGroupSummaryList": []}
    with pytest.raises(RefusedError, match="CreateModelPackage with a ManagedStorageType is not emulated"):
        version(world, ManagedStorageType="Restricted")
    with pytest.raises(RefusedError, match="CreateModelPackage with a CertifyForMarketplace is not emulated"):
        version(world, CertifyForMarketplace=True)
    plain = version(world, CertifyForMarketplace=False)
    card = version(world, ModelCard={"ModelCardContent": "{}", "ModelCardStatus": "Draft"})
    described = world.ask("DescribeModelPackage", ModelPackageName=plain)
    assert world.ask("DescribeModelPackage", ModelPackageName=plain, IncludedData="MetadataOnly") == described
    with pytest.raises(RefusedError, match="MetadataOnly is not emulated for a model package with a ModelCard"):
        world.ask("DescribeModelPackage", ModelPackageName=card, IncludedData="MetadataOnly")
