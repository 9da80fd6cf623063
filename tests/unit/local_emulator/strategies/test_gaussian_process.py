"""The Gaussian process beside scikit-learn's, its gradients beside differences, and what Bayesian search makes of odd histories."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.stats import norm
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from local_emulator.domain.space import Categorical, Continuous, Integer, Point, Scaling, Space
from local_emulator.strategies import gaussian_process
from local_emulator.strategies.gaussian_process import Array, Embedding, GaussianProcess, Kernel, fit, fit_alike

KERNEL = Kernel(weights=np.array([4.0, 0.7, 1.5]), scale=1.7, noise=0.03)
NUMBERS = Embedding([0, 0, 0])


def data(rows: int = 25) -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    inputs = rng.random((rows, 3))
    outputs = np.sin(5 * inputs[:, 0]) + inputs[:, 1] ** 2 + 0.1 * rng.normal(size=rows)
    return inputs, (outputs - outputs.mean()) / outputs.std()


def oracle(kernel: Kernel, inputs: Array, outputs: Array) -> GaussianProcessRegressor:
    covariance = ConstantKernel(kernel.scale) * Matern(length_scale=kernel.weights**-0.5, nu=2.5)
    return GaussianProcessRegressor(covariance, alpha=kernel.noise + 1e-9, optimizer=None).fit(inputs, outputs)


# --- the process ------------------------------------------------------------------------------------------------------------


def test_predictions_are_those_of_scikit_learn() -> None:
    inputs, outputs = data()
    rows = np.random.default_rng(1).random((40, 3))
    process = GaussianProcess(KERNEL, inputs, outputs, NUMBERS)
    mean, deviation = process.predict(rows)
    expected, expected_deviation = oracle(KERNEL, inputs, outputs).predict(rows, return_std=True)
    np.testing.assert_allclose(mean, expected, atol=1e-9)
    np.testing.assert_allclose(deviation, expected_deviation, atol=1e-9)
    np.testing.assert_allclose(process.means, process.predict(inputs)[0], atol=1e-9)


def test_the_likelihood_is_that_of_scikit_learn() -> None:
    """But for a constant and the prior, which is a parabola around its mean in each logarithm."""
    inputs, outputs = data()
    mean = gaussian_process._LOG_LENGTH_PRIOR[0] + 0.5 * math.log(3)
    for kernel in (KERNEL, Kernel(weights=np.array([30.0, 30.0, 2.0]), scale=0.5, noise=0.2)):
        theta = np.array([*(-0.5 * np.log(kernel.weights)), math.log(kernel.scale), math.log(kernel.noise)])
        value, _ = gaussian_process._loss(theta, inputs, NUMBERS.owner, outputs)
        off = [
            *((theta[:3] - mean) / gaussian_process._LOG_LENGTH_PRIOR[1]),
            (theta[3] - gaussian_process._LOG_SCALE_PRIOR[0]) / gaussian_process._LOG_SCALE_PRIOR[1],
            (theta[4] - gaussian_process._LOG_NOISE_PRIOR[0]) / gaussian_process._LOG_NOISE_PRIOR[1],
        ]
        likelihood = oracle(kernel, inputs, outputs).log_marginal_likelihood_value_
        expected = -likelihood - 0.5 * len(outputs) * math.log(2 * math.pi) + 0.5 * float(np.square(off).sum())
        assert value == pytest.approx(expected, abs=1e-7)


def test_gradients_are_those_of_differences() -> None:
    inputs, outputs = data()
    inputs[:, 1] = np.floor(inputs[:, 1] * 3)
    embedding = Embedding([0, 3, 0])
    points = embedding(inputs)
    theta = np.array([-0.3, 0.2, 0.5, 0.1, -3.0])
    _, gradient = gaussian_process._loss(theta, points, embedding.owner, outputs)
    differences = approx_fprime(theta, lambda at: gaussian_process._loss(at, points, embedding.owner, outputs)[0], 1e-6)
    np.testing.assert_allclose(gradient, differences, rtol=1e-4, atol=1e-4)

    process = GaussianProcess(KERNEL, inputs, outputs, embedding)
    start = embedding(np.array([[0.3, 2.0, 0.6], [0.9, 0.0, 0.1]]))
    _, slopes = process.log_improvement_slopes(start, -1.0)
    free = embedding.numeric
    for index, point in enumerate(start):

        def at(values: Array, point: Array = point) -> float:
            moved = point.copy()
            moved[free] = values
            return float(process.log_improvement_slopes(moved[None, :], -1.0)[0][0])

        np.testing.assert_allclose(slopes[index][free], approx_fprime(point[free], at, 1e-6), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("best", [-3.0, -1.0, 0.0, 2.0])
def test_the_expected_improvement_is_the_integral(best: float) -> None:
    inputs, outputs = data()
    process = GaussianProcess(KERNEL, inputs, outputs, NUMBERS)
    rows = np.random.default_rng(2).random((5, 3))
    means, deviations = process.predict(rows)
    for value, mean, deviation in zip(process.log_improvements(rows, best), means, deviations, strict=True):
        gaussian = norm(mean, deviation)
        integral, _ = (
            quad(lambda y, g=gaussian: (best - y) * g.pdf(y), mean - 12 * deviation, best) if best > mean - 12 else (0, 0)
        )
        if integral > 1e-8:
            assert value == pytest.approx(math.log(integral), abs=1e-3)
        else:
            assert value < math.log(1e-7)


def test_logarithms_do_not_underflow() -> None:
    """Far from hope the order still counts: 1e6 standard deviations away is better than 1e7."""
    values, pulls = gaussian_process._log_h(np.array([-1e3, -1e2, -1e1, -1.0, 0.0, 10.0]))
    assert np.all(np.diff(values) > 0)
    assert np.all(np.isfinite(pulls))
    assert values[3] == pytest.approx(math.log(norm.pdf(1.0) - norm.cdf(-1.0)))


def test_categories_are_nought_or_one_apart() -> None:
    points = Embedding([3, 0])(np.array([[0.0, 0.5], [2.0, 0.5], [2.0, 0.25]]))
    assert ((points[0] - points[1]) ** 2).sum() == pytest.approx(1.0)
    assert ((points[1] - points[2]) ** 2).sum() == pytest.approx(0.0625)


def test_expected_values_are_conditioned_on() -> None:
    inputs, outputs = data()
    rows = np.random.default_rng(3).random((4, 3))
    process = GaussianProcess(KERNEL, inputs, outputs, NUMBERS)
    extended = process.with_expected(rows[:1]).with_expected(rows[1:])
    anew = GaussianProcess(KERNEL, np.vstack([inputs, rows]), np.concatenate([outputs, process.predict(rows)[0]]), NUMBERS)
    somewhere = np.random.default_rng(4).random((30, 3))
    for value, other in zip(extended.predict(somewhere), anew.predict(somewhere), strict=True):
        np.testing.assert_allclose(value, other, atol=1e-7)
    assert float(extended.predict(rows)[1].max()) < float(process.predict(rows)[1].max())


def test_what_is_true_is_drawn_from_what_is_probable() -> None:
    """At the inputs, one of which is expected only: the mean and the covariance of many draws beside those of scikit-learn."""
    inputs, outputs = data(8)
    process = GaussianProcess(Kernel(weights=KERNEL.weights, scale=1.7, noise=0.3), inputs, outputs, NUMBERS)
    rng = np.random.default_rng(2)
    draws = np.array([process.without_noise(rng).outputs for _ in range(4000)])
    mean, covariance = oracle(process.kernel, inputs, outputs).predict(inputs, return_cov=True)
    np.testing.assert_allclose(draws.mean(axis=0), mean, atol=0.04)
    np.testing.assert_allclose(np.cov(draws.T), covariance, atol=0.03)

    drawn = process.with_expected(np.array([[0.9, 0.1, 0.5]])).without_noise(rng)
    assert drawn.outputs.shape == (9,)
    means, deviations = drawn.predict(drawn.inputs)
    np.testing.assert_allclose(means, drawn.outputs, atol=1e-3)
    assert deviations.max() < 0.01


def test_the_fit_finds_what_matters() -> None:
    rng = np.random.default_rng(6)
    inputs = rng.random((60, 3))
    outputs = np.sin(6 * inputs[:, 1]) + 0.05 * rng.normal(size=60)
    kernel = fit(inputs, outputs / outputs.std(), NUMBERS)
    assert kernel.weights[1] > 5 * max(kernel.weights[0], kernel.weights[2])
    assert kernel.noise < 0.05


# --- the search -------------------------------------------------------------------------------------------------------------

SPACE = Space(
    parameters=(
        Categorical(name="optimizer", values=("adam", "sgd")),
        Integer(name="units", low=1, high=64),
        Continuous(name="rate", low=1e-4, high=1.0, scaling=Scaling.LOGARITHMIC),
    )
)


def points(count: int, seed: int = 0) -> Sequence[Point]:
    rng = np.random.default_rng(seed)
    return [SPACE.at(row) for row in rng.random((count, 3)).tolist()]


def test_length_scales_that_are_alike_are_the_most_probable_of_those() -> None:
    """No other common length scale, scale or noise has less loss; each alone has more than the kernel of its own for each."""
    inputs, outputs = data(15)
    kernel = fit_alike(inputs, outputs, NUMBERS)
    assert np.ptp(kernel.weights) == 0.0
    theta = np.array([*(-0.5 * np.log(kernel.weights)), math.log(kernel.scale), math.log(kernel.noise)])

    def loss(moved: Array) -> float:
        return gaussian_process._loss(moved, inputs, NUMBERS.owner, outputs)[0]

    for step in ([0.05] * 3 + [0.0, 0.0], [0.0] * 3 + [0.05, 0.0], [0.0] * 3 + [0.0, 0.05]):
        assert loss(theta) < loss(theta + step) + 1e-6
        assert loss(theta) < loss(theta - step) + 1e-6
    own = fit(inputs, outputs, NUMBERS)
    assert loss(np.array([*(-0.5 * np.log(own.weights)), math.log(own.scale), math.log(own.noise)])) < loss(theta) - 0.1
