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
    """The jobs to start now, with their GPUs: of the tuning job with the fewest hosts first, then the oldest.

    Each host takes one of `parallel` slots. A job that has more hosts than there are slots starts when all are free, so that it does
    run; no job overtakes one that waits for more slots, so that the wait ends.

    Args:
        active: All training jobs that are not terminal, the oldest first.
        preparing: Runs in preparation.
        settings: `parallel`, `gpus`, and the delay before a run starts.
        now: The time of day.
    """
    waiting = [job for job in active if job.secondary is Secondary.STARTING and job.status is Status.IN_PROGRESS]
    waiting = [job for job in waiting if job.run not in preparing]
    busy: Counter[str] = Counter()
    for job in active:
        busy[job.tuning_arn or job.arn] += 0 if job in waiting else _slots(job, settings)
    free = settings.parallel - busy.total()
    waiting = [job for job in waiting if (now - job.run_started).total_seconds() >= settings.faults.delay]
    dealt = Counter(dict.fromkeys(settings.gpus, 0))
    dealt.update(gpu for job in active if job.secondary is not Secondary.STARTING for gpu in job.gpus)
    jobs: list[TrainingJob] = []
    while free > 0 and waiting:
        job = min(waiting, key=lambda other: busy[other.tuning_arn or other.arn])
        slots = _slots(job, settings)
        if slots > free:
            break
        waiting.remove(job)
        busy[job.tuning_arn or job.arn] += slots
        free -= slots
        each = max(1, len(settings.gpus) // settings.parallel)
        share = sorted(settings.gpus, key=lambda gpu: dealt[gpu])[: each * len(job.spec.resources.hosts)]
        dealt.update(share)
        jobs.append(replace(job, gpus=tuple(share)))
    return jobs


def _slots(job: TrainingJob, settings: Settings) -> int:
    return min(len(job.spec.resources.hosts), settings.parallel)
