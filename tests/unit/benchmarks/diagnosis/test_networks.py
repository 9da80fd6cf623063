"""The networks of the benchmarks learn by right gradients."""

import numpy as np
import pytest

from benchmarks.diagnosis.networks import Hyperparameters, Network


@pytest.mark.parametrize("classes", [True, False])
@pytest.mark.parametrize(("filters", "hidden"), [(0, ()), (0, (7, 5)), (3, (6,)), (2, ())])
def test_gradients_are_those_of_differences(classes: bool, filters: int, hidden: tuple[int, ...]) -> None:  # noqa: FBT001 - a case
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(9, 64)), np.eye(3)[rng.integers(0, 3, 9)]
    network = Network(64, 3, Hyperparameters(rate=0.1, hidden=hidden, filters=filters), rng, classes=classes)

    def loss() -> float:
        predicted = network.predict(inputs)
        return float(-(np.log(predicted) * targets).sum() / 9 if classes else ((predicted - targets) ** 2).sum() / 9)

    for parameter, gradient in zip([*network.weights, *network.biases], network.gradients(inputs, targets), strict=True):
        flat, step = parameter.reshape(-1), 1e-5
        for index in rng.integers(0, flat.size, 3):
            before = flat[index]
            flat[index] = before + step
            above = loss()
            flat[index] = before - step
            below = loss()
            flat[index] = before
            assert gradient.reshape(-1)[index] == pytest.approx((above - below) / (2 * step), rel=1e-3, abs=1e-6)
