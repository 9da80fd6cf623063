"""What a simulated tuning job lives in: something that says what a training job of any point does."""

from dataclasses import dataclass
from typing import Protocol

from local_emulator.domain.space import Point
from sm_tuning.simulation.evidence import Curve


@dataclass(frozen=True, kw_only=True)
class Training:
    """What a training job will do.

    Attributes:
        curve: The objective after each epoch, as it will be reported.
        pending: Seconds from creation to start; nobody pays for them.
        startup: Seconds from start to the first epoch.
        epoch: Seconds of an epoch.
        expected: The objective at the end without noise: what training it again would bring in the mean. None where nobody knows.
        fails: Whether it fails at the end.
    """

    curve: Curve
    pending: float = 0.0
    startup: float = 0.0
    epoch: float = 1.0
    expected: float | None = None
    fails: bool = False

    def seconds(self, epochs: int) -> float:
        """Seconds from start to the end of an epoch."""
        return self.startup + self.epoch * epochs


class World(Protocol):
    """One way things may be. The same point and number: the same training job."""

    def train(self, point: Point, number: int) -> Training:
        """The training job of a point that is launched as the n-th (from 1)."""
