"""Grid search: every combination once."""

from collections.abc import Sequence
from itertools import islice, product

from local_emulator.domain.history import History, Trial
from local_emulator.domain.space import Categorical, Point, Space
from local_emulator.strategies.early_stopping import median_rule


class Grid:
    """All combinations of categorical values in the request's order, the last parameter changing fastest."""

    def __init__(self, space: Space, *, early_stopping: bool = False) -> None:
        self._names = [one.name for one in space.parameters]
        self._values = [one.values for one in space.parameters if isinstance(one, Categorical)]
        self._early_stopping = early_stopping

    def ask(self, history: History, count: int) -> Sequence[Point]:
        """The next combinations; none when all were proposed."""
        begun = len(history.trials)
        rows = islice(product(*self._values), begun, begun + count)
        return [dict(zip(self._names, row, strict=True)) for row in rows]

    def cull(self, history: History) -> Sequence[Trial]:
        """Running trials that the median rule gives up, if early stopping is on."""
        return median_rule(history) if self._early_stopping else ()
