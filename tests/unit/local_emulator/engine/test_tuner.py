"""Decisions about tuning jobs become records; what goes wrong with one tuning job is its own."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local_emulator.documents import parse
from local_emulator.domain.jobs import Status
from local_emulator.domain.training import TrainingJob
from local_emulator.domain.tuning import TuningJob
from local_emulator.engine.faults import FaultLog
from local_emulator.engine.tuner import Tuner
from local_emulator.store.base import Query
from local_emulator.store.records import to_json
from tests import made_jobs
from tests.made_jobs import NOW
from tests.unit.local_emulator.engine.lifecycle import Engine


def tuning(name: str, **config: Any) -> TuningJob:
    job = made_jobs.tuning(name, ResourceConfig={})
    request = {**job.request, "HyperParameterTuningJobConfig": job.request["HyperParameterTuningJobConfig"] | config}
    return replace(job, request=request, plan=parse.tuning(request))


@pytest.mark.parametrize("fault", ["plan", "request", "record"])
def test_one_tuning_jobs_fault_ends_it_alone(engine: Engine, fault: str) -> None:
    bad = tuning("bad", **({"Strategy": "Hyperband"} if fault == "plan" else {}))  # of an unknown number of epochs
    good = tuning("good")
    for job in (bad, good):
        engine.store.tunings.add(job)
    child = engine.add("bad-001", tuning="bad", tuning_arn=bad.arn)
    if fault != "plan":
        body = json.dumps({**json.loads(to_json(bad)), "request": {}}) if fault == "request" else "[]"
        engine.store.change("UPDATE tunings SET body = ? WHERE arn = ?", body, bad.arn)
        engine.store.tunings._kept.clear()  # as after a restart
    tokens = iter(range(10**6))
    tuner = Tuner(
        store=engine.store,
        now=lambda: datetime.now(UTC),
        token=lambda: f"{next(tokens):032x}",
        notify=lambda: None,
        log=FaultLog(engine.lines.append),
    )
    for _ in range(6):
        tuner.step()
    assert engine.store.rows("SELECT name, status FROM tunings ORDER BY id") == [("bad", "Failed"), ("good", "InProgress")]
    assert engine.job(child).status is Status.STOPPING
    assert len(engine.store.trainings.arns(Query(tuning=good.arn))) == 1
    assert len(engine.lines) == 1


class Tuning:
    """A tuner, whose time and tokens are a test's."""

    def __init__(self, engine: Engine) -> None:
        self.now = NOW
        self.notified = 0
        self.tokens = [f"{number:08x}" + "0" * 24 for number in range(100)]
        self.store = engine.store
        self.tuner = Tuner(
            store=engine.store,
            now=lambda: self.now,
            token=lambda: self.tokens.pop(0),
            notify=self._notify,
            log=FaultLog(engine.lines.append),
            scale=2.0,
        )

    def _notify(self) -> None:
        self.notified += 1

    def trainings(self, job: TuningJob) -> Sequence[TrainingJob]:
        return self.store.trainings.find(Query(tuning=job.arn)).items


@pytest.fixture
def tunes(engine: Engine) -> Tuning:
    return Tuning(engine)


def test_launches_are_new_training_jobs_and_nothing_is_decided_twice(tunes: Tuning) -> None:
    job = tuning("two", ResourceLimits={"MaxParallelTrainingJobs": 2, "MaxNumberOfTrainingJobs": 9})
    tunes.store.tunings.add(job)
    assert tunes.tuner.step() is None, "no time limit: time alone changes nothing"
    assert [training.index for training in tunes.trainings(job)] == [1, 2]
    assert tunes.notified == 2, "whoever moves training jobs has more to do"
    for _ in range(3):
        tunes.tuner.step()
    assert (len(tunes.trainings(job)), tunes.notified) == (2, 2)


def test_a_name_that_is_taken_is_made_anew(tunes: Tuning) -> None:
    first, second = tuning("same"), tuning("same-too")
    tunes.store.tunings.add(first)
    tunes.tuner.step()
    (made,) = tunes.trainings(first)
    tunes.store.trainings.delete(made.arn)
    tunes.tokens.insert(0, made.run)  # which its name is made of
    tunes.store.trainings.add(replace(made, tuning="same-too", tuning_arn=second.arn))
    tunes.tuner.step()
    (again,) = tunes.trainings(first)
    assert again.name != made.name
    assert again.index == made.index


def test_seconds_until_a_deadline_are_real_ones(tunes: Tuning) -> None:
    limits = {"MaxParallelTrainingJobs": 1, "MaxNumberOfTrainingJobs": 9, "MaxRuntimeInSeconds": 100}
    job = tuning("limited", ResourceLimits=limits)
    tunes.store.tunings.add(job)
    tunes.now = NOW + timedelta(seconds=40)
    assert tunes.tuner.step() == pytest.approx(30.0), "60 seconds of a clock that is twice as fast"
    tunes.now = NOW + timedelta(seconds=101)
    tunes.tuner.step()
    (training,) = tunes.trainings(job)
    assert training.status is Status.STOPPING
    assert "The tuning job is complete" in training.transitions[-1].message


def test_a_tuning_job_ends_after_its_training_jobs(tunes: Tuning) -> None:
    job = tuning("ending")
    tunes.store.tunings.add(job)
    tunes.tuner.step()
    tunes.store.tunings.put(replace(tunes.store.tunings.get(job.arn), status=Status.STOPPING))
    tunes.tuner.step()
    (training,) = tunes.trainings(job)
    assert training.status is Status.STOPPING
    assert tunes.store.tunings.get(job.arn).status is Status.STOPPING
    tunes.store.trainings.put(replace(training, status=Status.STOPPED))
    tunes.now = NOW - timedelta(hours=1)  # somebody has set the clock
    tunes.tuner.step()
    over = tunes.store.tunings.get(job.arn)
    assert (over.status, over.ended, over.modified) == (Status.STOPPED, NOW, NOW)


def test_time_is_counted_in_steps(tunes: Tuning) -> None:
    job = tuning("counted")
    tunes.store.tunings.add(job)
    for seconds, consumed in ((3, None), (4, 4), (7, 4), (9, 9)):
        tunes.now = NOW + timedelta(seconds=seconds)
        tunes.tuner.step()
        assert tunes.store.tunings.get(job.arn).consumed == consumed
