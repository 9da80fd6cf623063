"""DeepAR's likelihoods beside scipy's densities, finite differences, and what is drawn."""

from typing import Any

import numpy as np
import pytest
import scipy.stats

from local_emulator.algorithms.contract import Floats
from local_emulator.algorithms.likelihoods import LIKELIHOODS, _positive

SCALE = np.array([1.0, 2.0, 5.0])
VALUES = {"negative-binomial": np.array([3, 0, 7]) / SCALE, "beta": np.array([0.1, 0.5, 0.9])}
OTHERS = np.array([0.3, -2.0, 1.5])


def raw(name: str) -> Floats:
    return np.random.default_rng(0).normal(size=(3, LIKELIHOODS[name].width))


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_gradients(name: str) -> None:
    likelihood, numbers, values = LIKELIHOODS[name], raw(name), VALUES.get(name, OTHERS)
    _, gradient = likelihood.losses(numbers, values, SCALE)
    assert gradient.shape == numbers.shape
    for column in range(likelihood.width):
        step = np.zeros_like(numbers)
        step[:, column] = 1e-6
        high, low = (likelihood.losses(numbers + sign * step, values, SCALE)[0] for sign in (1, -1))
        assert np.allclose((high - low) / 2e-6, gradient[:, column], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in LIKELIHOODS if name != "deterministic-L1"])
def test_losses_are_scipy_s_and_draws_have_its_mean(name: str) -> None:
    """Of the values as they are, before they were divided by the scale."""
    numbers = raw(name)
    first, second, *_ = (_positive(column)[0] for column in numbers.T)
    others = _positive(numbers[:, -1])[0]
    scale = np.ones(3) if name == "beta" else SCALE
    distribution: Any = {
        "gaussian": lambda: scipy.stats.norm(numbers[:, 0] * SCALE, second * SCALE),
        "student-T": lambda: scipy.stats.t(others + 2, numbers[:, 0] * SCALE, second * SCALE),
        "negative-binomial": lambda: scipy.stats.nbinom(1 / second, 1 / (1 + second * first * SCALE)),
        "beta": lambda: scipy.stats.beta(first, second),
    }[name]()
    values = VALUES.get(name, OTHERS)
    density = distribution.logpmf if name == "negative-binomial" else distribution.logpdf
    assert np.allclose(LIKELIHOODS[name].losses(numbers, values, scale)[0], -density(np.round(values * scale, 9)))
    many = np.repeat(numbers, 20_000, axis=0)
    drawn = LIKELIHOODS[name].draw(many, np.repeat(scale, 20_000), np.random.default_rng(1)).reshape(3, -1)
    assert np.allclose(np.median(drawn, axis=1) * scale, distribution.median(), atol=0.08, rtol=0.05)


def test_a_point_forecast_is_never_drawn_by_chance() -> None:
    numbers = raw("deterministic-L1")
    assert LIKELIHOODS["deterministic-L1"].draw(numbers, SCALE, np.random.default_rng(0)).tolist() == numbers[:, 0].tolist()
