"""Remedies for the ranges, by the effects that were measured. Each only proposes: `plan` chooses."""

import math
import statistics
from collections.abc import Iterator, Sequence

from sm_tuning.analysis.advice import Advice, Remedy
from sm_tuning.analysis.confidence import Confidence
from sm_tuning.analysis.effects import STRONG, UNIMPORTANT, Edge, Effect, position
from sm_tuning.analysis.evidence import Evidence
from sm_tuning.spec.metrics import number
from sm_tuning.spec.parameters import Categorical, Scaling

_ENOUGH_JOBS = 50  # to say that a hyperparameter does nothing
_ENOUGH_FOR_CATEGORIES = 20  # with fewer a category has had two or three, in company that may have been bad
_BY_THEMSELVES = 1.1  # importances that add up to more: what hyperparameters do together counts for each of them
_LEAST_WITH = 2  # training jobs with a category
_LEAST_CATEGORIES = 2  # that stay
_AT_THE_END = 0.2  # of the range
_MANY_DEATHS = 5

Proposals = Iterator[Advice]


def about_deaths(evidence: Evidence) -> Proposals:
    """Where training comes to nothing, the range ends."""
    for effect in evidence.effects.values():
        parameter, cliff, end = evidence.numeric(effect.name), evidence.ceiling(effect.name), evidence.high_end(effect.name)
        if effect.dies_above is None or parameter is None or not parameter.low < end < parameter.high:
            continue
        if f"{cliff:.3g}" == f"{parameter.high:.3g}":  # it died at the end of the range, which the next search knows
            continue
        settings = [trial.settings.get(effect.name) for trial in evidence.results.trials]
        above = sum(isinstance(setting, float) and setting >= cliff for setting in settings)
        outcome = "nearly all of those came to little or nothing"
        if cliff < effect.dies_above:  # the first deaths, among training jobs that live
            died = sum(setting >= cliff for setting in evidence.deaths(effect.name))
            outcome = f"{died} of those came to nothing; from {effect.dies_above:.3g} on nearly all came to little or nothing"
        yield Advice(
            kind=Remedy.END_RANGE,
            remedy=f"end the range of {effect.name} at {end:.6g}",
            reason=f"of {len(settings)} training jobs {above} have {cliff:.3g} or more, and {outcome}",
            confidence=Confidence.HIGH if above >= _MANY_DEATHS else Confidence.MEDIUM,
            cost=evidence.cost(evidence.jobs),
            hyperparameter=effect.name,
            toward=Edge.LOW,
            ranges={effect.name: (_low_end(evidence, effect, float(parameter.low)), end)},
        )


def _low_end(evidence: Evidence, effect: Effect, low: float) -> float:
    """The low end of a range whose high end kills: farther down where the best lies at it and the objective gets better there."""
    share = evidence.share(effect.name)
    if Edge.LOW not in {effect.edge, effect.better} or share is None or share > _AT_THE_END:
        return low
    end = evidence.farther(effect.name, Edge.LOW)
    return low if end is None else end


def about_ranges(evidence: Evidence) -> Proposals:
    """What the effects of the hyperparameters ask for, the most important first."""
    strongest = max(evidence.effects.values(), key=lambda effect: effect.importance, default=None)
    sure = strongest is not None and strongest.importance > STRONG and strongest.confidence is not Confidence.LOW
    for effect in evidence.effects.values():
        yield from _logarithmic(evidence, effect)
        yield from _wider(evidence, effect)
        yield from _without_bad_categories(evidence, effect)
        if sure:
            yield from _idle(evidence, effect)


def _logarithmic(evidence: Evidence, effect: Effect) -> Proposals:
    parameter = evidence.numeric(effect.name)
    if effect.wants_logarithmic and parameter is not None:
        decades = math.log10(parameter.high / parameter.low)
        unknown = "; what AWS takes for Auto is not published" if parameter.scaling is Scaling.AUTO else ""
        yield Advice(
            kind=Remedy.LOGARITHMIC_SCALE,
            remedy=f"search {effect.name} on a logarithmic scale",
            reason=f"its range spans {decades:.0f} powers of ten, and the best lie in its lowest tenth{unknown}",
            confidence=effect.confidence,
            cost=evidence.cost(evidence.jobs),
            hyperparameter=effect.name,
        )


