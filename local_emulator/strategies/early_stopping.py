"""The median rule, AWS's documented early stopping.

After each epoch (each value of the objective) of a running trial: of every trial begun before it that got that far, the average of
its values up to that epoch; if the running trial's value is worse than the median of those averages, it is stopped. AWS does not
publish how many earlier trials it wants before it trusts the median; this rule wants five, and gives every trial its first epoch.
"""

from collections.abc import Sequence
from statistics import fmean, median

from local_emulator.domain.history import History, Trial
from local_emulator.domain.jobs import Status

ENOUGH = 5
GRACE = 1


def median_rule(history: History) -> Sequence[Trial]:
    """Running trials to stop now."""
    return [trial for trial in history.running if trial.status is Status.IN_PROGRESS and _hopeless(trial, history)]


def _hopeless(trial: Trial, history: History) -> bool:
    epoch = len(trial.values)
    if epoch <= GRACE:
        return False
    averages = [
        fmean(other.values[:epoch]) for other in history.trials if other.index < trial.index and len(other.values) >= epoch
    ]
    return len(averages) >= ENOUGH and history.goal.better(median(averages), trial.values[-1])
