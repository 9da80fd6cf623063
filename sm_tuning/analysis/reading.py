"""Reads results through the public API (Describe, List, CloudWatch), so jobs in AWS and on the emulator look the same."""

from collections.abc import Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

from sm_tuning.analysis.curves import DetailsCache, LogLines, TrialDetails, curves_of
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.client.description import TuningJobDescription, description
from sm_tuning.client.errors import unless_denied
from sm_tuning.client.log_search import LogMatches, LogSearch
from sm_tuning.client.run import TuningRun
from sm_tuning.client.status import FailureGroup, Training
from sm_tuning.errors import Invalid, NotFound
from sm_tuning.spec.data_scaling import scaling_job_name

_READERS = 8  # logs that are read at a time
_TAIL = 200  # lines that are kept of each


def read_results(
    *runs: TuningRun,
    curves: bool = True,
    cache: DetailsCache | None = None,
    described: Sequence[Mapping[str, Any]] | None = None,
) -> Results:
    """Read the results that tuning jobs have so far: `sm_tuning.read_results`, which says what the arguments are, without charts."""
    answers = described or [run.describe() for run in runs]
    # By the name that was asked for, which training jobs have too, whatever name the answer tells.
    jobs = [replace(description(answer), name=run.name) for run, answer in zip(runs, answers, strict=True)]
    objectives = {(job.objective.goal, job.objective.name) for job in jobs}
    if len(objectives) != 1:
        listed = " and ".join(f"{goal} {metric}" for goal, metric in sorted(objectives))
        raise Invalid(f"the tuning jobs have the objectives {listed}; results need one and the same")
    cache = {} if cache is None else cache
    trials = [trial for run, job in zip(runs, jobs, strict=True) for trial in _trials(run, job if curves else None, cache)]
    return Results(tuning_jobs=jobs, trials=trials)


def read_data_scaling(results: Results, runs: Sequence[TuningRun], cache: DetailsCache | None = None) -> Results | None:
    """Read the training jobs on growing shares of the training set: `sm_tuning.read_data_scaling`, without charts."""
    best = results.best
    run = next((run for run in runs if best is not None and run.name == best.tuning_job), None)
    if best is None or run is None:
        return None
    scaling_run = run  # mypy: not None in the function below
    try:
        # A role may be allowed to see its own tuning jobs only.
        scaling = unless_denied(lambda: read_results(scaling_run.other(scaling_job_name(scaling_run.name)), cache=cache))
    except (NotFound, Invalid):
        return None
    if scaling is None:
        return None
    static = scaling.tuning_jobs[0].static_hyperparameters
    same = all(static.get(name, value) == value for name, value in best.hyperparameters.items())
    return scaling if same and len(scaling.ranges) == 1 and scaling.objective.name == results.objective.name else None


def read_parents(
    results: Results, runs: Sequence[TuningRun], known: MutableMapping[str, Results] | None = None
) -> Mapping[str, Results]:
    """Read the results, without curves, of the tuning jobs that some were warm-started with, by name; without those that are gone.

    Args:
        results: The results of the tuning jobs.
        runs: The tuning jobs.
        known: Parents that were read before, to which those that are read now are added: a parent has ended.
    """
    known = {} if known is None else known
    wanted = {name for job in results.tuning_jobs if job.warm_start is not None for name in job.warm_start.parents}
    for name in sorted(wanted - known.keys()):
        parent = unless_denied(partial(_read_parent, runs[0], name))
        if parent is not None:
            known[name] = parent
    return {name: known[name] for name in wanted & known.keys()}


def _read_parent(run: TuningRun, name: str) -> Results:
    return read_results(run.other(name), curves=False)


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
        groups += run.failures(failed)
    return sorted(groups, key=lambda group: len(group.trainings), reverse=True)


