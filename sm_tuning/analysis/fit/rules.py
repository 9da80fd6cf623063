"""The rules that give the verdict on one form of a training job's metrics. Each can be checked by eye.

A rule compares a difference with the least that counts; the quotient is its strength. It applies above 1, and the farther from 1
the strength is, the surer is what is said.
"""

import math
from collections.abc import Iterator

from sm_tuning.analysis.fit import collapse
from sm_tuning.analysis.fit.collapse import CONSTANT, chance_level
from sm_tuning.analysis.fit.form import Form, Scale
from sm_tuning.analysis.fit.series import TELLING, Series, compared, scatter
from sm_tuning.analysis.fit.verdict import Finding, Verdict, ratio

# What counts as worse: two points of a share; a fifth of a loss, which is two fifths of a mean of squares.
_POINTS = 0.02
_PART = {Scale.ENTROPY: 0.2, Scale.DISTANCE: 0.2, Scale.SQUARED: 0.4, Scale.SIGNED: 0.2}
_OF_START = 0.02  # a rise below that part of where the loss began is none, even of a loss that is close to 0
# What counts as a gap between training and validation.
_GAP_POINTS = 0.05
_GAP_PART = {Scale.ENTROPY: 0.25, Scale.DISTANCE: 0.4, Scale.SQUARED: 0.6, Scale.SIGNED: 0.35}
_GAP_OF_IGNORANCE = 0.15  # of what knowing nothing costs
_R2, _R2_GAP = 2.0, 0.15  # R2 is a mean of squares: twice the points, and as much of what knowing nothing costs
_SOME = 0.4  # of what counts: enough to count together with the other sign
_HUGE_POINTS = 0.1  # so far apart it is overfit, even if validation still improves
_HUGE = 2.0  # times what counts, of a loss
# What the last quarter must gain to be still improving.
_LATE_POINTS = 0.008
_LATE_ROWS = 1.5  # one row more is chance
_LATE_NOISES = 0.75
_FEW_WRONG = 0.05  # of the training data: there is nothing left to gain
_LATE_PART = 0.03
_LATE_GAIN = 0.04  # of what a metric on both sides of 0 gained
_LATE_OF_IGNORANCE = 0.008  # of what knowing nothing costs: less is nothing, even of a loss that is close to 0
_LATE_LEAST = 0.01
EVEN = 0.18  # of what it gained: it fell about as fast as in the other quarters
_NEAR_THE_END = 0.8  # of the epochs: the best one comes after it
# Validation that jumps.
_NOISE = 0.12
_NOISE_POINTS = 0.03
STUCK = 0.02  # of its first value: it has not moved
_ERRORS = 1.5  # standard errors of a validation share: what chance may add to a gap or a rise
_NOISES = 2.5  # what is more than noise
_HARDLY = {
    Scale.ENTROPY: 0.25,
    Scale.SQUARED: 0.25,
    Scale.DISTANCE: 0.1,
}  # of its first value a loss that learnt something has fallen
_HIGH_LOSS = 0.5  # nats: the right answer has a probability of 60 %
_FAR_POINTS = 0.2  # behind a training metric that is bad itself
_CONSTANT_WRONG = 0.3  # of the training data, in every epoch: it answers the same whatever it is shown
_SEVERAL = 5
_NEVER_MOVED_WRONG = 0.1  # the same where both accuracies are the same number in every epoch
_FITS = 0.3
_LITTLE = 0.7  # of what knowing nothing costs: a loss that has not learnt enough to learn too much
_LOW_SHARE = 0.4  # of a classifier's training rows are wrong
_LOW_R2 = 0.65  # of the variance is left unexplained


def findings(form: Form) -> Iterator[Finding]:
    """What every rule says of a form, the worst first."""
    yield from collapse.at_once(form)
    yield from _misfit(form)
    yield from _overfit(form)
    yield from collapse.later(form)
    yield from _noisy(form)
    yield from _improving(form)
    yield from _underfit(form)


# --- how much counts --------------------------------------------------------------------------------------------------------


def _worse_least(form: Form, level: float) -> float:
    """How much worse than a level counts."""
    if form.scale is Scale.SHARE:
        return _R2 * _POINTS if form.explains_variance else _POINTS
    if form.scale is Scale.SIGNED:
        return _PART[form.scale] * max(form.gained, 1e-12)
    return max(_PART[form.scale] * level, _OF_START * form.first, 1e-12)


