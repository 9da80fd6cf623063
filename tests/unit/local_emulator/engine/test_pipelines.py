"""The mover of pipeline executions on a real store and the real API; the jobs of steps are ended by the tests."""

import threading
from concurrent.futures import wait
from datetime import timedelta
from typing import Any

import pytest

from local_emulator.domain.errors import INTERNAL_ERROR, ResourceLimitExceeded, ThrottlingException
from local_emulator.domain.jobs import Status
from local_emulator.domain.pipeline import ExecutionStatus, StepStatus
from local_emulator.engine.steps import Launcher
from local_emulator.store.base import Query
from tests.made_pipelines import SCOPE, condition, step
from tests.pipeline_world import ROLE, RefusedError, World, train


def outcome(world: World, arn: str) -> tuple[str, str | None]:
    execution = world.execution(arn)
    return execution.status.value, execution.failure_reason


def test_steps_are_launched_by_the_operations_of_the_api(world: World) -> None:
    last = train("Last", DependsOn=["First"], DisplayName="The last")
    arn = world.run(train("First"), last)
    assert world.statuses(arn) == {"First": "Executing"}
    world.pass_time(60)
    world.end(arn, "First")
    assert world.statuses(arn) == {"First": "Succeeded", "Last": "Executing"}
    world.end(arn, "Last")
    assert outcome(world, arn) == ("Succeeded", None)
    first, second = world.store.trainings.find(Query()).items
    assert first.name.startswith("pipelines-")
    assert first.tags == {"sagemaker:pipeline-execution-arn": arn.lower()}
    assert second.spec.stopping.max_runtime == 600
    assert world.execution(arn).steps[0].ended == world.execution(arn).steps[1].started


def test_a_reference_has_the_value_of_what_it_refers_to(world: World) -> None:
    second = train("Second")
    second["Arguments"]["HyperParameters"] = {"after": {"Get": "Steps.First.TrainingJobName"}}
    arn = world.run(train("First"), second)
    world.end(arn, "First")
    names = {job.name: job.spec.hyperparameters for job in world.store.trainings.find(Query()).items}
    (first,) = (name for name, values in names.items() if not values)
    assert {"after": first} in names.values()


def test_a_failed_job_fails_the_execution_when_the_others_have_ended(world: World) -> None:
    arn = world.run(train("Bad"), train("Other"), train("Next", DependsOn=["Other"]))
    world.end(arn, "Bad", Status.FAILED, "AlgorithmError: no, exit code: 1")
    assert world.execution(arn).status is ExecutionStatus.EXECUTING
    world.end(arn, "Other")
    assert world.statuses(arn) == {"Bad": "Failed", "Other": "Succeeded"}
    assert outcome(world, arn) == ("Failed", "Step failure: One or multiple steps failed.")
    record = world.execution(arn).record_of("Bad")
    assert record is not None
    assert record.failure_reason == "ClientError: AlgorithmError: no, exit code: 1"


def test_what_the_api_refuses_fails_the_step_in_its_words(world: World) -> None:
    bad = train("Bad")
    bad["Arguments"]["ResourceConfig"]["InstanceType"] = "ml.t3.medium"
    arn = world.run(bad)
    record = world.execution(arn).record_of("Bad")
    assert record is not None
    assert record.failure_reason is not None
    # Recorded of AWS, for this instance type.
    assert record.failure_reason.startswith(
        "ClientError: Failed to invoke sagemaker:CreateTrainingJob. Error Details: "
        "The requested resource training-job/ml.t3.medium is not available in this region\nRetry not appropriate on execution of "
    )


def test_what_is_undefined_fails_the_step(world: World) -> None:
    second = train("Second")
    second["Arguments"]["HyperParameters"] = {"x": {"Get": "Steps.First.Nothing"}}
    arn = world.run(train("First"), second)
    world.end(arn, "First")
    record = world.execution(arn).record_of("Second")
    assert record is not None
    assert record.failure_reason == "ClientError: Steps.First.Nothing is undefined"


def test_throttled_calls_are_repeated_and_others_as_their_policies_say(world: World) -> None:
    policies = [{"ExceptionType": ["SageMaker.RESOURCE_LIMIT"], "IntervalSeconds": 30, "MaxAttempts": 1}]
    world.errors["CreateTrainingJob"] = [
        ThrottlingException("Rate exceeded"),
        ResourceLimitExceeded("no"),
        ResourceLimitExceeded("no"),
    ]
    arn = world.run(train("Train", RetryPolicies=policies))
    assert world.mover.step() == pytest.approx(1.0)
    world.pass_time(1.5)
    world.move()
    world.pass_time(31)
    world.move()
    record = world.execution(arn).record_of("Train")
    assert record is not None
    assert (record.status, record.attempts) == (StepStatus.FAILED, 3)  # each policy counts its own retries


