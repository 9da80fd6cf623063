"""The networks of the benchmarks learn by right gradients."""

import numpy as np
import pytest

from benchmarks.diagnosis.layers import Layers, Settings
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


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize(("classes", "depth"), [(3, 1), (3, 2), (0, 2)])
def test_gradients_of_layers_are_those_of_differences(classes: int, depth: int, activation: str) -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(9, 6))
    targets = rng.integers(0, classes, 9).astype(float) if classes else rng.normal(size=9)
    still: Settings = {"rate": 0.0, "decay": 0.0, "dropout": 0.0, "optimizer": "sgd"}  # a step that goes nowhere
    model = Layers(6, classes, {**still, "activation": activation, "width": 7, "depth": depth}, rng)

    def loss() -> float:
        answers = model.answer(inputs)
        return float(-np.log(answers[np.arange(9), targets.astype(int)]).mean() if classes else ((answers - targets) ** 2).mean())

    assert model.step(inputs, targets)[0] == pytest.approx(loss())
    gradient, step = model.gradient.copy(), 1e-5
    for index in rng.integers(0, model.flat.size, 20):
        before = model.flat[index]
        model.flat[index] = before + step
        above = loss()
        model.flat[index] = before - step
        below = loss()
        model.flat[index] = before
        assert gradient[index] == pytest.approx((above - below) / (2 * step), rel=1e-3, abs=1e-6)
