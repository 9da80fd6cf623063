"""A role of a stack: its managed policy, boundary and longest session, made, changed and deleted with the stack."""

import json

from tests.conftest import Server

TRUST = {"Version": "2012-10-17", "Statement": []}


def template(action: str, hours: int, *, bounded: bool) -> str:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
    role: dict[str, object] = {
        "RoleName": "stacked",
        "AssumeRolePolicyDocument": TRUST,
        "MaxSessionDuration": hours * 3600,
        "ManagedPolicyArns": [{"Ref": "Policy"}],
        **({"PermissionsBoundary": {"Ref": "Policy"}} if bounded else {}),
    }
    policy = {"ManagedPolicyName": "stacked", "PolicyDocument": document}
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": role},
        "Policy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": policy},
    }
    return json.dumps({"Resources": resources})


def test_a_role_and_its_policy_come_change_and_go_with_their_stack(server: Server) -> None:
    stacks, iam = server.client("cloudformation"), server.client("iam")
    arn = "arn:aws:iam::123456789012:policy/stacked"
    for _ in range(2):  # the second time nothing of the first is in the way
        stacks.create_stack(StackName="stack", TemplateBody=template("s3:GetObject", 12, bounded=True))
        role = iam.get_role(RoleName="stacked")["Role"]
        assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn
        assert role["MaxSessionDuration"] == 12 * 3600
        assert [policy["PolicyArn"] for policy in iam.list_attached_role_policies(RoleName="stacked")["AttachedPolicies"]] == [
            arn
        ]

        stacks.update_stack(StackName="stack", TemplateBody=template("s3:PutObject", 2, bounded=False))
        role = iam.get_role(RoleName="stacked")["Role"]
        assert ("PermissionsBoundary" in role, role["MaxSessionDuration"]) == (False, 2 * 3600)
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        assert document["Statement"][0]["Action"] == "s3:PutObject"

        stacks.delete_stack(StackName="stack")
        assert "stacked" not in {role["RoleName"] for role in iam.list_roles()["Roles"]}
        assert iam.list_policies(Scope="Local")["Policies"] == []


def test_a_role_with_a_policy_of_aws(server: Server) -> None:
    stacks, iam = server.client("cloudformation"), server.client("iam")
    arn = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
    properties = {"RoleName": "stacked", "AssumeRolePolicyDocument": TRUST, "ManagedPolicyArns": [arn]}
    body = json.dumps({"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}}})
    stacks.create_stack(StackName="stack", TemplateBody=body)
    assert [policy["PolicyArn"] for policy in iam.list_attached_role_policies(RoleName="stacked")["AttachedPolicies"]] == [arn]
    stacks.delete_stack(StackName="stack")
    assert "stacked" not in {role["RoleName"] for role in iam.list_roles()["Roles"]}
