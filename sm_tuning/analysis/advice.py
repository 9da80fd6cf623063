"""What to do next, in the order of worth, each with its reason and a number from the data."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sm_tuning.analysis.data_scaling import DataScalingCurve
from sm_tuning.analysis.effects import UNIMPORTANT, Effect, is_logarithmic, position
from sm_tuning.analysis.fit import EVEN, STUCK, Fit, Verdict
from sm_tuning.analysis.metric_names import words
from sm_tuning.analysis.results import Results

_FEW_EPOCHS = 5
_SOME_EPOCHS = 10  # a curve that falls evenly over so many would need many times as many
_HIGH_IN_ITS_RANGE = 0.7
_ENOUGH_JOBS = 20  # to say so
_IMPORTANT = 0.3
_MOST_SHARE = 0.99  # the end of a hyperparameter that is a share

_EPOCHS = ("epoch", "epochs", "num_round", "num_boost_round", "n_estimators", "max_iter", "iterations", "steps")
_RATE = ("learning_rate", "lr", "eta", "rate")
_PENALTY = ("regularization", "weight_decay", "wd", "l2", "dropout", "lambda", "reg_lambda", "alpha", "reg_alpha", "penalty")
_BATCH = ("batch", "batch_size", "mini_batch_size")


@dataclass(frozen=True, kw_only=True)
class Advice:
    """One thing to do, why, and what it would change: hyperparameters' new ranges by name."""

    remedy: str
    reason: str
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def advised(
    results: Results, fit: Fit, fits: Mapping[str, Fit], effects: Sequence[Effect], data: DataScalingCurve | None = None
) -> list[Advice]:
    """What to do next. Of two that change the same range only the first is left; none reaches where training diverges."""
    ends = {effect.name: effect.diverges_above for effect in effects if effect.diverges_above is not None}
    found: list[Advice] = []
    changed: set[str] = set()
    for one in [
        *_about_fit(results, fit, data),
        *_about_divergence(results, fit, fits, effects),
        *_about_ranges(results, effects),
    ]:
        ranges = {name: (low, min(high, ends.get(name, high))) for name, (low, high) in one.ranges.items() if name not in changed}
        ranges = {name: (low, high) for name, (low, high) in ranges.items() if low < high}
        if (
            ranges or not one.ranges or one.remedy.startswith("a ")
        ):  # what only says how to change a range that is changed is void
            changed.update(ranges)
            found.append(replace(one, ranges=ranges))
    if data is not None and not any("more training data" in one.remedy for one in found):
        found.append(_more_data(results, data, "" if data.worth else "no "))
    return found


def _about_fit(results: Results, fit: Fit, data: DataScalingCurve | None) -> Iterator[Advice]:
    by_verdict = {
        Verdict.OVERFIT: _when_overfit,
        Verdict.UNDERFIT: _when_underfit,
        Verdict.IMPROVING: _when_improving,
        Verdict.DIVERGED: _when_diverged,
        Verdict.NOISY: _when_noisy,
        Verdict.UNKNOWN: _when_unknown,
    }
    if data is not None and data.worth and fit.verdict in {Verdict.OVERFIT, Verdict.GOOD}:
        yield _more_data(results, data)
    elif data is None and fit.verdict is Verdict.OVERFIT:
        gap = "" if fit.gap is None else f". The gap is {abs(fit.gap):.4g}"
        how = "`sm-tuning run --data-scaling` measures what they bring"
        yield Advice(remedy="more training data", reason=f"{fit.reason}{gap}; {how}")
    if fit.verdict in by_verdict:
        yield from by_verdict[fit.verdict](results, fit)


def _more_data(results: Results, data: DataScalingCurve, no: str = "") -> Advice:
    return Advice(remedy=f"{no}more training data", reason=data.told(results.objective))


def _called(results: Results, names: Sequence[str]) -> str | None:
    """The tuned hyperparameter that has one of some names, whatever stands around it."""
    told = {name: f"_{'_'.join(words(name))}_" for name in results.names}
    return next((name for wanted in names for name, text in told.items() if f"_{wanted}_" in text), None)


