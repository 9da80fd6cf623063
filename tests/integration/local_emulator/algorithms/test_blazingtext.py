"""BlazingText's classification of text, on words planted for each label."""

import json
from pathlib import Path

import numpy as np
import pytest
import regex

from tests.integration.local_emulator.algorithms.running import run, text

HYPERPARAMETERS = {"mode": "supervised", "vector_dim": 10, "epochs": 5}


def test_a_better_learning_rate_is_more_accurate(tmp_path: Path) -> None:
    """What is tuned; the accuracies are found with AWS's definitions."""
    accuracies = {}
    for rate in (1e-6, 0.5):
        channels = {"train": text(200, seed=0), "validation": text(100, seed=1)}
        done = run("blazingtext", tmp_path / str(rate), HYPERPARAMETERS | {"learning_rate": rate}, **channels)
        assert done.code == 0, done.log
        assert len(done.metric("blazingtext", "train:accuracy")) == 1
        (accuracies[rate],) = done.metric("blazingtext", "validation:accuracy")
    assert accuracies[0.5] > 0.95
    assert accuracies[0.5] - accuracies[1e-6] > 0.1
    with np.load(done.model / "model_algo-1") as model:
        assert model["labels"].tolist() == ["0", "1", "2"]
        assert model["output"].shape == (3, 10)


def test_log_is_aws_s_and_training_stops_early(tmp_path: Path) -> None:
    """Recorded in a job of 2018."""
    hyperparameters = HYPERPARAMETERS | {
        "early_stopping": "True",
        "epochs": 30,
        "min_epochs": 2,
        "patience": 2,
        "learning_rate": 0.5,
    }
    train = "text/csv", text(200, seed=0)[1]  # as AWS's own examples call it
    done = run("blazingtext", tmp_path, hyperparameters, train=train, validation=text(50, seed=1))
    done.check_lines(
        r"##### Alpha: \d\.\d{4}  Progress: 3\.33% #####",
        r"-------------- End of epoch: 1",
        r"Validation accuracy: \d\.\d{6}",
        r"Validation accuracy improved! Storing best weights\.\.\.",
        r"Training finished\.",
        r"Total training time in seconds: \d+\.\d\d",
        r"#train_accuracy: \d\.\d{4}",
        r"Number of train examples: 200",
        r"#validation_accuracy: \d\.\d{4}",
        r"Number of validation examples: 50",
    )
    assert done.log.count("End of epoch") < 30
    best = max(float(hit[1]) for hit in regex.finditer(r"Validation accuracy: (\S+)", done.log))
    assert done.metric("blazingtext", "validation:accuracy") == [pytest.approx(best, abs=1e-4)]  # of the best weights


def test_the_order_of_words_counts_by_their_n_grams(tmp_path: Path) -> None:
    """A label that only the order of two words tells."""
    lines = [f"__label__{'ab' if turn else 'ba'} {'x y' if turn else 'y x'}" for turn in [0, 1] * 20]
    train = ("text/plain", "\n".join(lines).encode())
    accuracies = {}
    for grams in (1, 2):
        hyperparameters = HYPERPARAMETERS | {"word_ngrams": grams, "learning_rate": 0.5, "buckets": 1000, "epochs": 20}
        done = run("blazingtext", tmp_path / str(grams), hyperparameters, train=train)
        (accuracies[grams],) = done.metric("blazingtext", "train:accuracy")
    assert accuracies == {1: 0.5, 2: 1.0}


def test_json_lines_with_several_labels(tmp_path: Path) -> None:
    """An augmented manifest's lines, as the developer guide has them."""
    entries = [{"source": "linux ready", "label": [1, 3]}, {"source": "bowled by spinners", "label": 2}] * 20
    train = ("application/jsonlines", "\n".join(map(json.dumps, entries)).encode())
    done = run("blazingtext", tmp_path, HYPERPARAMETERS | {"learning_rate": 0.5, "epochs": 20}, train=train)
    assert done.metric("blazingtext", "train:accuracy") == [1.0]
    with np.load(done.model / "model_algo-1") as model:
        assert model["labels"].tolist() == ["1", "2", "3"]
