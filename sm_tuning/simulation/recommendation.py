"""What simulated outcomes say to do, in words."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median

from sm_tuning.simulation.outcome import Outcome
from sm_tuning.simulation.settings import Setting

_SURE = 0.5  # of the simulations
_AS_CHEAP = 1.03
_FLOOR = 0.02  # of what the search has gained: less is no difference


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a tuning job may cost in instance-hours; None for any."""

    hours: float | None = None

    def allows(self, outcome: Outcome) -> bool:
        """Whether nine of ten simulated tuning jobs cost no more."""
        return self.hours is None or outcome.hours.high <= self.hours


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """What to do.

    Attributes:
        setting: The setting to take; None if nothing fits the budget.
        sentences: Why, and what else there is to say.
        hopeless: More training jobs will hardly help.
    """

    setting: Setting | None
    sentences: Sequence[str]
    hopeless: bool


def recommend(
    outcomes: Sequence[Outcome], today: Outcome, more: Outcome, *, sign: float, noise: float, budget: Budget
) -> Recommendation:
    """The cheapest setting that is as good as today's; within a budget, the cheapest of those that are as good as the best in it.

    Args:
        outcomes: What can be chosen, today's setting among it.
        today: What the setting of the tuning job comes to.
        more: What it comes to with more training jobs.
        sign: 1 where less is better, -1 where more is.
        noise: How far two training jobs with the same hyperparameters lie apart, as a standard deviation.
        budget: What may be spent.
    """
    tolerance = max(noise, _FLOOR * _gained(today, sign))
    affordable = [outcome for outcome in outcomes if budget.allows(outcome)]
    gain = _worse_by(today, more, sign)
    hopeless = gain <= tolerance
    sentences = [_about_more(today, more, gain, noise, hopeless=hopeless)]
    if not affordable:
        least = min(outcome.hours.high for outcome in outcomes)
        sentences.insert(0, f"no setting fits into {budget.hours:.3g} instance-hours; the least needs {least:.3g}")
        return Recommendation(setting=None, sentences=sentences, hopeless=hopeless)
    reference = today
    if budget.hours is not None:
        reference = _best(affordable, sign)
    chosen = _cheapest(affordable, reference, sign, tolerance)
    return Recommendation(
        setting=chosen.setting,
        sentences=[
            _why(chosen, reference, today, sign, tolerance, budget),
            *_not_as_good(outcomes, chosen, reference, sign, tolerance),
            *sentences,
        ],
        hopeless=hopeless,
    )


def _cheapest(outcomes: Sequence[Outcome], reference: Outcome, sign: float, tolerance: float) -> Outcome:
    """The cheapest of the outcomes that are as good as the reference; of equally cheap ones the quickest."""
    equal = [outcome for outcome in outcomes if outcome is reference or _as_good(outcome, reference, sign, tolerance)]
    least = min((outcome.mean_hours for outcome in equal), default=0.0)
    cheap = [outcome for outcome in equal if outcome.mean_hours <= _AS_CHEAP * least]
    return min(cheap, key=lambda outcome: (outcome.seconds.median, outcome.mean_hours))


def _best(outcomes: Sequence[Outcome], sign: float) -> Outcome:
    """The outcome whose losses are the least in the mean, where one that has found nothing counts as much as the worst of all."""
    worst = max((loss for outcome in outcomes for loss in _losses(outcome, sign) if loss < math.inf), default=0.0)

    def rank(outcome: Outcome) -> tuple[float, int]:
        losses = _losses(outcome, sign)
        return fmean(min(loss, worst) for loss in losses), losses.count(math.inf)

    return min(outcomes, key=rank)


def _as_good(outcome: Outcome, reference: Outcome, sign: float, tolerance: float) -> bool:
    return _worse_by(outcome, reference, sign) <= tolerance and share(outcome, reference, sign, tolerance) >= _SURE


def share(outcome: Outcome, reference: Outcome, sign: float, tolerance: float) -> float:
    """The share of simulations in which an outcome is as good as another: no more than the tolerance worse."""
    return fmean(mine <= theirs + tolerance for mine, theirs in _losses_of_both(outcome, reference, sign))


