"""Is a model underfitting or overfitting, what did each hyperparameter do, and what is worth doing next.

Pure functions of learning curves and results. The remedies come in the order of their worth: more data, stopping earlier, data
augmentation, and only then the hyperparameters; for a model that underfits, more training, then less regularization.
"""

import itertools
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sm_tuning.parameters import Continuous, Integer, Range
from sm_tuning.results import Curves, Results, Row
from sm_tuning.training import WarmStart

if TYPE_CHECKING:
    from sm_tuning.tuning_job import TuningJob

_TRAIN = ("train", "training")
_HELD = ("validation", "valid", "val", "test", "eval")
_UP = ("acc", "auc", "f1", "f_beta", "precision", "recall", "score", "r2", "map", "ndcg", "bleu")

# What counts as much, as shares of what training has gained in all: chosen on the planted cases of the tests.
_WORSE = 0.12  # validation is worse at the end than at its best: overfit
_WORSE_LOSS = 0.15  # or a loss is so much higher than its best
_GAP = 0.35  # validation has kept back so much of what training gained: overfit
_LATE_GAIN = 0.04  # the last quarter has gained so much: still improving
_NOISE = 0.25  # jitter beside a smooth curve: noisy
_RISE = 0.25  # training is worse at the end than at its best: diverged
_NEAR_THE_END = 0.8  # of the epochs: the best one comes after it where training still improves
_LEAST_EPOCHS = 3
_BEHIND = 0.3  # a training job that fits its own training data so much worse than the best of the tuning job: underfit
_EDGE = 0.06  # of a range's width: the best lies at its edge
_DECADES = 2.0
_ACCURACIES = {"acc", "accuracy"}
_HALF = 0.5
_FEW_EPOCHS = 5


class Verdict(StrEnum):
    """What a learning curve shows."""

    UNDERFIT = "underfit"
    GOOD = "good fit"
    OVERFIT = "overfit"
    DIVERGED = "diverged"
    IMPROVING = "still improving"
    NOISY = "noisy"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The verdict on one training job, and the evidence.

    `gap` is how much worse the validation metric is than the training metric at the end, in the metric's own unit. Epochs count from
    1; `best_epoch` is the validation metric's.
    """

    verdict: Verdict
    reason: str
    train: str | None = None
    validation: str | None = None
    epochs: int = 0
    best_epoch: int | None = None
    gap: float | None = None


@dataclass(frozen=True, kw_only=True)
class Advice:
    """One thing to do, why, and what it would change: hyperparameters' new ranges by name."""

    remedy: str
    reason: str
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What one hyperparameter did.

    `curve` has for each of some parts of the range its middle, the mean objective there, the standard error of that mean and the
    number of training jobs. `strength` is the share of the objective's variance that those means explain: 0 to 1, corrected for
    chance.
    """

    name: str
    curve: Sequence[tuple[float | str, float, float, int]]
    strength: float
    diverges_above: float | None = None
    edge: str | None = None  # "low" or "high": the best lies there
    wants_logarithmic: bool = False


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What is to be said of a tuning job."""

    best: str | None
    higher_is_better: bool
    fit: Fit
    fits: Mapping[str, Fit]
    effects: Sequence[Effect]
    advice: Sequence[Advice]

    def next_round(self, job: "TuningJob", name: str) -> "TuningJob":
        """The same tuning job with the advised ranges, warm-started from this one."""
        changed: dict[str, tuple[float, float]] = {}
        for one in self.advice:
            changed.update(one.ranges)
        ranges = [_changed(one, changed) for one in job.ranges]
        parents = tuple(dict.fromkeys([*(job.warm_start.parents if job.warm_start else ()), job.name]))
        return replace(job, name=name, ranges=ranges, warm_start=WarmStart.identical(*parents[-5:]))


