"""Neural topic model, on documents of planted topics; its gradients beside differences."""

from pathlib import Path

import numpy as np
import pytest
import regex
import scipy.sparse

from local_emulator.algorithms.ntm import Network
from tests.integration.local_emulator.algorithms.running import csv, documents, recordio, run

HYPERPARAMETERS = {"feature_dim": 25, "num_topics": 5, "mini_batch_size": 20, "epochs": 15, "num_patience_epochs": 99}


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_gradients_are_the_loss_s(activation: str) -> None:
    network = Network(7, [6, 5], 3, activation)
    chance = np.random.default_rng(1)
    counts, noise = chance.integers(0, 4, (8, 7)).astype(float), chance.normal(size=(8, 3))
    gradients = network.gradients(counts, noise)
    assert gradients.keys() == network.weights.keys()
    for name, weight in network.weights.items():
        at = tuple(chance.integers(0, size) for size in weight.shape)
        losses = []
        for step in (1e-5, -2e-5):
            weight[at] += step
            losses.append(network._forward(counts, noise)[-1].sum() / 8)
        weight[at] += 1e-5
        assert (losses[0] - losses[1]) / 2e-5 == pytest.approx(gradients[name][at], abs=1e-6), name


def test_a_better_learning_rate_has_a_lower_loss(tmp_path: Path) -> None:
    """What is tuned; progress and loss are found with AWS's definitions, one for each epoch."""
    train, held = recordio(scipy.sparse.csr_matrix(documents(200, seed=0))), recordio(documents(50, seed=1))
    final = {}
    for rate in (0.0001, 0.03):
        hyperparameters = HYPERPARAMETERS | {"optimizer": "adam", "learning_rate": rate}
        done = run("ntm", tmp_path / str(rate), hyperparameters, train=train, validation=held)
        assert done.code == 0, done.log
        losses = done.metric("ntm", "validation:total_loss")
        assert len(losses) == len(done.metric("ntm", "train:progress")) == 15
        final[rate] = losses[-1]
    assert final[0.0001] == pytest.approx(60 * np.log(25), rel=0.01)  # nothing learned: all words are equally likely
    assert final[0.03] < 0.97 * final[0.0001]


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "adadelta", "rmsprop"])
def test_every_optimizer_lowers_the_loss(tmp_path: Path, optimizer: str) -> None:
    hyperparameters = HYPERPARAMETERS | {"optimizer": optimizer, "learning_rate": 0.03, "encoder_layers": "[10]"}
    done = run("ntm", tmp_path, hyperparameters, train=recordio(documents(200, seed=0)))
    losses = [float(hit[1]) for hit in regex.finditer(r"train total_loss <loss>=(\S+)", done.log)]
    assert losses[-1] < losses[0]


def test_topics_are_shown_with_a_vocabulary_and_a_resting_loss_ends_training(tmp_path: Path) -> None:
    (tmp_path / "input/data/auxiliary").mkdir(parents=True)
    (tmp_path / "input/data/auxiliary/vocab.txt").write_text("\n".join(f"word{number}" for number in range(25)))
    hyperparameters = HYPERPARAMETERS | {"learning_rate": 1e-6, "optimizer": "sgd", "num_patience_epochs": 2}
    rows = documents(20, seed=0)
    done = run("ntm", tmp_path, hyperparameters, train=csv(rows), test=csv(rows), auxiliary=("text/plain", b""))
    assert done.code == 0, done.log
    assert len(done.metric("ntm", "train:progress")) == 3
    assert "#quality_metric: host=algo-1, test total_loss <loss>=" in done.log
    assert regex.search(r"Topics from epoch:final \(num_topics:5\) \[tu 0\.\d\d\]:", done.log)
    assert regex.search(r"INFO \d+\] \[0\.\d\d\]( word\d+){20}\n", done.log)
    (tmp_path / "input/data/auxiliary/vocab.txt").write_text("one\ntwo")
    done = run("ntm", tmp_path, hyperparameters, train=csv(rows), auxiliary=("text/plain", b""))
    assert done.failure == "The file vocab.txt has 2 words; feature_dim is 25."
