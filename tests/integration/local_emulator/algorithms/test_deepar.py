"""DeepAR's stand-in on series with a planted week: better than what is naive, and its log is AWS's."""

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import regex

from tests.integration.local_emulator.algorithms.running import json_lines, run, seasonal

HYPERPARAMETERS = {"time_freq": "D", "context_length": 14, "prediction_length": 7, "mini_batch_size": 32, "learning_rate": 0.01}
WHOLE = seasonal(20, seed=0)
CUT: list[dict[str, Any]] = [{**entry, "target": entry["target"][:-7]} for entry in WHOLE]


def naive(entries: list[dict[str, Any]]) -> float:
    """The error of saying what was there a week before."""
    targets = np.array([entry["target"] for entry in entries])
    return float(np.sqrt(np.mean((targets[:, -7:] - targets[:, -14:-7]) ** 2)))


@pytest.mark.parametrize("likelihood", ["student-T", "negative-binomial"])
def test_it_forecasts_better_than_what_is_naive(tmp_path: Path, likelihood: str) -> None:
    """Better than the same weekday of last week, on counts, with AWS's defaults of what is not given."""
    entries = [{**entry, "target": np.round(entry["target"]).tolist()} for entry in WHOLE]
    train = [{**entry, "target": entry["target"][:-7]} for entry in entries]
    del (hyperparameters := {**HYPERPARAMETERS, "epochs": 40, "likelihood": likelihood})["learning_rate"]
    done = run("deepar", tmp_path, hyperparameters, train=json_lines(train), test=json_lines(entries))
    assert done.code == 0, done.log
    (error,) = done.metric("deepar", "test:RMSE")
    assert error < naive(entries)
    (weighted,) = done.metric("deepar", "test:mean_wQuantileLoss")
    assert 0.005 < weighted < 0.04


def test_log_is_aws_s(tmp_path: Path) -> None:
    """Recorded in jobs of 2022 and 2024."""
    hyperparameters = HYPERPARAMETERS | {"epochs": 3, "early_stopping_patience": 10, "test_quantiles": "[0.1, 0.5]"}
    done = run("deepar", tmp_path, hyperparameters, train=json_lines(CUT), test=json_lines(WHOLE))
    assert done.code == 0, done.log
    done.check_lines(
        r".*Using early stopping with patience 10",
        r".*Epoch\[0\] Batch\[0\] avg_epoch_loss=\d+\.\d{6}",
        r".*#quality_metric: host=algo-1, epoch=0, batch=0 train loss <loss>=\S+",
        r".*Epoch\[0\] Batch \[5\]\tSpeed: \d+\.\d\d samples/sec\tloss=\d+\.\d{6}",
        r".*processed a total of 960 examples",
        r".*#quality_metric: host=algo-1, epoch=0, train loss <loss>=\S+",
        r".*best epoch loss so far",
        r".*Final loss: \S+ \(occurred at epoch 2\)",
        r".*Evaluating model accuracy on testset using 100 samples",
        r".*#test_score \(algo-1, RMSE\): \S+",
        r".*#test_score \(algo-1, mean_absolute_QuantileLoss\): \S+",
        r".*#test_score \(algo-1, mean_wQuantileLoss\): \S+",
        r".*#test_score \(algo-1, wQuantileLoss\[0\.1\]\): \S+",
        r".*#test_score \(algo-1, wQuantileLoss\[0\.5\]\): \S+",
    )
    for field in ("cat", "dynamic_feat"):
        assert f"`{field}` field was NOT found in the channel `train` and will NOT be used for training." in done.log
    assert done.metric("deepar", "train:progress") == pytest.approx([100 / 3, 200 / 3, 100])
    assert len(done.metric("deepar", "train:throughput")) == 3
    losses = [float(hit[1]) for hit in regex.finditer(r"epoch=\d+, train loss <loss>=(\S+)", done.log)]
    assert losses == sorted(losses, reverse=True)  # it learns
    assert done.metric("deepar", "train:final_loss") == [losses[-1]]
    weighted = [float(hit[1]) for hit in regex.finditer(r"wQuantileLoss\[0\..\]\): (\S+)", done.log)]
    assert done.metric("deepar", "test:mean_wQuantileLoss") == [pytest.approx(np.mean(weighted))]


def test_training_stops_early_with_the_best_weights(tmp_path: Path) -> None:
    """A learning rate at which the loss soon gets worse."""
    hyperparameters = HYPERPARAMETERS | {"epochs": 100, "early_stopping_patience": 1, "learning_rate": 0.1}
    done = run("deepar", tmp_path, hyperparameters, train=json_lines(CUT[:4]))
    losses = [float(hit[1]) for hit in regex.finditer(r"epoch=\d+, train loss <loss>=(\S+)", done.log)]
    assert len(losses) < 100
    assert "stopping training now" in done.log
    assert done.metric("deepar", "train:final_loss") == [min(losses)]
    assert done.metric("deepar", "train:progress")[-1] == 100
    assert done.metric("deepar", "test:RMSE") == []


def test_categories_and_dynamic_features_are_learnt(tmp_path: Path) -> None:
    """Noise whose level the category says, and whose leaps a feature says: without the two nothing could be forecast."""
    chance = np.random.default_rng(0)
    whole = []
    for number in range(30):
        leaps = chance.integers(2, size=60)
        target = 10 + 10 * (number % 2) * leaps + chance.normal(0, 0.1, 60)
        entry = {"start": "2024-01-01 00:00:00", "target": target.tolist(), "cat": [number % 2]}
        whole.append(entry | {"dynamic_feat": [leaps.tolist()]})
    cut = [{**entry, "target": entry["target"][:-7], "dynamic_feat": [entry["dynamic_feat"][0][:-7]]} for entry in whole]
    errors = {}
    for name, more in (("used", {}), ("ignored", {"cardinality": "ignore", "num_dynamic_feat": "ignore"})):
        hyperparameters = HYPERPARAMETERS | {"epochs": 10, "likelihood": "gaussian", **more}
        done = run("deepar", tmp_path / name, hyperparameters, train=json_lines(cut), test=json_lines(whole))
        assert done.code == 0, done.log
        (errors[name],) = done.metric("deepar", "test:RMSE")
    assert errors["used"] < errors["ignored"] / 2


def parquet(entries: list[dict[str, Any]]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(entries), file)
    return file.getvalue()


def test_gzip_and_parquet_are_the_same_data(tmp_path: Path) -> None:
    hyperparameters = HYPERPARAMETERS | {"epochs": 1}
    kind, content = json_lines(CUT)
    losses = set()
    for name, channel in {
        "plain": (kind, content),
        "gzip": ("", gzip.compress(content)),
        "parquet": ("application/x-parquet", parquet(CUT)),
    }.items():
        folder = tmp_path / name / "input" / "data" / "train"
        folder.mkdir(parents=True)
        for left_by_spark in ("_SUCCESS", ".part.crc"):  # which AWS leaves out
            (folder / left_by_spark).write_bytes(b"\xff")
        done = run("deepar", tmp_path / name, hyperparameters, train=channel)
        losses.add(done.metric("deepar", "train:final_loss")[0])
    assert len(losses) == 1
