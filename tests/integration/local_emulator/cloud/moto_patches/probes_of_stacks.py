"""Faults of CloudFormation."""

import json
import tempfile
import uuid
from functools import partial
from pathlib import Path

from tests.integration.local_emulator.cloud.moto_patches.probing import (
    ROLE,
    Template,
    bucket,
    change_set,
    changes,
    client,
    deploy,
    described,
    evaluated,
    outputs,
    policy,
    probe,
    refused,
    resource,
    with_output,
    with_parameter,
)

# --- CloudFormation: templates ------------------------------------------------------------------------------------------------


@probe
def templates_that_run_code() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made"
        refused(lambda: change_set(f"Description: !!python/object/apply:os.mkdir ['{made}']\nResources: {{}}\n"))
        return made.exists()


@probe
def template_urls() -> bool:
    name = f"templates-{uuid.uuid4().hex}"
    client("s3").create_bucket(Bucket=name)
    template = {"Resources": {"Topic": resource("AWS::SNS::Topic")}}
    client("s3").put_object(Bucket=name, Key="folder/template.json", Body=json.dumps(template).encode())
    hosts = "127.0.0.1:4577", "s3.us-east-1.127.0.0.1"
    create = client("cloudformation").create_stack
    urls = [f"http://{host}/{name}/folder/template.json" for host in hosts]
    return any(refused(partial(create, StackName=f"s{uuid.uuid4().hex}", TemplateURL=url)) for url in urls)


@probe
def condition_tag() -> bool:
    template = """
    Conditions:
      A: !Equals [x, x]
      B: !And [!Condition A, !Equals [y, y]]
    Resources:
      Bucket: {Type: AWS::S3::Bucket}
    Outputs:
      Value: {Value: !If [B, yes, no]}
    """
    return evaluated(template.replace("yes", "'yes'").replace("no]", "'no']")) != "yes"


@probe
def no_value_in_lists() -> bool:
    return evaluated(with_output({"Fn::Join": ["-", ["a", {"Ref": "AWS::NoValue"}, "b"]]})) != "a-b"


@probe
def cidr() -> bool:
    return evaluated(with_output({"Fn::Select": [1, {"Fn::Cidr": ["10.0.0.0/16", 4, 8]}]})) != "10.0.1.0/24"


@probe
def default_lists() -> bool:
    template = with_output({"Fn::Select": [1, {"Ref": "Names"}]})
    return evaluated({**template, "Parameters": {"Names": {"Type": "CommaDelimitedList", "Default": "a,b"}}}) != "b"


@probe
def constraints_of_parameters() -> bool:
    return not all(
        refused(lambda declaration=declaration, value=value: change_set(with_parameter(**declaration), Parameter=value))  # type: ignore[misc] # bound in the loop
        for declaration, value in (
            ({"Type": "String", "AllowedPattern": "[a-z]+"}, "1"),
            ({"Type": "String", "AllowedValues": ["a", "b"]}, "c"),
            ({"Type": "Number", "MinValue": 1, "MaxValue": 3}, "4"),
        )
    )


@probe
def rules() -> bool:
    given = {"Fn::Not": [{"Fn::Equals": [{"Ref": "Parameter"}, ""]}]}
    right = {"Assert": {"Fn::Equals": [{"Ref": "Parameter"}, "a"]}, "AssertDescription": "it must be a"}
    template = {
        **with_parameter(Type="String", Default=""),
        "Rules": {"Right": {"RuleCondition": given, "Assertions": [right]}},
    }
    change_set(template, Parameter="a")
    return not refused(lambda: change_set(template, Parameter="b"))


@probe
def lists_as_they_were_given() -> bool:
    stack = deploy(with_parameter(Type="CommaDelimitedList"), Parameter="a,b")
    return bool(described(stack)["Parameters"] != [{"ParameterKey": "Parameter", "ParameterValue": "a,b"}])


# --- CloudFormation: what changes -----------------------------------------------------------------------------------------------


def conditional() -> Template:
    return {
        "Parameters": {"Both": {"Type": "String"}},
        "Conditions": {"Both": {"Fn::Equals": [{"Ref": "Both"}, "true"]}},
        "Resources": {"First": bucket(), "Second": {**bucket(), "Condition": "Both"}},
    }


@probe
def conditions_in_updates() -> bool:
    template = conditional()
    stack = deploy(template, Both="false")
    return changes(*change_set(template, "UPDATE", stack, Both="true")) != {("Add", "Second")}


@probe
def changes_by_parameters() -> bool:
    template = {
        "Parameters": {"Name": {"Type": "String"}},
        "Resources": {"Topic": resource("AWS::SNS::Topic", TopicName="topic", DisplayName={"Ref": "Name"})},
    }
    stack = deploy(template, Name="a")
    return changes(*change_set(template, "UPDATE", stack, Name="b")) != {("Modify", "Topic")}


