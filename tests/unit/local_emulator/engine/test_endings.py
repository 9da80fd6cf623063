"""How a training job ends, by the evidence of its run."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from local_emulator.domain.history import Observation
from local_emulator.domain.jobs import MetricDefinition, Secondary, Status
from local_emulator.domain.spec import AlgorithmSpec
from local_emulator.engine import endings
from local_emulator.engine.endings import Ending
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.run import Cause, Exit
from tests.made_jobs import NOW, training

LATER = NOW + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("cause", "code", "ending"),
    [
        (Cause.EXIT, 0, endings.COMPLETED),
        (Cause.STOP, 143, endings.STOPPED),
        (Cause.INTERRUPT, 143, endings.INTERRUPTED),
        (Cause.MAX_RUNTIME, 137, endings.MAX_RUNTIME),
        (Cause.MAX_WAIT, 137, endings.MAX_WAIT),
    ],
)
def test_causes_have_endings(cause: Cause, code: int, ending: Ending, tmp_path: Path) -> None:
    assert endings.ending_of(RunFolder(tmp_path), Exit(cause=cause, code=code, time=NOW), {}) == ending


def test_success_with_a_message_is_a_failure(tmp_path: Path) -> None:
    ending = endings.ending_of(RunFolder(tmp_path), Exit(cause=Cause.EXIT, code=0, time=NOW, message="AlgorithmError: no"), {})
    assert (ending.status, ending.reason, ending.retryable) == (Status.FAILED, "AlgorithmError: no", False)


@pytest.mark.parametrize(("cause", "retryable"), [(Cause.ENGINE, True), (Cause.EXIT, False)])
def test_what_the_engine_of_containers_did_may_be_tried_again(cause: Cause, *, retryable: bool, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.make()
    assert endings.ending_of(folder, Exit(cause=cause, code=1, time=NOW, message="gone"), {}).retryable is retryable


def test_a_reason_has_1024_letters() -> None:
    assert endings.failed("x" * 5000).reason == "x" * 1024


def test_the_last_value_of_each_defined_metric_counts() -> None:
    definitions = tuple(MetricDefinition(name=name, regex="(.)") for name in ("b", "a", "never"))
    job = training("j")
    job = replace(job, spec=replace(job.spec, algorithm=AlgorithmSpec(metric_definitions=definitions)))
    observations = [
        Observation(seq=seq, metric=metric, value=value, time=NOW + timedelta(seconds=seq))
        for seq, (metric, value) in enumerate([("a", 1.0), ("b", 2.0), ("a", 3.0), ("other", 9.0)])
    ]
    metrics = endings.final_metrics(observations, job)
    assert [(metric.name, metric.value, (metric.time - NOW).seconds) for metric in metrics] == [("b", 2.0, 1), ("a", 3.0, 2)]


def test_a_completed_job_is_closed() -> None:
    job = endings.ended(training("j"), endings.COMPLETED, [], LATER)
    assert (job.status, job.secondary, job.ended, job.failure_reason) == (Status.COMPLETED, Secondary.COMPLETED, LATER, None)
    assert job.transitions[-1].end == LATER


def test_what_was_asked_to_stop_is_stopped_although_it_ended_by_itself() -> None:
    job = endings.ended(training("j", status=Status.STOPPING), endings.COMPLETED, [], LATER)
    assert job.status is Status.STOPPED


def test_no_job_ends_before_it_was_changed() -> None:
    changed = training("j", modified=LATER)
    assert endings.ended(changed, endings.STOPPED, [], NOW).ended == LATER
