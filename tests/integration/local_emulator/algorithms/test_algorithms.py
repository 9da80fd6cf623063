"""The stand-ins for AWS's built-in algorithms: each run as its container would be, its log read with AWS's metric definitions."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import regex
import scipy.sparse
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from local_emulator.algorithms import contract, xgboost
from local_emulator.algorithms.recordio import _record, read
from sm_tuning.rules import catalogue
from tests.integration.local_emulator.algorithms.program import start

RECORDIO = "application/x-recordio-protobuf"
NAMES = {
    "linear_learner": "linear-learner",
    "factorization_machines": "factorization-machines",
    "xgboost": "sagemaker-xgboost",
}  # of programs that are not called as their images


@dataclass
class Done:
    code: int
    log: str
    failure: str
    model: Path

    def metric(self, algorithm: str, name: str) -> list[float]:
        """Values that AWS's definition of a metric finds in the log, as the platform escapes it."""
        expression = catalogue.load(NAMES.get(algorithm, algorithm)).metrics[name]
        return [float(hit[1]) for line in self.log.replace("\t", "#011").splitlines() if (hit := regex.search(expression, line))]


def run(algorithm: str, root: Path, hyperparameters: Mapping[str, object], **channels: tuple[str, bytes]) -> Done:
    """`docker run IMAGE train`, with channels of one file each."""
    for folder in ("input/config", "input/data", "model", "output/data"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    texts = {name: str(value) for name, value in hyperparameters.items()}
    (root / "input/config/hyperparameters.json").write_text(json.dumps(texts))
    kinds = {name: {"ContentType": kind} if kind else {} for name, (kind, _) in channels.items()}
    (root / "input/config/inputdataconfig.json").write_text(json.dumps(kinds))
    for name, (_, content) in channels.items():
        (root / "input/data" / name).mkdir(exist_ok=True)
        (root / "input/data" / name / "part").write_bytes(content)
    log = root / "log"
    code = start(f"local_emulator.algorithms.{algorithm}", root, log)
    failure = root / "output/failure"
    return Done(code, log.read_text(), failure.read_text() if failure.exists() else "", root / "model")


def csv(features: Any, labels: Any = None) -> tuple[str, bytes]:
    table = features if labels is None else np.column_stack([labels, features])
    text = "\n".join(",".join(f"{value:.9g}" for value in row) for row in table)
    return "text/csv" if labels is not None else "text/csv;label_size=0", text.encode()


def recordio(features: Any, labels: Any = None) -> tuple[str, bytes]:
    """As the SageMaker SDK writes it; sparse features with keys and shape."""
    Record = _record()  # noqa: N806 - a class
    parts = []
    for row in range(features.shape[0]):
        record = Record()
        tensor = record.features["values"].float32_tensor
        if scipy.sparse.issparse(features):
            one = features.getrow(row)
            tensor.values.extend(one.data.tolist())
            tensor.keys.extend(one.indices.tolist())
            tensor.shape.extend([features.shape[1]])
        else:
            tensor.values.extend(features[row].tolist())
        if labels is not None:
            record.label["values"].float32_tensor.values.append(float(labels[row]))
        payload = record.SerializeToString()
        parts += [struct.pack("<II", 0xCED7230A, len(payload)), payload, b"\0" * (-len(payload) % 4)]
    return RECORDIO, b"".join(parts)


@pytest.fixture(scope="module")
def cancer() -> Any:
    inputs, labels = load_breast_cancer(return_X_y=True)
    return train_test_split(inputs, labels, random_state=0, test_size=0.3)


@pytest.fixture(scope="module")
def digits() -> Any:
    inputs, labels = load_digits(return_X_y=True)
    return train_test_split(inputs, labels, random_state=0, test_size=0.3)


@pytest.fixture(scope="module")
def diabetes() -> Any:
    inputs, labels = load_diabetes(return_X_y=True)
    return train_test_split(inputs, labels, random_state=0, test_size=0.3)


def test_every_stand_in_says_what_it_is_and_writes_a_model(tmp_path: Path, cancer: Any) -> None:
    seen, held, seen_labels, held_labels = cancer
    train, test = recordio(seen, seen_labels), recordio(held, held_labels)
    hyperparameters: Mapping[str, Mapping[str, object]] = {
        "linear_learner": {"predictor_type": "binary_classifier"},
        "kmeans": {"k": 3, "feature_dim": 30},
        "knn": {"k": 3, "feature_dim": 30, "predictor_type": "classifier", "sample_size": 200},
        "factorization_machines": {"feature_dim": 30, "num_factors": 2, "predictor_type": "binary_classifier"},
        "xgboost": {"num_round": 2, "objective": "binary:logistic"},
    }
    assert set(hyperparameters) == {program for name in catalogue.names() if (program := catalogue.load(name).program)}
    for name, values in hyperparameters.items():
        done = run(name, tmp_path / name, values, train=train, test=test)
        assert done.code == 0, done.log
        assert "local stand-in for AWS's" in done.log
        (model,) = done.model.iterdir()
        assert model.name == ("xgboost-model" if name == "xgboost" else "model_algo-1")


# --- linear learner -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", [csv, recordio])
def test_linear_learner_classifies(tmp_path: Path, cancer: Any, written: Any) -> None:
    seen, held, seen_labels, held_labels = cancer
    done = run(
        "linear_learner",
        tmp_path,
        {"predictor_type": "binary_classifier", "mini_batch_size": 50, "epochs": 20},
        train=written(seen, seen_labels),
        validation=written(held, held_labels),
    )
    assert done.code == 0, done.log
    losses = done.metric("linear_learner", "validation:objective_loss")
    assert len(losses) > 3
    assert losses[-1] < losses[0] / 2
    assert done.metric("linear_learner", "validation:binary_classification_accuracy") == pytest.approx([0.97], abs=0.02)
    assert done.metric("linear_learner", "validation:binary_f_beta") == pytest.approx([0.97], abs=0.02)
    assert done.metric("linear_learner", "validation:roc_auc_score")[0] > 0.98
    assert done.metric("linear_learner", "train:progress")[-1] <= 100
    assert len(done.metric("linear_learner", "validation:objective_loss:final")) == 1


def test_linear_learner_is_as_good_as_scikit_learns(tmp_path: Path, digits: Any) -> None:
    seen, held, seen_labels, held_labels = digits
    done = run(
        "linear_learner",
        tmp_path,
        {
            "predictor_type": "multiclass_classifier",
            "num_classes": 10,
            "mini_batch_size": 50,
            "epochs": 40,
            "learning_rate": 0.01,
        },
        train=csv(seen, seen_labels),
        validation=csv(held, held_labels),
    )
    oracle = LogisticRegression(max_iter=500).fit(seen / 16, seen_labels).score(held / 16, held_labels)
    assert done.metric("linear_learner", "validation:multiclass_accuracy")[0] > oracle - 0.02
    assert done.metric("linear_learner", "validation:multiclass_top_k_accuracy")[0] > 0.98
    for name in ("dcg", "macro_f_beta", "macro_precision", "macro_recall"):
        assert 0.9 < done.metric("linear_learner", f"validation:{name}")[0] <= 1


@pytest.mark.parametrize(
    "loss", ["squared_loss", "absolute_loss", "huber_loss", "quantile_loss", "eps_insensitive_absolute_loss"]
)
def test_linear_learner_regresses(tmp_path: Path, diabetes: Any, loss: str) -> None:
    seen, held, seen_labels, held_labels = diabetes
    hyperparameters = {"predictor_type": "regressor", "mini_batch_size": 30, "epochs": 60, "learning_rate": 0.02, "loss": loss}
    done = run("linear_learner", tmp_path, hyperparameters, train=csv(seen, seen_labels), validation=csv(held, held_labels))
    assert done.metric("linear_learner", "validation:mse")[0] < 0.75 * held_labels.var()
    assert done.metric("linear_learner", "validation:rmse")[0] ** 2 == pytest.approx(
        done.metric("linear_learner", "validation:mse")[0]
    )


def test_linear_learner_regularizes(tmp_path: Path, diabetes: Any) -> None:
    seen, _, labels, _ = diabetes
    sizes = []
    for number, wd in enumerate((0.0, 1.0)):
        hyperparameters = {"predictor_type": "regressor", "mini_batch_size": 30, "epochs": 60, "learning_rate": 0.02, "wd": wd}
        done = run("linear_learner", tmp_path / str(number), hyperparameters, train=csv(seen, labels))
        with np.load(done.model / "model_algo-1") as model:
            sizes.append(float(np.abs(model["weight"]).sum()))
    assert sizes[1] < sizes[0]


def test_linear_learner_reaches_a_recall(tmp_path: Path, cancer: Any) -> None:
    seen, held, seen_labels, held_labels = cancer
    hyperparameters = {
        "predictor_type": "binary_classifier",
        "binary_classifier_model_selection_criteria": "precision_at_target_recall",
        "target_recall": 0.99,
        "mini_batch_size": 50,
    }
    done = run("linear_learner", tmp_path, hyperparameters, train=csv(seen, seen_labels), validation=csv(held, held_labels))
    assert done.metric("linear_learner", "validation:recall")[0] >= 0.99


# --- the others -----------------------------------------------------------------------------------------------------------


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
    lines = iter(done.log.splitlines())
    for wanted in (
        r".* Reading default configuration from \S+: \{.*'init_method': 'random'.*\}",
        r".* local kmeans attempt #0\. Current mean square distance \d+\.\d{6}",
        r".* local kmeans attempt #9\. Current mean square distance \d+\.\d{6}",
        r".* finished shrinking process\. Mean Square Distance = 0",
        r".* #quality_metric: host=algo-1, train msd <loss>=\S+",
        r".* #test_score \(algo-1\) : \('msd', \S+\)",
        r".* #quality_metric: host=algo-1, test msd <loss>=\S+",
    ):
        assert any(regex.fullmatch(wanted, line) for line in lines), wanted


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
    lines = iter(done.log.splitlines())
    for wanted in (
        "Docker entrypoint called with argument\\(s\\): train",
        time + r"Reading default configuration from \S+: \{.*'epochs': '1'.*\}",
        time + r"Final configuration: \{.*'k': '70'.*\}",
        time + r"#progress_metric: host=algo-1, completed 100\.0 % of epochs",
        time + r"#throughput_metric: host=algo-1, train throughput=\S+ records/second",
        time + r"\.\.\.Got reservoir sample from algo-1: data=\(6, 2\), labels=\(6,\), NaNs=0",
        time + r"#test_score \(algo-1\) : \('accuracy', 0\.5\)",
        time + r"#quality_metric: host=algo-1, test accuracy <score>=0\.5",
        time + r"#quality_metric: host=algo-1, test macro_f_1\.000 <score>=\S+",
    ):
        assert any(regex.fullmatch(wanted, line) for line in lines), wanted


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


# --- XGBoost --------------------------------------------------------------------------------------------------------------


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


def libsvm(features: Any, labels: Any) -> tuple[str, bytes]:
    rows = [" ".join(f"{column}:{value:.9g}" for column, value in enumerate(row)) for row in features]
    return "text/libsvm", "\n".join(f"{label} {row}" for label, row in zip(labels, rows, strict=True)).encode()


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
    ("kind", "told"),
    [
        *[("csv", told) for told in ("csv", "text/csv", "text/csv;label_size=1", "text/csv; charset=utf-8", "CSV")],
        *[("libsvm", told) for told in ("libsvm", "text/libsvm", "text/x-libsvm", "text/libsvm ;charset=utf8", "")],
        *[("recordio-protobuf", told) for told in ("recordio-protobuf", RECORDIO)],
        *[("parquet", told) for told in ("parquet", "application/x-parquet")],
    ],
)
def test_every_form_of_xgboosts_content_types(kind: str, told: str) -> None:
    assert xgboost.content_type(catalogue.load("sagemaker-xgboost"), told) == kind


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
    lines = iter(done.log.splitlines())
    for wanted in (
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
    ):
        assert any(regex.fullmatch(wanted, line) for line in lines), wanted


