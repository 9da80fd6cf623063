"""What to do next, in the order of worth, each with its reason and a number from the data."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sm_tuning.analysis.data_scaling import DataScalingCurve
from sm_tuning.analysis.effects import UNIMPORTANT, Edge, Effect, is_logarithmic, position
from sm_tuning.analysis.fit import EVEN, STUCK, Fit, Verdict
from sm_tuning.analysis.metric_names import words
from sm_tuning.analysis.results import Results
from sm_tuning.spec.parameters import Continuous, Integer, Range

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

Ranges = Mapping[str, tuple[float, float]]
"""New low and high ends, by the hyperparameter's name."""


class Remedy(StrEnum):
    """The kinds of advice."""

    MORE_DATA = "more training data"
    NO_MORE_DATA = "no more training data"
    STOP_EARLIER = "stop earlier"
    AUGMENTATION = "data augmentation"
    MORE_REGULARIZATION = "more regularization"
    LESS_REGULARIZATION = "less regularization"
    MORE_EPOCHS = "more epochs"
    HIGHER_RATE = "a higher learning rate"
    LOWER_RATE = "a lower learning rate"
    LARGER_MODEL = "a larger model"
    LARGER_BATCH = "a larger batch size"
    MORE_VALIDATION_DATA = "more validation data"
    PRINT_METRICS = "print the training and the validation metric after each epoch"
    END_RANGE = "end the range"
    LOGARITHMIC_SCALE = "search on a logarithmic scale"
    WIDEN_RANGE = "widen the range"
    LEAVE = "leave"


# Advice on a range is void where the range is changed already; these say something without a range too.
_WITHOUT_RANGE = {Remedy.HIGHER_RATE, Remedy.LOWER_RATE, Remedy.LARGER_BATCH, Remedy.LARGER_MODEL}


@dataclass(frozen=True, kw_only=True)
class Advice:
    """One thing to do.

    Attributes:
        kind: The kind of advice, for programs.
        remedy: The advice in words.
        reason: Why, with a number from the data.
        ranges: The new ranges.
    """

    kind: Remedy
    remedy: str
    reason: str
    ranges: Ranges = field(default_factory=dict)


def _advice(kind: Remedy, reason: str, ranges: Ranges | None = None, remedy: str | None = None) -> Advice:
    return Advice(kind=kind, remedy=remedy or kind.value, reason=reason, ranges=ranges or {})


def advised(
    results: Results,
    fit: Fit,
    fits: Mapping[str, Fit],
    effects: Sequence[Effect],
    scaling: DataScalingCurve | None = None,
) -> list[Advice]:
    """The advice on a tuning job. Of two that change the same range only the first is left; none reaches where training diverges.

    Args:
        results: The tuning jobs' results.
        fit: The verdict on the best training job.
        fits: The verdict on each training job, by its name.
        effects: The effects of the hyperparameters.
        scaling: The objective on growing shares of the training set, where it was measured.
    """
    cliffs = {effect.name: effect.diverges_above for effect in effects if effect.diverges_above is not None}
    plan: list[Advice] = []
    changed: set[str] = set()
    for advice in [
        *_about_fit(results, fit, scaling),
        *_about_divergence(results, fit, fits, effects),
        *_about_ranges(results, effects),
    ]:
        free = {name: ends for name, ends in advice.ranges.items() if name not in changed}
        ranges = {name: (low, min(high, cliffs.get(name, high))) for name, (low, high) in free.items()}
        ranges = {name: (low, high) for name, (low, high) in ranges.items() if low < high}
        if ranges or not advice.ranges or advice.kind in _WITHOUT_RANGE:
            changed.update(ranges)
            plan.append(replace(advice, ranges=ranges))
    if scaling is not None and not any(advice.kind is Remedy.MORE_DATA for advice in plan):
        plan.append(_more_data(results, scaling))
    return plan


# --- the best training job --------------------------------------------------------------------------------------------------


def _about_fit(results: Results, fit: Fit, scaling: DataScalingCurve | None) -> Iterator[Advice]:
    by_verdict = {
        Verdict.OVERFIT: _when_overfit,
        Verdict.UNDERFIT: _when_underfit,
        Verdict.IMPROVING: _when_improving,
        Verdict.DIVERGED: _when_diverged,
        Verdict.RATE_TOO_HIGH: _when_diverged,
        Verdict.NOISY: _when_noisy,
        Verdict.UNKNOWN: _when_unknown,
    }
    if scaling is not None and scaling.worth and fit.verdict in {Verdict.OVERFIT, Verdict.GOOD}:
        yield _more_data(results, scaling)
    elif scaling is None and fit.verdict is Verdict.OVERFIT:
        gap = "" if fit.gap is None else f". The gap is {abs(fit.gap):.4g}"
        how = "`sm-tuning run --data-scaling` measures what they bring"
        yield _advice(Remedy.MORE_DATA, f"{fit.reason}{gap}; {how}")
    if fit.verdict in by_verdict:
        yield from by_verdict[fit.verdict](results, fit)


