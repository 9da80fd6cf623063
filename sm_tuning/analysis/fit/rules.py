"""The rules that give the verdict on one form of a training job's metrics. Each can be checked by eye.

A rule compares a difference with the least that counts; the quotient is its strength. It applies above 1, and the farther from 1
the strength is, the surer is what is said.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from sm_tuning.analysis.fit.form import Form, Scale
from sm_tuning.analysis.fit.series import Series, jitter
from sm_tuning.analysis.fit.verdict import Verdict

# What counts as worse: two points of a share; a fifth of a loss, which is two fifths of a mean of squares.
_POINTS = 0.02
_PART = {Scale.ENTROPY: 0.2, Scale.DISTANCE: 0.2, Scale.SQUARED: 0.4, Scale.SIGNED: 0.2}
_OF_START = 0.02  # a rise below that part of where the loss began is none, even of a loss that is close to 0
# What counts as a gap between training and validation.
_GAP_POINTS = 0.045
_GAP_PART = {Scale.ENTROPY: 0.25, Scale.DISTANCE: 0.4, Scale.SQUARED: 1.0, Scale.SIGNED: 0.35}
_GAP_OF_START = 0.06
_SOME = 0.15  # of what counts: enough to count together with the other sign
_HUGE_POINTS = 0.1  # so far apart it is overfit, even if validation still improves
_HUGE = 2.0  # times what counts, of a loss
# What the last quarter must gain to be still improving.
_LATE_POINTS = 0.01
_LATE_ROWS = 1.5  # one row more is chance
_LATE_NOISES = 0.75
_FEW_WRONG = 0.05  # of the training data: there is nothing left to gain
_LATE_PART = 0.03
_LATE_GAIN = 0.04
_LATE_LEAST = 0.01
EVEN = 0.18  # of what it gained: it fell about as fast as in the other quarters
_NEAR_THE_END = 0.8  # of the epochs: the best one comes after it
# Training that came to nothing.
_EXPLODED = 1000.0  # times the end
_WORSE_START = 0.2  # training ends worse than it began by that part of a loss
_RISE = 0.25  # of what training gained is lost again
_SWING_POINTS = 0.1
_SWING = 0.07  # of the level
_NOISE = 0.12
_NOISE_POINTS = 0.03
_CHANCE = 0.01  # of the loss: no farther from chance
_DEAD_JITTER = 0.002
_STILL = 0.02
_ERRORS = 1.5  # standard errors of a validation share: what chance may add to a gap
_NOISES = 2.5  # what is more than noise
_TELLING = 6
_HARDLY = {
    Scale.ENTROPY: 0.2,
    Scale.SQUARED: 0.2,
    Scale.DISTANCE: 0.1,
}  # of its first value a loss that learnt something has fallen
_HIGH_LOSS = 0.5  # nats: the right answer has a probability of 60 %
_FAR_POINTS = 0.2  # behind a training metric that is bad itself
_CONSTANT = 0.002
_CONSTANT_WRONG = 0.3  # of the training data, in every epoch: it answers the same whatever it is shown
_FITS = 0.3
_LOW_SHARE = 0.4  # of a classifier's training rows are wrong
_LOW_R2 = 0.7  # of the variance is left unexplained
_CLASSES = (2, 3, 4, 5, 10, 100, 1000)  # others lie so close that any loss would be near one


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one rule says: it applies where the strength is above 1."""

    verdict: Verdict
    strength: float
    reason: str


def findings(form: Form) -> Iterator[Finding]:
    """What every rule says of a form, the worst first."""
    yield from _exploded(form)
    yield from _got_worse(form)
    yield from _misfit(form)
    yield from _overfit(form)
    yield from _lost(form)
    yield from _swings(form)
    yield from _dead(form)
    yield from _noisy(form)
    yield from _improving(form)
    yield from _underfit(form)


# --- how much counts --------------------------------------------------------------------------------------------------------


def _worse_least(form: Form, level: float) -> float:
    """How much worse than a level counts."""
    if form.scale is Scale.SHARE:
        return _POINTS
    if form.scale is Scale.SIGNED:
        return _PART[form.scale] * max(form.gained, 1e-12)
    return max(_PART[form.scale] * level, _OF_START * form.start, 1e-12)


