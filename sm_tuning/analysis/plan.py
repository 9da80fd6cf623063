"""The plan: of all that was proposed what nothing speaks against, in the order of worth."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sm_tuning.analysis.advice import Advice, Ranges, Remedy
from sm_tuning.analysis.confidence import Confidence
from sm_tuning.analysis.direction import about_goal
from sm_tuning.analysis.effects import Edge
from sm_tuning.analysis.evidence import Evidence
from sm_tuning.analysis.fit import Verdict
from sm_tuning.analysis.goal import with_right_goal
from sm_tuning.analysis.range_remedies import about_deaths, about_ranges
from sm_tuning.analysis.remedies import about_causes, about_failures, about_fit, more_data
from sm_tuning.rules.roles import Role, role_of

_MANY = 0.25  # of the training jobs died: that comes first
_SOME = 2  # training jobs: one may be chance
_LATE = 2 / 3  # of the training jobs: a best that came later may not be the last
_MOST = 0.7  # of the training jobs with as many epochs as the best one still improve, too
_BY_EFFECTS = {Remedy.END_RANGE, Remedy.WIDEN_RANGE}


def advised(evidence: Evidence) -> list[Advice]:
    """The advice on a tuning job: one plan. No two of it change the same hyperparameter, none goes against what was measured."""
    plan: list[Advice] = []
    left_out = ""
    for advice in _proposed(evidence):
        kept = replace(advice, ranges=_within_cliffs(advice.ranges, evidence))
        if (objection := next(objections(kept, plan, evidence), None)) is None:
            plan.append(kept)
        elif kept.kind is Remedy.MORE_EPOCHS:
            left_out = left_out or f"; {kept.remedy}? Not by what was measured: {objection}"
    return [*plan, *_last(plan, evidence, left_out)]


def _proposed(evidence: Evidence) -> Iterator[Advice]:
    """Every proposal, in the order of worth: where most training jobs die, first that."""
    yield from _about_goal(evidence)
    yield from about_causes(evidence, first=True)
    yield from about_failures(evidence)
    if evidence.goal_is_wrong:
        return  # the best training job is the worst: neither it nor what led to it says what to do
    many = evidence.died > _MANY * len(evidence.fits)
    if many:
        yield from about_deaths(evidence)
    yield from about_fit(evidence)
    yield from about_causes(evidence, first=False)
    yield from about_deaths(evidence)
    yield from about_ranges(evidence)
    if evidence.scaling is not None:
        yield from more_data(evidence)


def _about_goal(evidence: Evidence) -> Iterator[Advice]:
    """The goal, where it is wrong."""
    if evidence.goal_is_wrong:
        best = with_right_goal(evidence.results).best
        least = f"by its name {best.name} is the best ({best.objective:.5g}), and " if best is not None else ""
        what = f"{least}neither ranges by the objective nor another round are advised before the goal is right"
        yield Advice(
            kind=Remedy.CHANGE_GOAL,
            remedy=Remedy.CHANGE_GOAL.value,
            reason=f"{about_goal(evidence.results.objective)}; {what}",
            confidence=Confidence.HIGH,
        )


def objections(advice: Advice, plan: Sequence[Advice], evidence: Evidence) -> Iterator[str]:
    """Everything that speaks against an advice.

    Args:
        advice: What is proposed.
        plan: What has been chosen already.
        evidence: What was measured.
    """
    for other in plan:
        same = other.hyperparameter == advice.hyperparameter
        # A scale goes together with other ends.
        moved = other.hyperparameter is not None and Remedy.LOGARITHMIC_SCALE not in {advice.kind, other.kind}
        if other.kind is advice.kind.opposite or (same and (moved or other.kind is advice.kind)):
            yield f"the plan says: {other.remedy}"
    name, toward = advice.hyperparameter, advice.toward
    if name is None or toward is None:
        return
    others = evidence.with_as_many(name)
    if role_of(name) is Role.EPOCHS and toward is Edge.HIGH and others[Verdict.OVERFIT] >= max(_SOME, others[Verdict.IMPROVING]):
        yield f"{others[Verdict.OVERFIT]} training jobs with about as many {name} overfit"
    if advice.kind not in _BY_EFFECTS:
        yield from _by_effects(advice, name, toward, evidence)


def _by_effects(advice: Advice, name: str, toward: Edge, evidence: Evidence) -> Iterator[str]:
    """What the effects, which are measured, say against an advice that they did not ask for."""
    better, sure = evidence.better(name), evidence.confidence(name) is not Confidence.LOW
    if better is not None and better is not toward:
        yield f"the objective gets better towards the {better.value} end of {name}"
    if toward is Edge.HIGH and (end := evidence.ceiling(name, deaths=1)) < math.inf:
        yield f"training comes to little or nothing with {name} at {end:.3g}"
    if better is toward and evidence.shows_directions and evidence.levelled_off(name, toward):
        yield f"the objective is hardly better at the {toward.value} end of {name} than before it"
    if evidence.shows_directions and not _shown_by_curves(advice, name, evidence) and (better is None or not sure):
        stopped = evidence.comparison.epochs is not None
        yield f"{evidence.measured} training jobs show no direction of {name}{', as many were stopped' if stopped else ''}"


def _shown_by_curves(advice: Advice, name: str, evidence: Evidence) -> bool:
    """Whether learning curves show an advice on a tuned hyperparameter, without an effect on the objective.

    A curve shows where it should have ended, but not what it would have come to with more epochs. Where others had more and were no
    better, or as many and have levelled off, it is another hyperparameter that decides.
    """
    if advice.confidence is Confidence.LOW:
        return False
    if advice.kind is Remedy.MORE_EPOCHS:
        others = evidence.with_as_many(name)
        return evidence.near(name, Edge.HIGH) and others[Verdict.IMPROVING] >= _MOST * others.total()
    return advice.kind is Remedy.STOP_EARLIER


def _within_cliffs(ranges: Ranges, evidence: Evidence) -> Ranges:
    """Ranges that do not reach where training came to nothing; without those of which nothing is left."""
    kept = {name: (low, min(high, evidence.high_end(name))) for name, (low, high) in ranges.items()}
    return {name: (low, high) for name, (low, high) in kept.items() if low < high}


def _last(plan: Sequence[Advice], evidence: Evidence, left_out: str) -> Iterator[Advice]:
    """Whether to search on, or to stop; neither while no training job has an objective, and no other range would bring one.

    What the verdict asks for and the measurements do not is said here, for its reader expects it.
    """
    best, trials = evidence.results.best, evidence.results.trials
    changed = list(dict.fromkeys(name for advice in plan for name in sorted(advice.changed)))
    number = 0 if best is None else trials.index(best) + 1
    came = f"the best came as number {number} of {len(trials)}"
    if (best is None and not changed) or evidence.goal_is_wrong:
        return
    late = number > _LATE * len(trials)
    if changed or not plan or late:
        why = came if late else f"{evidence.fit.reason}, and no training job shows that a range should change"
        if changed:
            why = f"with the new ranges of {', '.join(changed)}"
        yield Advice(
            kind=Remedy.NEXT_ROUND,
            remedy=Remedy.NEXT_ROUND.value,
            reason=f"{why}{'' if changed else left_out}{_written_by(evidence)}",
            confidence=Confidence.MEDIUM if changed else Confidence.LOW,
            cost=evidence.cost(evidence.jobs),
        )
    elif evidence.fit.levelled_off:
        reason = f"{came}, and none of the ranges asks for more{_at_the_ends(evidence)}"
        whole = evidence.comparison.epochs is None
        reason += "" if whole else "; but many were stopped, so what the ranges hold at the end is hardly known"
        yield Advice(
            kind=Remedy.STOP, remedy=Remedy.STOP.value, reason=reason, confidence=Confidence.MEDIUM if whole else Confidence.LOW
        )


def _at_the_ends(evidence: Evidence) -> str:
    """Hyperparameters whose best values lie at an end of their range, though too little speaks for widening it."""
    ends = [f"the {effect.edge.value} end of {effect.name}" for effect in evidence.effects.values() if effect.edge is not None]
    return f" (the best lie at {' and '.join(ends)}, but too little shows that more would be better beyond)" if ends else ""


def _written_by(evidence: Evidence) -> str:
    """What writes the next round; empty where nothing does, for a warm start takes one definition."""
    jobs = evidence.results.tuning_jobs
    if any(job.several for job in jobs):
        return ""
    return (
        "; `sm-tuning next` writes that tuning job"
        if len(jobs) == 1
        else "; in Python `Diagnosis.next_round` makes that tuning job"
    )
