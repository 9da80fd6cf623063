"""What a metric's name says."""

from collections.abc import Sequence

import pytest

from sm_tuning import Objective
from sm_tuning.analysis import metric_pair
from sm_tuning.analysis.metric_names import MetricName, direction, is_loss, parse


@pytest.mark.parametrize(
    ("names", "objective", "expected"),
    [
        (["train:loss", "validation:loss", "train:auc", "validation:auc"], "validation:auc", ("train:loss", "validation:loss")),
        (["train_acc", "val_acc"], "val_acc", ("train_acc", "val_acc")),
        (["validation:auc", "train:auc"], "validation:auc", ("train:auc", "validation:auc")),
        (["score"], "score", (None, "score")),
        (["train:loss"], "train:loss", ("train:loss", None)),
        (["speed"], "score", (None, None)),
    ],
)  # fmt: skip
def test_which_metrics_belong_together(names: Sequence[str], objective: str, expected: tuple[str | None, str | None]) -> None:
    assert metric_pair(dict.fromkeys(names, (1.0,)), objective) == expected


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("train:loss", MetricName(held_out=False, kind="loss")),
        ("val_loss", MetricName(held_out=True, kind="loss", rank=2)),
        ("validation:loss", MetricName(held_out=True, kind="loss")),
        ("loss", MetricName(held_out=None, kind="loss")),
        ("valid_0's auc", MetricName(held_out=True, kind="auc", rank=1)),
        ("TestAccuracy", MetricName(held_out=True, kind="accuracy", rank=6)),
        ("trainloss", MetricName(held_out=False, kind="loss")),
        ("trainer", MetricName(held_out=None, kind="trainer")),
    ],
)
def test_the_parts_of_a_name(name: str, parts: MetricName) -> None:
    assert parse(name) == parts


@pytest.mark.parametrize(
    ("kind", "loss"), [("rmse", True), ("logloss", True), ("auc", False), ("ndcg@10".replace("@", "_"), False), ("speed", None)]
)
def test_whether_less_is_better(kind: str, loss: bool | None) -> None:  # noqa: FBT001 - a case
    assert is_loss(kind) is loss


def test_a_share_becomes_an_error_and_back() -> None:
    share = direction("val_accuracy", None, [0.1, 0.9])
    assert share(0.9) == pytest.approx(0.1)
    assert share(share(0.9)) == pytest.approx(0.9)
    assert direction("val_accuracy", None, [10.0, 90.0])(90.0) == 10  # per cent
    assert direction("val_loss", None, [0.1])(0.1) == 0.1


def test_the_goal_decides_for_metrics_of_the_objectives_kind() -> None:
    assert direction("train:distance", Objective.maximize("validation:distance"), [3.0]).up
    assert not direction("train:accuracy", Objective.minimize("validation:accuracy"), [0.5]).up
    assert direction("train:accuracy", Objective.minimize("validation:loss"), [0.5]).up
