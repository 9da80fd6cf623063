"""Parallel coordinates: a line for each training job across all hyperparameters and the objective, with a brush on each axis.

Vega itself, not Vega-Lite, which has no brush on more than one axis.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sm_tuning.report.axes import Axis, hyperparameter_axes, objective_axis
from sm_tuning.report.labels import label
from sm_tuning.report.vegalite import CONFIG, FIRST, FULL, INK, SECOND, SOFT, WIDTH, Chart, Spec, beyond, literal, sentences
from sm_tuning.report.view_model import ViewModel

_HEIGHT = 300
_HIT = 36  # pixels across which an axis takes the pointer
_OFF = 7  # pixels beyond the end of the axis for what does not fit on it
_LONGEST = 22


def parallel_coordinates(view: ViewModel) -> Chart | None:
    """The chart; None where there is nothing to compare. Signals `brush_0` … are the brushes, `inside` tells who passes them all."""
    if len(view.ranking) < 2 or not view.hyperparameters:  # noqa: PLR2004 - nothing to compare
        return None
    up = objective_axis(view)
    axes = [*hyperparameter_axes(view).values(), up]
    objectives = [trial.objective for trial in view.trials]
    without = sum(value is None for value in objectives)
    note = sentences(
        "bold: the best; the fainter, the worse; drag along an axis to choose training jobs, a click on it undoes that",
        beyond(objectives, up.low, up.high),
        f"{without} without an objective end before its axis" if without else "",
    )
    return Chart("Parallel coordinates", _spec(view, axes), note, wide=True)


def _spec(view: ViewModel, axes: Sequence[Axis]) -> Spec:
    return {
        "$schema": FULL,
        "width": WIDTH,
        "height": _HEIGHT,
        "padding": 5,
        "autosize": {"type": "fit", "contains": "padding"},
        "config": CONFIG,
        "signals": [{"name": "picked", "value": None}, *(_brush(index) for index in range(len(axes)))],
        "data": [{"name": "trials"}, {"name": "lines", "source": "trials", "transform": list(_positions(view, axes))}],
        "scales": [
            {"name": "across", "type": "point", "domain": list(range(len(axes))), "range": "width", "padding": 0.25},
            *(_scale(index, axis) for index, axis in enumerate(axes)),
        ],
        "axes": [_axis(index, axis, last=index == len(axes) - 1) for index, axis in enumerate(axes)],
        "marks": [
            _lines(view),
            _edges(axes),
            *_titles(axes),
            *(mark for index in range(len(axes)) for mark in _brush_marks(index)),
        ],
        "usermeta": {"brushes": [f"brush_{index}" for index in range(len(axes))]},
    }


def _brush(index: int) -> Spec:
    name, hit = f"brush_{index}", f"@hit_{index}"
    return {
        "name": name,
        "value": None,
        "on": [
            {"events": f"{hit}:pointerdown", "update": "[clamp(y(), 0, height), clamp(y(), 0, height)]"},
            {
                "events": f"[{hit}:pointerdown, window:pointerup] > window:pointermove!",
                "update": f"[{name}[0], clamp(y(), 0, height)]",
            },
            {"events": "window:pointerup", "update": f"{name} && abs({name}[0] - {name}[1]) < 3 ? null : {name}"},
        ],
    }


def _scale(index: int, axis: Axis) -> Spec:
    if axis.categories:
        return {
            "name": f"s{index}",
            "type": "point",
            "domain": list(axis.categories),
            "range": "height",
            "padding": 0.2,
            "reverse": True,
        }
    kind = "log" if axis.logarithmic else "linear"
    return {"name": f"s{index}", "type": kind, "domain": [axis.low, axis.high], "range": "height", "zero": False, "nice": False}


def _axis(index: int, axis: Axis, *, last: bool) -> Spec:
    labels = {} if axis.categories else {"format": ".4~g", "tickCount": 5}
    return {
        "orient": "right" if last else "left",
        "scale": f"s{index}",
        "offset": {"signal": f"scale('across', {index}) - width" if last else f"-scale('across', {index})"},
        "labelOverlap": True,
        "labelLimit": 90,
        "zindex": 1,
        "domainColor": INK,
        **labels,
    }


def _positions(view: ViewModel, axes: Sequence[Axis]) -> Iterator[Spec]:
    """The height of each value on its axis, whether it passes all brushes, and the line's path."""
    for index, axis in enumerate(axes):
        value = f"datum.{axis.field}"
        height = f"scale('s{index}', {value})"
        if axis.field == "objective":
            height = f"{value} > {axis.high!r} ? {-_OFF} : {value} < {axis.low!r} ? height + {_OFF} : {height}"
        yield {"type": "formula", "as": f"y{index}", "expr": f"isValid({value}) ? ({height}) : null"}
    tests = [
        f"(!brush_{index} || (isValid(datum.y{index}) && datum.y{index} >= min(brush_{index}[0], brush_{index}[1])"
        f" && datum.y{index} <= max(brush_{index}[0], brush_{index}[1])))"
        for index in range(len(axes))
    ]
    steps = []
    for index in range(len(axes)):
        joined = f"isValid(datum.y{index - 1}) ? 'L' : 'M'" if index else "'M'"
        steps.append(f"(isValid(datum.y{index}) ? ({joined}) + scale('across', {index}) + ',' + datum.y{index} : '')")
    yield {"type": "formula", "as": "path", "expr": " + ".join(steps)}
    yield {
        "type": "formula",
        "as": "share",
        "expr": f"isValid(datum.rank) ? 1 - datum.rank / {max(len(view.ranking) - 1, 1)} : 0",
    }
    yield {"type": "collect", "sort": {"field": "share"}}  # the best on top
    yield {"type": "formula", "as": "inside", "expr": " && ".join(tests)}  # last: a brush changes nothing before it


