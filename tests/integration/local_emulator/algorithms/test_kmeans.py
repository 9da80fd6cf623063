"""K-means, on planted clusters."""

from pathlib import Path

import numpy as np
import pytest
import regex

from tests.integration.local_emulator.algorithms.running import csv, recordio, run


def test_kmeans_finds_planted_clusters(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    centers = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    points = np.concatenate([chance.normal(center, 0.5, (200, 2)) for center in centers])
    hyperparameters = {
        "k": 4,
        "feature_dim": 2,
        "init_method": "kmeans++",
        "epochs": 3,
        "mini_batch_size": 200,
        "eval_metrics": '["msd", "ssd"]',
    }
    done = run("kmeans", tmp_path, hyperparameters, train=recordio(points), test=csv(points))
    msd = done.metric("kmeans", "test:msd")[0]
    assert msd == pytest.approx(2 * 0.25, rel=0.15)
    assert done.metric("kmeans", "test:ssd")[0] == pytest.approx(msd * len(points))
    with np.load(done.model / "model_algo-1") as model:
        assert sorted(np.round(model["centers"]).astype(int).tolist()) == sorted(centers.astype(int).tolist())


def test_kmeans_log_is_aws_s(tmp_path: Path) -> None:
    """Recorded in jobs of 2019 and 2021."""
    rows = recordio(np.arange(12.0).reshape(6, 2))
    done = run("kmeans", tmp_path, {"k": 2, "feature_dim": 2}, train=rows, test=rows)
    assert done.code == 0, done.log
    done.check_lines(
        r".* Reading default configuration from \S+: \{.*'init_method': 'random'.*\}",
        r".* local kmeans attempt #0\. Current mean square distance \d+\.\d{6}",
        r".* local kmeans attempt #9\. Current mean square distance \d+\.\d{6}",
        r".* finished shrinking process\. Mean Square Distance = 0",
        r".* #quality_metric: host=algo-1, train msd <loss>=\S+",
        r".* #test_score \(algo-1\) : \('msd', \S+\)",
        r".* #quality_metric: host=algo-1, test msd <loss>=\S+",
    )


def test_the_last_distance_is_that_of_the_best_attempt(tmp_path: Path) -> None:
    """Six centers (0, 1), (2, 3), … shrunk to two: 16 / 3 if each is the mean of three neighbours."""
    rows = recordio(np.arange(12.0).reshape(6, 2))
    done = run("kmeans", tmp_path, {"k": 2, "feature_dim": 2, "extra_center_factor": 3}, train=rows)
    attempts = [float(hit[1]) for hit in regex.finditer(r"Current mean square distance (\S+)", done.log)]
    assert min(attempts) == pytest.approx(16 / 3, abs=1e-6)
    assert "finished shrinking process. Mean Square Distance = 5\n" in done.log