def _gap_least(form: Form) -> float:
    """How far validation may be behind training."""
    train = form.learning.last
    if form.scale is Scale.SHARE:
        return _GAP_POINTS
    if form.scale is Scale.SIGNED:
        return _GAP_PART[form.scale] * max(form.gained, 1e-12)
    return max(_GAP_PART[form.scale] * train, _GAP_OF_START * form.start, 1e-12)


def _ratio(value: float, least: float) -> float:
    return value / max(least, 1e-300)


# --- training that came to nothing ------------------------------------------------------------------------------------------


def _exploded(form: Form) -> Iterator[Finding]:
    """A loss that began, or stays, so far above that weights must have exploded."""
    series = form.learning
    if form.scale is Scale.SHARE or form.scale is Scale.SIGNED or len(series) < _TELLING:
        return
    third = series.errors[len(series.errors) // 3 :]
    still = series.smooth[len(series.smooth) // 3] - series.last <= jitter(third) and jitter(third) > _SWING * series.last
    strength = _ratio(series.errors[0], _EXPLODED * max(series.last, 1e-12)) if still else 0.0
    yield Finding(
        verdict=Verdict.DIVERGED,
        strength=strength,
        reason=f"{series.name} began at {series.value(0)} and then stays at about {series.value(-1)}: the first steps were too large",
    )


def _got_worse(form: Form) -> Iterator[Finding]:
    """Training ends worse than it began."""
    series = form.learning
    swing = jitter(series.errors[len(series.errors) // 3 :])
    reason = f"{series.name} got worse in training: {series.value(0)} in epoch 1, {series.value(-1)} at the end"
    strength = _ratio(series.last - series.first, max(_worse_start(form), 2 * swing))
    yield Finding(verdict=Verdict.DIVERGED, strength=strength, reason=reason)


def _worse_start(form: Form) -> float:
    return 2 * _POINTS if form.scale is Scale.SHARE else _WORSE_START * abs(form.learning.first)


def _lost(form: Form) -> Iterator[Finding]:
    """Training has lost again much of what it had gained."""
    series = form.learning
    rise, rest = series.last - series.best, series.first - series.last
    gained = max(form.gained, 0.05 * abs(series.first), 1e-12)
    swing = jitter(series.errors[len(series.errors) // 3 :])
    lost = rest < 0.6 * gained and (form.train is not None or rest < 0) and len(series) >= _TELLING
    best = f"{series.value(series.best_index)} in epoch {series.best_index + 1}"
    yield Finding(
        verdict=Verdict.DIVERGED,
        strength=_ratio(rise, max(_RISE * gained, 2 * _worse_start(form), 2 * swing)) if lost else 0.0,
        reason=f"{series.name} lost what it had gained: {best}, {series.value(-1)} at the end",
    )


def _swings(form: Form) -> Iterator[Finding]:
    """Training jumps up and down without getting better."""
    series = form.learning
    swing = jitter(series.errors[len(series.errors) // 3 :])
    least = max(series.first - series.last, _SWING_POINTS if form.scale is Scale.SHARE else _SWING * abs(series.first), 1e-12)
    yield Finding(
        verdict=Verdict.RATE_TOO_HIGH,
        strength=_ratio(swing, least),
        reason=f"{series.name} swings from epoch to epoch without getting better: {series.value(0)} in epoch 1, "
        f"{series.value(-1)} at the end",
    )


def chance_level(form: Form, series: Series | None = None) -> int | None:
    """The number of classes whose guessing gives a loss at its end, the training loss if none is named; None if it is no such loss."""
    if form.scale is not Scale.ENTROPY:
        return None
    last = (series or form.learning).last
    return next((classes for classes in _CLASSES if abs(last - math.log(classes)) <= _CHANCE * math.log(classes)), None)


def _dead(form: Form) -> Iterator[Finding]:
    """A loss that stays where guessing is, after a wild beginning or with jumps."""
    series = form.learning
    classes = chance_level(form)
    if classes is None or len(series) < _TELLING:
        return
    wild = _ratio(series.errors[0] - series.last, 0.2 * series.last)
    tail = series.errors[len(series.errors) // 3 :]
    jumps = _ratio(jitter(tail), _DEAD_JITTER * series.last)
    moves = series.smooth[max(len(series.smooth) // 10, 1)] - series.last
    still = moves <= max(_STILL * series.last, jitter(tail))
    strength = max(wild, jumps) if still else 0.0
    guessing = f"guessing one of {classes} classes gives {math.log(classes):.4g}"
    reason = f"{series.name} stays at {series.value(-1)}, no better than guessing ({guessing})"
    yield Finding(verdict=Verdict.RATE_TOO_HIGH, strength=strength, reason=reason)


# --- overfit ----------------------------------------------------------------------------------------------------------------


def _overfit(form: Form) -> Iterator[Finding]:
    """Validation is far behind training at the end, or was best before it while training went on."""
    held_out, train = form.held_out, form.train
    if held_out is None:
        return
    gap, rise = _gap_strength(form), _rise_strength(form)
    if form.scale is Scale.SHARE and train is not None and misfit(form) > 1 and held_out.last - train.last < _FAR_POINTS:
        return  # it has not learnt enough to learn too much
    both = gap + rise if rise >= _SOME and gap >= _SOME else 0.0
    if rise > 1 or both > 1 or train is None:
        best = f"{held_out.value(held_out.best_index)} in epoch {held_out.best_index + 1}"
        text = f"{held_out.name} was best at {best} and is {held_out.value(-1)} at the end"
        text += f", while {train.name} went on to {train.value(-1)}" if train is not None else ""
    else:
        text = f"{train.name} is {train.value(-1)} at the end, {held_out.name} {held_out.value(-1)}"
    yield Finding(verdict=Verdict.OVERFIT, strength=max(gap, rise, both), reason=text)


def _gap_strength(form: Form) -> float:
    if form.train is None or form.held_out is None:
        return 0.0
    held_out = form.held_out
    gap = held_out.last - form.train.last
    if gap <= 2 * held_out.noise:
        return 0.0
    strength = _ratio(gap, max(_gap_least(form), _POINTS + _ERRORS * form.sampling_error if form.scale is Scale.SHARE else 0.0))
    still_better = _ratio(held_out.quarter, max(_late_least(form, held_out), _NOISES * held_out.noise)) > max(1.0, strength)
    huge = gap >= _HUGE_POINTS if form.scale is Scale.SHARE else strength >= _HUGE
    return min(strength, 1.0) if still_better and not huge else strength


def _rise_strength(form: Form) -> float:
    held_out, train = form.held_out, form.train
    if held_out is None or held_out.best_index >= len(held_out) - 1:
        return 0.0
    if train is not None:
        then = train.smooth_at(held_out.best_share)
        if train.last - then > 0.1 * abs(then) or held_out.last <= train.last:
            return 0.0
    worse = held_out.last - held_out.best
    if worse <= max(_NOISES * held_out.noise, 1.5 * form.sampling_error):
        return 0.0
    return _ratio(worse, _worse_least(form, held_out.best))


# --- the rest ---------------------------------------------------------------------------------------------------------------


def _noisy(form: Form) -> Iterator[Finding]:
    """Validation jumps from epoch to epoch by much of what it gained."""
    series = form.main
    gained = series.first - series.best
    last = series.logged[-5:]
    least = max(
        _NOISE * gained, _NOISE_POINTS if form.scale is Scale.SHARE else 0.1 * abs(series.last), 1.5 * form.sampling_error, 1e-12
    )
    yield Finding(
        verdict=Verdict.NOISY,
        strength=_ratio(jitter(series.errors[len(series.errors) // 3 :]), least),
        reason=f"{series.name} jumps from epoch to epoch: {min(last):.4g} to {max(last):.4g} in the last five",
    )


def _late_least(form: Form, series: Series) -> float:
    """What the last quarter must gain: a point of a share; of a loss a part of what is left and of what it gained, or an even fall."""
    gained = max(series.first - series.best, 1e-12)
    if form.scale is Scale.SHARE:
        return max(_LATE_POINTS, _LATE_ROWS / form.rows if form.rows and series is form.held_out else 0.0)
    if form.scale is Scale.SIGNED:
        return _LATE_GAIN * gained
    return min(max(_LATE_PART * series.last, _LATE_GAIN * gained), max(EVEN * gained, _LATE_LEAST * series.last))


def _late_strength(form: Form, series: Series) -> float:
    """How much the last quarter gained, if it is best near the end."""
    near_the_end = series.best_index + 1 > _NEAR_THE_END * len(series)
    return _ratio(series.quarter, max(_late_least(form, series), _LATE_NOISES * series.noise)) if near_the_end else 0.0


def _improving(form: Form) -> Iterator[Finding]:
    """The last quarter still gained, and training got better too; where validation has too few rows to show it, training alone."""
    series, train = form.main, form.train
    strength = _late_strength(form, series) if train is None or train.quarter > 0 else 0.0
    if strength <= 1 and train is not None and train.last > _FEW_WRONG and form.sampling_error > _POINTS and series.quarter >= 0:
        series, strength = train, _late_strength(form, train)
    before = len(series) - 1 - max(len(series) // 4, 1)
    yield Finding(
        verdict=Verdict.IMPROVING,
        strength=strength,
        reason=f"{series.name} still gets better: {series.value(before)} in epoch {before + 1}, {series.value(-1)} at the end",
    )


def _misfit(form: Form) -> Iterator[Finding]:
    """A classifier that has learnt nothing even of its training data, however validation jumps."""
    if form.scale is not Scale.SHARE or form.train is None or form.held_out is None or len(form.main) < _TELLING:
        return
    train = form.train
    gap = form.held_out.last - train.last
    moved = train.first - train.best
    nothing = moved <= max(_POINTS, 2 * train.noise) and gap <= _FAR_POINTS
    late = train.errors[len(train.errors) // 3 :]
    constant = form.counts_answers and max(late) - min(late) <= _CONSTANT and train.last > _CONSTANT_WRONG and gap <= _FAR_POINTS
    reason = f"{train.name} has not got better: {train.value(0)} in epoch 1, {train.value(-1)} at the end"
    yield Finding(
        verdict=Verdict.UNDERFIT, strength=max(misfit(form) if nothing else 0.0, 2.0 if constant else 0.0), reason=reason
    )


def misfit(form: Form) -> float:
    """How much of the training data a classifier gets wrong, above 1: more than one that fits."""
    if form.main.last + form.sampling_error < _FITS:
        return 0.0  # validation does better than training, as with dropout
    return form.learning.last / (_LOW_R2 if "r2" in form.kind else _LOW_SHARE)


def _underfit(form: Form) -> Iterator[Finding]:
    """Not even the training data are fitted, by what others reach or by what is known of the metric."""
    series = form.learning
    at_end = f"{series.name} is {series.value(-1)} at the end"
    if form.attainable is not None:
        behind = min(series.last, form.main.last) - form.attainable
        least = max(_gap_least_at(form, form.attainable), _NOISES * form.main.noise)
        yield Finding(
            verdict=Verdict.UNDERFIT,
            strength=_ratio(behind, least),
            reason=f"{at_end}, worse than what the best training job reaches on held-out data",
        )
    if form.scale is Scale.SHARE:
        reason = f"{at_end}: not even the training data are fitted"
        yield Finding(verdict=Verdict.UNDERFIT, strength=misfit(form), reason=reason)
    if form.scale not in _HARDLY or (form.scale is Scale.ENTROPY and series.last <= _HIGH_LOSS):
        return
    if chance_level(form, form.main) is not None and form.main.first - form.main.best < _STILL * form.main.first:
        series = form.main  # what training gains is no more than the wild beginning, if validation stays where guessing is
    moved = (series.first - series.best) / max(abs(series.first), 1e-12)
    classes = chance_level(form, series)
    guessing = f", about what guessing one of {classes} classes gives ({math.log(classes):.4g})" if classes is not None else ""
    yield Finding(
        verdict=Verdict.UNDERFIT,
        strength=(_HARDLY[form.scale] if len(series) >= _TELLING else _STILL) / max(moved, 1e-3),
        reason=f"{series.name} has hardly fallen: {series.value(0)} in epoch 1, {series.value(-1)} at the end{guessing}",
    )


def _gap_least_at(form: Form, level: float) -> float:
    if form.scale is Scale.SHARE:
        return 0.05
    if form.scale is Scale.SIGNED:
        return 0.3 * max(form.gained, 1e-12)
    return max(0.3 * level, 0.05 * form.start)