def _gap_least(form: Form) -> float:
    """How far validation may be behind training."""
    train = form.learning.last
    if form.scale is Scale.SHARE:
        return _R2_GAP if form.explains_variance else _GAP_POINTS
    if form.scale is Scale.SIGNED:
        return _GAP_PART[form.scale] * max(form.gained, 1e-12)
    return max(_GAP_PART[form.scale] * train, _GAP_OF_IGNORANCE * form.ignorance, 1e-12)


# --- overfit ----------------------------------------------------------------------------------------------------------------


def _overfit(form: Form) -> Iterator[Finding]:
    """Validation is far behind training at the end, or was best before it while training went on."""
    held_out, train = form.held_out, form.train
    if held_out is None:
        return
    gap, rise = _gap_strength(form), _rise_strength(form)
    if train is not None and _learnt_little(form, train, held_out):
        return
    both = gap + rise if rise >= _SOME and gap >= _SOME else 0.0
    if rise > 1 or both > 1 or train is None:
        best, last = held_out.change(held_out.best_index)
        text = f"{held_out.name} was best at {best} {held_out.when(held_out.best_index)} and is {last} at the end"
        text += f", while {train.name} went on to {train.value(-1)}" if train is not None else ""
    else:
        of_train, of_held_out = compared((train, len(train) - 1), (held_out, len(held_out) - 1))
        text = f"{train.name} is {of_train} at the end, {held_out.name} {of_held_out}"
    yield Finding(verdict=Verdict.OVERFIT, strength=max(gap, rise, both), reason=text)


def _learnt_little(form: Form, train: Series, held_out: Series) -> bool:
    """It has not learnt enough of its training data to learn too much of them."""
    gap = held_out.last - train.last
    if form.scale is Scale.SHARE:
        return (misfit(form) > 1 and gap < _FAR_POINTS) or (form.explains_variance and train.last > 1)
    return form.scale is Scale.ENTROPY and train.last > _LITTLE * form.ignorance and gap < _HUGE * _gap_least(form)


def _gap_strength(form: Form) -> float:
    if form.train is None or form.held_out is None:
        return 0.0
    held_out = form.held_out
    gap = held_out.last - form.train.last
    if gap <= 2 * held_out.noise:
        return 0.0
    strength = ratio(gap, max(_gap_least(form), _POINTS + _ERRORS * form.sampling_error if form.scale is Scale.SHARE else 0.0))
    still_better = ratio(held_out.quarter, max(_late_least(form, held_out), _NOISES * held_out.noise)) > max(1.0, strength)
    huge = gap >= _HUGE_POINTS if form.scale is Scale.SHARE else strength >= _HUGE
    return min(strength, 1.0) if still_better and not huge else strength


def beyond_noise(form: Form) -> float:
    """What a difference between two held-out errors must exceed to be more than noise."""
    return max(_NOISES * form.main.noise, _ERRORS * form.sampling_error)


def _rise_strength(form: Form) -> float:
    held_out, train = form.held_out, form.train
    if held_out is None or held_out.best_index >= len(held_out) - 1:
        return 0.0
    if train is not None:
        then = train.smooth_at(held_out.best_share)
        if train.last - then > 0.1 * abs(then) or held_out.last <= train.last:
            return 0.0
    worse = held_out.last - held_out.best
    if worse <= beyond_noise(form):
        return 0.0
    return ratio(worse, _worse_least(form, held_out.best))


# --- the rest ---------------------------------------------------------------------------------------------------------------


def _noisy(form: Form) -> Iterator[Finding]:
    """Validation jumps from epoch to epoch by much of what it gained."""
    series = form.main
    gained = series.first - series.best
    last = series.logged[-5:]
    least = max(
        _NOISE * gained, _NOISE_POINTS if form.scale is Scale.SHARE else 0.1 * abs(series.last), form.sampling_error, 1e-12
    )
    yield Finding(
        verdict=Verdict.NOISY,
        strength=ratio(scatter(series.errors), least),
        reason=f"{series.name} jumps from {series.step} to {series.step}: {min(last):.4g} to {max(last):.4g} in the last five",
    )


def _late_least(form: Form, series: Series) -> float:
    """What the last quarter must gain: a point of a share; of a loss a part of what is left and of what it gained, or an even fall."""
    gained = max(series.first - series.best, 1e-12)
    if form.scale is Scale.SHARE:
        return max(_LATE_POINTS, _LATE_ROWS / form.rows if form.rows and series is form.held_out else 0.0)
    if form.scale is Scale.SIGNED:
        return _LATE_GAIN * gained
    return min(max(_LATE_PART * series.last, _LATE_OF_IGNORANCE * form.ignorance), max(EVEN * gained, _LATE_LEAST * series.last))


