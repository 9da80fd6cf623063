"""The rules that see training come to nothing: it diverged, or its learning rate is too high."""

import math
from collections.abc import Iterator

from sm_tuning.analysis.fit.form import Form, Scale
from sm_tuning.analysis.fit.series import TELLING, Series, jitter
from sm_tuning.analysis.fit.verdict import Finding, Verdict, ratio

_EXPLODED = 1000.0  # times the end
_WORSE_START = 0.2  # training ends worse than it began by that part of a loss
_WORSE_POINTS = 0.04
_TURNED = 0.1  # of its beginning: what validation had gained before it rose
_RISE = 0.25  # of what training gained is lost again
_SWING_POINTS = 0.1
_SWING = 0.07  # of the level
_LEAP = 0.2  # of what knowing nothing costs: less is no leap, even of a loss that is close to 0
_THROWN = 1.5  # times the beginning, in a later epoch
_NOT_BACK = 0.75  # of the beginning: the end is hardly better
_NOT_RECOVERED = 1.25  # times the best, after a leap above the beginning
_CHANCE = 0.01  # of the loss: no farther from chance
_NEAR_CHANCE = 0.03  # the same after a leap, for classes are seldom equally frequent
_WILD = 0.2  # of the end: how far the first epochs are from it
_FELL_BACK = 0.03  # of the end: what the first epoch had learnt, and the second has lost
_DEAD_JITTER = 0.002
_STILL = 0.02
CONSTANT = 0.002  # points: it answers the same whatever it is shown
_CONSTANT_WRONG = 0.1
_ONCE_BETTER = 0.1
_ONCE_FITTED = 0.4  # wrong at its best: what has never learnt more may have been drawn to chance level by weight decay
_LOSSES = {Scale.ENTROPY, Scale.SQUARED, Scale.DISTANCE}
_CLASSES = (2, 3, 4, 5, 10, 100, 1000)  # others lie so close that any loss would be near one


def at_once(form: Form) -> Iterator[Finding]:
    """What is so bad that nothing else counts."""
    yield from _exploded(form)
    yield from _got_worse(form)
    yield from _thrown(form)
    yield from _died(form)


def later(form: Form) -> Iterator[Finding]:
    """What counts unless validation shows overfitting."""
    yield from _lost(form)
    yield from _leapt(form)
    yield from _swings(form)
    yield from _dead(form)