def _setting(results: Results, name: str | None) -> float | None:
    """A hyperparameter's value in the best training job, if it is a number."""
    found = results.best.setting(name) if results.best is not None and name is not None else None
    return found if isinstance(found, float) else None


def _toward(results: Results, name: str | None, *, up: bool) -> dict[str, tuple[float, float]]:
    """A range that begins, or ends, at the best value and reaches as far again beyond."""
    one, setting = results.ranges.get(name or "", {}), _setting(results, name)
    if name is None or "MinValue" not in one or setting is None:
        return {}
    low, high = _ends(one)
    farther = _farther(one, setting, up=up)
    return {name: (setting, max(high, farther)) if up else (min(low, farther), setting)}


def _widened(name: str, one: Mapping[str, Any], *, up: bool) -> dict[str, tuple[float, float]]:
    if "MinValue" not in one:
        return {}
    low, high = _ends(one)
    return {name: (low, _farther(one, high, up=True)) if up else (_farther(one, low, up=False), high)}


def _ends(one: Mapping[str, Any]) -> tuple[float, float]:
    return float(one["MinValue"]), float(one["MaxValue"])


def _farther(one: Mapping[str, Any], start: float, *, up: bool) -> float:
    """Half the range's width beyond a value, on the range's scale; not below 0, a count's 1 or above a share's 1 where it was not."""
    low, high = _ends(one)
    if is_logarithmic(one):
        far = math.sqrt(high / low)
        found = start * far if up else start / far
    else:
        found = start + (high - low) / 2 if up else start - (high - low) / 2
    if up:
        return min(found, _MOST_SHARE) if high < 1 and low >= 0 and not is_logarithmic(one) else found
    least = 1.0 if one.get("Kind") == "Integer" and low >= 1 else 0.0 if low >= 0 else -math.inf
    return max(found, least)


def _when_overfit(results: Results, fit: Fit) -> Iterator[Advice]:
    if fit.best_epoch is not None and fit.best_epoch < fit.epochs:
        told = f"{fit.validation} was best after {fit.best_epoch} of {fit.epochs} epochs; the rest only fitted the training data"
        yield Advice(remedy="stop earlier", reason=told, ranges=_toward(results, _called(results, _EPOCHS), up=False))
    yield Advice(
        remedy="data augmentation",
        reason="it makes more of the data there are, where more cannot be had: the training metric is what is too good",
    )
    name = _called(results, _PENALTY)
    setting = _setting(results, name)
    told = "none is tuned" if setting is None else f"{name} is {setting:.4g} in the best training job"
    yield Advice(remedy="more regularization", reason=told, ranges=_toward(results, name, up=True))


def _when_underfit(results: Results, fit: Fit) -> Iterator[Advice]:
    few = fit.epochs < _FEW_EPOCHS
    if few:
        yield Advice(remedy="more epochs", reason=fit.reason, ranges=_toward(results, _called(results, _EPOCHS), up=True))
    rate = _called(results, _RATE)
    setting = _setting(results, rate)
    stuck = fit.gained is not None and fit.gained < STUCK
    if stuck or (few and rate is not None):
        place = position(rate, setting, results.ranges) if rate is not None and setting is not None else None
        up = place is None or place < _HIGH_IN_ITS_RANGE
        told = "" if setting is None else f" at {rate}={setting:.4g}"
        reason = (
            f"{fit.reason}{told}: the steps are too {'small' if up else 'large'} to get anywhere"
            if stuck
            else "so few steps were too small"
        )
        yield Advice(remedy=f"a {'higher' if up else 'lower'} learning rate", reason=reason, ranges=_toward(results, rate, up=up))
    name = _called(results, _PENALTY)
    setting = _setting(results, name)
    told = "" if setting is None else f"; {name} is {setting:.4g}"
    yield Advice(remedy="less regularization", reason=f"{fit.reason}{told}", ranges=_toward(results, name, up=False))
    yield Advice(remedy="a larger model", reason="one that cannot fit its training data is too small for them, or is held back")


