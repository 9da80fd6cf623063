"""What Bayesian search expected of a point, as objectives."""

import math

import numpy as np
import pytest

from local_emulator.domain.history import Goal, History
from local_emulator.strategies.bayesian import Bayesian, warp
from local_emulator.strategies.expectation import Expectation, Scale
from tests.unit.local_emulator.strategies.test_bayesian import trials, valley
from tests.unit.local_emulator.strategies.test_gaussian_process import SPACE, points


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_outputs_become_the_objectives_that_they_were_made_of(sign: float) -> None:
    objectives = np.array([3.0, 1.0, 2.0, 2.5, 90.0, 1.5, 4.0, 5.0])
    outputs = warp(objectives)
    scale = Scale(objectives, outputs, sign)
    assert [scale.objective(output) for output in outputs] == pytest.approx(sign * objectives)
    step = float(outputs[5] - outputs[1])  # from 1 to 1.5, on the straight half
    assert scale.objective(float(outputs[1]) - step) == pytest.approx(sign * 0.5)
    assert scale.objective(99.0) == sign * 90.0  # how bad what is bent would be nobody knows


def expected(goal: Goal, index: int, count: int = 20) -> Expectation | None:
    sign = -1.0 if goal is Goal.MAXIMIZE else 1.0
    known = trials([(point, sign * valley(point)) for point in points(count)])
    return Bayesian(SPACE, seed=1).expectation(History(goal=goal, trials=known), points(60)[index])


def test_a_point_that_was_tried_exploits_and_a_far_one_explores() -> None:
    best = min(range(20), key=lambda index: valley(points(20)[index]))
    tried = expected(Goal.MINIMIZE, best)
    assert tried is not None
    truth = valley(points(20)[best])
    assert not tried.explores
    assert tried.mean == pytest.approx(truth, abs=0.1)
    assert tried.low < tried.mean < tried.high
    assert tried.best == pytest.approx(tried.mean)
    others = [expected(Goal.MINIMIZE, index) for index in range(20, 32)]
    widest = max((other for other in others if other is not None), key=lambda other: other.high - other.low)
    assert widest.explores
    assert widest.high - widest.low > 3 * (tried.high - tried.low)
    assert all(other is not None and other.gain >= 0 for other in others)


def test_to_maximize_is_to_minimize_the_opposite() -> None:
    down, up = expected(Goal.MINIMIZE, 33), expected(Goal.MAXIMIZE, 33)
    assert down is not None
    assert up is not None
    assert (up.mean, up.low, up.high, up.best) == pytest.approx((-down.mean, -down.high, -down.low, -down.best))
    assert up.gain == pytest.approx(down.gain)
    assert up.explores is down.explores


def test_nothing_is_expected_of_the_first_points_and_of_those_far_outside() -> None:
    assert expected(Goal.MINIMIZE, 33, count=5) is None
    known = trials([(point, valley(point)) for point in points(20)])
    search = Bayesian(SPACE, seed=1)
    outside = {**points(1)[0], "rate": "700"}
    assert search.expectation(History(goal=Goal.MINIMIZE, trials=known), outside) is None
    # Parents learnt from other data: how good results are here nobody knows until there is one.
    assert search.expectation(History(goal=Goal.MINIMIZE, parents=known, transfer=True), points(1)[0]) is None
    assert search.expectation(History(goal=Goal.MINIMIZE, parents=known), points(1)[0]) is not None


def test_results_that_are_all_the_same_are_expected_again() -> None:
    known = trials([(point, 0.5) for point in points(14)])
    same = Bayesian(SPACE, seed=1).expectation(History(goal=Goal.MINIMIZE, trials=known), points(20)[17])
    assert same is not None
    assert (same.mean, same.low, same.high, same.gain) == (0.5, 0.5, 0.5, 0.0)
    assert math.isfinite(same.best)
