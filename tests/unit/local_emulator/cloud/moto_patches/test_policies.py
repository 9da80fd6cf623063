"""IAM's evaluation, by the examples of its user guide's "Policy evaluation logic"; and what answers it over the wire."""

import json
from collections.abc import Mapping
from typing import Any

import boto3
import pytest

from local_emulator.cloud.moto_patches.policies import decide
from local_emulator.settings import Quotas, Settings
from local_emulator.testing import emulated_sagemaker

OBJECT = "arn:aws:s3:::b/x"


def allow(**members: Any) -> Mapping[str, Any]:
    return {"Effect": "Allow", "Action": "s3:*", "Resource": "*", **members}


def when(condition: Mapping[str, Any]) -> Mapping[str, Any]:
    return allow(Condition=condition)


@pytest.mark.parametrize(
    ("statements", "verdict"),
    [
        ([], "implicitDeny"),
        ([allow()], "allowed"),
        ([allow(Action=["s3:Put*", "s3:get?bject"])], "allowed"),
        ([allow(Action="s3:Get")], "implicitDeny"),
        ([allow(Action="s3.GetObject")], "implicitDeny"),
        ([{"Effect": "Allow", "NotAction": "s3:Put*", "Resource": "*"}], "allowed"),
        ([{"Effect": "Allow", "NotAction": "s3:G*", "Resource": "*"}], "implicitDeny"),
        ([allow(Resource="arn:aws:s3:::b/*")], "allowed"),
        ([allow(Resource="arn:aws:s3:::B/*")], "implicitDeny"),
        ([allow(Resource="arn:aws:s3:::b")], "implicitDeny"),
        ([{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::c/*"}], "allowed"),
        ([{"Effect": "Allow", "Action": "*", "NotResource": ["arn:aws:s3:::b/*"]}], "implicitDeny"),
        ([allow(), {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}], "explicitDeny"),
        ([allow(), {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}], "allowed"),
        ([allow(), {**when({"Bool": {"aws:SecureTransport": "false"}}), "Effect": "Deny"}], "allowed"),
        ([allow(), {**when({"Bool": {"aws:SecureTransport": True}}), "Effect": "Deny"}], "explicitDeny"),
        ([when({"StringEquals": {"AWS:RequestedRegion": ["eu-west-1", "us-east-1"]}})], "allowed"),
        ([when({"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}})], "implicitDeny"),
        ([when({"StringLike": {"aws:RequestedRegion": "us-*"}, "NumericLessThan": {"n": "5"}})], "allowed"),
        ([when({"StringLike": {"aws:RequestedRegion": "us-*"}, "NumericLessThan": {"n": "4"}})], "implicitDeny"),
        ([when({"StringEquals": {"who": "me"}})], "implicitDeny"),
        ([when({"StringEqualsIfExists": {"who": "me"}})], "allowed"),
        ([when({"StringNotEquals": {"who": "me"}})], "allowed"),
        ([when({"Null": {"who": "true"}})], "allowed"),
        ([when({"Null": {"n": "true"}})], "implicitDeny"),
        ([when({"ForAllValues:StringLike": {"kinds": "ml.m5.*"}})], "implicitDeny"),
        ([when({"ForAnyValue:StringLike": {"kinds": "ml.m5.*"}})], "allowed"),
        ([when({"ForAllValues:StringLike": {"kinds": ["ml.m5.*", "ml.p3.*"]}})], "allowed"),
        ([when({"DateGreaterThan": {"n": "2020-01-01"}})], "implicitDeny"),
    ],
)
def test_the_verdict(statements: Any, verdict: str) -> None:
    context = {"aws:SecureTransport": ["true"], "aws:RequestedRegion": ["us-east-1"], "n": ["4"], "kinds": ["ml.m5.x", "ml.p3.x"]}
    assert decide([{"Statement": statements}], None, "s3:GetObject", OBJECT, context).verdict == verdict


def test_a_boundary_bounds_and_grants_nothing() -> None:
    everything, reading = {"Statement": allow(Action="*")}, {"Statement": [allow(Action="s3:Get*")]}
    assert decide([everything], reading, "s3:GetObject", OBJECT, {}).verdict == "allowed"
    assert decide([everything], reading, "s3:PutObject", OBJECT, {}).verdict == "implicitDeny"
    assert decide([], reading, "s3:GetObject", OBJECT, {}).verdict == "implicitDeny"


def test_context_that_was_not_told_is_named() -> None:
    documents = [{"Statement": [when({"StringEquals": {"who": "me", "n": "4"}}), allow(Action="ec2:*")]}]
    assert decide(documents, None, "s3:GetObject", OBJECT, {"N": ["4"]}).missing == ["who"]


def test_the_simulation_takes_in_inline_and_attached_policies_and_groups() -> None:
    with emulated_sagemaker():
        iam = boto3.client("iam")
        role = iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow(Action="s3:Get*")]})
        read = iam.create_policy(PolicyName="read", PolicyDocument=policy)["Policy"]["Arn"]
        iam.attach_role_policy(RoleName="r", PolicyArn=read)
        iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=policy.replace("s3:Get*", "logs:*"))
        user = iam.create_user(UserName="u")["User"]["Arn"]
        iam.create_group(GroupName="g")
        iam.add_user_to_group(GroupName="g", UserName="u")
        iam.attach_group_policy(GroupName="g", PolicyArn=read)
        asked = ["s3:GetObject", "logs:PutLogEvents", "s3:PutObject"]
        for who, granted in ((role, asked[:2]), (user, asked[:1])):
            answer = iam.simulate_principal_policy(PolicySourceArn=who, ActionNames=asked, ResourceArns=[OBJECT])
            assert [
                result["EvalActionName"] for result in answer["EvaluationResults"] if result["EvalDecision"] == "allowed"
            ] == granted
        (specific,) = answer["EvaluationResults"][0]["ResourceSpecificResults"]
        assert (specific["EvalResourceName"], specific["EvalResourceDecision"]) == (OBJECT, "allowed")
        iam.put_role_permissions_boundary(RoleName="r", PermissionsBoundary=read)
        bounded = iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=asked, ResourceArns=[OBJECT])
        assert [result["EvalDecision"] for result in bounded["EvaluationResults"]] == ["allowed", "implicitDeny", "implicitDeny"]


def test_quotas_are_told_by_aws_names() -> None:
    with emulated_sagemaker(Settings(quotas=Quotas(parallel_training_jobs=3, instances={"ml.m5.large": 7}))):
        client = boto3.client("service-quotas")
        quotas = {quota["QuotaName"]: quota["Value"] for quota in client.list_service_quotas(ServiceCode="sagemaker")["Quotas"]}
        assert quotas["Maximum number of parallel training jobs per hyperparameter tuning job"] == 3
        assert quotas["ml.m5.large for training job usage"] == quotas["ml.m5.large for spot training job usage"] == 7
        assert client.list_service_quotas(ServiceCode="ec2")["Quotas"] == []
