"""The median rule, AWS's documented early stopping.

After each epoch (each value of the objective) of a running trial: of every trial begun before it that got that far, the average of
its values up to that epoch; if the running trial's value is worse than the median of those averages, it is stopped. AWS does not
publish how many earlier trials the rule needs; here it needs five, and no trial is stopped at its first epoch.
"""

from collections.abc import Callable, Sequence
from statistics import fmean

from local_emulator.domain.history import History, Trial
from local_emulator.domain.jobs import Status
from local_emulator.strategies.order_statistics import OrderStatistics

ENOUGH = 5
GRACE = 1


class MedianRule:
    """Picks the running trials that are worse than the median. It keeps derived state only."""

    def __init__(self) -> None:
        self._statistics: dict[int, OrderStatistics] = {}

    def prune(self, history: History) -> Sequence[Trial]:
        """Running trials to stop now."""
        return [trial for trial in history.running if trial.status is Status.IN_PROGRESS and self._is_worse(trial, history)]

    def _is_worse(self, trial: Trial, history: History) -> bool:
        epoch = len(trial.values)
        if epoch <= GRACE:
            return False
        statistics = self._statistics.setdefault(epoch, OrderStatistics(_average(epoch)))
        averages = statistics.before(trial, history.known)
        return len(averages) >= ENOUGH and history.goal.better(_median(averages), trial.values[-1])


def _average(epoch: int) -> Callable[[Trial], float | None]:
    return lambda trial: fmean(trial.values[:epoch]) if len(trial.values) >= epoch else None


def _median(ascending: Sequence[float]) -> float:
    middle = len(ascending) // 2
    return ascending[middle] if len(ascending) % 2 else (ascending[middle - 1] + ascending[middle]) / 2
