"""Successive halving, on examples that were computed by hand."""

import random
from collections.abc import Sequence

import pytest

from local_emulator.domain.history import Goal, History, Trial
from local_emulator.domain.jobs import Status
from local_emulator.domain.space import Continuous, Space
from local_emulator.strategies.hyperband import Hyperband
from tests.unit.local_emulator.strategies.test_median_rule import running, trial

SPACE = Space(parameters=(Continuous(name="x", low=0.0, high=1.0),))


def halving(trials: Sequence[Trial], low: int = 1, high: int = 27, goal: Goal = Goal.MAXIMIZE) -> list[int]:
    strategy = Hyperband(SPACE, seed=0, max_resource=high, min_resource=low)
    return [pruned.index for pruned in strategy.prune(History(goal=goal, trials=trials))]


def test_rungs_of_27() -> None:
    """Rungs at 1, 3 and 9. At 1 the best 0.66 of 3 are one trial: 0.3 goes on, 0.2 and 0.1 do not."""
    first = [trial(1, [0.3] * 5), trial(2, [0.2] * 5)]
    assert halving([*first, running(3, 0.1)]) == [3]
    assert halving([*first, running(3, 0.4)]) == []
    # Nothing is asked between rungs: it passed the first and has not reached the second.
    assert halving([*first, running(3, 0.4, 0.0)]) == []
    # At the second rung 0.05 is compared with 0.3 and 0.2, the third values of the others.
    assert halving([*first, running(3, 0.4, 0.0, 0.05)]) == [3]
    # Each of the five is as good at a rung as at the next: a share of 0.51. Of six, three go on: 0.6, 0.5 and what is better than 0.3.
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
    assert halving([trial(1, [0.3] * 9), trial(2, [0.1] * 9), running(3, 0.2)], goal=Goal.MINIMIZE) == [3]


# --- the share that goes on -----------------------------------------------------------------------------------------------------


def shares(trials: Sequence[Trial], high: int = 27) -> Sequence[float]:
    return Hyperband(SPACE, seed=0, max_resource=high).shares(History(goal=Goal.MINIMIZE, trials=trials))


def share(*correlations: float) -> float:
    """A third, and of the rest the square of what the product of the correlations lacks of one."""
    product = 1.0
    for correlation in correlations:
        product *= correlation
    return 1 / 3 + 2 / 3 * (1 - product) ** 2


def test_before_anything_is_known_a_correlation_of_065_is_expected() -> None:
    assert shares([]) == pytest.approx([share(0.65, 0.65, 0.65), share(0.65, 0.65), share(0.65)])
    assert shares([]) == pytest.approx([0.684, 0.556, 0.415], abs=1e-3)
    single = [running(1, 0.3, 0.3, 0.3)]
    assert shares(single) == shares([])


def test_what_is_known_counts_with_eight_expected_trials() -> None:
    """From 1 to 3 the ranks 1, 2, 3 become 1, 3, 2: a correlation of 0.5. Running trials count as far as they got."""
    three = [trial(1, [0.1, 0, 0.1], Status.STOPPED), running(2, 0.2, 0, 0.3), trial(3, [0.3, 0, 0.2])]
    known = (3 * 0.5 + 8 * 0.65) / 11
    assert shares(three) == pytest.approx([share(known, 0.65, 0.65), share(0.65, 0.65), share(0.65)])
    # At MaxResource, here at 2, trials have come to their end; so has a completed one before it.
    ended = [trial(1, [0.1, 0.2], Status.STOPPED), trial(2, [0.3, 0.4]), trial(3, [0.5])]
    assert shares(ended, high=2) == pytest.approx([share((3 * 1.0 + 8 * 0.65) / 11)])
    assert shares([trial(1, [0.2]), running(2, 0.3, 0.1), running(3, 0.4)], high=3) == shares([], high=3)


def test_equal_values_share_a_rank_and_say_nothing_if_all_are_equal() -> None:
    tied = [trial(index, [first, 0, third]) for index, (first, third) in enumerate([(0.1, 0.1), (0.1, 0.2), (0.2, 0.3)])]
    assert shares(tied)[0] == pytest.approx(share((3 * 0.75**0.5 + 8 * 0.65) / 11, 0.65, 0.65))
    flat = [trial(index, [0.1, 0, index / 10]) for index in range(3)]
    assert shares(flat)[0] == pytest.approx(share(8 * 0.65 / 11, 0.65, 0.65))


def test_a_third_goes_on_where_rungs_say_all_and_all_where_they_say_nothing() -> None:
    parallel = [trial(index, [index / 100] * 27, Status.STOPPED) for index in range(90)]
    assert shares(parallel)[0] == pytest.approx(1 / 3, abs=0.01)
    assert halving([*parallel, running(90, 0.285)], goal=Goal.MINIMIZE) == []
    assert halving([*parallel, running(90, 0.335)], goal=Goal.MINIMIZE) == [90]
    # What is best at the first rung is worst from the second on: nothing is stopped at the first, two thirds at the third.
    crossing = [trial(index, [-index / 100, 0, *[index / 100] * 25], Status.STOPPED) for index in range(90)]
    assert shares(crossing)[0] == 1.0
    assert halving([*crossing, running(90, 9.0)], goal=Goal.MINIMIZE) == []
    assert halving([*crossing, running(90, 9.0, 9.0, 0.5)], goal=Goal.MINIMIZE) == [90]


def test_a_rung_that_was_passed_is_not_asked_again() -> None:
    """0.1 is the worst at the first rung, where it is stopped; 0.9 is the best at the second, which it has reached."""
    others = [trial(index, [0.5, 0.5, 0.5]) for index in range(4)]
    assert halving([*others, running(4, 0.1)]) == [4]
    assert halving([*others, running(4, 0.1, 0.1)]) == [4]
    assert halving([*others, running(4, 0.1, 0.1, 0.9)]) == []


@pytest.mark.parametrize("goal", Goal)
def test_the_best_third_always_goes_on_and_the_same_history_has_the_same_answer(goal: Goal) -> None:
    rng = random.Random(0)
    used = Hyperband(SPACE, seed=0, max_resource=9)
    stopped = 0
    for count in range(3, 60):
        trials = [running(index, *(rng.random() for _ in range(rng.randint(1, 8)))) for index in range(count)]
        history = History(goal=goal, trials=trials)
        pruned = used.prune(history)
        assert pruned == Hyperband(SPACE, seed=0, max_resource=9).prune(history)
        stopped += len(pruned)
        for lost in pruned:
            rung = 1 if len(lost.values) < 3 else 3
            values = [known.values[rung - 1] for known in trials[: lost.index + 1] if len(known.values) >= rung]
            better = sum(goal.better(value, lost.values[rung - 1]) for value in values)
            assert better >= len(values) // 3
    assert stopped
