"""What doctor says of an account in health, of several faults at once, and of what it may not look at."""

import re
from typing import Any

from botocore.exceptions import EndpointConnectionError

from sm_tuning import (
    Definition,
    Encryption,
    Resources,
    TuningJob,
    learning_rate,
)
from tests.integration.sm_tuning.preflight.conftest import IMAGE, OBJECTIVE, ROLE, Planted
from tests.integration.sm_tuning.preflight.faults import OF_INPUTS, OF_PERMISSIONS, OF_QUOTAS, OF_THE_JOB


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


def test_a_broken_rule_is_named_with_the_page_that_explains_it(planted: Planted) -> None:
    OF_THE_JOB["a rule broken"].expect(planted)


FAULTS = OF_PERMISSIONS | OF_INPUTS | OF_QUOTAS


def test_several_faults_at_once_are_all_named(planted: Planted) -> None:
    together = (
        "a role without trust",
        "a role that may not pull",
        "a channel without data",
        "no such tag",
        "a quota of zero",
        "the name taken",
    )
    for name in together:
        FAULTS[name].plant(planted)
    by_check = {problem.check: problem for problem in planted.problems()}
    assert set(by_check) == {FAULTS[name].check for name in together}
    for name in together:
        assert re.search(FAULTS[name].text, by_check[FAULTS[name].check].text)
