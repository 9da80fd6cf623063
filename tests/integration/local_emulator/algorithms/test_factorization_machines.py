"""Factorization machines, on interactions that no linear model can learn."""

from pathlib import Path

import numpy as np
import scipy.sparse

from tests.integration.local_emulator.algorithms.running import recordio, run


def test_factorization_machines_learn_what_a_linear_model_cannot(tmp_path: Path) -> None:
    """Ratings by pairs of user and item: sparse one-hot features, an interaction of rank 2."""
    chance = np.random.default_rng(0)
    users, items = chance.normal(size=(30, 2)), chance.normal(size=(20, 2))
    pairs = np.array([(user, item) for user in range(30) for item in range(20)])
    chance.shuffle(pairs)
    rows = np.repeat(np.arange(len(pairs)), 2)
    columns = (pairs + np.array([0, 30])).ravel()
    features = scipy.sparse.csr_matrix((np.ones(len(columns)), (rows, columns)), shape=(len(pairs), 50))
    ratings = (users[pairs[:, 0]] * items[pairs[:, 1]]).sum(axis=1)
    rates = {"factors_lr": 0.02, "linear_lr": 0.02, "factors_init_sigma": 0.1}
    hyperparameters = {"feature_dim": 50, "num_factors": 8, "epochs": 150, "mini_batch_size": 100, **rates}
    done = run(
        "factorization_machines",
        tmp_path / "a",
        hyperparameters | {"predictor_type": "regressor"},
        train=recordio(features[:500], ratings[:500]),
        test=recordio(features[500:], ratings[500:]),
    )
    assert done.metric("factorization_machines", "test:rmse")[0] < 0.5 * ratings.std()
    assert len(done.metric("factorization_machines", "train:rmse")) == 150
    done = run(
        "factorization_machines",
        tmp_path / "b",
        hyperparameters | {"predictor_type": "binary_classifier"},
        train=recordio(features[:500], ratings[:500] > 0),
        test=recordio(features[500:], ratings[500:] > 0),
    )
    assert done.metric("factorization_machines", "test:binary_classification_accuracy")[0] > 0.75
    for name in ("binary_classification_cross_entropy", "binary_f_beta"):
        assert 0 < done.metric("factorization_machines", f"test:{name}")[0] < 1


def test_factorization_machines_log_is_aws_s(tmp_path: Path) -> None:
    """Recorded in a job of May 2023."""
    rows = recordio(np.arange(12.0).reshape(6, 2) / 12, np.arange(6.0))
    hyperparameters = {"feature_dim": 2, "num_factors": 2, "predictor_type": "regressor", "epochs": 2}
    done = run("factorization_machines", tmp_path, hyperparameters, train=rows, test=rows)
    lines = iter(done.log.splitlines())
    for wanted in (
        "#quality_metric: host=algo-1, epoch=0, batch=0 train rmse <loss>=",
        "#quality_metric: host=algo-1, epoch=0, train rmse <loss>=",
        "#quality_metric: host=algo-1, epoch=0, train absolute_loss <loss>=",
        "#progress_metric: host=algo-1, completed 50.0 % of epochs",
        "#quality_metric: host=algo-1, epoch=1, batch=0 train mse <loss>=",
        "#quality_metric: host=algo-1, train rmse <loss>=",
        "#test_score (algo-1) : ('rmse', ",
        "#quality_metric: host=algo-1, test rmse <loss>=",
    ):
        assert any(wanted in line for line in lines), wanted