def _when_improving(results: Results, fit: Fit) -> Iterator[Advice]:
    rate, epochs = _called(results, _RATE), _called(results, _EPOCHS)
    even = fit.late is not None and fit.late >= EVEN and fit.epochs >= _SOME_EPOCHS
    more = Advice(
        remedy="more epochs", reason=f"after {fit.epochs} epochs {fit.reason}", ranges=_toward(results, epochs, up=True)
    )
    setting = _setting(results, rate)
    told = "" if setting is None else f" at {rate}={setting:.4g}"
    share = "" if fit.late is None else f": {fit.late:.0%} of its gain came in the last quarter"
    faster = Advice(
        remedy="a higher learning rate",
        reason=f"the curve still falls at its end{told}{share}",
        ranges=_toward(results, rate, up=True),
    )
    yield from (faster, more) if even else (more, faster)


def _when_diverged(results: Results, fit: Fit) -> Iterator[Advice]:
    yield Advice(remedy="a lower learning rate", reason=fit.reason, ranges=_toward(results, _called(results, _RATE), up=False))


def _when_noisy(results: Results, fit: Fit) -> Iterator[Advice]:
    batch, rate = _called(results, _BATCH), _called(results, _RATE)
    yield Advice(remedy="a larger batch size", reason=fit.reason, ranges=_toward(results, batch, up=True))
    yield Advice(
        remedy="a lower learning rate",
        reason="smaller steps average the noise of the batches",
        ranges=_toward(results, rate, up=False),
    )
    yield Advice(remedy="more validation data", reason="a metric of few examples jumps whatever the model does")


def _when_unknown(_results: Results, fit: Fit) -> Iterator[Advice]:
    yield Advice(
        remedy="print the training and the validation metric after each epoch",
        reason=f"{fit.reason}; metrics called train:loss and validation:loss are enough",
    )


def _about_divergence(results: Results, fit: Fit, fits: Mapping[str, Fit], effects: Sequence[Effect]) -> Iterator[Advice]:
    for effect in effects if fit.verdict is not Verdict.DIVERGED else ():
        one = results.ranges.get(effect.name, {})
        if effect.diverges_above is not None and "MinValue" in one and effect.diverges_above > float(one["MinValue"]):
            bad = sum(fit.verdict is Verdict.DIVERGED for fit in fits.values())
            yield Advice(
                remedy=f"end the range of {effect.name} at {effect.diverges_above:.3g}",
                reason=f"{bad} of {len(fits)} training jobs diverged, nearly all of them above it",
                ranges={effect.name: (float(one["MinValue"]), effect.diverges_above)},
            )


def _about_ranges(results: Results, effects: Sequence[Effect]) -> Iterator[Advice]:
    strongest = max((effect.strength for effect in effects), default=0.0)
    valued = len(results.ranked)
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
            end = one["MaxValue" if up else "MinValue"] if "MinValue" in one else f"{effect.curve[-1 if up else 0][0]:g}"
            yield Advice(
                remedy=f"widen the range of {effect.name} {'upwards' if up else 'downwards'}",
                reason=f"the best training jobs lie at its {effect.edge} end, {end}",
                ranges=_widened(effect.name, one, up=up),
            )
        elif _is_idle(effect) and strongest > _IMPORTANT and valued >= _ENOUGH_JOBS:
            best = results.best.setting(effect.name) if results.best is not None else None
            told = f"{best:.3g}" if isinstance(best, float) else str(best)
            yield Advice(
                remedy=f"leave {effect.name} at {told}",
                reason=f"it explains {effect.strength:.0%} of the differences between {valued} training jobs; search the others",
            )


def _is_idle(effect: Effect) -> bool:
    return effect.strength < UNIMPORTANT and effect.diverges_above is None