@probe
def parameters_of_updated_stacks() -> bool:
    template = {
        "Parameters": {"Name": {"Type": "String"}},
        "Resources": {"Topic": resource("AWS::SNS::Topic", TopicName="topic", DisplayName={"Ref": "Name"})},
    }
    stack = deploy(template, Name="a")
    deploy(template, "UPDATE", stack, Name="b")
    stack, name = change_set(template, "UPDATE", stack, Name="a")
    status = client("cloudformation").describe_change_set(StackName=stack, ChangeSetName=name)["Status"]
    return bool(status == "FAILED")  # as if `a` were still its value


@probe
def previous_values() -> bool:
    client("ssm").put_parameter(Name="/version", Value="21", Type="String", Overwrite=True)
    ssm = with_parameter(Type="AWS::SSM::Parameter::Value<String>", Default="/version")
    stack = deploy({**ssm, "Outputs": {"Value": {"Value": {"Ref": "Parameter"}}}})
    update = partial(
        client("cloudformation").create_change_set,
        StackName=stack,
        ChangeSetName="update",
        ChangeSetType="UPDATE",
        TemplateBody=json.dumps({**ssm, "Outputs": {"Value": {"Value": {"Fn::Sub": "version ${Parameter}"}}}}),
        Parameters=[{"ParameterKey": "Parameter", "UsePreviousValue": True}],
    )
    execute = partial(client("cloudformation").execute_change_set, StackName=stack, ChangeSetName="update")
    return refused(update) or refused(execute) or outputs(stack)["Value"] != "version 21"


@probe
def outputs_of_updates() -> bool:
    template = with_output("before")
    stack = deploy(template)
    deploy(
        {**template, "Outputs": {"Value": {"Value": "after"}}, "Resources": {**template["Resources"], "Other": bucket()}},
        "UPDATE",
        stack,
    )
    return outputs(stack).get("Value") != "after"


@probe
def removed_resources() -> bool:
    first, second = bucket(), bucket()
    both: Template = {"Resources": {"First": first, "Second": second}}
    stack = deploy(both)
    deploy({"Resources": {"First": first}}, "UPDATE", stack)
    deploy(both, "UPDATE", stack)
    name = second["Properties"]["BucketName"]
    return name not in {entry["Name"] for entry in client("s3").list_buckets()["Buckets"]}


@probe
def names_of_change_sets() -> bool:
    stacks = client("cloudformation")
    names = [f"stack-{uuid.uuid4().hex}" for _ in range(2)]
    body = json.dumps(with_output("v"))
    for name in names:
        stacks.create_change_set(StackName=name, ChangeSetName="set", ChangeSetType="CREATE", TemplateBody=body)
    if any(stacks.describe_change_set(StackName=name, ChangeSetName="set")["StackName"] != name for name in names):
        return True
    delete = partial(stacks.delete_change_set, StackName=names[0], ChangeSetName="set")
    if refused(delete) or refused(delete):  # AWS deletes what is not there without an error
        return True
    return refused(partial(stacks.describe_change_set, StackName=names[1], ChangeSetName="set"))


@probe
def refused_change_sets() -> bool:
    template = with_parameter(Type="String", AllowedPattern="[a-z]+")
    name = f"stack-{uuid.uuid4().hex[:8]}"
    refused(lambda: change_set(template, stack=name))  # no value for the parameter
    return not refused(lambda: described(name))


# --- CloudFormation: what fails, stays, and comes again --------------------------------------------------------------------------


@probe
def failed_creations() -> bool:
    topic = resource("AWS::SNS::Topic", TopicName="left")
    broken = resource("AWS::IAM::Role", RoleName="broken", AssumeRolePolicyDocument=ROLE)
    broken["Properties"]["Policies"] = [{"PolicyName": "p", "PolicyDocument": policy("iam PassRole")}]
    name = f"stack-{uuid.uuid4().hex[:8]}"
    stack, made = change_set({"Resources": {"Topic": topic, "Broken": broken}}, stack=name)
    refused(lambda: client("cloudformation").execute_change_set(StackName=stack, ChangeSetName=made))
    left = any(entry["TopicArn"].endswith(":left") for entry in client("sns").list_topics()["Topics"])
    return left or described(name)["StackStatus"] != "ROLLBACK_COMPLETE"


