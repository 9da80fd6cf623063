"""Charts of what hyperparameters did to the objective: importances, a slice for each, the contour of the two most important."""

import math
from collections.abc import Iterator, Sequence

from sm_tuning.analysis.confidence import Confidence
from sm_tuning.analysis.effects import Effect
from sm_tuning.report.axes import Axis, compared_axis, hyperparameter_axes
from sm_tuning.report.datasets import WRONG
from sm_tuning.report.labels import label
from sm_tuning.report.vegalite import (
    BAD,
    FIRST,
    INK,
    PAPER,
    PICKED,
    SOFT,
    Chart,
    Spec,
    layer,
    lite,
    outcome_shape,
    points,
    positive,
    remarks,
    sentences,
    tooltip,
    upright,
    zoomed,
)
from sm_tuning.report.view_model import ViewModel

_ROW = 28  # pixels
_CELLS = 24  # of the contour, along each axis
_WIDTH = 0.12  # of the kernel, as a share of the axis
_REACH = 0.16  # a cell has a colour if a training job is so near
_BANDS = 7
_LEAST = 6  # training jobs for a contour


def importances(view: ViewModel) -> Chart | None:
    """How much of the objective each hyperparameter decides; None if there is nothing in it."""
    if not any(effect.importance for effect in view.effects):
        return None
    names = [label(effect.name) for effect in view.effects]
    y = {"field": "name", "type": "ordinal", "title": None, "sort": names, "axis": {"labelLimit": 200}}
    known = [effect.importance for effect in view.effects if effect.confidence is not Confidence.LOW]
    scale = {"domain": [0, 1.5 * max(known, default=1.0)], "nice": False}  # room for the numbers
    axis = {"format": "%", "values": [0, 0.25, 0.5, 0.75, 1]}
    title = "share of the differences"
    x = {"field": "known", "type": "quantitative", "title": title, "axis": axis, "scale": scale}
    share = {"field": "precise", "type": "nominal", "title": "importance"}
    hint = [{"field": "name", "title": "hyperparameter"}, share, {"field": "confidence", "title": "confidence"}]
    test = "isValid(datum.importance)"
    unsure = "datum.confidence === 'low'"  # a bar would say as much as a number
    derived = [
        {"calculate": f"{unsure} ? '?' : format(datum.importance, '.1%')", "as": "precise"},
        {"calculate": f"{unsure} ? 0 : datum.importance", "as": "known"},
        {"calculate": f"{unsure} ? '?' : format(datum.importance, '.0%')", "as": "label"},
    ]
    bar = {"type": "bar", "color": FIRST, "cornerRadius": 2}
    bars = layer("effects", bar, {"x": x, "y": y, "tooltip": hint}, test, transform=derived)
    written = {"field": "label"}
    words = layer(
        "effects",
        {"type": "text", "align": "left", "dx": 5, "color": SOFT},
        {"x": x, "y": y, "text": written},
        test,
        transform=derived,
    )
    then = compared_axis(view)
    note = sentences(
        f"how much of the differences of {then.title} each hyperparameter decides"
        if then.field == "compared"
        else "how much of the objective's differences each hyperparameter decides",
        "?: too few training jobs to tell" if any(effect.confidence is Confidence.LOW for effect in view.effects) else "",
    )
    return Chart("Importances", lite([bars, words], height=40 + _ROW * len(names)), note)


# --- slices -----------------------------------------------------------------------------------------------------------------


def slices(view: ViewModel) -> dict[str, Chart]:
    """For each hyperparameter the objective of every training job over its range, the most important first."""
    return {f"slice-{effect.name}": _slice(view, effect) for effect in view.effects}


def _slice(view: ViewModel, effect: Effect) -> Chart:
    axis, up = hyperparameter_axes(view)[effect.name], compared_axis(view)
    x = axis.encoding()
    of = [f"datum.field === '{axis.field}'", "isValid(datum.mean)"]
    mean_x = {**x, "field": "x"}
    kind = {"type": "tick", "size": 30, "thickness": 2} if axis.categories else {"type": "line", "strokeWidth": 2}
    means = layer("effects", {**kind, "color": FIRST, "clip": True}, {"x": mean_x, "y": upright(up, "mean")}, *of)
    band = {"type": "rule", "strokeWidth": 14} if axis.categories else {"type": "area"}
    errors = layer("effects", {**band, "color": FIRST, "opacity": 0.15, "clip": True},
                   {"x": mean_x, "y": upright(up, "low"), "y2": {"field": "high"}}, *of)  # fmt: skip
    layers = [errors, means, *points(x, up, view)]
    if effect.dies_above is not None and not axis.categories:
        values = {"values": [{axis.field: effect.dies_above, "word": "training dies above"}]}
        layers += [
            {"data": values, "mark": {"type": "rule", "color": BAD, "strokeDash": [3, 3], "clip": True}, "encoding": {"x": x}},
            {"data": values, "mark": {"type": "text", "align": "right", "dx": -4, "color": SOFT},
             "encoding": {"x": x, "y": {"value": 10}, "text": {"field": "word"}}},
        ]  # fmt: skip
    zoom = ["y"] if axis.categories else ["x", "y"]
    spec = lite([zoomed(layers[0], *zoom), *layers[1:]], low=up.low, high=up.high, height=240)
    trials = [trial for trial in view.trials if effect.name in trial.settings]
    note = sentences(
        f"decides {effect.decides} of the differences" if effect.confidence is not Confidence.LOW else "",
        *effect.remarks,
        remarks(trials, up, view),
    )
    return Chart(axis.title, spec, note, logarithmic=positive([trial.compared for trial in trials]))


