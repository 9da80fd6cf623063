"""The verdict on one training job and its evidence."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sm_tuning.analysis.confidence import Confidence
from sm_tuning.analysis.steps import VALUE


class Verdict(StrEnum):
    """The verdict on a training job."""

    UNDERFIT = "underfit"
    GOOD = "good fit"
    OVERFIT = "overfit"
    DIVERGED = "diverged"
    RATE_TOO_HIGH = "rate too high"
    IMPROVING = "still improving"
    NOISY = "noisy"
    UNKNOWN = "unknown"

    @property
    def died(self) -> bool:
        """Whether training came to nothing, because it diverged or its learning rate is too high."""
        return self in {Verdict.DIVERGED, Verdict.RATE_TOO_HIGH}


class Cause(StrEnum):
    """What may lie behind a verdict, or must be known beside it."""

    CHANCE_LEVEL = "at chance level"
    REGULARIZATION = "regularization too strong"
    LABEL_NOISE = "label noise"
    FEW_VALIDATION_ROWS = "too little validation data"
    LEAK = "leak suspected"
    RARE_CLASS = "rare class never predicted"
    CALIBRATION = "overconfident probabilities"
    WRONG_GOAL = "wrong goal"
    NO_TRAINING_METRIC = "no training metric"
    FAILED = "failed"


@dataclass(frozen=True)
class Remark:
    """A cause with its evidence.

    Attributes:
        cause: The cause.
        text: The evidence in a sentence.
    """

    cause: Cause
    text: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one rule says: it applies where the strength is above 1."""

    verdict: Verdict
    strength: float
    reason: str


def ratio(value: float, least: float) -> float:
    """How many times the least that counts a value is."""
    return value / max(least, 1e-300)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The verdict on one training job with its evidence.

    Attributes:
        verdict: The verdict.
        reason: The reason in a sentence with the values that were logged; "about" marks those of the smooth curve, where single
            logged values show something else.
        confidence: How sure the verdict is.
        remarks: Possible causes, and what else must be known.
        train: The training metric that was judged.
        validation: The validation metric that was judged.
        epochs: Number of its values.
        best_epoch: The validation metric's, counted from 1.
        gap: How much worse the validation metric is than the training metric at the end, in the metric's own unit.
        gained: The training metric's gain as a share of its first value.
        late: The share of validation's gain that came in the last quarter of the epochs; 0.25 is an even fall.
        train_last: The training metric at the end, as it stands in the log.
        validation_last: The validation metric at the end.
        train_at_best: The training metric in the validation metric's best epoch.
        validation_best: The validation metric in its best epoch.
        step: What the script calls an epoch: `round`, `tree`; `value` where that is not known.
    """

    verdict: Verdict
    reason: str
    confidence: Confidence = Confidence.MEDIUM
    remarks: Sequence[Remark] = field(default=())
    train: str | None = None
    validation: str | None = None
    epochs: int = 0
    best_epoch: int | None = None
    gap: float | None = None
    gained: float | None = None
    late: float | None = None
    train_last: float | None = None
    validation_last: float | None = None
    train_at_best: float | None = None
    validation_best: float | None = None
    step: str = VALUE

    @property
    def levelled_off(self) -> bool:
        """Whether nothing is wrong as far as can be seen: a good fit, or held-out data alone that have levelled off."""
        unseen = self.verdict is Verdict.UNKNOWN and Cause.NO_TRAINING_METRIC in self.causes
        return self.verdict is Verdict.GOOD or unseen

    @property
    def causes(self) -> frozenset[Cause]:
        """The causes of the remarks."""
        return frozenset(remark.cause for remark in self.remarks)
