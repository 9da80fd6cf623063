from collections.abc import Iterable, Mapping
from typing import Any

from local_emulator.domain.jobs import Status
from local_emulator.engine.events import EventPublisher
from local_emulator.engine.faults import FaultLog
from local_emulator.engine.pipeline_events import EXECUTION, STEP, events
from tests.pipeline_world import World, train
from tests.unit.local_emulator.engine.test_events import Bus


def statuses(sent: Iterable[tuple[str, Mapping[str, Any]]]) -> list[tuple[str | None, str]]:
    """Step, or None of an execution, and new status by event."""
    return [
        (detail.get("stepName"), detail.get("currentStepStatus") or detail["currentPipelineExecutionStatus"])
        for _, detail in sent
    ]


def test_events_as_aws_documents_them(world: World) -> None:
    sent = list[tuple[str, Any]]()
    world.create(train("Train"))
    arn = world.start(PipelineExecutionDescription="d")
    started = world.execution(arn)
    sent += events(started, None)
    world.move()
    moved = world.execution(arn)
    sent += events(moved, started)
    sent += events(moved, moved)  # nothing has changed
    world.pass_time(9)
    world.end(arn, "Train", Status.FAILED, "AlgorithmError: no")
    sent += events(world.execution(arn), moved)
    arns = {"pipelineArn": arn.partition("/execution/")[0], "pipelineExecutionArn": arn}
    of_execution = {
        "pipelineExecutionDisplayName": "execution-1777636800000",
        "pipelineExecutionDescription": "d",
        "executionStartTime": "2026-05-01T12:00:00Z",
        **arns,
    }
    of_step = {
        "metadata": {"trainingJob": {"arn": world.execution(arn).steps[0].job}},
        "stepName": "Train",
        "stepType": "Training",
        "stepStartTime": "2026-05-01T12:00:00Z",
        **arns,
    }
    assert sent == [
        (EXECUTION, {**of_execution, "currentPipelineExecutionStatus": "Executing"}),
        (STEP, {**of_step, "currentStepStatus": "Executing"}),
        (
            STEP,
            {
                **of_step,
                "previousStepStatus": "Executing",
                "currentStepStatus": "Failed",
                "stepEndTime": "2026-05-01T12:00:09Z",
                "failureReason": "ClientError: AlgorithmError: no",
            },
        ),
        (
            EXECUTION,
            {
                **of_execution,
                "previousPipelineExecutionStatus": "Executing",
                "currentPipelineExecutionStatus": "Failed",
                "executionEndTime": "2026-05-01T12:00:09Z",
            },
        ),
    ]


def test_what_was_sent_before_is_not_sent_again(world: World) -> None:
    """When an execution is retried: its steps that have succeeded are as they were."""
    arn = world.run(train("Good"), train("Bad"))
    assert list(events(world.execution(arn), world.execution(arn))) == []
    world.end(arn, "Good")
    world.end(arn, "Bad", Status.FAILED, "AlgorithmError: no")
    failed = world.execution(arn)
    world.ask("RetryPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken="r" * 32)
    world.move()
    assert statuses(events(world.execution(arn), failed)) == [("Bad", "Executing"), (None, "Executing")]
    assert len(list(events(world.execution(arn), None))) == 3


def test_an_emulator_that_begins_again_sends_of_an_execution_that_is_retried_what_changes(world: World) -> None:
    arn = world.run(train("Good"), train("Bad"))
    world.end(arn, "Good")
    world.end(arn, "Bad", Status.FAILED, "AlgorithmError: no")
    while not world.changed.empty():  # the emulator before has sent that
        world.changed.get()
    world.store.executions.forget()
    bus = Bus()
    publisher = EventPublisher(
        bus=bus, store=world.store, changed=world.changed, now=world.now, log=FaultLog(world.faults.append)
    )
    world.ask("RetryPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken="r" * 32)
    world.move()
    assert publisher.step()
    of_pipelines = ((kind, detail) for kind, _, detail in bus.sent if "Pipeline" in kind)
    assert statuses(of_pipelines) == [("Bad", "Starting"), (None, "Executing"), ("Bad", "Executing")]
