"""What probes are made of: questions to moto, through boto3. A probe returns whether moto shows the fault that it is named after."""

import json
import uuid
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError

ACCOUNT = "123456789012"
PROBES: dict[str, Callable[[], bool]] = {}

Probe = Callable[[], bool]
Template = Mapping[str, Any]


def probe(function: Probe) -> Probe:
    """Register a probe under the name of its patch."""
    PROBES[function.__name__] = function
    return function


@cache
def client(service: str) -> Any:
    make: Any = boto3.client
    return make(service, "us-east-1", aws_access_key_id="test", aws_secret_access_key="test")


def refused(call: Callable[[], object]) -> bool:
    """Whether moto refuses a call, or fails."""
    try:
        call()
    except (ClientError, NotImplementedError, KeyError, ValueError, TypeError, AttributeError):
        return True
    return False


# --- stacks -------------------------------------------------------------------------------------------------------------------


def change_set(template: Template | str, kind: str = "CREATE", stack: str | None = None, **parameters: str) -> tuple[str, str]:
    """(name of the stack, name of its new change set)."""
    stack, name = stack or f"stack-{uuid.uuid4().hex[:8]}", f"change-{uuid.uuid4().hex[:8]}"
    client("cloudformation").create_change_set(
        StackName=stack,
        ChangeSetName=name,
        ChangeSetType=kind,
        TemplateBody=template if isinstance(template, str) else json.dumps(template),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )
    return stack, name


def deploy(template: Template | str, kind: str = "CREATE", stack: str | None = None, **parameters: str) -> str:
    """Make and execute a change set; the name of its stack."""
    stack, name = change_set(template, kind, stack, **parameters)
    client("cloudformation").execute_change_set(StackName=stack, ChangeSetName=name)
    return stack


def described(stack: str) -> Mapping[str, Any]:
    stacks: list[Mapping[str, Any]] = client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return stacks[0]


def outputs(stack: str) -> Mapping[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in described(stack).get("Outputs", ())}


def changes(stack: str, name: str) -> set[tuple[str, str]]:
    listed = client("cloudformation").describe_change_set(StackName=stack, ChangeSetName=name).get("Changes", ())
    return {(change["ResourceChange"]["Action"], change["ResourceChange"]["LogicalResourceId"]) for change in listed}


def resource(kind: str, **properties: object) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def bucket(name: str | None = None) -> dict[str, Any]:
    return resource("AWS::S3::Bucket", BucketName=name or f"bucket-{uuid.uuid4().hex[:8]}")


def with_output(value: object, **others: object) -> Template:
    """A template that makes a bucket and tells a value."""
    return {"Resources": {"Bucket": bucket()}, "Outputs": {"Value": {"Value": value}}, **others}


def with_parameter(**declaration: object) -> Template:
    return {"Parameters": {"Parameter": declaration}, "Resources": {"Bucket": bucket()}}


def evaluated(template: Template | str, **parameters: str) -> str | None:
    """The output `Value` of a new stack, made without a change set; None if moto cannot make it."""
    stack = f"stack-{uuid.uuid4().hex[:8]}"
    values: list[str] = []

    def make() -> None:
        client("cloudformation").create_stack(
            StackName=stack,
            TemplateBody=template if isinstance(template, str) else json.dumps(template),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )
        values.append(outputs(stack)["Value"])

    return None if refused(make) else values[0]


ROLE: Mapping[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def policy(action: str, resource: object = "*", **statement: object) -> Mapping[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource, **statement}],
    }
