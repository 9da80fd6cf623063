"""Parts of Vega-Lite specifications that charts share: colours, marks of outcomes, zoom, and what lies beyond an axis."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sm_tuning.report.axes import PADDING, Axis, hyperparameter_axes
from sm_tuning.report.datasets import BEST, OUTCOMES, RUNNING, WRONG, outcome
from sm_tuning.report.labels import label
from sm_tuning.report.view_model import TrialView, ViewModel

Spec = dict[str, Any]
"""A specification, or a part of one."""

LITE = "https://vega.github.io/schema/vega-lite/v6.json"
FULL = "https://vega.github.io/schema/vega/v6.json"
WIDTH, HEIGHT = 640, 280
# Colours are variables of a page's style sheet, so a chart follows the reader's light or dark; figures.py writes them out.
INK, SOFT, LINE, PAPER = "var(--ink)", "var(--soft)", "var(--line)", "var(--paper)"
FIRST, SECOND, GOOD, BAD = "var(--one)", "var(--two)", "var(--good)", "var(--bad)"
SERIES = [FIRST, SECOND, GOOD, "var(--three)", "var(--four)", "var(--five)"]
DASHES = [[1, 0], [7, 4], [2, 3], [10, 3, 2, 3], [4, 2], [12, 4]]
_COLOURS = [SECOND, FIRST, SOFT, BAD, "var(--four)"]  # of OUTCOMES
_SHAPES = [
    "M0,-1L.22,-.31L.95,-.31L.36,.12L.59,.81L0,.38L-.59,.81L-.36,.12L-.95,-.31L-.22,-.31Z",
    "circle",
    "square",
    "cross",
    "diamond",
]
PICKED = "!picked || picked[datum.i]"
_ZOOM = {
    "type": "interval",
    "zoom": "wheel![event.ctrlKey || event.metaKey]",
    "translate": "[mousedown, window:mouseup] > window:mousemove!",
}
UP, DOWN = "triangle-up", "triangle-down"
_FONT = "system-ui, Helvetica, Arial, 'DejaVu Sans', sans-serif"
_WORDS = {
    **{f"{part}Color": SOFT for part in ("label", "title")},
    **{f"{part}Font": _FONT for part in ("label", "title")},
    **{f"{part}FontSize": 12 for part in ("label", "title")},
    "titleFontWeight": "normal",
}
CONFIG: Spec = {
    "background": None,
    "font": _FONT,
    "view": {"stroke": None},
    "axis": {**_WORDS, "gridColor": LINE, "domainColor": SOFT, "tickColor": SOFT, "titleLimit": 280},
    "legend": {**_WORDS, "labelColor": INK},
    "text": {"font": _FONT, "fontSize": 12},
}


@dataclass(frozen=True)
class Chart:
    """A chart: its title, what is said below it, and its specification for data sets that are named in it.

    Attributes:
        logarithmic: The ends of its vertical axis if that is made logarithmic; None where it cannot be.
    """

    title: str
    spec: Mapping[str, Any]
    note: str = ""
    wide: bool = False
    logarithmic: tuple[float, float] | None = None

    def uses(self, dataset: str) -> bool:
        """Whether it draws a data set."""
        return json.dumps({"name": dataset})[1:-1] in json.dumps(self.spec)


def lite(layers: Sequence[Mapping[str, Any]], *, height: int = HEIGHT, **params: object) -> Spec:
    """A chart of layers.

    Parameters are values that may change while it is shown, such as `low` and `high`, the ends of its axis; `picked` tells of each
    training job whether it is shown, and is null if all are.
    """
    return {
        "$schema": LITE,
        "width": WIDTH,
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "params": [{"name": name, "value": value} for name, value in {**params, "picked": None, "narrow": False}.items()],
        "layer": list(layers),
        "config": CONFIG,
    }


def zoomed(first: Spec, *encodings: str) -> Spec:
    """The first layer of a chart that is moved by dragging it, and zoomed by the wheel with Ctrl; on some axes alone, or on both."""
    select = {**_ZOOM, "encodings": list(encodings or ("x", "y"))}
    return {"params": [{"name": "zoom", "select": select, "bind": "scales"}], **first}


def layer(data: str, mark: Mapping[str, Any], encoding: Mapping[str, Any], *filters: str, transform: Sequence[Spec] = ()) -> Spec:
    """A layer of the rows of a data set that pass the filters."""
    return {
        "data": {"name": data},
        "transform": [*({"filter": text} for text in filters), *transform],
        "mark": dict(mark),
        "encoding": dict(encoding),
    }


def counted(field: str, title: str, axis: Spec) -> Spec:
    """A horizontal position from 0 to the chart's `last`."""
    scale = {"domain": [0, {"expr": "last"}], "nice": False, "padding": PADDING}
    return {"field": field, "type": "quantitative", "title": title, "scale": scale, "axis": axis}


def upright(axis: Axis, field_name: str | None = None) -> Spec:
    """The vertical position on a numeric axis whose ends are the chart's `low` and `high`."""
    scale = {"domain": [{"expr": "low"}, {"expr": "high"}], "nice": False, "zero": False, "padding": PADDING}
    axis_form = {"format": ".4~g", "tickCount": 6, "labelOverlap": True}
    return {"field": field_name or axis.field, "type": "quantitative", "title": axis.title, "scale": scale, "axis": axis_form}


