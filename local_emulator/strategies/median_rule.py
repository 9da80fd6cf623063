"""The median rule, AWS's documented early stopping.

After each epoch (each value of the objective) of a running trial: of every trial begun before it that got that far, the average of
its values up to that epoch; if the running trial's value is worse than the median of those averages, it is stopped. AWS publishes
neither how many earlier trials the rule needs nor from which epoch on it judges. Here it needs six, and judges after a third of
the epochs of the longest completed trial, so not before one has completed: what learns slowly may be the best in the end.
"""

from collections.abc import Callable, Sequence
from statistics import fmean

from local_emulator.domain.history import History, Trial
from local_emulator.domain.jobs import Status
from local_emulator.strategies.order_statistics import Aggregate, OrderStatistics

ENOUGH = 6
WARM_UP = 1 / 3  # of the epochs of the longest completed trial


class MedianRule:
    """Picks the running trials that are worse than the median. It keeps derived state only."""

    def __init__(self) -> None:
        self._statistics: dict[int, OrderStatistics] = {}
        self._completed: Aggregate[set[int]] = Aggregate(set, _add_epochs)

    def prune(self, history: History) -> Sequence[Trial]:
        """Running trials to stop now."""
        longest = max(self._completed.of(history.known), default=0)
        if not longest:
            return []
        first = max(int(WARM_UP * longest), 1) + 1
        return [
            trial
            for trial in history.running
            if trial.status is Status.IN_PROGRESS and len(trial.values) >= first and self._is_worse(trial, history)
        ]

    def _is_worse(self, trial: Trial, history: History) -> bool:
        epoch = len(trial.values)
        if epoch not in self._statistics:
            self._statistics[epoch] = OrderStatistics(_average(epoch))
        statistics = self._statistics[epoch]
        averages = statistics.before(trial, history.known)
        return len(averages) >= ENOUGH and history.goal.better(_median(averages), trial.values[-1])


def _add_epochs(epochs: set[int], trial: Trial) -> None:
    """Add the number of a completed trial's epochs."""
    if trial.status is Status.COMPLETED:
        epochs.add(len(trial.values))


def _average(epoch: int) -> Callable[[Trial], float | None]:
    return lambda trial: fmean(trial.values[:epoch]) if len(trial.values) >= epoch else None


def _median(ascending: Sequence[float]) -> float:
    middle = len(ascending) // 2
    return ascending[middle] if len(ascending) % 2 else (ascending[middle - 1] + ascending[middle]) / 2
