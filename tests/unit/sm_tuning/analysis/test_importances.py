"""Importances of a random forest, on planted objectives."""

import random
from collections.abc import Mapping, Sequence

import pytest

pytest.importorskip("sklearn", reason="importances need scikit-learn: pip install 'sm-tuning[results]'")

from sm_tuning.analysis.importances import forest_importances
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.client.description import TuningJobDescription
from sm_tuning.spec.metrics import Objective
from sm_tuning.spec.parameters import Categorical, Continuous, Range, Scaling


def results(points: Sequence[tuple[Mapping[str, str], float]], *ranges: Range) -> Results:
    trials = [
        TrialResult(tuning_job="one", name=f"job-{number}", status="Completed", hyperparameters=point, reported=value)
        for number, (point, value) in enumerate(points)
    ]
    job = TuningJobDescription(name="one", objective=Objective.minimize("loss"), ranges=ranges)
    return Results(tuning_jobs=[job], trials=trials)


def test_of_two_hyperparameters_one_decides_all() -> None:
    points = [({"rate": str(10 ** (-number / 10)), "idle": str(number * 7 % 11)}, float(number)) for number in range(40)]
    rate = Continuous("rate", 1e-4, 1, Scaling.LOGARITHMIC)
    shares = forest_importances(results(points, rate))
    assert shares["rate"] > 0.9
    assert sum(shares.values()) == pytest.approx(1)
    assert forest_importances(results(points[:5], rate)) == {}


@pytest.mark.parametrize("diverged", [None, 1e12])
def test_categories_and_what_diverged(diverged: float | None) -> None:
    """The category decides most, in no order; the rate a little; one training job far off hides neither."""
    chance, points = random.Random(1), []
    for _ in range(60):
        kind, rate, idle = chance.choice("abcd"), chance.random(), chance.random()
        value = (1.0 if kind in "ac" else 0.0) + 0.4 * rate
        points.append(({"kind": kind, "rate": str(rate), "idle": str(idle)}, value))
    if diverged is not None:
        points[0] = (points[0][0], diverged)
    shares = forest_importances(results(points, Categorical("kind", ["a", "b", "c", "d"])))
    assert shares["kind"] > 0.6
    assert shares["idle"] < 0.1
