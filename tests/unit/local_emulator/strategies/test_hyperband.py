"""Successive halving, on examples that were computed by hand."""

from collections.abc import Sequence

from local_emulator.domain.history import Goal, History, Trial
from local_emulator.domain.space import Continuous, Space
from local_emulator.strategies.hyperband import Hyperband
from tests.unit.local_emulator.strategies.test_median_rule import running, trial

SPACE = Space(parameters=(Continuous(name="x", low=0.0, high=1.0),))


def halving(trials: Sequence[Trial], low: int = 1, high: int = 27, goal: Goal = Goal.MAXIMIZE) -> list[int]:
    strategy = Hyperband(SPACE, seed=0, max_resource=high, min_resource=low)
    return [pruned.index for pruned in strategy.prune(History(goal=goal, trials=trials))]


def test_rungs_of_27() -> None:
    """Rungs at 1, 3 and 9. At 1 the best half of 3 is one trial: 0.3 goes on, 0.2 and 0.1 do not."""
    first = [trial(1, [0.3] * 5), trial(2, [0.2] * 5)]
    assert halving([*first, running(3, 0.1)]) == [3]
    assert halving([*first, running(3, 0.4)]) == []
    # Nothing is asked between rungs: it passed the first and has not reached the second.
    assert halving([*first, running(3, 0.4, 0.0)]) == []
    # At the second rung 0.05 is compared with 0.3 and 0.2, the third values of the others.
    assert halving([*first, running(3, 0.4, 0.0, 0.05)]) == [3]
    # Of six, the best three go on: 0.6, 0.5 and what is better than 0.3.
    six = [trial(index, [value] * 9) for index, value in enumerate((0.6, 0.1, 0.2, 0.3, 0.5), 1)]
    assert halving([*six, running(6, 0.25)]) == [6]
    assert halving([*six, running(6, 0.35)]) == []


def test_nothing_is_stopped_before_the_least_resource_and_everything_at_the_most() -> None:
    good = [trial(1, [0.9] * 9), trial(2, [0.9] * 9)]
    assert halving([*good, running(3, 0.1, 0.1)], low=3) == []
    assert halving([*good, running(3, 0.1, 0.1, 0.1)], low=3) == [3]
    assert halving([running(1, *[0.9] * 27)]) == [1]
    assert halving([running(1, *[0.9] * 26)]) == []


def test_minimizing_goes_the_other_way() -> None:
    assert halving([trial(1, [0.3]), trial(2, [0.2]), running(3, 0.1)], goal=Goal.MINIMIZE) == []
    assert halving([trial(1, [0.3]), trial(2, [0.1]), running(3, 0.2)], goal=Goal.MINIMIZE) == [3]
