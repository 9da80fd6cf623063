"""How the values of a kind of metric become errors."""

import pytest

from sm_tuning.analysis.fit.form import Form, Scale, form_of, rows_of
from sm_tuning.rules.metric_pairs import MetricPair


def form(kind: str, train: list[float], held_out: list[float]) -> Form:
    names = f"train_{kind}", f"val_{kind}"
    return form_of(MetricPair(kind, *names), dict(zip(names, (train, held_out), strict=True)), None, {})


@pytest.mark.parametrize(
    ("kind", "values", "scale", "last"),
    [
        ("accuracy", [0.5, 0.6, 0.8], Scale.SHARE, 0.2),
        ("accuracy", [50.0, 60.0, 80.0], Scale.SHARE, 0.2),
        ("error", [0.5, 0.4, 0.2], Scale.SHARE, 0.2),
        ("merror", [50.0, 40.0, 20.0], Scale.SHARE, 0.2),
        ("loss", [2.3, 1.0, 0.5], Scale.ENTROPY, 0.5),
        ("perplexity", [20.0, 5.0, 1.0], Scale.ENTROPY, 0.0),
        ("loss", [9000.0, 500.0, 90.0], Scale.SQUARED, 90.0),  # no cross-entropy is so large
        ("mse", [9.0, 4.0, 1.0], Scale.SQUARED, 1.0),
        ("neg_mean_squared_error", [-9.0, -4.0, -1.0], Scale.SQUARED, 1.0),
        ("root_mean_squared_error", [9.0, 4.0, 1.0], Scale.DISTANCE, 1.0),
        ("mean_absolute_error", [9.0, 4.0, 1.0], Scale.DISTANCE, 1.0),
        ("log_likelihood", [-900.0, -300.0, -120.0], Scale.DISTANCE, 120.0),
        ("reward", [-5.0, 3.0, 10.0], Scale.SIGNED, -10.0),
    ],
)
def test_scales(kind: str, values: list[float], scale: Scale, last: float) -> None:
    made = form(kind, values, values)
    assert made.scale is scale
    assert made.main.last == pytest.approx(last)


@pytest.mark.parametrize(
    ("beside", "scale"),
    [
        ("mae", Scale.SQUARED),
        ("root_mean_squared_error", Scale.SQUARED),
        ("r2", Scale.SQUARED),
        ("accuracy", Scale.ENTROPY),
        ("error", Scale.ENTROPY),
    ],
)
def test_a_plain_loss_is_known_by_what_is_printed_beside_it(beside: str, scale: Scale) -> None:
    curves = {"loss": [0.3, 0.1, 0.02], "val_loss": [0.3, 0.12, 0.06], f"val_{beside}": [0.4, 0.3, 0.2]}
    assert form_of(MetricPair("loss", "loss", "val_loss"), curves, None, {}).scale is scale


def test_per_cent_beside_shares() -> None:
    made = form("accuracy", [50.0, 90.0, 98.0], [0.5, 0.9, 0.97])
    assert made.train is not None
    assert made.held_out is not None
    assert [made.train.last, made.held_out.last] == pytest.approx([0.02, 0.03])


def test_the_number_of_rows_shows_in_the_steps_of_a_share() -> None:
    assert rows_of([40 / 117, 41 / 117, 45 / 117, 60 / 117], 1e-7) == 117
    assert rows_of([round(41 / 57, 6)], 5e-7) == 57
    assert rows_of([0.91, 0.92, 0.94], 5e-3) is None  # rounding makes such steps too
    assert rows_of([0.5123, 0.6347, 0.71391], 5e-6) is None


def test_the_number_of_rows_shows_in_shares_that_were_rounded_twice() -> None:
    assert form("accuracy", [0.5, 1.0], [0.863636, 0.954546, 0.909091]).rows == 22  # 21/22 is 0.9545455, and that 0.954546


def test_what_knowing_nothing_costs() -> None:
    assert form("loss", [0.08, 0.07], [0.12, 0.11]).ignorance == pytest.approx(0.693, abs=1e-3)  # guessing one of two classes
    assert form("loss", [2.3, 0.1], [2.2, 0.2]).ignorance == pytest.approx(2.3)
    assert form("loss", [40.0, 2.3], [9.0, 2.3]).ignorance == pytest.approx(3.0)  # a wild first epoch
    assert form("mse", [18.8, 0.8, 0.7, 0.6, 0.5], [2.5, 0.9, 0.8, 0.7, 0.6]).ignorance < 2.5
    assert form("loss", [0.08, 0.07], [0.12, 0.11]).first == pytest.approx(0.12)
