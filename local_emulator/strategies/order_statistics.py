"""What ended trials come to, kept from one question to the next: a history that has grown costs its new trials alone."""

from array import array
from bisect import bisect_left, insort
from collections.abc import Callable, MutableSequence
from typing import Generic, TypeVar

from local_emulator.domain.history import Log, Trial, Trials

T = TypeVar("T")


class Aggregate(Generic[T]):
    """Something made of ended trials one by one. It begins again for trials that do not go on where the last ones stopped."""

    def __init__(self, start: Callable[[], T], take: Callable[[T, Trial], None]) -> None:
        self._start = start
        self._take = take
        self._made = start()
        self._log: Log | None = None
        self._count = 0

    def of(self, trials: Trials) -> T:
        """What the ended ones come to; not to be changed by the caller."""
        if trials.log is not self._log or trials.past < self._count:
            self._made, self._log, self._count = self._start(), trials.log, 0
        for place in range(self._count, trials.past):
            self._take(self._made, trials.log.trials[place])
        self._count = trials.past
        return self._made


class _Numbers:
    """Numbers of ended trials: in the order of their launch, and in ascending order."""

    def __init__(self) -> None:
        self.indices = array("q")
        self.launched = array("d")
        self.ascending = array("d")


class OrderStatistics:
    """A number of every trial that has one; a running trial is measured by those of the trials that began before it."""

    def __init__(self, measure: Callable[[Trial], float | None]) -> None:
        self._measure = measure
        self._aggregate = Aggregate(_Numbers, self._take)

    def before(self, trial: Trial, trials: Trials) -> MutableSequence[float]:
        """The numbers of the trials begun before one, in ascending order."""
        numbers = self._aggregate.of(trials)
        place = bisect_left(numbers.indices, trial.index)
        if 2 * place < len(numbers.indices):
            field = array("d", sorted(numbers.launched[:place]))
        else:
            field = numbers.ascending[:]
            for number in numbers.launched[place:]:
                del field[bisect_left(field, number)]
        for other in trials.running:
            if other.index < trial.index and (its := self._measure(other)) is not None:
                insort(field, its)
        return field

    def _take(self, numbers: _Numbers, trial: Trial) -> None:
        number = self._measure(trial)
        if number is not None:
            place = bisect_left(numbers.indices, trial.index)
            numbers.indices.insert(place, trial.index)
            numbers.launched.insert(place, number)
            insort(numbers.ascending, number)
