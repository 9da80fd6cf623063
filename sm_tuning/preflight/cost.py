"""What a tuning job costs at worst, in instance-hours and in money. Pure."""

import math
from collections.abc import Callable, Mapping, Sequence

from sm_tuning.spec.job import TuningJobSpec
from sm_tuning.spec.resources import Resources
from sm_tuning.spec.strategies import Grid
from sm_tuning.validation.dry_run import size

_HOUR = 3600


def number_of_jobs(job: TuningJobSpec) -> int | None:
    """Number of training jobs; None if AWS chooses it."""
    if job.max_jobs is None and isinstance(job.strategy, Grid):
        return size(job)
    return job.max_jobs


def clusters(resources: Resources) -> Sequence[Mapping[str, int]]:
    """Every set of machines that one training job may run on, the first choice first: instance types and how many of each."""
    if resources.groups:
        together: dict[str, int] = {}
        for group in resources.groups:
            together[group.type] = together.get(group.type, 0) + group.count
        return [together]
    if resources.preferences:
        return [{machine.type: machine.count} for machine in resources.preferences]
    return [
        {resources.instance_type: resources.instance_count},
        *({machine.type: machine.count} for machine in resources.alternatives),
    ]


def instance_types(job: TuningJobSpec) -> Sequence[str]:
    """Every instance type that a training job may run on."""
    return sorted({kind for _, part in job.parts() for cluster in clusters(part.resources) for kind in cluster})


def instance_hours(job: TuningJobSpec) -> float | None:
    """Instance-hours that are never exceeded; None if nothing bounds them."""
    return _worst(job, lambda _kind: 1.0)


def money(job: TuningJobSpec, prices: Mapping[str, float]) -> float | None:
    """The same at a price for an hour of each instance type, up to the next cent; None if nothing bounds it, or a price is missing."""
    known = all(kind in prices for kind in instance_types(job))
    worst = _worst(job, prices.__getitem__) if known else None
    return None if worst is None else math.ceil(round(worst * 100, 6)) / 100


def _worst(job: TuningJobSpec, price: Callable[[str], float]) -> float | None:
    """The dearest training job, as often as there are training jobs: or all that fits into the tuning job's own time, if less.

    Retries add nothing: MaxRuntimeInSeconds bounds all attempts of a training job together. A spot training job is stopped after
    its MaxWaitTimeInSeconds, whatever it did until then. A warm pool may stay unused for its whole time after each training job.
    """
    count, limit = number_of_jobs(job), job.completion.max_runtime
    parts = [(part.resources, _dearest(part.resources, price)) for _, part in job.parts()]
    bounds = []
    if count is not None:
        bounds.append(count * max(per_hour * _seconds(resources) for resources, per_hour in parts))
    if limit is not None:
        bounds.append(limit * job.max_parallel * max(per_hour for _, per_hour in parts))
    warm = max(per_hour * (resources.keep_alive or 0) for resources, per_hour in parts)
    if not bounds or (count is None and warm):
        return None
    return (min(bounds) + warm * (count or 0)) / _HOUR


def _dearest(resources: Resources, price: Callable[[str], float]) -> float:
    """What an hour of the dearest set of machines costs."""
    return max(sum(count * price(kind) for kind, count in cluster.items()) for cluster in clusters(resources))


def _seconds(resources: Resources) -> int:
    return max(resources.max_runtime, resources.max_wait or 0) if resources.spot else resources.max_runtime
