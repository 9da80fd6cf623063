"""What doctor says of an account in health, of several faults at once, and of what it may not look at."""

import re
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from sm_tuning import (
    Definition,
    Encryption,
    Resources,
    TuningJob,
    learning_rate,
)
from sm_tuning.preflight.doctor import doctor
from tests.integration.sm_tuning.preflight.conftest import IMAGE, OBJECTIVE, REGION, ROLE, TRAINING, Planted, allow


def test_a_healthy_account_has_no_fault_and_stays_as_it_is(planted: Planted) -> None:
    findings = planted.findings()
    assert [finding for finding in findings if finding.state != "ok"] == []
    checks = {finding.check for finding in findings}
    assert checks == {
        *(
            "credentials",
            "role",
            "role-policy",
            "caller",
            "bucket",
            "channel",
            "source",
            "image",
            "key",
            "network",
            "quota",
            "name",
        )
    }
    reading = re.compile(r"(Get|List|Describe|Head|Simulate)")
    assert {name for name in planted.called if not reading.match(name)} == set()
    assert len(planted.called) > 20


def test_what_may_not_be_asked_is_skipped_and_says_so(planted: Planted) -> None:
    operations = (
        *(
            "iam.GetRole",
            "iam.SimulatePrincipalPolicy",
            "s3.HeadBucket",
            "s3.ListObjectsV2",
            "ecr.DescribeImages",
            "kms.DescribeKey",
        ),
        *("ec2.DescribeSubnets", "service-quotas.ListServiceQuotas", "sagemaker.DescribeHyperParameterTuningJob"),
    )
    for operation in operations:
        planted.refuse(operation, "AccessDeniedException", f"User launcher is not authorized to perform {operation}")
    skipped = planted.skipped()
    assert planted.problems() == []
    assert set(skipped) == {"role", "role-policy", "caller", "bucket", "channel", "image", "key", "network", "quota", "name"}
    for check, operation in (
        ("role", "iam.GetRole"),
        ("quota", "service-quotas.ListServiceQuotas"),
        ("image", "ecr.DescribeImages"),
    ):
        assert f"not authorized to perform {operation}" in skipped[check]


def test_a_service_that_cannot_be_reached_is_skipped(planted: Planted) -> None:
    def unreachable(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://servicequotas.us-east-1.amazonaws.com/")

    planted.session.events.register("before-call.service-quotas", unreachable)
    assert set(planted.skipped()) == {"quota"}
    assert "Could not connect" in planted.skipped()["quota"]
    planted.session.events.register("before-call.sts", unreachable)
    (finding,) = planted.problems()
    assert (finding.check, "Could not connect" in finding.text) == ("credentials", True)


def test_without_credentials_or_region_nothing_else_is_asked(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    for name, value in (
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/none"),
        ("AWS_CONFIG_FILE", "/none"),
    ):
        monkeypatch.setenv(name, value)
    for session, check, remedy in (
        (boto3.Session(region_name=REGION), "credentials", "aws configure sso"),
        (boto3.Session(), "region", "aws configure set region"),
        (boto3.Session(region_name="eu-cental-1"), "region", "give --region eu-central-1"),
        (boto3.Session(region_name="not a region"), "region", "--region"),
    ):
        findings = doctor(planted.job, session)
        assert [(finding.check, finding.state) for finding in findings] == [(check, "problem"), ("account", "skipped")]
        assert remedy in findings[0].remedy


def test_what_is_not_ours_to_look_into_is_skipped(planted: Planted) -> None:
    planted.change(image=None)
    assert "683313688378" in planted.skipped()["image"]
    planted.change(image=None, algorithm="mine")
    assert "algorithm" in planted.skipped()["image"]
    planted.change(image=IMAGE, algorithm=None, encryption=Encryption(output_key="alias/mine"))
    kms = planted.client("kms")
    kms.create_alias(AliasName="alias/mine", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    assert "ARN" in planted.skipped()["key"]
    planted.resources(instance_type="ml.c5.xlarge")
    assert "ml.c5.xlarge for training job usage: 2 needed" in planted.skipped()["quota"]


def test_a_condition_that_cannot_be_simulated_is_no_fault(planted: Planted) -> None:
    planted.policies(*TRAINING[1:], allow("s3:GetObject", Condition={"StringEquals": {"s3:ExistingObjectTag/open": "yes"}}))
    assert planted.problems() == []
    assert "s3:ExistingObjectTag/open" in planted.skipped()["role-policy"]


def test_every_definition_is_looked_at(planted: Planted) -> None:
    job = planted.job
    common: dict[str, Any] = {"script": job.definition.script, "objective": OBJECTIVE, "ranges": [learning_rate()]}
    first = Definition(name="first", image=IMAGE, **common)
    second = Definition(
        name="second", image=IMAGE.replace("v1", "v9"), resources=Resources(instance_type="ml.p3.2xlarge"), **common
    )
    planted.job = TuningJob(
        name="two", definitions=[first, second], strategy=job.strategy, max_jobs=4, max_parallel=2, role=ROLE, output=job.output
    )
    texts = {problem.check: problem.text for problem in planted.problems()}
    assert set(texts) == {"image", "quota"}
    assert "v9" in texts["image"]
    assert "ml.p3.2xlarge" in texts["quota"]
