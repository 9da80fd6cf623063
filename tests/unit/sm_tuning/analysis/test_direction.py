"""Whether more of a metric is better."""

import pytest

from sm_tuning import Objective
from sm_tuning.analysis.direction import direction


def test_a_share_becomes_an_error_and_back() -> None:
    share = direction("val_accuracy", None, [0.1, 0.9])
    assert share(0.9) == pytest.approx(0.1)
    assert share(share(0.9)) == pytest.approx(0.9)
    assert direction("val_accuracy", None, [10.0, 90.0])(90.0) == 10  # per cent
    assert direction("val_loss", None, [0.1])(0.1) == 0.1


def test_the_goal_decides_for_metrics_of_the_objectives_kind() -> None:
    assert direction("train:distance", Objective.maximize("validation:distance"), [3.0]).up
    assert not direction("train:distance", Objective.minimize("validation:distance"), [3.0]).up
    assert direction(
        "train:accuracy", Objective.minimize("validation:accuracy"), [0.5]
    ).up  # more of a share is better, whatever the goal
    assert direction("train:accuracy", Objective.minimize("validation:loss"), [0.5]).up
