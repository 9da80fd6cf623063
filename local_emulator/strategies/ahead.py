"""A proposal that is ready before a slot frees: what a strategy will say if a training job that runs ends as it stands now.

A training job's final objective is the last value that it told, so the history in which it has ended is known while its program
still packs and its artifacts are uploaded. A strategy is a function of the history: the answer is the same whenever it is asked.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from local_emulator.domain.history import History, Trial
from local_emulator.domain.jobs import Status
from local_emulator.domain.space import Point
from local_emulator.strategies.base import Strategy

_Key = tuple[int, tuple[tuple[int, float | None, bool], ...]]


class Ahead:
    """A strategy that can be asked in advance, from another thread. `make` makes it: the two threads have one each."""

    def __init__(self, make: Callable[[], Strategy]) -> None:
        self._strategy = make()
        self._thinker = make()
        self._thought: tuple[_Key, Sequence[Point]] | None = None

    def ask(self, history: History, count: int) -> Sequence[Point]:
        """What the strategy says: thought out already, if the history is the one that was foreseen."""
        thought = self._thought
        if thought is not None and thought[0] == _key(history, count):
            return thought[1]
        return self._strategy.ask(history, count)

    def prune(self, history: History) -> Sequence[Trial]:
        """What the strategy says."""
        return self._strategy.prune(history)

    def think(self, history: History) -> None:
        """Think out what to propose when the running trial that was launched first has ended with its last value."""
        foreseen = _foreseen(history)
        if foreseen is not None:
            self._thought = _key(foreseen, 1), self._thinker.ask(foreseen, 1)


def _foreseen(history: History) -> History | None:
    first = next(iter(history.running), None)
    if first is None or not first.values:
        return None
    ended = replace(first, status=Status.COMPLETED, final=first.values[-1])
    return replace(history, trials=[ended if trial.index == first.index else trial for trial in history.trials])


def _key(history: History, count: int) -> _Key:
    """All that a proposal depends on, but for the points, which a trial keeps."""
    return count, tuple((trial.index, trial.final, trial.status.terminal) for trial in history.trials)