def _late_strength(form: Form, series: Series) -> float:
    """How much the last quarter gained, if it is best near the end."""
    near_the_end = series.best_index + 1 > _NEAR_THE_END * len(series)
    return ratio(series.quarter, max(_late_least(form, series), _LATE_NOISES * series.noise)) if near_the_end else 0.0


def _improving(form: Form) -> Iterator[Finding]:
    """The last quarter still gained, and training got better too; where validation has too few rows to show it, training alone."""
    series, train = form.main, form.train
    strength = _late_strength(form, series) if train is None or train.quarter > 0 else 0.0
    if strength <= 1 and train is not None and train.last > _FEW_WRONG and form.sampling_error > _POINTS and series.quarter >= 0:
        series, strength = train, _late_strength(form, train)
    before = len(series) - 1 - max(len(series) // 4, 1)
    then, last = series.change(before)
    yield Finding(
        verdict=Verdict.IMPROVING,
        strength=strength,
        reason=f"{series.name} still gets better: {then} {series.when(before)}, {last} at the end",
    )


def _misfit(form: Form) -> Iterator[Finding]:
    """A classifier that has learnt nothing even of its training data, however validation jumps."""
    if form.scale is not Scale.SHARE or form.train is None or form.held_out is None or len(form.main) < _SEVERAL:
        return
    train = form.train
    first, last = train.change(0)
    reason = f"{train.name} has not got better: {first} {train.when(0)}, {last} at the end"
    yield Finding(verdict=Verdict.UNDERFIT, strength=_learnt_nothing(form, train, form.held_out), reason=reason)


def _learnt_nothing(form: Form, train: Series, held_out: Series) -> float:
    """How far a classifier is from having learnt anything: its training metric has hardly moved, or does not move at all."""
    if form.counts_answers and train.last > _NEVER_MOVED_WRONG and all(len(set(each.logged)) == 1 for each in (train, held_out)):
        return 2.0
    if len(form.main) < TELLING or held_out.last - train.last > _FAR_POINTS:
        return 0.0
    late = train.errors[len(train.errors) // 3 :]
    if form.counts_answers and max(late) - min(late) <= CONSTANT and train.last > _CONSTANT_WRONG:
        return 2.0
    return misfit(form) if train.first - train.best <= max(_POINTS, 2 * train.noise) else 0.0


def misfit(form: Form) -> float:
    """How much of the training data a classifier gets wrong, above 1: more than one that fits."""
    if form.main.last + form.sampling_error < _FITS:
        return 0.0  # validation does better than training, as with dropout
    return form.learning.last / (_LOW_R2 if form.explains_variance else _LOW_SHARE)


def _underfit(form: Form) -> Iterator[Finding]:
    """Not even the training data are fitted, by what others reach or by what is known of the metric."""
    series = form.learning
    at_end = f"{series.name} is {series.value(-1)} at the end"
    if form.attainable is not None:
        behind = min(series.last, form.main.last) - form.attainable
        least = max(_gap_least_at(form, form.attainable), _NOISES * form.main.noise)
        yield Finding(
            verdict=Verdict.UNDERFIT,
            strength=ratio(behind, least),
            reason=f"{at_end}, worse than what the best training job reaches on held-out data",
        )
    if form.scale is Scale.SHARE and form.train is not None:
        reason = f"{at_end}: not even the training data are fitted"
        yield Finding(verdict=Verdict.UNDERFIT, strength=misfit(form), reason=reason)
    evenly = series.last == series.best and series.quarter >= max(EVEN * (series.first - series.last), 2 * series.noise) > 0
    if form.scale not in _HARDLY or (form.scale is Scale.ENTROPY and series.last <= _HIGH_LOSS and not evenly):
        return
    if chance_level(form, form.main) is not None and form.main.first - form.main.best < STUCK * form.main.first:
        series = form.main  # what training gains is no more than the wild beginning, if validation stays where guessing is
    moved = (series.first - series.best) / max(abs(series.first), 1e-12)
    classes = chance_level(form, series)
    first, last = series.change(0)
    guessing = f", about what guessing one of {classes} classes gives ({math.log(classes):.4g})" if classes is not None else ""
    yield Finding(
        verdict=Verdict.UNDERFIT,
        strength=(_HARDLY[form.scale] if len(series) >= TELLING or evenly else STUCK) / max(moved, 1e-3),
        reason=f"{series.name} has hardly fallen: {first} {series.when(0)}, {last} at the end{guessing}",
    )


def _gap_least_at(form: Form, level: float) -> float:
    if form.scale is Scale.SHARE:
        return 0.05
    if form.scale is Scale.SIGNED:
        return 0.3 * max(form.gained, 1e-12)
    return max(0.3 * level, 0.05 * form.first)
