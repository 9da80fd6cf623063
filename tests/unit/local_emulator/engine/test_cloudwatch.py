"""What CloudWatch is given, and what it is spared."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from local_emulator.documents import parse
from local_emulator.domain.history import Observation
from local_emulator.domain.jobs import Secondary, Status, Transition
from local_emulator.domain.names import Arn, AwsScope
from local_emulator.domain.training import TrainingJob
from local_emulator.engine.cloudwatch import CloudWatchSync
from local_emulator.engine.faults import FaultLog
from local_emulator.store.sqlite import SqliteStore
from tests.made_jobs import NOW, SCOPE


class CloudWatch:
    def __init__(self) -> None:
        self.logs: list[str] = []
        self.metrics: list[str] = []

    def publish_logs(self, scope: AwsScope, stream: str, events: Sequence[tuple[int, str]]) -> None:  # noqa: ARG002 - as CloudWatch is asked
        self.logs.append(stream.partition("/")[0])

    def publish_metrics(self, scope: AwsScope, training_job: str, points: Sequence[tuple[str, float, datetime]]) -> None:  # noqa: ARG002 - as CloudWatch is asked
        self.metrics.append(training_job)


def add(store: SqliteStore, runs: Path, name: str, *, ended: bool = True) -> None:
    job = TrainingJob(
        name=name,
        arn=SCOPE.training_arn(name),
        region="r",
        request={},
        spec=parse.training({}),
        run=name,
        status=Status.IN_PROGRESS,
        secondary=Secondary.TRAINING,
        created=NOW,
        modified=NOW,
        transitions=(Transition(status=Secondary.DOWNLOADING, start=NOW),),
    )
    store.trainings.add(job)
    store.record(job.arn, [Observation(seq=1, metric="m", value=1.0, time=NOW)], 1)
    (runs / name).mkdir(parents=True)
    (runs / name / "log.0").write_bytes(b"1767225600000 line\n")
    if ended:
        store.trainings.put(replace(job, status=Status.COMPLETED, ended=NOW))


def test_only_what_is_asked_for_is_published(tmp_path: Path) -> None:
    store, cloud = SqliteStore(None), CloudWatch()
    cloudwatch = CloudWatchSync(store=store, cloud=cloud, runs=tmp_path, log=FaultLog())
    for name in ("a-1", "a-10", "b-1"):
        add(store, tmp_path, name)
    cloudwatch.touched(SCOPE.training_arn("a-1"))
    cloudwatch.sync("s3")
    assert (cloud.logs, cloud.metrics) == ([], [])
    cloudwatch.sync("logs", json.dumps({"logStreamName": "a-1/algo-1-1767225600"}).encode())
    assert cloud.logs == ["a-1"]
    cloudwatch.sync("logs", json.dumps({"logStreamNamePrefix": "a-1"}).encode())
    assert cloud.logs == ["a-1", "a-10"]
    add(store, tmp_path, "later")
    cloudwatch.touched(SCOPE.training_arn("later"))
    cloudwatch.sync("logs", b"{")
    assert cloud.logs == ["a-1", "a-10", "b-1", "later"]
    cloudwatch.sync("monitoring")
    assert cloud.metrics == ["a-1", "a-10", "b-1", "later"]
    cloudwatch.sync("logs", b"[]")
    cloudwatch.sync("monitoring")
    assert (len(cloud.logs), len(cloud.metrics)) == (4, 4)
    store.close()


def test_what_has_been_published_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, cloud, read = SqliteStore(None), CloudWatch(), list[tuple[str, int]]()
    cloudwatch = CloudWatchSync(store=store, cloud=cloud, runs=tmp_path, log=FaultLog())
    add(store, tmp_path, "ended")
    add(store, tmp_path, "runs", ended=False)
    of_store = store.observations

    def observations(training: Arn, *, after: int = -1) -> Sequence[Observation]:
        read.append((training.rpartition("/")[2], after))
        return of_store(training, after=after)

    monkeypatch.setattr(store, "observations", observations)
    cloudwatch.sync("monitoring")
    assert read == [("ended", 0), ("runs", 0)]
    cloudwatch.sync("monitoring")
    assert read[2:] == [("runs", 1)]
    assert cloud.metrics == ["ended", "runs"]
    store.close()
