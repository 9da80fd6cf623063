"""XGBoost, as AWS's image runs it without a script: `python -m local_emulator.algorithms.xgboost`."""

import csv
import json
import pickle
import re
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from sklearn import metrics

from local_emulator.algorithms import cluster, contract, data, recordio
from local_emulator.algorithms.contract import CustomerError, Floats
from sm_tuning.rules.catalogue import Algorithm

_LONGEST_LINE = 1 << 20  # characters of a line that are looked at
_OURS = {"num_round", "csv_weights", "early_stopping_rounds", "eval_metric", "silent"}
# What the xgboost of this environment no longer knows, or what is AWS's and has no effect here.
_NOT_OURS = {
    "predictor",
    "deterministic_histogram",
    "single_precision_histogram",
    "save_model_on_termination",
    "dsplit",
    "prob_buffer_row",
    "use_dask_gpu_training",
    "sketch_eps",
    "lambda_bias",
}
PICKLED = {"1", "0.90-1", "0.90-2", "1.0-1", "1.2-1", "1.2-2"}
"""Versions that pickle the model; later ones save it as XGBoost does."""
_APPROXIMATES = {"1", "0.90-1", "0.90-2", "1.0-1"}
"""Versions that train by approx on several hosts where `exact` is asked for; later ones refuse it."""
_INTERCEPT = re.compile(rb"(base_scoreSL.{8})\[(-?)([^,\]]+)\]", re.DOTALL)
_FOLDS = ("_kfold", "_nfold", "_num_cv_round")

_Score = Callable[[Floats, Floats], float]


def _average(score: Callable[..., float], average: str) -> _Score:
    return lambda labels, said: float(score(labels, said, average=average, zero_division=0))


# Metrics that are AWS's own, beside xgboost's; classifiers' are of classes, not of chances.
_OF_CLASSES: Mapping[str, _Score] = {
    "accuracy": lambda labels, said: float(metrics.accuracy_score(labels, said)),
    "balanced_accuracy": lambda labels, said: float(metrics.balanced_accuracy_score(labels, said)),
    "f1": _average(metrics.f1_score, "macro"),
    "f1_macro": _average(metrics.f1_score, "macro"),
    "f1_binary": _average(metrics.f1_score, "binary"),
    "precision": _average(metrics.precision_score, "binary"),
    "precision_macro": _average(metrics.precision_score, "macro"),
    "precision_micro": _average(metrics.precision_score, "micro"),
    "recall": _average(metrics.recall_score, "binary"),
    "recall_macro": _average(metrics.recall_score, "macro"),
    "recall_micro": _average(metrics.recall_score, "micro"),
}
_OF_NUMBERS: Mapping[str, _Score] = {
    "mse": lambda labels, said: float(metrics.mean_squared_error(labels, said)),
    "r2": lambda labels, said: float(metrics.r2_score(labels, said)),
}
_DEFAULT_OBJECTIVE = "reg:squarederror"
_HALF = 0.5  # a chance above it is the positive class
_MAXIMIZED = {"auc", "aucpr", "map", "ndcg", "r2", *_OF_CLASSES}


def say(text: str) -> None:
    """A line as this image prints it."""
    print(f"[{datetime.now(UTC):%Y-%m-%d:%H:%M:%S}:INFO] {text}", flush=True)  # noqa: T201 - a log


def announce(_algorithm: Algorithm) -> None:
    """The first lines of AWS's container."""
    given: Mapping[str, str] = json.loads((contract.ROOT / "input/config/hyperparameters.json").read_text())
    say("Imported framework sagemaker_xgboost_container.training")
    for name, text in given.items():
        try:
            json.loads(text)
        except ValueError:
            say(f"Failed to parse hyperparameter {name} value {text} to Json.\nReturning the value itself")
    say("No GPUs detected (normal if no gpus installed)")
    say("Running XGBoost Sagemaker in algorithm mode")


