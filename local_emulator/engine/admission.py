"""Which waiting jobs get a free slot, and which GPUs they get."""

from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import replace
from datetime import datetime

from local_emulator.domain.jobs import Job, Phase, Status
from local_emulator.settings import Settings


def admitted(active: Sequence[Job], preparing: Container[str], settings: Settings, now: datetime) -> Sequence[Job]:
    """The jobs to start now, with their GPUs: of the group (a tuning job, say) with the fewest hosts first, then the oldest.

    Each host takes one of `parallel` slots. A job that has more hosts than there are slots starts when all are free, so that it does
    run; no job overtakes one that waits for more slots, so that the wait ends.

    Args:
        active: All jobs that are not terminal, of each kind the oldest first.
        preparing: Runs in preparation.
        settings: `parallel`, `gpus`, and the delay before a run starts.
        now: The time of day.
    """
    waiting = [job for job in active if job.phase is Phase.WAITING and job.status is Status.IN_PROGRESS]
    waiting = [job for job in waiting if job.run not in preparing]
    busy: Counter[str] = Counter()
    for job in active:
        busy[job.group] += 0 if job in waiting else _slots(job, settings)
    free = settings.parallel - busy.total()
    waiting = [job for job in waiting if (now - job.run_started).total_seconds() >= settings.faults.delay]
    dealt = Counter(dict.fromkeys(settings.gpus, 0))
    dealt.update(gpu for job in active if job.phase is not Phase.WAITING for gpu in job.gpus)
    jobs: list[Job] = []
    while free > 0 and waiting:
        job = min(waiting, key=lambda other: busy[other.group])
        slots = _slots(job, settings)
        if slots > free:
            break
        waiting.remove(job)
        busy[job.group] += slots
        free -= slots
        each = max(1, len(settings.gpus) // settings.parallel)
        share = sorted(settings.gpus, key=lambda gpu: dealt[gpu])[: each * job.slots]
        dealt.update(share)
        jobs.append(replace(job, gpus=tuple(share)))
    return jobs


def _slots(job: Job, settings: Settings) -> int:
    return min(job.slots, settings.parallel)
