"""Why a point was proposed: what the strategy knew, as far as the results show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a proposal is."""

    SPREAD = "first points"
    PARENTS = "warm start"
    EXPLOITS = "exploits"
    EXPLORES = "explores"
    RANDOM = "random draw"
    GRID = "grid"


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Why a training job has its hyperparameters.

    Attributes:
        kind: What it is.
        reason: The same in words, without a full stop.
        expected: The objective that was expected; None where no model was asked, and so are the others.
        low: Lower end of the interval that by the model holds 80 % of what may be reported.
        high: Its upper end.
        gain: Expected improvement on the best that the model expected of any point by then.
    """

    kind: Kind
    reason: str
    expected: float | None = None
    low: float | None = None
    high: float | None = None
    gain: float | None = None

    def holds(self, objective: float) -> bool:
        """Whether the objective lies in the interval."""
        return self.low is not None and self.high is not None and self.low <= objective <= self.high


@dataclass(frozen=True, kw_only=True)
class Proposals:
    """The proposals of results.

    Attributes:
        by_name: By the training job's name; without those that cannot be explained.
        missing: Why some are missing, a sentence each, without its full stop.
    """

    by_name: Mapping[str, Proposal] = field(default_factory=dict)
    missing: Sequence[str] = ()
