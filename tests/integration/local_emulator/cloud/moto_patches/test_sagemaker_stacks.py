"""Stacks with endpoints and pipelines, over HTTP and inside a test."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from local_emulator.testing import emulated_sagemaker
from tests.conftest import ROOT, Server, source_archive, until
from tests.integration.local_emulator.testing.clients import aws_client

Client = Callable[[str], Any]
PROGRAM = ROOT / "tests" / "acceptance" / "programs" / "serving.py"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Client]:
    """Clients of an emulator that serves models `mine:*`, each of which multiplies by its factor."""
    with emulated_sagemaker(images={"mine:*": (sys.executable, str(PROGRAM))}, state=tmp_path, stop_grace=1.0):
        s3 = aws_client("s3")
        s3.create_bucket(Bucket="bucket")
        s3.put_object(Bucket="bucket", Key="broken.tar.gz", Body=source_archive({"another": "1"}))
        for factor in (7, 8):
            s3.put_object(Bucket="bucket", Key=f"{factor}.tar.gz", Body=source_archive({"factor": str(factor)}))
        yield aws_client


def template(factor: str) -> str:
    """An endpoint with what it serves, each before what it refers to."""
    variant = {
        "VariantName": "v",
        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    config = {"ProductionVariants": [variant]}
    resources = {
        "Endpoint": ("Endpoint", {"EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]}}),
        "Config": ("EndpointConfig", config),
        "Model": ("Model", {"PrimaryContainer": {"Image": "mine:1", "ModelDataUrl": f"s3://bucket/{factor}.tar.gz"}}),
    }
    declared = {name: {"Type": f"AWS::SageMaker::{kind}", "Properties": value} for name, (kind, value) in resources.items()}
    outputs = {"Name": {"Value": {"Fn::GetAtt": ["Endpoint", "EndpointName"]}}, "Arn": {"Value": {"Ref": "Endpoint"}}}
    return json.dumps({"Resources": declared, "Outputs": outputs})


def described(stacks: Any) -> Mapping[str, Any]:
    (stack,) = stacks.describe_stacks(StackName="stack")["Stacks"]
    return dict(stack)


def ended(stacks: Any) -> str:
    """A stack's status when it is no longer in progress."""
    until(lambda: not described(stacks)["StackStatus"].endswith("_IN_PROGRESS"))
    return str(described(stacks)["StackStatus"])


def events(stacks: Any) -> list[tuple[str, str]]:
    return [
        (event["LogicalResourceId"], event["ResourceStatus"])
        for event in reversed(stacks.describe_stack_events(StackName="stack")["StackEvents"])
    ]


def test_a_stack_is_complete_when_its_endpoint_is_in_service(served: Client) -> None:
    stacks, sagemaker, runtime = served("cloudformation"), served("sagemaker"), served("sagemaker-runtime")
    stacks.create_stack(StackName="stack", TemplateBody=template("7"))
    assert described(stacks)["StackStatus"] == "CREATE_IN_PROGRESS"
    assert ended(stacks) == "CREATE_COMPLETE"
    made = {output["OutputKey"]: output["OutputValue"] for output in described(stacks)["Outputs"]}
    endpoint = sagemaker.describe_endpoint(EndpointName=made["Name"])
    assert (endpoint["EndpointStatus"], endpoint["EndpointArn"]) == ("InService", made["Arn"])
    assert runtime.invoke_endpoint(EndpointName=made["Name"], Body="[2]")["Body"].read() == b"[14]"

    # Another model: what refers to it is replaced too, and the endpoint is updated to that.
    stacks.update_stack(StackName="stack", TemplateBody=template("8"))
    assert described(stacks)["StackStatus"] == "UPDATE_IN_PROGRESS"
    assert ended(stacks) == "UPDATE_COMPLETE"
    assert runtime.invoke_endpoint(EndpointName=made["Name"], Body="[2]")["Body"].read() == b"[16]"
    assert [("stack", status) for _, status in events(stacks)] == [
        ("stack", f"{action}_{state}") for action in ("CREATE", "UPDATE") for state in ("IN_PROGRESS", "COMPLETE")
    ]

    stacks.delete_stack(StackName="stack")
    until(lambda: sagemaker.list_endpoints()["Endpoints"] == [])
    assert (sagemaker.list_models()["Models"], sagemaker.list_endpoint_configs()["EndpointConfigs"]) == ([], [])


def test_a_stack_whose_endpoint_fails_is_rolled_back(served: Client) -> None:
    stacks = served("cloudformation")
    stacks.create_stack(StackName="stack", TemplateBody=template("broken"))
    assert ended(stacks) == "ROLLBACK_COMPLETE"
    assert ("Endpoint", "CREATE_FAILED") in events(stacks)
    until(lambda: served("sagemaker").list_endpoints()["Endpoints"] == [])
    assert "Outputs" not in described(stacks)  # which refer to what there was
    assert stacks.list_stack_resources(StackName="stack")["StackResourceSummaries"] == []
    assert served("sagemaker").list_models()["Models"] == []


