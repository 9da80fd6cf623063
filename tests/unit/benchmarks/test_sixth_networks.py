"""The slopes and steps that networks of the sixth series are trained by."""

import numpy as np
import pytest

from benchmarks.trainings.optimizer import Optimizer
from benchmarks.trainings.sixth_networks import Network


@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "elu"])
def test_slopes_are_those_of_small_steps(activation: str, normalization: str) -> None:
    rng = np.random.default_rng(1)
    network = Network(rng, (4, 7, 6, 2), activation, normalization)
    inputs, pull = rng.normal(size=(9, 4)), rng.normal(size=(9, 2))
    _, layers = network.forward(inputs, rng)
    slopes, below = network.back(layers, pull)
    for array, slope in zip([*network.arrays, inputs], [*slopes, below], strict=True):
        for index in rng.choice(array.size, min(array.size, 6), replace=False):
            values = []
            for step in (1e-5, -1e-5):
                array.flat[index] += step
                values.append(float((network.forward(inputs, rng)[0] * pull).sum()))
                array.flat[index] -= step
            assert (values[0] - values[1]) / 2e-5 == pytest.approx(slope.flat[index], rel=2e-3, abs=1e-4)


@pytest.mark.parametrize("kind", ["sgd", "momentum", "adagrad", "rmsprop", "adam", "nesterov", "lion"])
def test_each_optimizer_gets_to_the_bottom_of_a_bowl(kind: str) -> None:
    weights = np.array([3.0, -2.0])
    optimizer = Optimizer(kind, [weights], 0.5 if kind == "adagrad" else 0.05)
    for step in range(2000):
        optimizer.step([weights * np.array([1.0, 4.0])], 1.0 - step / 2000)
    assert np.abs(weights).max() < 0.01
