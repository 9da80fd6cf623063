"""The steps of a training job, with AWS's messages."""

from dataclasses import replace
from datetime import datetime

from local_emulator.domain.jobs import Secondary
from local_emulator.domain.training import PreviousRun, TrainingJob

STARTING = "Starting the training job"
COMPLETED = "Training job completed"
INTERRUPTED = "Spot instance interrupted"
RETAINED = "Resource retained for reuse"


def downloading(job: TrainingJob, now: datetime) -> TrainingJob:
    """The instances are ready; the download of data begins."""
    prepared = job.moved(Secondary.STARTING, now, "Preparing the instances for training")
    return prepared.moved(Secondary.DOWNLOADING, now, "Downloading input data")


def training(job: TrainingJob, now: datetime) -> TrainingJob:
    """The program begins."""
    fetched = job.moved(Secondary.DOWNLOADING, now, "Downloading the training image")
    return fetched.moved(Secondary.TRAINING, now, "Training image download completed. Training in progress.")


def stopping(job: TrainingJob, now: datetime) -> TrainingJob:
    """The program is asked to end. Right after StopTrainingJob the secondary status is still the previous one."""
    return job.moved(Secondary.STOPPING, now, "Stopping the training job")


def completed(job: TrainingJob) -> str:
    """Last message of a completed job: instances of tuning jobs and of warm pools are retained."""
    kept = job.tuning is not None or job.spec.resources.keep_alive_period > 0
    return RETAINED if kept else COMPLETED


def another_run(job: TrainingJob, run: str, observation_offset: int, now: datetime, *, interrupted: bool) -> TrainingJob:
    """A job that waits for an instance again, for its next run, after one that was lost or interrupted."""
    now = max(now, job.modified)
    moved = job.moved(Secondary.INTERRUPTED, now, INTERRUPTED) if interrupted else job
    return replace(
        moved.moved(Secondary.STARTING, now, STARTING),
        run=run,
        previous_runs=(*job.previous_runs, PreviousRun(run=job.run, started=job.run_started)),
        observation_offset=observation_offset,
        retries=job.retries + (not interrupted),
        interrupt=False,
        claimed=False,
    )


def reused(job: TrainingJob, by: str) -> TrainingJob:
    """A completed job whose instances are reused by the training job `by`."""
    last = replace(job.transitions[-1], message=f"Resource reused by training job: {by}")
    return replace(job, transitions=(*job.transitions[:-1], last))


def retained(job: TrainingJob) -> bool:
    """Whether the instances are retained for another job."""
    return bool(job.transitions) and job.transitions[-1].message == RETAINED
