"""K nearest neighbours, beside scikit-learn's."""

from pathlib import Path
from typing import Any

import numpy as np

from tests.integration.local_emulator.algorithms.running import csv, run


def test_knn(tmp_path: Path, digits: Any, diabetes: Any) -> None:
    seen, held, seen_labels, held_labels = digits
    hyperparameters = {"k": 5, "feature_dim": 64, "predictor_type": "classifier", "sample_size": 5000}
    done = run("knn", tmp_path / "a", hyperparameters, train=csv(seen, seen_labels), test=csv(held, held_labels))
    assert done.metric("knn", "test:accuracy")[0] > 0.97
    sets = {"train": csv(seen, seen_labels), "test": csv(held, held_labels)}
    reduced = hyperparameters | {"dimension_reduction_type": "sign", "dimension_reduction_target": 32}
    assert run("knn", tmp_path / "b", reduced, **sets).metric("knn", "test:accuracy")[0] > 0.9
    few = hyperparameters | {"sample_size": 100}
    assert run("knn", tmp_path / "c", few, **sets).metric("knn", "test:accuracy")[0] < 0.96
    seen, held, seen_labels, held_labels = diabetes
    hyperparameters = {"k": 15, "feature_dim": 10, "predictor_type": "regressor", "sample_size": 5000}
    done = run("knn", tmp_path / "d", hyperparameters, train=csv(seen, seen_labels), test=csv(held, held_labels))
    assert done.metric("knn", "test:mse")[0] < 0.8 * held_labels.var()


def test_knns_log_is_aws_s(tmp_path: Path) -> None:
    """Recorded in a job of June 2021; a k beyond the sample is no error."""
    rows = csv(np.arange(12.0).reshape(6, 2), [0, 1] * 3)
    hyperparameters = {"k": 70, "feature_dim": 2, "predictor_type": "classifier", "sample_size": 10}
    done = run("knn", tmp_path, hyperparameters, train=rows, test=rows)
    assert done.code == 0, done.log
    time = r"\[\d\d/\d\d/\d{4} \d\d:\d\d:\d\d INFO \d+\] "
    done.check_lines(
        "Docker entrypoint called with argument\\(s\\): train",
        time + r"Reading default configuration from \S+: \{.*'epochs': '1'.*\}",
        time + r"Final configuration: \{.*'k': '70'.*\}",
        time + r"#progress_metric: host=algo-1, completed 100\.0 % of epochs",
        time + r"#throughput_metric: host=algo-1, train throughput=\S+ records/second",
        time + r"\.\.\.Got reservoir sample from algo-1: data=\(6, 2\), labels=\(6,\), NaNs=0",
        time + r"#test_score \(algo-1\) : \('accuracy', 0\.5\)",
        time + r"#quality_metric: host=algo-1, test accuracy <score>=0\.5",
        time + r"#quality_metric: host=algo-1, test macro_f_1\.000 <score>=\S+",
    )
