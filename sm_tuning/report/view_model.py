"""What is shown of tuning jobs: report, dashboard and terminal draw this and derive nothing again."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sm_tuning.analysis.advice import Advice
from sm_tuning.analysis.curves import Curves, LogLines
from sm_tuning.analysis.data_scaling import DataScalingCurve
from sm_tuning.analysis.diagnosis import Diagnosis, diagnose
from sm_tuning.analysis.effects import Effect
from sm_tuning.analysis.fit import Fit, Verdict
from sm_tuning.analysis.next_round import next_round
from sm_tuning.analysis.proposals import Kind, Proposal, Proposals
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.analysis.savings import saved
from sm_tuning.analysis.steps import VALUE
from sm_tuning.client.description import TuningJobDescription
from sm_tuning.client.status import UNFINISHED, FailureGroup, MetricCheck, SilentMetric
from sm_tuning.errors import Invalid
from sm_tuning.report.labels import of_kind
from sm_tuning.spec.from_request import job_of
from sm_tuning.spec.job import TuningJobSpec, WarmStart
from sm_tuning.spec.metrics import Objective
from sm_tuning.spec.parameters import Range
from sm_tuning.spec.written import as_python, as_toml

if TYPE_CHECKING:  # its package needs an extra
    from sm_tuning.simulation.simulation import Simulation

_NO_PROPOSALS = Proposals()

Steps = Sequence[tuple[float, float]]
"""Points of a line: time in seconds or a count, and the best objective by then."""


@dataclass(frozen=True, kw_only=True)
class TrialView:
    """One training job.

    Attributes:
        status: AWS's TrainingJobStatus.
        hyperparameters: The tuned ones as SageMaker has them: text.
        settings: The same as numbers, where they are numbers.
        objective: None if none was reported, if it is not finite, or if the training job failed.
        reported: The objective as the service reports it.
        begin: Seconds from the first training job's creation to its start; None before that.
        end: The same to its end.
        seconds: Time that it took; None before its end.
        fit: The verdict on it with its evidence.
        log: The end of its log, with whether a metric's expression matches each line.
        silent: Metrics whose expression matches nothing in its log, or takes too long on some lines.
        model: Where its model lies in S3; None where none was found.
        proposal: Why it has its hyperparameters; None where that is not known.
        stopped_at: Where it was stopped, as `Results.stopped_at` says.
        compared: The objective by which it is compared with others; None where it is not.
    """

    tuning_job: str
    name: str
    status: str
    failure_reason: str | None
    hyperparameters: Mapping[str, str]
    settings: Mapping[str, float | str]
    objective: float | None
    reported: float | None
    begin: float | None
    end: float | None
    seconds: float | None
    curves: Curves
    fit: Fit
    is_best: bool
    log: LogLines
    silent: Sequence[MetricCheck]
    model: str | None
    proposal: Proposal | None
    stopped_at: str = ""
    compared: float | None = None

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.status in UNFINISHED

    @property
    def died(self) -> bool:
        """Whether its training came to nothing (`Verdict.died`)."""
        return self.fit.verdict.died


@dataclass(frozen=True, kw_only=True)
class ComparedJob:
    """One of several tuning jobs beside the others.

    Attributes:
        strategy: AWS's name of it.
        trials: Number of its training jobs.
        best: Its best objective.
        verdict: The verdict on its best training job.
        best_over_time: The best so far at each end of a training job, in seconds since its first one was created.
        best_over_trials: The same over the number of training jobs that have ended.
    """

    name: str
    strategy: str
    seed: int | None
    warm_start: WarmStart | None
    trials: int
    best: float | None
    verdict: Verdict | None
    wall_seconds: float
    instance_hours: float
    best_over_time: Steps
    best_over_trials: Steps


@dataclass(frozen=True)
class NextRoundText:
    """The tuning job that follows as TOML and as Python; both are empty where there is none, for the reason in `refusal`."""

    toml: str = ""
    python: str = ""
    refusal: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)  # one is itself alone, so what is derived of it can be kept
class ViewModel:
    """One tuning job or several with the same objective, as they are shown.

    Attributes:
        tuning_jobs: Names of the tuning jobs.
        jobs: The tuning jobs as the service describes them.
        failures: Failed training jobs by their reason, the largest group first.
        silent: Metrics that no training job has printed so that their expression matches, with the nearest lines, and those
            whose expression takes too long on some lines.
        hyperparameters: Names of the tuned hyperparameters.
        ranges: Their ranges, as far as they are known, each of the latest tuning job that has it.
        trials: All training jobs in the order of their launch.
        ranking: Those with an objective, the best first.
        timeline: Those that have ended, in the order of their starts.
        best: The best training job.
        diagnosis: The diagnosis in full; `fit`, `effects`, `advice` and `data_scaling` are its parts.
        verdicts: Number of training jobs of each verdict, the most frequent first.
        best_so_far: The best objective at each end of a training job, in seconds since the first one was created.
        comparison: The tuning jobs beside each other; empty for a single one.
        coarse: Number of training jobs whose curves are means by the minute.
        training_seconds: Time of all training jobs together.
        wall_seconds: From the first training job's creation to the last one's end.
        instance_hours: What AWS charges for.
        max_parallel: Training jobs at a time.
        slot_use: Share of the parallel slots' time that was spent training; None before anything has ended.
        step: What the script calls that after which it prints the objective: `epoch`, `round`; `value` where that is not known.
        saved: Seconds that stopping training jobs has saved, by what stops them: `early stopping` or `Hyperband`.
        proposed: How many training jobs there are of each kind of proposal and what that means, in the order of the kinds.
        held: Of the training jobs whose objective a model had expected in an interval: in how many it lies there, and of how many.
        unexplained: Why some proposals are not explained, a sentence each, without its full stop.
        latest: Name of the tuning job that was created last, which the next round follows.
        request: What would create that tuning job again, in AWS's form.
        simulation: What other settings would have come to, where that was asked for.
    """

    tuning_jobs: Sequence[str]
    jobs: Sequence[TuningJobDescription]
    failures: Sequence[FailureGroup]
    silent: Sequence[SilentMetric]
    objective: Objective
    hyperparameters: Sequence[str]
    ranges: Mapping[str, Range]
    trials: Sequence[TrialView]
    ranking: Sequence[TrialView]
    timeline: Sequence[TrialView]
    best: TrialView | None
    diagnosis: Diagnosis
    verdicts: Sequence[tuple[Verdict, int]]
    best_so_far: Steps
    comparison: Sequence[ComparedJob]
    coarse: int
    training_seconds: float
    wall_seconds: float
    instance_hours: float
    max_parallel: int
    slot_use: float | None
    step: str
    saved: Mapping[str, float]
    proposed: Sequence[str]
    held: tuple[int, int]
    unexplained: Sequence[str]
    latest: str
    request: Mapping[str, Any]
    simulation: "Simulation | None" = None

    @cached_property
    def next_round(self) -> NextRoundText:
        """The tuning job that follows, as text; made when it is first asked for: it takes longer than all the rest."""
        if self.running:
            return NextRoundText(refusal="it learns from training jobs that have ended, and some run still")
        try:
            following = next_round(self.diagnosis, job_of(TuningJobSpec, self.request))
        except Invalid as error:
            return NextRoundText(refusal=str(error))
        return NextRoundText(as_toml(following.job, following.comments), as_python(following.job, following.comments))

    @property
    def fit(self) -> Fit:
        """The verdict on the best training job."""
        return self.diagnosis.fit

    @property
    def effects(self) -> Sequence[Effect]:
        """What each hyperparameter did, the most important first."""
        return self.diagnosis.effects

    @property
    def advice(self) -> Sequence[Advice]:
        """What to do, in the order of worth."""
        return self.diagnosis.advice

    @property
    def data_scaling(self) -> DataScalingCurve | None:
        """The objective on growing shares of the training set."""
        return self.diagnosis.data

    @property
    def made(self) -> str:
        """The title of the column that says how many values of the judged metric a training job printed."""
        return "values printed" if self.step == VALUE else f"{self.step}s trained"

    @property
    def best_first(self) -> Sequence[TrialView]:
        """All training jobs: the ranking, then those without an objective."""
        return [*self.ranking, *(trial for trial in self.trials if trial.objective is None)]

    @property
    def running(self) -> Sequence[TrialView]:
        """Training jobs that have not ended, in the order of their launch."""
        return [trial for trial in self.trials if trial.running]

    @property
    def ended(self) -> Sequence[TrialView]:
        """Training jobs that have ended, the latest first."""
        return [trial for trial in reversed(self.trials) if not trial.running]


def view_model(
    results: Results,
    shares: Results | None = None,
    failures: Sequence[FailureGroup] = (),
    proposals: Proposals = _NO_PROPOSALS,
) -> ViewModel:
    """The view model of tuning jobs' results.

    Args:
        results: The results of tuning jobs with the same objective.
        shares: Training jobs on growing shares of the training set, where there are any.
        failures: Failed training jobs by their reason, with the end of a log.
        proposals: Why each point was proposed.
    """
    diagnosis = diagnose(results, shares)
    reasons = proposals.by_name
    trials = {trial.name: _trial(trial, results, diagnosis, reasons.get(trial.name)) for trial in results.trials}
    kinds = Counter(proposal.kind for proposal in reasons.values())
    ran = [trial for trial in results.trials if trial.started and trial.ended]
    begin = results.begin
    return ViewModel(
        tuning_jobs=[job.name for job in results.tuning_jobs],
        jobs=results.tuning_jobs,
        failures=failures,
        silent=_silent(results),
        objective=results.objective,
        hyperparameters=results.hyperparameters,
        ranges=results.ranges,
        trials=list(trials.values()),
        ranking=[trials[trial.name] for trial in results.ranking],
        timeline=[trials[trial.name] for trial in sorted(ran, key=lambda trial: _since(begin, trial.started) or 0.0)],
        best=trials[diagnosis.best] if diagnosis.best is not None else None,
        diagnosis=diagnosis,
        verdicts=Counter(fit.verdict for fit in diagnosis.fits.values()).most_common(),
        best_so_far=[(_since(begin, time) or 0.0, value) for time, value in results.best_so_far()],
        comparison=[_compared(part, diagnosis) for part in results.parts] if len(results.tuning_jobs) > 1 else [],
        coarse=sum(trial.coarse for trial in results.trials),
        training_seconds=results.training_seconds,
        wall_seconds=results.wall_seconds,
        instance_hours=results.instance_hours,
        max_parallel=results.tuning_jobs[0].max_parallel,
        slot_use=results.slot_use,
        step=results.step,
        saved=saved(results),
        proposed=[of_kind(kind, kinds[kind]) for kind in Kind if kinds[kind]],
        held=_held(results, reasons),
        unexplained=proposals.missing,
        latest=results.latest.name,
        request=results.latest.request,
    )


def _since(begin: datetime | None, time: datetime | None) -> float | None:
    return (time - begin).total_seconds() if time is not None and begin is not None else None


def _held(results: Results, reasons: Mapping[str, Proposal]) -> tuple[int, int]:
    """How many objectives lie in the interval in which they were expected, and how many there are."""
    pairs = [(reasons[trial.name], trial.objective) for trial in results.trials if trial.name in reasons]
    judged = [proposal.holds(objective) for proposal, objective in pairs if proposal.low is not None and objective is not None]
    return sum(judged), len(judged)


def _trial(trial: TrialResult, results: Results, diagnosis: Diagnosis, proposal: Proposal | None) -> TrialView:
    return TrialView(
        tuning_job=trial.tuning_job,
        name=trial.name,
        status=trial.status,
        failure_reason=trial.failure_reason,
        hyperparameters=trial.hyperparameters,
        settings=trial.settings,
        objective=trial.objective,
        reported=trial.reported,
        begin=_since(results.begin, trial.started),
        end=_since(results.begin, trial.ended),
        seconds=trial.seconds,
        curves=trial.curves,
        fit=diagnosis.fits[trial.name],
        is_best=trial.name == diagnosis.best,
        log=trial.log,
        silent=trial.silent,
        model=trial.model,
        proposal=proposal,
        stopped_at=results.stopped_at(trial),
        compared=diagnosis.comparison.values.get(trial.name),
    )


def _silent(results: Results) -> list[SilentMetric]:
    """Metrics that are silent wherever they are looked for, and those whose expressions could not be tried on all lines.

    What has failed may have done so before it printed any.
    """
    heard = {name for trial in results.trials for name in trial.curves}
    silent: dict[str, list[tuple[MetricCheck, str]]] = {}
    for trial in results.trials:
        for check in trial.silent:
            if not check.usable or (check.metric not in heard and trial.status != "Failed"):
                silent.setdefault(check.metric, []).append((check, trial.name))
    return [SilentMetric(check=checks[0][0], trainings=[name for _, name in checks]) for checks in silent.values()]


def _compared(part: Results, diagnosis: Diagnosis) -> ComparedJob:
    job, best, steps = part.tuning_jobs[0], part.best, part.best_so_far()
    return ComparedJob(
        name=job.name,
        strategy=job.strategy,
        seed=job.seed,
        warm_start=job.warm_start,
        trials=len(part.trials),
        best=best.objective if best is not None else None,
        verdict=diagnosis.fits[best.name].verdict if best is not None else None,
        wall_seconds=part.wall_seconds,
        instance_hours=part.instance_hours,
        best_over_time=[(_since(part.begin, time) or 0.0, value) for time, value in steps],
        best_over_trials=[(float(count), value) for count, (_, value) in enumerate(steps, start=1)],
    )
