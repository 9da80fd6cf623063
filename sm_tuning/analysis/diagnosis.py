"""The diagnosis of a tuning job: its best training job, its hyperparameters, and what to do next."""

import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from sm_tuning.analysis.advice import Advice, advised
from sm_tuning.analysis.data_scaling import DataScalingCurve, data_scaling_curve
from sm_tuning.analysis.effects import Effect, effects_of
from sm_tuning.analysis.fit import Fit, Verdict, classify, ends
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.spec.job import TuningJobSpec, WarmStart
from sm_tuning.spec.parameters import Continuous, Integer, Range

_Job = TypeVar("_Job", bound=TuningJobSpec)
_MOST_PARENTS = 5  # of a warm start
# How failing scripts report it: PyTorch, Keras, scikit-learn, XGBoost and the project's own.
_DIVERGENCE = re.compile(r"(?i)\bdiverge\w*|\bnan\b|not a number|not finite|non-?finite|\binf(inity)?\b|overflow")


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """Diagnosis of a tuning job.

    Attributes:
        best: Name of the best training job; None if none has an objective.
        higher_is_better: Whether the objective is maximized.
        fit: The verdict on the best training job.
        fits: The verdict on each training job, by its name.
        effects: What each hyperparameter did, the strongest first.
        advice: What to do, in the order of worth.
        data: The objective on growing shares of the training set; None if it was not measured.
    """

    best: str | None
    higher_is_better: bool
    fit: Fit
    fits: Mapping[str, Fit]
    effects: Sequence[Effect]
    advice: Sequence[Advice]
    data: DataScalingCurve | None = None

    def next_round(self, job: _Job, name: str) -> _Job:
        """The same tuning job with the advised ranges, warm-started from this one."""
        changed: dict[str, tuple[float, float]] = {}
        for advice in self.advice:
            changed.update(advice.ranges)
        ranges = [_changed(parameter, changed) for parameter in job.definition.ranges]
        parents = tuple(dict.fromkeys([*(job.warm_start.parents if job.warm_start else ()), job.name]))
        return job.changed(name=name, ranges=ranges, warm_start=WarmStart.identical(*parents[-_MOST_PARENTS:]))


def _changed(parameter: Range, changed: Mapping[str, tuple[float, float]]) -> Range:
    if parameter.name not in changed or not isinstance(parameter, Continuous | Integer):
        return parameter
    low, high = changed[parameter.name]
    if isinstance(parameter, Integer):
        return replace(parameter, low=round(low), high=round(high))
    return replace(parameter, low=low, high=high)


def diagnose(results: Results, shares: Results | None = None) -> Diagnosis:
    """The diagnosis of a tuning job.

    Args:
        results: The tuning job's results, or those of several ones with the same objective.
        shares: Training jobs on growing shares of the training set (`read_data_scaling`), which show what more data would bring.
    """
    curve_ends = [pair for trial in results.trials if (pair := ends(trial.curves, results.objective)) is not None]
    least = min((end for _, end in curve_ends), default=None)
    start = statistics.median(start for start, _ in curve_ends) if curve_ends else None
    fits = {trial.name: _fit_of(trial, results, least, start) for trial in results.trials}
    best = results.best
    fit = fits[best.name] if best else _without_best(fits)
    effects = effects_of(results, fits)
    scaling = data_scaling_curve(shares) if shares is not None else None
    return Diagnosis(
        best=best.name if best else None,
        higher_is_better=results.objective.higher_is_better,
        fit=fit,
        fits=fits,
        effects=effects,
        advice=advised(results, fit, fits, effects, scaling),
        data=scaling,
    )


def _fit_of(trial: TrialResult, results: Results, least: float | None, start: float | None) -> Fit:
    """The verdict on a training job; one that failed because it diverged has often printed finite values before."""
    fit = classify(trial.curves, results.objective, least=least, start=start)
    reason = trial.failure_reason or ""
    if trial.status == "Failed" and fit.verdict is not Verdict.DIVERGED and (match := _DIVERGENCE.search(reason)):
        line = next(line for line in reason.splitlines() if match[0] in line)
        return replace(fit, verdict=Verdict.DIVERGED, reason=f"it failed: {line.strip()[:200]}")
    return fit


def _without_best(fits: Mapping[str, Fit]) -> Fit:
    """The verdict where no training job has an objective."""
    diverged = [fit for fit in fits.values() if fit.verdict is Verdict.DIVERGED]
    if diverged and len(diverged) * 2 >= len(fits):
        reason = f"{len(diverged)} of {len(fits)} training jobs diverged; {diverged[0].reason}"
        return Fit(verdict=Verdict.DIVERGED, reason=reason)
    return Fit(verdict=Verdict.UNKNOWN, reason="no training job has an objective")
