"""Charts of learning curves: training and validation of each metric, of the best training jobs or of a chosen one."""

import math
from collections.abc import Iterator, Mapping, Sequence

from sm_tuning.analysis.fit import Fit
from sm_tuning.analysis.steps import VALUE
from sm_tuning.report.axes import PADDING, Axis, spread
from sm_tuning.report.datasets import MOST_CURVES, families, family, part_of
from sm_tuning.report.labels import label
from sm_tuning.report.vegalite import (
    BAD,
    DOWN,
    FIRST,
    GOOD,
    PICKED,
    SECOND,
    SOFT,
    UP,
    Chart,
    Spec,
    layer,
    lite,
    literal,
    positive,
    sentences,
    upright,
    zoomed,
)
from sm_tuning.report.view_model import TrialView, ViewModel

MOST_FAMILIES = 6
_FAR = 2.0  # times the height of the best training job's curves


def curve_charts(view: ViewModel, chosen: TrialView | None = None) -> dict[str, Chart]:
    """A chart for each kind of metric that training jobs have recorded, the objective's first: `curves-0` is one of them.

    A chart's parameters tell which training job is in `front`, how many of the best are `behind` it, and its `best_epoch`, so a page
    can draw another one with the same specification.

    Args:
        view: The view model.
        chosen: The training job that is in front and alone; None for the best one, with the others behind it.
    """
    front = chosen or view.best or next((trial for trial in view.trials if trial.curves), None)
    if front is None:
        return {}
    kinds = families(view)[:MOST_FAMILIES]
    drawn = {f"curves-{number}": _chart(view, front, kind, alone=chosen is not None) for number, kind in enumerate(kinds)}
    return {name: chart for name, chart in drawn.items() if chart is not None}


def families_left_out(view: ViewModel) -> Sequence[str]:
    """Kinds of metrics that have no chart because there are too many."""
    return families(view)[MOST_FAMILIES:]


def _values(trial: TrialView, kind: str, part: str | None = None) -> Iterator[float]:
    for metric, values in trial.curves.items():
        if family(metric) == kind and part in {None, part_of(metric)}:
            yield from values


def _chart(view: ViewModel, front: TrialView, kind: str, *, alone: bool) -> Chart | None:
    main = list(_values(front, kind))
    others = [] if alone else [trial for trial in view.ranking[: MOST_CURVES + 1] if trial is not front]
    recorded = {part_of(metric) for trial in view.trials for metric in trial.curves if family(metric) == kind}
    part = "validation" if "validation" in recorded else "training"
    behind = [value for trial in others for value in _values(trial, kind, part)]
    seen = [*main, *behind]
    if sum(map(math.isfinite, seen)) < 2:  # noqa: PLR2004 - no line
        return None
    low, high = _ends(main, behind)
    objective = view.objective.name
    often = all(
        len(values) == len(trial.curves.get(objective, values))
        for trial in [front, *others]
        for metric, values in trial.curves.items()
        if family(metric) == kind
    )
    step = view.step if often and view.step != VALUE else "value printed"
    spec = lite(
        [zoomed(_thin(kind, part, step)), _gap(kind, step), _lines(kind, step), *_beyond(kind, part, step), *_best_epoch(step)],
        low=low,
        high=high,
        first=1,
        last=max([2, *(len(values) for trial in [front, *others] for values in trial.curves.values())]),
        front=next(index for index, trial in enumerate(view.trials) if trial is front),
        behind=0 if alone else MOST_CURVES + 1,
        best_epoch=best_epochs(front.fit).get(kind),
    )
    thin = "" if alone else f"; thin: {part} of the other training jobs"
    note = sentences(f"solid: training; dashed: validation{thin}", _remark(main, behind, low, high))
    whose = "the best training job" if front is view.best else label(front.name)
    title = label(kind) if alone else f"{label(kind)} of {whose}"
    return Chart(title, {**spec, "usermeta": {"family": kind}}, note, logarithmic=positive(seen))


def best_epochs(fit: Fit) -> Mapping[str, int]:
    """The epoch with the best validation value, by the kind of metric that was judged; empty if none was."""
    return {} if fit.validation is None or fit.best_epoch is None else {family(fit.validation): fit.best_epoch}


def _ends(main: Sequence[float], behind: Sequence[float]) -> tuple[float, float]:
    """An axis for the curves in front, with what is near of those behind."""
    low, high = spread(main if any(map(math.isfinite, main)) else behind)
    reach = _FAR * (high - low)
    finite = [value for value in main if math.isfinite(value)]
    low, high = spread([*finite, *(value for value in behind if low - reach < value < high + reach)])
    return (0.0 if low < 0 <= min([*finite, *filter(math.isfinite, behind)], default=low) else low), high


def _remark(main: Sequence[float], behind: Sequence[float], low: float, high: float) -> str:
    off = sum(math.isfinite(value) and not low <= value <= high for value in main)
    no_number = sum(not math.isfinite(value) for value in main)
    hidden = sum(math.isfinite(value) and not low <= value <= high for value in behind)
    lost = sum(not math.isfinite(value) for value in behind)
    return sentences(
        f"{off} of its values beyond the axis: triangles" if off else "",
        f"{no_number} of its values no number: crosses" if no_number else "",
        f"{hidden} of the others' beyond the axis: small triangles" if hidden else "",
        f"{lost} of the others' no number" if lost else "",
    )


