"""Random cut forest, on planted anomalies."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from local_emulator.algorithms.random_cut_forest import Tree, scores
from tests.integration.local_emulator.algorithms.running import csv, recordio, run


@pytest.fixture(scope="module")
def points() -> Any:
    """Normal records, and others with a few far away and their labels."""
    chance = np.random.default_rng(0)
    usual, far = chance.normal(size=(1100, 2)), chance.uniform(5, 8, size=(10, 2))
    return usual[:1000], np.concatenate([usual[1000:], far]), np.repeat([0, 1], [100, 10])


def test_more_samples_find_more_anomalies(tmp_path: Path, points: Any) -> None:
    """What is tuned: of one record a tree learns nothing."""
    usual, records, labels = points
    f1 = {}
    for size in (1, 8):
        hyperparameters = {"feature_dim": 2, "num_trees": 50, "num_samples_per_tree": size}
        done = run("random_cut_forest", tmp_path / str(size), hyperparameters, train=recordio(usual), test=csv(records, labels))
        assert done.code == 0, done.log
        (f1[size],) = done.metric("random_cut_forest", "test:f1")
    assert f1[1] == 0
    assert f1[8] > 0.8


def test_log_and_samples_are_aws_s(tmp_path: Path, points: Any) -> None:
    """Recorded in a job of 2020: 4,032 records make 50 trees of 80, though 512 were asked for."""
    usual = np.resize(points[0], (4032, 2))
    done = run("random_cut_forest", tmp_path, {"feature_dim": 2, "num_trees": 50, "num_samples_per_tree": 512}, train=csv(usual))
    assert done.metric("random_cut_forest", "train:progress") == [100]
    done.check_lines(
        r".* Sampling training data\.\.\.",
        r".* Early stop condition met\. Stopping training\.",
        r".* Master node: building Random Cut Forest\.\.\.",
        r".* Random Cut Forest built: ",
        r"ForestInfo\{num_trees: 50, num_samples_in_forest: 4000, num_samples_per_tree: 80, sample_dim: 2, shingle_size: 1, .*\}",
        r".* Master node: Serializing the RandomCutForest model",
        r".* Test data is not provided\.",
    )
    with np.load(done.model / "model_algo-1") as model:
        assert len(model["sizes"]) == 50
        assert len(model["cut"]) == model["sizes"].sum()


def test_metrics_are_those_of_eval_metrics(tmp_path: Path, points: Any) -> None:
    usual, records, labels = points
    hyperparameters = {"feature_dim": 2, "num_trees": 50, "num_samples_per_tree": 2, "eval_metrics": '["accuracy"]'}
    done = run("random_cut_forest", tmp_path, hyperparameters, train=csv(usual), test=csv(records, labels))
    assert "test accuracy <score>=" in done.log
    assert done.metric("random_cut_forest", "test:f1") == []
    done = run("random_cut_forest", tmp_path / "wrong", hyperparameters, train=csv(usual), test=csv(records, labels * 2))
    assert "labels that are neither 0 (normal) nor 1 (anomalous)" in done.failure


def test_scores_by_hand() -> None:
    """A tree of two records, 0 and 1: its one cut lies between them."""
    tree = Tree.grown(np.array([[0.0], [1.0]]), np.random.default_rng(0))
    seen = (1 - 1 / 4) / (1 + np.log2(2)) * np.log2(3)
    assert scores([tree], np.array([[0.0], [1.0]])) == pytest.approx([seen, seen])
    far = 0.75 / (0 + 1) + 0.25 / (1 + 1)  # 4 is cut off at the root with chance 3/4, else at the leaf
    assert scores([tree], np.array([[4.0]])) == pytest.approx([far * np.log2(3)])


def test_equal_records_are_one_leaf() -> None:
    tree = Tree.grown(np.ones((5, 3)), np.random.default_rng(0))
    assert [node.mass for node in tree.nodes] == [5]
    assert scores([tree], np.ones((1, 3))) < scores([tree], np.zeros((1, 3)))
