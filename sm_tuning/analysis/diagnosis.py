"""The diagnosis of a tuning job: its best training job, its hyperparameters, and what to do next."""

import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sm_tuning.analysis.advice import Advice, advised
from sm_tuning.analysis.data_scaling import DataScalingCurve, data_scaling_curve
from sm_tuning.analysis.effects import Effect, effect_of
from sm_tuning.analysis.fit import Fit, Verdict, classify, ends
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.spec.job import WarmStart
from sm_tuning.spec.parameters import Continuous, Integer, Range

if TYPE_CHECKING:
    from sm_tuning.tuning_job import TuningJob


# How failing scripts say so: PyTorch, Keras, scikit-learn, XGBoost and the project's own.
_RAN_AWAY = re.compile(r"(?i)\bdiverge\w*|\bnan\b|not a number|not finite|non-?finite|\binf(inity)?\b|overflow")


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What is to be said of a tuning job."""

    best: str | None
    higher_is_better: bool
    fit: Fit
    fits: Mapping[str, Fit]
    effects: Sequence[Effect]
    advice: Sequence[Advice]
    data: DataScalingCurve | None = None

    def next_round(self, job: "TuningJob", name: str) -> "TuningJob":
        """The same tuning job with the advised ranges, warm-started from this one."""
        changed: dict[str, tuple[float, float]] = {}
        for one in self.advice:
            changed.update(one.ranges)
        ranges = [_changed(one, changed) for one in job.definition.ranges]
        parents = tuple(dict.fromkeys([*(job.warm_start.parents if job.warm_start else ()), job.name]))
        return job.changed(name=name, ranges=ranges, warm_start=WarmStart.identical(*parents[-5:]))


def _changed(one: Range, changed: Mapping[str, tuple[float, float]]) -> Range:
    if one.name not in changed or not isinstance(one, Continuous | Integer):
        return one
    low, high = changed[one.name]
    return replace(one, low=round(low), high=round(high)) if isinstance(one, Integer) else replace(one, low=low, high=high)


def diagnose(results: Results, shares: Results | None = None) -> Diagnosis:
    """What is to be said of a tuning job: of its best training job, of each hyperparameter, and what to do next.

    Args:
        results: The tuning job's, or several ones' with the same objective.
        shares: Training jobs on growing shares of the training set (`reading.read_scaling`), which tell what more data would bring.
    """
    known = [found for row in results.rows if (found := ends(row.curves, results.objective, results.goal)) is not None]
    least = min((end for _, end in known), default=None)
    start = statistics.median(start for start, _ in known) if known else None
    fits = {row.training.name: _judged(row, results, least, start) for row in results.rows}
    best = results.best
    fit = fits[best.training.name] if best else _without_best(fits)
    effects = [effect for name in results.names if (effect := effect_of(results, fits, name)) is not None]
    effects.sort(key=lambda one: one.strength, reverse=True)
    data = data_scaling_curve(shares) if shares is not None else None
    return Diagnosis(
        best=best.training.name if best else None,
        higher_is_better=results.goal == "Maximize",
        fit=fit,
        fits=fits,
        effects=effects,
        advice=advised(results, fit, fits, effects, data),
        data=data,
    )


def _judged(row: TrialResult, results: Results, least: float | None, start: float | None) -> Fit:
    """The verdict on a training job; one that failed because its numbers ran away has often printed sound ones before."""
    fit = classify(row.curves, results.objective, results.goal, least=least, start=start)
    reason = row.training.failure_reason or ""
    if row.training.status == "Failed" and fit.verdict is not Verdict.DIVERGED and (hit := _RAN_AWAY.search(reason)):
        line = next(line for line in reason.splitlines() if hit[0] in line)
        return replace(fit, verdict=Verdict.DIVERGED, reason=f"it failed: {line.strip()[:200]}")
    return fit


def _without_best(fits: Mapping[str, Fit]) -> Fit:
    """What is to be said where no training job has an objective."""
    bad = [fit for fit in fits.values() if fit.verdict is Verdict.DIVERGED]
    if bad and len(bad) * 2 >= len(fits):
        return Fit(verdict=Verdict.DIVERGED, reason=f"{len(bad)} of {len(fits)} training jobs diverged; {bad[0].reason}")
    return Fit(verdict=Verdict.UNKNOWN, reason="no training job has an objective")
