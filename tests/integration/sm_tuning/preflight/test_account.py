"""Region, credentials and account are as they are meant."""

import boto3
import pytest

from sm_tuning.preflight.doctor import doctor
from tests.integration.sm_tuning.preflight.conftest import REGION, Planted
from tests.integration.sm_tuning.preflight.faults import OF_THE_ACCOUNT


@pytest.mark.parametrize("name", OF_THE_ACCOUNT)
def test_each_fault_alone_is_named_with_what_mends_it(planted: Planted, name: str) -> None:
    OF_THE_ACCOUNT[name].expect(planted)


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
