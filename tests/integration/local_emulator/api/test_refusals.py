"""Nothing pretends: what clients get for operations that nothing here carries out, over HTTP and inside a test."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from local_emulator.api.refusals import PRETENDED, STATE_ONLY
from local_emulator.testing import emulated_sagemaker
from tests.conftest import Server
from tests.integration.local_emulator.testing.clients import aws_client

Client = Callable[[str], Any]
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
MISSING = "arn:aws:sagemaker:us-east-1:123456789012:model/missing"
SAMPLES: Mapping[str, object] = {
    "DesiredWeightsAndCapacities": [{"VariantName": "v", "DesiredWeight": 1}],
    "TagKeys": ["team"],
    "Tags": [{"Key": "team", "Value": "vision"}],
}
NOTEBOOK = {"NotebookInstanceName": "n", "InstanceType": "ml.t3.medium", "RoleArn": ROLE}
MACHINE = {
    "StartAt": "A",
    "States": {"A": {"Type": "Task", "Resource": "arn:aws:states:::sagemaker:createEndpoint", "End": True}},
}


def error(call: Callable[..., object], **members: object) -> str:
    with pytest.raises(ClientError) as caught:
        call(**members)
    return str(caught.value)


def configure(sagemaker: Any, name: str) -> None:
    variant = {"VariantName": "v", "ModelName": name, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "i"})
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])


def test_records_are_kept_and_what_would_run_is_refused(client: Client) -> None:
    sagemaker = client("sagemaker")
    configure(sagemaker, "c")
    assert [model["ModelName"] for model in sagemaker.list_models()["Models"]] == ["c"]
    assert "(UnknownOperationException)" in error(sagemaker.create_notebook_instance, **NOTEBOOK)
    assert sagemaker.list_notebook_instances()["NotebookInstances"] == []
    assert "The image i cannot be served here" in error(sagemaker.create_endpoint, EndpointName="e", EndpointConfigName="c")
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert "(UnknownOperationException)" in error(sagemaker.start_notebook_instance, NotebookInstanceName="n")
    assert "(UnknownOperationException)" in error(sagemaker.list_notebook_instance_lifecycle_configs)  # moto does not know it
    invocation = error(client("sagemaker-runtime").invoke_endpoint, EndpointName="e", Body=b"1")
    assert "(ValidationError)" in invocation
    assert invocation.endswith(": Endpoint e of account 123456789012 not found.")
    refusal = error(client("stepfunctions").create_state_machine, name="m", definition=json.dumps(MACHINE), roleArn=ROLE)
    assert "CreateStateMachine with the task arn:aws:states:::sagemaker:createEndpoint is not emulated" in refusal
    sagemaker.delete_endpoint_config(EndpointConfigName="c")
    sagemaker.delete_model(ModelName="c")


def test_what_does_not_exist_is_not_changed(server: Server) -> None:
    sagemaker = server.client("sagemaker")
    model = sagemaker.meta.service_model
    changing = ("Add", "Associate", "Delete", "Disassociate", "Stop", "Update")
    names = [name for name in model.operation_names if name in STATE_ONLY and name.startswith(changing)]
    assert len(names) > 10
    for name in names:
        shape = model.operation_model(name).input_shape
        members = {member: SAMPLES.get(member, MISSING) for member in shape.required_members}
        error(getattr(sagemaker, xform_name(name)), **members)


def test_a_stack_with_what_is_refused_is_rolled_back(server: Server) -> None:
    stacks = server.client("cloudformation")
    domain = {"Type": "AWS::SageMaker::Domain", "Properties": {}}
    stacks.create_change_set(
        StackName="stack", ChangeSetName="change", ChangeSetType="CREATE", TemplateBody=json.dumps({"Resources": {"E": domain}})
    )
    stacks.execute_change_set(StackName="stack", ChangeSetName="change")
    assert stacks.describe_stacks(StackName="stack")["Stacks"][0]["StackStatus"] == "ROLLBACK_COMPLETE"
    reasons = [event.get("ResourceStatusReason", "") for event in stacks.describe_stack_events(StackName="stack")["StackEvents"]]
    assert any(reason.startswith("AWS::SageMaker::Domain is not emulated: ") for reason in reasons)


def headers(answer: Mapping[str, Any]) -> Mapping[str, str]:
    named: Mapping[str, str] = answer["ResponseMetadata"]["HTTPHeaders"]
    return named


def test_moto_may_pretend_in_a_test() -> None:
    with emulated_sagemaker(pretend=True):
        sagemaker = aws_client("sagemaker")
        assert headers(sagemaker.create_notebook_instance(**NOTEBOOK))[PRETENDED[0]] == "moto"
        assert PRETENDED[0] not in headers(sagemaker.list_notebook_instances())
