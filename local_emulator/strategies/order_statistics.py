"""Aggregates over ended trials that are extended when a history grows: only its new trials cost time."""

from array import array
from bisect import bisect_left, insort
from collections.abc import Callable, MutableSequence
from typing import Generic, TypeVar

from local_emulator.domain.history import Log, Trial, Trials

T = TypeVar("T")


class Aggregate(Generic[T]):
    """Aggregate over ended trials, in completion order: derived state only. It starts again for another log."""

    def __init__(self, start: Callable[[], T], take: Callable[[T, Trial], None]) -> None:
        self._start = start
        self._take = take
        self._value = start()
        self._log: Log | None = None
        self._count = 0

    def of(self, trials: Trials) -> T:
        """The aggregate over the ended trials; not to be changed by the caller."""
        if trials.log is not self._log or trials.past < self._count:
            self._value, self._log, self._count = self._start(), trials.log, 0
        for trial in trials.log.trials[self._count : trials.past]:
            self._take(self._value, trial)
        self._count = trials.past
        return self._value


class _Numbers:
    """Numbers of ended trials, in launch order and in ascending order."""

    def __init__(self) -> None:
        self.indices = array("q")
        self.launched = array("d")
        self.ascending = array("d")


class OrderStatistics:
    """Order statistics of a measure of trials. A running trial is compared with the trials that were launched before it."""

    def __init__(self, measure: Callable[[Trial], float | None]) -> None:
        self._measure = measure
        self._aggregate = Aggregate(_Numbers, self._take)

    def before(self, trial: Trial, trials: Trials) -> MutableSequence[float]:
        """The measures of the trials launched before a trial, in ascending order."""
        numbers = self._aggregate.of(trials)
        position = bisect_left(numbers.indices, trial.index)
        if 2 * position < len(numbers.indices):
            earlier = array("d", sorted(numbers.launched[:position]))
        else:
            earlier = numbers.ascending[:]
            for number in numbers.launched[position:]:
                del earlier[bisect_left(earlier, number)]
        for other in trials.running:
            if other.index < trial.index and (measured := self._measure(other)) is not None:
                insort(earlier, measured)
        return earlier

    def _take(self, numbers: _Numbers, trial: Trial) -> None:
        number = self._measure(trial)
        if number is not None:
            position = bisect_left(numbers.indices, trial.index)
            numbers.indices.insert(position, trial.index)
            numbers.launched.insert(position, number)
            insort(numbers.ascending, number)
