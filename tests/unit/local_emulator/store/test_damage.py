"""The store notices a damaged file before it opens it to write, and an observation that is not what was written when it reads it."""

import random
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from local_emulator.database import checksum
from local_emulator.domain.errors import Damaged, StoreError
from local_emulator.domain.history import Observation
from local_emulator.domain.jobs import Status
from local_emulator.store.base import Query
from local_emulator.store.sqlite import SqliteStore
from tests.made_jobs import NOW, SCOPE, ended, processing, training, tuning


def fill(path: Path) -> None:
    store = SqliteStore(path)
    store.tunings.add(tuning())
    for number in range(60):
        job = training(f"job-{number}", number)
        store.trainings.add(job)
        seen = [Observation(seq=seq, metric="score", value=seq / 7, time=NOW + timedelta(seconds=seq)) for seq in range(5)]
        store.record(job.arn, seen, 100)
        store.trainings.put(ended(job, 0.5))
        store.processings.add(processing(f"job-{number}", number, status=Status.COMPLETED))
    store.close()


def content(path: Path) -> object:
    store = SqliteStore(path)
    try:
        job = store.tunings.get(SCOPE.tuning_arn("tune"))
        trials = [(trial.name, trial.values, trial.final, trial.status) for trial in store.history(job).trials]
        jobs = store.trainings.find(Query()).items
        logs = [(store.observations(job.arn), store.offset(job.arn)) for job in jobs]
        lists = [store.summaries(Query(tuning=job.arn, descending=True)).items, store.trainings.arns(Query()), store.runs()]
        return job, trials, jobs, logs, lists, store.processings.find(Query()).items
    finally:
        store.close()


def test_no_turned_bit_and_no_cut_changes_anything_unseen(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    fill(path)
    (tmp_path / "runs" / "one").mkdir(parents=True)
    (tmp_path / "runs" / "one" / "log").touch()
    before = content(path)
    whole = path.read_bytes()
    rng = random.Random(14)
    refused = 0
    for number in range(60):
        damaged = bytearray(whole)
        if number % 6 == 0:
            damaged = damaged[: rng.randrange(len(damaged)) if number else 0]
        else:
            position = rng.randrange(len(damaged))
            damaged[position] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        try:
            assert content(path) == before, number
        except StoreError:
            refused += 1
            assert path.read_bytes() == damaged
    assert refused > 12  # the other bits are of empty pages


def test_an_empty_file_beside_runs_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    SqliteStore(path).close()
    path.write_bytes(b"")
    SqliteStore(path).close()
    run = tmp_path / "runs" / "one"
    run.mkdir(parents=True)
    (run / "log").touch()
    SqliteStore(path).close()  # it has its tables
    path.write_bytes(b"")
    with pytest.raises(Damaged, match=r"jobs\.sqlite is empty, though its content is there; it was left as it is\."):
        SqliteStore(path)
    assert path.read_bytes() == b""


def test_an_observation_that_was_changed_is_told_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    fill(path)
    db = sqlite3.connect(path, isolation_level=None)
    db.create_function("checksum", -1, lambda *values: checksum(*values[:3], 3 / 7, *values[4:]), deterministic=True)
    db.execute("UPDATE observations SET value = 9.5 WHERE seq = 3 AND training = 1")
    db.close()
    store = SqliteStore(path)
    with pytest.raises(Damaged, match=r"1 observations in jobs\.sqlite are not what was written"):
        store.observations(SCOPE.training_arn("job-0"))
    with pytest.raises(Damaged, match="1 observations"):
        store.history(store.tunings.get(SCOPE.tuning_arn("tune")))
    assert len(store.observations(SCOPE.training_arn("job-1"))) == 5
    store.close()
