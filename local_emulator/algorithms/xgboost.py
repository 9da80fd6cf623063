"""XGBoost, as AWS's image runs it without a script: `python -m local_emulator.algorithms.xgboost`."""

import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from sklearn import metrics

from local_emulator.algorithms import contract, data, recordio
from local_emulator.algorithms.contract import CustomerError, Floats, Knob

_LIBSVM = {"text/libsvm", "text/x-libsvm"}
_CSV = {"text/csv", "csv"}
_NUMBER = Knob(kind=float)
_AT_LEAST_0 = Knob(kind=float, low=0)
_SHARE = Knob(kind=float, low=0, high=1, above=True)
_SWITCH = Knob(kind=int, low=0, high=1)

# Those of aws/sagemaker-xgboost-container, with its ranges; what a name is not given is xgboost's own default.
KNOBS: Mapping[str, Knob] = {
    "num_round": Knob(kind=int, low=1, required=True),
    "csv_weights": Knob(kind=int, low=0, high=1, default=0),
    "early_stopping_rounds": Knob(kind=int, low=1),
    "booster": Knob(choices=("gbtree", "gblinear", "dart")),
    "verbosity": Knob(kind=int, low=0, high=3),
    "silent": _SWITCH,
    "nthread": Knob(kind=int, low=1),
    "eta": Knob(kind=float, low=0, high=1),
    "learning_rate": Knob(kind=float, low=0, high=1),
    "gamma": _AT_LEAST_0,
    "min_split_loss": _AT_LEAST_0,
    "max_depth": Knob(kind=int, low=0),
    "min_child_weight": _AT_LEAST_0,
    "max_delta_step": _AT_LEAST_0,
    "subsample": _SHARE,
    "sampling_method": Knob(choices=("uniform", "gradient_based")),
    "colsample_bytree": _SHARE,
    "colsample_bylevel": _SHARE,
    "colsample_bynode": _SHARE,
    "lambda": _AT_LEAST_0,
    "reg_lambda": _AT_LEAST_0,
    "alpha": _AT_LEAST_0,
    "reg_alpha": _AT_LEAST_0,
    "tree_method": Knob(choices=("auto", "exact", "approx", "hist", "gpu_hist")),
    "sketch_eps": _SHARE,
    "scale_pos_weight": _AT_LEAST_0,
    "updater": Knob(),
    "refresh_leaf": _SWITCH,
    "process_type": Knob(choices=("default", "update")),
    "grow_policy": Knob(choices=("depthwise", "lossguide")),
    "max_leaves": Knob(kind=int, low=0),
    "max_bin": Knob(kind=int, low=2),
    "sample_type": Knob(choices=("uniform", "weighted")),
    "normalize_type": Knob(choices=("tree", "forest")),
    "rate_drop": Knob(kind=float, low=0, high=1),
    "one_drop": _SWITCH,
    "skip_drop": Knob(kind=float, low=0, high=1),
    "lambda_bias": Knob(kind=float, low=0, high=1),
    "tweedie_variance_power": Knob(kind=float, low=1, high=2, above=True),
    "huber_slope": _AT_LEAST_0,
    "objective": Knob(default="reg:squarederror"),
    "num_class": Knob(kind=int, low=2),
    "base_score": _NUMBER,
    "eval_metric": Knob(),
    "seed": Knob(kind=int),
    "num_parallel_tree": Knob(kind=int, low=1),
    "monotone_constraints": Knob(),
    "interaction_constraints": Knob(),
    "aft_loss_distribution": Knob(choices=("normal", "logistic", "extreme")),
    "aft_loss_distribution_scale": Knob(kind=float, low=0, above=True),
    "max_cat_to_onehot": Knob(kind=int, low=1),
    "multi_strategy": Knob(choices=("one_output_per_tree", "multi_output_tree")),
    **{
        name: Knob()
        for name in (
            "predictor",
            "deterministic_histogram",
            "single_precision_histogram",
            "save_model_on_termination",
            "dsplit",
            "prob_buffer_row",
            "use_dask_gpu_training",
        )
    },
}
_OURS = {"num_round", "csv_weights", "early_stopping_rounds", "eval_metric", "silent"}
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
_HALF = 0.5  # a chance above it is the positive class
_MAXIMIZED = {"auc", "aucpr", "map", "ndcg", "r2", *_OF_CLASSES}


def say(text: str) -> None:
    """A line as this image prints it."""
    print(f"[{datetime.now(UTC):%Y-%m-%d %H:%M:%S}.{datetime.now(UTC).microsecond // 1000:03d}:INFO] {text}", flush=True)  # noqa: T201 - a log


