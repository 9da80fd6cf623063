"""The steps of a training job: each begins where the last ends, with AWS's messages."""

from dataclasses import replace
from datetime import timedelta

from local_emulator.domain import transitions
from local_emulator.domain.jobs import Secondary
from local_emulator.domain.training import PreviousRun
from tests.made_jobs import NOW, training


def test_a_job_goes_through_its_steps_without_a_gap() -> None:
    later = [NOW + timedelta(seconds=count) for count in range(1, 4)]
    job = transitions.stopping(transitions.training(transitions.downloading(training("a"), later[0]), later[1]), later[2])
    steps = job.transitions
    assert [step.status for step in steps] == [
        *(Secondary.STARTING, Secondary.DOWNLOADING, Secondary.TRAINING, Secondary.STOPPING),
    ]
    assert [step.end for step in steps[:-1]] == [step.start for step in steps[1:]]
    assert steps[-1].end is None
    assert steps[-1].message == "Stopping the training job"
    assert job.secondary is Secondary.STOPPING


def test_an_interrupted_job_starts_again_and_keeps_what_it_was() -> None:
    job = replace(training("a"), run="1" * 32, claimed=True, interrupt=True)
    again = transitions.another_run(job, "2" * 32, 7, NOW + timedelta(minutes=1), interrupted=True)
    assert (again.run, again.observation_offset, again.retries, again.claimed, again.interrupt) == ("2" * 32, 7, 0, False, False)
    assert again.previous_runs == (PreviousRun(run="1" * 32, started=job.run_started),)
    assert [step.status for step in again.transitions[-2:]] == [Secondary.INTERRUPTED, Secondary.STARTING]


def test_a_lost_run_counts_as_a_retry() -> None:
    again = transitions.another_run(training("a"), "2" * 32, 0, NOW, interrupted=False)
    assert again.retries == 1
    assert Secondary.INTERRUPTED not in [step.status for step in again.transitions]


def test_instances_of_tuning_jobs_are_retained_until_another_job_takes_them() -> None:
    job = training("a")
    assert transitions.completed(job) == transitions.RETAINED
    assert transitions.completed(replace(job, tuning=None)) == transitions.COMPLETED
    done = job.moved(Secondary.COMPLETED, NOW, transitions.completed(job))
    assert transitions.retained(done)
    taken = transitions.reused(done, "b")
    assert not transitions.retained(taken)
    assert taken.transitions[-1].message == "Resource reused by training job: b"
