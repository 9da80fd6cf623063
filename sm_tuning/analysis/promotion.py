"""Whether a model is better than the one that is promoted, by more than noise."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sm_tuning.analysis.fit import Verdict, margin
from sm_tuning.analysis.results import Results
from sm_tuning.client.registry import Version
from sm_tuning.spec.metrics import number

NOISE = "Noise"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """The best training job of a tuning job.

    Attributes:
        tuning_job: Name of the tuning job.
        training_job: Its name.
        metric: The objective.
        higher_is_better: Whether the objective is maximized.
        value: Its last value.
        noise: How far that may lie off by noise, in the objective's unit; None if its curve does not show it.
        verdict: The diagnosis of it.
    """

    tuning_job: str
    training_job: str
    metric: str
    higher_is_better: bool
    value: float
    noise: float | None
    verdict: Verdict

    @property
    def facts(self) -> Mapping[str, str]:
        """What the registry keeps of it."""
        noise = {} if self.noise is None else {NOISE: f"{self.noise:.9g}"}
        return {"TuningJobName": self.tuning_job, self.metric: f"{self.value:.9g}", "Verdict": self.verdict.value, **noise}


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """Whether a candidate is to be promoted.

    Attributes:
        promote: It is.
        reason: Why, or why not.
        gain: By how much it is better than the current version (less than 0: worse); None where nothing can be compared.
        needed: By how much it must be better.
    """

    promote: bool
    reason: str
    gain: float | None = None
    needed: float | None = None


def candidate_of(results: Results, verdict: Verdict) -> Candidate | None:
    """The best training job of one tuning job, with the verdict on it; None if no training job has an objective."""
    best = results.best
    if best is None or best.objective is None:
        return None
    objective = results.objective
    return Candidate(
        tuning_job=best.tuning_job,
        training_job=best.name,
        metric=objective.name,
        higher_is_better=objective.higher_is_better,
        value=best.objective,
        noise=margin(best.curves, objective),
        verdict=verdict,
    )


def judge(candidate: Candidate, current: Version | None, min_gain: float | None = None) -> Judgement:
    """Compare a candidate with the current version of its group.

    Args:
        candidate: The model that would be promoted.
        current: The newest version that was not rejected; None without one.
        min_gain: By how much it must be better; None for what is more than the noise of both.
    """
    if current is None:
        return Judgement(promote=True, reason="the group has no version yet")
    value = number(current.facts.get(candidate.metric, ""))
    if value is None or not math.isfinite(value):
        reason = f"version {current.number} does not tell its {candidate.metric}, so nothing can be compared"
        return Judgement(promote=False, reason=reason)
    gain = candidate.value - value if candidate.higher_is_better else value - candidate.value
    noises = [noise for noise in (candidate.noise, number(current.facts.get(NOISE, ""))) if noise]
    needed = math.hypot(*noises) if min_gain is None else min_gain
    than = f"{candidate.metric} {candidate.value:.6g} beside {value:.6g} of version {current.number}"
    if gain <= 0:
        return Judgement(promote=False, reason=f"it is no better: {than}", gain=gain, needed=needed)
    reason = f"it is better by {gain:.2g}, {_counted(needed, len(noises), asked=min_gain is not None)}: {than}"
    return Judgement(promote=gain > needed, reason=reason, gain=gain, needed=needed)


def _counted(needed: float, noises: int, *, asked: bool) -> str:
    """What a gain must exceed, by the noise of so many of the two models."""
    if asked:
        return f"{needed:.2g} is asked for"
    if not noises:
        return "and how noisy they are does not show"
    return f"{needed:.2g} is what noise may come to{'' if noises > 1 else ' of one of them, and that of the other does not show'}"
