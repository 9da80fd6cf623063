"""Latent Dirichlet allocation, on documents of planted topics."""

from pathlib import Path

import numpy as np
import scipy.sparse

from tests.integration.local_emulator.algorithms.running import csv, documents, recordio, run


def test_the_true_number_of_topics_is_likelier(tmp_path: Path) -> None:
    """What is tuned; and the topics found are the planted ones."""
    train, test = recordio(scipy.sparse.csr_matrix(documents(150, seed=0))), csv(documents(50, seed=1))
    likelihoods = {}
    for topics in (1, 5):
        hyperparameters = {"feature_dim": 25, "num_topics": topics, "mini_batch_size": 50, "max_iterations": 10}
        done = run("lda", tmp_path / str(topics), hyperparameters, train=train, test=test)
        assert done.code == 0, done.log
        (likelihoods[topics],) = done.metric("lda", "test:pwll")
    assert -np.log(25) - 0.1 < likelihoods[1] < likelihoods[5] - 0.3  # one topic knows little more than the number of words
    assert "max_restarts and tol have no effect" in done.log
    with np.load(done.model / "model_algo-1") as model:
        assert model["beta"].reshape(5, 5, 5).sum(axis=2).max(axis=1).min() > 0.8
        assert model["alpha"].tolist() == [0.2] * 5


def test_max_iterations_and_alpha0_count(tmp_path: Path) -> None:
    train = recordio(documents(30, seed=0))
    hyperparameters = {"feature_dim": 25, "num_topics": 2, "mini_batch_size": 10, "max_iterations": 2, "alpha0": 4}
    done = run("lda", tmp_path, hyperparameters, train=train)
    assert done.log.count("per-word log-likelihood") == 2
    with np.load(done.model / "model_algo-1") as model:
        assert model["alpha"].tolist() == [2, 2]
