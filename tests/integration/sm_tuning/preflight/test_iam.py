"""Role and caller may do what the tuning job needs."""

import re

import pytest

from tests.integration.sm_tuning.preflight.conftest import TRAINING, Planted, allow
from tests.integration.sm_tuning.preflight.faults import OF_PERMISSIONS


@pytest.mark.parametrize("name", OF_PERMISSIONS)
def test_each_fault_alone_is_named_with_what_mends_it(planted: Planted, name: str) -> None:
    OF_PERMISSIONS[name].expect(planted)


def test_the_remedy_for_policies_mends_them_all_at_once(planted: Planted) -> None:
    planted.policies(allow("ecr:GetAuthorizationToken"))
    (finding,) = planted.problems()
    match = re.search(r"--policy-document '(.*)'$", finding.remedy)
    assert match is not None
    planted.client("iam").put_role_policy(RoleName="training", PolicyName="sm-tuning-role-policy", PolicyDocument=match[1])
    assert planted.problems() == []


def test_the_remedy_for_trust_mends_it(planted: Planted) -> None:
    OF_PERMISSIONS["a role without trust"].plant(planted)
    (finding,) = planted.problems()
    match = re.search(r"--policy-document '(.*)'$", finding.remedy)
    assert match is not None
    planted.client("iam").update_assume_role_policy(RoleName="training", PolicyDocument=match[1])
    assert planted.problems() == []


def test_a_condition_that_cannot_be_simulated_is_no_fault(planted: Planted) -> None:
    planted.policies(*TRAINING[1:], allow("s3:GetObject", Condition={"StringEquals": {"s3:ExistingObjectTag/open": "yes"}}))
    assert planted.problems() == []
    assert "s3:ExistingObjectTag/open" in planted.skipped()["role-policy"]
