"""Events tell what Describe would say."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import pytest

from local_emulator.documents import serialize
from local_emulator.domain.endpoint import EndpointStatus
from local_emulator.domain.jobs import Status
from local_emulator.domain.names import AwsScope
from local_emulator.engine.events import EventPublisher
from local_emulator.engine.faults import FaultLog
from local_emulator.store.sqlite import SqliteStore
from tests.made_endpoints import endpoint
from tests.made_jobs import NOW
from tests.unit.local_emulator.documents.conftest import child, tuning_job

if TYPE_CHECKING:
    from local_emulator.store.base import Change


class Bus:
    """Keeps what is sent; `deaf` has no rules, `broken` cannot send."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, Mapping[str, Any]]] = []
        self.deaf = self.broken = False

    def listens(self, scope: AwsScope) -> bool:
        return not self.deaf and scope.region == "us-east-1"

    def send(self, scope: AwsScope, kind: str, resources: Sequence[str], detail: Mapping[str, Any]) -> None:
        if self.broken:
            raise OSError(f"{scope.region} is away")
        self.sent.append((kind, " ".join(resources), detail))


class World:
    """A store, what it tells, and the publisher of that."""

    def __init__(self) -> None:
        changed: SimpleQueue[Change] = SimpleQueue()
        self.bus, self.log = Bus(), list[str]()
        self.store = SqliteStore(None, changed.put)
        log = FaultLog(self.log.append)
        self.events = EventPublisher(bus=self.bus, store=self.store, changed=changed, now=lambda: NOW, log=log)


@pytest.fixture
def world() -> World:
    return World()


def test_changes_of_status_are_sent_once(world: World) -> None:
    tuning = tuning_job()
    job = child(tuning)
    world.store.tunings.add(tuning)
    world.store.trainings.add(job)
    world.events.step()
    world.events.step()
    (kind, arn, detail), (training_kind, training_arn, training) = world.bus.sent
    assert (kind, arn) == ("SageMaker HyperParameter Tuning Job State Change", tuning.arn)
    assert (training_kind, training_arn) == ("SageMaker Training Job State Change", job.arn)
    history = world.store.history(tuning)
    assert detail == {
        **serialize.described_tuning_job(tuning, history, world.store.trainings.get),
        "Tags": {"team": "blue"},
    }
    assert training == {**serialize.described_training_job(job, NOW), "Tags": {"team": "blue"}}
    stored = world.store.trainings.put(replace(world.store.trainings.get(job.arn), claimed=True))
    world.events.step()
    assert len(world.bus.sent) == 2, "its status is the same"
    world.store.trainings.put(replace(stored, status=Status.STOPPING))
    world.events.step()
    assert world.bus.sent[2][2]["TrainingJobStatus"] == "Stopping"


def test_what_nobody_listens_to_is_forgotten(world: World) -> None:
    world.bus.deaf = True
    world.store.tunings.add(tuning_job())
    world.events.step()
    world.bus.deaf = False
    world.events.step()
    assert world.bus.sent == []


def test_an_event_that_cannot_be_sent_is_told_of_and_lost(world: World) -> None:
    world.bus.broken = True
    world.store.tunings.add(tuning_job())
    world.events.step()
    world.bus.broken = False
    world.events.step()
    assert world.bus.sent == []
    assert len(world.log) == 1
    assert "us-east-1 is away" in world.log[0]


def test_a_reset_forgets_what_has_changed(world: World) -> None:
    world.store.tunings.add(tuning_job())
    world.events.reset()
    world.events.step()
    assert world.bus.sent == []


def test_an_endpoint_tells_its_status_as_aws_does(world: World) -> None:
    made = endpoint(status=EndpointStatus.IN_SERVICE)
    world.store.endpoints.add(made)
    world.events.step()
    ((kind, arn, detail),) = world.bus.sent
    assert (kind, arn, detail["EndpointStatus"]) == ("SageMaker Endpoint State Change", made.arn, "IN_SERVICE")
    assert detail["ProductionVariants"][0]["VariantName"] == "AllTraffic"
