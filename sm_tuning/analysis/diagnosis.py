"""The diagnosis of a tuning job: its best training job, its hyperparameters, and what to do next."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from sm_tuning.analysis import failures
from sm_tuning.analysis.advice import Advice
from sm_tuning.analysis.cliffs import dead_by_rate
from sm_tuning.analysis.confidence import Confidence
from sm_tuning.analysis.data_scaling import DataScalingCurve, data_scaling_curve
from sm_tuning.analysis.effects import Effect, effects_of
from sm_tuning.analysis.equal_epochs import Comparison, compared
from sm_tuning.analysis.evidence import Evidence
from sm_tuning.analysis.fit import Cause, Fit, Remark, Verdict, attainable, classify
from sm_tuning.analysis.goal import with_right_goal
from sm_tuning.analysis.next_round import next_round
from sm_tuning.analysis.plan import advised
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.analysis.shared_settings import SharedSetting
from sm_tuning.analysis.steps import counted
from sm_tuning.client.status import better_still
from sm_tuning.rules.metric_pairs import about_not_understood, not_understood
from sm_tuning.spec.job import TuningJobSpec
from sm_tuning.summary import Items, Summary, Table

_Job = TypeVar("_Job", bound=TuningJobSpec)
_HALF = 0.5  # of its epochs


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """Diagnosis of a tuning job.

    Attributes:
        tuning_jobs: Names of the tuning jobs that ran.
        best: Name of the best training job; None if none has an objective.
        higher_is_better: Whether the objective is maximized.
        fit: The verdict on the best training job.
        fits: The verdict on each training job, by its name.
        effects: What each hyperparameter did, the strongest first.
        advice: What to do, in the order of worth.
        data: The objective on growing shares of the training set; None if it was not measured.
        not_understood: Metrics that were compared with nothing, because their names do not say of which data they are; each with the
            name by which it is understood as of the training data.
        shared_by_failed: Values of hyperparameters that training jobs which failed have in common, where that is no chance.
        better_still: That a training job of a warm start's parent is better than `best`, and which; empty if none is.
        comparison: By which values of the objective training jobs were compared: at equal epochs, where many were stopped.
    """

    tuning_jobs: Sequence[str]
    best: str | None
    higher_is_better: bool
    fit: Fit
    fits: Mapping[str, Fit]
    effects: Sequence[Effect]
    advice: Sequence[Advice]
    data: DataScalingCurve | None = None
    comparison: Comparison = field(default_factory=Comparison)
    not_understood: Mapping[str, str] = field(default_factory=dict)
    shared_by_failed: Sequence[SharedSetting] = ()
    better_still: str = ""

    @property
    def about_metrics(self) -> str:
        """Which metrics were not understood, and what makes that they are; empty for none."""
        return about_not_understood(self.not_understood)

    def next_round(self, job: _Job, name: str | None = None) -> _Job:
        """The tuning job that follows: the advised ranges, a fresh seed, warm-started from the tuning jobs that ran.

        Args:
            job: The tuning job that was diagnosed; of several rounds the latest.
            name: The new name; None for the old one with the next number that no diagnosed tuning job has.

        Raises:
            Invalid: There is no next round of it (`sm_tuning.analysis.next_round`).
        """
        return next_round(self, job, name).job

    def _summary(self) -> Summary:
        """The diagnosis in short: verdict, advice and effects."""
        verdicts = Counter(fit.verdict for fit in self.fits.values()).most_common()
        facts = {
            "best": "; ".join(filter(None, [self.best or "no training job has an objective", self.better_still])),
            "verdict": f"{self.fit.verdict.value} ({self.fit.confidence.value} confidence): {self.fit.reason}",
            "remarks": "; ".join(f"{remark.cause.value}: {remark.text}" for remark in self.fit.remarks),
            "all": ", ".join(f"{count} {verdict.value}" for verdict, count in verdicts),
            "metrics": self.about_metrics,
            "compared": self.comparison.sentence,
            "failed": "; ".join(shared.sentence for shared in self.shared_by_failed),
        }
        effects = [(effect.name, effect.decides, effect.best_around, ", ".join(effect.remarks)) for effect in self.effects]
        columns = ("hyperparameter", "decides", "best around", "remarks")
        return Summary(
            title=f"Diagnosis of {', '.join(self.tuning_jobs)}",
            facts=facts,
            sections=[
                Items(caption="what to do, in the order of worth", lines=list(map(str, self.advice))),
                Table(caption="what the hyperparameters did", columns=columns, rows=effects),
            ],
        )

    def __repr__(self) -> str:
        return str(self._summary())

    def _repr_html_(self) -> str:
        return self._summary().html()


def diagnose(results: Results, shares: Results | None = None) -> Diagnosis:
    """The diagnosis of a tuning job.

    Args:
        results: The tuning job's results, or those of several ones with the same objective.
        shares: Training jobs on growing shares of the training set (`read_data_scaling`), which show what more data would bring.
    """
    names = list(dict.fromkeys(name for trial in results.trials for name, values in trial.curves.items() if len(values)))
    best_values = attainable([trial.curves for trial in results.trials], results.objective)
    judged = with_right_goal(results)
    fits = dead_by_rate(judged, {trial.name: _fit_of(trial, results, best_values) for trial in results.trials})
    fits = {trial.name: _as_far_as_it_came(fits[trial.name], trial, results) for trial in results.trials}
    best = results.best
    fit = fits[best.name] if best else _without_best(fits)
    comparison = compared(judged, fits)
    effects = effects_of(judged, fits, comparison)
    scaling = data_scaling_curve(shares) if shares is not None else None
    evidence = Evidence(
        results=results,
        fit=fit,
        fits=fits,
        comparison=comparison,
        effects={effect.name: effect for effect in effects},
        scaling=None if scaling is None or scaling.unused else scaling,
    )
    return Diagnosis(
        tuning_jobs=[job.name for job in results.tuning_jobs],
        best=best.name if best else None,
        higher_is_better=results.objective.higher_is_better,
        fit=fit,
        fits=fits,
        effects=effects,
        advice=advised(evidence),
        comparison=comparison,
        not_understood=not_understood(names, results.objective.name),
        shared_by_failed=evidence.shared_by_failed,
        data=scaling,
        better_still=_better_still(results),
    )


def _better_still(results: Results) -> str:
    """That a training job of a parent is better than all of these, among which the parent's may be; empty if none is."""
    objective, best = results.objective, results.best
    value, parent = None if best is None else best.objective, None
    for training in filter(None, (job.best_of_parents for job in results.tuning_jobs)):
        if training.value is not None and (value is None or objective.is_better(training.value, value)):
            value, parent = training.value, training
    return "" if parent is None else better_still(objective.name, parent)


