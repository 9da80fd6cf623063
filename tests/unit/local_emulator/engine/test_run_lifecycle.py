"""Moves a training job towards the evidence of its run; what goes wrong with one job is its own, and the others go on."""

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from local_emulator.domain.errors import RunError
from local_emulator.domain.jobs import Secondary, Status, Transition
from local_emulator.runs.folder import RunFolder
from tests.unit.local_emulator.engine.lifecycle import Engine

FAULTS = {
    "state": lambda engine: engine.executor.broken.update(bad=ValueError("invalid literal for int() with base 10: 'txt'")),
    "prepare": lambda engine: engine.preparation.broken.update(bad=sqlite3.OperationalError("database or disk is full")),
    "memory": lambda engine: engine.preparation.broken.update(bad=MemoryError()),
    "exit": lambda engine: engine.preparation.broken.update(bad=SystemExit(1)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_one_jobs_fault_ends_it_alone(engine: Engine, fault: str) -> None:
    FAULTS[fault](engine)
    bad, good = engine.add("bad"), engine.add("good")
    assert engine.ended(bad, good) == [Status.FAILED, Status.COMPLETED]
    assert engine.job(bad).failure_reason == "InternalServerError: We encountered an internal error. Please try again."
    assert len(engine.lines) == 1
    assert "bad" in engine.lines[0]
    assert set(engine.executor.killed) == {"bad"}


def test_a_disk_that_is_full_for_a_moment_costs_nothing(engine: Engine) -> None:
    engine.preparation.broken["late"] = OSError(28, "No space left on device")
    arn = engine.add("late")
    engine.until(lambda: engine.preparation.prepared.count("late") == 2)
    engine.preparation.broken.clear()
    assert engine.ended(arn) == [Status.COMPLETED]


def test_a_disk_that_stays_full_is_named(engine: Engine) -> None:
    engine.preparation.broken["full"] = OSError(28, "No space left on device")
    arn = engine.add("full")
    assert engine.ended(arn) == [Status.FAILED]
    assert engine.job(arn).failure_reason == (
        "InternalServerError: We encountered an internal error. Please try again. (No space left on device)"
    )
    assert engine.job(arn).retryable


FULL = sqlite3.OperationalError("database or disk is full")


@pytest.mark.parametrize(("count", "status"), [(2, Status.COMPLETED), (100, Status.FAILED)])
def test_an_upload_that_finds_the_disk_full_is_tried_again(engine: Engine, count: int, status: Status) -> None:
    engine.objects.faults = [FULL, OSError(28, "No space left on device")] * (count // 2)
    arn = engine.add("job")
    assert engine.ended(arn) == [status]
    assert (engine.objects.uploads == ["bucket/out/job/output/model.tar.gz model.tar.gz"]) is (status is Status.COMPLETED)
    assert len(engine.lines) == 2  # one line for each kind


def test_a_refusal_is_no_fault(engine: Engine) -> None:
    engine.preparation.broken["refused"] = RunError("ClientError: no such data")
    arn = engine.add("refused")
    assert engine.ended(arn) == [Status.FAILED]
    assert (engine.job(arn).failure_reason, engine.lines) == ("ClientError: no such data", [])


def test_a_record_that_cannot_be_read_is_ended_alone(engine: Engine) -> None:
    bad, good = engine.add("bad"), engine.add("good")
    engine.store.change("UPDATE trainings SET body = substr(body, 1, 30) WHERE arn = ?", bad)
    engine.store.trainings._kept.clear()  # as after a restart
    assert engine.ended(good) == [Status.COMPLETED]
    engine.until(lambda: engine.store.rows("SELECT status FROM trainings WHERE arn = ?", bad) == [("Failed",)])
    assert "the record of arn:aws:sagemaker:us-east-1:123456789012:training-job/bad cannot be read" in engine.lines[0]


def test_a_claimed_run_without_evidence_is_never_begun_again(engine: Engine) -> None:
    arn = engine.add("gone", secondary=Secondary.TRAINING, claimed=True)
    assert engine.ended(arn) == [Status.FAILED]
    assert engine.executor.killed == ["gone"]
    assert engine.preparation.prepared == []


def test_a_run_that_left_processes_is_never_begun_again(engine: Engine) -> None:
    engine.executor.strays.add("stray")
    arn = engine.add("stray", secondary=Secondary.TRAINING)
    assert engine.ended(arn) == [Status.FAILED]
    assert engine.preparation.prepared == []


def test_a_run_that_was_not_claimed_is_begun_again_with_all_its_time(engine: Engine) -> None:
    began = datetime.now(UTC) - timedelta(hours=1)
    past = (Transition(status=Secondary.DOWNLOADING, start=began),)
    arn = engine.add("again", secondary=Secondary.DOWNLOADING, transitions=past)
    assert engine.ended(arn) == [Status.COMPLETED]
    assert engine.preparation.budgets["again"].runtime == 300.0


def test_a_loop_that_is_never_idle_leaves_few_results_behind(engine: Engine) -> None:
    names = [f"job-{number}" for number in range(50)]
    engine.ended(*(engine.add(name) for name in names))
    engine.until(lambda: sum(RunFolder(engine.path / "runs" / name).has_results() for name in names) <= 16)