def _changed(one: Range, changed: Mapping[str, tuple[float, float]]) -> Range:
    if one.name not in changed or not isinstance(one, Continuous | Integer):
        return one
    low, high = changed[one.name]
    return replace(one, low=round(low), high=round(high)) if isinstance(one, Integer) else replace(one, low=low, high=high)


# --- one training job -------------------------------------------------------------------------------------------------------


def pair(curves: Curves, objective: str | None = None) -> tuple[str | None, str | None]:
    """The training and the validation metric to compare: the losses if there are both, else those of the objective's kind."""
    split = {name: _split(name) for name in curves}
    kinds: dict[str, dict[bool, str]] = {}
    for name, (held, kind) in split.items():
        if held is not None:
            kinds.setdefault(kind, {}).setdefault(held, name)
    both = [kind for kind, found in kinds.items() if len(found) == 2]  # noqa: PLR2004 - training and validation
    losses = [kind for kind in both if _is_loss(kind)]
    if losses or both:
        found = kinds[(losses or both)[0]]
        return found[False], found[True]
    if objective is not None and objective in curves:
        held = split[objective][0]
        return (objective, None) if held is False else (None, objective)
    alone = [found for kind, found in sorted(kinds.items(), key=lambda one: not _is_loss(one[0]))]
    return (alone[0].get(False), alone[0].get(True)) if alone else (None, None)


def _split(name: str) -> tuple[bool | None, str]:
    """Whether a metric is of held-out data (None: its name does not say), and what it measures."""
    words = name.lower().replace(":", "_").replace("-", "_").replace("/", "_").split("_")
    rest = "_".join(word for word in words if word not in _TRAIN + _HELD)
    if any(word in _HELD for word in words):
        return True, rest
    return (False if any(word in _TRAIN for word in words) else None), rest


def _is_loss(kind: str) -> bool:
    return not any(word in kind for word in _UP)


def judge(curves: Curves, objective: str | None = None, goal: str = "Minimize", *, least: float | None = None) -> Fit:
    """The verdict on a training job.

    Args:
        curves: Its metrics, epoch by epoch.
        objective: The tuned metric, taken where the names of the others say nothing.
        goal: Which end of the objective is good.
        least: The best end of the training metric that any training job of the tuning job has reached: one that stays far behind
            it underfits.
    """
    train_name, held_name = pair(curves, objective)
    main = held_name or train_name
    if main is None:
        return Fit(verdict=Verdict.UNKNOWN, reason="no metric was printed, or none whose name says which data it is of")
    sign = _sign(main, objective, goal)
    train = [sign * value for value in curves.get(train_name or "", ())]
    held = [sign * value for value in curves.get(held_name or "", ())]
    fit = _Judge(train_name, held_name, train, held, sign, least).fit()
    if fit.verdict in {Verdict.UNKNOWN, Verdict.GOOD} and (text := _fits_nothing(curves)) is not None:
        return replace(fit, verdict=Verdict.UNDERFIT, reason=text)
    return fit


def _fits_nothing(curves: Curves) -> str | None:
    """Why a classifier has not learnt even its training data; None if it has, or does not tell its accuracy."""
    known = [(_split(name)[0], name, values) for name, values in curves.items() if _split(name)[1] in _ACCURACIES]
    known.sort(key=lambda one: one[0] is not False)  # the training data's first
    for _, name, values in known[:1]:
        if math.isfinite(values[-1]) and 0 <= values[-1] < _HALF:
            noun = "epoch" if len(values) == 1 else "epochs"
            return f"{name} is {values[-1]:.4g} after {len(values)} {noun}: more than half is wrong"
    return None


def _sign(name: str, objective: str | None, goal: str) -> float:
    """What turns a metric into one of which less is better."""
    if name == objective:
        return -1.0 if goal == "Maximize" else 1.0
    return 1.0 if _is_loss(_split(name)[1]) else -1.0


