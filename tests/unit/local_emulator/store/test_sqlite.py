"""Databases of earlier versions are brought up to the schema of this one."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local_emulator.database import connect
from local_emulator.domain.errors import StoreError
from local_emulator.domain.history import History
from local_emulator.domain.names import Arn, AwsScope
from local_emulator.domain.training import PreviousRun, TrainingJob
from local_emulator.domain.tuning import TuningJob
from local_emulator.store import queries
from local_emulator.store.base import Query
from local_emulator.store.records import to_json
from local_emulator.store.sqlite import SqliteStore
from local_emulator.store.times import microseconds
from tests.made_jobs import NOW, SCOPE, ended, processing, training, tuning


def plan(store: SqliteStore, statement: queries.Statement) -> str:
    return "; ".join(row[3] for row in store.rows(f"EXPLAIN QUERY PLAN {statement.sql}", *statement.values))


def facts_of(history: History) -> tuple[Any, ...]:
    running = [trial.name for trial in history.running]
    return list(history.trials), running, history.counters(), history.objective_counters(), history.summary()


def old_json(job: TrainingJob | TuningJob) -> str:
    """A record with the names that its members had then."""
    return to_json(job).replace('"previous_runs":', '"earlier":').replace('"observation_offset":', '"told":')


def old_database(path: Path, jobs: Sequence[TrainingJob], version: int = 1, job: TuningJob | None = None) -> None:
    """As an earlier version wrote it."""
    job = job or tuning()
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript((Path(__file__).parent / f"schema_{version}.sql").read_text() + f"PRAGMA user_version = {version};")
    times = (microseconds(job.created), microseconds(job.modified))
    db.execute("INSERT INTO tunings VALUES (1, 'tune', 'tune', ?, ?, ?, 3, ?)", (job.status.value, *times, to_json(job)))
    for number, child in enumerate(jobs, 5):
        row: tuple[object, ...] = (
            number,
            child.name.casefold(),
            child.name,
            child.status.value,
            *map(microseconds, (child.created, child.modified)),
        )
        if version == 1:
            row = (*row, 2, old_json(child), "tune", child.final_objective)
        else:
            times_of_run = (None if time is None else microseconds(time) for time in (child.started, child.ended))
            brief = (
                child.secondary.value,
                *times_of_run,
                child.failure_reason,
                child.retryable,
                "tune",
                child.definition,
                child.run,
                child.index,
            )
            row = (*row, 2, child.arn, *brief, "{}", child.objective, child.final_objective, old_json(child))
        db.execute(f"INSERT INTO trainings VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608 - the test's own
    db.execute("INSERT INTO observations VALUES ('done', 1, 'score', 0.25, 1767225600000)")
    db.execute("INSERT INTO offsets VALUES ('done', 70)")
    db.close()


def test_schema_3_gets_the_tables_of_other_kinds(tmp_path: Path) -> None:
    """`schema_3.sql` is what it made; its rows stay where they are."""
    db = connect(tmp_path / "old")
    db.executescript((Path(__file__).parent / "schema_3.sql").read_text() + "PRAGMA user_version = 3;")
    row = ("us-east-1/123456789012", "tune", "tune", "InProgress", microseconds(NOW), microseconds(NOW), 3, to_json(tuning()))
    arn = SCOPE.tuning_arn("tune")
    db.execute("INSERT INTO tunings VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (arn, *row))
    db.close()
    store, fresh = SqliteStore(tmp_path / "old"), SqliteStore(tmp_path / "new")
    assert store.tunings.get(arn) == replace(tuning(), version=3)
    store.processings.add(processing("job"))
    assert store.runs(active=True) == {"run-job"}
    names = "SELECT name, sql FROM sqlite_master ORDER BY name"
    assert store.rows(names) == fresh.rows(names)
    store.close()
    fresh.close()


@pytest.mark.parametrize("version", [1, 2])
def test_a_database_of_an_earlier_version_is_brought_up(tmp_path: Path, version: int) -> None:
    jobs = [
        ended(training("Done", 1, started=NOW, previous_runs=(PreviousRun(run="run-0", started=NOW),)), 0.25),
        ended(training("bad", 2, retryable=True, definition="one"), None),
        training("runs", 3),
    ]
    old_database(tmp_path / "old", jobs, version)
    store, fresh = SqliteStore(tmp_path / "old"), SqliteStore(tmp_path / "new")
    job = store.tunings.get(SCOPE.tuning_arn("tune"))
    assert job == replace(tuning(), version=3)
    assert [replace(job, version=0) for job in store.trainings.find(Query(scope=SCOPE)).items] == jobs
    assert store.runs() == {"run-Done", "run-bad", "run-runs", "run-0"}
    for child, brief in zip(jobs, store.summaries(Query(scope=SCOPE)).items, strict=True):
        assert {name: getattr(child, name) for name in vars(brief)} == vars(brief)
        fresh.trainings.add(child)
    done = SCOPE.training_arn("Done")
    assert [seen.value for seen in store.observations(done)] == [0.25]
    fresh.record(done, store.observations(done), store.offset(done))
    assert facts_of(store.history(job)) == facts_of(fresh.history(job))
    names = "SELECT name, sql FROM sqlite_master ORDER BY name"
    assert store.rows(names) == fresh.rows(names)
    store.close()
    fresh.close()
    SqliteStore(tmp_path / "old").close()


def test_jobs_of_an_earlier_version_get_the_partition_of_their_region(tmp_path: Path) -> None:
    china = AwsScope(region="cn-north-1", account="123456789012")
    before = "arn:aws:sagemaker:cn-north-1:123456789012:"
    old = replace(tuning(), arn=Arn(f"{before}hyper-parameter-tuning-job/tune"), region="cn-north-1")
    job = training("a", arn=Arn(f"{before}training-job/a"), tuning_arn=old.arn, region="cn-north-1")
    old_database(tmp_path / "old", [job], 2, old)
    store = SqliteStore(tmp_path / "old")
    assert (
        store.tunings.get(china.tuning_arn("tune")).arn
        == "arn:aws-cn:sagemaker:cn-north-1:123456789012:hyper-parameter-tuning-job/tune"
    )
    (child,) = store.trainings.find(Query(scope=china)).items
    assert (child.arn, child.tuning_arn) == (china.training_arn("a"), china.tuning_arn("tune"))
    assert [trial.name for trial in store.history(store.tunings.get(china.tuning_arn("tune"))).trials] == ["a"]
    assert store.trainings.find(Query(scope=SCOPE)).items == ()
    store.close()


def test_a_change_of_schema_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "old"
    old_database(path, [training("a")])
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("UPDATE trainings SET body = 'no JSON'")
    before = list(db.iterdump())
    with pytest.raises(StoreError, match="left as it is"):
        SqliteStore(path)
    assert list(db.iterdump()) == before
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    db.close()
