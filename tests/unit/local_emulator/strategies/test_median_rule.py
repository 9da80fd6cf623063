"""The median rule, on examples that were computed by hand."""

from collections.abc import Sequence
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

# Validation accuracies of five finished trials. Running averages of their first two values:
# (0.50 + 0.60) / 2 = 0.55, 0.65, 0.45, 0.75, 0.60: their median is 0.60.
FINISHED = [
    trial(1, [0.50, 0.60, 0.70]),
    trial(2, [0.60, 0.70, 0.72]),
    trial(3, [0.40, 0.50, 0.55]),
    trial(4, [0.70, 0.80, 0.85]),
    trial(5, [0.50, 0.70, 0.66]),
]


@pytest.mark.parametrize(
    ("values", "stopped"),
    [
        ([0.10], False),  # its first epoch is never judged
        ([0.10, 0.59], True),  # 0.59 is worse than the median 0.60
        ([0.10, 0.60], False),  # as good as the median is good enough
        ([0.90, 0.10], True),  # its own better past does not count
        ([0.10, 0.20, 0.99], False),  # averages of three: 0.60, 0.673, 0.483, 0.783, 0.62, median 0.62
        ([0.90, 0.90, 0.90, 0.10], False),  # nobody else has got to the fourth epoch
    ],
)
def test_median_rule_maximizing(values: list[float], *, stopped: bool) -> None:
    history = History(goal=Goal.MAXIMIZE, trials=[*FINISHED, running(6, *values)])
    assert [pruned.index for pruned in MedianRule().prune(history)] == [6] * stopped


def test_median_rule_minimizing_is_the_mirror() -> None:
    mirrored = [trial(earlier.index, [-value for value in earlier.values]) for earlier in FINISHED]
    history = History(goal=Goal.MINIMIZE, trials=[*mirrored, running(6, -0.1, -0.59), running(7, -0.1, -0.61)])
    assert [pruned.index for pruned in MedianRule().prune(history)] == [6]


def test_median_rule_needs_five_and_looks_back_only() -> None:
    bad = running(5, 0.1, 0.1)
    assert not MedianRule().prune(History(goal=Goal.MAXIMIZE, trials=[*FINISHED[:4], bad]))
    later = [trial(index + 10, earlier.values) for index, earlier in enumerate(FINISHED)]
    assert not MedianRule().prune(History(goal=Goal.MAXIMIZE, trials=[*FINISHED[:4], bad, *later]))


def test_median_rule_counts_stopped_trials_as_far_as_they_got() -> None:
    cut = [*FINISHED[:4], trial(5, [0.50, 0.70], Status.STOPPED)]
    history = History(goal=Goal.MAXIMIZE, trials=[*cut, running(6, 0.1, 0.59), running(7, 0.9, 0.9, 0.1)])
    assert [pruned.index for pruned in MedianRule().prune(history)] == [6], (
        "at the third epoch there are only four to be judged by"
    )


# --- successive halving -------------------------------------------------------------------------------------------------------


# --- completion criteria ------------------------------------------------------------------------------------------------------


def enough(values: Sequence[float | None], goal: Goal = Goal.MAXIMIZE, seconds: int = 0, **plan: Any) -> str | None:
    trials = [trial(index, [] if value is None else [value]) for index, value in enumerate(values, 1)]
    history = History(goal=goal, trials=trials)
    made = Plan(strategy="Random", definitions=(), max_parallel=1, **plan)
    return completion.why_enough(made, history, T0, T0 + timedelta(seconds=seconds))
