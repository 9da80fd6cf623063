"""What UpdateTrainingJob may change of a training job."""

from dataclasses import replace
from datetime import datetime

from local_emulator.documents import changes
from local_emulator.domain.jobs import Document
from local_emulator.domain.training import TrainingJob


def applied(request: Document, job: TrainingJob, now: datetime) -> TrainingJob:
    """The job with what was asked for."""
    return replace(changes.updated(job, request), modified=now, pooled=job.pooled or job.spec.resources.keep_alive_period > 0)
