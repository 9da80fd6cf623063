import json

import pytest

from local_emulator.domain.errors import ResourceLimitExceeded
from local_emulator.domain.names import TUNING_JOB, Arn
from local_emulator.domain.pipeline import ExecutionStatus, StepKind
from local_emulator.engine.steps import properties
from tests.conftest import tuning_request
from tests.made_pipelines import SCOPE, condition, step
from tests.pipeline_world import World, train


def test_a_tuning_step_has_the_best_training_jobs_too(world: World) -> None:
    request = tuning_request("tune", "s3://b/s.tar.gz", bucket="b")
    arn = Arn(str(world.perform("CreateHyperParameterTuningJob", request)["HyperParameterTuningJobArn"]))
    values = properties(world.perform, StepKind.TUNING, arn, SCOPE)
    assert values["HyperParameterTuningJobName"] == "tune"
    assert values["TrainingJobSummaries"] == []
    operation, asked = world.calls[-1]
    assert operation == "ListTrainingJobsForHyperParameterTuningJob"
    assert asked["SortBy"] == "FinalObjectiveMetricValue"


def test_the_best_of_equal_training_jobs_is_the_first_of_a_tuning_step() -> None:
    answers: dict[str, dict[str, object]] = {
        "DescribeHyperParameterTuningJob": {
            "HyperParameterTuningJobName": "tune",
            "HyperParameterTuningJobConfig": {},
            "BestTrainingJob": {"TrainingJobName": "a"},
        },
        "ListTrainingJobsForHyperParameterTuningJob": {
            "TrainingJobSummaries": [{"TrainingJobName": name} for name in ("c", "b", "a", "d")]
        },
    }
    values = properties(lambda operation, *_: answers[operation], StepKind.TUNING, SCOPE.arn(TUNING_JOB, "tune"), SCOPE)
    assert [summary["TrainingJobName"] for summary in values["TrainingJobSummaries"]] == ["a", "c", "b", "d"]


def test_a_tuning_step(world: World) -> None:
    request = tuning_request("tune", "s3://b/s.tar.gz", bucket="b")
    del request["HyperParameterTuningJobName"]
    arn = world.run(step("Tune", "Tuning", request))
    record = world.execution(arn).record_of("Tune")
    assert record is not None
    assert record.job is not None
    assert record.job.rpartition("/")[2].startswith(f"{world.execution(arn).id}-tune-")


def test_a_group_that_another_step_makes_meanwhile(world: World) -> None:
    world.ask("CreateModelPackageGroup", ModelPackageGroupName="g")
    specification = {
        "Containers": [{"Image": "i"}],
        "SupportedContentTypes": ["a/b"],
        "SupportedResponseMIMETypes": ["a/b"],
    }
    arguments = {"ModelPackageGroupName": "g", "InferenceSpecification": specification}
    arn = world.run(step("A", "RegisterModel", arguments), step("B", "RegisterModel", arguments))
    assert world.statuses(arn) == {"A": "Succeeded", "B": "Succeeded"}
    # Nothing is asked before the group is made: between the two another step may make it.
    groups = [operation for operation, _ in world.calls if "Group" in operation]
    assert groups[0] == "CreateModelPackageGroup"


def test_why_a_group_cannot_be_made(world: World) -> None:
    world.errors["CreateModelPackageGroup"] = [ResourceLimitExceeded("too many groups")]
    arn = world.run(step("A", "RegisterModel", {"ModelPackageGroupName": "g"}))
    record = world.execution(arn).record_of("A")
    assert record is not None
    assert record.failure_reason is not None
    assert "Error Details: too many groups" in record.failure_reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (json.dumps({"a": "x" * 5000}), "x" * 1024),
        ('{"a": {"b": null}}', '{"b": null}'),
        ('{"a": null}', "null"),
        ('{"a": ""}', None),
        ('{"b": 1}', "ClientError: a in s3://bucket/report.json is undefined"),
        ('{"a": "\\ud800"}', "ClientError: the content of s3://bucket/report.json is no JSON"),
    ],
)
def test_a_message_that_a_file_has(world: World, content: str, reason: str | None) -> None:
    """Whatever the file says the step fails, with a reason that AWS's model allows."""
    world.objects["s3://bucket/report.json"] = content.encode()
    message = {"Std:JsonGet": {"S3Uri": "s3://bucket/report.json", "Path": "a"}}
    arn = world.run(step("Say", "Fail", {"ErrorMessage": message}))
    listed = world.ask("ListPipelineExecutionSteps", PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    assert (listed[0]["StepStatus"], listed[0].get("FailureReason")) == ("Failed", reason)
    assert world.execution(arn).status is ExecutionStatus.FAILED
    assert world.faults == []


def test_a_condition_on_a_metric_that_nothing_has_printed(world: World) -> None:
    loss = {"Get": "Steps.Train.FinalMetricDataList['loss'].Value"}
    arn = world.run(train("Train"), condition("Check", [step("Good")], [], Type="LessThan", LeftValue=loss, RightValue=1))
    world.end(arn, "Train")
    record = world.execution(arn).record_of("Check")
    assert record is not None
    assert record.failure_reason == "ClientError: Steps.Train.FinalMetricDataList['loss'].Value is undefined"
    assert world.statuses(arn) == {"Train": "Succeeded", "Check": "Failed"}
