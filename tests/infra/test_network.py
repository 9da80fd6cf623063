"""A network of a project's own: a stack that comes and goes with the bootstrap stack's parameter `Subnets`."""

from pathlib import Path

import pytest

from tests.conftest import Server
from tests.infra.conftest import TEMPLATES, Command, Said, bootstrap, of

# What the bootstrap stack was like when it held the network itself.
BEFORE = """
Parameters:
  Project: {Type: String}
  Environment: {Type: String}
  Subnets: {Type: CommaDelimitedList, Default: ""}
  VpcCidr: {Type: String, Default: 10.77.0.0/24}
  MakeProvider: {Type: String, Default: ""}
  ManageLogGroup: {Type: String, Default: ""}
Resources:
  Vpc: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: !Ref VpcCidr}}
"""
WITHOUT = {"MakeProvider": "false", "ManageLogGroup": "false"}


def vpcs(served: Server) -> set[str]:
    """Their addresses."""
    return {vpc["CidrBlock"] for vpc in served.client("ec2").describe_vpcs()["Vpcs"]}


def at(infra: Command, *words: str, code: int = 0) -> Said:
    said = infra(*words)
    assert said.code == code, said.err
    return said


def test_it_comes_changes_and_goes_with_the_bootstrap_stack(served: Server, infra: Command) -> None:
    shown = at(infra, *bootstrap("own-n", Subnets="new", VpcCidr="10.1.0.0/24", **WITHOUT), "--only-show")
    assert "+ AWS::EC2::VPC" in shown.err
    assert "+ AWS::IAM::Role" in shown.err
    assert "10.1.0.0/24" not in vpcs(served)
    at(infra, "outputs", "--bootstrap", *of("own-n"), code=1)

    made = at(infra, *bootstrap("own-n", Subnets="new", VpcCidr="10.1.0.0/24", **WITHOUT)).outputs
    assert len(made["SubnetIds"].split(",")) == 2
    assert made["SecurityGroupIds"].startswith("sg-")
    boundary = served.client("iam").get_policy_version(
        PolicyArn="arn:aws:iam::123456789012:policy/own-n-production-us-east-1-boundary", VersionId="v1"
    )
    assert made["SubnetIds"].split(",")[0] in str(boundary)
    changed = at(infra, "bootstrap", *of("own-n"), "VpcEndpoints=true")
    assert "+ AWS::EC2::VPCEndpoint            StsEndpoint" in changed.err
    assert changed.outputs == made

    shown = at(infra, "bootstrap", *of("own-n"), "Subnets=", "--only-show")
    assert "own-n-production-network: would be deleted" in shown.err
    assert "10.1.0.0/24" in vpcs(served)
    assert "would be deleted" not in at(infra, "bootstrap", *of("own-n"), "--only-show").err
    gone = at(infra, "bootstrap", *of("own-n"), "Subnets=")
    assert "own-n-production-network: deleted" in gone.err
    assert "SubnetIds" not in gone.outputs
    assert "10.1.0.0/24" not in vpcs(served)


def test_of_a_bootstrap_stack_that_fails_no_network_is_left(served: Server, infra: Command, tmp_path: Path) -> None:
    for path in TEMPLATES.glob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text().replace('Action: "iam:PassRole"', 'Action: "iam PassRole"'))
    words = bootstrap("own-m", Subnets="new", VpcCidr="10.3.0.0/24", **WITHOUT)
    assert "Nothing is left of it" in at(infra, *words, "--templates", str(tmp_path), code=1).err
    assert "10.3.0.0/24" not in vpcs(served)


def test_one_that_the_bootstrap_stack_held_moves_to_a_stack_of_its_own(served: Server, infra: Command, tmp_path: Path) -> None:
    (tmp_path / "bootstrap.yaml").write_text(BEFORE)
    name = "own-l-production-bootstrap"
    parameters = {"Project": "own-l", "Environment": "production", "Subnets": "new", "VpcCidr": "10.4.0.0/24"}
    served.client("cloudformation").create_stack(
        StackName=name,
        TemplateBody=BEFORE,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )
    (before,) = (vpc for vpc in served.client("ec2").describe_vpcs()["Vpcs"] if vpc["CidrBlock"] == "10.4.0.0/24")
    moved = at(infra, *bootstrap("own-l", **WITHOUT))
    assert "the network moves to a stack of its own, own-l-production-network; run `deploy` next" in moved.err
    (after,) = (vpc for vpc in served.client("ec2").describe_vpcs()["Vpcs"] if vpc["CidrBlock"] == "10.4.0.0/24")
    assert after["VpcId"] != before["VpcId"]
    assert len(moved.outputs["SubnetIds"].split(",")) == 2
    at(infra, "teardown", "--bootstrap", *of("own-l"), "--yes")
    assert "10.4.0.0/24" not in vpcs(served)


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("VpcCidr=10.0.0.0/16",), "VpcCidr belongs to a new network: give Subnets=new"),
        (("Subnets=subnet-1", "VpcEndpoints=true"), "VpcEndpoints belongs to a new network: give Subnets=new"),
        (("Subnets=new", "SecurityGroups=sg-1"), "SecurityGroups are those of subnets that there are"),
    ],
)
def test_parameters_that_contradict_one_another(infra: Command, words: tuple[str, ...], remedy: str) -> None:
    assert remedy in at(infra, "bootstrap", *of("own-k"), *words, code=2).err
