"""The Resource Groups Tagging API, asked through boto3: by it policies and reports of costs find jobs."""

from typing import Any

import boto3

from local_emulator.testing import emulated_sagemaker

ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"


def model(name: str, **tags: str) -> str:
    """The ARN of a model with tags."""
    container = {"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/server:1"}
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    arn: str = boto3.client("sagemaker").create_model(
        ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE, Tags=pairs
    )["ModelArn"]
    return arn


def tagged(tagging: Any, **asked: Any) -> dict[str, dict[str, str]]:
    """The tags of the resources that GetResources finds, by ARN."""
    mapped = tagging.get_resources(**asked)["ResourceTagMappingList"]
    return {resource["ResourceARN"]: {tag["Key"]: tag["Value"] for tag in resource["Tags"]} for resource in mapped}


def test_ours_of_sagemaker_are_listed_and_tagged_beside_those_of_others() -> None:
    with emulated_sagemaker():
        tagging, sagemaker = boto3.client("resourcegroupstaggingapi"), boto3.client("sagemaker")
        ours, other, _ = model("ours", team="vision"), model("other", team="speech"), model("plain")
        tables = boto3.client("dynamodb")
        table = tables.create_table(
            TableName="table",
            KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            Tags=[{"Key": "team", "Value": "vision"}],
        )["TableDescription"]["TableArn"]
        vision = [{"Key": "team", "Values": ["vision"]}]
        assert tagged(tagging, TagFilters=vision) == {ours: {"team": "vision"}, table: {"team": "vision"}}
        assert tagged(tagging, ResourceTypeFilters=["sagemaker:model"]) == {ours: {"team": "vision"}, other: {"team": "speech"}}
        assert tagged(tagging, ResourceTypeFilters=["sagemaker:endpoint"]) == {}
        assert tagged(tagging, ResourceARNList=[other]) == {other: {"team": "speech"}}
        assert sorted(tagging.get_tag_values(Key="team")["TagValues"]) == ["speech", "vision"]
        assert tagging.tag_resources(ResourceARNList=[ours, table], Tags={"cost": "7"})["FailedResourcesMap"] == {}
        assert tagging.untag_resources(ResourceARNList=[ours, table], TagKeys=["team"])["FailedResourcesMap"] == {}
        assert sagemaker.list_tags(ResourceArn=ours)["Tags"] == [{"Key": "cost", "Value": "7"}]
        assert tables.list_tags_of_resource(ResourceArn=table)["Tags"] == [{"Key": "cost", "Value": "7"}]
        assert tagged(boto3.client("resourcegroupstaggingapi", region_name="eu-west-1")) == {}


def test_a_resource_that_is_not_there_is_told_by_its_arn() -> None:
    with emulated_sagemaker():
        tagging, missing = boto3.client("resourcegroupstaggingapi"), "arn:aws:sagemaker:us-east-1:123456789012:model/none"
        for failed in (
            tagging.tag_resources(ResourceARNList=[missing], Tags={"cost": "7"})["FailedResourcesMap"],
            tagging.untag_resources(ResourceARNList=[missing], TagKeys=["cost"])["FailedResourcesMap"],
        ):
            assert failed.keys() == {missing}
            assert failed[missing]["ErrorCode"] == "InvalidParameterException"
            assert "does not exist" in failed[missing]["ErrorMessage"]
