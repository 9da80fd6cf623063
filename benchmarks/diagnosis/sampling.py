"""Random trainings of a random problem, each with the record that its truth is taken from."""

import math
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from benchmarks.diagnosis.layers import Settings
from benchmarks.diagnosis.learners import LEARNERS, PARTS, Pair, Trace, score
from benchmarks.diagnosis.random_data import Problem, Rows, problem

torch.set_num_threads(1)
torch.set_flush_denormal(True)  # weights that decay to nothing are a hundred times slower otherwise
_SANE = {"sgd": (0.01, 0.3), "momentum": (0.001, 0.05), "adam": (3e-4, 1e-2), "linear": (1e-4, 1e-2), "boosting": (0.03, 0.3)}
_WIDE = {"sgd": (1e-4, 30.0), "momentum": (1e-5, 3.0), "adam": (1e-5, 1.0), "linear": (1e-6, 1.0), "boosting": (1e-4, 3.0)}
_SLOWER = (10, 300)
_NAMES = {
    "loss": [("train:loss", "validation:loss"), ("train_loss", "val_loss"), ("loss", "val_loss")],
    "accuracy": [("train:accuracy", "validation:accuracy"), ("train_acc", "val_acc"), ("accuracy", "val_accuracy")],
    "r2": [("train:r2", "validation:r2"), ("train_r2", "val_r2")],
}
_MSE = [("train_mse", "val_mse"), ("train:mse", "validation:mse")]


def records(family: str, seed: int, count: int, most_steps: int) -> list[dict[str, Any]]:
    """Trainings of one problem."""
    task = problem(family, seed)
    rng = np.random.default_rng([seed, 7, *family.encode()])
    known = references(task)
    made = [_record(task, rng, f"{task.name}-{number}", most_steps) for number in range(count)]
    best = [known, *(_best(record["curves"]["fresh"]) for record in made)]
    reference = (min(loss for loss, _ in best), max(metric for _, metric in best))
    return [record | {"reference": reference} for record in made]


def _best(curves: tuple[list[float], list[float]]) -> Pair:
    losses, metrics = ([value for value in curve if math.isfinite(value)] for curve in curves)
    return min(losses, default=math.inf), max(metrics, default=-math.inf)


def references(task: Problem) -> Pair:
    """The least loss and the best metric on fresh rows that tuned models of other kinds reach."""
    few = len(task.train.y) <= 60
    if task.classes:
        models = [
            make_pipeline(StandardScaler(), LogisticRegressionCV(Cs=4, cv=2, max_iter=200) if not few else SVC(C=1.0)),
            RandomForestClassifier(40, min_samples_leaf=2, random_state=0),
            HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=8, random_state=0),
            make_pipeline(StandardScaler(), SVC(C=3.0, random_state=0)),
        ]
    else:
        models = [
            make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 3, 7))),
            RandomForestRegressor(40, min_samples_leaf=2, random_state=0),
            HistGradientBoostingRegressor(max_iter=100, max_leaf_nodes=8, random_state=0),
            make_pipeline(StandardScaler(), SVR(C=3.0)),
        ]
    pairs = []
    for model in models:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(task.train.x, task.train.y)
            if hasattr(model, "predict_proba") or not task.classes:
                answers = model.predict_proba(task.fresh.x) if task.classes else model.predict(task.fresh.x)
                pairs.append(score(task, task.fresh.y, answers))
            else:
                pairs.append((math.inf, float(model.score(task.fresh.x, task.fresh.y))))
    return min(loss for loss, _ in pairs), max(metric for _, metric in pairs)


def _settings(task: Problem, rng: np.random.Generator) -> Settings:
    kinds = (
        ["layers"] * 6
        + ["torch layers"]
        + ["convolutions"] * (4 if task.side else 0)
        + ["scikit layers", "linear", "xgboost", "xgboost", "lightgbm"]
    )
    model = str(rng.choice(kinds))
    optimizer = str(rng.choice(["sgd", "momentum", "adam", "adam"]))
    kind = _kind({"model": model, "optimizer": optimizer})
    low, high = (_SANE if rng.random() < 0.65 else _WIDE)[kind]
    settings: dict[str, float | int | str] = {"model": model, "rate": float(np.exp(rng.uniform(np.log(low), np.log(high))))}
    strength = 0.0 if rng.random() < 0.5 else float(10 ** rng.uniform(-5, 0.5))
    if kind == "boosting":
        return settings | {
            "depth": int(rng.integers(1, 9)),
            "least": int(rng.choice([1, 1, 5, 20])),
            "share": float(rng.choice([1.0, 0.7, 0.4])),
            "decay": float(rng.choice([0.0, 1.0, 20.0])),
        }
    if model == "linear":
        return settings | {"decay": strength / 10}
    return settings | {
        "optimizer": optimizer,
        "decay": strength,
        "width": int(2 ** rng.uniform(2, 7)),
        "depth": int(rng.integers(1, 5)),
        "activation": str(rng.choice(["relu", "relu", "tanh"])),
        "dropout": float(rng.choice([0.0, 0.0, 0.0, 0.2, 0.5, 0.8])),
        "batch": int(2 ** rng.integers(3, 10)),
    }


