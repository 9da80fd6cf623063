"""Decides what a tuning job does next: a pure function of its record, its history and the time.

Law: carry the actions out, ask again, and there are none until something changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from local_emulator.completion import why_enough
from local_emulator.domain.history import History, Trial
from local_emulator.domain.jobs import Status
from local_emulator.domain.space import Point
from local_emulator.domain.tuning import Definition, TuningJob
from local_emulator.strategies.base import Strategy

ATTEMPTS = 5  # training jobs that may end badly before any has ended well

_CHILDREN = "please take a look at the training job failures by listing training jobs for the hyperparameter tuning job."
_NONE_SUCCEEDED = f"No training job succeeded after {ATTEMPTS} attempts. For additional details, {_CHILDREN}"
_ALL_FAILED = "All training jobs failed. Please take a look at the training jobs failures to get more details."


@dataclass(frozen=True, kw_only=True)
class Launch:
    """Begin the index-th training job (from 1)."""

    definition: Definition
    point: Point
    index: int


@dataclass(frozen=True, kw_only=True)
class Stop:
    """End a training job early; `why` becomes the message of its transition."""

    trial: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Finish:
    """The tuning job is over."""

    status: Status
    reason: str | None = None


Action = Launch | Stop | Finish


def decide(  # noqa: PLR0911 - one return for each case
    job: TuningJob, history: History, strategies: Sequence[Strategy], now: datetime
) -> Sequence[Action]:
    """The actions to carry out now. `strategies` holds one for each definition of the plan."""
    if job.status.terminal:
        return ()
    if job.status is Status.STOPPING:
        return _stop_all_then(history, Finish(status=Status.STOPPED), stop="The tuning job was stopped")
    failure = _failure(job, history)
    if failure is not None:
        return _stop_all_then(history, Finish(status=Status.FAILED, reason=failure))
    enough = why_enough(job.plan, history, job.created, now)
    if enough is not None:
        return _stop_all_then(history, Finish(status=Status.COMPLETED), stop=f"The tuning job is complete: {enough}")
    stops = _pruned(job, history, strategies)
    launches = _launches(job, history, strategies)
    if launches or stops or history.running:
        return *stops, *launches
    if history.summary().succeeded:
        return (Finish(status=Status.COMPLETED),)
    return (Finish(status=Status.FAILED, reason=_reason(job, history)),)


def _stop_all_then(history: History, finish: Finish, stop: str | None = None) -> Sequence[Action]:
    """Finish once no trial runs; until then stop the running trials, if `stop` gives a reason to."""
    if not history.running:
        return (finish,)
    if stop is None:
        return ()
    return tuple(Stop(trial=trial.name, why=stop) for trial in history.running if trial.status is Status.IN_PROGRESS)


def _failure(job: TuningJob, history: History) -> str | None:
    """Why the tuning job fails, once enough training jobs have ended badly and none well.

    A training job that was stopped before it told its objective has neither succeeded nor failed.
    """
    if history.summary().succeeded:
        return None
    counters = history.counters()
    bad = sum(counters[kind] for kind in ("Completed", "RetryableError", "NonRetryableError"))
    return _reason(job, history) if bad >= ATTEMPTS else None


def _reason(job: TuningJob, history: History) -> str:
    if history.counters()["Completed"]:
        metric = job.plan.definitions[0].objective.metric
        count = len(history.trials)
        return (
            f"No objective metrics found after running {count} training jobs. Please ensure that the algorithm emits the objective "
            f"metric {metric!r} as defined by the regular expression provided."
        )
    return _NONE_SUCCEEDED if len(history.trials) >= ATTEMPTS else _ALL_FAILED


def _pruned(job: TuningJob, history: History, strategies: Sequence[Strategy]) -> Sequence[Stop]:
    return [
        Stop(trial=trial.name, why="The training job was stopped early: others did better")
        for definition, strategy in zip(job.plan.definitions, strategies, strict=True)
        for trial in strategy.prune(_of(definition, history))
        if trial.status is Status.IN_PROGRESS
    ]


def _launches(job: TuningJob, history: History, strategies: Sequence[Strategy]) -> Sequence[Launch]:
    """As many as there are free slots and budget, the definitions taking turns."""
    plan = job.plan
    free = plan.max_parallel - len(history.running)
    if plan.max_jobs is not None:
        free = min(free, plan.max_jobs - len(history.trials))
    launches: list[Launch] = []
    waiting = list(zip(plan.definitions, strategies, strict=True))
    while len(launches) < free and waiting:
        definition, strategy = min(waiting, key=lambda pair: len(_of(pair[0], history).trials))
        # One definition is asked for all at once (its strategy can spread the points); several take turns.
        points = strategy.ask(_of(definition, history), free - len(launches) if len(strategies) == 1 else 1)
        if not points:
            waiting.remove((definition, strategy))
        for point in points:
            launch = Launch(definition=definition, point=point, index=len(history.trials) + 1)
            launches.append(launch)
            history = history.begun(_begun(launch))
    return launches


def _begun(launch: Launch) -> Trial:
    """The trial that a launch will be."""
    return Trial(name="", index=launch.index, point=launch.point, status=Status.IN_PROGRESS, definition=launch.definition.name)


def _of(definition: Definition, history: History) -> History:
    """The history of one definition."""
    return history.of_definition(definition.name, definition.objective.goal)