def read_stops(run: TuningRun, trainings: Sequence[Training]) -> Mapping[str, str]:
    """Where stopped training jobs were stopped, by their names (`Results.stopped_at`), as far as their logs may be read.

    Args:
        run: Their tuning job.
        trainings: Any of its training jobs.
    """
    if not any(training.status == "Stopped" for training in trainings):
        return {}
    job = replace(description(run.describe()), name=run.name)
    trials = [_trial(run.name, training, TrialDetails()) for training in trainings]
    results = with_stops(Results(tuning_jobs=[job], trials=trials), [run])
    return {trial.name: where for trial in results.trials if (where := results.stopped_at(trial))}


def with_stops(results: Results, runs: Sequence[TuningRun]) -> Results:
    """Add to results without curves what `Results.stopped_at` needs: the objective's curves of stopped training jobs, a log for each.

    Args:
        results: The results of the tuning jobs.
        runs: The tuning jobs.
    """
    jobs = {job.name: (run, job.metrics.get(job.objective.name)) for run, job in zip(runs, results.tuning_jobs, strict=True)}
    with LogSearch() as search, ThreadPoolExecutor(_READERS) as threads:

        def read(trial: TrialResult) -> TrialResult:
            run, regex = jobs[trial.tuning_job]
            if trial.status != "Stopped" or regex is None:
                return trial
            metrics = {results.objective.name: regex}
            matches = unless_denied(lambda: search.search(run.logs(trial.name), metrics, tail=_TAIL))
            return trial if matches is None else replace(trial, curves=curves_of(matches.texts), log=_lines(matches))

        return replace(results, trials=list(threads.map(read, results.trials)))


def _trials(run: TuningRun, job: TuningJobDescription | None, cache: DetailsCache) -> list[TrialResult]:
    """The training jobs of a tuning job; without a description they have no curves."""
    trainings = run.trainings()
    if job is None:
        return [_trial(run.name, training, TrialDetails()) for training in trainings]
    unread = [training for training in trainings if training.name not in cache]
    with LogSearch() as search, ThreadPoolExecutor(_READERS) as threads:
        answers = threads.map(lambda training: _read_details(run, training, job, search), unread)
        details = cache | dict(zip([training.name for training in unread], answers, strict=True))
    cache.update({training.name: details[training.name] for training in unread if training.ended is not None})
    return [_trial(run.name, training, details[training.name]) for training in trainings]


def _trial(tuning_job: str, training: Training, details: TrialDetails) -> TrialResult:
    return TrialResult(
        tuning_job=tuning_job,
        name=training.name,
        status=training.status,
        hyperparameters=training.hyperparameters,
        reported=training.value,
        created=details.created or training.created,
        started=details.started or training.started,
        ended=details.ended or training.ended,
        failure_reason=training.failure_reason,
        definition=training.definition,
        curves=details.curves,
        coarse=details.coarse,
        log=details.log,
        silent=details.silent,
        model=details.model,
    )


def _read_details(run: TuningRun, training: Training, job: TuningJobDescription, search: LogSearch) -> TrialDetails:
    """What a training job's log and, once it has ended, its description have beside the summary in a list."""
    ended = training.ended is not None
    described = unless_denied(lambda: run.training_job(training.name)) if ended else None
    matches = unless_denied(
        lambda: search.search(run.logs(training.name), job.metrics, optional=job.optional_metrics, tail=_TAIL)
    )
    curves = curves_of(matches.texts) if matches is not None else {}
    # Where the log is gone or may not be read.
    means = unless_denied(lambda: run.minutes(training, list(job.metrics))) if not curves and (ended or matches is None) else None
    return TrialDetails(
        curves=curves or means or {},
        coarse=bool(means),
        log=_lines(matches) if matches is not None else (),
        silent=[check for check in matches.checks if check.lacks_values(ended=ended)] if matches is not None else (),
        created=described.created if described is not None else None,
        started=described.started if described is not None else None,
        ended=described.ended if described is not None else None,
        model=described.model if described is not None and run.has_model(training.name, described) else None,
    )


def _lines(matches: LogMatches) -> LogLines:
    return list(zip(matches.tail, matches.matched, strict=True))
