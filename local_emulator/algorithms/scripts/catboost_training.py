"""Trains CatBoost, which prints its own lines, and writes `model`, which its load_model loads."""

from __future__ import annotations

from typing import Any

import catboost
import numpy as np
import pandas as pd
import tabular

_OURS = {"early_stopping_rounds", "eval_metric", "verbose"}
_AUTO = {"boosting_type", "max_bin"}  # left to CatBoost where they are `Auto`


def parameters(options: dict[str, Any], task: str, classes: int) -> dict[str, Any]:
    """CatBoost's parameters: the hyperparameters, with loss and metric of the problem."""
    chosen = {name: value for name, value in options.items() if name not in _OURS and not (name in _AUTO and value == "Auto")}
    if "max_bin" in chosen:
        chosen["max_bin"] = int(chosen["max_bin"])
    loss, metric = ("RMSE", "RMSE") if task == "regression" else ("Logloss", "AUC")
    if classes > 2:  # noqa: PLR2004 - two are binary
        loss, metric = "MultiClass", "MultiClass"
    if loss != "Logloss":  # it knows no other; 1 is no weight
        weight = chosen.pop("scale_pos_weight", 1)
        if weight != 1:
            raise tabular.TrainingError(f"scale_pos_weight is {weight}, and is for two classes only.")
    if options["eval_metric"] != "auto":
        metric = options["eval_metric"]
    return {**chosen, "loss_function": loss, "eval_metric": metric, "allow_writing_files": False}


def pool(table: tuple[tabular.Floats, tabular.Floats], categorical: list[int]) -> Any:  # noqa: ANN401 - a Pool
    """A table as CatBoost wants it: categorical columns are integers."""
    features = pd.DataFrame(table[0]).astype(dict.fromkeys(categorical, "int64"))
    return catboost.Pool(features, table[1], cat_features=categorical)


def main() -> None:
    """Train."""
    options, task = tabular.begin()
    tabular.say("Loading data")
    tables = tabular.load(classes=task == "classification")
    stop, start = options["early_stopping_rounds"], tabular.earlier("model")
    classes = len(np.unique(tables.train[1])) if task == "classification" else 1
    kind = catboost.CatBoostRegressor if task == "regression" else catboost.CatBoostClassifier
    tabular.say("Beginning training")
    model = kind(**parameters(options, task, classes))
    model.fit(
        pool(tables.train, tables.categorical),
        eval_set=pool(tables.validation, tables.categorical),
        early_stopping_rounds=stop if stop > 0 else None,
        verbose=options["verbose"],
        init_model=str(start) if start else None,
    )
    model.save_model(str(tabular.model_folder() / "model"))


if __name__ == "__main__":
    main()
