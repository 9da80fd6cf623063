"""What CloudWatch is given, and what it is spared."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from local_emulator.documents import parse
from local_emulator.domain.history import Observation
from local_emulator.domain.jobs import Secondary, Status, Transition
from local_emulator.domain.names import LOG_GROUP, Arn, AwsScope
from local_emulator.domain.training import TrainingJob
from local_emulator.engine.cloudwatch import CloudWatchSync
from local_emulator.engine.faults import FaultLog
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.run import Cause, Exit
from local_emulator.store.sqlite import SqliteStore
from tests.made_jobs import NOW, SCOPE


class CloudWatch:
    def __init__(self) -> None:
        self.logs: list[str] = []
        self.groups: set[str] = set()
        self.metrics: list[str] = []
        self.shares: list[tuple[str, float]] = []

    def publish_logs(self, scope: AwsScope, stream: str, events: Sequence[tuple[int, str]], *, group: str) -> None:  # noqa: ARG002 - as CloudWatch is asked
        self.groups.add(group)
        self.logs += [stream.partition("/")[0]] if events else []

    def has_log_group(self, scope: AwsScope, group: str) -> bool:  # noqa: ARG002 - as CloudWatch is asked
        return group in self.groups

    def publish_metrics(self, scope: AwsScope, training_job: str, points: Sequence[tuple[str, float, datetime]]) -> None:  # noqa: ARG002 - as CloudWatch is asked
        self.metrics.append(training_job)

    def put_metrics(
        self,
        scope: AwsScope,  # noqa: ARG002 - as CloudWatch is asked
        namespace: str,  # noqa: ARG002 - as CloudWatch is asked
        dimensions: Mapping[str, str],
        points: Sequence[tuple[str, float, str, datetime]],
    ) -> None:
        self.shares += [(dimensions["Host"], points[0][1])]


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


def test_the_group_is_there_whatever_stream_is_asked_for(tmp_path: Path) -> None:
    store, cloud = SqliteStore(None), CloudWatch()
    for name in ("a-1", "b-1"):
        add(store, tmp_path, name)
    cloudwatch = CloudWatchSync(store=store, cloud=cloud, runs=tmp_path, log=FaultLog())
    cloudwatch.sync("logs", json.dumps({"logStreamNamePrefix": "none"}).encode())
    assert (cloud.logs, cloud.groups) == (["a-1"], {LOG_GROUP}), "the first that has logged something makes it"
    store.close()


def test_the_group_is_there_before_a_job_logs_anything(tmp_path: Path) -> None:
    store, cloud = SqliteStore(None), CloudWatch()
    add(store, tmp_path, "a-1", ended=False)
    (tmp_path / "a-1" / "log.0").unlink()
    cloudwatch = CloudWatchSync(store=store, cloud=cloud, runs=tmp_path, log=FaultLog())
    cloudwatch.sync("logs", json.dumps({"logStreamNamePrefix": "a-1/"}).encode())
    assert (cloud.logs, cloud.groups) == ([], {LOG_GROUP})
    (tmp_path / "a-1" / "log.0").write_bytes(b"1767225600000 line\n")
    cloudwatch.sync("logs")
    cloud.groups.clear()
    cloudwatch.sync("logs")
    assert (cloud.logs, cloud.groups) == (["a-1"], set()), "nothing was logged since somebody deleted it"
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


def test_memory_is_published_when_a_training_job_has_ended(tmp_path: Path) -> None:
    store, cloud = SqliteStore(None), CloudWatch()
    cloudwatch = CloudWatchSync(store=store, cloud=cloud, runs=tmp_path, log=FaultLog())
    for name, peak in (("a-1", 1 << 30), ("a-2", None)):
        add(store, tmp_path, name)
        RunFolder(tmp_path / name).write_exit(Exit(cause=Cause.EXIT, code=0, time=NOW, memory=(peak,)))
    add(store, tmp_path, "a-3", ended=False)
    cloudwatch.sync("monitoring")
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    (host, share), *others = cloud.shares
    assert not others
    assert host == "a-1/algo-1"
    assert share == pytest.approx(100.0 * (1 << 30) / machine)
