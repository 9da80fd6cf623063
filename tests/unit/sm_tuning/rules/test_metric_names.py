"""What a metric's name says."""

import pytest

from sm_tuning.rules.metric_names import MetricName, goal_contradicts, is_loss, parse


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("train:loss", MetricName(held_out=False, kind="loss")),
        ("val_loss", MetricName(held_out=True, kind="loss", rank=2)),
        ("validation:loss", MetricName(held_out=True, kind="loss")),
        ("loss", MetricName(held_out=None, kind="loss")),
        ("valid_0's auc", MetricName(held_out=True, kind="auc", rank=1)),
        ("TestAccuracy", MetricName(held_out=True, kind="accuracy", rank=8)),
        ("trainloss", MetricName(held_out=False, kind="loss")),
        ("train_loss_step", MetricName(held_out=False, kind="loss", per="step")),
        ("val_loss_epoch", MetricName(held_out=True, kind="loss", rank=2, per="epoch")),
        ("val_epoch_loss", MetricName(held_out=True, kind="loss", rank=2, per="epoch")),
        ("epoch_accuracy", MetricName(held_out=None, kind="accuracy", per="epoch")),
        ("epoch_time", MetricName(held_out=None, kind="epoch_time")),
        ("epoch", MetricName(held_out=None, kind="epoch")),
        ("trainer", MetricName(held_out=None, kind="trainer")),
    ],
)
def test_the_parts_of_a_name(name: str, parts: MetricName) -> None:
    assert parse(name) == parts


@pytest.mark.parametrize(
    ("kind", "loss"),
    [
        ("rmse", True),
        ("logloss", True),
        ("auc", False),
        ("ndcg@10".replace("@", "_"), False),
        ("speed", None),
        ("neg_mean_squared_error", False),
        ("neg_log_loss", False),
        ("neg_log_likelihood", True),
        ("nll", True),
        ("brier_score", True),
    ],
)
def test_whether_less_is_better(kind: str, loss: bool | None) -> None:  # noqa: FBT001 - a case
    assert is_loss(kind) is loss


@pytest.mark.parametrize(
    ("name", "goal", "contradicts"),
    [
        ("validation:rmse", "Maximize", True),
        ("val_loss", "Maximize", True),
        ("validation:accuracy", "Minimize", True),
        ("eval_f1", "Minimize", True),
        ("episode_reward", "Minimize", True),
        ("validation:rmse", "Minimize", False),
        ("validation:auc", "Maximize", False),
        ("val_neg_mean_squared_error", "Maximize", False),
        ("val_neg_mean_squared_error", "Minimize", True),
        ("val_f1_score", "Minimize", True),
        ("brier_score", "Maximize", True),
        ("score", "Minimize", False),
        ("neg_score", "Maximize", False),
        ("quality", "Minimize", False),  # the name says nothing
        ("quality", "Maximize", False),
    ],
)
def test_a_goal_that_contradicts_the_name(name: str, goal: str, contradicts: bool) -> None:  # noqa: FBT001 - a case
    assert goal_contradicts(name, goal) is contradicts
