"""Hyperparameters of planted trainings: their names, ranges, and what they are to a training."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np

from local_emulator.domain import space
from sm_tuning.spec import parameters as spec


class Role(StrEnum):
    """What a hyperparameter is to a training."""

    RATE = "learning rate"
    EPOCHS = "epochs"
    PENALTY = "regularization"
    BATCH = "batch size"
    SIZE = "model size"
    CATEGORY = "category"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A hyperparameter with its range. `values` are a categorical one's."""

    name: str
    role: Role
    low: float = 0.0
    high: float = 1.0
    logarithmic: bool = False
    whole: bool = False
    values: tuple[str, ...] = ()

    @property
    def numeric(self) -> bool:
        """Whether its values have an order; numbers as categories have one."""
        return not self.values or all(value.replace(".", "").isdigit() for value in self.values)

    @cached_property
    def parameter(self) -> space.Parameter:
        """It as the emulator's strategies see it."""
        if self.values:
            return space.Categorical(name=self.name, values=self.values)
        scaling = space.Scaling.LOGARITHMIC if self.logarithmic else space.Scaling.LINEAR
        if self.whole:
            return space.Integer(name=self.name, low=round(self.low), high=round(self.high), scaling=scaling)
        return space.Continuous(name=self.name, low=self.low, high=self.high, scaling=scaling)

    @cached_property
    def range(self) -> spec.Range:
        """It as a tuning job describes it."""
        if self.values:
            return spec.Categorical(self.name, self.values)
        scaling = spec.Scaling.LOGARITHMIC if self.logarithmic else spec.Scaling.LINEAR
        if self.whole:
            return spec.Integer(self.name, round(self.low), round(self.high), scaling)
        return spec.Continuous(self.name, self.low, self.high, scaling)

    def unit_of(self, text: str) -> float:
        """Where a value lies in the range; of categories that are powers of two others lie beyond."""
        if not self.values:
            return self.unit(float(text))
        if text in self.values:
            return self.parameter.unit(text)
        return (float(np.log2(float(text) / float(self.values[0]))) + 0.5) / len(self.values)

    def unit(self, value: float) -> float:
        """Where a number lies in the range, on its scale: 0 to 1 inside, below or above outside."""
        if not self.logarithmic:
            return (value - self.low) / (self.high - self.low)
        return float(np.log(max(value, 1e-12) / self.low) / np.log(self.high / self.low))


_KINDS: dict[Role, Sequence[Axis]] = {
    Role.RATE: [
        Axis(name="learning_rate", role=Role.RATE, low=1e-5, high=1.0, logarithmic=True),
        Axis(name="lr", role=Role.RATE, low=1e-4, high=1e-1, logarithmic=True),
        Axis(name="eta", role=Role.RATE, low=0.01, high=0.5),
    ],
    Role.EPOCHS: [
        Axis(name="epochs", role=Role.EPOCHS, low=4, high=40, whole=True),
        Axis(name="num_round", role=Role.EPOCHS, low=8, high=80, whole=True),
    ],
    Role.PENALTY: [
        Axis(name="weight_decay", role=Role.PENALTY, low=1e-6, high=1e-1, logarithmic=True),
        Axis(name="dropout", role=Role.PENALTY, low=0.0, high=0.6),
        Axis(name="alpha", role=Role.PENALTY, low=1e-5, high=1.0, logarithmic=True),
    ],
    Role.BATCH: [Axis(name="batch_size", role=Role.BATCH, values=("16", "32", "64", "128", "256"))],
    Role.SIZE: [
        Axis(name="hidden_units", role=Role.SIZE, low=8, high=512, logarithmic=True, whole=True),
        Axis(name="max_depth", role=Role.SIZE, low=2, high=12, whole=True),
    ],
    Role.CATEGORY: [
        Axis(name="optimizer", role=Role.CATEGORY, values=("adam", "sgd", "rmsprop")),
        Axis(name="activation", role=Role.CATEGORY, values=("relu", "tanh", "logistic", "gelu")),
        Axis(name="optimizer", role=Role.CATEGORY, values=("adam", "sgd", "rmsprop", "adagrad", "lamb")),
    ],
}
_OTHERS = [
    Axis(name="momentum", role=Role.OTHER, low=0.0, high=0.99),
    Axis(name="warmup_share", role=Role.OTHER, low=0.0, high=0.3),
    Axis(name="clip_norm", role=Role.OTHER, low=0.1, high=10.0, logarithmic=True),
    Axis(name="label_smoothing", role=Role.OTHER, low=0.0, high=0.2),
]


def drawn(rng: np.random.Generator, roles: Sequence[Role]) -> list[Axis]:
    """An axis of each role; those of no role are all different."""
    others = [_OTHERS[index] for index in rng.permutation(len(_OTHERS))]
    axes = []
    for role in roles:
        kinds = _KINDS.get(role)
        axes.append(kinds[int(rng.integers(len(kinds)))] if kinds else others.pop())
    return axes
