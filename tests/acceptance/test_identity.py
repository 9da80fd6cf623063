"""Who the caller is and what the role may do: what SDKs ask before they send a job."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import ROLE, Server


def test_the_caller_has_assumed_a_role_that_exists(new_server: Server) -> None:
    caller = new_server.client("sts").get_caller_identity()
    assert caller["Account"] == "123456789012"
    kind, role, _session = caller["Arn"].split(":")[-1].split("/")
    assert kind == "assumed-role"
    assert new_server.client("iam").get_role(RoleName=role)["Role"]["Arn"] == ROLE


def test_nothing_is_forbidden(new_server: Server) -> None:
    iam: Any = new_server.client("iam")
    actions = ["sagemaker:CreateTrainingJob", "s3:GetObject"]
    answer = iam.simulate_principal_policy(PolicySourceArn=ROLE, ActionNames=actions)
    assert [(result["EvalActionName"], result["EvalDecision"]) for result in answer["EvaluationResults"]] == [
        (action, "allowed") for action in actions
    ]
    with pytest.raises(ClientError, match="NoSuchEntity"):
        iam.simulate_principal_policy(PolicySourceArn=ROLE + "x", ActionNames=actions)
