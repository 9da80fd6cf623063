"""What the operations on records of all kinds have in common."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from local_emulator.api import records
from local_emulator.api.context import Context
from local_emulator.domain.errors import ResourceNotFound
from local_emulator.domain.jobs import Record, Secondary, Status
from local_emulator.domain.processing import ProcessingJob
from local_emulator.settings import Settings
from local_emulator.store.sqlite import SqliteStore
from tests import made_jobs
from tests.made_endpoints import AnythingServed
from tests.made_jobs import NOW
from tests.unit.local_emulator.api.conftest import Ask, Notices

JOBS: dict[str, Record] = {
    "HyperParameterTuningJob": made_jobs.tuning("a"),
    "TrainingJob": made_jobs.training("a"),
    "ProcessingJob": made_jobs.processing("a"),
    "TransformJob": made_jobs.transform("a"),
}
NOUNS = {
    "HyperParameterTuningJob": "hyperparameter tuning job a is already",
    "TrainingJob": "training job is",
    "ProcessingJob": "processing job is",
    "TransformJob": "transform job is",
}


@pytest.fixture
def context(store: SqliteStore, notices: Notices) -> Context:
    def notify() -> None:
        notices.count += 1

    return Context(
        store=store,
        settings=Settings(),
        now=lambda: NOW,
        token=lambda: "0" * 32,
        notify=notify,
        check=lambda _spec, _region: None,
        read=lambda _: b"",
        operations=(),
        serving=AnythingServed(),
        check_processing=lambda _: None,
        function=lambda _: None,
    )


def keep(store: SqliteStore, job: Record) -> None:
    store.table(job.arn).add(job)


def test_a_change_is_made_again_of_what_another_has_changed(context: Context, store: SqliteStore) -> None:
    job = made_jobs.processing("a")
    keep(store, job)
    seen: list[dict[str, str]] = []

    def tagged(record: ProcessingJob) -> ProcessingJob:
        seen.append(dict(record.tags))
        if len(seen) == 1:  # meanwhile
            store.processings.put(replace(record, tags={"other": "1"}))
        return replace(record, tags={**record.tags, "own": "2"})

    record, changed = records.change(context, partial(store.processings.get, job.arn), tagged)
    assert seen == [{}, {"other": "1"}]
    assert changed
    assert record == store.processings.get(job.arn)
    assert record.tags == {"other": "1", "own": "2"}


def test_what_is_as_it_should_be_is_not_written(context: Context, store: SqliteStore) -> None:
    keep(store, made_jobs.processing("a"))
    stored = store.processings.get(made_jobs.processing("a").arn)
    assert records.change(context, lambda: stored, lambda _: None) == (stored, False)
    assert store.processings.get(stored.arn).version == stored.version


def test_a_record_that_another_has_deleted_is_not_there(context: Context, store: SqliteStore) -> None:
    job = made_jobs.processing("a")
    read = partial(records.get, store.processings, job.arn, ResourceNotFound("gone"))
    keep(store, job)
    records.delete(context, job, read)
    with pytest.raises(ResourceNotFound, match="gone"):
        records.delete(context, job, read)


@pytest.mark.parametrize("kind", JOBS)
def test_a_job_of_any_kind_is_stopped_once_and_not_after_its_end(
    kind: str, ask: Ask, store: SqliteStore, notices: Notices
) -> None:
    job = JOBS[kind]
    keep(store, job)
    for _ in range(2):
        assert ask(f"Stop{kind}", {f"{kind}Name": "a"}) == (200, None)
        assert store.table(job.arn).get(job.arn).status is Status.STOPPING
    assert notices.count == 1
    stopped: Any = store.table(job.arn).get(job.arn)
    changes = {"secondary": Secondary.STOPPED} if kind == "TrainingJob" else {}
    store.table(job.arn).put(replace(stopped, status=Status.STOPPED, ended=NOW, **changes))
    code, document = ask(f"Stop{kind}", {f"{kind}Name": "a"})
    message = f"The request was rejected because the {NOUNS[kind]} in status Stopped."
    assert (code, document["message"]) == (400, message)
