"""The median rule, on examples that were computed by hand."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local_emulator import completion
from local_emulator.domain.history import Goal, History, Trial
from local_emulator.domain.jobs import Status
from local_emulator.domain.tuning import Plan
from local_emulator.strategies.median_rule import MedianRule

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def trial(index: int, values: Sequence[float], status: Status = Status.COMPLETED, **more: Any) -> Trial:
    ended = T0 + timedelta(seconds=index) if status.terminal else None
    final = values[-1] if values and status in {Status.COMPLETED, Status.STOPPED} else None
    return Trial(
        name=str(index),
        index=index,
        point={"x": "0.5"},
        status=status,
        values=tuple(values),
        **{"ended": ended, "final": final, **more},
    )


def running(index: int, *values: float) -> Trial:
    return trial(index, values, Status.IN_PROGRESS)


# --- the median rule ----------------------------------------------------------------------------------------------------------

# Validation accuracies of six finished trials. Running averages of their first two values:
# (0.50 + 0.60) / 2 = 0.55, 0.65, 0.45, 0.75, 0.60, 0.60: their median is 0.60. A third of their three epochs is one.
FINISHED = [
    trial(1, [0.50, 0.60, 0.70]),
    trial(2, [0.60, 0.70, 0.72]),
    trial(3, [0.40, 0.50, 0.55]),
    trial(4, [0.70, 0.80, 0.85]),
    trial(5, [0.50, 0.70, 0.66]),
    trial(6, [0.60, 0.60, 0.66]),
]


@pytest.mark.parametrize(
    ("values", "stopped"),
    [
        ([0.10], False),  # its first epoch is never judged
        ([0.10, 0.59], True),  # 0.59 is worse than the median 0.60
        ([0.10, 0.60], False),  # as good as the median is good enough
        ([0.90, 0.10], True),  # its own better past does not count
        ([0.10, 0.20, 0.99], False),  # averages of three: 0.60, 0.673, 0.483, 0.783, 0.62, 0.62, median 0.62
        ([0.90, 0.90, 0.90, 0.10], False),  # nobody else has got to the fourth epoch
    ],
)
def test_median_rule_maximizing(values: list[float], *, stopped: bool) -> None:
    history = History(goal=Goal.MAXIMIZE, trials=[*FINISHED, running(7, *values)])
    assert [pruned.index for pruned in MedianRule().prune(history)] == [7] * stopped


def test_median_rule_minimizing_is_the_mirror() -> None:
    mirrored = [trial(earlier.index, [-value for value in earlier.values]) for earlier in FINISHED]
    history = History(goal=Goal.MINIMIZE, trials=[*mirrored, running(7, -0.1, -0.59), running(8, -0.1, -0.61)])
    assert [pruned.index for pruned in MedianRule().prune(history)] == [7]


def test_median_rule_needs_six_and_looks_back_only() -> None:
    bad = running(6, 0.1, 0.1)
    assert not MedianRule().prune(History(goal=Goal.MAXIMIZE, trials=[*FINISHED[:5], bad]))
    later = [trial(index + 10, earlier.values) for index, earlier in enumerate(FINISHED)]
    assert not MedianRule().prune(History(goal=Goal.MAXIMIZE, trials=[*FINISHED[:5], bad, *later]))


def test_median_rule_waits_for_a_third_of_the_longest_completed_trial() -> None:
    """Nine epochs of one: three are not judged, however bad; what was stopped says nothing about how long training takes."""
    long = trial(6, [0.60] * 9)
    cut = trial(0, [0.60] * 30, Status.STOPPED)
    bad = [running(7, 0.1, 0.1), running(8, 0.1, 0.1, 0.1), running(9, 0.1, 0.1, 0.1, 0.1)]
    earlier = [cut, *(trial(index, [0.60] * 4) for index in range(1, 6)), long]
    history = History(goal=Goal.MAXIMIZE, trials=[*earlier, *bad])
    assert [pruned.index for pruned in MedianRule().prune(history)] == [9]
    none_completed = [replace(known, status=Status.STOPPED) for known in earlier]
    assert not MedianRule().prune(History(goal=Goal.MAXIMIZE, trials=[*none_completed, *bad]))


def test_median_rule_counts_stopped_trials_as_far_as_they_got() -> None:
    cut = [*FINISHED[:5], trial(6, [0.60, 0.60], Status.STOPPED)]
    history = History(goal=Goal.MAXIMIZE, trials=[*cut, running(7, 0.1, 0.59), running(8, 0.9, 0.9, 0.1)])
    assert [pruned.index for pruned in MedianRule().prune(history)] == [7], (
        "at the third epoch there are only five to be judged by"
    )


# --- successive halving -------------------------------------------------------------------------------------------------------


# --- completion criteria ------------------------------------------------------------------------------------------------------


def enough(values: Sequence[float | None], goal: Goal = Goal.MAXIMIZE, seconds: int = 0, **plan: Any) -> str | None:
    trials = [trial(index, [] if value is None else [value]) for index, value in enumerate(values, 1)]
    history = History(goal=goal, trials=trials)
    made = Plan(strategy="Random", definitions=(), max_parallel=1, **plan)
    return completion.why_enough(made, history, T0, T0 + timedelta(seconds=seconds))