def _more_data(results: Results, scaling: DataScalingCurve) -> Advice:
    return _advice(Remedy.MORE_DATA if scaling.worth else Remedy.NO_MORE_DATA, scaling.sentence(results.objective.name))


def _when_overfit(results: Results, fit: Fit) -> Iterator[Advice]:
    if fit.best_epoch is not None and fit.best_epoch < fit.epochs:
        best = f"{fit.validation} was best after {fit.best_epoch} of {fit.epochs} epochs"
        ranges = _toward(results, _called(results, _EPOCHS), up=False)
        yield _advice(Remedy.STOP_EARLIER, f"{best}; the rest only fitted the training data", ranges)
    why = "changed copies of the training data stand for more of them, where more cannot be collected"
    yield _advice(Remedy.AUGMENTATION, why)
    name = _called(results, _PENALTY)
    setting = _setting(results, name)
    today = "none is tuned" if setting is None else f"{name} is {setting:.4g} in the best training job"
    yield _advice(Remedy.MORE_REGULARIZATION, today, _toward(results, name, up=True))


def _when_underfit(results: Results, fit: Fit) -> Iterator[Advice]:
    few = fit.epochs < _FEW_EPOCHS
    if few:
        yield _advice(Remedy.MORE_EPOCHS, fit.reason, _toward(results, _called(results, _EPOCHS), up=True))
    rate = _called(results, _RATE)
    stuck = fit.gained is not None and fit.gained < STUCK
    if stuck or (few and rate is not None):
        yield _other_rate(results, fit, rate, stuck=stuck)
    name = _called(results, _PENALTY)
    setting = _setting(results, name)
    today = "" if setting is None else f"; {name} is {setting:.4g}"
    yield _advice(Remedy.LESS_REGULARIZATION, f"{fit.reason}{today}", _toward(results, name, up=False))
    yield _advice(Remedy.LARGER_MODEL, "a model that does not fit its training data is too small, or regularized too strongly")


def _other_rate(results: Results, fit: Fit, rate: str | None, *, stuck: bool) -> Advice:
    """A higher learning rate, or a lower one where it is high in its range."""
    setting = _setting(results, rate)
    share = position(results.ranges.get(rate), setting) if rate is not None and setting is not None else None
    up = share is None or share < _HIGH_IN_ITS_RANGE
    today = "" if setting is None else f" at {rate}={setting:.4g}"
    size = "small" if up else "large"
    reason = f"{fit.reason}{today}: the steps are too {size}" if stuck else "so few steps were too small"
    return _advice(Remedy.HIGHER_RATE if up else Remedy.LOWER_RATE, reason, _toward(results, rate, up=up))


def _when_improving(results: Results, fit: Fit) -> Iterator[Advice]:
    rate, epochs = _called(results, _RATE), _called(results, _EPOCHS)
    even = fit.late is not None and fit.late >= EVEN and fit.epochs >= _SOME_EPOCHS
    more = _advice(Remedy.MORE_EPOCHS, f"after {fit.epochs} epochs {fit.reason}", _toward(results, epochs, up=True))
    setting = _setting(results, rate)
    today = "" if setting is None else f" at {rate}={setting:.4g}"
    share = "" if fit.late is None else f": {fit.late:.0%} of its gain came in the last quarter"
    reason = f"the curve still falls at its end{today}{share}"
    faster = _advice(Remedy.HIGHER_RATE, reason, _toward(results, rate, up=True))
    yield from (faster, more) if even else (more, faster)


def _when_diverged(results: Results, fit: Fit) -> Iterator[Advice]:
    yield _advice(Remedy.LOWER_RATE, fit.reason, _toward(results, _called(results, _RATE), up=False))


def _when_noisy(results: Results, fit: Fit) -> Iterator[Advice]:
    batch, rate = _called(results, _BATCH), _called(results, _RATE)
    yield _advice(Remedy.LARGER_BATCH, fit.reason, _toward(results, batch, up=True))
    yield _advice(Remedy.LOWER_RATE, "smaller steps average the noise of the batches", _toward(results, rate, up=False))
    yield _advice(Remedy.MORE_VALIDATION_DATA, "a metric over few examples jumps whatever the model does")


def _when_unknown(_results: Results, fit: Fit) -> Iterator[Advice]:
    yield _advice(Remedy.PRINT_METRICS, f"{fit.reason}; metrics called train:loss and validation:loss are enough")


# --- the ranges -------------------------------------------------------------------------------------------------------------


