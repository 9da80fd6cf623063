"""IAM's evaluation, by the examples of its user guide's "Policy evaluation logic"."""

from collections.abc import Mapping
from typing import Any

import pytest

from local_emulator.cloud.moto_patches.policies import decide

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