# --- the contour ------------------------------------------------------------------------------------------------------------


def contour(view: ViewModel) -> Chart | None:
    """The objective over the two most important hyperparameters, smoothed between training jobs; None with too few of them."""
    axes = [hyperparameter_axes(view)[effect.name] for effect in view.effects[:2]]
    names = [effect.name for effect in view.effects[:2]]
    if len(axes) < 2:  # noqa: PLR2004 - a contour has two
        return None
    early, title = view.diagnosis.comparison.epochs is not None, compared_axis(view).title
    known = [
        (x, y, trial.compared)
        for trial in view.trials
        if trial.compared is not None and (early or not trial.died)
        and (x := axes[0].position(trial.settings.get(names[0]))) is not None
        and (y := axes[1].position(trial.settings.get(names[1]))) is not None
    ]  # fmt: skip
    if len(known) < _LEAST:
        return None
    cells = list(_cells(axes, known))
    values = [cell["z"] for cell in cells]
    across, along = (_cell_encoding(axis, letter) for axis, letter in zip(axes, "xy", strict=True))
    scheme = {"name": "viridis", "count": _BANDS}
    domain, down = [min(values), max(values)], not view.objective.higher_is_better
    scale = {"type": "quantize", "scheme": scheme, "domain": domain, "reverse": down}
    colour = {"field": "z", "type": "quantitative", "scale": scale, "title": title,
              "legend": {"orient": "top", "titleLimit": 300, "gradientLength": 220, "format": ".3~g"}}  # fmt: skip
    hint = [{"field": "z", "type": "quantitative", "title": f"{title} about here", "format": ".4~g"}]
    filled = {
        "data": {"name": "cells", "values": cells},
        "mark": {"type": "rect", "opacity": 0.75, "clip": True},
        "encoding": {**across, **along, "color": colour, "tooltip": hint},
    }
    trials = layer(
        "trials",
        {"type": "point", "filled": True, "stroke": INK, "strokeWidth": 1, "color": PAPER, "cursor": "pointer", "clip": True},
        {"x": axes[0].encoding(), "y": axes[1].encoding(), "shape": outcome_shape(), "tooltip": tooltip(view),
         "size": {"condition": {"test": "datum.outcome === 'best'", "value": 190}, "value": 40}},
        PICKED,
    )  # fmt: skip
    zoom = [letter for letter, axis in zip("xy", axes, strict=True) if not axis.categories]
    first = zoomed(filled, *zoom) if zoom else filled
    better = "the highest" if view.objective.higher_is_better else "the lowest"
    note = f"the mean of near training jobs, yellow: {better}; blank: none is near; star: the best; cross: {WRONG}"
    sure = all(effect.confidence is not Confidence.LOW for effect in view.effects[:2])
    which = "the two most important" if sure else "two hyperparameters"  # of what may be chance nobody knows the order
    return Chart(f"Contour of {which}", lite([first, trials], height=320), note)


def _cell_encoding(axis: Axis, letter: str) -> Spec:
    if axis.categories:
        return {letter: {**axis.encoding(), "field": letter}}
    return {letter: {**axis.encoding(), "field": f"{letter}0"}, f"{letter}2": {"field": f"{letter}1"}}


Known = tuple[float, float, float]


def _cells(axes: Sequence[Axis], known: Sequence[Known]) -> Iterator[Spec]:
    """The cells of a grid that have training jobs near, each with their weighted mean objective."""
    for x_key, x in _steps(axes[0], "x"):
        for y_key, y in _steps(axes[1], "y"):
            distances = [(_square(axes[0], x, u) + _square(axes[1], y, v), value) for u, v, value in known]
            if min(distance for distance, _ in distances) > _REACH**2:
                continue
            weights = [(math.exp(-distance / (2 * _WIDTH**2)), value) for distance, value in distances]
            total = sum(weight for weight, _ in weights)
            yield {**x_key, **y_key, "z": float(f"{sum(weight * value for weight, value in weights) / total:.5g}")}


def _square(axis: Axis, position: float, other: float) -> float:
    """The squared distance along an axis; categories have nothing in common."""
    if axis.categories:
        return 0.0 if abs(position - other) < 1e-9 else math.inf  # noqa: PLR2004 - rounding
    return (position - other) ** 2


def _steps(axis: Axis, letter: str) -> Iterator[tuple[Spec, float]]:
    """The cells along an axis: what stands in the data, and the position of the middle."""
    if axis.categories:
        for category in axis.categories:
            yield {letter: category}, axis.position(category) or 0.0
        return
    for step in range(_CELLS):
        ends = {f"{letter}0": axis.at(step / _CELLS), f"{letter}1": axis.at((step + 1) / _CELLS)}
        yield {key: float(f"{value:.6g}") for key, value in ends.items()}, (step + 0.5) / _CELLS
