"""Trains LightGBM: prints the lines of AWS's script, and writes model.pkl, which Joblib loads."""

from __future__ import annotations

import pickle
from typing import Any

import lightgbm
import numpy as np
import tabular

_OURS = {"num_boost_round", "early_stopping_rounds", "metric"}
_OF_ONE_TASK = {"scale_pos_weight": "classification", "tweedie_variance_power": "regression"}


def parameters(options: dict[str, Any], task: str, classes: int) -> dict[str, Any]:
    """LightGBM's parameters: the hyperparameters, with objective and metric of the problem."""
    chosen = {name: value for name, value in options.items() if name not in _OURS and _OF_ONE_TASK.get(name, task) == task}
    objective, metric = ("regression", "rmse") if task == "regression" else ("binary", "binary_logloss")
    if classes > 2:  # noqa: PLR2004 - two are binary
        objective, metric = "multiclass", "multi_logloss"
        chosen["num_class"] = classes
    if options["metric"] != "auto":
        metric = options["metric"]
    return {**chosen, "is_unbalance": options["is_unbalance"] == "True", "objective": objective, "metric": metric}


def main() -> None:
    """Train."""
    options, task = tabular.begin()
    alone = tabular.alone()
    tabular.say("Loading data")
    tables = tabular.load(classes=task == "classification")
    train = lightgbm.Dataset(*tables.train, categorical_feature=tables.categorical)
    validation = lightgbm.Dataset(*tables.validation, reference=train, categorical_feature=tables.categorical)
    callbacks: list[Any] = [lightgbm.log_evaluation(period=1)]
    if not alone:
        tabular.say("Disable early stopping feature in multi-instance training")
    elif options["early_stopping_rounds"] > 0:
        callbacks.append(lightgbm.early_stopping(options["early_stopping_rounds"]))
    start = tabular.earlier("model.pkl")
    classes = len(np.unique(tables.train[1])) if task == "classification" else 1
    tabular.say("Beginning training")
    booster = lightgbm.train(
        parameters(options, task, classes),
        train,
        num_boost_round=options["num_boost_round"],
        valid_sets=[validation, train],
        valid_names=["val", "train"],
        init_model=pickle.loads(start.read_bytes()) if start else None,  # noqa: S301 - the job's own model
        callbacks=callbacks,
    )
    (tabular.model_folder() / "model.pkl").write_bytes(pickle.dumps(booster))


if __name__ == "__main__":
    main()