@dataclass
class _Judge:
    """Curves of which less is better."""

    train_name: str | None
    held_name: str | None
    train: Sequence[float]
    held: Sequence[float]
    sign: float
    least: float | None

    def fit(self) -> Fit:
        main = self.held or self.train
        facts: dict[str, Any] = {"train": self.train_name, "validation": self.held_name, "epochs": len(main)}
        bad = next((place for place, value in enumerate([*self.train, *self.held]) if not math.isfinite(value)), None)
        if bad is not None:
            epoch = (bad if bad < len(self.train) else bad - len(self.train)) + 1
            return Fit(verdict=Verdict.DIVERGED, reason=f"the metric is not a number from epoch {epoch} on", **facts)
        if len(main) < _LEAST_EPOCHS:
            return Fit(
                verdict=Verdict.UNKNOWN, reason=f"{len(main)} values are too few to judge; print one after each epoch", **facts
            )
        self.smooth = _smoothed(main)
        best_epoch = min(range(len(self.smooth)), key=self.smooth.__getitem__) + 1
        gap = self.held[-1] - self.train[-1] if self.train and self.held else None
        facts |= {"best_epoch": best_epoch, "gap": gap}
        for verdict, reason in self._found(best_epoch, gap):
            return Fit(verdict=verdict, reason=reason, **facts)
        return Fit(verdict=Verdict.GOOD, reason=self._good(gap), **facts)

    @property
    def gained(self) -> float:
        """What training has gained: from the start of its curve to its best."""
        curve = _smoothed(self.train or self.held)
        return max(curve[0] - min(curve), 1e-12)

    def _found(self, best_epoch: int, gap: float | None) -> Iterator[tuple[Verdict, str]]:
        """Everything that is wrong, the worst first."""
        fitted = _smoothed(self.train) if self.train else self.smooth
        scale = max(self.gained, abs(fitted[0]) * 0.05, 1e-9)
        yield from self._diverged(fitted, scale)
        if self.train and self.held and gap is not None:
            yield from self._overfit(fitted, scale, best_epoch, gap)
        yield from self._unsettled(scale, best_epoch)
        behind = None if self.least is None or not self.train else fitted[-1] - self.least
        if behind is not None and behind > _BEHIND * max(fitted[0] - (self.least or 0.0), 1e-12):
            others = f"{self.sign * (self.least or 0.0):.4g}"
            yield Verdict.UNDERFIT, f"{self.train_name} stops at {self._told(fitted, -1)}; other training jobs reach {others}"

    def _diverged(self, fitted: Sequence[float], scale: float) -> Iterator[tuple[Verdict, str]]:
        rise = fitted[-1] - min(fitted)
        if fitted[-1] > fitted[0] + 0.1 * scale or (rise > _RISE * scale and fitted[0] - fitted[-1] < 0.6 * scale):
            name = self.train_name or self.held_name
            text = f"{name} got worse in training: {self._told(fitted, 0)} in epoch 1, {self._told(fitted, -1)} at the end"
            yield Verdict.DIVERGED, text

    def _overfit(self, fitted: Sequence[float], scale: float, best_epoch: int, gap: float) -> Iterator[tuple[Verdict, str]]:
        held = self.smooth
        at_best, at_end = self._told(held, best_epoch - 1), self._told(held, -1)
        later = fitted[best_epoch - 1] - fitted[-1]
        worse = held[-1] - min(held)
        # A loss that began high has gained so much that its later rise looks small: then its best is what to compare with.
        enough = min(_WORSE * scale, _WORSE_LOSS * min(held)) if min(held) > 0 else _WORSE * scale
        if worse > max(enough, 2 * _jitter(self.held)) and best_epoch < len(held) and later > -0.02 * scale:
            text = f"{self.held_name} was best in epoch {best_epoch} ({at_best}) and is {at_end} at the end, "
            yield Verdict.OVERFIT, f"{text}while {self.train_name} went on to {self._told(fitted, -1)}"
        elif gap > _GAP * scale and self._late(held) < _LATE_GAIN * scale:
            text = f"{self.held_name} stays {gap:.4g} behind {self.train_name} ({at_end} against {self._told(fitted, -1)}), "
            yield Verdict.OVERFIT, f"{text}{gap / scale:.0%} of what training gained"

    def _unsettled(self, scale: float, best_epoch: int) -> Iterator[tuple[Verdict, str]]:
        held = self.smooth
        gained = held[0] - min(held)
        jitter = _jitter(self.held or self.train)
        if jitter > _NOISE * max(gained, 0.2 * scale):
            name = self.held_name or self.train_name
            share = f"{jitter / scale:.0%} of what training gained"
            yield Verdict.NOISY, f"{name} jumps by {jitter:.4g} from epoch to epoch, as much as {share}"
        late = self._late(held)
        if late > _LATE_GAIN * max(gained, 1e-12) and best_epoch > _NEAR_THE_END * len(held):
            yield Verdict.IMPROVING, f"the last quarter of the epochs still gained {late:.4g} of {gained:.4g}"

    def _late(self, curve: Sequence[float]) -> float:
        """What the last quarter has gained."""
        quarter = max(len(curve) // 4, 1)
        return curve[-1 - quarter] - curve[-1]

    def _told(self, curve: Sequence[float], place: int) -> str:
        return f"{self.sign * curve[place]:.4g}"

    def _good(self, gap: float | None) -> str:
        return "it has levelled off" + ("" if gap is None else f", {abs(gap):.4g} from the training metric")


def _smoothed(curve: Sequence[float]) -> list[float]:
    """Medians of three, then means over a tenth of the curve."""
    count = len(curve)
    if count < 5:  # noqa: PLR2004 - nothing to smooth
        return list(curve)
    medians = [statistics.median(curve[max(place - 1, 0) : place + 2]) for place in range(count)]
    # Tukey's rule for the ends: what the next two values point to, the value itself, and its neighbour; the middle one.
    medians[0] = statistics.median([curve[0], medians[1], 3 * medians[1] - 2 * medians[2]])
    medians[-1] = statistics.median([curve[-1], medians[-2], 3 * medians[-2] - 2 * medians[-3]])
    half = max(count // 20, 0)
    return [statistics.fmean(medians[max(place - half, 0) : place + half + 1]) for place in range(count)]


def _jitter(curve: Sequence[float]) -> float:
    """How far a value typically lies beside the line between its neighbours."""
    beside = [abs(curve[place] - (curve[place - 1] + curve[place + 1]) / 2) for place in range(1, len(curve) - 1)]
    return statistics.median(beside) * 1.2 if beside else 0.0


# --- a tuning job -----------------------------------------------------------------------------------------------------------


def diagnose(results: Results) -> Diagnosis:
    """What is to be said of a tuning job: of its best training job, of each hyperparameter, and what to do next."""
    least = _least(results)
    fits = {row.training.name: judge(row.curves, results.objective, results.goal, least=least) for row in results.rows}
    best = results.best
    fit = fits[best.training.name] if best else Fit(verdict=Verdict.UNKNOWN, reason="no training job has an objective")
    effects = [effect for name in results.names if (effect := _effect(results, fits, name)) is not None]
    effects.sort(key=lambda one: one.strength, reverse=True)
    advice = list(_advice(results, fit, fits, effects))
    return Diagnosis(
        best=best.training.name if best else None,
        higher_is_better=results.goal == "Maximize",
        fit=fit,
        fits=fits,
        effects=effects,
        advice=advice,
    )


def _least(results: Results) -> float | None:
    """The best end of the training metric over all training jobs, less being better."""
    ends = []
    for row in results.rows:
        name, held = pair(row.curves, results.objective)
        if name is not None:
            values = [_sign(held or name, results.objective, results.goal) * value for value in row.curves[name]]
            if len(values) >= _LEAST_EPOCHS and all(map(math.isfinite, values)):
                ends.append(_smoothed(values)[-1])
    return min(ends, default=None)


def _position(name: str, value: float, ranges: Mapping[str, Mapping[str, Any]]) -> float | None:
    """Where a value lies in its range, from 0 to 1, on the range's scale."""
    one = ranges.get(name)
    if one is None or "MinValue" not in one:
        return None
    low, high = float(one["MinValue"]), float(one["MaxValue"])
    if _logarithmic(one):
        low, high, value = math.log(low), math.log(high), math.log(max(value, 1e-300))
    return (value - low) / (high - low)


def _logarithmic(one: Mapping[str, Any]) -> bool:
    return one.get("ScalingType") == "Logarithmic" and float(one["MinValue"]) > 0


def _effect(results: Results, fits: Mapping[str, Fit], name: str) -> Effect | None:
    told = [(row.setting(name), row.value, row) for row in results.rows]
    valued = [(setting, value) for setting, value, _ in told if setting is not None and value is not None]
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
    return Effect(
        name=name,
        curve=curve,
        strength=_strength([values for _, values in groups]),
        diverges_above=_diverges_above(told, fits),
        edge=_edge(results, name),
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
    """Epsilon squared: the share of the variance between groups, less what chance alone would give."""
    everything = [value for group in groups for value in group]
    count, parts = len(everything), len(groups)
    if count <= parts or parts < 2:  # noqa: PLR2004 - nothing to compare
        return 0.0
    mean = statistics.fmean(everything)
    total = sum((value - mean) ** 2 for value in everything)
    if total <= 0:
        return 0.0
    within = sum(sum((value - statistics.fmean(group)) ** 2 for value in group) for group in groups)
    share = (total - within - (parts - 1) * within / (count - parts)) / total
    return min(max(share, 0.0), 1.0)


def _diverges_above(told: Sequence[tuple[float | str | None, float | None, Row]], fits: Mapping[str, Fit]) -> float | None:
    """The value above which most training jobs diverge, and below which hardly any does."""
    seen = sorted(
        (setting, fits[row.training.name].verdict is Verdict.DIVERGED) for setting, _, row in told if isinstance(setting, float)
    )
    total = sum(bad for _, bad in seen)
    if total < 2:  # noqa: PLR2004 - one may be chance
        return None
    best: tuple[float, float] | None = None
    for place in range(1, len(seen)):
        above = sum(bad for _, bad in seen[place:])
        right = above + sum(not bad for _, bad in seen[:place])
        if seen[place][0] > seen[place - 1][0] and (best is None or right > best[0]):
            best = (right, seen[place][0])
    if best is None or best[0] < 0.85 * len(seen) or best[0] <= len(seen) - total:
        return None
    return best[1]


def _edge(results: Results, name: str) -> str | None:
    """The edge of its range at which the best training jobs lie."""
    top = results.ranked[: max(3, len(results.ranked) // 10)]
    places = [
        place
        for row in top
        if isinstance(setting := row.setting(name), float) and (place := _position(name, setting, results.ranges)) is not None
    ]
    if len(places) < 3:  # noqa: PLR2004 - one may be chance
        return None
    middle = statistics.median(places)
    if places[0] <= _EDGE and middle <= 2 * _EDGE:
        return "low"
    if places[0] >= 1 - _EDGE and middle >= 1 - 2 * _EDGE:
        return "high"
    return None


def _wants_logarithmic(one: Mapping[str, Any] | None, valued: Sequence[tuple[float | str, float]], results: Results) -> bool:
    """Whether a linear range over several powers of ten has its best in the lowest tenth."""
    if one is None or "MinValue" not in one or _logarithmic(one) or float(one["MinValue"]) <= 0:
        return False
    low, high = float(one["MinValue"]), float(one["MaxValue"])
    if math.log10(high / low) < _DECADES:
        return False
    best = sorted(valued, key=lambda pair: pair[1], reverse=results.goal == "Maximize")[: max(3, len(valued) // 5)]
    settings = [setting for setting, _ in best if isinstance(setting, float)]
    return bool(settings) and statistics.median(settings) < low + (high - low) / 10


# --- advice -----------------------------------------------------------------------------------------------------------------


def _advice(results: Results, fit: Fit, fits: Mapping[str, Fit], effects: Sequence[Effect]) -> Iterator[Advice]:
    by_verdict = {
        Verdict.OVERFIT: _when_overfit,
        Verdict.UNDERFIT: _when_underfit,
        Verdict.IMPROVING: _when_improving,
        Verdict.DIVERGED: _when_diverged,
        Verdict.NOISY: _when_noisy,
        Verdict.UNKNOWN: _when_unknown,
    }
    if fit.verdict in by_verdict:
        yield from by_verdict[fit.verdict](results, fit)
    if fit.verdict is not Verdict.DIVERGED:
        yield from _away_from_divergence(fits, effects, results)
    yield from _about_ranges(results, effects)


def _called(results: Results, *words: str) -> str | None:
    """The tuned hyperparameter whose name has one of some words."""
    return next((name for name in results.names if any(word in name.lower().replace("-", "_") for word in words)), None)


def _rate(results: Results) -> str | None:
    return _called(results, "learning_rate", "lr", "eta", "alpha_0") or next(
        (name for name in results.names if name == "rate"), None
    )


def _penalty(results: Results) -> str | None:
    return _called(results, "regularization", "weight_decay", "l2", "dropout", "lambda", "alpha", "penalty", "wd")


def _toward(results: Results, name: str | None, *, up: bool) -> dict[str, tuple[float, float]]:
    """A range that begins, or ends, at the best value and reaches as far again beyond."""
    best, one = results.best, results.ranges.get(name or "")
    setting = best.setting(name) if best is not None and name is not None else None
    if one is None or "MinValue" not in one or not isinstance(setting, float) or name is None:
        return {}
    low, high = float(one["MinValue"]), float(one["MaxValue"])
    if _logarithmic(one):
        far = math.sqrt(high / low)
        return {name: (setting, max(high, setting * far)) if up else (min(low, setting / far), setting)}
    far = (high - low) / 2
    return {
        name: (setting, max(high, setting + far))
        if up
        else (max(min(low, setting - far), 0.0 if low >= 0 else -math.inf), setting)
    }


def _when_overfit(results: Results, fit: Fit) -> Iterator[Advice]:
    gap = "" if fit.gap is None else f" The gap is {abs(fit.gap):.4g}."
    yield Advice(remedy="more training data", reason=f"{fit.reason}.{gap}")
    if fit.best_epoch is not None and fit.best_epoch < fit.epochs:
        name = _called(results, "epoch", "num_round", "max_iter", "steps")
        yield Advice(
            remedy="stop earlier",
            reason=f"{fit.validation} was best after {fit.best_epoch} of {fit.epochs} epochs; the rest only fitted the training data",
            ranges=_toward(results, name, up=False),
        )
    yield Advice(
        remedy="data augmentation",
        reason="it makes more of the data there are, where more cannot be had: the training metric is what is too good",
    )
    name = _penalty(results)
    setting = results.best.setting(name) if results.best is not None and name is not None else None
    told = f"{name} is {setting:.4g} in the best training job" if isinstance(setting, float) else "none is tuned"
    yield Advice(remedy="more regularization", reason=told, ranges=_toward(results, name, up=True))


def _when_underfit(results: Results, fit: Fit) -> Iterator[Advice]:
    if fit.epochs < _FEW_EPOCHS:
        epochs = _called(results, "epoch", "num_round", "max_iter", "steps")
        yield Advice(remedy="more epochs", reason=fit.reason, ranges=_toward(results, epochs, up=True))
    rate = _rate(results)
    if rate is not None and fit.epochs < _FEW_EPOCHS:
        yield Advice(
            remedy="a higher learning rate", reason="so few steps were too small", ranges=_toward(results, rate, up=True)
        )
    name = _penalty(results)
    setting = results.best.setting(name) if results.best is not None and name is not None else None
    told = f"; {name} is {setting:.4g}" if isinstance(setting, float) else ""
    yield Advice(remedy="less regularization", reason=f"{fit.reason}{told}", ranges=_toward(results, name, up=False))
    yield Advice(remedy="a larger model", reason="one that cannot fit its training data is too small for them, or is held back")


def _when_improving(results: Results, fit: Fit) -> Iterator[Advice]:
    name = _called(results, "epoch", "num_round", "max_iter", "steps")
    yield Advice(remedy="more epochs", reason=f"after {fit.epochs} epochs {fit.reason}", ranges=_toward(results, name, up=True))
    rate = _rate(results)
    if rate is not None:
        yield Advice(
            remedy="a higher learning rate", reason="the curve falls evenly to its end", ranges=_toward(results, rate, up=True)
        )


def _when_diverged(results: Results, fit: Fit) -> Iterator[Advice]:
    yield Advice(remedy="a lower learning rate", reason=fit.reason, ranges=_toward(results, _rate(results), up=False))


def _when_noisy(results: Results, fit: Fit) -> Iterator[Advice]:
    yield Advice(remedy="a larger batch size", reason=fit.reason, ranges=_toward(results, _called(results, "batch"), up=True))
    yield Advice(
        remedy="a lower learning rate",
        reason="smaller steps average the noise of the batches",
        ranges=_toward(results, _rate(results), up=False),
    )


def _when_unknown(_results: Results, fit: Fit) -> Iterator[Advice]:
    yield Advice(
        remedy="print the training and the validation metric after each epoch",
        reason=f"{fit.reason}; metrics called train:loss and validation:loss are enough",
    )


def _away_from_divergence(fits: Mapping[str, Fit], effects: Sequence[Effect], results: Results) -> Iterator[Advice]:
    for effect in effects:
        one = results.ranges.get(effect.name, {})
        if effect.diverges_above is not None and "MinValue" in one and effect.diverges_above > float(one["MinValue"]):
            bad = sum(fit.verdict is Verdict.DIVERGED for fit in fits.values())
            yield Advice(
                remedy=f"end the range of {effect.name} at {effect.diverges_above:.3g}",
                reason=f"{bad} of {len(fits)} training jobs diverged, nearly all of them above it",
                ranges={effect.name: (float(one["MinValue"]), effect.diverges_above)},
            )


def _about_ranges(results: Results, effects: Sequence[Effect]) -> Iterator[Advice]:
    for effect in effects:
        one = results.ranges.get(effect.name, {})
        if effect.wants_logarithmic:
            decades = math.log10(float(one["MaxValue"]) / float(one["MinValue"]))
            yield Advice(
                remedy=f"search {effect.name} on a logarithmic scale",
                reason=f"its range spans {decades:.0f} powers of ten, and the best lie in its lowest tenth",
            )
        elif effect.edge is not None and effect.diverges_above is None:
            up = effect.edge == "high"
            yield Advice(
                remedy=f"widen the range of {effect.name} {'upwards' if up else 'downwards'}",
                reason=f"the best training jobs lie at its {effect.edge} end, {one['MaxValue' if up else 'MinValue']}",
                ranges=_widened(effect.name, one, up=up),
            )


def _widened(name: str, one: Mapping[str, Any], *, up: bool) -> dict[str, tuple[float, float]]:
    low, high = float(one["MinValue"]), float(one["MaxValue"])
    if _logarithmic(one):
        far = math.sqrt(high / low)
        return {name: (low, high * far) if up else (low / far, high)}
    far = (high - low) / 2
    return {name: (low, high + far) if up else (max(low - far, 0.0) if low >= 0 else low - far, high)}