def content_type(algorithm: Algorithm, declared: str) -> str:
    """Which of csv, libsvm, parquet and recordio-protobuf a channel's ContentType means; raises CustomerError."""
    kind, parameters = data.content_type(declared, "text/libsvm")
    if kind not in algorithm.content_types:
        raise CustomerError(f"{declared} is not an accepted ContentType: {', '.join(algorithm.content_types)}.")
    short = kind.rpartition("/")[2].removeprefix("x-")
    if short == "csv" and parameters.get("label_size", "1") != "1":
        raise CustomerError(f"{declared} is not an accepted csv ContentType. Optional parameter label_size must be equal to 1")
    return short


def load(algorithm: Algorithm, name: str, *, weighted: bool) -> xgboost.DMatrix | None:
    """A channel as xgboost wants it; None if there is none. Raises CustomerError."""
    location = contract.channel(name)
    if location is None:
        return None
    folder, declared = location
    kind = content_type(algorithm, declared)
    if kind == "libsvm" and contract.piped(name):
        raise CustomerError("Pipe mode not supported for LibSVM.")
    paths = [path for path in data.own_files(folder) if not path.name.startswith((".", "_"))]
    if not paths and name == "train" and len(contract.hosts()[0]) > 1:
        return None  # its objects are on other hosts
    if not paths:
        where = "training" if name == "train" else name
        raise CustomerError(f"No data in {where} channel path /opt/ml/input/data/{name}")
    for path in paths:
        check_format(kind, path)
    if kind == "csv":
        return _csv(paths, name, weighted=weighted)
    if kind == "libsvm":
        return _libsvm(paths, name)
    if kind == "parquet":
        return _labelled(np.concatenate([_parquet(path) for path in paths]))
    read = [recordio.read(path.read_bytes(), path.name) for path in paths]
    if any(labels is None for _, labels in read):
        raise CustomerError(f"The channel {name!r} has records without a label.")
    stacked = [data.dense(features) for features, _ in read]
    return xgboost.DMatrix(np.concatenate(stacked), label=np.concatenate([labels for _, labels in read]))


def check_format(kind: str, path: Path) -> None:
    """Judge a file by its first line, as AWS's container does; xgboost's own reader crashes on some. Raises CustomerError."""
    with path.open(errors="ignore") as file:
        line = file.readline(_LONGEST_LINE)
    if not line:
        return
    sparse = " " in line and ":" in line
    where = f"in firstline '{line[:50]}...' of file '{path.name}'."
    if kind == "csv" and sparse:
        raise CustomerError(f"Blankspace and colon found {where} Please ensure the file is in csv format.")
    if kind == "libsvm" and not sparse:
        raise CustomerError(
            f"Blankspace and colon not found {where} ContentType by default is in libsvm. Please ensure the file is in libsvm format."
        )


def _csv(paths: list[Path], name: str, *, weighted: bool) -> xgboost.DMatrix:
    with paths[0].open(errors="ignore") as file:
        line = file.readline()
    try:
        delimiter = csv.Sniffer().sniff(line).delimiter
    except csv.Error as error:
        raise CustomerError(f"Could not determine delimiter on line {line[:50]}:\n{error}") from error
    say(f"Determined delimiter of CSV input is '{delimiter}'")
    say(f"files path: /opt/ml/input/data/{name}")
    tables = [data.read_csv(path.read_bytes(), path.name, delimiter) for path in paths]
    return _labelled(np.concatenate([table for table in tables if table.size]), weighted=weighted)


def _labelled(table: Floats, *, weighted: bool = False) -> xgboost.DMatrix:
    """A table whose first column is the label, and whose second, if it is weighted, is the weight."""
    return xgboost.DMatrix(table[:, 2 if weighted else 1 :], label=table[:, 0], weight=table[:, 1] if weighted else None)


def _parquet(path: Path) -> Floats:
    try:
        from pyarrow import parquet  # noqa: PLC0415 - heavy, and needed for this content type alone
    except ImportError as error:
        raise CustomerError("Parquet needs the package pyarrow: pip install 'sm-tuning[algorithms]'.") from error
    try:
        return np.column_stack([column.to_numpy() for column in parquet.read_table(path).columns]).astype(np.float64)
    except (OSError, ValueError) as error:
        raise CustomerError(f"Failed to load parquet data with exception:\n{error}") from error


