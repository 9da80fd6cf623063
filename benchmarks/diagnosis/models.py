"""Real data and the models that are trained on them, with their metrics after each epoch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import xgboost
from sklearn import datasets

from benchmarks.diagnosis.networks import Array, Hyperparameters, Network


@dataclass(frozen=True, kw_only=True)
class Data:
    """Rows for training, validation and test; `targets` are classes, or numbers where there are no `classes`."""

    inputs: Sequence[Array]
    targets: Sequence[Array]
    classes: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One training: its learning curves and its loss (or error) in each row of the test data."""

    curves: Mapping[str, Sequence[float]]
    test: Array


# --- data -----------------------------------------------------------------------------------------------------------------------

_SIZES = {"digits": (250, 400), "cancer": (120, 150), "wine": (50, 50), "diabetes": (150, 120)}
_SYNTHETIC = (200, 800, 5000)


@cache
def split(name: str, seed: int) -> Data:
    """The data of a name, split by a seed; inputs have the mean 0 and the deviation 1 of the training rows, targets of numbers too."""
    inputs, targets, sizes = _drawn(name, seed)
    order = np.random.default_rng([seed, 1]).permutation(len(inputs))
    parts = np.split(order[: sum(sizes)] if len(sizes) > 2 else order, np.cumsum(sizes)[:2])
    seen = inputs[parts[0]]
    inputs = (inputs - seen.mean(axis=0)) / (seen.std(axis=0) + 1e-3)
    classes = 0 if name in {"diabetes", "friedman", "sparse"} else int(targets.max()) + 1
    if not classes:
        targets = (targets - targets[parts[0]].mean()) / targets[parts[0]].std()
    return Data(inputs=[inputs[part] for part in parts], targets=[targets[part] for part in parts], classes=classes)


def _drawn(name: str, seed: int) -> tuple[Array, Array, Sequence[int]]:
    rows = sum(_SYNTHETIC)
    if name in _SIZES:
        load = {
            "digits": datasets.load_digits,
            "cancer": datasets.load_breast_cancer,
            "wine": datasets.load_wine,
            "diabetes": datasets.load_diabetes,
        }
        inputs, targets = load[name](return_X_y=True)
        return np.asarray(inputs / 16.0 if name == "digits" else inputs, float), np.asarray(targets, float), _SIZES[name]
    if name == "moons":
        inputs, targets = datasets.make_moons(rows, noise=0.3, random_state=seed)
    elif name == "friedman":
        inputs, targets = datasets.make_friedman1(rows, n_features=10, noise=1.0, random_state=seed)
    elif name == "sparse":
        inputs, targets = datasets.make_regression(rows, n_features=30, n_informative=5, noise=40.0, random_state=seed)
    else:
        inputs, targets = datasets.make_classification(
            rows, n_features=20, n_informative=8, n_redundant=4, n_classes=3, flip_y=0.08, random_state=seed
        )
    return np.asarray(inputs, float), np.asarray(targets, float), _SYNTHETIC


# --- trainings ------------------------------------------------------------------------------------------------------------------


def _scores(predicted: Array, targets: Array, classes: int) -> tuple[Array, Array]:
    """Each row's loss, and whether it is right."""
    if not classes:
        return (predicted[:, 0] - targets) ** 2, np.zeros(len(targets))
    right = predicted.argmax(axis=1) == targets
    return -np.log(np.clip(predicted[np.arange(len(targets)), targets.astype(int)], 1e-7, 1.0)), right.astype(float)


def _outcome(data: Data, history: Sequence[Sequence[Array]], *, accuracy: bool) -> Outcome:
    """The outcome of predictions after each epoch: for training, validation and, of the last epoch, test data."""
    curves: dict[str, list[float]] = {}
    for predictions in history:
        for part, predicted in zip(("train", "validation"), predictions, strict=False):
            index = 0 if part == "train" else 1
            loss, right = _scores(predicted, data.targets[index], data.classes)
            curves.setdefault(f"{part}:loss", []).append(float(loss.mean()))
            if data.classes:
                curves.setdefault(f"{part}:accuracy", []).append(float(right.mean()))
    loss, right = _scores(history[-1][2], data.targets[2], data.classes)
    return Outcome(curves=curves, test=1.0 - right if accuracy else loss)


def network(data: Data, values: Mapping[str, str], seed: int, *, accuracy: bool = False) -> Outcome:
    """A network of `networks`."""
    layers, width = int(values.get("layers", "1")), int(values.get("hidden_units", "32"))
    given = Hyperparameters(
        rate=float(values["learning_rate"]),
        batch=int(values.get("batch_size", "32")),
        epochs=int(values.get("epochs", "20")),
        decay=float(values.get("weight_decay", "0")),
        dropout=float(values.get("dropout", "0")),
        hidden=(width,) * layers,
        adam=values.get("optimizer") == "adam",
        filters=int(values.get("filters", "0")),
    )
    rng = np.random.default_rng([seed, 2])
    trained = Network(data.inputs[0].shape[1], data.classes or 1, given, rng, classes=bool(data.classes))
    targets = np.eye(data.classes)[data.targets[0].astype(int)] if data.classes else data.targets[0][:, None]
    history = []
    with np.errstate(all="ignore"):
        for epoch, _ in enumerate(trained.epochs(data.inputs[0], targets), 1):
            history.append([trained.predict(inputs) for inputs in data.inputs[: 3 if epoch == given.epochs else 2]])
        return _outcome(data, history, accuracy=accuracy)


def boosting(data: Data, values: Mapping[str, str], seed: int, *, accuracy: bool = False) -> Outcome:
    """Gradient boosted trees of XGBoost."""
    rounds = int(values.get("num_round", "40"))
    task = {"objective": "multi:softprob", "num_class": data.classes} if data.classes else {"objective": "reg:squarederror"}
    names = {"eta", "max_depth", "lambda", "subsample", "min_child_weight", "alpha"}
    parts = [xgboost.DMatrix(inputs, targets) for inputs, targets in zip(data.inputs, data.targets, strict=True)]
    settings = {name: float(values[name]) for name in names if name in values}
    settings = {name: int(value) if name == "max_depth" else value for name, value in settings.items()}
    model = xgboost.train({**task, **settings, "seed": seed, "nthread": 1, "verbosity": 0}, parts[0], rounds)
    history = []
    for epoch in range(1, rounds + 1):
        seen = parts if epoch == rounds else parts[:2]
        history.append([np.asarray(model.predict(part, iteration_range=(0, epoch))).reshape(part.num_row(), -1) for part in seen])
    return _outcome(data, history, accuracy=accuracy)


def linear(data: Data, values: Mapping[str, str], seed: int, *, accuracy: bool = False) -> Outcome:
    """A linear model: a network without a hidden layer."""
    return network(data, {**values, "layers": "0"}, seed, accuracy=accuracy)
