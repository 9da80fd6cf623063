"""The network in DeepAR's place: what it sees, its gradients, and paths."""

import numpy as np
import pytest

from local_emulator.algorithms.forecaster import Forecaster, Network, Shape, Windows
from local_emulator.algorithms.series import Series


def shape(**changes: object) -> Shape:
    values = {
        "frequency": "W", "context": 2, "prediction": 2, "likelihood": "gaussian", "layers": 2, "cells": 3, "embedding": 2,
        "cardinality": [2], "dynamic": 1,
    }  # fmt: skip
    return Shape(**{**values, **changes})  # type: ignore[arg-type]


def series(target: list[float], category: int = 0) -> Series:
    return Series(np.datetime64("2024-01-01"), np.array(target), (category,), np.arange(len(target) + 2.0)[None])


def test_windows_see_the_past_of_their_own_series_alone() -> None:
    windows = Windows(shape(), [series([1, 2, np.nan, 4, 5]), series([10, 20], 1)])
    rows, points = np.array([0, 0, 1]), np.array([3, 5, 1])
    inputs = windows.inputs(rows, points, np.array([1.0, 2.0, 10.0]))
    assert inputs[:, :2].tolist() == [[2, 2], [2.5, 2], [1, 0]]  # a gap is what came before it; nothing came before the first
    assert (inputs[:, 2:4] == 0).all()  # 52 and 104 weeks ago
    assert inputs[:, -1].tolist() == [3, 5, 1]  # the dynamic feature, in the future too
    assert windows.targets(rows, points)[[0, 2]].tolist() == [4, 20]
    assert np.isnan(windows.targets(rows, points)[1])
    assert windows.scales(np.array([0, 0, 1]), np.array([3, 0, 2])).tolist() == [2, 1, 15]
    assert windows.categories.tolist() == [[0], [1]]


def test_samples_pass_over_all_series_that_have_a_future() -> None:
    windows = Windows(shape(), [series([1] * 9), series([1]), series([1] * 3)])
    samples = list(windows.samples(200, np.random.default_rng(0)))
    assert {row for row, _ in samples} == {0, 2}
    assert {begin for row, begin in samples if row == 0} == set(range(2, 8))
    assert {begin for row, begin in samples if row == 2} == {1}
    _, _, values, scales = Forecaster(shape(), windows.width).batch(windows, [(0, 7), (2, 2)])
    assert len(values) == 3  # the second window reaches beyond its end
    assert (values * scales == 1).all()


@pytest.mark.parametrize("dropout", [0, 0.4])
def test_gradients(dropout: float) -> None:
    chance = np.random.default_rng(0)
    network = Network(shape(), 5)
    inputs, categories, values = chance.normal(size=(7, 5)), chance.integers(2, size=(7, 1)), chance.normal(size=7)
    masks = network.masks(7, dropout, chance) if dropout else ()
    _, gradients = network.gradients(inputs, categories, values, np.ones(7), masks)
    assert gradients.keys() == network.weights.keys()
    for name, weight in network.weights.items():
        for index in np.ndindex(weight.shape):
            kept = weight[index]
            losses = []
            for step in (1e-6, -1e-6):
                weight[index] = kept + step
                losses.append(network.gradients(inputs, categories, values, np.ones(7), masks)[0])
            weight[index] = kept
            assert gradients[name][index] == pytest.approx((losses[0] - losses[1]) / 2e-6, rel=1e-4, abs=1e-7), name


def test_paths_feed_on_what_was_forecast() -> None:
    """A network whose linear part says twice the last value."""
    made = shape(likelihood="deterministic-L1", cardinality=[], dynamic=0, prediction=3)
    known = Series(np.datetime64("2024-01-01"), np.array([1.0, 3.0]))
    forecaster = Forecaster(made, Windows(made, [known]).width)
    for weight in forecaster.network.weights.values():
        weight[:] = 0
    forecaster.network.weights["linear"][0] = 2
    (paths, other) = forecaster.paths([known, Series(known.start, np.array([]))], 2, np.random.default_rng(0))
    assert np.allclose(paths, [[6, 12, 24]] * 2)
    assert (other == 0).all()


def test_what_does_not_fit() -> None:
    assert shape().problem(series([1, 2]), future=True) is None
    assert shape().problem(series([1, 2]), future=False) == "the lists of dynamic_feat have length 4; it must be 2"
    assert shape().problem(series([1, 2], 2), future=True) == "cat is [2]; the model has [2] categories, counted from 0"
    bare = Series(np.datetime64("2024-01-01"), np.array([1.0]))
    assert shape().problem(bare, future=True) == "cat has 0 categories; the model has 1"
    assert shape(cardinality=[]).problem(bare, future=True) == "dynamic_feat has 0 features; the model has 1"
    assert shape(cardinality=[], dynamic=0).problem(series([1]), future=True) is None