_FLAT: list[Spec] = [{"flatten": ["epochs", "values"], "as": ["epoch", "value"]}]


def _x(step: str) -> Spec:
    return {"field": "epoch", "type": "quantitative", "title": step, "axis": {"format": "d", "tickMinStep": 1},
            "scale": {"domain": [{"expr": "first"}, {"expr": "last"}], "nice": False, "padding": PADDING}}  # fmt: skip


def _of(kind: str) -> str:
    return f"datum.family === {literal(kind)}"


def _tooltip(kind: str, step: str) -> list[Spec]:
    return [
        {"field": "job", "title": "training job"},
        {"field": "metric", "title": "metric"},
        {"field": "epoch", "title": step},
        {"field": "value", "type": "quantitative", "title": label(kind), "format": ".5~g"},
    ]


_FRONT = "datum.i === front"
_BEHIND = "datum.i !== front && datum.rank < behind"


def _lines(kind: str, step: str) -> Spec:
    """Training and validation of the training job in front."""
    parts = {"field": "part", "type": "nominal", "legend": None}
    domain = ["training", "validation"]
    encoding = {
        "x": _x(step),
        "y": upright(Axis("value", label(kind))),
        "color": {**parts, "scale": {"domain": domain, "range": [FIRST, SECOND]}},
        "strokeDash": {**parts, "scale": {"domain": domain, "range": [[1, 0], [6, 4]]}},
        "detail": [{"field": "metric"}],
        "tooltip": _tooltip(kind, step),
    }
    mark = {
        "type": "line",
        "strokeWidth": 2.4,
        "clip": True,
        "point": {"size": 22, "opacity": 0.7},
        "invalid": "break-paths-filter-domains",
    }
    return layer("curves", mark, encoding, _FRONT, _of(kind), transform=_FLAT)


def _thin(kind: str, part: str, step: str) -> Spec:
    """One part of the other training jobs, behind; those that are filtered out are not drawn."""
    detail = [{"field": "i"}, {"field": "metric"}]
    encoding = {"x": _x(step), "y": upright(Axis("value", label(kind))), "detail": detail, "tooltip": _tooltip(kind, step)}
    mark = {"type": "line", "color": SOFT, "strokeWidth": 1, "opacity": 0.35, "clip": True, "cursor": "pointer"}
    keep = (_BEHIND, f"datum.part === '{part}'")
    return layer("curves", mark, encoding, *keep, _of(kind), PICKED, transform=_FLAT)


def _gap(kind: str, step: str) -> Spec:
    """The area between training and validation of the training job in front."""
    pivot: list[Spec] = [*_FLAT, {"pivot": "part", "value": "value", "groupby": ["epoch"]}]
    both = {"filter": "isValid(datum.training) && isValid(datum.validation)"}
    encoding = {"x": _x(step), "y": upright(Axis("training", label(kind))), "y2": {"field": "validation"}}
    mark = {"type": "area", "color": SECOND, "opacity": 0.13, "clip": True}
    return layer("curves", mark, encoding, _FRONT, _of(kind), transform=[*pivot, both])


def _beyond(kind: str, part: str, step: str) -> list[Spec]:
    """Marks at the edge for values beyond the axis, and in front for those that are no numbers."""
    down = {"expr": "height - 3"}
    above, below = "datum.value > high", "isValid(datum.value) && datum.value < low"
    front, behind = {"size": 40, "color": BAD}, {"size": 22, "color": SOFT, "opacity": 0.6}
    others = [_BEHIND, f"datum.part === '{part}'", PICKED]
    marks: list[tuple[str, str, object, Spec, list[str]]] = [
        (above, UP, 3, behind, others),
        (below, DOWN, down, behind, others),
        (above, UP, 3, front, [_FRONT]),
        (below, DOWN, down, front, [_FRONT]),
        ("!isValid(datum.value)", "cross", 3, front, [_FRONT]),
    ]
    return [
        layer(
            "curves",
            {"type": "point", "shape": shape, "filled": True, **style},
            {"x": _x(step), "y": {"value": edge}, "tooltip": _tooltip(kind, step)},
            *which,
            _of(kind),
            transform=[*_FLAT, {"filter": test}],
        )
        for test, shape, edge, style, which in marks
    ]


def _best_epoch(step: str) -> list[Spec]:
    """The epoch with the best validation value, where that was judged."""
    marked: Spec = {
        "data": {"values": [{}]},
        "transform": [
            {"filter": "isValid(best_epoch)"},
            {"calculate": "best_epoch", "as": "epoch"},
            {"calculate": f"'best: {step} ' + best_epoch", "as": "word"},
        ],
    }
    words = {"x": _x(step), "y": {"value": 10}, "text": {"field": "word"}}
    late = "best_epoch > (first + last) / 2"  # its words stand on the side that has room
    align, nudge = {"expr": f"{late} ? 'right' : 'left'"}, {"expr": f"{late} ? -4 : 4"}
    return [
        {**marked, "mark": {"type": "rule", "color": GOOD, "strokeDash": [3, 3]}, "encoding": {"x": _x(step)}},
        {**marked, "mark": {"type": "text", "align": align, "dx": nudge, "color": SOFT}, "encoding": words},
    ]