def _libsvm(paths: list[Path], name: str) -> xgboost.DMatrix:
    with tempfile.NamedTemporaryFile(suffix=".libsvm") as whole:
        for path in paths:
            content = path.read_bytes()
            whole.write(content if content.endswith(b"\n") else content + b"\n")
        whole.flush()
        try:
            return xgboost.DMatrix(f"{whole.name}?format=libsvm")
        except xgboost.core.XGBoostError as error:
            raise CustomerError(f"The channel {name!r} is no libsvm: {str(error).splitlines()[0]}") from error


def evaluation(names: list[str], objective: str) -> Callable[[Floats, xgboost.DMatrix], list[tuple[str, float]]]:
    """What xgboost calls a `custom_metric`, for those of AWS's own metrics that are asked for."""

    def scores(said: Floats, matrix: xgboost.DMatrix) -> list[tuple[str, float]]:
        labels, said = cluster.everybodys(matrix.get_label()), cluster.everybodys(said)
        classes = (
            said.argmax(axis=1) if said.ndim > 1 else (said if objective == "multi:softmax" else (said > _HALF).astype(float))
        )
        return [
            (name, _OF_CLASSES[name](labels, classes) if name in _OF_CLASSES else _OF_NUMBERS[name](labels, said))
            for name in names
        ]

    return scores


