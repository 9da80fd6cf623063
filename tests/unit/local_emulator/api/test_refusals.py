"""Nothing pretends: which requests are refused because nothing here would carry them out."""

import json
from typing import Any

import botocore.session
import pytest

from local_emulator.api.operations import Api
from local_emulator.api.refusals import STATE_ONLY, refusal

ALL = botocore.session.get_session().get_service_model("sagemaker").operation_names


def refused(target: str = "", path: str = "/", body: object = None, service: str = "sagemaker") -> str:
    error = refusal(service, target, path, json.dumps(body).encode())
    return "" if error is None else f"{error.code}: {error.message}"


def test_every_operation_is_ours_or_a_record_or_refused() -> None:
    for name in set(ALL) - set(Api.operations) - STATE_ONLY:
        assert refused(f"SageMaker.{name}").startswith(f"UnknownOperationException: {name} is not emulated: ")
    assert not any(refused(f"SageMaker.{name}") for name in STATE_ONLY)


def test_records_are_made_of_definitions_alone() -> None:
    """What makes or changes something and is answered by moto: each is a record in AWS too."""
    reading = ("Describe", "List", "Get", "Search", "Stop", "Delete")
    changing = {name.removeprefix("Create") for name in STATE_ONLY & set(ALL) if not name.startswith((*reading, "Update"))}
    assert changing == {"AddTags", "ModelCard", "NotebookInstanceLifecycleConfig"}


@pytest.mark.parametrize(
    "name",
    [
        "CreateAutoMLJobV2",
        *("CreateCompilationJob", "CreateNotebookInstance", "StartNotebookInstance", "CreateCluster", "CreateLabelingJob"),
        *("CreateMonitoringSchedule", "CreateInferenceRecommendationsJob", "CreateDomain", "WhatAwsAddsTomorrow"),
        *("CreateFeatureGroup", "CreateDataQualityJobDefinition"),
    ],
)
def test_what_would_run_is_refused(name: str) -> None:
    assert "`serve --pretend`" in refused(f"SageMaker.{name}")


@pytest.mark.parametrize(
    ("resource", "named"),
    [
        ("arn:aws:states:::sagemaker:createTrainingJob.sync", True),
        ("arn:aws-cn:states:::aws-sdk:sagemaker:createEndpoint", True),
        ("arn:aws:states:::lambda:invoke", False),
        ("arn:aws:lambda:us-east-1:123456789012:function:sagemaker", False),
    ],
)
@pytest.mark.parametrize("operation", ["CreateStateMachine", "UpdateStateMachine"])
def test_tasks_of_sagemaker_in_a_state_machine(operation: str, resource: str, *, named: bool) -> None:
    branch = {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": resource, "End": True}}}
    definition = {"StartAt": "P", "States": {"P": {"Type": "Parallel", "Branches": [branch], "End": True}}}
    body = {"name": "m", "definition": json.dumps(definition)}
    error = refused(f"AWSStepFunctions.{operation}", body=body, service="states")
    assert error.startswith(f"UnknownOperationException: {operation} with the task {resource} is") == named
    assert bool(error) == named


@pytest.mark.parametrize("body", [None, [], {}, {"definition": 1}, {"definition": "{"}, {"definition": "[1]"}])
def test_a_state_machine_that_cannot_be_read_is_motos_to_refuse(body: Any) -> None:
    assert not refused("AWSStepFunctions.CreateStateMachine", body=body, service="states")


PIPELINE = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/p"
UNIVERSAL = "arn:aws:scheduler:::aws-sdk:sagemaker:startPipelineExecution"


@pytest.mark.parametrize(("arn", "named"), [(PIPELINE, True), (UNIVERSAL, True), ("arn:aws:sqs:us-east-1:123456789012:q", False)])
def test_pipelines_that_others_would_start(arn: str, *, named: bool) -> None:
    rule = refused("AWSEvents.PutTargets", body={"Rule": "r", "Targets": [{"Id": "1", "Arn": arn}]}, service="events")
    assert rule.startswith(f"UnknownOperationException: PutTargets with the target {arn} is not emulated") == named
    schedule = refused(path="/schedules/s", body={"Target": {"Arn": arn, "RoleArn": "r"}}, service="scheduler")
    assert schedule.startswith(f"UnknownOperationException: A schedule with the target {arn} is not emulated") == named
    assert (bool(rule), bool(schedule)) == (named, named)
    assert not refused(path="/schedules/s", service="scheduler")  # one that is read


def test_other_apis_of_sagemaker() -> None:
    assert "/FeatureGroup/f is not emulated" in refused(path="/FeatureGroup/f")
    assert "/BatchGetMetrics is not emulated" in refused(path="/BatchGetMetrics")
    assert not refused(path="/bucket/endpoints/x/invocations", service="s3")
    assert not refused("Logs_20140328.FilterLogEvents", service="logs")
