"""Two regions, two projects, two environments in one account: made, changed and deleted side by side."""

from itertools import product
from typing import Any

import boto3
import pytest

from tests.conftest import Server
from tests.infra.conftest import TUNING, Command, Said, bootstrap, of, tuning

REGIONS = ("us-east-1", "eu-west-1")
PROJECTS = ("left", "left-most")  # the one's name begins with the other's
ENVIRONMENTS = ("staging", "production")
ALL = list(product(REGIONS, PROJECTS, ENVIRONMENTS))


THE_SAME = {
    "Project": "twice",
    "LaunchRoleArn": "arn:aws:iam::123456789012:role/launch",
    "ExecutionRoleArn": "arn:aws:iam::123456789012:role/execution",
}


def client(served: Server, service: Any, region: str) -> Any:
    return boto3.client(
        service, region_name=region, endpoint_url=served.url, aws_access_key_id="test", aws_secret_access_key="test"
    )


@pytest.fixture(scope="module")
def run(served: Server) -> Any:
    """Runs a command in a region; it must go well."""

    def go(infra: Command, region: str, *words: str) -> Said:
        said = infra(*words, "--region", region)
        assert said.code == 0, said.err
        return said

    return go


def test_none_is_in_another_ones_way(served: Server, infra: Command, run: Any) -> None:
    outputs: dict[tuple[str, str, str], dict[str, str]] = {}
    for region, project, environment in ALL:
        run(infra, region, *bootstrap(project, environment))
        said = run(infra, region, *tuning(project, environment, MonthlyBudget="10"))
        outputs[region, project, environment] = said.outputs
    for output in ("BucketName", "RepositoryUri", "LaunchRoleArn", "ExecutionRoleArn", "TopicArn"):
        assert len({stack[output] for stack in outputs.values()}) == len(ALL), output
    roles = {role["RoleName"] for role in client(served, "iam", REGIONS[0]).list_roles()["Roles"]}
    assert len([name for name in roles if name.startswith("left")]) == 4 * len(ALL)

    changed, gone, *others = ALL
    run(infra, changed[0], *tuning(*changed[1:], OutputDays="3"))
    for bootstrap_too in ((), ("--bootstrap",)):
        run(infra, gone[0], "teardown", *of(*gone[1:]), *bootstrap_too, "--yes")
    for region, project, environment in others:
        assert "nothing to change" in run(infra, region, *tuning(project, environment)).err
    buckets = {bucket["Name"] for bucket in client(served, "s3", REGIONS[0]).list_buckets()["Buckets"]}
    assert {outputs[other]["BucketName"] for other in (changed, *others)} <= buckets
    assert outputs[gone]["BucketName"] not in buckets
    left = [role["RoleName"] for role in client(served, "iam", REGIONS[0]).list_roles()["Roles"]]
    assert len([name for name in left if name.startswith("left")]) == 4 * (len(ALL) - 1)


def test_what_another_stack_or_somebody_has_is_refused(served: Server, infra: Command, run: Any) -> None:
    region = REGIONS[0]
    run(infra, region, *bootstrap("twice"))
    run(infra, region, *tuning("twice"))
    stacks, name = client(served, "cloudformation", region), "twice-again"
    parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in THE_SAME.items()]
    made = stacks.create_change_set(
        StackName=name, ChangeSetName="new", ChangeSetType="CREATE", TemplateBody=TUNING.read_text(), Parameters=parameters
    )
    stacks.execute_change_set(ChangeSetName=made["Id"])
    assert stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "ROLLBACK_COMPLETE"
    reasons = str(stacks.describe_stack_events(StackName=name)["StackEvents"])
    assert "already exists in stack arn:aws:cloudformation" in reasons
    assert infra("outputs", "BucketName", *of("twice"), "--region", region).code == 0, "the first is untouched"

    trust = '{"Version": "2012-10-17", "Statement": []}'
    name = "thrice-production-us-east-1-launch"
    client(served, "iam", region).create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    said = infra(*bootstrap("thrice"), "--region", region)
    assert said.code == 1
    assert f"Role with name {name} already exists" in said.err
    assert "somebody has made it by hand" in said.err
    elsewhere = infra(*tuning("twice"), "--region", REGIONS[1])
    assert elsewhere.code == 1
    assert "there is no stack twice-production-bootstrap in eu-west-1" in elsewhere.err
    early = infra("teardown", "--bootstrap", *of("twice"), "--yes", "--region", region)
    assert early.code == 2
    assert "the stack twice-production is there, and needs twice-production-bootstrap; delete it first" in early.err
    for bootstrap_too in ((), ("--bootstrap",)):
        run(infra, region, "teardown", *of("twice"), *bootstrap_too, "--yes")