def test_xgboosts_model_is_xgboosts(tmp_path: Path, cancer: Any) -> None:
    from xgboost import Booster, DMatrix  # noqa: PLC0415 - slow

    seen, held, seen_labels, held_labels = cancer
    done = run("xgboost", tmp_path, {"num_round": 20, "objective": "binary:logistic"}, train=csv(seen, seen_labels))
    booster = Booster()
    booster.load_model(bytearray((done.model / "xgboost-model").read_bytes()))
    assert ((booster.predict(DMatrix(held)) > 0.5) == held_labels).mean() > 0.95


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
    weighted = [np.column_stack([np.ones(len(one)), one]) for one in (seen, held)]
    done = run(
        "xgboost", tmp_path, hyperparameters, train=csv(weighted[0], seen_labels), validation=csv(weighted[1], held_labels)
    )
    assert done.metric("xgboost", "validation:accuracy")[-1] > 0.85


# --- what the user has to mend --------------------------------------------------------------------------------------------

_GOOD: Mapping[str, Mapping[str, object]] = {
    "linear_learner": {"predictor_type": "regressor"},
    "kmeans": {"k": 2, "feature_dim": 2},
    "knn": {"k": 2, "feature_dim": 2, "predictor_type": "regressor", "sample_size": 10},
    "factorization_machines": {"feature_dim": 2, "num_factors": 2, "predictor_type": "regressor"},
    "xgboost": {"num_round": 2},
}
_DATA = csv(np.arange(12.0).reshape(6, 2), np.arange(6.0))
_RECORDS = recordio(np.arange(12.0).reshape(6, 2), np.arange(6.0))
_SCHEMA = " (caused by ValidationError)\n\nCaused by: "


@pytest.mark.parametrize(
    ("algorithm", "changes", "told"),
    [
        ("xgboost", {"num_round": None}, "Missing required hyperparameter: num_round"),
        ("xgboost", {"eta": 2}, "Hyperparameter eta: 2.0 is not in [0, 1]"),
        ("xgboost", {"subsample": 0}, "Hyperparameter subsample: 0.0 is not in (0, 1]"),
        ("xgboost", {"max_depth": "deep"}, "Hyperparameter max_depth: could not parse value (caused by ValueError)"),
        ("xgboost", {"num_round": '"2"'}, "Hyperparameter num_round: could not parse value"),
        ("xgboost", {"objective": '"reg:squarederror"'}, 'Hyperparameter objective: "reg:squarederror" is not in ['),
        ("xgboost", {"updater": "nonsense"}, "Hyperparameter updater: value ['nonsense'] not in range ["),
        ("xgboost", {"depth": 3}, "Extraneous hyperparameter found: depth"),
        ("linear_learner", {"predictor_type": "x"},
         "The value 'x' is not valid for the 'predictor_type' hyperparameter which accepts one of the following: "
         "'binary_classifier', 'multiclass_classifier', 'regressor'" + _SCHEMA),
        ("linear_learner", {"mini_batch_siz": 3},
         "Additional hyperparameters are not allowed ('mini_batch_siz' was unexpected)" + _SCHEMA + "Additional"),
        ("linear_learner", {"a": 3, "b": 3}, "Additional hyperparameters are not allowed ('a', 'b' were unexpected)"),
        ("linear_learner", {"feature_dim": "abc"},
         "The value 'abc' is not valid for the 'feature_dim' hyperparameter which expects one of the following: "
         "a string which matches the pattern '^(auto|[1-9][0-9]*)$'; or an integer greater than 1" + _SCHEMA + "'abc'"),
        ("linear_learner", {"quantile": 2}, "; or a number between 0 and 1"),
        ("kmeans", {"k": None, "feature_dim": None},
         "No value(s) were specified for 'feature_dim', 'k' which are required hyperparameter(s)" + _SCHEMA + "'feature_dim' is"),
        ("kmeans", {"k": "784.0"}, "a string which matches the pattern '^([1-9][0-9]*)$'; or an integer greater than 1"),
        ("knn", {"predictor_type": None}, "No value(s) were specified for 'predictor_type'"),
    ],
)  # fmt: skip
def test_hyperparameters_are_refused_in_aws_s_words(algorithm: str, changes: Mapping[str, object], told: str) -> None:
    hyperparameters = {name: str(value) for name, value in {**_GOOD[algorithm], **changes}.items() if value is not None}
    with pytest.raises(contract.CustomerError) as refused:
        contract.checked(catalogue.load(NAMES.get(algorithm, algorithm)), hyperparameters)
    assert told in str(refused.value)


