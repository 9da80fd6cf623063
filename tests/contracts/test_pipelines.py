"""The law of `pipelines.decide`: apply its actions, ask again, and there is nothing to say until the world moves."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from local_emulator.domain.pipeline import ExecutionStatus, PipelineExecution, StepKind, StepStatus
from local_emulator.pipelines.decide import FAILED, Action, Finish, Launch, decide, next_time
from tests.made_pipelines import BEGIN, condition, execution, record, step


def pipeline(parallel: int = 50) -> PipelineExecution:
    """Two chains, a condition with branches, a step behind a branch, a Fail step."""
    return execution(
        step("Prepare", "Processing"),
        step("Train", "Training", {"x": {"Get": "Steps.Prepare.ProcessingJobName"}}),
        step("Other", "Training"),
        condition(
            "Check",
            [step("Register", "RegisterModel"), step("Model", "Model")],
            [step("Bad")],
            LeftValue={"Get": "Steps.Train.X"},
        ),
        step("Score", "Transform", DependsOn=["Model", "Other"]),
        parallel=parallel,
    )


def applied(began: PipelineExecution, action: Action) -> PipelineExecution:
    """The execution when an action was carried out and nothing else has happened."""
    if isinstance(action, Finish):
        return replace(began, status=action.status, failure_reason=action.reason)
    known = began.record_of(action.step.name)
    if isinstance(action, Launch):
        return began.with_step(record(action.step.name, StepStatus.EXECUTING, attempts=action.attempt))
    assert known is not None
    waits = known.retry_at is not None or known.job is None
    return began.with_step(replace(known, status=StepStatus.STOPPED if waits else StepStatus.STOPPING, retry_at=None))


def settled(began: PipelineExecution, now: datetime = BEGIN) -> PipelineExecution:
    """The execution when there is nothing to say any more; fails if that does not come soon."""
    for _ in range(3):
        actions = decide(began, now)
        if not actions:
            return began
        for action in actions:
            began = applied(began, action)
    raise AssertionError(f"it goes on saying {decide(began, now)}")


def names(actions: list[Action]) -> list[str]:
    return [action.step.name for action in actions if not isinstance(action, Finish)]


def succeeded(began: PipelineExecution, name: str, **properties: object) -> PipelineExecution:
    return began.with_step(record(name, StepStatus.SUCCEEDED, properties=properties))


@pytest.mark.parametrize("outcome", [True, False])
def test_steps_begin_when_all_they_wait_for_has_succeeded(*, outcome: bool) -> None:
    began = settled(pipeline())
    assert [item.name for item in began.active] == ["Prepare", "Other"]
    began = settled(succeeded(began, "Prepare"))
    assert [item.name for item in began.active] == ["Other", "Train"]
    began = settled(succeeded(succeeded(began, "Train"), "Other"))
    assert [item.name for item in began.active] == ["Check"]
    began = settled(succeeded(began, "Check", Outcome=outcome))
    assert [item.name for item in began.active] == (["Register", "Model"] if outcome else ["Bad"])
    if outcome:
        began = settled(succeeded(succeeded(began, "Register"), "Model"))
        assert [item.name for item in began.active] == ["Score"]
        assert settled(succeeded(began, "Score")).status is ExecutionStatus.SUCCEEDED
    else:
        over = settled(began.with_step(record("Bad", StepStatus.FAILED)))
        assert (over.status, over.failure_reason) == (ExecutionStatus.FAILED, FAILED)


def test_what_waits_for_a_branch_that_was_not_taken_never_begins() -> None:
    began = execution(condition("Check", [step("Then", "Model")], []), step("Behind", "Transform", DependsOn=["Then"]))
    over = settled(succeeded(settled(began), "Check", Outcome=False))
    assert over.status is ExecutionStatus.SUCCEEDED
    assert [item.name for item in over.steps] == ["Check"]


def test_parallelism() -> None:
    began = settled(pipeline(parallel=1))
    assert [item.name for item in began.active] == ["Prepare"]
    assert [item.name for item in settled(succeeded(began, "Prepare")).active] == ["Train"]


def test_attempts_that_are_due_wait_for_the_parallelism_too() -> None:
    began = execution(*(step(name, "Training") for name in ("A", "B", "C")), parallel=1)
    for name in ("A", "B"):
        began = began.with_step(record(name, StepStatus.STARTING, retry_at=BEGIN, attempts=1))
    began = settled(began)
    assert {item.name: item.status for item in began.steps} == {"A": StepStatus.EXECUTING, "B": StepStatus.STARTING}
    began = settled(succeeded(began, "A"))
    assert {item.name: item.status for item in began.active} == {"B": StepStatus.EXECUTING}


def test_what_runs_when_a_step_fails_goes_on_and_nothing_else_begins() -> None:
    began = settled(pipeline()).with_step(record("Prepare", StepStatus.FAILED))
    assert decide(began, BEGIN) == []
    assert settled(succeeded(began, "Other")).status is ExecutionStatus.FAILED


def test_a_fail_step_stops_what_runs() -> None:
    began = execution(step("Bad"), step("Train", "Training"))
    began = settled(began).with_step(record("Bad", StepStatus.FAILED)).with_step(record("Train", StepStatus.EXECUTING, job="arn"))
    assert names(list(decide(began, BEGIN))) == ["Train"]
    stopping = settled(began)
    assert stopping.status is ExecutionStatus.EXECUTING
    assert settled(stopping.with_step(record("Train", StepStatus.STOPPED))).status is ExecutionStatus.FAILED


def test_a_stopped_execution_waits_for_its_steps() -> None:
    began = settled(pipeline()).with_step(record("Other", StepStatus.EXECUTING, job="arn"))
    stopping = settled(replace(began, status=ExecutionStatus.STOPPING))
    assert stopping.status is ExecutionStatus.STOPPING
    assert {item.name: item.status for item in stopping.steps} == {"Prepare": StepStatus.STOPPED, "Other": StepStatus.STOPPING}
    over = settled(stopping.with_step(record("Other", StepStatus.STOPPED)))
    assert (over.status, over.failure_reason) == (ExecutionStatus.STOPPED, None)


def test_retries_wait_for_their_time() -> None:
    later = BEGIN + timedelta(seconds=8)
    began = execution(step("Train", "Training")).with_step(record("Train", StepStatus.STARTING, retry_at=later, attempts=2))
    assert decide(began, BEGIN) == []
    assert next_time(began, BEGIN) == later
    assert next_time(began, later) is None
    assert decide(began, later) == [Launch(step=began.plan.steps[0], attempt=3)]
    assert settled(replace(began, status=ExecutionStatus.STOPPING)).status is ExecutionStatus.STOPPED


def test_what_an_emulator_left_when_it_ended_is_begun_again() -> None:
    began = execution(step("Train", "Training")).with_step(record("Train", StepStatus.STARTING, attempts=2))
    assert decide(began, BEGIN) == [Launch(step=began.plan.steps[0], attempt=2)]


def outcomes(began: PipelineExecution, chance: random.Random) -> Iterator[PipelineExecution]:
    """One thing that happens in the world."""
    if not began.active:
        return
    name = chance.choice(began.active).name
    kind, known = began.plan.step(name).kind, began.record_of(name)
    assert known is not None
    status = chance.choice([StepStatus.SUCCEEDED, StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.STOPPED])
    if kind is StepKind.FAIL:
        status = StepStatus.FAILED
    if chance.random() < 0.15 and began.status is ExecutionStatus.EXECUTING:
        yield replace(began, status=ExecutionStatus.STOPPING)
    yield began.with_step(replace(known, status=status, properties={"Outcome": chance.random() < 0.5}))


@pytest.mark.parametrize("seed", range(40))
def test_it_ends_whatever_happens(seed: int) -> None:
    """Nothing begins twice, nothing begins before what it waits for, nothing runs when the execution is over."""
    chance = random.Random(seed)
    began = settled(pipeline(parallel=chance.choice([1, 2, 50])))
    for _ in range(60):
        if began.status.terminal:
            break
        for happened in outcomes(began, chance):
            launched = names([action for action in decide(happened, BEGIN) if isinstance(action, Launch)])
            assert not {item.name for item in happened.steps} & set(launched)
            for name in launched:
                needed = [happened.record_of(other) for other in happened.plan.step(name).depends_on]
                assert all(other is not None and other.status is StepStatus.SUCCEEDED for other in needed)
            began = settled(happened)
    assert began.status.terminal
    assert not began.active