def _lines(view: ViewModel) -> Spec:
    chosen = "datum.inside && (!picked || picked[datum.i])"
    best = "datum.outcome === 'best'"
    update = {
        "path": {"field": "path"},
        "stroke": [{"test": f"!({chosen})", "value": SOFT}, {"test": best, "value": SECOND}, {"value": FIRST}],
        "strokeWidth": [{"test": f"{best} && {chosen}", "value": 3}, {"value": 1.2}],
        "strokeOpacity": [
            {"test": f"!({chosen})", "value": 0.07},
            {"test": best, "value": 1},
            {"signal": "0.12 + 0.55 * datum.share * datum.share"},
        ],
    }
    enter = {"tooltip": {"signal": _tooltip(view)}, "cursor": {"value": "pointer"}}
    hover = {"strokeWidth": {"value": 4}, "strokeOpacity": {"value": 1}}
    return {"type": "path", "from": {"data": "lines"}, "encode": {"enter": enter, "update": update, "hover": hover}}


def _tooltip(view: ViewModel) -> str:
    parts = [("training job", "datum.job"), ("status", "datum.status"), ("verdict", "datum.verdict")]
    parts.append((view.objective.name, "isValid(datum.objective) ? format(datum.objective, '.5~g') : '–'"))  # noqa: RUF001 - a dash
    for name, axis in hyperparameter_axes(view).items():
        value = f"datum.{axis.field}"
        parts.append((name, value if axis.categories else f"isValid({value}) ? format({value}, '.5~g') : '–'"))  # noqa: RUF001 - a dash
    return "{" + ", ".join(f"{literal(label(title))}: {value}" for title, value in parts) + "}"


def _edges(axes: Sequence[Axis]) -> Spec:
    """Triangles where an objective lies beyond its axis."""
    last = len(axes) - 1
    up = axes[last]
    off = f"(datum.objective > {up.high!r} || datum.objective < {up.low!r})"
    shown = f"isValid(datum.objective) && {off} && datum.inside && (!picked || picked[datum.i])"
    update: dict[str, Any] = {
        "x": {"signal": f"scale('across', {last})"},
        "y": {"field": f"y{last}"},
        "shape": {"signal": f"datum.objective > {up.high!r} ? 'triangle-up' : 'triangle-down'"},
        "size": {"value": 45},
        "fill": {"value": FIRST},
        "opacity": {"signal": f"{shown} ? 1 : 0"},
    }
    return {"type": "symbol", "from": {"data": "lines"}, "interactive": False, "encode": {"update": update}}


def _titles(axes: Sequence[Axis]) -> Iterator[Spec]:
    """The name of each axis above it, by turns on two lines."""
    for index, axis in enumerate(axes):
        align = "left" if index == 0 else "right" if index == len(axes) - 1 else "center"
        title = axis.title.replace(" (logarithmic)", "")
        enter = {
            "text": {"value": title if len(title) <= _LONGEST else f"{title[: _LONGEST - 1]}…"},
            "align": {"value": align},
            "fill": {"value": INK},
            "y": {"value": -20 - 17 * (index % 2)},
        }
        nudge = {"left": -18, "right": 18, "center": 0}[align]
        update = {"x": {"signal": f"scale('across', {index}) + {nudge}"}}
        yield {"type": "text", "interactive": False, "encode": {"enter": enter, "update": update}}


def _brush_marks(index: int) -> list[Spec]:
    name = f"brush_{index}"
    at = f"scale('across', {index})"
    chosen = {
        "x": {"signal": f"{at} - 9"},
        "width": {"value": 18},
        "y": {"signal": f"{name} ? min({name}[0], {name}[1]) : 0"},
        "height": {"signal": f"{name} ? abs({name}[0] - {name}[1]) : 0"},
        "fill": {"value": SECOND},
        "fillOpacity": {"value": 0.3},
        "stroke": {"value": SECOND},
        "strokeOpacity": {"signal": f"{name} ? 1 : 0"},
    }
    hit = {
        "x": {"signal": f"{at} - {_HIT // 2}"},
        "width": {"value": _HIT},
        "y": {"value": 0},
        "height": {"signal": "height"},
        "fill": {"value": "transparent"},
        "cursor": {"value": "ns-resize"},
    }
    return [
        {"type": "rect", "interactive": False, "encode": {"update": chosen}},
        {"type": "rect", "name": f"hit_{index}", "encode": {"update": hit}},
    ]