def load(name: str, *, weighted: bool) -> xgboost.DMatrix | None:
    """A channel as xgboost wants it; None if there is none. Raises CustomerError."""
    found = contract.channel(name)
    if found is None:
        return None
    folder, told = found
    kind, _ = data.content_type(told, "text/libsvm")
    paths = data.files(folder)
    if not paths:
        raise CustomerError(f"No data in the channel {name!r}.")
    if kind in _CSV:
        table = np.concatenate([part for path in paths if (part := data.read_csv(path.read_bytes(), path.name)).size])
        first = 2 if weighted else 1
        matrix = xgboost.DMatrix(table[:, first:], label=table[:, 0], weight=table[:, 1] if weighted else None)
    elif kind in _LIBSVM:
        matrix = _libsvm(paths, name)
    elif kind == data.RECORDIO:
        read = [recordio.read(path.read_bytes(), path.name) for path in paths]
        if any(labels is None for _, labels in read):
            raise CustomerError(f"The channel {name!r} has records without a label.")
        stacked = [features if isinstance(features, np.ndarray) else features.toarray() for features, _ in read]
        matrix = xgboost.DMatrix(np.concatenate(stacked), label=np.concatenate([labels for _, labels in read]))
    else:
        raise CustomerError(
            f"{told} is not an accepted ContentType: csv, libsvm, text/csv, text/libsvm, text/x-libsvm, {data.RECORDIO}."
        )
    say(f"{name.capitalize()} matrix has {matrix.num_row()} rows and {matrix.num_col()} columns")
    return matrix


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
        labels = matrix.get_label()
        classes = (
            said.argmax(axis=1) if said.ndim > 1 else (said if objective == "multi:softmax" else (said > _HALF).astype(float))
        )
        return [
            (name, _OF_CLASSES[name](labels, classes) if name in _OF_CLASSES else _OF_NUMBERS[name](labels, said))
            for name in names
        ]

    return scores


def asked_metrics(knobs: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The metrics of xgboost's own, and those of AWS's, the tuning objective's last: early stopping goes by the last."""
    names = [
        one.strip()
        for one in (knobs["eval_metric"] or "").strip("[]").replace('"', "").replace("'", "").split(",")
        if one.strip()
    ]
    objective = contract.tuning_objective()
    if objective is not None:
        metric = objective.split(":")[-1]
        names = [*(one for one in names if one != metric), metric]
    ours = [one for one in names if one in _OF_CLASSES or one in _OF_NUMBERS]
    return [one for one in names if one not in ours], ours


def train() -> None:
    """Train and save."""
    knobs = contract.hyperparameters(KNOBS)
    weighted = bool(knobs["csv_weights"])
    matrix = load("train", weighted=weighted)
    if matrix is None:
        raise CustomerError("The channel 'train' is required.")
    validation = load("validation", weighted=weighted)
    objective = knobs["objective"]
    if objective.startswith("multi:") and knobs["num_class"] is None:
        raise CustomerError("Require input for parameter 'num_class' for multi-classification")
    theirs, ours = asked_metrics(knobs)
    watched = [(matrix, "train"), *([(validation, "validation")] if validation is not None else [])]
    parameters = {name: value for name, value in knobs.items() if value is not None and name not in _OURS | _NOT_OURS}
    if objective == "reg:linear":  # the name that older images and examples use
        parameters["objective"] = "reg:squarederror"
    if theirs:
        parameters["eval_metric"] = theirs
    if ours and not theirs:
        parameters["disable_default_eval_metric"] = 1
    last = ours[-1] if ours else (theirs[-1] if theirs else "")
    stop = knobs["early_stopping_rounds"]
    callbacks: list[Any] = [_Log()]
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
            num_boost_round=knobs["num_round"],
            evals=watched,
            custom_metric=evaluation(ours, objective) if ours else None,
            callbacks=callbacks,
            verbose_eval=False,
        )
    except xgboost.core.XGBoostError as error:
        raise CustomerError(_first_line(error)) from error
    booster.save_model(contract.ROOT / "model" / "xgboost-model.ubj")
    (contract.ROOT / "model" / "xgboost-model.ubj").rename(contract.ROOT / "model" / "xgboost-model")


def _first_line(error: Exception) -> str:
    lines = [line.partition("] ")[2] or line for line in str(error).splitlines() if line.strip()]
    return f"XGBoost: {lines[0] if lines else error}"


class _Log(xgboost.callback.TrainingCallback):
    """AWS's line after each round: the platform shows its tabs as `#011`."""

    def after_iteration(self, model: Any, epoch: int, evals_log: Mapping[str, Mapping[str, list[Any]]]) -> bool:  # noqa: ANN401, ARG002 - xgboost's
        told = [f"{where}-{name}:{_last(values):.5f}" for where, log in evals_log.items() for name, values in log.items()]
        print("\t".join([f"[{epoch}]", *told]), flush=True)  # noqa: T201 - a log
        return False


def _last(values: list[Any]) -> float:
    last = values[-1]
    return float(last[0] if isinstance(last, tuple) else last)


if __name__ == "__main__":
    contract.run("XGBoost", train)