def test_a_capacity_error_is_retried_under_another_name(world: World) -> None:
    policies = [{"ExceptionType": ["SageMaker.CAPACITY_ERROR"], "IntervalSeconds": 30}]
    arn = world.run(train("Train", RetryPolicies=policies))
    world.end(arn, "Train", Status.FAILED, "CapacityError: Unable to provision requested ML compute capacity.")
    assert world.statuses(arn) == {"Train": "Starting"}
    world.pass_time(31)
    world.move()
    record = world.execution(arn).record_of("Train")
    assert record is not None
    assert (record.status, record.attempts) == (StepStatus.EXECUTING, 2)
    world.end(arn, "Train")
    assert outcome(world, arn) == ("Succeeded", None)
    assert len(world.store.trainings.find(Query()).items) == 2


def test_conditions_read_files_that_steps_have_left(world: World) -> None:
    report = {"Std:JsonGet": {"S3Uri": "s3://bucket/report.json", "Path": "accuracy"}}
    check = condition(
        "Check", [step("Good", "Fail", {"ErrorMessage": "good"})], [], Type="GreaterThan", LeftValue=report, RightValue=0.5
    )
    world.objects["s3://bucket/report.json"] = b'{"accuracy": 0.75}'
    arn = world.run(check)
    assert world.statuses(arn) == {"Check": "Succeeded", "Good": "Failed"}
    world.objects.clear()
    arn = world.start(letter="u")
    world.move()
    record = world.execution(arn).record_of("Check")
    assert record is not None
    assert record.failure_reason == "ClientError: s3://bucket/report.json does not exist"


