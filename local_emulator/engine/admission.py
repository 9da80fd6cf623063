"""Which waiting training jobs get a free slot, and which GPUs they get."""

from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import replace
from datetime import datetime

from local_emulator.domain.jobs import Secondary, Status
from local_emulator.domain.training import TrainingJob
from local_emulator.settings import Settings


def admitted(
    active: Sequence[TrainingJob], preparing: Container[str], settings: Settings, now: datetime
) -> Sequence[TrainingJob]:
    """The jobs to start now, with their GPUs: of the tuning job with the fewest runs first, then the oldest.

    Args:
        active: All training jobs that are not terminal, the oldest first.
        preparing: Runs in preparation.
        settings: `parallel`, `gpus`, and the delay before a run starts.
        now: The time of day.
    """
    waiting = [job for job in active if job.secondary is Secondary.STARTING and job.status is Status.IN_PROGRESS]
    waiting = [job for job in waiting if job.run not in preparing]
    busy = Counter(job.tuning_arn or job.arn for job in active)
    busy.subtract(job.tuning_arn or job.arn for job in waiting)
    free = settings.parallel - sum(busy.values())
    waiting = [job for job in waiting if (now - job.run_started).total_seconds() >= settings.faults.delay]
    dealt = Counter(dict.fromkeys(settings.gpus, 0))
    dealt.update(gpu for job in active if job.secondary is not Secondary.STARTING for gpu in job.gpus)
    jobs: list[TrainingJob] = []
    while len(jobs) < free and waiting:
        job = min(waiting, key=lambda other: busy[other.tuning_arn or other.arn])
        waiting.remove(job)
        busy[job.tuning_arn or job.arn] += 1
        share = sorted(settings.gpus, key=lambda gpu: dealt[gpu])[: max(1, len(settings.gpus) // settings.parallel)]
        dealt.update(share)
        jobs.append(replace(job, gpus=tuple(share)))
    return jobs
