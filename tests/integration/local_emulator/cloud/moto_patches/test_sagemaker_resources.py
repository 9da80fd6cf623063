"""Resources of SageMaker in stacks, over HTTP and inside a test: records of the API, or refused."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[[str], Any]
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"
ARNS = "arn:aws:sagemaker:us-east-1:123456789012"


def template(workers: int, **names: str) -> str:
    """A model with an endpoint configuration; numbers and booleans are written as templates may have them."""
    container = {"Image": IMAGE, "Environment": {"WORKERS": workers, "DEBUG": True}}
    variant = {
        "VariantName": "v",
        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": {"Ref": "Count"},
        "InitialVariantWeight": "0.5",
    }
    model = {"PrimaryContainer": container, "EnableNetworkIsolation": "true", **names}
    resources = {
        "Model": {"Type": "AWS::SageMaker::Model", "Properties": model},
        "Config": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": [variant]}},
    }
    outputs = {"Model": {"Value": {"Ref": "Model"}}, "Name": {"Value": {"Fn::GetAtt": ["Config", "EndpointConfigName"]}}}
    parameters = {"Count": {"Type": "Number", "Default": "2"}}
    return json.dumps({"Parameters": parameters, "Resources": resources, "Outputs": outputs})


def outputs(stacks: Any) -> Mapping[str, str]:
    (stack,) = stacks.describe_stacks(StackName="stack")["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def refusal(call: Callable[..., object], **request: object) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    message: str = caught.value.response["Error"]["Message"]
    return message


def test_models_and_configurations_come_change_and_go_with_their_stack(client: Client) -> None:
    stacks, sagemaker = client("cloudformation"), client("sagemaker")
    stacks.create_stack(StackName="stack", TemplateBody=template(1))
    (model,) = sagemaker.list_models()["Models"]
    made = outputs(stacks)
    assert made["Model"] == model["ModelArn"]
    described = sagemaker.describe_model(ModelName=model["ModelName"])
    assert described["PrimaryContainer"]["Environment"] == {"WORKERS": "1", "DEBUG": "true"}
    assert described["EnableNetworkIsolation"] is True
    (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName=made["Name"])["ProductionVariants"]
    assert (variant["ModelName"], variant["InitialInstanceCount"]) == (model["ModelName"], 2)
    assert variant["InitialVariantWeight"] == 0.5

    stacks.update_stack(StackName="stack", TemplateBody=template(3))
    (changed,) = sagemaker.list_models()["Models"]
    assert changed["ModelArn"] != model["ModelArn"]
    assert sagemaker.describe_model(ModelName=changed["ModelName"])["PrimaryContainer"]["Environment"]["WORKERS"] == "3"

    sagemaker.delete_model(ModelName=changed["ModelName"])  # a stack is deleted all the same
    stacks.delete_stack(StackName="stack")
    assert (sagemaker.list_models()["Models"], sagemaker.list_endpoint_configs()["EndpointConfigs"]) == ([], [])


def test_a_name_of_its_own(client: Client) -> None:
    stacks, sagemaker = client("cloudformation"), client("sagemaker")
    stacks.create_stack(StackName="stack", TemplateBody=template(1, ModelName="mine"))
    assert outputs(stacks)["Model"] == f"{ARNS}:model/mine"
    # AWS's sentence.
    assert "cannot update a stack when a custom-named resource requires replacing. Rename mine and update" in refusal(
        stacks.update_stack, StackName="stack", TemplateBody=template(3, ModelName="mine")
    )
    assert sagemaker.describe_model(ModelName="mine")["PrimaryContainer"]["Environment"]["WORKERS"] == "1"


@pytest.mark.parametrize(
    ("resource", "sentence"),
    [
        (
            {"Type": "AWS::SageMaker::Model", "Properties": {"PrimaryContainer": {"Image": IMAGE, "Images": "x"}}},
            "Encountered unsupported property Images",
        ),
        (
            {"Type": "AWS::SageMaker::Model", "Properties": {}},
            "Exactly one of PrimaryContainer and Containers must be there.",
        ),
        (
            {"Type": "AWS::SageMaker::Endpoint", "Properties": {"EndpointConfigName": "c"}},
            "Could not find endpoint configuration",
        ),
        ({"Type": "AWS::SageMaker::Pipeline", "Properties": {}}, "PipelineDefinition must be an object"),
        (
            {
                "Type": "AWS::SageMaker::ModelPackageGroup",
                "Properties": {"ModelPackageGroupName": "g", "ModelPackageGroupPolicy": {}},
            },
            "ModelPackageGroupPolicy is not emulated",
        ),
        ({"Type": "AWS::SageMaker::Domain", "Properties": {}}, "AWS::SageMaker::Domain is not emulated: "),
    ],
)
def test_what_is_refused(client: Client, resource: Mapping[str, object], sentence: str) -> None:
    body = json.dumps({"Resources": {"Resource": resource}})
    assert sentence in refusal(client("cloudformation").create_stack, StackName="stack", TemplateBody=body)
    assert client("sagemaker").list_models()["Models"] == []
