"""Stacks: the AllowedPattern of a template's parameter, which is its writer's, and the partition that they are in."""

import json
import time
from typing import Any

import boto3
import pytest

from local_emulator.cloud.moto_patches import cloudformation
from tests.conftest import Server


def test_values_are_matched_whole() -> None:
    assert cloudformation._matches("Name", "[a-z]+", "abc")
    assert not cloudformation._matches("Name", "[a-z]+", "abc1")


@pytest.mark.parametrize(("pattern", "why"), [("(a|aa)+", "timed out"), ("(", "missing")])
def test_a_pattern_that_cannot_be_matched_is_refused(pattern: str, why: str) -> None:
    began = time.process_time()
    with pytest.raises(Exception, match=f"'Name' cannot be matched with its pattern.*({why})"):
        cloudformation._matches("Name", pattern, "a" * 60 + "!")
    assert time.process_time() - began < 20


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
def test_a_stack_of_another_partition_acts_in_that_partition(server: Server, region: str, partition: str) -> None:
    session: Any = boto3.Session("test", "test", region_name=region)
    stacks, s3, iam = (session.client(service, endpoint_url=server.url) for service in ("cloudformation", "s3", "iam"))
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:{partition}:s3:::stacked/*"}
    policy = {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    resources = {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "stacked"}},
        "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": policy},
        "Provider": {"Type": "AWS::IAM::OIDCProvider", "Properties": {"Url": "https://example.com"}},
    }
    stacks.create_stack(StackName="stack", TemplateBody=json.dumps({"Resources": resources}))
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["stacked"]
    assert json.loads(s3.get_bucket_policy(Bucket="stacked")["Policy"])["Statement"] == [statement]
    providers = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    assert [provider["Arn"] for provider in providers] == [f"arn:{partition}:iam::123456789012:oidc-provider/example.com"]
    stacks.delete_stack(StackName="stack")
    assert s3.list_buckets()["Buckets"] == []
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []
