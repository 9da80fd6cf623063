"""The interface of strategies."""

from collections.abc import Sequence
from typing import Protocol

from local_emulator.domain.history import History, Trial
from local_emulator.domain.space import Point


class Strategy(Protocol):
    """Proposes points and picks trials to prune. Same history, same answer: it keeps derived state only."""

    def ask(self, history: History, count: int) -> Sequence[Point]:
        """Up to `count` new points; fewer when the space is used up, none when it is finished."""

    def prune(self, history: History) -> Sequence[Trial]:
        """Running trials to stop now."""
