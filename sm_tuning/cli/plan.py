"""What a tuning job would do and cost, before anything is sent."""

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from sm_tuning.preflight import cost
from sm_tuning.rules.violation import Violation
from sm_tuning.spec.parameters import Auto, Categorical, Continuous, Integer, Range, Scaling
from sm_tuning.tuning_job import TuningJob
from sm_tuning.validation.report import Report

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
        point = {"definition": str(part.name)} if job.several else {}
        for one in part.ranges:
            choices = samples(one, 101 if isinstance(one, Continuous) else 31)
            point[one.name] = rng.choice(choices)
        found.append(point)
    return found


def problems_document(problems: Sequence[Violation]) -> dict[str, Any]:
    """Whether the job can be launched, and what prevents it."""
    described = [
        {
            "rule": problem.rule,
            "path": problem.path,
            "argument": problem.argument or problem.path,
            "value": repr(problem.value),
            "requirement": problem.requirement,
            "message": str(problem),
        }
        for problem in problems
    ]
    return {"ok": not problems, "problems": described, "warnings": []}


def document(job: TuningJob, report: Report, prices: Mapping[str, float]) -> dict[str, Any]:
    """The plan as one JSON document."""
    return {
        **problems_document(report.problems),
        "warnings": list(report.warnings),
        "trainingJobs": cost.number_of_jobs(job),
        "samples": {
            (f"{part.name}.{one.name}" if job.several else one.name): list(samples(one))
            for _, part in job.parts()
            for one in part.ranges
        },
        "points": list(points(job)),
        **cost_document(job, prices),
        "request": report.request,
    }


def cost_document(job: TuningJob, prices: Mapping[str, float]) -> dict[str, Any]:
    """What it costs at worst, and at which prices of an instance-hour."""
    return {
        "worstCaseInstanceHours": cost.instance_hours(job),
        "worstCaseCost": cost.money(job, prices),
        "pricesPerHour": dict(prices),
    }


def cost_line(job: TuningJob, prices: Mapping[str, float]) -> str:
    """The same as a sentence."""
    hours, money = cost.instance_hours(job), cost.money(job, prices)
    if hours is None:
        return "worst case: unbounded; give max_jobs, or completion.max_runtime"
    line = f"worst case: {hours:,.1f} instance-hours of {' or '.join(cost.instance_types(job))}"
    return line if money is None else f"{line}, ${money:,.2f}"
