"""Runs a tuning job on a simulated clock: the emulator's strategies, decisions and completion criteria, in a simulated world."""

import heapq
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from local_emulator.completion import patience
from local_emulator.decide import Finish, Launch, decide
from local_emulator.domain.history import Goal, History, HistorySummary, Log, Trial, Trials
from local_emulator.domain.jobs import Status
from local_emulator.domain.names import AwsScope
from local_emulator.domain.tuning import Plan, TuningJob
from local_emulator.strategies.hyperband import Hyperband
from local_emulator.strategies.registry import make
from sm_tuning.simulation.world import Training, World

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_SCOPE = AwsScope(region="us-east-1", account="123456789012")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A training job that has ended.

    Attributes:
        index: It was launched as this one, from 1.
        launched: Seconds from the beginning of the tuning job to its creation.
        started: The same to its start; it is paid for from here on.
        ended: The same to its end.
        final: The objective that is reported; None if it failed.
        expected: The objective without noise, where it is known.
        epochs: Epochs that it made.
    """

    index: int
    launched: float
    started: float
    ended: float
    final: float | None
    expected: float | None
    epochs: int


def simulate(plan: Plan, world: World, seed: int, *, quick: bool = True) -> Sequence[Ended]:
    """The training jobs of a simulated tuning job, in the order of their ends.

    Args:
        plan: The plan, with one definition.
        world: What training jobs do.
        seed: Of the strategy.
        quick: Whether Bayesian search may look less hard for each point.
    """
    return _Simulation(plan, world, seed, quick=quick).run()


@dataclass
class _Running:
    """A training job that runs."""

    trial: Trial
    training: Training
    launched: float
    over: float  # seconds from its start to its end, if nobody stops it
    epochs: int  # that it makes until then


class _Simulation:
    def __init__(self, plan: Plan, world: World, seed: int, *, quick: bool) -> None:
        definition = plan.definitions[0]
        strategy = make(plan, definition, seed, quick=quick)
        self._goal: Goal = definition.objective.goal
        self._limit = definition.spec.stopping.max_runtime
        self._strategies = [strategy]
        self._world = world
        self._ranked = plan.ranked
        self._watched = _watched(plan, strategy if isinstance(strategy, Hyperband) else None)
        self._job = TuningJob(
            name="simulated",
            arn=_SCOPE.tuning_arn("simulated"),
            region=_SCOPE.region,
            request={},
            plan=plan,
            status=Status.IN_PROGRESS,
            created=BEGIN,
            modified=BEGIN,
            seed=seed,
        )
        self._log = Log(HistorySummary(goal=self._goal, ranked=self._ranked, patience=patience(plan)))
        self._running: dict[int, _Running] = {}
        self._queue: list[tuple[float, int, int]] = []  # time, index of the training job, its epoch by then; 0 for its end
        self._ended: list[Ended] = []
        self._now = 0.0
        if plan.max_runtime is not None:
            self._queue.append((float(plan.max_runtime), 0, 0))

    def run(self) -> Sequence[Ended]:
        """Decide and wait in turns, until the tuning job is finished."""
        while True:
            finished = self._decided()
            if finished:
                return self._ended
            self._now, index, epoch = heapq.heappop(self._queue)
            self._happened(index, epoch)

    def _decided(self) -> bool:
        """Decide until nothing is left to do now; whether the tuning job is finished."""
        while True:
            running = tuple(run.trial for run in self._running.values())
            history = History(goal=self._goal, trials=Trials(self._log, running), ranked=self._ranked)
            actions = decide(self._job, history, self._strategies, self._moment(self._now))
            if not actions:
                return False
            for action in actions:
                if isinstance(action, Finish):
                    return True
                if isinstance(action, Launch):
                    self._launch(action)
                else:
                    self._end(int(action.trial), Status.STOPPED)

    def _launch(self, launch: Launch) -> None:
        training = self._world.train(launch.point, launch.index)
        trial = Trial(
            name=str(launch.index),
            index=launch.index,
            point=launch.point,
            status=Status.IN_PROGRESS,
            definition=launch.definition.name,
        )
        epochs, over = len(training.curve), training.seconds(len(training.curve))
        if self._limit is not None and over > self._limit:
            epochs, over = int(max(self._limit - training.startup, 0.0) / training.epoch), float(self._limit)
        run = _Running(trial, training, self._now, over, epochs)
        self._running[launch.index] = run
        for epoch in self._epochs(epochs):
            heapq.heappush(self._queue, (self._now + training.pending + training.seconds(epoch), launch.index, epoch))
        heapq.heappush(self._queue, (self._now + training.pending + over, launch.index, 0))

    def _epochs(self, epochs: int) -> Iterator[int]:
        """Epochs after which a rule may stop a training job of so many epochs."""
        if self._watched is not None:
            yield from range(1, epochs + 1) if not self._watched else (epoch for epoch in self._watched if epoch <= epochs)

    def _happened(self, index: int, epoch: int) -> None:
        """A training job has come to the end of an epoch, or to its own; one that was stopped before has nothing more to say."""
        run = self._running.get(index)
        if run is None:
            return
        if epoch:
            run.trial = replace(run.trial, values=run.training.curve[:epoch])
        else:
            run.trial = replace(run.trial, values=run.training.curve[: run.epochs])
            cut = run.epochs < len(run.training.curve)
            self._end(index, Status.FAILED if run.training.fails else Status.STOPPED if cut else Status.COMPLETED)

    def _end(self, index: int, status: Status) -> None:
        run = self._running.pop(index)
        values = run.trial.values
        if status is Status.STOPPED:  # the emulator has not looked after every epoch, but the training job has printed them
            values = run.training.curve[: self._printed(run)]
        final = values[-1] if values and status is not Status.FAILED else None
        self._log.append(replace(run.trial, status=status, values=values, final=final, ended=self._moment(self._now)))
        whole = len(values) == len(run.training.curve)
        self._ended.append(
            Ended(
                index=index,
                launched=run.launched,
                started=min(run.launched + run.training.pending, self._now),
                ended=self._now,
                final=final,
                expected=final if final is None or not whole or run.training.expected is None else run.training.expected,
                epochs=len(values),
            )
        )

    def _printed(self, run: _Running) -> int:
        """Epochs that a training job has made by now."""
        since = self._now - run.launched - run.training.pending - run.training.startup
        return min(max(int(since / run.training.epoch + 1e-6), 0), run.epochs)

    @staticmethod
    def _moment(seconds: float) -> datetime:
        return BEGIN + timedelta(seconds=seconds)


def _watched(plan: Plan, hyperband: Hyperband | None) -> Collection[int] | None:
    """The epochs after which a rule may stop a training job: None for none, empty for all.

    Hyperband compares values at its rungs only, so nothing can change between them.
    """
    if hyperband is not None:
        return sorted({*hyperband.rungs, hyperband.max_resource})
    return () if plan.early_stopping else None