def _exploded(form: Form) -> Iterator[Finding]:
    """A loss that began, or stays, so far above that weights must have exploded."""
    series = form.learning
    if form.scale is Scale.SHARE or form.scale is Scale.SIGNED or len(series) < TELLING:
        return
    third = _late(series)
    still = series.smooth[len(series.smooth) // 3] - series.last <= jitter(third) and jitter(third) > _SWING * series.last
    strength = ratio(series.errors[0], _EXPLODED * max(series.last, 1e-12)) if still else 0.0
    yield Finding(
        verdict=Verdict.DIVERGED,
        strength=strength,
        reason=f"{series.name} began at {series.value(0)} and then stays at about {series.value(-1)}: the first steps were too large",
    )


def _got_worse(form: Form) -> Iterator[Finding]:
    """Training ends worse than it began, or at its worst by as much above its best."""
    series = form.learning
    least = max(_worse_start(form), 2 * jitter(_late(series)))
    turned = form.train is None and series.first - series.best > _TURNED * abs(series.first)  # validation alone: overfit
    strength = 0.0 if turned else ratio(series.last - series.first, least)
    first, last = series.change(0)
    if form.train is not None and form.scale in _LOSSES and series.errors[-1] == max(series.errors):
        first, last = series.value(0), series.value(-1)  # as logged: that is what is judged here
        strength = max(strength, ratio(series.errors[-1] - min(series.errors), max(least, _LEAP * form.ignorance)))
    reason = f"{series.name} got worse in training: {first} {series.when(0)}, {last} at the end"
    yield Finding(verdict=Verdict.DIVERGED, strength=strength, reason=reason)


def _worse_start(form: Form) -> float:
    return _WORSE_POINTS if form.scale is Scale.SHARE else _WORSE_START * abs(form.learning.first)


def _late(series: Series) -> list[float]:
    """All but the first third."""
    return list(series.errors[len(series.errors) // 3 :])


def _thrown(form: Form) -> Iterator[Finding]:
    """A training loss, or what R2 leaves unexplained, leapt far above its beginning, and the end is hardly better than that."""
    series = form.train
    if series is None or (form.scale not in _LOSSES and not form.explains_variance):
        return
    begun = min(series.errors[0], 1.0) if form.explains_variance else series.errors[0]
    worst = max(range(len(series.errors)), key=series.errors.__getitem__)
    thrown = worst > 0 and series.errors[worst] - begun > _LEAP * form.ignorance and series.last > _NOT_BACK * begun
    strength = ratio(series.errors[worst], _THROWN * begun) if thrown else 0.0
    reason = f"{series.name} leapt from {series.value(0)} {series.when(0)} to {_value(series, worst)} and is {series.value(-1)} "
    reason += "at the end"
    yield Finding(verdict=Verdict.RATE_TOO_HIGH, strength=strength, reason=reason)


def _value(series: Series, index: int) -> str:
    """A value with its step, in words; many values have been brought together to fewer errors."""
    epoch = series.at(index / max(len(series.errors) - 1, 1))
    return f"{series.value(epoch)} {series.when(epoch)}"


def _lost(form: Form) -> Iterator[Finding]:
    """Training has lost again much of what it had gained."""
    series = form.learning
    rise, rest = series.last - series.best, series.first - series.last
    gained = max(form.gained, 0.05 * abs(series.first), 1e-12)
    lost = rest < 0.6 * gained and (form.train is not None or rest < 0) and len(series) >= TELLING
    best, last = series.change(series.best_index)
    yield Finding(
        verdict=Verdict.DIVERGED,
        strength=ratio(rise, max(_RISE * gained, 2 * _worse_start(form), 2 * jitter(_late(series)))) if lost else 0.0,
        reason=f"{series.name} lost what it had gained: {best} {series.when(series.best_index)}, {last} at the end",
    )


def _leapt(form: Form) -> Iterator[Finding]:
    """Late in training a loss, or what R2 leaves unexplained, was above where it began, and it has not recovered."""
    series = form.train
    if series is None or (form.scale not in _LOSSES and not form.explains_variance) or len(series) < TELLING:
        return
    half = len(series.errors) // 2
    worst = max(range(half, len(series.errors)), key=series.errors.__getitem__)
    best = min(series.errors[:half])
    recovered = series.last <= _NOT_RECOVERED * best or series.errors[worst] - best < _LEAP * form.ignorance
    reason = f"{series.name} leapt to {_value(series, worst)}, worse than {series.when(0)} ({series.value(0)}), "
    reason += f"and is {series.value(-1)}"
    strength = 0.0 if recovered else ratio(series.errors[worst], max(series.errors[0], 1e-12))
    yield Finding(verdict=Verdict.RATE_TOO_HIGH, strength=strength, reason=reason)


def _died(form: Form) -> Iterator[Finding]:
    """A classifier that was better once and now answers the same whatever it is shown: its accuracy does not change any more."""
    series = form.learning
    if not form.counts_answers or len(series) < TELLING:
        return
    last = series.errors[-max(len(series.errors) // 3, 4) :]
    best = min(series.errors)
    died = max(last) - min(last) <= CONSTANT and series.last > _CONSTANT_WRONG and best < _ONCE_FITTED
    yield Finding(
        verdict=Verdict.RATE_TOO_HIGH,
        strength=ratio(series.last - best, _ONCE_BETTER) if died else 0.0,
        reason=f"{series.name} stays at {series.value(-1)} and was better before: it gives the same answer whatever it is shown",
    )


def _swings(form: Form) -> Iterator[Finding]:
    """Training jumps up and down without getting better."""
    series = form.learning
    least = max(
        series.first - series.last,
        _SWING_POINTS if form.scale is Scale.SHARE else _SWING * max(abs(series.first), form.ignorance),
        1e-12,
    )
    first, last = series.change(0)
    yield Finding(
        verdict=Verdict.RATE_TOO_HIGH,
        strength=ratio(jitter(_late(series)), least),
        reason=f"{series.name} swings from {series.step} to {series.step} without getting better: {first} {series.when(0)}, "
        f"{last} at the end",
    )


def chance_level(form: Form, series: Series | None = None, *, near: float = _CHANCE) -> int | None:
    """The number of classes whose guessing gives a loss at its end, the training loss if none is named; None if it is no such loss."""
    if form.scale is not Scale.ENTROPY:
        return None
    last = (series or form.learning).last
    return next((classes for classes in _CLASSES if abs(last - math.log(classes)) <= near * math.log(classes)), None)


def _dead(form: Form) -> Iterator[Finding]:
    """A loss that stays where guessing is, after a wild beginning, a leap or a fall back in the second epoch, or with jumps."""
    series = form.learning
    if len(series) < TELLING:
        return
    begun, last, tail = series.errors[0], series.last, _late(series)
    wild = ratio(begun - last, _WILD * last)
    leapt = ratio(max(series.errors[: len(series.errors) // 3]) - begun, _WILD * last)
    fell_back = ratio(last - begun, _FELL_BACK * last) if abs(series.errors[1] - last) <= _CHANCE * last else 0.0
    jumps = ratio(jitter(tail), _DEAD_JITTER * last)
    classes = chance_level(form, near=_NEAR_CHANCE if leapt > 1 else _CHANCE)
    if classes is None:
        return
    moves = max(tail) - last if leapt > 1 else series.smooth[max(len(series.smooth) // 10, 1)] - last
    still = moves <= max(_STILL * last, jitter(tail))
    guessing = f"guessing one of {classes} classes gives {math.log(classes):.4g}"
    reason = f"{series.name} stays at {series.value(-1)}, no better than guessing ({guessing})"
    strength = max(wild, leapt, fell_back, jumps) if still else 0.0
    yield Finding(verdict=Verdict.RATE_TOO_HIGH, strength=strength, reason=reason)