@probe
def owned_resources() -> bool:
    topic: Template = {"Resources": {"Topic": resource("AWS::SNS::Topic", TopicName="owned")}}
    deploy(topic)
    name = f"stack-{uuid.uuid4().hex[:8]}"
    stack, made = change_set(topic, stack=name)
    refused(lambda: client("cloudformation").execute_change_set(StackName=stack, ChangeSetName=made))
    return bool(described(name)["StackStatus"] != "ROLLBACK_COMPLETE")


@probe
def stacks_of_resources() -> bool:
    deploy({"Resources": {"Bucket": bucket("owned-by-a-stack")}})
    stacks = client("cloudformation")
    return refused(
        lambda: stacks.describe_stack_resources(PhysicalResourceId="owned-by-a-stack")["StackResources"][0]["StackName"]
    )


@probe
def failed_deletions() -> bool:
    template: Template = {"Resources": {"Bucket": bucket()}}
    stack = deploy(template)
    client("s3").put_object(Bucket=template["Resources"]["Bucket"]["Properties"]["BucketName"], Key="key", Body=b"kept")
    refused(lambda: client("cloudformation").delete_stack(StackName=stack))
    return refused(lambda: described(stack)) or described(stack)["StackStatus"] != "DELETE_FAILED"


def retained(kind: str, **properties: object) -> Template:
    return {"Resources": {"Kept": {**resource(kind, **properties), "DeletionPolicy": "RetainExceptOnCreate"}}}


@probe
def retained_resources() -> bool:
    stack = deploy(retained("AWS::Logs::LogGroup", LogGroupName="kept"))
    client("cloudformation").delete_stack(StackName=stack)
    return not client("logs").describe_log_groups(logGroupNamePrefix="kept")["logGroups"]


@probe
def adopted_resources() -> bool:
    client("ecr").create_repository(repositoryName="adopted")
    return refused(lambda: deploy(retained("AWS::ECR::Repository", RepositoryName="adopted")))


@probe
def route_tables() -> bool:
    template: Template = {
        "Resources": {
            "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16"),
            "Table": resource("AWS::EC2::RouteTable", VpcId={"Ref": "Vpc"}),
        }
    }
    stack = deploy(template)
    refused(lambda: client("cloudformation").delete_stack(StackName=stack))
    vpcs = client("ec2").describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.0.0.0/16"]}])["Vpcs"]
    return bool(vpcs)


@probe
def versioned_buckets() -> bool:
    made = bucket("versioned")
    made["Properties"]["VersioningConfiguration"] = {"Status": "Enabled"}
    deploy({"Resources": {"Bucket": made}})
    return bool(client("s3").get_bucket_versioning(Bucket="versioned").get("Status") != "Enabled")


@probe
def policies_of_roles() -> bool:
    def template(action: str) -> Template:
        policies = [{"PolicyName": "p", "PolicyDocument": policy(action)}]
        return {
            "Resources": {
                "Role": resource("AWS::IAM::Role", RoleName="changed", AssumeRolePolicyDocument=ROLE, Policies=policies)
            }
        }

    stack = deploy(template("s3:GetObject"))
    refused(lambda: deploy(template("s3:PutObject"), "UPDATE", stack))
    document = client("iam").get_role_policy(RoleName="changed", PolicyName="p")["PolicyDocument"]
    return "s3:PutObject" not in str(document)


def bounded(action: str) -> Template:
    """A role with a managed policy."""
    managed = resource("AWS::IAM::ManagedPolicy", ManagedPolicyName="managed", PolicyDocument=policy(action))
    attached = [{"Ref": "Policy"}]
    role = resource("AWS::IAM::Role", RoleName="bounded", AssumeRolePolicyDocument=ROLE, ManagedPolicyArns=attached)
    return {"Resources": {"Policy": managed, "Role": role}}


def managed_policy() -> list[dict[str, str]]:
    return [entry for entry in client("iam").list_policies(Scope="Local")["Policies"] if entry["PolicyName"] == "managed"]


@probe
def managed_policies_of_roles() -> bool:
    deploy(bounded("s3:GetObject"))
    return not client("iam").list_attached_role_policies(RoleName="bounded")["AttachedPolicies"]


@probe
def changed_managed_policies() -> bool:
    stack = deploy(bounded("s3:GetObject"))
    for action in ("s3:PutObject", "s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:DeleteObject"):
        refused(lambda action=action: deploy(bounded(action), "UPDATE", stack))  # type: ignore[misc] # bound in the loop
    (made,) = managed_policy()
    version = client("iam").get_policy_version(PolicyArn=made["Arn"], VersionId=made["DefaultVersionId"])["PolicyVersion"]
    return "s3:DeleteObject" not in str(version["Document"])


@probe
def deleted_managed_policies() -> bool:
    stack = deploy(bounded("s3:GetObject"))
    client("cloudformation").delete_stack(StackName=stack)
    return bool(managed_policy())
