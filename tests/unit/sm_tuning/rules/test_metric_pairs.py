"""Which metrics belong together."""

import tomllib
from collections.abc import Sequence

import pytest

from sm_tuning.rules import catalogue
from sm_tuning.rules.metric_pairs import MetricPair, about_comparison, metric_pair, metric_pairs, not_understood
from tests.conftest import ROOT
from training_scripts import METRICS


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
        # A training metric beside a tuned one whose own name does not say.
        (["train:rmse", "rmse"], "rmse", ("train:rmse", "rmse")),
        (["train:loss", "loss", "train:accuracy", "accuracy"], "accuracy", ("train:accuracy", "accuracy")),
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
        (["train:loss", "validation:loss", "temperature", "n_params", "best_iteration"], "validation:loss", {}),
        (["train:rmse", "out_of_sample_rmse"], "out_of_sample_rmse", {"out_of_sample_rmse": "train:rmse"}),
        (["train:rmse"], "out_of_sample_rmse", {}),  # it was not printed
    ],
)
def test_metrics_whose_names_are_not_understood(names: Sequence[str], objective: str, expected: dict[str, str]) -> None:
    assert not_understood(names, objective) == expected


@pytest.mark.parametrize(
    ("names", "objective", "said"),
    [
        ("fit:rmse validation:rmse", "validation:rmse",
         "fit:rmse is compared with nothing, for its name does not say whether of training or of held-out data: call it train:rmse"),
        ("fit:rmse validation:rmse", "validation:rmse",
         ": call it train:rmse if of training data, validation:rmse if not; over- and underfitting are told by that comparison"),
        ("fit:loss validation:loss fit:neg_log_loss validation:neg_log_loss", "validation:neg_log_loss",
         "call them train:loss and train:neg_log_loss if of training data, validation:loss and validation:neg_log_loss if not;"),
        ("train:loss validation:loss fit:accuracy validation:accuracy", "validation:accuracy", "fit:accuracy is compared with no"),
        ("train:rmse out_of_sample_rmse", "out_of_sample_rmse", "call it train:rmse if of training data, validation:rmse if not;"),
        # No name makes a pair.
        ("validation:accuracy", "validation:accuracy",
         "no metric is compared with validation:accuracy, so neither over- nor underfitting can be told for sure: let the script pr"),
        ("validation:accuracy", "validation:accuracy", ": let the script print train:accuracy, too, and name it in metrics"),
        ("train:loss validation:quality", "validation:quality", "let the script print train:quality, too"),
        ("recon_loss vq_loss val_loss", "val_loss", "let the script print train:loss, too"),
        ("rmse mae", "rmse", "let the script print train:rmse (or validation:rmse, if it is of training data), too"),
        ("train:loss", "train:loss", "so overfitting cannot be seen: let the script print validation:loss, too"),
        # What has a pair, however it is called.
        ("train:loss validation:loss kl_loss temperature", "validation:loss", ""),
        ("loss accuracy val_loss val_accuracy learning_rate", "val_accuracy", ""),
        ("precision recall auc val_precision val_recall val_auc", "val_auc", ""),
        ("train_loss_step train_loss_epoch val_loss hp_metric lr-AdamW epoch", "val_loss", ""),
        ("loss grad_norm learning_rate eval_loss eval_f1 eval_runtime train_runtime train_loss total_flos epoch", "eval_f1", ""),
        ("train_loss valid_loss error_rate accuracy time", "error_rate", ""),
        ("validation_0-auc validation_1-auc", "validation_1-auc", ""),
        ("learn:RMSE test:RMSE", "test:RMSE", ""),
        ("train/box_loss train/cls_loss val/box_loss metrics/precision(B) metrics/mAP50(B) lr/pg0", "metrics/mAP50(B)", ""),
        ("rmse train:rmse", "rmse", ""),
        ("train_loss valid_loss val_accuracy balanced_accuracy f1_score", "valid_loss", ""),
        # Reinforcement learning holds nothing out: the names of the SageMaker SDK's RLEstimator for Ray.
        ("episode_reward_mean episode_reward_max episode_len_mean entropy vf_loss policy_loss", "episode_reward_mean", ""),
    ],
)  # fmt: skip
def test_what_will_not_be_compared(names: str, objective: str, said: str) -> None:
    about = about_comparison(names.split(), objective)
    assert said in about
    assert bool(about) == bool(said)


@pytest.mark.parametrize("algorithm", catalogue.names())
def test_no_name_of_awss_own_algorithms_is_called_unclear(algorithm: str) -> None:
    names = list(catalogue.load(algorithm).metrics)
    assert not [name for name in names if "compared with nothing" in about_comparison(names, name)]


def test_names_of_the_projects_own_scripts_are_compared() -> None:
    assert not about_comparison(list(METRICS), "validation:accuracy")
    for file in [*ROOT.glob("docs/examples/*.toml"), *ROOT.glob("sm_tuning/cli/skeletons/*/tuned.toml")]:
        job = tomllib.loads(file.read_text())
        objective = job["objective"]["metric"]
        assert not about_comparison([objective, *(metric["name"] for metric in job["metrics"])], objective), file
