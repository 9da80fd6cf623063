"""An emulator that ends at any point of an execution: the next one goes on, and nothing is made twice."""

from collections.abc import Callable
from concurrent.futures import wait
from typing import Any

import pytest

from local_emulator.domain.errors import ThrottlingException
from local_emulator.domain.jobs import Status
from local_emulator.domain.pipeline import StepStatus
from local_emulator.store.base import Query
from tests.made_pipelines import condition, step
from tests.pipeline_world import ROLE, World, train

SPECIFICATION = {
    "Containers": [{"Image": "i", "ModelDataUrl": "s3://b/model.tar.gz"}],
    "SupportedContentTypes": ["a/b"],
    "SupportedResponseMIMETypes": ["a/b"],
}
STEPS = (
    train("First"),
    condition(
        "Check",
        [
            step("Register", "RegisterModel", {"ModelPackageGroupName": "g", "InferenceSpecification": SPECIFICATION}),
            step("Model", "Model", {"ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": "i"}}),
            train("Last", DependsOn=["Register", "Model"]),
        ],
        [],
        LeftValue={"Get": "Steps.First.TrainingJobStatus"},
        RightValue="Completed",
    ),
)


class KilledError(BaseException):
    """The emulator ends here."""


class Countdown:
    """Raises once, before or after the n-th effect."""

    def __init__(self, effects: int) -> None:
        self.left = effects

    def around(self, effect: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*args: Any, **members: Any) -> Any:
            self._tick()
            result = effect(*args, **members)
            self._tick()
            return result

        return guarded

    def _tick(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise KilledError


def moved(world: World, arn: str) -> bool:
    """Move the execution as far as it goes; whether the emulator was killed meanwhile."""
    for _ in range(60):
        try:
            world.mover.step()
            for future in list(world.mover._launching.values()):
                future.result(60)
        except KilledError:
            wait(world.mover._launching.values())  # a kill ends all threads; the others must not go on beside the next emulator
            return True
        for record in world.execution(arn).active:
            if record.job is not None:
                job = world.store.trainings.get(record.job)
                if job.status is Status.IN_PROGRESS:
                    world.end_job(record.job)
        if world.execution(arn).status.terminal:
            return False
    raise AssertionError(f"it does not end: {world.statuses(arn)}")


@pytest.mark.parametrize("effects", range(1, 49))
def test_killed_anywhere(world: World, monkeypatch: pytest.MonkeyPatch, effects: int) -> None:
    world.create(*STEPS)
    arn = world.start()
    countdown = Countdown(effects)
    monkeypatch.setattr(world, "perform", countdown.around(world.perform))
    monkeypatch.setattr(world.store.executions, "put", countdown.around(world.store.executions.put))
    world.begin_again()  # with what is guarded
    killed = moved(world, arn)
    if killed:
        world.begin_again()
        assert not moved(world, arn)
    assert killed or effects > 40  # there are no more effects
    assert world.statuses(arn) == dict.fromkeys(("First", "Check", "Register", "Model", "Last"), "Succeeded")
    assert len(world.store.trainings.find(Query()).items) == 2
    assert len(world.store.packages.find(Query()).items) == 1
    assert len(world.store.models.find(Query()).items) == 1
    assert [record.attempts for record in world.execution(arn).steps] == [1] * 5


def test_a_job_that_is_there_is_not_made_again_when_it_cannot_be_described(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.create(train("First"))
    arn = world.start()
    monkeypatch.setattr(world.store.executions, "put", Countdown(3).around(world.store.executions.put))
    assert moved(world, arn)  # between the job's making and its noting
    (job,) = world.store.trainings.find(Query()).items
    world.begin_again()
    world.errors["DescribeTrainingJob"] = [ThrottlingException("Rate exceeded")]
    world.move()
    assert "Rate exceeded" in "".join(world.faults)
    world.begin_again()
    world.move()
    record = world.execution(arn).record_of("First")
    assert record is not None
    assert (record.status, record.job, record.attempts) == (StepStatus.EXECUTING, job.arn, 1)
    assert len(world.store.trainings.find(Query()).items) == 1
