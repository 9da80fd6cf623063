"""The axes of charts: of the objective, and of each hyperparameter."""

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sm_tuning.analysis.effects import is_logarithmic
from sm_tuning.report.labels import label
from sm_tuning.report.view_model import TrialView, ViewModel
from sm_tuning.spec.metrics import number
from sm_tuning.spec.parameters import Categorical, Continuous, Integer

PADDING = 7  # pixels beyond each end, so that a mark at the end is whole
_ROOM = 0.05
_FAR_OFF = 10.0  # times the width of the middle half: beyond the axis
_MINUTE = 60.0


@dataclass(frozen=True)
class Axis:
    """An axis that shows values of a field.

    Attributes:
        field: The field of the data set `trials`.
        title: What is written beside it.
        low: The lower end of a numeric axis, `high` its upper end.
        categories: The values of an axis without numbers, in their order; empty for a numeric one.
    """

    field: str
    title: str
    low: float = 0.0
    high: float = 1.0
    logarithmic: bool = False
    categories: Sequence[str] = ()

    def encoding(self, **more: object) -> dict[str, Any]:
        """Vega-Lite's description of a position on it."""
        if self.categories:
            scale = {"domain": list(self.categories), "padding": 0.3}
            return {
                "field": self.field,
                "type": "ordinal",
                "title": self.title,
                "scale": scale,
                "axis": {"labelAngle": 0},
                **more,
            }
        kind = {"type": "log"} if self.logarithmic else {"zero": False}
        scale = {"domain": [self.low, self.high], "nice": False, "padding": PADDING, **kind}
        axis = {"format": ".4~g", "labelOverlap": True, "tickCount": 6}
        return {"field": self.field, "type": "quantitative", "title": self.title, "scale": scale, "axis": axis, **more}

    def position(self, value: float | str | None) -> float | None:
        """Where a value lies, from 0 to 1; None for one that is not on this axis."""
        if self.categories:
            last = len(self.categories) - 1
            text = category(value) if value is not None else None
            return self.categories.index(text) / (last or 1) if text in self.categories else None
        if not isinstance(value, float | int):
            return None
        low, high = self.scaled(self.low), self.scaled(self.high)
        return (self.scaled(value) - low) / (high - low) if high > low else 0.5

    def at(self, position: float) -> float:
        """The value at a position of a numeric axis."""
        low, high = self.scaled(self.low), self.scaled(self.high)
        value = low + position * (high - low)
        return 10**value if self.logarithmic else value

    def scaled(self, value: float) -> float:
        """A value on the axis' own scale."""
        return math.log10(max(value, 1e-300)) if self.logarithmic else value


def spread(values: Iterable[float], share: float = _ROOM) -> tuple[float, float]:
    """The ends of an axis for some values: finite, with a margin, and without values that are far off."""
    finite = sorted(value for value in values if math.isfinite(value))
    if not finite:
        return 0.0, 1.0
    lower, upper = finite[len(finite) // 4], finite[-1 - len(finite) // 4]
    far = _FAR_OFF * (upper - lower) or math.inf
    low = next(value for value in finite if value >= lower - far)
    high = next(value for value in reversed(finite) if value <= upper + far)
    room = (high - low) * share if high > low else abs(high) * _ROOM or 1.0
    return low - room, high + room


def category(value: float | str) -> str:
    """A value as a category: text; a number without zeros that say nothing."""
    known = number(value) if isinstance(value, str) else value
    return label(str(value)) if known is None else f"{known:g}"


@functools.lru_cache(maxsize=2)  # nearly every chart asks for them
def hyperparameter_axes(view: ViewModel) -> Mapping[str, Axis]:
    """The axis of each hyperparameter, by its name: its range, widened to hold every value that was tried."""
    return {name: _axis(view, name, f"h{index}") for index, name in enumerate(view.hyperparameters)}


def _axis(view: ViewModel, name: str, field: str) -> Axis:
    parameter, title = view.ranges.get(name), label(name)
    settings = [trial.settings[name] for trial in view.trials if name in trial.settings]
    numbers = [setting for setting in settings if isinstance(setting, float)]
    if isinstance(parameter, Continuous | Integer) and len(numbers) == len(settings):
        ends = [float(parameter.low), float(parameter.high), *numbers]
        logarithmic = is_logarithmic(parameter) and min(ends) > 0
        return Axis(field, f"{title} (logarithmic)" if logarithmic else title, min(ends), max(ends), logarithmic=logarithmic)
    if not isinstance(parameter, Categorical) and len(numbers) == len(settings) and len(set(numbers)) > 1:
        return Axis(field, f"{title} (range not known)", min(numbers), max(numbers))
    known = [str(value).strip('"') for value in parameter.values] if isinstance(parameter, Categorical) else []
    categories = {category(value): None for value in [*settings, *known]}
    return Axis(field, title, categories=sorted(categories, key=_order))


def _order(text: str) -> tuple[float, str]:
    """Numbers in their order, then other texts in theirs."""
    value = number(text)
    return (math.inf if value is None else value, text)


def objective_axis(view: ViewModel) -> Axis:
    """The objectives of training jobs that did not die or, if all did, of all."""
    sound: Sequence[TrialView] = [trial for trial in view.trials if not trial.died and trial.objective is not None]
    values = [trial.objective for trial in sound or view.trials if trial.objective is not None]
    low, high = spread(values)
    if values and min(values) >= 0 > low:
        low = 0.0  # a loss or a share is not below zero
    return Axis("objective", label(view.objective.name), low, high)


def compared_axis(view: ViewModel) -> Axis:
    """The objectives by which training jobs are compared: after as many epochs, where many were stopped, else at their end."""
    if view.diagnosis.comparison.epochs is None:
        return objective_axis(view)
    low, high = spread(view.diagnosis.comparison.values.values())
    if min(view.diagnosis.comparison.values.values(), default=-1.0) >= 0 > low:
        low = 0.0
    return Axis("compared", label(f"{view.objective.name} after {view.diagnosis.comparison.after}"), low, high)


def unit_of(seconds: float) -> tuple[str, float]:
    """The unit in which to show a time, and its seconds."""
    if seconds < 5 * _MINUTE:
        return "seconds", 1.0
    return ("minutes", _MINUTE) if seconds < 5 * _MINUTE**2 else ("hours", _MINUTE**2)
