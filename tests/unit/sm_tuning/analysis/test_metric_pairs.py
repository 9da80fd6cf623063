"""Which metrics belong together, and whether more of one is better."""

from collections.abc import Sequence

import pytest

from sm_tuning import Objective
from sm_tuning.analysis import metric_pair
from sm_tuning.analysis.metric_pairs import MetricPair, direction, metric_pairs, not_understood


@pytest.mark.parametrize(
    ("names", "objective", "expected"),
    [
        (["train:loss", "validation:loss", "train:auc", "validation:auc"], "validation:auc", ("train:loss", "validation:loss")),
        (["train_acc", "val_acc"], "val_acc", ("train_acc", "val_acc")),
        (["validation:auc", "train:auc"], "validation:auc", ("train:auc", "validation:auc")),
        (["score"], "score", (None, "score")),
        (["train:loss"], "train:loss", ("train:loss", None)),
        (["speed"], "score", (None, None)),
        # Hugging Face's Trainer: the loss of each log step, one of the whole training at the end.
        (["loss", "eval_loss", "train_loss", "train_runtime", "eval_runtime", "train_samples_per_second",
          "eval_samples_per_second", "train_steps_per_second", "eval_steps_per_second", "total_flos", "grad_norm", "learning_rate",
          "epoch"], "eval_loss", ("loss", "eval_loss")),
        (["eval_loss", "train_runtime", "eval_runtime", "train_samples_per_second"], "eval_loss", (None, "eval_loss")),
        (["train_runtime", "eval_runtime"], "eval_accuracy", (None, None)),
        # Lightning.
        (["train_loss_step", "train_loss_epoch", "val_loss", "lr-Adam", "epoch"], "val_loss", ("train_loss_epoch", "val_loss")),
        (["train_loss_step", "val_loss_step", "val_loss_epoch"], "val_loss_epoch", ("train_loss_step", "val_loss_epoch")),
        (["train_acc_step", "train_acc_epoch", "val_acc"], "val_acc", ("train_acc_epoch", "val_acc")),
        # Keras.
        (["loss", "accuracy", "val_loss", "val_accuracy"], "val_accuracy", ("loss", "val_loss")),
        (["sparse_categorical_accuracy", "val_sparse_categorical_accuracy"], "val_sparse_categorical_accuracy",
         ("sparse_categorical_accuracy", "val_sparse_categorical_accuracy")),
        # XGBoost: the training data and the validation data of an eval_set, without and with names, and of its cv.
        (["validation_0-mlogloss", "validation_1-mlogloss"], "validation_1-mlogloss",
         ("validation_0-mlogloss", "validation_1-mlogloss")),
        (["validation_0-rmse"], "validation_0-rmse", (None, "validation_0-rmse")),
        (["train-merror", "eval-merror"], "eval-merror", ("train-merror", "eval-merror")),
        (["train-auc-mean", "train-auc-std", "test-auc-mean", "test-auc-std"], "test-auc-mean", ("train-auc-mean", "test-auc-mean")),
        # LightGBM.
        (["training's l2", "valid_0's l2"], "valid_0's l2", ("training's l2", "valid_0's l2")),
        (["training's binary_logloss", "valid_1's binary_logloss"], "valid_1's binary_logloss",
         ("training's binary_logloss", "valid_1's binary_logloss")),
        # CatBoost.
        (["learn:Logloss", "test:Logloss", "learn:Accuracy", "test:Accuracy"], "test:Logloss", ("learn:Logloss", "test:Logloss")),
        # scikit-learn.
        (["train_neg_mean_squared_error", "val_neg_mean_squared_error"], "val_r2",
         ("train_neg_mean_squared_error", "val_neg_mean_squared_error")),
        (["mean_train_score", "mean_test_score", "std_test_score", "mean_fit_time"], "mean_test_score",
         ("mean_train_score", "mean_test_score")),
        # fastai.
        (["train_loss", "valid_loss", "accuracy", "time"], "accuracy", ("train_loss", "valid_loss")),
    ],
)  # fmt: skip
def test_which_metrics_belong_together(names: Sequence[str], objective: str, expected: tuple[str | None, str | None]) -> None:
    once = {"train_loss"} if "eval_loss" in names else set()
    curves = {name: (1.0,) * (1 if name in once else 9) for name in names}
    assert metric_pair(curves, objective) == expected


def test_fastai_prints_the_accuracy_of_validation_data() -> None:
    curves = dict.fromkeys(["epoch", "train_loss", "valid_loss", "accuracy", "time"], (1.0,) * 9)
    assert MetricPair("accuracy", None, "accuracy") in metric_pairs(curves, "accuracy")
    keras = dict.fromkeys(["loss", "accuracy"], (1.0,) * 9)
    assert MetricPair("accuracy", "accuracy", None) in metric_pairs(keras, "accuracy")


@pytest.mark.parametrize(
    ("names", "objective", "expected"),
    [
        (["fit:rmse", "validation:rmse"], "validation:rmse", {"fit:rmse": "train:rmse"}),
        (["fit:rmse", "fit:mae", "validation:rmse"], "validation:rmse", {"fit:rmse": "train:rmse", "fit:mae": "train:mae"}),
        (["fit_quality", "val_quality"], "val_quality", {"fit_quality": "train:quality"}),
        (["in_sample_accuracy", "val_accuracy"], "val_accuracy", {"in_sample_accuracy": "train:accuracy"}),
        (["fit:neg_log_loss", "val:neg_log_loss"], "val:neg_log_loss", {"fit:neg_log_loss": "train:neg_log_loss"}),
        (["fit:rmse", "train:rmse", "validation:rmse", "ObjectiveMetric"], "validation:rmse", {"fit:rmse": "train:rmse"}),
        (["rmse"], "rmse", {}),  # the objective itself
        (["rmse", "mae"], "rmse", {"mae": "train:mae"}),
        # What is understood: frameworks' names, and what says nothing of a model.
        (["loss", "accuracy", "val_loss", "val_accuracy", "lr"], "val_accuracy", {}),
        (["train_loss", "valid_loss", "accuracy", "time"], "accuracy", {}),
        (["validation_0-rmse", "validation_1-rmse"], "validation_1-rmse", {}),
        (["loss", "eval_loss", "train_loss", "train_runtime", "total_flos", "grad_norm", "epoch"], "eval_loss", {}),
        (["train:loss", "validation:rmse"], "validation:rmse", {}),
    ],
)
def test_metrics_whose_names_are_not_understood(names: Sequence[str], objective: str, expected: dict[str, str]) -> None:
    assert not_understood(names, objective) == expected


def test_a_share_becomes_an_error_and_back() -> None:
    share = direction("val_accuracy", None, [0.1, 0.9])
    assert share(0.9) == pytest.approx(0.1)
    assert share(share(0.9)) == pytest.approx(0.9)
    assert direction("val_accuracy", None, [10.0, 90.0])(90.0) == 10  # per cent
    assert direction("val_loss", None, [0.1])(0.1) == 0.1


def test_the_goal_decides_for_metrics_of_the_objectives_kind() -> None:
    assert direction("train:distance", Objective.maximize("validation:distance"), [3.0]).up
    assert not direction("train:distance", Objective.minimize("validation:distance"), [3.0]).up
    assert direction(
        "train:accuracy", Objective.minimize("validation:accuracy"), [0.5]
    ).up  # more of a share is better, whatever the goal
    assert direction("train:accuracy", Objective.minimize("validation:loss"), [0.5]).up
