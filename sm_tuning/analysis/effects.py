"""What each hyperparameter of a tuning job did to its objective."""

import itertools
import math
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sm_tuning.analysis.cliffs import cliff
from sm_tuning.analysis.confidence import Confidence
from sm_tuning.analysis.equal_epochs import Comparison
from sm_tuning.analysis.fit import Fit
from sm_tuning.analysis.importances import MOST_TRIALS, Column, Importance, importances
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.spec.metrics import number
from sm_tuning.spec.parameters import Categorical, Continuous, Integer, Range, Scaling

_EDGE = 0.06  # of a range's width: the best lies at its edge
_DECADES = 2.0
_LOGARITHMIC = 1 / 3  # of the values in a range's lowest tenth, or more: drawn on a logarithmic scale
_LEAST_TRIALS = 3  # fewer may be chance
_LEAST_AT_THE_END = 9  # training jobs that were not stopped, of which the best may show an edge
_FAR = 2.7  # standard errors: more than chance
_NOT_AGAINST = 0.5
_FAR_OFF = 3.0  # times the width of the middle four fifths, from the middle
_DEAD = 0.25  # of the differences between the others: worse than the worst of them
STRONG = 0.3  # of the differences
UNIMPORTANT = 0.05  # of the differences: no more than chance leaves


class Edge(StrEnum):
    """An end of a range."""

    LOW = "low"
    HIGH = "high"


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What one hyperparameter did to the objective.

    Attributes:
        name: The hyperparameter.
        curve: For each of some parts of the range its middle, the mean objective there, the standard error of that mean and the
            number of training jobs, those that diverged left out.
        best_around: The middle of the part with the best mean.
        importance: How much of the objective's differences the hyperparameter decides, 0 to 1; the same number everywhere.
        confidence: How sure it is that the hyperparameter matters at all; LOW: what is seen, `importance` too, may well be chance.
        rivals: Hyperparameters that may matter in its place; which of them it is the training jobs do not tell.
        better: The end of the range towards which the objective gets better over the whole range, as far as that is sure: HIGH for
            "the higher, the better".
        dies_above: The value above which training comes to nothing in most training jobs, and below which in hardly any.
        bad_categories: Categories that are worse than the others for sure.
        edge: The end of the range at which the best training jobs lie.
        wants_logarithmic: Whether a linear range has its best values in its lowest tenth.
        epochs: After how many epochs training jobs are compared, for many were stopped; None where each is at its end. The best of
            `edge` are always those at their end.
        after: The same in words, as the script calls them; empty where each is at its end.
        at_the_end: Whether `better` is so at the end too: always, where each is compared there.
    """

    name: str
    curve: Sequence[tuple[float | str, float, float, int]]
    best_around: float | str
    importance: float
    confidence: Confidence
    better: Edge | None = None
    dies_above: float | None = None
    bad_categories: Sequence[str] = ()
    edge: Edge | None = None
    wants_logarithmic: bool = False
    epochs: int | None = None
    after: str = ""
    at_the_end: bool = True
    rivals: Sequence[str] = ()

    @property
    def decides(self) -> str:
        """The importance in words; a question mark where it may be chance."""
        return "?" if self.confidence is Confidence.LOW else f"{self.importance:.0%}"

    @property
    def _unknown(self) -> str:
        """Why nothing can be said of its importance; empty where something can."""
        if self.confidence is not Confidence.LOW:
            return ""
        if self.importance < UNIMPORTANT and not self.rivals:
            return "nothing shows that it matters"
        return f"too few training jobs to tell it from {' or '.join(self.rivals) or 'chance'}"

    @property
    def _then(self) -> str:
        return f" after {self.after}" if self.after else ""

    @property
    def remarks(self) -> Sequence[str]:
        """What else there is to say of it, in plain words, for terminal and report alike."""
        remarks = [
            self._unknown,
            f"training dies above {self.dies_above:.3g}" if self.dies_above is not None else "",
            f"the best lie at its {self.edge.value} end" if self.edge else "",
            self._direction if self.better and not self.edge else "",
            f"bad{self._then}: {', '.join(self.bad_categories)}" if self.bad_categories else "",
            "a logarithmic scale would suit it" if self.wants_logarithmic else "",
        ]
        return [remark for remark in remarks if remark]

    @property
    def _direction(self) -> str:
        too = ", and at the end" if self.epochs is not None and self.at_the_end else ""
        return f"{'higher' if self.better is Edge.HIGH else 'lower'} is better{self._then}{too}"


def position(parameter: Range | None, value: float | str | None) -> float | None:
    """Where a value lies in its range, from 0 to 1, on the range's scale; of numeric categories their order counts. None for text."""
    if value is None or isinstance(value, str):
        return None
    if isinstance(parameter, Categorical):
        values = sorted(category for text in parameter.values if (category := number(str(text).strip('"'))) is not None)
        many = len(values) == len(parameter.values) > 2  # noqa: PLR2004 - of two, one is always at an end
        return values.index(value) / (len(values) - 1) if many and value in values else None
    if not isinstance(parameter, Continuous | Integer):
        return None
    low, high = float(parameter.low), float(parameter.high)
    if is_logarithmic(parameter):
        low, high, value = math.log(low), math.log(high), math.log(max(value, 1e-300))
    return (value - low) / (high - low)


