"""The stand-ins for AWS's built-in algorithms: each run as its container would be, its log read with AWS's metric definitions."""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sm_tuning.rules import catalogue
from tests.integration.local_emulator.algorithms.running import (
    GOOD,
    RECORDIO,
    csv,
    json_lines,
    recordio,
    run,
    seasonal,
    start_with,
    text,
)


def test_every_stand_in_says_what_it_is_reads_pipes_and_writes_a_model(tmp_path: Path, cancer: Any) -> None:
    seen, held, seen_labels, held_labels = cancer
    train, test = recordio(seen, seen_labels), recordio(held, held_labels)
    hyperparameters: Mapping[str, Mapping[str, object]] = {
        "linear_learner": {"predictor_type": "binary_classifier"},
        "kmeans": {"k": 3, "feature_dim": 30},
        "knn": {"k": 3, "feature_dim": 30, "predictor_type": "classifier", "sample_size": 200},
        "factorization_machines": {"feature_dim": 30, "num_factors": 2, "predictor_type": "binary_classifier"},
        "xgboost": {"num_round": 2, "objective": "binary:logistic"},
        "pca": {"feature_dim": 30, "num_components": 3, "mini_batch_size": 100},
        "random_cut_forest": {"feature_dim": 30, "num_trees": 50},
        "lda": {"feature_dim": 30, "num_topics": 2, "mini_batch_size": 100},
        "ntm": {"feature_dim": 30, "num_topics": 2, "epochs": 2},
        "blazingtext": {"mode": "supervised"},
        "deepar": GOOD["deepar"],
    }
    assert set(hyperparameters) == {program for name in catalogue.names() if (program := catalogue.load(name).program)}
    for name, values in hyperparameters.items():
        own = {"blazingtext": text(50, seed=0), "deepar": json_lines(seasonal(3, seed=0))}
        channels = {"train": own[name]} if name in own else {"train": train, "test": test}
        done = start_with(name, tmp_path / name, values, channels, piped=True)
        assert done.code == 0, done.log
        assert "local stand-in for AWS's" in done.log
        assert ("The channel 'train' is in pipe input mode" in done.log) == (name != "xgboost")
        (model,) = done.model.iterdir()
        assert model.name == ("xgboost-model" if name == "xgboost" else "model_algo-1")


# --- what the user has to mend --------------------------------------------------------------------------------------------

_DATA = csv(np.arange(12.0).reshape(6, 2), np.arange(6.0))
_SERIES = json_lines(seasonal(2, seed=0))
_RECORDS = recordio(np.arange(12.0).reshape(6, 2), np.arange(6.0))


