"""The linear learner, beside scikit-learn's models."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tests.integration.local_emulator.algorithms.running import csv, recordio, run


@pytest.mark.parametrize("written", [csv, recordio])
def test_linear_learner_classifies(tmp_path: Path, cancer: Any, written: Any) -> None:
    seen, held, seen_labels, held_labels = cancer
    done = run(
        "linear_learner",
        tmp_path,
        {"predictor_type": "binary_classifier", "mini_batch_size": 50, "epochs": 20},
        train=written(seen, seen_labels),
        validation=written(held, held_labels),
    )
    assert done.code == 0, done.log
    losses = done.metric("linear_learner", "validation:objective_loss")
    assert len(losses) > 3
    assert losses[-1] < losses[0] / 2
    assert done.metric("linear_learner", "validation:binary_classification_accuracy") == pytest.approx([0.97], abs=0.02)
    assert done.metric("linear_learner", "validation:binary_f_beta") == pytest.approx([0.97], abs=0.02)
    assert done.metric("linear_learner", "validation:roc_auc_score")[0] > 0.98
    assert done.metric("linear_learner", "train:progress")[-1] <= 100
    assert len(done.metric("linear_learner", "validation:objective_loss:final")) == 1


def test_linear_learner_is_as_good_as_scikit_learns(tmp_path: Path, digits: Any) -> None:
    seen, held, seen_labels, held_labels = digits
    done = run(
        "linear_learner",
        tmp_path,
        {
            "predictor_type": "multiclass_classifier",
            "num_classes": 10,
            "mini_batch_size": 50,
            "epochs": 40,
            "learning_rate": 0.01,
        },
        train=csv(seen, seen_labels),
        validation=csv(held, held_labels),
    )
    oracle = LogisticRegression(max_iter=500).fit(seen / 16, seen_labels).score(held / 16, held_labels)
    assert done.metric("linear_learner", "validation:multiclass_accuracy")[0] > oracle - 0.02
    assert done.metric("linear_learner", "validation:multiclass_top_k_accuracy")[0] > 0.98
    for name in ("dcg", "macro_f_beta", "macro_precision", "macro_recall"):
        assert 0.9 < done.metric("linear_learner", f"validation:{name}")[0] <= 1


@pytest.mark.parametrize(
    "loss", ["squared_loss", "absolute_loss", "huber_loss", "quantile_loss", "eps_insensitive_absolute_loss"]
)
def test_linear_learner_regresses(tmp_path: Path, diabetes: Any, loss: str) -> None:
    seen, held, seen_labels, held_labels = diabetes
    hyperparameters = {"predictor_type": "regressor", "mini_batch_size": 30, "epochs": 60, "learning_rate": 0.02, "loss": loss}
    done = run("linear_learner", tmp_path, hyperparameters, train=csv(seen, seen_labels), validation=csv(held, held_labels))
    assert done.metric("linear_learner", "validation:mse")[0] < 0.75 * held_labels.var()
    assert done.metric("linear_learner", "validation:rmse")[0] ** 2 == pytest.approx(
        done.metric("linear_learner", "validation:mse")[0]
    )


def test_linear_learner_regularizes(tmp_path: Path, diabetes: Any) -> None:
    seen, _, labels, _ = diabetes
    sizes = []
    for number, wd in enumerate((0.0, 1.0)):
        hyperparameters = {"predictor_type": "regressor", "mini_batch_size": 30, "epochs": 60, "learning_rate": 0.02, "wd": wd}
        done = run("linear_learner", tmp_path / str(number), hyperparameters, train=csv(seen, labels))
        with np.load(done.model / "model_algo-1") as model:
            sizes.append(float(np.abs(model["weight"]).sum()))
    assert sizes[1] < sizes[0]


def test_linear_learner_reaches_a_recall(tmp_path: Path, cancer: Any) -> None:
    seen, held, seen_labels, held_labels = cancer
    hyperparameters = {
        "predictor_type": "binary_classifier",
        "binary_classifier_model_selection_criteria": "precision_at_target_recall",
        "target_recall": 0.99,
        "mini_batch_size": 50,
    }
    done = run("linear_learner", tmp_path, hyperparameters, train=csv(seen, seen_labels), validation=csv(held, held_labels))
    assert done.metric("linear_learner", "validation:recall")[0] >= 0.99
