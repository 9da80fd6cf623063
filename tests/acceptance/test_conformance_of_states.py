"""Rows of `conformance.toml` about states that would be over at once: records without an engine."""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

from local_emulator.api.operations import Api
from local_emulator.domain import transitions
from local_emulator.domain.jobs import ACTIVE, Secondary, Status
from local_emulator.domain.names import AwsScope
from local_emulator.domain.training import TrainingJob
from local_emulator.engine import events
from local_emulator.engine.faults import FaultLog
from local_emulator.engine.tuner import Tuner
from local_emulator.settings import Settings
from local_emulator.store.base import Query
from local_emulator.store.sqlite import SqliteStore
from tests.acceptance.conformance import World, changed, judge, member_at, rows
from tests.made_endpoints import AnythingServed


class Records:
    """The API, the tuner and a clock of their own; training jobs move as a row says."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.store = SqliteStore(None)
        self.api = Api(
            store=self.store,
            settings=Settings(state=Path()),
            now=lambda: self.now,
            token=lambda: secrets.token_hex(16),
            chance=lambda: 1.0,
            notify=lambda: None,
            check=lambda _definition, _region: None,
            serving=AnythingServed(),
            check_processing=lambda _: None,
        )
        token: Callable[[], str] = partial(secrets.token_hex, 16)
        self.tuner = Tuner(store=self.store, now=lambda: self.now, token=token, notify=lambda: None, log=FaultLog())

    def ask(self, operation: str, request: Mapping[str, Any], region: str) -> Any:
        code, _, body = self.api.answer(operation, json.dumps(request).encode(), region)
        assert code == 200, body
        return json.loads(body) if body else {}

    def step(self, step: str, region: str) -> None:
        word, _, number = step.partition(" ")
        if word == "wait":
            self.now += timedelta(seconds=float(number))
        elif word == "tuner":
            self.tuner.step()
        elif word.startswith(("Stop", "Update")):
            self.ask(word, {"TrainingJobName": "job", **json.loads(number or "{}")}, region)
        else:
            job = self.store.trainings.find(Query(statuses=ACTIVE)).items[0]
            self.store.trainings.put(MOVES[word](job, self.now))


def over(job: TrainingJob, now: datetime, status: Status) -> TrainingJob:
    message = transitions.completed(job) if status is Status.COMPLETED else "Training job failed"
    return replace(job.moved(Secondary(status.value), now, message), status=status, ended=now)


MOVES: Mapping[str, Callable[[TrainingJob, datetime], TrainingJob]] = {
    "downloading": lambda job, now: transitions.downloading(replace(job, started=now), now),
    "training": transitions.training,
    "stopping": transitions.stopping,
    "uploading": lambda job, now: job.moved(Secondary.UPLOADING, now, "Uploading generated training model"),
    "completed": partial(over, status=Status.COMPLETED),
    "failed": partial(over, status=Status.FAILED),
    "stopped": partial(over, status=Status.STOPPED),
}


@rows("state")
def test_state(row: dict[str, Any]) -> None:
    records, region = Records(), row.get("region", "us-east-1")
    if row["of"] == "training":
        request = changed(World.training("job", "HyperParameters", "s3://box/code/none.tar.gz"), row)
        operation, described = "CreateTrainingJob", ("DescribeTrainingJob", {"TrainingJobName": "job"})
    else:
        request = changed(World.random("job"), row)
        operation = "CreateHyperParameterTuningJob"
        described = ("DescribeHyperParameterTuningJob", {"HyperParameterTuningJobName": "job"})
    records.ask(operation, request, region)
    for step in row["steps"]:
        records.step(step, region)
    answer = records.ask(*described, region)
    if row.get("event"):
        job = records.store.trainings.get(AwsScope(region=region, account="123456789012").training_arn("job"))
        answer = events.detail(job, records.store, records.now)
    for path, expected in row.get("answer", {}).items():
        assert member_at(answer, path) == expected, (path, answer)
    judge({**row, "answer": {}}, answer, cast("World", Plain()), "job")
    if "keys" in row:
        assert list(member_at(answer, row["keys"]["of"])) == row["keys"]["are"]


class Plain:
    """What `judge` asks of a world."""

    def filled(self, value: Any) -> Any:
        return value
