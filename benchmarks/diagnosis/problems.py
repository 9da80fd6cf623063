"""Real problems for tuning jobs: data, a training that prints its metrics after each epoch, and the ranges that somebody has chosen.

Some ranges are where an experienced practitioner would put them, others are deliberately misplaced: rates too low or too high, too few
epochs, penalties too strong, models too large. Half of the problems are developed on, the others are looked at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from benchmarks.diagnosis.axes import Axis, Role
from benchmarks.diagnosis.models import Data, Outcome, boosting, linear, network, split
from local_emulator.domain.space import Point


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Data, a training and ranges.

    Attributes:
        misplaced: How the ranges are wrong; empty where they are right.
        right: The ranges in place of the wrong ones.
    """

    name: str
    data: str
    train: Callable[[Data, Mapping[str, str], int], Outcome]
    axes: Sequence[Axis]
    static: Mapping[str, str] = field(default_factory=dict)
    objective: str = "validation:loss"
    misplaced: str = ""
    right: Sequence[Axis] = ()
    held_out: bool = False

    @property
    def maximizes(self) -> bool:
        """Whether more of the objective is better."""
        return self.objective.endswith("accuracy")

    def run(self, point: Point, seed: int) -> Outcome:
        """Train at a point; the data are split, and the training is begun, by the seed."""
        return self.train(split(self.data, seed), {**self.static, **point}, seed)


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
        right=[_rate(1e-3, 0.3)],
    ),
    Problem(
        name="classes, network, few epochs",
        data="classes",
        train=network,
        axes=[_rate(1e-4, 1e-2), _epochs(1, 5), _hidden(8, 128), _dropout(0.0, 0.5)],
        static=_adam,
        misplaced="too few epochs",
        right=[_epochs(5, 30)],
    ),
    Problem(
        name="cancer, linear, penalty too strong",
        data="cancer",
        train=linear,
        axes=[_rate(1e-3, 0.1), _epochs(5, 30), _decay(5.0, 200.0)],
        misplaced="penalty too strong",
        right=[_decay(1e-3, 5.0)],
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
        right=[_eta(0.05, 0.5), _rounds(20, 80)],
    ),
    Problem(
        name="sparse, linear, rate too high",
        data="sparse",
        train=linear,
        axes=[_rate(2e-2, 5.0), _batch, _epochs(3, 25), _decay(1e-3, 10.0)],
        misplaced="rate too high",
        right=[_rate(2e-4, 2e-2)],
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
        right=[_rate(5e-4, 3e-2)],
        held_out=True,
    ),
    Problem(
        name="moons, boosting, too large",
        data="moons",
        train=boosting,
        axes=[_eta(0.3, 1.0), _rounds(30, 80), _depth(4, 10), _log("min_child_weight", Role.OTHER, 0.1, 10.0)],
        misplaced="too many rounds, too high a rate",
        right=[_eta(0.03, 0.3), _rounds(10, 60), _depth(1, 4)],
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
        right=[_epochs(6, 40)],
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
        right=[_lambda(0.1, 20.0)],
        held_out=True,
    ),
    Problem(
        name="classes, network, penalty too strong",
        data="classes",
        train=partial(network, accuracy=True),
        axes=[_rate(1e-3, 0.1), _batch, _epochs(4, 20), _decay(2.0, 100.0)],
        objective="validation:accuracy",
        misplaced="penalty too strong",
        right=[_decay(1e-3, 2.0)],
        held_out=True,
    ),
]
