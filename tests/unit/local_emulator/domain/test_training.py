"""A training job's time, statuses and objective."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from local_emulator.domain.jobs import Secondary, Status
from local_emulator.domain.spec import StoppingCondition
from local_emulator.domain.training import FinalMetric, TimeBudget, TrainingJob
from tests.made_jobs import NOW
from tests.unit.local_emulator.documents.conftest import child, tuning_job


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def job() -> TrainingJob:
    return child(tuning_job())


def interrupted(job: TrainingJob) -> TrainingJob:
    """A job whose first run trained for 30 seconds; its second was asked for 10 seconds later."""
    first = job.moved(Secondary.DOWNLOADING, after(10)).moved(Secondary.TRAINING, after(20))
    return first.moved(Secondary.INTERRUPTED, after(40)).moved(Secondary.STARTING, after(50))


def test_each_status_ends_the_one_before(job: TrainingJob) -> None:
    moved = job.moved(Secondary.DOWNLOADING, after(10), "data").moved(Secondary.TRAINING, after(20))
    assert [(entry.status, entry.start, entry.end) for entry in moved.transitions] == [
        (Secondary.STARTING, NOW, after(10)),
        (Secondary.DOWNLOADING, after(10), after(20)),
        (Secondary.TRAINING, after(20), None),
    ]
    assert (moved.secondary, moved.modified, moved.status) == (Secondary.TRAINING, after(20), Status.IN_PROGRESS)


def test_a_repeated_status_changes_its_message_only(job: TrainingJob) -> None:
    moved = job.moved(Secondary.DOWNLOADING, after(10), "data")
    again = moved.moved(Secondary.DOWNLOADING, after(15), "image")
    assert (again.transitions[-1].start, again.transitions[-1].message) == (after(10), "image")
    assert again.moved(Secondary.DOWNLOADING, after(16)).transitions[-1].message == "image"


def test_no_time_is_before_the_last(job: TrainingJob) -> None:
    back = job.moved(Secondary.DOWNLOADING, after(10)).moved(Secondary.TRAINING, after(5))
    assert (back.modified, back.transitions[-1].start) == (after(10), after(10))


def test_time_counts_from_data_to_uploads_of_all_runs(job: TrainingJob) -> None:
    assert job.trained(after(100)) == 0.0
    second = interrupted(job).moved(Secondary.DOWNLOADING, after(60))
    assert second.trained(after(65)) == 35.0
    ended = second.moved(Secondary.UPLOADING, after(70)).moved(Secondary.COMPLETED, after(75))
    assert ended.trained(after(1000)) == 45.0


def test_a_run_may_take_what_earlier_runs_have_left(job: TrainingJob) -> None:
    limited = replace(job, spec=replace(job.spec, stopping=StoppingCondition(max_runtime=100, max_wait_time=200)))
    assert limited.time_budget(after(5)) == TimeBudget(runtime=100.0, wait=195.0)
    assert interrupted(limited).time_budget(after(70)) == TimeBudget(runtime=70.0, wait=130.0), "its own wait is no runtime"
    assert interrupted(limited).time_budget(after(500)) == TimeBudget(runtime=70.0, wait=0.0)
    assert replace(job, spec=replace(job.spec, stopping=StoppingCondition())).time_budget(NOW) == TimeBudget()


@pytest.mark.parametrize(
    ("status", "objective"),
    [
        (Status.IN_PROGRESS, None),
        (Status.STOPPING, None),
        (Status.FAILED, None),
        (Status.STOPPED, 0.5),
        (Status.COMPLETED, 0.5),
    ],
)
def test_the_objective_is_final_unless_the_job_failed(job: TrainingJob, status: Status, objective: float | None) -> None:
    metrics = (FinalMetric(name="loss", value=9.0, time=NOW), FinalMetric(name="score", value=0.5, time=NOW))
    assert replace(job, status=status, final_metrics=metrics).final_objective == objective
    assert replace(job, status=status).final_objective is None