def _kind(settings: Settings) -> str:
    """Whose learning rates are alike."""
    kinds = {"linear": "linear", "xgboost": "boosting", "lightgbm": "boosting"}
    return kinds.get(str(settings["model"]), str(settings.get("optimizer")))


def _epochs(settings: Settings, rows: int, classes: int, rng: np.random.Generator, most_steps: int) -> int:
    wished = int(np.exp(rng.uniform(np.log(5), np.log(300))))
    most_steps //= {"convolutions": 4, "torch layers": 4, "scikit layers": 2}.get(str(settings["model"]), 1)
    if _kind(settings) == "boosting":
        return max(5, min(wished, most_steps // 8 // max(1, classes)))
    return max(5, min(wished, int(most_steps / math.ceil(rows / int(settings.get("batch", 256))) / 1.5)))


def _record(task: Problem, rng: np.random.Generator, name: str, most_steps: int) -> dict[str, Any]:
    settings = _settings(task, rng)
    epochs = _epochs(settings, len(task.train.y), task.classes, rng, most_steps)
    seed = int(rng.integers(2**31))
    learn = LEARNERS[str(settings["model"])]
    trace = learn(task, settings, epochs + max(2, epochs // 2), seed)
    averaged = bool(trace.running) and rng.random() < 0.6
    constant_loss, chance = _constant(task)
    return {
        "name": name,
        "family": task.family,
        "learner": settings["model"],
        "settings": settings,
        "classes": task.classes,
        "rows": {part: len(getattr(task, part).y) for part in PARTS},
        "epochs": epochs,
        "curves": {part: _columns(pairs) for part, pairs in trace.curves.items()},
        "printed": _columns(trace.running if averaged else trace.curves["train"]),
        "constant": trace.constant,
        "constant_loss": constant_loss,
        "chance": chance,
        "slower": _slower(task, settings, epochs, seed, trace, chance, constant_loss),
        "names": _names(task, settings, rng),
        "digits": int(rng.choice([4, 5, 6])),
    }


def _columns(pairs: list[Pair]) -> tuple[list[float], list[float]]:
    return [_short(loss) for loss, _ in pairs], [_short(metric) for _, metric in pairs]


def _short(value: float) -> float:
    return float(f"{value:.7g}")


def _constant(task: Problem) -> Pair:
    """Loss and metric, on fresh rows, of the best answer that is the same for all."""
    if not task.classes:
        return float(task.fresh.y.var()), 0.0
    shares = np.bincount(task.fresh.y.astype(int), minlength=task.classes) / len(task.fresh.y)
    shown = shares[shares > 0]
    return float(-(shown * np.log(shown)).sum()), float(shares.max())


def _slower(
    task: Problem, settings: Settings, epochs: int, seed: int, trace: Trace, chance: float, constant_loss: float
) -> Pair | None:
    """The best on the training rows at lower learning rates, where it learnt little and the rate is not a low one anyway."""
    loss, metric = trace.curves["train"][epochs - 1]
    if float(settings["rate"]) < 3 * _SANE[_kind(settings)][0]:
        return None
    if math.isfinite(loss) and loss < constant_loss * 2 / 3 and metric > chance + (1 - chance) / 3:
        return None
    learn = LEARNERS[str(settings["model"])]
    pairs = []
    few = Rows(x=task.fresh.x[:8], y=task.fresh.y[:8])
    task = replace(task, validation=few, fresh=few)  # nobody asks about them
    for divisor in _SLOWER:
        curves = _columns(learn(task, {**settings, "rate": float(settings["rate"]) / divisor}, epochs, seed).curves["train"])
        pairs.append(_best(curves))
    return min(loss for loss, _ in pairs), max(metric for _, metric in pairs)


def _names(task: Problem, settings: Settings, rng: np.random.Generator) -> dict[str, tuple[str, str]]:
    names = {form: tuple(choices[int(rng.integers(len(choices)))]) for form, choices in _NAMES.items()}
    if not task.classes:
        names["loss"] = _MSE[int(rng.integers(len(_MSE)))]
    elif settings["model"] == "xgboost":
        many = "m" if task.classes > 2 else ""
        names |= {"loss": (f"train-{many}logloss", f"validation-{many}logloss")}
        if rng.random() < 0.5:
            names |= {"accuracy": (f"train-{many}error", f"validation-{many}error")}
    return names  # type: ignore[return-value]
