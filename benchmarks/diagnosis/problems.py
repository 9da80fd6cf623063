"""Real problems for tuning jobs: data, a training that prints its metrics after each epoch, and the ranges that somebody has chosen.

Some ranges are where an experienced practitioner would put them, others are deliberately misplaced: rates too low or too high, too few
epochs, penalties too strong, models too large. Half of the problems are developed on, the others are looked at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial

import numpy as np
import xgboost
from sklearn import datasets

from benchmarks.diagnosis.axes import Axis, Role
from benchmarks.diagnosis.networks import Array, Hyperparameters, Network
from local_emulator.domain.space import Point


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


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Data, a training and ranges. `misplaced` says how the ranges are wrong; empty where they are right."""

    name: str
    data: str
    train: Callable[[Data, Mapping[str, str], int], Outcome]
    axes: Sequence[Axis]
    static: Mapping[str, str] = field(default_factory=dict)
    objective: str = "validation:loss"
    misplaced: str = ""
    held_out: bool = False

    @property
    def maximizes(self) -> bool:
        """Whether more of the objective is better."""
        return self.objective.endswith("accuracy")

    def run(self, point: Point, seed: int) -> Outcome:
        """Train at a point; the data are split, and the training is begun, by the seed."""
        return self.train(split(self.data, seed), {**self.static, **point}, seed)


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


# --- ranges ---------------------------------------------------------------------------------------------------------------------


def _log(name: str, role: Role, low: float, high: float, *, whole: bool = False) -> Axis:
    return Axis(name=name, role=role, low=low, high=high, logarithmic=True, whole=whole)


def _lin(name: str, role: Role, low: float, high: float, *, whole: bool = False) -> Axis:
    return Axis(name=name, role=role, low=low, high=high, whole=whole)


_rate = partial(_log, "learning_rate", Role.RATE)
_decay = partial(_log, "weight_decay", Role.PENALTY)
_epochs = partial(_lin, "epochs", Role.EPOCHS, whole=True)
_hidden = partial(_log, "hidden_units", Role.SIZE, whole=True)
_layers = partial(_lin, "layers", Role.SIZE, whole=True)
_dropout = partial(_lin, "dropout", Role.PENALTY)
_eta = partial(_log, "eta", Role.RATE)
_rounds = partial(_lin, "num_round", Role.EPOCHS, whole=True)
_depth = partial(_lin, "max_depth", Role.SIZE, whole=True)
_lambda = partial(_log, "lambda", Role.PENALTY)
_batch = Axis(name="batch_size", role=Role.BATCH, values=("8", "16", "32", "64"))
_adam = {"optimizer": "adam"}

PROBLEMS: Sequence[Problem] = [
    # --- to develop on
    Problem(
        name="digits, network", data="digits", train=network, axes=[_rate(1e-4, 1.0), _batch, _epochs(3, 25), _decay(1e-5, 1.0)]
    ),
    Problem(
        name="digits, network, rate too low",
        data="digits",
        train=partial(network, accuracy=True),
        axes=[_rate(1e-5, 1e-3), _batch, _epochs(4, 16), _hidden(8, 64)],
        objective="validation:accuracy",
        misplaced="rate too low",
    ),
    Problem(
        name="classes, network, few epochs",
        data="classes",
        train=network,
        axes=[_rate(1e-4, 1e-2), _epochs(1, 5), _hidden(8, 128), _dropout(0.0, 0.5)],
        static=_adam,
        misplaced="too few epochs",
    ),
    Problem(
        name="cancer, linear, penalty too strong",
        data="cancer",
        train=linear,
        axes=[_rate(1e-3, 0.1), _epochs(5, 30), _decay(5.0, 200.0)],
        misplaced="penalty too strong",
    ),
    Problem(
        name="wine, network",
        data="wine",
        train=network,
        axes=[_rate(1e-3, 1.0), _epochs(5, 40), _hidden(4, 64), _decay(1e-4, 1.0)],
    ),
    Problem(
        name="diabetes, boosting",
        data="diabetes",
        train=boosting,
        axes=[_eta(0.02, 0.5), _rounds(10, 60), _depth(1, 6), _lambda(0.1, 100.0)],
    ),
    Problem(
        name="classes, boosting, too slow",
        data="classes",
        train=boosting,
        axes=[_eta(0.002, 0.05), _rounds(5, 25), _depth(1, 4), _lambda(0.1, 10.0)],
        misplaced="rate too low, too few epochs",
    ),
    Problem(
        name="sparse, linear, rate too high",
        data="sparse",
        train=linear,
        axes=[_rate(2e-2, 5.0), _batch, _epochs(3, 25), _decay(1e-3, 10.0)],
        misplaced="rate too high",
    ),
    # --- looked at once
    Problem(
        name="digits, convolution",
        data="digits",
        train=partial(network, accuracy=True),
        axes=[_rate(1e-4, 0.1), _epochs(2, 12), _log("filters", Role.SIZE, 2, 16, whole=True), _decay(1e-4, 1.0)],
        static={"optimizer": "adam"},
        objective="validation:accuracy",
        held_out=True,
    ),
    Problem(
        name="digits, convolution, rate too low",
        data="digits",
        train=network,
        axes=[_rate(1e-5, 5e-4), _epochs(2, 12), _dropout(0.0, 0.5)],
        static={"optimizer": "adam", "filters": "6"},
        misplaced="rate too low",
        held_out=True,
    ),
    Problem(
        name="moons, boosting, too large",
        data="moons",
        train=boosting,
        axes=[_eta(0.3, 1.0), _rounds(30, 80), _depth(4, 10), _log("min_child_weight", Role.OTHER, 0.1, 10.0)],
        misplaced="too many rounds, too high a rate",
        held_out=True,
    ),
    Problem(
        name="moons, network",
        data="moons",
        train=network,
        axes=[_rate(1e-3, 1.0), _batch, _epochs(5, 40), _layers(1, 3)],
        held_out=True,
    ),
    Problem(
        name="friedman, network, few epochs",
        data="friedman",
        train=network,
        axes=[_rate(1e-4, 1e-2), _epochs(1, 6), _hidden(8, 64), _layers(1, 3)],
        static=_adam,
        misplaced="too few epochs",
        held_out=True,
    ),
    Problem(
        name="diabetes, linear",
        data="diabetes",
        train=linear,
        axes=[_rate(1e-4, 0.1), _epochs(3, 40), _decay(1e-3, 10.0)],
        held_out=True,
    ),
    Problem(
        name="wine, boosting, penalty too strong",
        data="wine",
        train=boosting,
        axes=[_eta(0.05, 0.5), _rounds(5, 40), _depth(1, 5), _lambda(20.0, 500.0)],
        misplaced="penalty too strong",
        held_out=True,
    ),
    Problem(
        name="classes, network, penalty too strong",
        data="classes",
        train=partial(network, accuracy=True),
        axes=[_rate(1e-3, 0.1), _batch, _epochs(4, 20), _decay(2.0, 100.0)],
        objective="validation:accuracy",
        misplaced="penalty too strong",
        held_out=True,
    ),
]
