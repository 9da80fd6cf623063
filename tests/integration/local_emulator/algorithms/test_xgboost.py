"""XGBoost as its container runs it: data, rounds, metrics, model."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from local_emulator.algorithms import contract, xgboost
from sm_tuning.rules import catalogue
from tests.integration.local_emulator.algorithms.running import RECORDIO, csv, libsvm, recordio, run, start_with


@pytest.mark.parametrize("written", [csv, libsvm, recordio])
def test_xgboost_tells_each_round(tmp_path: Path, cancer: Any, written: Any) -> None:
    seen, held, seen_labels, held_labels = cancer
    hyperparameters = {
        "num_round": 20,
        "objective": "binary:logistic",
        "eta": 0.3,
        "max_depth": 3,
        "_tuning_objective_metric": "validation:auc",
    }
    done = run("xgboost", tmp_path, hyperparameters, train=written(seen, seen_labels), validation=written(held, held_labels))
    assert done.code == 0, done.log
    values = done.metric("xgboost", "validation:auc")
    assert len(values) == 20
    assert values[-1] > 0.98
    assert "[0]\ttrain-auc:" in done.log


def parquet(features: Any, labels: Any) -> tuple[str, bytes]:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table  # noqa: PLC0415 - optional

    columns = np.column_stack([labels, features]).T
    sink = pyarrow.BufferOutputStream()
    write_table(pyarrow.table({str(number): column for number, column in enumerate(columns)}), sink)
    return "application/x-parquet", sink.getvalue().to_pybytes()


def test_xgboost_reads_parquet(tmp_path: Path) -> None:
    done = run("xgboost", tmp_path, {"num_round": 1}, train=parquet(np.arange(12.0).reshape(6, 2), [0, 1, 0, 1, 0, 1]))
    assert done.code == 0, done.log
    assert "Train matrix has 6 rows and 2 columns" in done.log
    assert len(done.metric("xgboost", "train:rmse")) == 1


@pytest.mark.parametrize(
    ("kind", "declared"),
    [
        *[("csv", declared) for declared in ("csv", "text/csv", "text/csv;label_size=1", "text/csv; charset=utf-8", "CSV")],
        *[("libsvm", declared) for declared in ("libsvm", "text/libsvm", "text/x-libsvm", "text/libsvm ;charset=utf8", "")],
        *[("recordio-protobuf", declared) for declared in ("recordio-protobuf", RECORDIO)],
        *[("parquet", declared) for declared in ("parquet", "application/x-parquet")],
    ],
)
def test_every_form_of_xgboosts_content_types(kind: str, declared: str) -> None:
    assert xgboost.content_type(catalogue.load("sagemaker-xgboost"), declared) == kind


@pytest.mark.parametrize(
    ("kind", "content", "text"),
    [
        (
            "libsvm",
            b"0,1,2\n1,2,3\n",
            "Blankspace and colon not found in firstline '0,1,2\n...' of file 'data'. ContentType by default is in libsvm.",
        ),
        (
            "csv",
            b"1 1:0.5 2:3\n",
            "Blankspace and colon found in firstline '1 1:0.5 2:3\n...' of file 'data'. Please ensure the file is in csv format.",
        ),
        ("libsvm", b"1 1:0.5 2:3\n", None),
        ("libsvm", b"", None),
        ("csv", b"0,1,2\n", None),
    ],
)
def test_xgboost_judges_a_format_by_the_first_line(kind: str, content: bytes, text: str | None, tmp_path: Path) -> None:
    """The sentences are those of aws/sagemaker-xgboost-container. xgboost's own reader ends with a segmentation fault on a CSV."""
    (tmp_path / "data").write_bytes(content)
    if text is None:
        xgboost.check_format(kind, tmp_path / "data")
        return
    with pytest.raises(contract.CustomerError) as refused:
        xgboost.check_format(kind, tmp_path / "data")
    assert text in str(refused.value)


def test_xgboosts_log_is_aws_s(tmp_path: Path) -> None:
    """Recorded in a job of June 2025."""
    rows = csv(np.arange(16.0).reshape(8, 2), [0, 1] * 4)
    done = run("xgboost", tmp_path, {"num_round": 1, "objective": "binary:logistic"}, train=rows, validation=rows)
    time = r"\[\d{4}-\d\d-\d\d:\d\d:\d\d:\d\d:INFO\] "
    done.check_lines(
        time + "Imported framework sagemaker_xgboost_container.training",
        time + "Failed to parse hyperparameter objective value binary:logistic to Json.",
        time + "Running XGBoost Sagemaker in algorithm mode",
        time + "Determined delimiter of CSV input is ','",
        time + "files path: /opt/ml/input/data/train",
        time + "files path: /opt/ml/input/data/validation",
        time + "Single node training.",
        time + "Train matrix has 8 rows and 2 columns",
        time + "Validation matrix has 8 rows",
        r"\[0\]\ttrain-logloss:0\.\d{5}\tvalidation-logloss:0\.\d{5}",
    )


