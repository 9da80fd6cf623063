"""Runs many simulated tuning jobs: every setting in the same worlds, with the same seeds."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Protocol

from threadpoolctl import threadpool_limits

from local_emulator.domain.tuning import Plan
from sm_tuning.simulation.outcome import Margin, Outcome, Replica, replicas_of
from sm_tuning.simulation.settings import Setting
from sm_tuning.simulation.simulator import Ended, simulate
from sm_tuning.simulation.world import World

Progress = Callable[[int, int], object]
_Answer = Mapping[Setting, Replica]


class Worlds(Protocol):
    """Ways things may be, one for each seed."""

    def world(self, seed: int) -> World:
        """One way things may be; the same for the same seed."""


@dataclass(frozen=True)
class _Task:
    """All settings of one seed."""

    plan: Plan
    settings: Sequence[Setting]
    worlds: Worlds
    seed: int
    instances: int
    quick: bool


def run(
    plan: Plan,
    settings: Sequence[Setting],
    worlds: Worlds,
    *,
    seeds: Iterable[int],
    instances: int = 1,
    workers: int = 1,
    quick: bool = True,
    margin: Margin = Margin(),  # noqa: B008 - it does not change
    progress: Progress | None = None,
) -> Sequence[Outcome]:
    """The outcome of every setting, in the order of the settings.

    Args:
        plan: What the settings are settings of.
        settings: The settings.
        worlds: Where they are tried.
        seeds: One for each replica: of the world, and of the strategy in it.
        instances: Instances of a training job.
        workers: Processes.
        quick: Whether Bayesian search may look less hard for each point.
        margin: Of the intervals of the best objective.
        progress: Is called with the number of seeds that are done, and of all.
    """
    tasks = [_Task(plan, settings, worlds, seed, instances, quick) for seed in seeds]
    answers: Sequence[_Answer]
    if workers > 1 and len(tasks) > 1:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            chunk = max(1, len(tasks) // (64 * workers))
            answers = list(_counted(pool.map(_perform, tasks, chunksize=chunk), len(tasks), progress))
    else:
        answers = list(_counted(map(_perform, tasks), len(tasks), progress))
    return [Outcome(setting=setting, replicas=[answer[setting] for answer in answers], margin=margin) for setting in settings]


def _counted(answers: Iterable[_Answer], total: int, progress: Progress | None) -> Iterator[_Answer]:
    """Answers as they come, each of them told to `progress`."""
    for done, answer in enumerate(answers, start=1):
        if progress is not None:
            progress(done, total)
        yield answer


def _perform(task: _Task) -> _Answer:
    """A replica of each setting."""
    world = task.worlds.world(task.seed)
    replicas: dict[Setting, Replica] = {}
    with threadpool_limits(1):  # the matrices are so small that threads cost more than they bring, twenty times on a busy machine
        for longest, settings in _together(task.plan, task.settings).items():
            ended: Sequence[Ended] = simulate(longest.plan(task.plan), world, task.seed, quick=task.quick)
            goal = task.plan.definitions[0].objective.goal
            counts = replicas_of(ended, [setting.jobs for setting in settings], goal, task.instances)
            replicas |= {setting: counts[setting.jobs] for setting in settings}
    return replicas


def _together(plan: Plan, settings: Sequence[Setting]) -> Mapping[Setting, Sequence[Setting]]:
    """Settings by the one that holds them: with fewer training jobs a tuning job is the beginning of one with more.

    It is not where it ends when it has converged, for how long it waits for that depends on the number of training jobs.
    """
    if plan.complete_on_convergence:
        return {setting: [setting] for setting in settings}
    kinds: dict[Setting, list[Setting]] = {}
    for setting in settings:
        kinds.setdefault(replace(setting, jobs=0), []).append(setting)
    longest: Callable[[Setting], int] = lambda setting: setting.jobs  # noqa: E731 - a key
    return {max(members, key=longest): members for members in kinds.values()}
