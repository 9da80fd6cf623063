"""Random search: reproducible, and without repetition where that can be."""

from itertools import product

import pytest

from local_emulator.domain.history import Goal, History, Trial
from local_emulator.domain.jobs import Status
from local_emulator.domain.space import Categorical, Continuous, Integer, Point, Space
from local_emulator.strategies.random import Random, key

FINITE = Space(parameters=(Integer(name="n", low=1, high=5), Categorical(name="c", values=("a", "b", "c"))))
INFINITE = Space(parameters=(Continuous(name="x", low=0.0, high=1.0), *FINITE.parameters))


def history(points: list[Point], running: int = 0) -> History:
    statuses = [Status.COMPLETED] * (len(points) - running) + [Status.IN_PROGRESS] * running
    pairs = enumerate(zip(points, statuses, strict=True), 1)
    return History(
        goal=Goal.MAXIMIZE, trials=[Trial(name=str(n), index=n, point=point, status=status) for n, (point, status) in pairs]
    )


@pytest.mark.parametrize("space", [FINITE, INFINITE])
def test_the_same_seed_asks_the_same(space: Space) -> None:
    first, second, other = (Random(space, seed=seed).ask(history([]), 6) for seed in (1, 1, 2))
    assert first == second
    assert first != other


@pytest.mark.parametrize("batch", [1, 4, 15, 20])
def test_a_finite_space_is_used_up_once(batch: int) -> None:
    strategy, points = Random(FINITE, seed=3), list[Point]()
    while asked := strategy.ask(history(points, running=min(2, len(points))), batch):
        points += asked
    assert len(points) == FINITE.size == 15
    assert {key(point) for point in points} == {
        key({"n": str(number), "c": letter}) for number, letter in product(range(1, 6), "abc")
    }


def test_points_at_once_are_those_one_by_one() -> None:
    together = list(Random(INFINITE, seed=5).ask(history([]), 4))
    alone: list[Point] = []
    for _ in range(4):
        alone += Random(INFINITE, seed=5).ask(history(alone), 1)
    assert alone == together
