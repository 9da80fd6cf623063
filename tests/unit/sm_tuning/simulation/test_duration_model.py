import numpy as np
import pytest

from local_emulator.strategies.gaussian_process import Embedding
from sm_tuning.simulation.duration_model import DurationModel

ROWS = np.random.default_rng(0).random((24, 2))
EMBEDDING = Embedding([0, 0])


def seconds(epochs: np.ndarray, start: float) -> np.ndarray:
    return np.asarray(start + epochs * (5.0 + 20.0 * ROWS[:, 0]))


def test_seconds_of_an_epoch_depend_on_hyperparameters() -> None:
    epochs = np.full(24, 10)
    model = DurationModel(ROWS, EMBEDDING, epochs.tolist(), seconds(epochs, 0.0).tolist(), [60.0] * 24)
    assert not model.tells_start
    assert model.startup == 0.0
    rng = np.random.default_rng(1)
    function = model.draw(rng)
    for share in (0.2, 0.8):
        waiting, epoch = function(np.array([share, 0.5]), rng)
        assert waiting == 60.0
        assert epoch == pytest.approx(5.0 + 20.0 * share, rel=0.15)


def test_different_numbers_of_epochs_tell_what_starting_costs() -> None:
    epochs = np.where(np.arange(24) % 3 == 0, 2, 20)
    model = DurationModel(ROWS, EMBEDDING, epochs.tolist(), seconds(epochs, 60.0).tolist(), [])
    assert model.tells_start
    assert model.startup == pytest.approx(60.0, rel=0.35)


def test_times_that_no_hyperparameter_explains_vary_by_chance() -> None:
    taken = np.exp(np.random.default_rng(2).normal(4.0, 0.5, size=24))
    model = DurationModel(ROWS, EMBEDDING, [10] * 24, taken.tolist(), [1.0])
    rng = np.random.default_rng(3)
    drawn = [model.draw(rng)(ROWS[0], rng)[1] for _ in range(200)]
    assert np.std(np.log(drawn)) == pytest.approx(np.std(np.log(taken)), rel=0.4)


def test_equal_times_are_no_error() -> None:
    model = DurationModel(ROWS, EMBEDDING, [10] * 24, [50.0] * 24, [])
    rng = np.random.default_rng(0)
    waiting, epoch = model.draw(rng)(ROWS[0], rng)
    assert waiting == 0.0
    assert epoch == pytest.approx(5.0)
