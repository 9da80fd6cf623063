"""Whether training jobs failed for the value of a hyperparameter: one that they have in common, and that hardly any other has.

If they failed for nothing of the kind, all of them lie in some region of values by chance alone, which is counted exactly: of all
ways to choose as many of the training jobs, those that lie in one of the regions that are no larger than the one that was seen.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sm_tuning.analysis import failures
from sm_tuning.analysis.confidence import Confidence
from sm_tuning.analysis.fit import Fit
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.client.status import ENDED
from sm_tuning.spec.metrics import number
from sm_tuning.spec.parameters import Categorical, Continuous, Integer

_CHANCE = 0.05  # that a tuning job whose failures are chance is told of any
_SURE = 0.01
_LEAST = 2  # training jobs that failed


@dataclass(frozen=True, kw_only=True)
class SharedSetting:
    """A value, or an end of a range, that training jobs which failed have in common.

    Attributes:
        hyperparameters: The hyperparameters that it may be; several where the training jobs do not tell them apart.
        sentence: What they have in common, with counts, without a full stop.
        otherwise: What avoids it, beside mending the script.
        confidence: How sure it is that it is no chance.
        ranges: The range that avoids it; empty where it is not known which hyperparameter it is, or the best training job has it.
        values: The categories that avoid it, likewise.
    """

    hyperparameters: Sequence[str]
    sentence: str
    otherwise: str
    confidence: Confidence
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Region:
    """Training jobs (by their index) with some values of a hyperparameter, the values in words, and what a search without them has."""

    name: str
    trials: frozenset[int]
    words: str
    without: str


def shared_settings(results: Results, fits: Mapping[str, Fit]) -> list[SharedSetting]:
    """What training jobs that failed have in common, all or those with the same reason; empty where it may be chance.

    Those whose training came to nothing are not meant: their values have a cliff.

    Args:
        results: The tuning jobs' results.
        fits: The verdict on each training job, by its name.
    """
    ended = [trial for trial in results.trials if trial.status in ENDED]
    failed = [trial for trial in ended if trial.status == "Failed" and not fits[trial.name].verdict.died]
    others = [trial for trial in ended if trial.status != "Failed"]
    groups: dict[str, list[TrialResult]] = {}
    for trial in failed:
        groups.setdefault(re.sub(r"\d+", "#", failures.telling_line(trial.failure_reason or "")), []).append(trial)
    alike = [group for group in groups.values() if len(groups) > 1]
    sets = [group for group in (failed, *alike) if len(group) >= _LEAST]
    shared: list[SharedSetting] = []
    for group in sets:
        known = _shared(results, group, others, _CHANCE / len(sets), every=group is failed)
        if known is not None and not any(set(known.hyperparameters) <= set(other.hyperparameters) for other in shared):
            shared.append(known)
    return shared


def _shared(
    results: Results, failed: Sequence[TrialResult], others: Sequence[TrialResult], most: float, *, every: bool
) -> SharedSetting | None:
    trials, count = [*failed, *others], len(failed)
    everyone = frozenset(range(count))
    regions = [
        region for name in results.hyperparameters for region in _regions(name, trials) if len(region.trials) < len(trials)
    ]
    around = [region for region in regions if everyone <= region.trials]
    if not around or not others:
        return None
    size = min(len(region.trials) for region in around)
    chance = _by_chance(regions, size, count, len(trials))
    if size - count >= count or chance > most:
        return None
    seen: dict[str, _Region] = {}
    for region in around:
        if len(region.trials) == size:
            seen.setdefault(region.name, region)  # a single value comes before the end of a range that is that value alone
    also = size - count
    which = (
        "training jobs that failed" if every else f"that failed with {failures.telling_line(failed[0].failure_reason or '')!r}"
    )
    other = f"of the {len(others)} others {also or 'none'} {'have' if also > 1 else 'has'} it"
    words = " and ".join(region.words for region in seen.values())
    apart = "; which of them it is does not show" if len(seen) > 1 else ""
    (region, *rest) = seen.values()
    inside = [trials[index].settings.get(region.name) for index in region.trials]
    outside = [trial.settings.get(region.name) for index, trial in enumerate(trials) if index not in region.trials]
    ranges, values = ({}, {}) if rest else _without(results, region.name, inside, outside)
    return SharedSetting(
        hyperparameters=list(seen),
        sentence=f"all {count} {which} have {words}, and {other}{apart}",
        otherwise=" or ".join(region.without for region in seen.values()),
        confidence=Confidence.HIGH if chance <= _SURE * most / _CHANCE else Confidence.MEDIUM,
        ranges=ranges,
        values=values,
    )


_Settings = Sequence[float | str | None]


def _without(
    results: Results, name: str, inside: _Settings, outside: _Settings
) -> tuple[Mapping[str, tuple[float, float]], Mapping[str, Sequence[str]]]:
    """The range, or the categories, of a hyperparameter without some settings: it ends where training jobs were seen not to fail."""
    parameter, best = results.ranges.get(name), results.best
    if best is not None and best.settings.get(name) in inside:
        return {}, {}
    bad, good = ([setting for setting in settings if isinstance(setting, float)] for settings in (inside, outside))
    numeric = len(bad) + len(good) == len(inside) + len(outside)
    above, below = numeric and min(bad) > max(good), numeric and max(bad) < min(good)
    if isinstance(parameter, Continuous | Integer) and (above or below):
        low, high = (float(parameter.low), max(good)) if above else (min(good), float(parameter.high))
        return ({name: (low, high)} if low < high else {}), {}
    if isinstance(parameter, Categorical):
        kept = []
        for value in map(str, parameter.values):
            text = value.strip('"')
            setting = number(text)
            fails = text in inside or setting in inside
            if setting is not None and (above or below):
                fails = setting >= min(bad) if above else setting <= max(bad)
            kept += [] if fails else [value]
        return {}, ({name: kept} if kept else {})
    return {}, {}


def _regions(name: str, trials: Sequence[TrialResult]) -> Iterator[_Region]:
    """The training jobs with each value of a hyperparameter, and of numbers those up to each value, and from each on."""
    settings = [trial.settings.get(name) for trial in trials]
    values = list(dict.fromkeys(setting for setting in settings if setting is not None))
    numbers = sorted(value for value in values if isinstance(value, float))
    for value in values:
        text = f"{value:.4g}" if isinstance(value, float) else value
        members = frozenset(index for index, setting in enumerate(settings) if setting == value)
        yield _Region(name, members, f"{name} {text}", f"leave {text} of {name} out")
    if len(numbers) < len(values) or None in settings:
        return
    for value in numbers:
        below = frozenset(index for index, setting in enumerate(settings) if isinstance(setting, float) and setting <= value)
        above = frozenset(index for index, setting in enumerate(settings) if isinstance(setting, float) and setting >= value)
        yield _Region(name, below, f"{name} of {value:.4g} or less", f"begin the range of {name} above {value:.4g}")
        yield _Region(name, above, f"{name} of {value:.4g} or more", f"end the range of {name} below {value:.4g}")


def _by_chance(regions: Sequence[_Region], size: int, count: int, total: int) -> float:
    """A bound of the probability that `count` of `total` training jobs, chosen at random, all lie in a region of at most that size."""
    small = {region.trials for region in regions if len(region.trials) <= size}
    largest = [region for region in small if not any(region < other for other in small)]
    return min(sum(math.comb(len(region), count) for region in largest) / math.comb(total, count), 1.0)