def _worse_by(outcome: Outcome, reference: Outcome, sign: float) -> float:
    """How much worse the best of an outcome is in the mean of the simulations in which both have found something."""
    differences = [mine - theirs for mine, theirs in _losses_of_both(outcome, reference, sign) if max(mine, theirs) < math.inf]
    return fmean(differences) if differences else 0.0


def _losses_of_both(outcome: Outcome, reference: Outcome, sign: float) -> Iterable[tuple[float, float]]:
    return zip(_losses(outcome, sign), _losses(reference, sign), strict=True)


def _losses(outcome: Outcome, sign: float) -> list[float]:
    """What the best training job of each simulation is worth, without the luck of noise; infinite where none has an objective."""
    return [math.inf if replica.expected is None else sign * replica.expected for replica in outcome.replicas]


def _gained(today: Outcome, sign: float) -> float:
    """What a search gains from its first training job to its last."""
    gains = [sign * (replica.path[0][1] - replica.path[-1][1]) for replica in today.replicas if replica.path]
    return median(gains) if gains else 0.0


def _why(chosen: Outcome, reference: Outcome, today: Outcome, sign: float, tolerance: float, budget: Budget) -> str:
    known = f"{today.setting.jobs} {today.setting.strategy} training jobs"
    if budget.hours is not None:
        rest = "the best that fits" if chosen is reference else f"as good as the best that fits ({reference.setting})"
        return (
            f"{chosen.setting}: {rest} into {budget.hours:.3g} instance-hours; it needs {chosen.hours.median:.3g} "
            f"({chosen.hours.low:.3g} to {chosen.hours.high:.3g})"
        )
    if chosen is today:
        return f"{chosen.setting}, as it was: nothing that was simulated is as good for clearly fewer instance-hours"
    of_hours = chosen.hours.median / today.hours.median if today.hours.median else 1.0
    of_time = chosen.seconds.median / today.seconds.median if today.seconds.median else 1.0
    seeds = len(chosen.replicas)
    times = round(seeds * share(chosen, today, sign, tolerance))
    return (
        f"{chosen.setting}: as good as today's {known} for {of_hours:.0%} of the instance-hours, in {of_time:.0%} of the time, "
        f"in {times} of {seeds} simulations"
    )


def _not_as_good(
    outcomes: Sequence[Outcome], chosen: Outcome, reference: Outcome, sign: float, tolerance: float
) -> Iterable[str]:
    """Why the cheapest that the table shows as cheaper than the chosen setting, with a median as good, is not chosen, if any is."""
    seeming = [
        outcome
        for outcome in outcomes
        if outcome.successes
        and sign * outcome.best.median <= sign * chosen.best.median
        and _AS_CHEAP * outcome.hours.median < chosen.hours.median
    ]
    if not seeming:
        return
    outcome = min(seeming, key=lambda outcome: outcome.hours.median)
    if _as_good(outcome, reference, sign, tolerance):
        yield f"{outcome.setting}: as good, and cheaper by the table's medians; but not clearly in the mean of the simulations' hours"
        return
    worse = _worse_by(outcome, reference, sign)
    seldom = f"as good in only {share(outcome, reference, sign, tolerance):.0%} of the simulations"
    is_so = f"{worse:.2g} worse in the mean of the simulations" if worse > tolerance else seldom
    yield (
        f"{outcome.setting}: cheaper, and no worse by the table's medians; but against {reference.setting}, without the luck of "
        f"noise, it is {is_so} (up to {tolerance:.2g} worse counts as good)"
    )


def _about_more(today: Outcome, more: Outcome, gain: float, noise: float, *, hopeless: bool) -> str:
    counts = f"{more.setting.jobs} instead of {today.setting.jobs}"
    if not hopeless:
        return f"more training jobs help: {counts} gain {gain:.2g} in the mean, above the noise ({noise:.2g})"
    if gain <= noise:
        left = f"what is left is noise ({noise:.2g})"
    else:
        left = f"the search has gained nearly all that there is (the noise is {noise:.2g})"
    return f"more training jobs will hardly help: {counts} gain {gain:.2g}; {left}"


def with_more(setting: Setting) -> Setting:
    """A setting with twice as many training jobs."""
    return replace(setting, jobs=2 * setting.jobs)
