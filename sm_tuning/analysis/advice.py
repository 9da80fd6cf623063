"""Advice: one thing to do next, why, how sure it is and what it costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sm_tuning.analysis.confidence import Confidence
from sm_tuning.analysis.effects import Edge
from sm_tuning.analysis.steps import VALUE, counted
from sm_tuning.client.status import duration

Ranges = Mapping[str, tuple[float, float]]
"""New low and high ends, by the hyperparameter's name."""


class Remedy(StrEnum):
    """The kinds of advice."""

    MORE_DATA = "more training data"
    NO_MORE_DATA = "no more training data"
    STOP_EARLIER = "stop earlier"
    AUGMENTATION = "data augmentation"
    MORE_REGULARIZATION = "more regularization"
    LESS_REGULARIZATION = "less regularization"
    MORE_EPOCHS = "more epochs"
    HIGHER_RATE = "a higher learning rate"
    LOWER_RATE = "a lower learning rate"
    LARGER_MODEL = "a larger model"
    SMALLER_MODEL = "a smaller model"
    LARGER_BATCH = "a larger batch size"
    MORE_VALIDATION_DATA = "more validation data"
    PRINT_METRICS = "print the training and the validation metric after each epoch"
    MATCH_OBJECTIVE = "let the script print the objective as its regex expects it"
    CHECK_SPLIT = "check how training and validation data were split"
    CHECK_LABELS = "check the labels"
    WEIGH_CLASSES = "weigh the rare class more"
    CHANGE_GOAL = "change the goal of the objective"
    MEND_SCRIPT = "mend what fails"
    END_RANGE = "end the range"
    LOGARITHMIC_SCALE = "search on a logarithmic scale"
    WIDEN_RANGE = "widen the range"
    LEAVE = "leave"
    LEAVE_OUT = "leave out"
    ANOTHER_SEED = "train the best again with another seed"
    TEST_SET = "measure the best on the test set, once"
    NEXT_ROUND = "search on"
    STOP = "stop here"

    @property
    def opposite(self) -> "Remedy | None":
        """The kind that would undo it."""
        return _OPPOSITES.get(self)


_PAIRS = (
    (Remedy.MORE_DATA, Remedy.NO_MORE_DATA),
    (Remedy.STOP_EARLIER, Remedy.MORE_EPOCHS),
    (Remedy.MORE_REGULARIZATION, Remedy.LESS_REGULARIZATION),
    (Remedy.HIGHER_RATE, Remedy.LOWER_RATE),
    (Remedy.LARGER_MODEL, Remedy.SMALLER_MODEL),
    (Remedy.NEXT_ROUND, Remedy.STOP),
)
_OPPOSITES: Mapping[Remedy, Remedy] = {first: second for pair in _PAIRS for first, second in (pair, pair[::-1])}


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What following an advice costs, beside the work that it is.

    Attributes:
        training_jobs: Training jobs that it takes.
        epochs: Epochs more in each training job; below 0 for those that are saved.
        step: What the script calls an epoch.
        seconds: How long those training jobs take together, by the ones that have run; None if that is not known.
    """

    training_jobs: int = 0
    epochs: int | None = None
    step: str = VALUE
    seconds: float | None = None

    def __str__(self) -> str:
        parts = []
        if self.training_jobs:
            time = "" if self.seconds is None else f", about {duration(self.seconds)} of training"
            parts.append(f"{self.training_jobs} training job{'s' if self.training_jobs > 1 else ''}{time}")
        if self.epochs:
            parts.append(f"{counted(abs(self.epochs), self.step)} {'more' if self.epochs > 0 else 'less'} in a training job")
        return ", ".join(parts) or "no training job"


@dataclass(frozen=True, kw_only=True)
class Advice:
    """One thing to do.

    Attributes:
        kind: The kind of advice, for programs.
        remedy: The advice in words.
        reason: Why, with a number from the data.
        confidence: How sure it is that it helps.
        cost: What it costs.
        hyperparameter: The tuned hyperparameter that it is about; None for what is not tuned.
        toward: The end of the range towards which it moves that.
        ranges: The new ranges of the next round.
        values: The categories that the next round keeps, by the hyperparameter's name.
    """

    kind: Remedy
    remedy: str
    reason: str
    confidence: Confidence = Confidence.MEDIUM
    cost: Cost = field(default_factory=Cost)
    hyperparameter: str | None = None
    toward: Edge | None = None
    ranges: Ranges = field(default_factory=dict)
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __str__(self) -> str:
        """What to do and why, on one line."""
        changes = f"  [{self.changes}]" if self.changes else ""
        return f"{self.remedy}: {self.reason}{changes} ({self.confidence.value} confidence; {self.cost})"

    @property
    def changed(self) -> frozenset[str]:
        """The hyperparameters of whose ranges it changes the ends, the categories or the scale."""
        scaled = {self.hyperparameter} if self.kind is Remedy.LOGARITHMIC_SCALE and self.hyperparameter is not None else set()
        return frozenset({*self.ranges, *self.values, *scaled})

    @property
    def changes(self) -> str:
        """What it changes of the ranges, in words; empty for nothing."""
        ranges = (f"{name}: {low:.3g} to {high:.3g}" for name, (low, high) in self.ranges.items())
        values = (f"{name}: {', '.join(kept)}" for name, kept in self.values.items())
        return "; ".join([*ranges, *values])