def _as_far_as_it_came(fit: Fit, trial: TrialResult, results: Results) -> Fit:
    """A verdict without what cannot be known yet of a training job that was stopped before half of its epochs.

    That it fits well or underfits may change; that it came to nothing, overfits or still improves was seen.
    """
    made, most = results.values_made(trial), results.most_values(trial)
    if made is None or (most is not None and made >= _HALF * most) or trial.status != "Stopped" or not fit.epochs:
        return fit
    if fit.verdict not in {Verdict.UNDERFIT, Verdict.GOOD, Verdict.UNKNOWN}:
        return fit
    seen = "" if fit.verdict is Verdict.UNKNOWN else f": so far {fit.reason}"
    reason = f"it was stopped after {counted(made, results.step) if most is None else f'{made} of {counted(most, results.step)}'}"
    reason += f", too few for a verdict{seen}"
    return replace(fit, verdict=Verdict.UNKNOWN, reason=reason, confidence=Confidence.HIGH)


def _fit_of(trial: TrialResult, results: Results, best_values: Mapping[str, float]) -> Fit:
    """The verdict on a training job; one that failed is judged by its failure reason first.

    What others reach in more epochs says nothing of one that was stopped.
    """
    reached = best_values if results.ran_to_its_end(trial) else {}
    fit = classify(trial.curves, results.objective, attainable=reached, step=results.step)
    if trial.status != "Failed" or fit.verdict.died:
        return fit
    reason = trial.failure_reason or ""
    if (line := failures.diverged(reason)) is not None:
        return replace(fit, verdict=Verdict.DIVERGED, reason=f"it failed: {line}", confidence=Confidence.HIGH)
    line = failures.telling_line(reason)
    remark = Remark(Cause.FAILED, f"it failed, and not because training diverged: {line}")
    return replace(
        fit, verdict=Verdict.UNKNOWN, reason=f"it failed: {line}", confidence=Confidence.HIGH, remarks=(*fit.remarks, remark)
    )


def _without_best(fits: Mapping[str, Fit]) -> Fit:
    """The verdict where no training job has an objective."""
    for apply, said in ((lambda fit: fit.verdict.died, "came to nothing"), (lambda fit: Cause.FAILED in fit.causes, "failed")):
        like = [fit for fit in fits.values() if apply(fit)]
        if like and len(like) * 2 >= len(fits):
            reason = f"{len(like)} of {len(fits)} training jobs {said}; {like[0].reason}"
            return Fit(verdict=like[0].verdict, reason=reason, remarks=like[0].remarks)
    return Fit(verdict=Verdict.UNKNOWN, reason="no training job has an objective")
