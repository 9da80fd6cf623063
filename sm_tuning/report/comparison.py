"""Several tuning jobs side by side: strategies, seeds, warm starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sm_tuning.analysis import Diagnosis
from sm_tuning.analysis.results import Results
from sm_tuning.report.charts import unit_of
from sm_tuning.report.svg import Chart, spread, text

_LINES = 12  # kinds of line that can be told apart, also without colour


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One of several tuning jobs, in a line of a table."""

    name: str
    strategy: str
    seed: str
    warm_start: str
    jobs: int
    best: float | None
    seconds: float
    instance_hours: float
    verdict: str


def contenders(results: Results, found: Diagnosis) -> list[Contender]:
    """What is to be compared; empty for a single tuning job."""
    return [_contender(part, found) for part in results.parts] if len(results.tunings) > 1 else []


def _contender(part: Results, found: Diagnosis) -> Contender:
    request: Mapping[str, Any] = part.requests[0] if part.requests else {}
    config, warm = request.get("HyperParameterTuningJobConfig", {}), request.get("WarmStartConfig", {})
    parents = ", ".join(one["HyperParameterTuningJobName"] for one in warm.get("ParentHyperParameterTuningJobs", ()))
    best = part.best
    return Contender(
        name=part.tunings[0],
        strategy=config.get("Strategy", ""),
        seed=str(config.get("RandomSeed", "")),
        warm_start=f"{warm.get('WarmStartType', '')}: {parents}" if parents else "",
        jobs=len(part.rows),
        best=best.value if best is not None else None,
        seconds=part.wall_seconds,
        instance_hours=part.instance_hours,
        verdict=found.fits[best.training.name].verdict.value if best is not None else "",
    )


def figures(results: Results) -> dict[str, str]:
    """The best so far of each tuning job over time and over training jobs, by the chart's name; empty for a single one."""
    parts = results.parts
    if len(parts) < 2 or results.best is None:  # noqa: PLR2004 - nothing to compare
        return {}
    longest = max((time - _begun(part)).total_seconds() for part in parts for time, _ in part.best_so_far())
    unit, divisor = unit_of(longest)
    by_time = [[((time - _begun(part)).total_seconds() / divisor, value) for time, value in part.best_so_far()] for part in parts]
    by_jobs = [[(float(place), value) for place, (_, value) in enumerate(part.best_so_far(), start=1)] for part in parts]
    return {
        "compared-over-time": _lines("best so far over time", f"{unit} since it began", parts, by_time),
        "compared-over-jobs": _lines("best so far over training jobs", "training jobs that have ended", parts, by_jobs),
    }


def _begun(part: Results) -> Any:  # noqa: ANN401 - a datetime; there is one where something has ended
    return min(row.training.created for row in part.rows if row.training.created)


def _lines(title: str, label: str, parts: Sequence[Results], lines: Sequence[Sequence[tuple[float, float]]]) -> str:
    end = max((x for line in lines for x, _ in line), default=1.0)
    chart = Chart.made(title, (0.0, end * 1.02), spread(y for line in lines for _, y in line), (label, parts[0].objective))
    for place, (part, line) in enumerate(zip(parts, lines, strict=True)):
        kind = f"k{place % _LINES}"
        chart.legend.append((kind, part.tunings[0]))
        if line:
            chart.line([*line, (end, line[-1][1])], kind, f"{part.tunings[0]}: {text(line[-1][1])}", step=True)
            chart.dot(*line[-1], "end", f"{part.tunings[0]}: {text(line[-1][1])}", 3)
    return chart.svg()
