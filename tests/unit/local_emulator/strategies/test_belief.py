"""What names say of hyperparameters before there are results."""

import math

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from local_emulator.domain.history import Goal, History
from local_emulator.domain.space import Categorical, Continuous, Integer, Parameter, Scaling, Space
from local_emulator.strategies.bayesian import Bayesian
from local_emulator.strategies.belief import Belief
from local_emulator.strategies.gaussian_process import Array, Embedding, GaussianProcess, Kernel
from local_emulator.strategies.mixture import Mixture
from tests.unit.local_emulator.strategies.test_bayesian import trials

UNITS = np.random.default_rng(0).random((4000, 1))


def rate(name: str = "learning_rate", scaling: Scaling = Scaling.AUTO) -> Continuous:
    return Continuous(name=name, low=1e-4, high=1.0, scaling=scaling)


@pytest.mark.parametrize(
    ("parameter", "low", "high"),
    [
        (rate(), 0.56, 0.64),
        (rate("optimizer.lr"), 0.56, 0.64),
        (rate(scaling=Scaling.LINEAR), 0.49, 0.51),
        (rate("unheard_of"), 0.49, 0.51),
        (rate("weight_decay"), 0.42, 0.48),
        (Integer(name="epochs", low=5, high=50), 0.58, 0.68),
        (Integer(name="batch_size", low=16, high=256, scaling=Scaling.LOGARITHMIC), 0.4, 0.48),
        (Integer(name="hidden_units", low=4, high=256, scaling=Scaling.LOGARITHMIC), 0.58, 0.68),
        (Integer(name="max_depth", low=1, high=12), 0.49, 0.51),
        (Continuous(name="min_child_weight", low=0.1, high=120.0, scaling=Scaling.LOGARITHMIC), 0.4, 0.48),
        (Continuous(name="min_child_weight", low=0.0, high=120.0, scaling=Scaling.LINEAR), 0.49, 0.51),
        (Continuous(name="subsample", low=0.5, high=1.0, scaling=Scaling.LINEAR), 0.53, 0.6),
        (Categorical(name="epochs", values=("1", "2", "3")), 0.49, 0.51),
    ],
)
def test_where_the_first_points_lie(parameter: Parameter, low: float, high: float) -> None:
    belief = Belief([parameter])
    shaped = belief.shaped(UNITS)
    assert low < shaped.mean() < high
    assert shaped.min() >= 0.0
    assert shaped.max() <= 1.0
    assert np.all(np.diff(shaped[np.argsort(UNITS[:, 0]), 0]) > 0)  # in the same order, so what is spread evenly stays spread


def test_its_slope_is_that_of_differences() -> None:
    belief = Belief([Categorical(name="k", values=("a", "b")), rate(), rate("unheard_of")])
    row = np.array([1.0, 0.2, 0.3])
    slope = belief.slope(row[None, :])[0]
    np.testing.assert_allclose(slope, approx_fprime(row, lambda at: belief.log_density(at[None, :])[0], 1e-7), atol=1e-5)
    assert slope[1] > 0
    assert slope[0] == slope[2] == 0


def asked(name: str, best: float, results: int, seed: int) -> float:
    """How far from the best rate, in powers of ten, the next proposal is after results that say where it is."""
    space = Space(parameters=(rate(name),))
    units = np.random.default_rng(seed).random(results)
    known = [(space.at([unit]), (unit - best) ** 2) for unit in units]
    point = Bayesian(space, seed=seed).ask(History(goal=Goal.MINIMIZE, trials=trials(known)), 1)[0]
    return abs(math.log10(float(point[name])) + 4.0 - 4.0 * best)


def test_results_that_say_otherwise_are_believed() -> None:
    """Where the best rate lies at the wrong end of its range."""
    assert np.median([asked("learning_rate", 0.05, 12, seed) for seed in range(5)]) < 0.2


def test_few_results_leave_the_next_point_where_it_is_believed_to_be() -> None:
    """All results are the same, so nothing else says where to look."""
    distances = {}
    for name in ("learning_rate", "unheard_of"):
        space = Space(parameters=(rate(name), *(Continuous(name=f"x{at}", low=0.0, high=1.0) for at in range(3))))
        points = [space.at(row.tolist()) for row in np.random.default_rng(0).random((6, 4))]
        history = History(goal=Goal.MINIMIZE, trials=trials([(point, 1.0) for point in points]))
        proposed = [Bayesian(space, seed=seed).ask(history, 1)[0] for seed in range(6)]
        distances[name] = np.mean([abs(space.units(point)[0] - 0.67) for point in proposed])
    assert distances["learning_rate"] < 0.25
    assert distances["learning_rate"] < 0.7 * distances["unheard_of"]


def test_a_climb_goes_up_what_the_belief_is_counted_in() -> None:
    """Each row's improvement with the belief is as high as before or higher, and in all it is clearly higher."""
    parameters: list[Parameter] = [Categorical(name="k", values=("a", "b")), rate(), rate("unheard_of")]
    belief, embedding = Belief(parameters), Embedding([2, 0, 0])
    rng = np.random.default_rng(1)
    inputs = np.column_stack([rng.integers(0, 2, 8), rng.random((8, 2))])
    process = GaussianProcess(Kernel(weights=np.full(3, 4.0), scale=1.0, noise=1e-4), inputs, rng.normal(size=8), embedding)
    model = Mixture([process], embedding)
    starts = np.column_stack([rng.integers(0, 2, 5), rng.random((5, 2))])

    def score(rows: Array) -> Array:
        return model.log_improvements(rows) + 2.0 * belief.log_density(rows)

    climbed = model.climb(starts, 50, belief, 2.0)
    np.testing.assert_array_equal(climbed[:, 0], starts[:, 0])
    assert score(climbed).sum() > score(starts).sum() + 1.0
    moved = [
        score(np.clip(climbed + np.array([0.0, *step]), 0.0, 1.0)).sum()
        for step in ((0.01, 0.0), (-0.01, 0.0), (0.0, 0.01), (0.0, -0.01))
    ]
    assert max(moved) < score(climbed).sum() + 1e-3