def _wider(evidence: Evidence, effect: Effect) -> Proposals:
    """A range that reaches farther beyond the edge at which the best lie."""
    edge, parameter = effect.edge, evidence.results.ranges.get(effect.name)
    if edge is None or parameter is None or effect.confidence is not Confidence.HIGH or evidence.levelled_off(effect.name, edge):
        return
    numeric = evidence.numeric(effect.name)
    ranges = evidence.widened(effect.name, edge)
    values = _with_next(parameter, edge) if isinstance(parameter, Categorical) else []
    if not ranges and not values:
        return
    up = edge is Edge.HIGH
    end = f"{effect.curve[-1 if up else 0][0]:g}" if numeric is None else f"{numeric.high if up else numeric.low:g}"
    yield Advice(
        kind=Remedy.WIDEN_RANGE,
        remedy=f"widen the range of {effect.name} {'upwards' if up else 'downwards'}",
        reason=f"the best training jobs lie at its {edge.value} end, {end}",
        confidence=effect.confidence,
        cost=evidence.cost(evidence.jobs),
        hyperparameter=effect.name,
        toward=edge,
        ranges=ranges,
        values={effect.name: values} if values else {},
    )


def _with_next(parameter: Categorical, edge: Edge) -> Sequence[str]:
    """Whole numbers in a row, such as powers of two, with the next one beyond an end; none for other categories."""
    values = [str(value) for value in parameter.values]
    numbers = [value for text in values if (value := number(text)) is not None and value > 0 and value.is_integer()]
    if numbers != sorted(numbers) or len(numbers) < max(len(values), 3):
        return []
    if edge is Edge.LOW:
        numbers.reverse()
    last, before, third = numbers[-1], numbers[-2], numbers[-3]
    following = last * last / before if last * third == before * before else 2 * last - before
    if following < 1 or not following.is_integer():
        return []
    text = str(int(following))
    return [*values, text] if edge is Edge.HIGH else [text, *values]


def _without_bad_categories(evidence: Evidence, effect: Effect) -> Proposals:
    parameter = evidence.results.ranges.get(effect.name)
    few = evidence.measured < _ENOUGH_FOR_CATEGORIES or effect.confidence is Confidence.LOW
    together = math.fsum(each.importance for each in evidence.effects.values()) > _BY_THEMSELVES
    if few or together or not effect.bad_categories or not isinstance(parameter, Categorical):
        return
    bad = {str(category) for category in effect.bad_categories}
    kept = [str(value) for value in parameter.values if str(value).strip('"') not in bad]
    if len(kept) < _LEAST_CATEGORIES or not all(_bad_everywhere(evidence, effect.name, category) for category in bad):
        return
    yield Advice(
        kind=Remedy.LEAVE_OUT,
        remedy=f"leave out {', '.join(sorted(bad))} of {effect.name}",
        reason="every training job with it was worse than the typical one of the others, whatever the rest was set to",
        confidence=effect.confidence,
        cost=evidence.cost(evidence.jobs),
        hyperparameter=effect.name,
        values={effect.name: kept},
    )


def _bad_everywhere(evidence: Evidence, name: str, category: str) -> bool:
    """Whether each training job with a category is worse than the median of those without it.

    That in both halves of the range of every other hyperparameter that matters: with another value of that it may be the best.
    """
    others = [
        effect.name
        for effect in evidence.effects.values()
        if effect.name != name and effect.confidence is not Confidence.LOW and evidence.numeric(effect.name) is not None
    ]
    objective = evidence.results.objective
    parts: dict[tuple[str, bool], tuple[list[float], list[float]]] = {}
    for trial in evidence.ranking:
        for other in ("", *others):
            share = position(evidence.numeric(other), trial.settings.get(other))
            part = parts.setdefault((other, share is not None and share > 1 / 2), ([], []))
            if trial.objective is not None:
                part[trial.settings.get(name) == category].append(trial.objective)
    enough = len(parts) == 1 + 2 * len(others) and all(min(map(len, part)) >= _LEAST_WITH for part in parts.values())
    return enough and all(
        objective.is_better(statistics.median(without), value) for without, values in parts.values() for value in values
    )


def _idle(evidence: Evidence, effect: Effect) -> Proposals:
    """A hyperparameter that does nothing."""
    idle = effect.importance < UNIMPORTANT and effect.dies_above is None
    if not idle or effect.epochs is not None or evidence.measured < _ENOUGH_JOBS:  # what does nothing early may do so late
        return
    best = evidence.results.best
    setting = best.settings.get(effect.name) if best is not None else None
    value = f"{setting:.3g}" if isinstance(setting, float) else str(setting)
    share = f"{effect.importance:.0%} of the differences between {evidence.measured} training jobs"
    yield Advice(
        kind=Remedy.LEAVE,
        remedy=f"leave {effect.name} at {value}",
        reason=f"it explains {share}; search the others",
        confidence=Confidence.MEDIUM,
        cost=evidence.cost(0),
        hyperparameter=effect.name,
    )
