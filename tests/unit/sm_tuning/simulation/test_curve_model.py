import numpy as np
import pytest

from local_emulator.strategies.gaussian_process import Embedding
from sm_tuning.simulation.curve_model import CurveModel, Scale, explained, knots

RNG = np.random.default_rng(0)
ROWS = RNG.random((24, 2))
EMBEDDING = Embedding([0, 0])
EPOCHS = np.arange(1, 13)


def curves(rows: np.ndarray, noise: float = 0.01) -> np.ndarray:
    """Curves to a bowl at the middle, faster the larger the second input."""
    rng = np.random.default_rng(1)
    end = 0.5 + 2.0 * (rows[:, 0] - 0.5) ** 2
    fall = np.exp(-EPOCHS / (1.0 + 5.0 * rows[:, [1]]))
    return np.asarray(end[:, None] + fall + noise * rng.normal(size=(len(rows), len(EPOCHS))))


def model(seen: np.ndarray, lengths: int = len(EPOCHS)) -> CurveModel:
    return CurveModel(ROWS, EMBEDDING, [list(curve[~np.isnan(curve)]) for curve in seen], [lengths] * len(seen), 0)


def drawn(learnt: CurveModel, row: np.ndarray, count: int = 60) -> np.ndarray:
    rng = np.random.default_rng(3)
    return np.array([learnt.draw(rng).curve(row, len(EPOCHS), rng)[0] for _ in range(count)])


@pytest.mark.parametrize("root", [False, True])
def test_a_scale_is_undone(root: bool) -> None:  # noqa: FBT001 - a case
    scale = Scale(bound=0.1, unit=0.5, root=root)
    values = np.array([0.2, 1.0, 50.0])
    assert scale.back(scale.to(values)) == pytest.approx(values)


def test_curves_of_new_rows_are_near_the_truth() -> None:
    learnt = model(curves(ROWS))
    assert learnt.cross_validated() > 0.8
    row = np.array([0.35, 0.6])
    low, high = np.quantile(drawn(learnt, row), [0.02, 0.98], axis=0)
    truth = curves(row[None, :], 0.0)[0]
    assert ((low - 0.02 <= truth) & (truth <= high + 0.02)).all()
    assert high[-1] - low[-1] < 0.25  # of ends from 0.5 to 1.0


def test_stopped_curves_are_completed_by_the_others() -> None:
    seen = curves(ROWS)
    seen[::4, 5:] = np.nan
    learnt = model(seen)
    whole = curves(ROWS)[::4, -1]
    middle = np.array([np.median(drawn(learnt, row, 20)[:, -1]) for row in ROWS[::4]])
    assert np.abs(middle - whole).max() < 0.15


def test_what_is_no_number_is_far_worse_than_the_rest() -> None:
    seen = curves(ROWS)
    diverged = ROWS[:, 0] > 0.8
    rows = [[float("inf") if bad else value for value in curve] for curve, bad in zip(seen.tolist(), diverged, strict=True)]
    learnt = CurveModel(ROWS, EMBEDDING, rows, [len(EPOCHS)] * len(rows), 0)
    last = drawn(learnt, ROWS[int(np.argmax(ROWS[:, 0]))], 20)[:, -1]
    assert np.isfinite(last).all()
    assert np.median(last) > seen[~diverged, -1].max()


def test_the_same_generator_draws_the_same_world() -> None:
    learnt = model(curves(ROWS))
    ends = [learnt.draw(np.random.default_rng(5)).curve(ROWS[0], 12, np.random.default_rng(6))[0] for _ in range(2)]
    assert (ends[0] == ends[1]).all()


def test_noise_is_not_explained() -> None:
    outputs = np.random.default_rng(4).normal(size=len(ROWS))
    assert explained(ROWS, EMBEDDING, outputs) < 0.2


def test_equal_objectives_are_no_error() -> None:
    learnt = model(np.ones((len(ROWS), len(EPOCHS))))
    assert learnt.cross_validated() == 0.0


def test_few_epochs_stand_for_many() -> None:
    assert knots(5).tolist() == [1, 2, 3, 4, 5]
    many = knots(5000)
    assert (many[0], many[-1]) == (1, 5000)
    assert len(many) <= 48


def test_nothing_is_drawn_beyond_the_limit() -> None:
    seen = curves(ROWS)
    limit = float(seen.min()) - 1e-3
    learnt = CurveModel(ROWS, EMBEDDING, list(seen), [len(EPOCHS)] * len(seen), 0, limit)
    best = np.array([0.5, 0.05])
    assert drawn(learnt, best).min() >= limit
    assert drawn(model(seen), best).min() < limit