@pytest.mark.parametrize(
    ("algorithm", "changes", "train", "reason"),
    [
        ("xgboost", {"eval_metric": "rmse,nonsense"}, _DATA, "Hyperparameter eval_metric: value ['rmse', 'nonsense'] not in range"),
        ("xgboost", {"_kfold": 5}, _DATA, "_kfold: cross validation is not emulated"),
        ("xgboost", {}, ("text/csv;label_size=0", b"1,2\n"), "text/csv;label_size=0 is not an accepted csv ContentType. Optional"),
        ("xgboost", {}, ("csv", b"\n1,2\n"), "Could not determine delimiter on line "),
        ("xgboost", {"objective": "multi:softmax"}, _DATA, "num_class"),
        ("xgboost", {}, ("image/png", b"x"), "image/png is not an accepted ContentType"),
        ("xgboost", {"objective": "nonsense"}, _DATA, "nonsense"),
        ("xgboost", {}, ("text/csv", b"1,2\na,b\n"), "The file part is no CSV of numbers without a header"),
        ("linear_learner", {"predictor_type": "multiclass_classifier"}, _DATA, "No value(s) were specified for 'num_classes'"),
        ("linear_learner", {"predictor_type": "binary_classifier"}, _DATA, "label 2; for binary_classifier labels must be 0 to 1"),
        ("linear_learner", {"loss": "hinge_loss"}, _DATA, "loss: hinge_loss cannot be used with predictor_type regressor"),
        ("linear_learner", {"feature_dim": 7}, _DATA, "The channel 'train' has 2 features; feature_dim is 7"),
        ("linear_learner", {}, ("", b"no recordio"), "is not RecordIO"),
        ("linear_learner", {}, (RECORDIO, struct.pack("<II", 0xCED7230A, 99) + b"x"), "is cut off in a RecordIO record"),
        ("linear_learner", {}, (RECORDIO, struct.pack("<II", 0xCED7230A, 4) + b"\xff" * 4), "is not an aialgs.data.Record"),
        ("linear_learner", {}, (RECORDIO, b""), "The channel 'train' holds no records"),
        ("linear_learner", {}, ("application/json", b"x"), "The content type 'application/json' of the channel 'train' is not"),
        ("kmeans", {"k": 7}, _DATA, "There are 6 records, fewer than the 7 clusters"),
        ("factorization_machines", {}, _DATA, "The content type 'text/csv' of the channel 'train' is not supported"),
        ("knn", {"dimension_reduction_type": "sign"}, _DATA, "dimension_reduction_target"),
        ("factorization_machines", {"predictor_type": "binary_classifier"}, _RECORDS, "labels that are neither 0 nor 1"),
        ("pca", {"num_components": 3}, _DATA, "num_components: 3 must not be greater than feature_dim, 2"),
        ("pca", {"feature_dim": 9, "num_components": 9}, csv(np.ones((6, 9)), np.ones(6)), "There are 6 records, fewer than the 9"),
        ("random_cut_forest", {"eval_metrics": '["f1"]'}, _DATA, "is not a list of some of accuracy, precision_recall_fscore"),
        ("random_cut_forest", {}, _DATA, "There are 6 records, fewer than the 100 trees"),
        ("lda", {}, csv(-np.ones((2, 2)), np.ones(2)), "The channel 'train' must hold counts of words"),
        ("ntm", {"batch_norm": "true"}, _DATA, "batch_norm: true is not emulated"),
        ("ntm", {"encoder_layers": "3,x"}, _DATA, "encoder_layers: 3,x is neither auto nor a list of sizes"),
        ("ntm", {}, csv(-np.ones((2, 2)), np.ones(2)), "The channel 'train' must hold counts of words"),
        ("ntm", {"optimizer": "sgd", "learning_rate": 1, "encoder_layers_activation": "relu"},
         csv(np.diag([1e300, 1e300]), np.ones(2)), "The loss is not finite"),
        ("blazingtext", {"mode": "skipgram"}, text(9, seed=0), "mode: skipgram is not emulated"),
        ("blazingtext", {}, ("", b"no label\n"), "holds no line with a label"),
        ("blazingtext", {"min_count": 99}, text(9, seed=0), "No word of the channel 'train' is there 99 times"),
        ("blazingtext", {}, ("application/jsonlines", b'{"label": 1}\n'), "part, line 1 is no JSON object with source and label"),
        ("blazingtext", {}, ("", b"\xff"), "is no text in UTF-8"),
        ("deepar", {"time_freq": "3S"}, _SERIES, "time_freq: 3S is not an integer followed by M, W, D, H or min"),
        ("deepar", {"test_quantiles": "[0.5, 2]"}, _SERIES, "test_quantiles: [0.5, 2] is not a list of numbers between 0 and 1"),
        ("deepar", {"num_eval_samples": 0}, _SERIES, "num_eval_samples: 0 must be at least 1"),
        ("deepar", {"dropout_rate": "1"}, _SERIES, "dropout_rate: 1.0 is not in [0, 1)"),
        ("deepar", {"cardinality": "2"}, _SERIES, "cardinality: 2 is neither auto, ignore nor a list of sizes"),
        ("deepar", {"cardinality": "[2]"}, _SERIES, "The channel 'train', part, line 1: cat has 0 categories; the model has 1"),
        ("deepar", {"num_dynamic_feat": 1}, _SERIES, "part, line 1: dynamic_feat has 0 features; the model has 1"),
        ("deepar", {"likelihood": "beta"}, _SERIES, "target has values beyond 0 to 1, the limits of likelihood beta"),
        pytest.param("deepar", {}, ("", b"[" * 100_000), "Error when parsing json (part, line 1): ", id="too deep"),
        ("deepar", {}, ("", b"{"), "Error when parsing json (part, line 1): "),
        ("deepar", {}, ("", b'{"start": "2024-01-01"}'), "part, line 1: it is no object with start and target"),
        ("deepar", {}, ("", b'{"start": "2024-01-01", "target": [null]}'), "The channel 'train' holds no values"),
        ("deepar", {}, ("", b'{"start": "2024-01-01", "target": [1]}'), "holds no time series of more than one value"),
        ("deepar", {}, ("", b'{"start": "2024-01-01", "target": [1, null]}'), "all that follow a first one are missing"),
        ("deepar", {}, ("", b"\n"), "The channel 'train' holds no time series"),
        ("deepar", {}, ("", b"\x1f\x8b"), "is no text in UTF-8, nor that by gzip"),
        ("deepar", {}, ("", b"\x1f\x8b\x08" + b"\0" * 7 + b"\xff" * 8), "is no text in UTF-8, nor that by gzip"),
        ("deepar", {}, ("", b"PAR1"), "The file part is no Parquet"),
    ],
)  # fmt: skip
def test_what_the_user_has_to_mend(
    tmp_path: Path, algorithm: str, changes: Mapping[str, object], train: tuple[str, bytes], reason: str
) -> None:
    hyperparameters = {name: value for name, value in {**GOOD[algorithm], **changes}.items() if value is not None}
    done = run(algorithm, tmp_path, hyperparameters, train=train)
    assert done.code == 2, done.log
    assert reason in done.failure
    assert "Traceback" not in done.log


@pytest.mark.parametrize("algorithm", list(GOOD))
def test_without_the_train_channel(tmp_path: Path, algorithm: str) -> None:
    done = run(algorithm, tmp_path, GOOD[algorithm])
    assert done.code == 2
    assert done.failure in {"The channel 'train' is required.", "Missing required channel: train"}  # XGBoost's own words


# --- formats ---------------------------------------------------------------------------------------------------
