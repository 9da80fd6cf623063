"""Grid search: every combination once."""

from collections.abc import Sequence
from math import prod

from local_emulator.domain.history import History, Trial
from local_emulator.domain.space import Categorical, Point, Space
from local_emulator.strategies.median_rule import MedianRule


class Grid:
    """All combinations of categorical values in the request's order, the last parameter changing fastest."""

    def __init__(self, space: Space, *, early_stopping: bool = False) -> None:
        self._names = [parameter.name for parameter in space.parameters]
        self._values = [parameter.values for parameter in space.parameters if isinstance(parameter, Categorical)]
        self._rule = MedianRule() if early_stopping else None

    def ask(self, history: History, count: int) -> Sequence[Point]:
        """The next combinations; none when all were proposed."""
        begun = len(history.trials)
        size = prod(len(values) for values in self._values)
        return [self._point(number) for number in range(begun, min(begun + count, size))]

    def _point(self, number: int) -> Point:
        row: list[str] = []
        for values in reversed(self._values):
            number, index = divmod(number, len(values))
            row.append(values[index])
        return dict(zip(self._names, reversed(row), strict=True))

    def prune(self, history: History) -> Sequence[Trial]:
        """Running trials that the median rule stops, if early stopping is on."""
        return self._rule.prune(history) if self._rule else ()
