"""Principal component analysis, beside the singular value decomposition of the same data."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from tests.integration.local_emulator.algorithms.running import csv, recordio, run

HYPERPARAMETERS = {"feature_dim": 8, "num_components": 3, "mini_batch_size": 100}


@pytest.fixture(scope="module")
def points() -> Any:
    chance = np.random.default_rng(0)
    return chance.normal(size=(200, 3)) @ chance.normal(size=(3, 8)) + 5 + 0.001 * chance.normal(size=(200, 8))


@pytest.mark.parametrize("mode", ["regular", "randomized"])
@pytest.mark.parametrize("centered", [True, False])
def test_components_are_the_data_s(tmp_path: Path, points: Any, mode: str, *, centered: bool) -> None:
    """Also of sparse records. The model has AWS's arrays, the largest component last."""
    train = recordio(scipy.sparse.csr_matrix(points))
    hyperparameters = HYPERPARAMETERS | {"algorithm_mode": mode, "subtract_mean": str(centered).lower()}
    done = run("pca", tmp_path, hyperparameters, train=train)
    assert done.code == 0, done.log
    mean = points.mean(axis=0) if centered else np.zeros(8)
    _, values, components = np.linalg.svd(points - mean, full_matrices=False)
    with np.load(done.model / "model_algo-1") as model:
        assert model["mean"] == pytest.approx(mean.reshape(1, 8), abs=1e-4)
        assert model["s"] == pytest.approx(values[2::-1], rel=1e-4)
        assert np.abs(np.sum(model["v"].T * components[2::-1], axis=1)) == pytest.approx(np.ones(3), abs=1e-4)


def test_log_is_aws_s(tmp_path: Path, points: Any) -> None:
    """Recorded in a job of 2021. The progress is what AWS's metric definitions find."""
    done = run("pca", tmp_path, HYPERPARAMETERS, train=csv(points))
    assert done.metric("pca", "train:progress") == [100]
    assert len(done.metric("pca", "train:throughput")) == 1
    done.check_lines(
        r".* 8 feature\(s\) found in 'data'\.", r".* completed 100\.0 % of epochs", r".* Test data is not provided\."
    )


def test_a_test_channel_is_not_scored(tmp_path: Path, points: Any) -> None:
    done = run("pca", tmp_path, HYPERPARAMETERS, train=csv(points), test=csv(points))
    assert done.code == 0
    assert "Test data is not scored: no metric of PCA is published." in done.log
