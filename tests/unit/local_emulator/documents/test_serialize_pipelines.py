from typing import Any

import pytest

from local_emulator.documents.serialize_pipelines import metadata, step_summary
from local_emulator.domain.names import Arn
from local_emulator.domain.pipeline import StepStatus
from tests.made_pipelines import execution, record, step

JOB = Arn("arn:aws:sagemaker:us-east-1:123456789012:training-job/t")


@pytest.mark.parametrize(
    ("kind", "members", "expected"),
    [
        ("Training", {"job": JOB}, {"TrainingJob": {"Arn": JOB}}),
        ("Tuning", {"job": JOB}, {"TuningJob": {"Arn": JOB}}),
        ("RegisterModel", {"job": JOB}, {"RegisterModel": {"Arn": JOB}}),
        ("Training", {}, {}),
        ("Condition", {"properties": {"Outcome": True}}, {"Condition": {"Outcome": "True"}}),
        ("Condition", {}, {}),
        ("Fail", {"properties": {"ErrorMessage": "no"}}, {"Fail": {"ErrorMessage": "no"}}),
        ("Fail", {}, {"Fail": {"ErrorMessage": ""}}),
        (
            "Lambda",
            {"properties": {"OutputParameters": {"a": 1}}},
            {"Lambda": {"Arn": "f", "OutputParameters": [{"Name": "a", "Value": "1"}]}},
        ),
    ],
)
def test_metadata(kind: str, members: dict[str, Any], expected: Any) -> None:
    arguments = {"Conditions": [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}]}
    began = execution(step("S", kind, arguments, **({"FunctionArn": "f"} if kind == "Lambda" else {})))
    assert metadata(began, record("S", StepStatus.SUCCEEDED, **members)) == expected


def test_results_of_other_executions() -> None:
    began = execution(step("S", "Training"))
    source = {"SourcePipelineExecutionArn": "x"}
    cached = step_summary(began, record("S", StepStatus.SUCCEEDED, cached_from=Arn("x")))
    assert (cached["CacheHitResult"], "SelectiveExecutionResult" in cached) == (source, False)
    reused = step_summary(began, record("S", StepStatus.SUCCEEDED, reused_from=Arn("x")))
    assert (reused["SelectiveExecutionResult"], "CacheHitResult" in reused) == (source, False)
