"""What each hyperparameter of a tuning job did to its objective."""

import itertools
import math
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sm_tuning.analysis.fit import Fit, Verdict
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.spec.metrics import number as as_number

_EDGE = 0.06  # of a range's width: the best lies at its edge
_DECADES = 2.0
_MOST = 0.75  # of the training jobs that diverge lie above a value, and of those above it diverge
UNIMPORTANT = 0.05  # of the objective's order: no more than chance leaves


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What one hyperparameter did.

    `curve` has for each of some parts of the range its middle, the mean objective there, the standard error of that mean and the
    number of training jobs, those that diverged left out. `strength` is how much of the objective's order those parts explain: 0 to
    1, corrected for chance.
    """

    name: str
    curve: Sequence[tuple[float | str, float, float, int]]
    strength: float
    diverges_above: float | None = None
    edge: str | None = None  # "low" or "high": the best lies there
    wants_logarithmic: bool = False


def position(name: str, value: float, ranges: Mapping[str, Mapping[str, Any]]) -> float | None:
    """Where a value lies in its range, from 0 to 1, on the range's scale; among numeric categories by its place."""
    one = ranges.get(name, {})
    if "MinValue" not in one:
        values = sorted(number for text in one.get("Values", ()) if (number := as_number(text.strip('"'))) is not None)
        many = len(values) == len(one.get("Values", ())) > 2  # noqa: PLR2004 - of two, one is always at an end
        return values.index(value) / (len(values) - 1) if many and value in values else None
    low, high = float(one["MinValue"]), float(one["MaxValue"])
    if is_logarithmic(one):
        low, high, value = math.log(low), math.log(high), math.log(max(value, 1e-300))
    return (value - low) / (high - low)


def is_logarithmic(one: Mapping[str, Any]) -> bool:
    """Whether a range in AWS's form is searched by orders of magnitude."""
    return one.get("ScalingType") == "Logarithmic" and float(one["MinValue"]) > 0


def effect_of(results: Results, fits: Mapping[str, Fit], name: str) -> Effect | None:
    """What a hyperparameter did; None if no training job tells."""
    told = [(row.setting(name), row.value, row) for row in results.rows]
    sound = [one for one in told if fits[one[2].training.name].verdict is not Verdict.DIVERGED]
    valued = [(setting, value) for setting, value, _ in sound if setting is not None and value is not None]
    valued = valued or [(setting, value) for setting, value, _ in told if setting is not None and value is not None]
    if not valued:
        return None
    groups = _groups(name, valued, results.ranges)
    curve = [
        (
            middle,
            statistics.fmean(values),
            statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0,
            len(values),
        )
        for middle, values in groups
    ]
    strength = _strength([values for _, values in groups])
    return Effect(
        name=name,
        curve=curve,
        strength=strength,
        diverges_above=_diverges_above(told, fits),
        edge=_edge(results, name, [mean for _, mean, _, _ in curve]) if strength >= UNIMPORTANT else None,
        wants_logarithmic=_wants_logarithmic(results.ranges.get(name), valued, results),
    )


def _groups(
    name: str, valued: Sequence[tuple[float | str, float]], ranges: Mapping[str, Mapping[str, Any]]
) -> list[tuple[float | str, list[float]]]:
    """Objectives by parts of the range: a category each, or up to five parts with about as many training jobs in each."""
    kind = ranges.get(name, {}).get("Kind")
    numbers = [(setting, value) for setting, value in valued if isinstance(setting, float)]
    if kind == "Categorical" or len(numbers) < len(valued):
        order = list(dict.fromkeys(sorted((setting for setting, _ in valued), key=lambda one: (isinstance(one, str), one))))
        return [(one, [value for setting, value in valued if setting == one]) for one in order]
    numbers.sort()
    parts = max(1, min(5, len(numbers) // 3))
    cuts = [round(place * len(numbers) / parts) for place in range(parts + 1)]
    found: list[tuple[float | str, list[float]]] = []
    for start, end in itertools.pairwise(cuts):
        some = numbers[start:end]
        found.append((statistics.median(setting for setting, _ in some), [value for _, value in some]))
    return found


def _strength(groups: Sequence[Sequence[float]]) -> float:
    """Epsilon squared of Kruskal and Wallis: the share of the ranks' variance between groups, less what chance alone would give.

    Of ranks, so that one training job that is far off does not count for all.
    """
    values = sorted(value for group in groups for value in group)
    count, parts = len(values), len(groups)
    if count <= parts or parts < 2:  # noqa: PLR2004 - nothing to compare
        return 0.0
    ranked = [[(bisect_left(values, value) + bisect_right(values, value)) / 2 for value in group] for group in groups]
    middle = count / 2
    total = sum((rank - middle) ** 2 for group in ranked for rank in group)
    if total <= 0:
        return 0.0
    within = sum((rank - statistics.fmean(group)) ** 2 for group in ranked for rank in group)
    share = (total - within - (parts - 1) * within / (count - parts)) / total
    return min(max(share, 0.0), 1.0)


def _diverges_above(
    told: Sequence[tuple[float | str | None, float | None, TrialResult]], fits: Mapping[str, Fit]
) -> float | None:
    """The value above which most training jobs diverge, and below which hardly any does."""
    seen = sorted(
        (setting, fits[row.training.name].verdict is Verdict.DIVERGED) for setting, _, row in told if isinstance(setting, float)
    )
    total = sum(bad for _, bad in seen)
    if total < 3:  # noqa: PLR2004 - a few may be chance
        return None
    best: tuple[int, int, int] | None = None
    for place in range(1, len(seen)):
        above = sum(bad for _, bad in seen[place:])
        right = above + sum(not bad for _, bad in seen[:place])
        if seen[place][0] > seen[place - 1][0] and (best is None or right > best[0]):
            best = (right, place, above)
    if best is None:
        return None
    _, place, above = best
    # That a few of the diverged ones lie at its top is chance: another hyperparameter's doing.
    return seen[place][0] if above >= _MOST * total and above >= _MOST * (len(seen) - place) else None


def _edge(results: Results, name: str, means: Sequence[float]) -> str | None:
    """The edge of its range at which the best training jobs lie, if the objective gets better all the way there."""
    ranked = results.ranked
    places = [
        place
        for row in ranked[: max(3, len(ranked) // 10)]
        if isinstance(setting := row.setting(name), float) and (place := position(name, setting, results.ranges)) is not None
    ]
    if len(places) < 3:  # noqa: PLR2004 - one may be chance
        return None
    near = max(_EDGE, 2 / len(ranked))  # a few random points lie far apart
    best = means.index(max(means) if results.goal == "Maximize" else min(means))
    if places[0] <= near and statistics.median(places) <= 2 * near and best == 0:
        return "low"
    if places[0] >= 1 - near and statistics.median(places) >= 1 - 2 * near and best == len(means) - 1:
        return "high"
    return None


def _wants_logarithmic(one: Mapping[str, Any] | None, valued: Sequence[tuple[float | str, float]], results: Results) -> bool:
    """Whether a linear range over several powers of ten has its best in the lowest tenth."""
    if one is None or "MinValue" not in one or is_logarithmic(one) or float(one["MinValue"]) <= 0:
        return False
    low, high = float(one["MinValue"]), float(one["MaxValue"])
    if math.log10(high / low) < _DECADES:
        return False
    best = sorted(valued, key=lambda pair: pair[1], reverse=results.goal == "Maximize")[: max(3, len(valued) // 5)]
    settings = [setting for setting, _ in best if isinstance(setting, float)]
    return bool(settings) and statistics.median(settings) < low + (high - low) / 10
