"""Several processes at once: their improvements beside the mean of each one's, and climbing it."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from local_emulator.domain.space import Continuous
from local_emulator.strategies.belief import Belief
from local_emulator.strategies.gaussian_process import Array, Embedding, GaussianProcess, fit, fit_alike
from local_emulator.strategies.mixture import Mixture
from tests.unit.local_emulator.strategies.test_gaussian_process import data

NOTHING_KNOWN = Belief([Continuous(name=name, low=0.0, high=1.0) for name in "abc"])
EMBEDDING = Embedding([0, 3, 0])


def mixture(rows: int = 25) -> Mixture:
    inputs, outputs = data(rows)
    inputs[:, 1] = np.floor(inputs[:, 1] * 3)
    processes = [GaussianProcess(learn(inputs, outputs, EMBEDDING), inputs, outputs, EMBEDDING) for learn in (fit, fit_alike)]
    return Mixture(processes, EMBEDDING)


def starts(count: int) -> Array:
    rows = np.random.default_rng(5).random((count, 3))
    rows[:, 1] = np.arange(count) % 3
    return rows


def test_the_improvement_is_the_mean_of_that_of_each() -> None:
    drawn = mixture().without_noise(np.random.default_rng(1))
    first, second = drawn.processes
    assert first.outputs.min() != second.outputs.min()  # each has drawn its own truth
    each = [np.exp(process.log_improvements(starts(9), float(process.outputs.min()))) for process in drawn.processes]
    np.testing.assert_allclose(np.exp(drawn.log_improvements(starts(9))), (each[0] + each[1]) / 2)
    np.testing.assert_allclose(drawn.means, (first.means + second.means) / 2)


def test_gradients_are_those_of_differences() -> None:
    drawn = mixture(12).without_noise(np.random.default_rng(2))
    points = EMBEDDING(starts(4))
    _, slopes = drawn._log_improvement_slopes(points)
    free = EMBEDDING.numeric
    for index, point in enumerate(points):

        def at(values: Array, point: Array = point) -> float:
            moved = point.copy()
            moved[free] = values
            return float(drawn._log_improvement_slopes(moved[None, :])[0][0])

        np.testing.assert_allclose(slopes[index][free], approx_fprime(point[free], at, 1e-6), rtol=1e-3, atol=1e-4)


def test_what_is_expected_is_each_ones_own() -> None:
    before, row = mixture(), starts(1)
    after = before.with_expected(row)
    assert after.inputs[-1].tolist() == row[0].tolist()
    assert [process.outputs[-1] for process in after.processes] == pytest.approx([p.predict(row)[0][0] for p in before.processes])


def test_climbing_improves_and_stays_inside() -> None:
    drawn, rows = mixture().without_noise(np.random.default_rng(3)), starts(6)
    climbed = drawn.climb(rows, 30, NOTHING_KNOWN, 0.0)
    gains = drawn.log_improvements(climbed) - drawn.log_improvements(rows)
    assert gains.mean() > 0.1
    assert (gains > -1e-9).sum() >= 5  # they climb together: one may pay for the others
    assert np.all((climbed[:, [0, 2]] >= 0.0) & (climbed[:, [0, 2]] <= 1.0))
    assert climbed[:, 1].tolist() == rows[:, 1].tolist()
