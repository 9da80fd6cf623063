"""Pipelines inside a test: functions stand in for training and for Lambda, events go to queues."""

import io
import json
import time
import zipfile
from collections.abc import Iterator
from threading import Event
from typing import Any

import boto3
import pytest

from local_emulator.testing import emulated_sagemaker
from tests.conftest import until
from tests.made_pipelines import condition, document, step
from tests.pipeline_world import ROLE, train

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:judge"


def events_to(queues: Any, url: str, last: str) -> list[dict[str, Any]]:
    """The events that have come, to the one of an execution's last status."""
    events: list[dict[str, Any]] = []
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and last not in [event["detail"].get("currentPipelineExecutionStatus") for event in events]:
        answer = queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        events += [json.loads(message["Body"]) for message in answer.get("Messages", [])]
    return events


@pytest.fixture(scope="module")
def emulator() -> Iterator[Any]:
    functions = {"judge": lambda event, _: {"good": float(event["loss"]) < 1}}
    with emulated_sagemaker(functions=functions) as emulator:
        emulator.trains(lambda hyperparameters: {"loss": float(hyperparameters["x"])})
        boto3.client("s3").create_bucket(Bucket="bucket")
        yield emulator


def test_a_pipeline_and_its_events(emulator: Any) -> None:
    sagemaker, events, queues = (boto3.client(name, region_name="us-east-1") for name in ("sagemaker", "events", "sqs"))
    url = queues.create_queue(QueueName="events")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    kinds = [{"prefix": "SageMaker Model "}]
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["aws.sagemaker"], "detail-type": kinds}))
    events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": arn}])

    training = train("Train")
    training["Arguments"]["HyperParameters"] = {"x": {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.X"}]}}}
    training["Arguments"]["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "loss", "Regex": "loss=(.*)"}]
    loss = {"Get": "Steps.Train.FinalMetricDataList['loss'].Value"}
    outputs = [{"OutputName": "good", "OutputType": "Boolean"}]
    judge = step("Judge", "Lambda", {"loss": loss}, FunctionArn=FUNCTION, OutputParameters=outputs)
    containers = [{"Image": "i", "ModelDataUrl": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}}]
    specification = {"Containers": containers, "SupportedContentTypes": ["a/b"], "SupportedResponseMIMETypes": ["a/b"]}
    register = step("Register", "RegisterModel", {"ModelPackageGroupName": "g", "InferenceSpecification": specification})
    good = {"Get": "Steps.Judge.OutputParameters['good']"}
    check = condition("Check", [register], [step("Bad", "Fail", {"ErrorMessage": "bad"})], LeftValue=good, RightValue=True)
    text = document(training, judge, check, Parameters=[{"Name": "X", "Type": "Float", "DefaultValue": 0.5}])
    sagemaker.create_pipeline(PipelineName="P", PipelineDefinition=text, RoleArn=ROLE)

    execution = sagemaker.start_pipeline_execution(PipelineName="P")["PipelineExecutionArn"]
    assert emulator.wait(execution)["PipelineExecutionStatus"] == "Succeeded"
    received = events_to(queues, url, "Succeeded")
    short = [event["detail-type"].removeprefix("SageMaker Model ") for event in received]
    assert short[0] == "Building Pipeline Execution Status Change"
    assert short.count("Building Pipeline Execution Status Change") == 2
    assert short.count("Package State Change") == 1
    ended = {event["detail"]["stepName"] for event in received if event["detail"].get("currentStepStatus") == "Succeeded"}
    assert ended == {"Train", "Judge", "Check", "Register"}
    assert received[0]["resources"] == [execution.partition("/execution/")[0], execution]

    parameters = [{"Name": "X", "Value": "2"}]
    execution = sagemaker.start_pipeline_execution(PipelineName="P", PipelineParameters=parameters)["PipelineExecutionArn"]
    answer = emulator.wait(execution)
    assert (answer["PipelineExecutionStatus"], answer["FailureReason"]) == (
        "Failed",
        "Step failure: One or multiple steps failed.",
    )


def _function(name: str, code: str, runtime: str = "python3.12") -> str:
    """Make a function of AWS Lambda; its ARN."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("code.py", code)
    role = boto3.client("iam").list_roles()["Roles"][0]["Arn"]
    made = boto3.client("lambda", region_name="us-east-1").create_function(
        FunctionName=name, Runtime=runtime, Role=role, Handler="code.handler", Code={"ZipFile": archive.getvalue()}, Timeout=300
    )
    return str(made["FunctionArn"])


def test_a_function_of_lambda_is_called(emulator: Any) -> None:
    sagemaker = boto3.client("sagemaker", region_name="us-east-1")
    code = "def handler(event, context): return {'name': event['name'] + context.function_name}"
    outputs = [{"OutputName": "name", "OutputType": "String"}]
    call = step("Call", "Lambda", {"name": "I am "}, FunctionArn=_function("caller", code), OutputParameters=outputs)
    say = step("Say", "Fail", {"ErrorMessage": {"Get": "Steps.Call.OutputParameters['name']"}})
    other = step("Other", "Lambda", {}, FunctionArn=_function("other", code, "nodejs20.x"))
    with pytest.raises(
        sagemaker.exceptions.ClientError, match=r"its runtime is nodejs20\.x, and functions in Python run here alone"
    ):
        sagemaker.create_pipeline(PipelineName="Call", PipelineDefinition=document(other), RoleArn=ROLE)
    sagemaker.create_pipeline(PipelineName="Call", PipelineDefinition=document(call, say), RoleArn=ROLE)
    execution = sagemaker.start_pipeline_execution(PipelineName="Call")["PipelineExecutionArn"]
    emulator.wait(execution)
    steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution)["PipelineExecutionSteps"]
    assert steps[0]["FailureReason"] == "I am caller"


def test_two_executions_at_once_and_one_that_is_stopped(emulator: Any) -> None:
    sagemaker = boto3.client("sagemaker")
    slow = train("Slow")
    slow["Arguments"]["HyperParameters"] = {"x": "1"}
    slow["Arguments"]["AlgorithmSpecification"]["TrainingImage"] = "slow:1"
    emulator.trains(lambda _: iter(lambda: Event().wait(0.01) or None, 0), image="slow:*")  # it goes on until it is stopped
    sagemaker.create_pipeline(PipelineName="Slow", PipelineDefinition=document(slow), RoleArn=ROLE)
    endless = sagemaker.start_pipeline_execution(PipelineName="Slow")["PipelineExecutionArn"]
    quick = sagemaker.start_pipeline_execution(PipelineName="P")["PipelineExecutionArn"]
    until(lambda: _steps(sagemaker, endless))
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=endless)
    assert emulator.wait(endless)["PipelineExecutionStatus"] == "Stopped"
    assert emulator.wait(quick)["PipelineExecutionStatus"] == "Succeeded"
    assert _steps(sagemaker, endless)["Slow"] == "Stopped"
    emulator.reset()
    assert sagemaker.list_pipelines()["PipelineSummaries"] == []


def _steps(sagemaker: Any, execution: str) -> dict[str, str]:
    listed = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution)["PipelineExecutionSteps"]
    return {step["StepName"]: step["StepStatus"] for step in listed}