def test_stopping(world: World) -> None:
    arn = world.run(train("Runs"), train("Waits", DependsOn=["Runs"]))
    world.ask("StopPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken="s" * 32)
    world.move()
    (job,) = world.store.trainings.find(Query()).items
    assert job.status is Status.STOPPING
    assert world.statuses(arn) == {"Runs": "Stopping"}
    world.end(arn, "Runs", Status.STOPPED)
    assert outcome(world, arn) == ("Stopped", None)
    assert world.statuses(arn) == {"Runs": "Stopped"}
    repeated = world.ask("StopPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken="s" * 32)
    assert repeated == {"PipelineExecutionArn": arn}
    with pytest.raises(RefusedError, match="is in status 'Stopped'"):
        world.ask("StopPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken="z" * 32)


def test_a_job_that_somebody_stops_or_deletes_fails_its_step(world: World) -> None:
    arn = world.run(train("A"), train("B"))
    world.end(arn, "A", Status.STOPPED)
    record = world.execution(arn).record_of("B")
    assert record is not None
    assert record.job is not None
    world.store.trainings.delete(record.job)
    world.move()
    reasons = [step.failure_reason or "" for step in world.execution(arn).steps]
    assert reasons[0].endswith(" was stopped.")
    assert reasons[1].endswith(" was deleted.")
    assert world.execution(arn).status is ExecutionStatus.FAILED


def test_retrying_keeps_what_has_succeeded(world: World) -> None:
    arn = world.run(train("Good"), train("Bad"))
    world.end(arn, "Good")
    world.end(arn, "Bad", Status.FAILED, "AlgorithmError: no")
    world.ask("RetryPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken="r" * 32)
    world.move()
    assert world.statuses(arn) == {"Good": "Succeeded", "Bad": "Executing"}
    world.end(arn, "Bad")
    assert outcome(world, arn) == ("Succeeded", None)
    assert len(world.store.trainings.find(Query()).items) == 3


def test_results_of_before_are_taken_again(world: World) -> None:
    cached = train("Train", CacheConfig={"Enabled": True, "ExpireAfter": "PT1H"})
    first = world.run(cached)
    world.end(first, "Train")
    world.pass_time(1800)
    second = world.start(letter="u")
    world.move()
    record = world.execution(second).record_of("Train")
    assert record is not None
    assert (record.status, record.cached_from) == (StepStatus.SUCCEEDED, first)
    assert record.job == world.execution(first).steps[0].job
    world.pass_time(1801)
    third = world.start(letter="v")
    world.move()
    assert world.statuses(third) == {"Train": "Executing"}


def test_functions(world: World) -> None:
    world.functions["f"] = lambda event, _: {"text": event["word"].upper(), "status": 200, "number": 3}
    types = {"text": "String", "status": "String", "number": "Integer"}
    outputs = [{"OutputName": name, "OutputType": kind} for name, kind in types.items()]
    call = step(
        "Call",
        "Lambda",
        {"word": "abc"},
        FunctionArn="arn:aws:lambda:us-east-1:123456789012:function:f",
        OutputParameters=outputs,
    )
    message = {"Std:Join": {"On": " ", "Values": [{"Get": f"Steps.Call.OutputParameters['{name}']"} for name in types]}}
    arn = world.run(call, step("Say", "Fail", {"ErrorMessage": message}))
    record = world.execution(arn).record_of("Say")
    assert record is not None
    assert record.failure_reason == "ABC 200 3"
    called = world.execution(arn).record_of("Call")
    assert called is not None
    assert called.properties["OutputParameters"]["status"] == "200"
    for answer, reason in (({"text": [1]}, "which is of type String"), ({}, "returned no 'text'")):
        world.functions["f"] = lambda _event, _context, answer=answer: answer
        again = world.start(letter=reason[0])
        world.move()
        called = world.execution(again).record_of("Call")
        assert called is not None
        assert reason in (called.failure_reason or "")


def test_a_function_that_was_running_when_the_emulator_ended_is_not_called_again(world: World) -> None:
    called, release = threading.Event(), threading.Event()

    def function(_event: object, _context: object) -> dict[str, str]:
        called.set()
        release.wait(60)
        return {}

    world.functions["f"] = function
    world.create(step("Call", "Lambda", {}, FunctionArn="f"))
    arn = world.start()
    world.mover.step()
    assert called.wait(60)
    while world.statuses(arn) != {"Call": "Executing"}:
        pass
    world.begin_again().step()
    record = world.execution(arn).record_of("Call")
    assert record is not None
    assert record.status is StepStatus.FAILED
    assert "the emulator ended while the function ran" in (record.failure_reason or "")
    release.set()


@pytest.mark.parametrize("made", [True, False])
def test_an_emulator_that_ends_before_it_has_noted_a_job_makes_it_once(world: World, *, made: bool) -> None:
    """Between two writes: the step is Starting, and its job is there or not."""
    arn = world.run(train("Train"))
    execution = world.execution(arn)
    (record,) = execution.steps
    assert record.job is not None
    starting = execution.with_step(type(record)(name="Train", status=StepStatus.STARTING, started=record.started))
    world.store.executions.put(starting)
    if not made:
        world.store.trainings.delete(record.job)
    world.begin_again()
    world.move()
    (again,) = world.execution(arn).steps
    assert (again.status, again.job, again.attempts) == (StepStatus.EXECUTING, record.job, 1)
    assert len(world.store.trainings.find(Query()).items) == 1


def test_a_stop_that_comes_while_a_step_is_launched_stops_what_it_has_made(world: World) -> None:
    world.create(train("Train"))
    arn = world.start()
    world.mover.step()  # it is being launched
    world.ask("StopPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken="s" * 32)
    world.move()
    (job,) = world.store.trainings.find(Query()).items
    assert job.status is Status.STOPPING
    world.end(arn, "Train", Status.STOPPED)
    assert outcome(world, arn) == ("Stopped", None)


def test_one_execution_that_cannot_be_moved_does_not_hold_up_another(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.create(train("Train"))
    bad, good = world.start(letter="a"), world.start(letter="b")
    launched = type(world.mover._launcher).launched

    def broken(launcher: object, execution: object, *args: object, **members: object) -> object:
        if getattr(execution, "arn", "") == bad.lower():
            raise RuntimeError("a fault of our own")
        return launched(launcher, execution, *args, **members)  # type: ignore[arg-type]

    monkeypatch.setattr(type(world.mover._launcher), "launched", broken)
    world.move()
    assert world.statuses(good) == {"Train": "Executing"}
    assert any("moving a pipeline execution" in line and "a fault of our own" in line for line in world.faults)


def test_parallelism(world: World) -> None:
    world.create(*(train(f"Train{number}") for number in range(4)))
    arn = world.start(ParallelismConfiguration={"MaxParallelExecutionSteps": 2})
    world.move()
    assert list(world.statuses(arn)) == ["Train0", "Train1"]
    world.end(arn, "Train0")
    assert list(world.statuses(arn)) == ["Train0", "Train1", "Train2"]


def test_times_between_attempts_are_told_to_the_loop(world: World) -> None:
    world.errors["CreateTrainingJob"] = [ThrottlingException("Rate exceeded")]
    world.run(train("Train"))
    assert world.mover.step() == pytest.approx(timedelta(seconds=1).total_seconds())


def test_a_property_file_of_a_processing_step_and_a_model(world: World) -> None:
    image, role = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3", ROLE
    written = {"S3Uri": "s3://bucket/out", "LocalPath": "/opt/ml/processing/out", "S3UploadMode": "EndOfJob"}
    arguments = {
        "AppSpecification": {"ImageUri": image, "ContainerEntrypoint": ["python3", "x.py"]},
        "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5}},
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "evaluation", "S3Output": written}]},
        "RoleArn": role,
    }
    files = [{"PropertyFileName": "Report", "OutputName": "evaluation", "FilePath": "report.json"}]
    evaluate = step("Evaluate", "Processing", arguments, PropertyFiles=files)
    report = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Report"}, "Path": "metrics.mse"}}
    container = {"Image": image, "ModelDataUrl": "s3://bucket/model.tar.gz"}
    model = step("Model", "Model", {"ExecutionRoleArn": role, "PrimaryContainer": container})
    say = step("Say", "Fail", {"ErrorMessage": {"Get": "Steps.Model.ModelName"}})
    check = condition("Check", [model, say], [], Type="LessThanOrEqualTo", LeftValue=report, RightValue=6.0)
    arn = world.run(evaluate, check)
    assert world.statuses(arn) == {"Evaluate": "Executing"}
    world.objects["s3://bucket/out/report.json"] = b'{"metrics": {"mse": 5.5}}'
    world.end(arn, "Evaluate")
    assert world.statuses(arn) == {"Evaluate": "Succeeded", "Check": "Succeeded", "Model": "Succeeded", "Say": "Failed"}
    name = f"pipelines-{world.execution(arn).id}-Model-"
    said = world.execution(arn).record_of("Say")
    assert said is not None
    assert (said.failure_reason or "").startswith(name)
    assert world.ask("DescribeModel", ModelName=said.failure_reason)["PrimaryContainer"]["Image"] == image


def test_the_loop_is_woken_when_a_step_has_been_launched_and_not_before(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Woken before, it would pass the step over, and sleep."""
    world.create(train("Train"))
    arn = world.start()
    woken: list[bool] = []
    launching = world.mover._launching
    monkeypatch.setattr(world.mover, "_notify", lambda: woken.append(all(future.done() for future in launching.values())))
    world.mover.step()
    wait(launching.values(), timeout=60)
    while len(woken) < 2:  # the callback comes after those who wait
        pass
    unsettled = [world.mover.unsettled]  # until a step has seen what has become of it
    assert woken[-1]
    world.mover.step()
    assert [*unsettled, world.mover.unsettled] == [True, False]
    assert world.statuses(arn) == {"Train": "Executing"}


def test_an_execution_that_is_retried_has_all_its_tries_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_emulator.engine.faults._PAUSE", 0.0)
    faults = [ValueError("broken")] * 5
    launched = Launcher.launched

    def launching(*arguments: Any, **options: Any) -> Any:
        if faults:
            raise faults.pop()
        return launched(*arguments, **options)

    monkeypatch.setattr(Launcher, "launched", launching)
    arn = world.run(train("Train"))
    while world.execution(arn).status is ExecutionStatus.EXECUTING:
        world.mover.step()
    assert outcome(world, arn) == ("Failed", INTERNAL_ERROR)
    assert len(faults) == 1
    world.ask("RetryPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken="r" * 32)
    while world.statuses(arn) != {"Train": "Executing"}:
        world.mover.step()
        assert world.execution(arn).status is ExecutionStatus.EXECUTING
    assert faults == []


def test_what_is_being_launched_when_an_execution_is_given_up_is_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    release, perform = threading.Event(), world.perform

    def slow(operation: str, request: Any, scope: Any = SCOPE) -> Any:
        if operation == "CreateTrainingJob":
            release.wait(60)
        return perform(operation, request, scope)

    monkeypatch.setattr(world, "perform", slow)
    world.begin_again()
    world.create(train("Train"))
    arn = world.start()
    world.mover.step()
    world.mover._give_up(world.execution(arn).arn, RuntimeError("a fault of our own"))
    release.set()
    world.move()
    (job,) = world.store.trainings.find(Query()).items
    (record,) = world.execution(arn).steps
    assert job.status is Status.STOPPING
    assert (record.status, record.failure_reason, record.job) == (StepStatus.FAILED, INTERNAL_ERROR, job.arn)
    assert outcome(world, arn) == ("Failed", INTERNAL_ERROR)