def test_xgboosts_model_is_xgboosts(tmp_path: Path, cancer: Any) -> None:
    from xgboost import Booster, DMatrix  # noqa: PLC0415 - slow

    seen, held, seen_labels, held_labels = cancer
    done = run("xgboost", tmp_path, {"num_round": 20, "objective": "binary:logistic"}, train=csv(seen, seen_labels))
    booster = Booster()
    booster.load_model(bytearray((done.model / "xgboost-model").read_bytes()))
    assert ((booster.predict(DMatrix(held)) > 0.5) == held_labels).mean() > 0.95


@pytest.mark.parametrize(("version", "pickled"), [("1.2-2", True), ("1.3-1", False)])
def test_old_versions_pickle_the_model(tmp_path: Path, version: str, *, pickled: bool) -> None:
    rows = csv(np.arange(16.0).reshape(8, 2), [0, 1] * 4)
    image = f"683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:{version}"
    done = run("xgboost", tmp_path, {"num_round": 1, "objective": "binary:logistic"}, image, train=rows)
    content = (done.model / "xgboost-model").read_bytes()
    assert content.startswith(b"\x80\x04") is pickled, done.log
    intercepts = re.findall(rb"base_scoreSL.{7}(.)(.{20})", content, re.DOTALL)
    assert intercepts
    for length, text in intercepts:  # what older versions read: no `[5E-1]`, as 3.1 and later write it
        assert float(text[: length[0]]) == 0.5


def test_a_model_of_several_classes_has_one_intercept(tmp_path: Path) -> None:
    rows = csv(np.arange(24.0).reshape(12, 2), [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 2])
    done = run("xgboost", tmp_path, {"num_round": 2, "objective": "multi:softprob", "num_class": 3}, train=rows)
    content = (done.model / "xgboost-model").read_bytes()
    (text,) = re.findall(rb"base_scoreSL.{8}([^L]+)L", content, re.DOTALL)
    assert set(text.strip(b"[]").split(b",")) == {b"5E-1"}


def test_xgboosts_metrics_of_aws(tmp_path: Path, cancer: Any, diabetes: Any) -> None:
    seen, held, seen_labels, held_labels = cancer
    names = ("accuracy", "balanced_accuracy", "f1", "f1_binary", "precision", "recall", "logloss", "error")
    hyperparameters = {"num_round": 5, "objective": "binary:logistic", "eval_metric": ",".join(names)}
    done = run("xgboost", tmp_path / "a", hyperparameters, train=csv(seen, seen_labels), validation=csv(held, held_labels))
    for name in names:
        assert len(done.metric("xgboost", f"validation:{name}")) == 5, done.log
    assert done.metric("xgboost", "validation:accuracy")[-1] == pytest.approx(
        1 - done.metric("xgboost", "validation:error")[-1], abs=1e-4
    )
    seen, held, seen_labels, held_labels = diabetes
    hyperparameters = {"num_round": 5, "objective": "reg:linear", "eval_metric": "mse,r2"}
    done = run("xgboost", tmp_path / "b", hyperparameters, train=csv(seen, seen_labels), validation=csv(held, held_labels))
    unexplained = done.metric("xgboost", "validation:mse")[-1] / held_labels.var()
    assert done.metric("xgboost", "validation:r2")[-1] == pytest.approx(1 - unexplained, abs=1e-3)


def test_xgboost_stops_early(tmp_path: Path, diabetes: Any) -> None:
    seen, held, seen_labels, held_labels = diabetes
    hyperparameters = {"num_round": 500, "eta": 0.5, "early_stopping_rounds": 5, "_tuning_objective_metric": "validation:rmse"}
    done = run("xgboost", tmp_path, hyperparameters, train=csv(seen, seen_labels), validation=csv(held, held_labels))
    values = done.metric("xgboost", "validation:rmse")
    assert 5 < len(values) < 100
    assert min(values) == values[-6]


def test_xgboost_several_classes_and_weights(tmp_path: Path, digits: Any) -> None:
    seen, held, seen_labels, held_labels = digits
    hyperparameters = {
        "num_round": 10,
        "objective": "multi:softprob",
        "num_class": 10,
        "csv_weights": 1,
        "eval_metric": "mlogloss,accuracy",
    }
    weighted = [np.column_stack([np.ones(len(rows)), rows]) for rows in (seen, held)]
    done = run(
        "xgboost", tmp_path, hyperparameters, train=csv(weighted[0], seen_labels), validation=csv(weighted[1], held_labels)
    )
    assert done.metric("xgboost", "validation:accuracy")[-1] > 0.85


def test_xgboost_reads_a_csv_from_a_pipe_and_no_libsvm(tmp_path: Path, diabetes: Any) -> None:
    features, _, labels, _ = diabetes
    done = start_with("xgboost", tmp_path / "csv", {"num_round": 1}, {"train": csv(features, labels)}, piped=True)
    assert done.code == 0, done.log
    assert f"Train matrix has {len(features)} rows" in done.log
    done = start_with("xgboost", tmp_path / "libsvm", {"num_round": 1}, {"train": libsvm(features, labels)}, piped=True)
    assert (done.code, done.failure) == (2, "Pipe mode not supported for LibSVM.")
