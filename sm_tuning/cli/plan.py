"""What a tuning job would do and cost, before anything is sent."""

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from sm_tuning.parameters import Auto, Categorical, Continuous, Integer, Range, Scaling
from sm_tuning.rules import Report, size
from sm_tuning.strategies import Grid
from sm_tuning.training import Resources
from sm_tuning.tuning_job import TuningJob

_SAMPLES = 5


def samples(one: Range, count: int = _SAMPLES) -> Sequence[str]:
    """Values spread over a range as its scaling spreads them; all values of a categorical one."""
    if isinstance(one, Categorical):
        return [str(value) for value in one.values]
    if isinstance(one, Auto):
        return [f"chosen by AWS around {one.hint}"]
    low, high = float(one.low), float(one.high)
    logarithmic = one.scaling is Scaling.LOGARITHMIC
    found = []
    for place in range(count):
        share = place / (count - 1)
        if logarithmic:
            value = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
        elif one.scaling is Scaling.REVERSE_LOGARITHMIC:
            value = 1.0 - math.exp((1 - share) * math.log1p(-low) + share * math.log1p(-high))
        else:
            value = low + share * (high - low)
        found.append(str(round(value)) if isinstance(one, Integer) else f"{value:.3g}")
    return list(dict.fromkeys(found))


def points(job: TuningJob, count: int = 3) -> Sequence[Mapping[str, str]]:
    """A few points such as the strategy might try."""
    rng = random.Random(0)  # noqa: S311 - examples, not secrets
    parts = [part for _, part in job.parts()]
    found = []
    for place in range(count):
        part = parts[place % len(parts)]
        point = {"definition": part.name} if job.definitions else {}
        for one in part.ranges:
            choices = samples(one, 101 if isinstance(one, Continuous) else 31)
            point[one.name] = rng.choice(choices)
        found.append(point)
    return found


def jobs(job: TuningJob) -> int | None:
    """Number of training jobs."""
    if job.max_jobs is None and isinstance(job.strategy, Grid):
        return size(job)
    return job.max_jobs


def instance_hours(job: TuningJob) -> float | None:
    """Instance-hours if every training job takes all the time that it may (bounded by the tuning job's own limit)."""
    count = jobs(job)
    if count is None:
        return None

    def worst(resources: Resources) -> float:
        seconds = count * resources.max_runtime
        if job.completion.max_runtime is not None:
            seconds = min(seconds, job.completion.max_runtime * job.max_parallel)
        instances = sum(one.count for one in resources.groups) or resources.instance_count
        return seconds * instances / 3600

    return max(worst(part.resources) for _, part in job.parts())


def document(job: TuningJob, report: Report, price_per_hour: float | None) -> dict[str, Any]:
    """The plan as one JSON document."""
    hours = instance_hours(job)
    return {
        "ok": report.ok,
        "problems": [
            {"rule": one.rule, "field": one.field, "value": repr(one.value), "text": one.text} for one in report.problems
        ],
        "warnings": list(report.warnings),
        "trainingJobs": jobs(job),
        "samples": {
            (f"{part.name}.{one.name}" if job.definitions else one.name): list(samples(one))
            for _, part in job.parts()
            for one in part.ranges
        },
        "points": list(points(job)),
        "worstCaseInstanceHours": hours,
        "worstCaseCost": None if hours is None or price_per_hour is None else hours * price_per_hour,
        "request": report.request,
    }
