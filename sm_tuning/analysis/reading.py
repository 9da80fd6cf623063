"""Reads results through the public API (Describe, List, CloudWatch), so jobs in AWS and on the emulator look the same."""

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from sm_tuning.analysis.curves import CurveCache, TrialCurves, curves_of
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.client.description import TuningJobDescription, description
from sm_tuning.client.errors import DENIED, code_of
from sm_tuning.client.run import TuningRun
from sm_tuning.client.status import FailureGroup, Training
from sm_tuning.errors import Invalid, NotFound
from sm_tuning.spec.data_scaling import scaling_job_name

T = TypeVar("T")

_READERS = 8  # logs that are read at a time


def read_results(
    *runs: TuningRun,
    curves: bool = True,
    cache: CurveCache | None = None,
    described: Sequence[Mapping[str, Any]] | None = None,
) -> Results:
    """Read the results that tuning jobs have so far.

    Args:
        runs: One tuning job or several; all must have the same objective.
        curves: Whether to read the learning curves, a log for each training job.
        cache: Curves of training jobs that had ended when they were read before; those that have ended since are added.
        described: Answers of `describe`, one for each tuning job, where they are at hand.

    Raises:
        Invalid: The tuning jobs have different objectives.
    """
    jobs = [description(answer) for answer in described or [run.describe() for run in runs]]
    objectives = {(job.objective.goal, job.objective.name) for job in jobs}
    if len(objectives) != 1:
        raise Invalid(f"the tuning jobs have the objectives {sorted(objectives)}; results need one and the same")
    cache = {} if cache is None else cache
    trials = [trial for run, job in zip(runs, jobs, strict=True) for trial in _trials(run, job if curves else None, cache)]
    return Results(tuning_jobs=jobs, trials=trials)


def read_data_scaling(results: Results, runs: Sequence[TuningRun], cache: CurveCache | None = None) -> Results | None:
    """Read the training jobs on growing shares of the training set that belong to the tuning job with the best training job.

    Args:
        results: The results of the tuning jobs.
        runs: The tuning jobs.
        cache: As for `read_results`.

    Returns:
        Their results; None if there are none, if they may not be read, or if they have other hyperparameters than the best.
    """
    best = results.best
    run = next((run for run in runs if best is not None and run.name == best.tuning_job), None)
    if best is None or run is None:
        return None
    scaling_run = run  # mypy: not None in the function below
    try:
        # A role may be allowed to see its own tuning jobs only.
        scaling = _unless_denied(lambda: read_results(scaling_run.other(scaling_job_name(scaling_run.name)), cache=cache))
    except (NotFound, Invalid):
        return None
    if scaling is None:
        return None
    static = scaling.tuning_jobs[0].static_hyperparameters
    same = all(static.get(name, value) == value for name, value in best.hyperparameters.items())
    return scaling if same and len(scaling.ranges) == 1 and scaling.objective.name == results.objective.name else None


def read_failures(results: Results, runs: Sequence[TuningRun]) -> list[FailureGroup]:
    """Failed training jobs by their reason, the largest group first, with the end of a log where it may be read.

    Args:
        results: The results of the tuning jobs.
        runs: The tuning jobs.
    """
    groups: list[FailureGroup] = []
    for run in runs:
        failed = [
            Training(name=trial.name, status=trial.status, hyperparameters={}, failure_reason=trial.failure_reason)
            for trial in results.trials
            if trial.tuning_job == run.name and trial.status == "Failed"
        ]
        groups += _unless_denied(functools.partial(run.failures, failed)) or []
    return sorted(groups, key=lambda group: len(group.trainings), reverse=True)


def _trials(run: TuningRun, job: TuningJobDescription | None, cache: CurveCache) -> list[TrialResult]:
    """The training jobs of a tuning job; without a description they have no curves."""
    trainings = run.trainings()
    if job is None:
        return [_trial(run.name, training, TrialCurves()) for training in trainings]
    expressions = {name: re.compile(regex) for name, regex in job.metrics.items()}
    unread = [training for training in trainings if training.name not in cache]
    with ThreadPoolExecutor(_READERS) as threads:
        answers = threads.map(lambda training: _read_curves(run, training, expressions), unread)
        curves = cache | dict(zip([training.name for training in unread], answers, strict=True))
    cache.update({training.name: curves[training.name] for training in unread if training.ended is not None})
    return [_trial(run.name, training, curves[training.name]) for training in trainings]


def _trial(tuning_job: str, training: Training, curves: TrialCurves) -> TrialResult:
    return TrialResult(
        tuning_job=tuning_job,
        name=training.name,
        status=training.status,
        hyperparameters=training.hyperparameters,
        reported=training.value,
        created=training.created,
        started=training.started,
        ended=training.ended,
        failure_reason=training.failure_reason,
        curves=curves.curves,
        coarse=curves.coarse,
        definition=training.definition,
    )


def _read_curves(run: TuningRun, training: Training, expressions: Mapping[str, "re.Pattern[str]"]) -> TrialCurves:
    """A training job's curves from its log or, where that is gone or may not be read, the means by the minute."""
    if not expressions:
        return TrialCurves()
    curves = _unless_denied(lambda: curves_of(run.logs(training.name), expressions))
    if curves is not None and (curves or training.ended is None):
        return TrialCurves(curves)
    means = _unless_denied(lambda: run.minutes(training, list(expressions)))
    return TrialCurves(means, coarse=True) if means else TrialCurves()


def _unless_denied(read: Callable[[], T]) -> T | None:
    """What a function reads; None where the caller has not the right to read it."""
    try:
        return read()
    except ClientError as error:
        if code_of(error) not in DENIED:
            raise
        return None