def test_an_update_whose_endpoint_serves_on_as_before_has_failed(served: Client) -> None:
    stacks, runtime = served("cloudformation"), served("sagemaker-runtime")
    stacks.create_stack(StackName="stack", TemplateBody=template("7"))
    assert ended(stacks) == "CREATE_COMPLETE"
    (name,) = [output["OutputValue"] for output in described(stacks)["Outputs"] if output["OutputKey"] == "Name"]
    stacks.update_stack(StackName="stack", TemplateBody=template("broken"))
    assert ended(stacks) == "UPDATE_ROLLBACK_FAILED"
    assert ("Endpoint", "UPDATE_FAILED") in events(stacks)
    assert runtime.invoke_endpoint(EndpointName=name, Body="[2]")["Body"].read() == b"[14]"


def test_a_change_set_waits_too(served: Client) -> None:
    stacks = served("cloudformation")
    stacks.create_change_set(StackName="stack", ChangeSetName="set", ChangeSetType="CREATE", TemplateBody=template("7"))
    stacks.execute_change_set(StackName="stack", ChangeSetName="set")
    assert described(stacks)["StackStatus"] == "CREATE_IN_PROGRESS"
    assert ended(stacks) == "CREATE_COMPLETE"


def test_what_a_failed_change_set_has_made_goes(server: Server) -> None:
    stacks = server.client("cloudformation")
    resources = {
        "Group": {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": {"ModelPackageGroupName": "group"}},
        "Endpoint": {"Type": "AWS::SageMaker::Endpoint", "Properties": {"EndpointConfigName": "none"}, "DependsOn": "Group"},
    }
    body = json.dumps({"Resources": resources, "Outputs": {"Group": {"Value": {"Ref": "Group"}}}})
    stacks.create_change_set(StackName="stack", ChangeSetName="set", ChangeSetType="CREATE", TemplateBody=body)
    stacks.execute_change_set(StackName="stack", ChangeSetName="set")
    stack = described(stacks)
    assert (stack["StackStatus"], "Outputs" in stack) == ("ROLLBACK_COMPLETE", False)
    assert server.client("sagemaker").list_model_package_groups()["ModelPackageGroupSummaryList"] == []


ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"


def of_a_pipeline(parameter: str, location: Mapping[str, object], **tags: str) -> str:
    """A pipeline, and a group of model packages."""
    properties = {
        "PipelineName": "pipeline",
        "PipelineDescription": parameter,
        "PipelineDefinition": location,
        "RoleArn": ROLE,
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    resources = {
        "Pipeline": {"Type": "AWS::SageMaker::Pipeline", "Properties": properties},
        "Group": {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": {"ModelPackageGroupName": "group"}},
    }
    outputs = {
        "Pipeline": {"Value": {"Ref": "Pipeline"}},
        "Group": {"Value": {"Ref": "Group"}},
        "Status": {"Value": {"Fn::GetAtt": ["Group", "ModelPackageGroupStatus"]}},
    }
    return json.dumps({"Resources": resources, "Outputs": outputs})


def test_pipelines_and_groups_come_change_and_go_with_their_stack(client: Client) -> None:
    stacks, sagemaker, s3 = client("cloudformation"), client("sagemaker"), client("s3")
    step = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "enough"}}
    definition = json.dumps({"Version": "2020-12-01", "Parameters": [], "Steps": [step]})
    stacks.create_stack(StackName="stack", TemplateBody=of_a_pipeline("a", {"PipelineDefinitionBody": definition}, old="1"))
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described(stacks)["Outputs"]}
    group = sagemaker.describe_model_package_group(ModelPackageGroupName="group")
    assert outputs == {"Pipeline": "pipeline", "Group": group["ModelPackageGroupArn"], "Status": "Completed"}
    made = sagemaker.describe_pipeline(PipelineName="pipeline")
    assert (made["PipelineDefinition"], made["PipelineDescription"]) == (definition, "a")

    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="definition.json", Body=definition.replace("enough", "more").encode())
    location = {"PipelineDefinitionS3Location": {"Bucket": "bucket", "Key": "definition.json"}}
    stacks.update_stack(StackName="stack", TemplateBody=of_a_pipeline("b", location, new="2"))
    changed = sagemaker.describe_pipeline(PipelineName="pipeline")
    assert (changed["CreationTime"], changed["PipelineDescription"]) == (made["CreationTime"], "b")
    assert "more" in changed["PipelineDefinition"]
    tags = sagemaker.list_tags(ResourceArn=changed["PipelineArn"])["Tags"]
    assert tags == [{"Key": "new", "Value": "2"}]

    stacks.delete_stack(StackName="stack")
    assert sagemaker.list_pipelines()["PipelineSummaries"] == []
    assert sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"] == []
