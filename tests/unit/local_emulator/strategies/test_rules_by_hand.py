"""The median rule, successive halving and the completion criteria on examples that were computed by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local_emulator import completion
from local_emulator.domain.history import Goal, History, Trial
from local_emulator.domain.jobs import Status
from local_emulator.domain.space import Continuous, Space
from local_emulator.domain.tuning import Plan
from local_emulator.strategies.hyperband import Hyperband
from local_emulator.strategies.median_rule import MedianRule

T0 = datetime(2026, 1, 1, tzinfo=UTC)
SPACE = Space(parameters=(Continuous(name="x", low=0.0, high=1.0),))


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


def halving(trials: Sequence[Trial], low: int = 1, high: int = 27, goal: Goal = Goal.MAXIMIZE) -> list[int]:
    strategy = Hyperband(SPACE, seed=0, max_resource=high, min_resource=low)
    return [pruned.index for pruned in strategy.prune(History(goal=goal, trials=trials))]


def test_rungs_of_27() -> None:
    """Rungs at 1, 3 and 9. At 1 the best third of 3 is one trial: 0.3 goes on, 0.2 and 0.1 do not."""
    first = [trial(1, [0.3] * 5), trial(2, [0.2] * 5)]
    assert halving([*first, running(3, 0.1)]) == [3]
    assert halving([*first, running(3, 0.4)]) == []
    # Nothing is asked between rungs: it passed the first and has not reached the second.
    assert halving([*first, running(3, 0.4, 0.0)]) == []
    # At the second rung 0.05 is compared with 0.3 and 0.2, the third values of the others.
    assert halving([*first, running(3, 0.4, 0.0, 0.05)]) == [3]
    # Of six, the best two go on: 0.6 and 0.5; 0.45 is third.
    six = [trial(index, [value] * 9) for index, value in enumerate((0.6, 0.1, 0.2, 0.3, 0.5), 1)]
    assert halving([*six, running(6, 0.45)]) == [6]
    assert halving([*six, running(6, 0.55)]) == []


def test_nothing_is_stopped_before_the_least_resource_and_everything_at_the_most() -> None:
    good = [trial(1, [0.9] * 9), trial(2, [0.9] * 9)]
    assert halving([*good, running(3, 0.1, 0.1)], low=3) == []
    assert halving([*good, running(3, 0.1, 0.1, 0.1)], low=3) == [3]
    assert halving([running(1, *[0.9] * 27)]) == [1]
    assert halving([running(1, *[0.9] * 26)]) == []


def test_minimizing_goes_the_other_way() -> None:
    assert halving([trial(1, [0.3]), trial(2, [0.2]), running(3, 0.1)], goal=Goal.MINIMIZE) == []
    assert halving([trial(1, [0.3]), trial(2, [0.1]), running(3, 0.2)], goal=Goal.MINIMIZE) == [3]


# --- completion criteria ------------------------------------------------------------------------------------------------------


def enough(values: Sequence[float | None], goal: Goal = Goal.MAXIMIZE, seconds: int = 0, **plan: Any) -> str | None:
    trials = [trial(index, [] if value is None else [value]) for index, value in enumerate(values, 1)]
    history = History(goal=goal, trials=trials)
    made = Plan(strategy="Random", definitions=(), max_parallel=1, **plan)
    return completion.why_enough(made, history, T0, T0 + timedelta(seconds=seconds))


def test_target() -> None:
    assert enough([0.8, 0.9], target=0.9) == "TargetObjectiveMetricValue"
    assert enough([0.8, 0.89], target=0.9) is None
    assert enough([0.2, 0.1], Goal.MINIMIZE, target=0.1) == "TargetObjectiveMetricValue"
    assert enough([], target=0.1) is None


def test_max_runtime() -> None:
    assert enough([0.1], seconds=119, max_runtime=120) is None
    assert enough([0.1], seconds=120, max_runtime=120) == "MaxRuntimeInSeconds"


def test_not_improving() -> None:
    """An improvement counts from one per cent of the best: 0.80 -> 0.807 is 0.9 %, 0.80 -> 0.81 is 1.25 %."""
    assert enough([0.80, 0.807, 0.79, 0.78], not_improving=3) == "BestObjectiveNotImproving"
    assert enough([0.80, 0.807, 0.79, 0.81], not_improving=3) is None
    assert enough([0.80, None, None, None], not_improving=3) == "BestObjectiveNotImproving"
    # Small steps add up: 0.80 -> 0.807 -> 0.81 is measured from 0.80, the best that counted.
    assert enough([0.80, 0.807, 0.81, 0.79, 0.79], not_improving=3) is None
    assert enough([-1.0, -0.995, -2.0, -2.0], not_improving=3) == "BestObjectiveNotImproving"
    assert enough([-1.0, -0.98, -2.0, -2.0], not_improving=3) is None


def test_convergence() -> None:
    """No gain of one per cent in a fifth of the budget, five at least: of 50 jobs that is ten, of 10 five."""
    flat = [0.5] * 6
    assert enough(flat, max_jobs=10, complete_on_convergence=True) == "ConvergenceDetected"
    assert enough(flat[:5], max_jobs=10, complete_on_convergence=True) is None
    assert enough(flat, max_jobs=50, complete_on_convergence=True) is None
    assert enough([0.5] * 11, max_jobs=50, complete_on_convergence=True) == "ConvergenceDetected"
    assert enough(flat, max_jobs=10) is None
