"""What AWS says at each step of a training job, and the job one step further."""

from dataclasses import replace
from datetime import datetime

from local_emulator.domain.jobs import Secondary
from local_emulator.domain.training import TrainingJob

STARTING = "Starting the training job"
COMPLETED = "Training job completed"
RETAINED = "Resource retained for reuse"


def downloading(job: TrainingJob, now: datetime) -> TrainingJob:
    """Its instances are there and its data arrive."""
    prepared = job.moved(Secondary.STARTING, now, "Preparing the instances for training")
    return prepared.moved(Secondary.DOWNLOADING, now, "Downloading input data")


def training(job: TrainingJob, now: datetime) -> TrainingJob:
    """Its program begins."""
    fetched = job.moved(Secondary.DOWNLOADING, now, "Downloading the training image")
    return fetched.moved(Secondary.TRAINING, now, "Training image download completed. Training in progress.")


def stopping(job: TrainingJob, now: datetime) -> TrainingJob:
    """Its program is told to end. Right after StopTrainingJob its secondary status is still what it was."""
    return job.moved(Secondary.STOPPING, now, "Stopping the training job")


def completed(job: TrainingJob) -> str:
    """The last message of a job that has completed: instances of tuning jobs and of warm pools are kept for the next."""
    kept = job.tuning is not None or job.spec.resources.keep_alive_period > 0
    return RETAINED if kept else COMPLETED


def reused(job: TrainingJob, by: str) -> TrainingJob:
    """A completed job whose instances the training job `by` has taken over."""
    last = replace(job.transitions[-1], message=f"Resource reused by training job: {by}")
    return replace(job, transitions=(*job.transitions[:-1], last))


def retained(job: TrainingJob) -> bool:
    """Whether its instances wait for another job."""
    return bool(job.transitions) and job.transitions[-1].message == RETAINED