def test_hyperparameters_have_aws_s_defaults_and_names() -> None:
    hyperparameters = contract.checked(
        catalogue.load("sagemaker-xgboost"), {"num_round": "5", "reg_alpha": "1", "_tuning_objective_metric": "x"}
    )
    assert (hyperparameters["num_round"], hyperparameters["alpha"], hyperparameters["eta"]) == (5, 1.0, None)
    hyperparameters = contract.checked(catalogue.load("kmeans"), {"k": "5", "feature_dim": "2", "force_dense": "True"})
    assert (hyperparameters["extra_center_factor"], hyperparameters["local_lloyd_tol"], hyperparameters["force_dense"]) == (
        "auto",
        0.0001,
        True,
    )


@pytest.mark.parametrize(
    ("algorithm", "changes", "train", "told"),
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
    ],
)  # fmt: skip
def test_what_the_user_has_to_mend(
    tmp_path: Path, algorithm: str, changes: Mapping[str, object], train: tuple[str, bytes], told: str
) -> None:
    hyperparameters = {name: value for name, value in {**_GOOD[algorithm], **changes}.items() if value is not None}
    done = run(algorithm, tmp_path, hyperparameters, train=train)
    assert done.code == 2, done.log
    assert told in done.failure
    assert "Traceback" not in done.log


@pytest.mark.parametrize("algorithm", list(_GOOD))
def test_without_the_train_channel(tmp_path: Path, algorithm: str) -> None:
    done = run(algorithm, tmp_path, _GOOD[algorithm])
    assert done.code == 2
    assert done.failure in {"The channel 'train' is required.", "Missing required channel: train"}  # XGBoost's own words


# --- formats ---------------------------------------------------------------------------------------------------


def test_recordio_as_the_sdk_writes_it() -> None:
    features = scipy.sparse.csr_matrix(np.array([[0.0, 1.5, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    found, labels = read(recordio(features, [1, 2, 3])[1], "part", 3)
    assert found.toarray().tolist() == features.toarray().tolist()
    assert labels is not None
    assert labels.tolist() == [1, 2, 3]
    found, labels = read(recordio(np.array([[1.0, 2.0]]))[1], "part")
    assert (found.tolist(), labels) == ([[1.0, 2.0]], None)