def is_logarithmic(parameter: Range | None) -> bool:
    """Whether a range is searched by orders of magnitude."""
    return isinstance(parameter, Continuous | Integer) and parameter.scale is Scaling.LOGARITHMIC


def effects_of(results: Results, fits: Mapping[str, Fit], comparison: Comparison) -> list[Effect]:
    """The effects of the hyperparameters, the most important first, then what may be chance.

    Without those that no training job with an objective has.

    Args:
        results: The tuning jobs' results.
        fits: The verdict on each training job, by its name.
        comparison: By which values training jobs are compared.
    """
    decided = _importances(results, fits, comparison)
    effects = [effect for name in decided if (effect := _effect_of(results, fits, comparison, name, decided[name])) is not None]
    dies = cliff(results, fits)
    effects = [_dying(effect, dies[1]) if dies and effect.name == dies[0] else effect for effect in effects]
    return sorted(effects, key=lambda effect: (effect.confidence is not Confidence.LOW, effect.importance), reverse=True)


def _dying(effect: Effect, above: float) -> Effect:
    """An effect with the value above which training dies: higher is not better there."""
    better, edge = (None if end is Edge.HIGH else end for end in (effect.better, effect.edge))
    return replace(effect, dies_above=above, better=better, edge=edge)


def _importances(results: Results, fits: Mapping[str, Fit], comparison: Comparison) -> Mapping[str, Importance]:
    """The importance of each hyperparameter, from training jobs taken evenly where there are many."""
    trials = [trial for trial in results.trials if trial.name in comparison.values or fits[trial.name].verdict.died]
    names = [name for name in results.hyperparameters if name not in comparison.untold]
    losses = _losses(trials, fits, comparison, higher_is_better=results.objective.higher_is_better)
    if not comparison.values and comparison.sentence:
        return {}
    if not trials:
        return {}
    count = min(len(trials), MOST_TRIALS)
    taken = [at * len(trials) // count for at in range(count)]
    settings = {name: [trials[at].settings.get(name) for at in taken] for name in names}
    columns = {name: _column(settings[name], results.ranges.get(name)) for name in settings}
    return importances(columns, [losses[at] for at in taken])


def _losses(
    trials: Sequence[TrialResult], fits: Mapping[str, Fit], comparison: Comparison, *, higher_is_better: bool
) -> list[float]:
    """Objectives, less is better; those far off brought nearer; where training came to nothing, a little worse than all others.

    What came to nothing after the epochs that are compared had a value then, as the others.
    """
    sign, values = -1.0 if higher_is_better else 1.0, comparison.values
    dead = {
        trial.name
        for trial in trials
        if fits[trial.name].verdict.died and (comparison.epochs is None or trial.name not in values)
    }
    losses = [math.inf if trial.name in dead else sign * values[trial.name] for trial in trials]
    living = sorted(loss for loss in losses if loss < math.inf)
    if not living:
        return [0.0] * len(losses)
    middle, last = statistics.median(living), len(living) - 1
    reach = _FAR_OFF * (living[int(0.9 * last)] - living[math.ceil(0.1 * last)]) or math.inf
    least, most = max(middle - reach, living[0]), min(middle + reach, living[-1])
    worst = most + (_DEAD * (most - least) or 1.0)
    return [worst if loss == math.inf else min(max(loss, least), most) for loss in losses]


def _column(settings: Sequence[float | str | None], parameter: Range | None) -> Column:
    """Settings by where they lie in the range, where they have an order."""
    numbers = [setting for setting in settings if isinstance(setting, float)]
    if len(numbers) < len(settings) or (isinstance(parameter, Categorical) and position(parameter, numbers[0]) is None):
        return Column.categories(settings)
    return Column.ordered([setting if (at := position(parameter, setting)) is None else at for setting in numbers])


def _effect_of(
    results: Results, fits: Mapping[str, Fit], comparison: Comparison, name: str, decided: Importance
) -> Effect | None:
    sound = [trial for trial in results.trials if comparison.epochs is not None or not fits[trial.name].verdict.died]
    observed = _observed(sound, name, comparison.values) or _observed(results.trials, name, comparison.values)
    if not observed:
        return None
    at_the_end = _observed([trial for trial in results.trials if not fits[trial.name].verdict.died], name, comparison.ends)
    parameter = results.ranges.get(name)
    groups = _groups(parameter, observed)
    curve = [(middle, statistics.fmean(values), _standard_error(values), len(values)) for middle, values in groups]
    means = [mean for _, mean, _, _ in curve]
    sure, higher_is_better = decided.confidence is not Confidence.LOW, results.objective.higher_is_better
    best = means.index(max(means) if higher_is_better else min(means))
    edge = _edge(results, comparison, name, best, len(means))
    better = _better(observed, _FAR, higher_is_better=higher_is_better) if sure else None
    # Where those that were good early went on, the best lie where these are: that is no edge unless they get better towards it.
    shown = comparison.epochs is None or edge is _better(at_the_end, _FAR, higher_is_better=higher_is_better)
    return Effect(
        name=name,
        curve=curve,
        best_around=curve[best][0],
        importance=decided.share,
        confidence=decided.confidence,
        rivals=decided.rivals,
        better=better,
        # What is best at an end together with another hyperparameter's value need not be best there by itself.
        edge=edge if sure and edge is _better(observed, _NOT_AGAINST, higher_is_better=higher_is_better) and shown else None,
        wants_logarithmic=_wants_logarithmic(parameter, observed, at_the_end, higher_is_better=higher_is_better),
        bad_categories=_bad_categories(groups, higher_is_better=higher_is_better) if sure else (),
        epochs=comparison.epochs,
        after=comparison.after,
        at_the_end=comparison.epochs is None
        or (better is not None and better is _better_at_the_end(parameter, at_the_end, higher_is_better=higher_is_better)),
    )


def _better_at_the_end(
    parameter: Range | None, at_the_end: Sequence[tuple[float | str, float]], *, higher_is_better: bool
) -> Edge | None:
    """The end of the range towards which those that ran to their end get better, if some of them lie at either end.

    Those at the worse end were left for what they had reached, so they are better than most there: a direction all the same is one.
    """
    places = [share for setting, _ in at_the_end if (share := position(parameter, setting)) is not None]
    ends = (sum(share < 1 / 3 for share in places), sum(share > 2 / 3 for share in places))
    return _better(at_the_end, _NOT_AGAINST, higher_is_better=higher_is_better) if min(ends) >= _LEAST_TRIALS else None


def _observed(trials: Sequence[TrialResult], name: str, values: Mapping[str, float]) -> list[tuple[float | str, float]]:
    """Value of the hyperparameter and objective of each training job that has both."""
    pairs = [(trial.settings.get(name), values.get(trial.name)) for trial in trials]
    return [(setting, value) for setting, value in pairs if setting is not None and value is not None]


def _standard_error(values: Sequence[float]) -> float:
    return statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0


def _groups(parameter: Range | None, observed: Sequence[tuple[float | str, float]]) -> list[tuple[float | str, list[float]]]:
    """Objectives by parts of the range: by category, or up to five parts with about as many training jobs in each."""
    numbers = [(setting, value) for setting, value in observed if isinstance(setting, float)]
    if isinstance(parameter, Categorical) or len(numbers) < len(observed):
        settings = sorted((setting for setting, _ in observed), key=lambda setting: (isinstance(setting, str), setting))
        return [(category, [value for setting, value in observed if setting == category]) for category in dict.fromkeys(settings)]
    numbers.sort()
    parts = max(1, min(5, len(numbers) // 3))
    cuts = [round(part * len(numbers) / parts) for part in range(parts + 1)]
    groups: list[tuple[float | str, list[float]]] = []
    for start, end in itertools.pairwise(cuts):
        members = numbers[start:end]
        groups.append((statistics.median(setting for setting, _ in members), [value for _, value in members]))
    return groups


def _better(observed: Sequence[tuple[float | str, float]], far: float, *, higher_is_better: bool) -> Edge | None:
    """The end of the range towards which the objective's rank gets better from third to third, by `far` standard errors."""
    pairs = sorted((setting, -value if higher_is_better else value) for setting, value in observed if isinstance(setting, float))
    if len(pairs) < len(observed) or len(pairs) < 3 * _LEAST_TRIALS:
        return None
    order = sorted(value for _, value in pairs)
    ranks = [bisect_left(order, value) + bisect_right(order, value) for _, value in pairs]
    cuts = [round(part * len(pairs) / 3) for part in range(4)]
    thirds = [ranks[start:end] for start, end in itertools.pairwise(cuts)]
    low, middle, high = map(statistics.fmean, thirds)
    error = math.sqrt(2 * statistics.fmean(map(statistics.variance, thirds)) / len(thirds[0]))
    for end, first, last in ((Edge.HIGH, low, high), (Edge.LOW, high, low)):
        if first - last > far * error and first > middle and middle - last > min(far, 1.0) * error:
            return end
    return None


def _bad_categories(groups: Sequence[tuple[float | str, Sequence[float]]], *, higher_is_better: bool) -> list[str]:
    """Categories that are nearer to the worst than to the best, by more than their scatter."""
    losses = {category: [-value if higher_is_better else value for value in values] for category, values in groups}
    means = {category: statistics.fmean(values) for category, values in losses.items()}
    scatter = [(value - means[category]) ** 2 for category, values in losses.items() for value in values]
    if len(scatter) <= len(means):
        return []
    variance, middle = math.fsum(scatter) / (len(scatter) - len(means)), (min(means.values()) + max(means.values())) / 2
    return [
        category
        for category, values in losses.items()
        if isinstance(category, str) and len(values) > 1 and means[category] - middle > math.sqrt(variance / len(values))
    ]


def _edge(results: Results, comparison: Comparison, name: str, best_part: int, parts: int) -> Edge | None:
    """The edge of its range at which the best training jobs lie, if the objective gets better all the way there."""
    ranking = [trial for trial in results.ranking if trial.name in comparison.ends]
    positions = [
        share
        for trial in ranking[: max(_LEAST_TRIALS, len(ranking) // 10)]
        if (share := position(results.ranges.get(name), trial.settings.get(name))) is not None
    ]
    if len(positions) < _LEAST_TRIALS:
        return None
    if comparison.epochs is not None and len(ranking) < _LEAST_AT_THE_END:
        return None
    near = max(_EDGE, 2 / len(ranking))  # a few random points lie far apart
    if positions[0] <= near and statistics.median(positions) <= 2 * near and best_part == 0:
        return Edge.LOW
    if positions[0] >= 1 - near and statistics.median(positions) >= 1 - 2 * near and best_part == parts - 1:
        return Edge.HIGH
    return None


def _wants_logarithmic(
    parameter: Range | None,
    observed: Sequence[tuple[float | str, float]],
    at_the_end: Sequence[tuple[float | str, float]],
    *,
    higher_is_better: bool,
) -> bool:
    """Whether a range over several powers of ten that was searched linearly has its best, at their end, in the lowest tenth."""
    if not isinstance(parameter, Continuous | Integer) or parameter.low <= 0:
        return False
    low_tenth = parameter.low + (parameter.high - parameter.low) / 10
    settings = [setting for setting, _ in observed if isinstance(setting, float)]
    # What AWS takes for `Auto` only the values tell: on a logarithmic scale most of them lie in the lowest tenth.
    linear = parameter.scaling is Scaling.AUTO and sum(setting < low_tenth for setting in settings) < _LOGARITHMIC * len(settings)
    if math.log10(parameter.high / parameter.low) < _DECADES or (is_logarithmic(parameter) and not linear):
        return False
    best = sorted(at_the_end, key=lambda pair: pair[1], reverse=higher_is_better)[: max(3, len(at_the_end) // 5)]
    settings = [setting for setting, _ in best if isinstance(setting, float)]
    return bool(settings) and statistics.median(settings) < low_tenth