def asked_metrics(algorithm: Algorithm, hyperparameters: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The metrics of xgboost's own, and those of AWS's, the tuning objective's last: early stopping goes by the last."""
    names = [name.strip() for name in (hyperparameters["eval_metric"] or "").split(",") if name.strip()]
    known = [name.removeprefix("validation:") for name in algorithm.metrics if name.startswith("validation:")]
    if any(name.partition("@")[0] not in known for name in names):
        raise CustomerError(f"Hyperparameter eval_metric: value {names} not in range {known}")
    objective = contract.tuning_objective()
    if objective is not None:
        metric = objective.split(":")[-1]
        names = [*(name for name in names if name != metric), metric]
    ours = [name for name in names if name in _OF_CLASSES or name in _OF_NUMBERS]
    return [name for name in names if name not in ours], ours


def train(algorithm: Algorithm) -> None:
    """Train and save."""
    hyperparameters = contract.hyperparameters(algorithm)
    if any(hyperparameters.get(name) is not None for name in _FOLDS):
        raise CustomerError(
            f"{', '.join(name for name in _FOLDS if hyperparameters.get(name) is not None)}: cross validation is not emulated."
        )
    objective = hyperparameters["objective"] or _DEFAULT_OBJECTIVE
    if objective.startswith("multi:") and hyperparameters["num_class"] is None:
        raise CustomerError("Require input for parameter 'num_class' for multi-classification")
    say("Determined 0 GPU(s) available on the instance.")
    weighted = bool(hyperparameters["csv_weights"])
    matrix = load(algorithm, "train", weighted=weighted)
    if matrix is None and contract.channel("train") is None:
        raise CustomerError("Missing required channel: train")
    validation = load(algorithm, "validation", weighted=weighted)
    hosts, current = contract.hosts()
    say("Single node training." if len(hosts) == 1 else f"Distributed node training with {len(hosts)} hosts: {hosts}")
    if matrix is None:
        say(
            f"Host {current} does not have training data. Will broadcast to cluster and this host {current} will not be used in "
            "distributed training. Please divide the training data across instances properly."
        )
    with cluster.joined(has_data=matrix is not None) as membership:
        if matrix is not None:
            _train(algorithm, hyperparameters, matrix, validation, leads=membership.leads)
        elif not membership.hosts:
            raise CustomerError("No data in training channel path /opt/ml/input/data/train")


def _train(
    algorithm: Algorithm,
    hyperparameters: Mapping[str, Any],
    matrix: xgboost.DMatrix,
    validation: xgboost.DMatrix | None,
    *,
    leads: bool,
) -> None:
    """Train with the other hosts, if there are any; the one that leads tells of the rounds and saves."""
    objective = hyperparameters["objective"] or _DEFAULT_OBJECTIVE
    say(f"Train matrix has {matrix.num_row()} rows and {matrix.num_col()} columns")
    if validation is not None:
        say(f"Validation matrix has {validation.num_row()} rows")
    theirs, ours = asked_metrics(algorithm, hyperparameters)
    watched = [(matrix, "train"), *([(validation, "validation")] if validation is not None else [])]
    parameters = {
        name: value for name, value in hyperparameters.items() if value is not None and name not in {*_OURS, *_NOT_OURS, *_FOLDS}
    }
    parameters["objective"] = objective
    if objective.startswith("multi:") and parameters.get("base_score") is None:
        parameters["base_score"] = (
            _HALF  # as in AWS's versions: from 3.1 on there is one for each class, which older ones do not read
        )
    if objective == "reg:linear":  # the name that older images and examples use
        parameters["objective"] = "reg:squarederror"
    if algorithm.version in _APPROXIMATES and len(contract.hosts()[0]) > 1 and parameters.get("tree_method") == "exact":
        say("The tree_method exact is not available for distributed training: approx is used.")
        parameters["tree_method"] = "approx"
    if theirs:
        parameters["eval_metric"] = theirs
    if ours and not theirs:
        parameters["disable_default_eval_metric"] = 1
    last = ours[-1] if ours else (theirs[-1] if theirs else "")
    stop = hyperparameters["early_stopping_rounds"]
    callbacks: list[Any] = [_Log()] if leads else []
    if stop is not None:
        maximize = last.split("@")[0] in _MAXIMIZED
        watched_set = "validation" if validation is not None else "train"
        callbacks.append(
            xgboost.callback.EarlyStopping(
                rounds=stop, metric_name=last or None, data_name=watched_set, maximize=maximize if last else None, save_best=True
            )
        )
    try:
        booster = xgboost.train(
            parameters,
            matrix,
            num_boost_round=hyperparameters["num_round"],
            evals=watched,
            custom_metric=evaluation(ours, objective) if ours else None,
            callbacks=callbacks,
            verbose_eval=False,
        )
    except xgboost.core.XGBoostError as error:
        raise CustomerError(_first_line(error)) from error
    if not leads:
        return
    content = pickle.dumps(booster, protocol=4) if algorithm.version in PICKLED else bytes(booster.save_raw("ubj"))
    (contract.ROOT / "model" / "xgboost-model").write_bytes(_for_every_version(content))


def _for_every_version(content: bytes) -> bytes:
    """A model that XGBoost before 3.1 reads too: from then on it writes `[9.8E0]` for `9.8E0`, which before was read as no intercept.

    The number keeps the length of its text by zeros in front of it.
    """
    return _INTERCEPT.sub(lambda match: match[1] + match[2] + b"00" + match[3], content)


def _first_line(error: Exception) -> str:
    lines = [line.partition("] ")[2] or line for line in str(error).splitlines() if line.strip()]
    return f"XGBoost: {lines[0] if lines else error}"


class _Log(xgboost.callback.TrainingCallback):
    """AWS's line after each round: the platform shows its tabs as `#011`."""

    def after_iteration(self, model: Any, epoch: int, evals_log: Mapping[str, Mapping[str, list[Any]]]) -> bool:  # noqa: ANN401, ARG002 - xgboost's
        columns = [f"{where}-{name}:{_last(values):.5f}" for where, log in evals_log.items() for name, values in log.items()]
        print("\t".join([f"[{epoch}]", *columns]), flush=True)  # noqa: T201 - a log
        return False


def _last(values: list[Any]) -> float:
    last = values[-1]
    return float(last[0] if isinstance(last, tuple) else last)


if __name__ == "__main__":
    contract.run("sagemaker-xgboost", train, announce)