def outcome_colour(view: ViewModel | None = None) -> Spec:
    """The colour of a training job's outcome; with a view model there is a legend of the outcomes in it."""
    return {
        "field": "outcome",
        "type": "nominal",
        "scale": {"domain": list(OUTCOMES), "range": _COLOURS},
        "legend": _legend(view),
    }


def outcome_shape(view: ViewModel | None = None) -> Spec:
    """The shape of a training job's outcome: it can be told without the colour."""
    return {"field": "outcome", "type": "nominal", "scale": {"domain": list(OUTCOMES), "range": _SHAPES}, "legend": _legend(view)}


def _legend(view: ViewModel | None) -> Spec | None:
    if view is None:
        return None
    present = {outcome(trial) for trial in view.trials}
    return {
        "title": None,
        "orient": "top",
        "symbolSize": 70,
        "columns": {"expr": "narrow ? 3 : 6"},
        "labelLimit": 260,
        "values": [name for name in OUTCOMES if name in present],
    }


def points(
    x: Mapping[str, Any], axis: Axis, view: ViewModel, *, legend: bool = False, transform: Sequence[Spec] = ()
) -> list[Spec]:
    """A mark for each training job at its objective: those beyond the axis at its edge, the lost ones at the end that is worse."""
    explained = view if legend else None
    shown = {
        "x": dict(x),
        "color": outcome_colour(explained),
        "size": {"condition": {"test": f"datum.outcome === '{BEST}'", "value": 190}, "value": 55},
        "tooltip": tooltip(view),
    }
    mark = {"type": "point", "filled": True, "opacity": 0.8, "cursor": "pointer"}
    value = f"datum.{axis.field}"
    lost_at = {"expr": "height - 6"} if view.objective.higher_is_better else 6
    edges = (
        (f"{value} > high", UP, 2),
        (f"isValid({value}) && {value} < low", DOWN, {"expr": "height - 2"}),
        (f"!isValid({value}) && datum.outcome === '{WRONG}'", "cross", lost_at),
    )
    within = {**shown, "shape": outcome_shape(explained), "y": upright(axis)}
    test = f"isValid({value}) && {value} >= low && {value} <= high"
    return [
        layer("trials", {**mark, "clip": True}, within, PICKED, test, transform=transform),
        *(
            layer("trials", {**mark, "shape": shape}, {**shown, "y": {"value": edge}}, PICKED, where, transform=transform)
            for where, shape, edge in edges
        ),
    ]


def remarks(trials: Sequence[TrialView], axis: Axis, view: ViewModel) -> str:
    """The sentence on what `points` cannot put in its place: values beyond the axis, and training jobs without a value."""
    then = axis.field == "compared"
    values = [(trial.compared if then else trial.objective, outcome(trial)) for trial in trials]
    lost = sum(value is None and came_to == WRONG for value, came_to in values)
    none = sum(value is None and came_to not in {WRONG, RUNNING} for value, came_to in values)
    end = "lower" if view.objective.higher_is_better else "upper"
    return sentences(
        beyond([value for value, _ in values], axis.low, axis.high),
        f"{lost} {WRONG} without {'a value then' if then else 'an objective'}: crosses at the {end} edge" if lost else "",
        f"{none} ended without {'a value then' if then else 'an objective'}: not drawn" if none else "",
    )


def tooltip(view: ViewModel) -> list[Spec]:
    """What is shown of a training job under the pointer: its name, values and hyperparameters."""
    heads = {"job": "training job", "outcome": "", "status": "status", "verdict": "verdict"}
    fields: list[Spec] = [{"field": name, "title": title} for name, title in heads.items() if title]
    fields.append({"field": "objective", "type": "quantitative", "title": label(view.objective.name), "format": ".5~g"})
    if any(trial.stopped_at for trial in view.trials):
        fields.append({"field": "stopped_at", "title": "stopped at"})
    fields.append({"field": "seconds", "type": "quantitative", "title": "seconds", "format": ".3~f"})
    taken = {form["title"] for form in fields}
    for name, axis in hyperparameter_axes(view).items():
        title = label(name) if label(name) not in taken else f"{label(name)} (hyperparameter)"
        number = {} if axis.categories else {"type": "quantitative", "format": ".5~g"}
        fields.append({"field": axis.field, "title": title, **number})
    return fields


def beyond(values: Sequence[float | None], low: float, high: float) -> str:
    """The sentence on values that lie beyond an axis; empty if there is none."""
    count = sum(value is not None and not low <= value <= high for value in values)
    if not count:
        return ""
    return f"{count} {'value lies' if count == 1 else 'values lie'} beyond the axis: triangles at its edge"


def sentences(*parts: str) -> str:
    """Remarks as one text, without those that are empty."""
    return "; ".join(part for part in parts if part)


def literal(text: str) -> str:
    """A text as a literal of Vega's expressions."""
    plain = (letter if letter.isascii() and (letter.isalnum() or letter in " _-:.") else _escaped(letter) for letter in text)
    return f"'{''.join(plain)}'"


def _escaped(letter: str) -> str:
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def positive(values: Sequence[float | None]) -> tuple[float, float] | None:
    """The ends of a logarithmic axis for all of the values; None if one is not above zero, or if all are the same."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known or not 0 < min(known) < max(known):
        return None
    return min(known) / 1.05, max(known) * 1.05
