import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from local_emulator.domain.pipeline import StepStatus
from local_emulator.pipelines.values import UndefinedError, Values, experiment
from tests.made_pipelines import BEGIN, execution, record, step

PARAMETERS = [
    {"Name": "Text", "Type": "String", "DefaultValue": "x"},
    {"Name": "Count", "Type": "Integer", "DefaultValue": 3},
    {"Name": "Rate", "Type": "Float", "DefaultValue": 0.5},
    {"Name": "Flag", "Type": "Boolean", "DefaultValue": True},
]
FILES = [{"PropertyFileName": "Report", "OutputName": "evaluation", "FilePath": "report.json"}]
OUTPUTS = {"Outputs": [{"OutputName": "evaluation", "S3Output": {"S3Uri": "s3://bucket/out"}}]}
OBJECTS = {"s3://bucket/out/report.json": b'{"m": {"rmse": [1, {"value": 4.5}]}}', "s3://bucket/broken": b"{"}
ODD = {
    "list": b"[1, 2]",
    "page": b"<html>",
    "empty": b"",
    "bytes": b"\xff\xfe\xfd",
    "deep": b"[" * 10**5,
    "half": b'{"a": "\\ud800"}',
}
OBJECTS |= {f"s3://bucket/{name}": content for name, content in ODD.items()}


def value(tree: Any, objects: Mapping[str, bytes] = OBJECTS) -> Any:
    def read(uri: str) -> bytes:
        if uri not in objects:
            raise ValueError(f"{uri} does not exist")
        return objects[uri]

    began = execution(step("Prep", "Processing", PropertyFiles=FILES), step("Train", "Training"), Parameters=PARAMETERS)
    began = began.with_step(record("Prep", StepStatus.SUCCEEDED, properties={"ProcessingOutputConfig": OUTPUTS}))
    now = BEGIN + timedelta(seconds=90)
    values = Values(execution=began, step=began.plan.step("Train"), now=now, job="pipelines-x-Train-y", read=read)
    return values.evaluated(tree)


def get(reference: str) -> Mapping[str, str]:
    return {"Get": reference}


def report(path: str) -> Mapping[str, Any]:
    return {"Std:JsonGet": {"PropertyFile": get("Steps.Prep.PropertyFiles.Report"), "Path": path}}


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"a": [1, "b", None]}, {"a": [1, "b", None]}),
        (get("Parameters.Count"), 3),
        (get("Execution.PipelineName"), "abalone"),
        (get("Execution.PipelineExecutionId"), "ztefwbnlgoif"),
        (
            get("Execution.PipelineExecutionArn"),
            "arn:aws:sagemaker:us-east-1:123456789012:pipeline/abalone/execution/ztefwbnlgoif",
        ),
        (get("Execution.PipelineArn"), "arn:aws:sagemaker:us-east-1:123456789012:pipeline/abalone"),
        (get("Execution.StartDateTime"), "2026-05-01T12:00:00.000Z"),
        (get("Execution.CurrentDateTime"), "2026-05-01T12:01:30.000Z"),
        (get("Execution.TrainingJobName"), "pipelines-x-Train-y"),
        (get("Steps.Prep.ProcessingOutputConfig.Outputs['evaluation'].S3Output.S3Uri"), "s3://bucket/out"),
        (get("Steps.Prep.ProcessingOutputConfig.Outputs[0].OutputName"), "evaluation"),
        (report("m.rmse[1].value"), 4.5),
        ({"Std:JsonGet": {"S3Uri": "s3://bucket/out/report.json", "Path": "$.m.rmse[0]"}}, 1),
        ({"Std:JsonGet": {"S3Uri": "s3://bucket/out/report.json", "Path": "$['m'].rmse[0]"}}, 1),
        ({"Std:JsonGet": {"S3Uri": "s3://bucket/list", "Path": "$"}}, [1, 2]),
        (
            {"Std:Join": {"On": "/", "Values": [get(f"Parameters.{name}") for name in ("Text", "Count", "Rate", "Flag")]}},
            "x/3/0.5/true",
        ),
        ({"Std:Join": {"On": "", "Values": [get("Parameters.Rate")]}}, "0.5"),
    ],
)
def test_values(tree: Any, expected: Any) -> None:
    assert value(tree) == expected


@pytest.mark.parametrize(
    ("tree", "error"),
    [
        (get("Steps.Prep.Nothing"), "Steps.Prep.Nothing is undefined"),
        (get("Steps.Prep.ProcessingOutputConfig.Outputs['other'].S3Output"), "is undefined"),
        (report("m.accuracy"), "m.accuracy in s3://bucket/out/report.json is undefined"),
        ({"Std:JsonGet": {"S3Uri": "s3://bucket/none", "Path": "a"}}, "s3://bucket/none does not exist"),
        *(
            ({"Std:JsonGet": {"S3Uri": f"s3://bucket/{name}", "Path": "a"}}, f"the content of s3://bucket/{name} is no JSON")
            for name in ("broken", "page", "empty", "bytes", "deep", "half")
        ),
        (
            {"Std:JsonGet": {"S3Uri": get("Parameters.Count"), "Path": "a"}},
            "the S3Uri of a Std:JsonGet came to 3, which is no text",
        ),
        ({"Std:JsonGet": {"S3Uri": ["s3://bucket/list"], "Path": "a"}}, "which is no text"),
        ({"Std:JsonGet": {"S3Uri": "s3://bucket/list", "Path": "$[2]"}}, "$[2] in s3://bucket/list is undefined"),
    ],
)
def test_what_has_no_value(tree: Any, error: str) -> None:
    with pytest.raises(UndefinedError, match=re.escape(error)):
        value(tree)


def test_the_experiment_of_an_execution() -> None:
    config = {"ExperimentName": get("Execution.PipelineName"), "TrialName": get("Execution.PipelineExecutionId")}
    began = execution(step("A"), PipelineExperimentConfig=config)
    assert experiment(began) == {"ExperimentName": "abalone", "TrialName": "ztefwbnlgoif"}  # recorded: in lower case