def _about_divergence(results: Results, fit: Fit, fits: Mapping[str, Fit], effects: Sequence[Effect]) -> Iterator[Advice]:
    for effect in effects if not fit.verdict.died else ():
        parameter, cliff = results.ranges.get(effect.name), effect.diverges_above
        if cliff is not None and isinstance(parameter, Continuous | Integer) and cliff > parameter.low:
            diverged = sum(fit.verdict.died for fit in fits.values())
            yield _advice(
                Remedy.END_RANGE,
                f"{diverged} of {len(fits)} training jobs diverged, nearly all of them above it",
                {effect.name: (float(parameter.low), cliff)},
                f"end the range of {effect.name} at {cliff:.3g}",
            )


def _about_ranges(results: Results, effects: Sequence[Effect]) -> Iterator[Advice]:
    strongest = max((effect.importance for effect in effects), default=0.0)
    for effect in effects:
        parameter = results.ranges.get(effect.name)
        if effect.wants_logarithmic and isinstance(parameter, Continuous | Integer):
            decades = math.log10(parameter.high / parameter.low)
            yield _advice(
                Remedy.LOGARITHMIC_SCALE,
                f"its range spans {decades:.0f} powers of ten, and the best lie in its lowest tenth",
                remedy=f"search {effect.name} on a logarithmic scale",
            )
        elif effect.edge is not None and effect.diverges_above is None:
            yield _wider(effect, effect.edge, parameter)
        elif _is_idle(effect) and strongest > _IMPORTANT and len(results.ranking) >= _ENOUGH_JOBS:
            setting = results.best.settings.get(effect.name) if results.best is not None else None
            value = f"{setting:.3g}" if isinstance(setting, float) else str(setting)
            share = f"{effect.importance:.0%} of the differences between {len(results.ranking)} training jobs"
            reason = f"it explains {share}; search the others"
            yield _advice(Remedy.LEAVE, reason, remedy=f"leave {effect.name} at {value}")


def _wider(effect: Effect, edge: Edge, parameter: Range | None) -> Advice:
    """A range that reaches farther beyond the edge at which the best lie."""
    up = edge is Edge.HIGH
    ranges: Ranges = {}
    if isinstance(parameter, Continuous | Integer):
        low, high = float(parameter.low), float(parameter.high)
        end = str(parameter.high if up else parameter.low)
        ranges = {effect.name: (low, _farther(parameter, high, up=True)) if up else (_farther(parameter, low, up=False), high)}
    else:
        end = f"{effect.curve[-1 if up else 0][0]:g}"
    return _advice(
        Remedy.WIDEN_RANGE,
        f"the best training jobs lie at its {edge.value} end, {end}",
        ranges,
        f"widen the range of {effect.name} {'upwards' if up else 'downwards'}",
    )


def _is_idle(effect: Effect) -> bool:
    return effect.importance < UNIMPORTANT and effect.diverges_above is None


def _called(results: Results, names: Sequence[str]) -> str | None:
    """The tuned hyperparameter that has one of some names, whatever stands around it."""
    texts = {name: f"_{'_'.join(words(name))}_" for name in results.hyperparameters}
    return next((name for wanted in names for name, text in texts.items() if f"_{wanted}_" in text), None)


def _setting(results: Results, name: str | None) -> float | None:
    """A hyperparameter's value in the best training job, if it is a number."""
    setting = results.best.settings.get(name) if results.best is not None and name is not None else None
    return setting if isinstance(setting, float) else None


def _toward(results: Results, name: str | None, *, up: bool) -> dict[str, tuple[float, float]]:
    """A range that begins, or ends, at the best value and reaches as far again beyond."""
    parameter, setting = results.ranges.get(name or ""), _setting(results, name)
    if name is None or not isinstance(parameter, Continuous | Integer) or setting is None:
        return {}
    farther = _farther(parameter, setting, up=up)
    return {name: (setting, max(float(parameter.high), farther)) if up else (min(float(parameter.low), farther), setting)}


def _farther(parameter: Continuous | Integer, start: float, *, up: bool) -> float:
    """Half the range's width beyond a value, on the range's scale; not below 0, a count's 1 or above a share's 1 where it was not."""
    low, high = float(parameter.low), float(parameter.high)
    if is_logarithmic(parameter):
        factor = math.sqrt(high / low)
        end = start * factor if up else start / factor
    else:
        end = start + (high - low) / 2 if up else start - (high - low) / 2
    if up:
        return min(end, _MOST_SHARE) if high < 1 and low >= 0 and not is_logarithmic(parameter) else end
    least = 1.0 if isinstance(parameter, Integer) and low >= 1 else 0.0 if low >= 0 else -math.inf
    return max(end, least)
