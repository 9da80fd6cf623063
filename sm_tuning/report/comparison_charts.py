"""Charts beside each other: tuning jobs that are compared, and the objective on growing shares of the training set."""

from sm_tuning.report.axes import Axis, spread, unit_of
from sm_tuning.report.labels import label
from sm_tuning.report.vegalite import (
    DASHES,
    DOWN,
    FIRST,
    INK,
    SECOND,
    SERIES,
    SOFT,
    UP,
    Chart,
    Spec,
    beyond,
    counted,
    layer,
    lite,
    positive,
    upright,
    zoomed,
)
from sm_tuning.report.view_model import ViewModel

_MOST_LINES = 12  # kinds of line that can be told apart


def comparison(view: ViewModel) -> dict[str, Chart]:
    """The best so far of each tuning job over time and over training jobs, by the chart's name; empty for a single one."""
    if not view.comparison or view.best is None:
        return {}
    seconds = max((time for job in view.comparison for time, _ in job.best_over_time), default=0.0)
    count = max((number for job in view.comparison for number, _ in job.best_over_trials), default=1.0)
    unit, divisor = unit_of(seconds)
    label = f"{unit} since it began"
    over_time = _best_so_far(view, "Best so far over time", counted("x", label, {}), ("seconds", divisor), seconds / divisor)
    x = counted("x", "training jobs that have ended", {"format": "d", "tickMinStep": 1})
    over_jobs = _best_so_far(view, "Best so far over training jobs", x, ("count", 1.0), count)
    return {"compared-over-time": over_time, "compared-over-jobs": over_jobs}


def _best_so_far(view: ViewModel, title: str, x: Spec, field: tuple[str, float], last: float) -> Chart:
    """A line for each tuning job over a field, divided by its unit, from 0 to the last."""
    steps = [value for job in view.comparison for _, value in job.best_over_time]
    ends = [job.best_over_time[-1][1] for job in view.comparison if job.best_over_time]
    low, high = spread(steps)
    room = 0.05 * (max([high, *ends]) - min([low, *ends]))
    low, high = min([low, *(end - room for end in ends)]), max([high, *(end + room for end in ends)])  # every best is on the axis
    axis = Axis("best", label(view.objective.name), low, high)
    names = [label(job.name) for job in view.comparison]
    kinds = range(_MOST_LINES)
    legend = {"title": None, "orient": "top", "columns": {"expr": "narrow ? 1 : 2"}, "labelLimit": 260,
              "symbolType": "stroke", "symbolSize": 400, "symbolStrokeWidth": 2.5}  # fmt: skip
    job = {"field": "tuning_job", "type": "nominal", "legend": legend}
    colours = {"domain": names, "range": [SERIES[index % len(SERIES)] for index in kinds]}
    dashes = {"domain": names, "range": [DASHES[(index + index // len(SERIES)) % len(DASHES)] for index in kinds]}
    hint = [
        {"field": "tuning_job", "title": "tuning job"},
        {"field": "best", "type": "quantitative", "title": label(view.objective.name), "format": ".5~g"},
    ]
    where: Spec = {"x": x, "color": {**job, "scale": colours}, "tooltip": hint}
    shown = {**where, "y": upright(axis), "strokeDash": {**job, "scale": dashes}}
    transform: list[Spec] = [{"calculate": f"datum.{field[0]} / {field[1]:g}", "as": "x"}]
    mark = {"type": "line", "interpolate": "step-after", "strokeWidth": 2.2, "clip": True, "point": {"size": 18, "filled": True}}
    test = f"isValid(datum.{field[0]})"
    edges = [
        layer("comparison", {"type": "point", "shape": shape, "filled": True, "size": 50}, {**where, "y": {"value": at}}, test, edge,
              transform=transform)
        for edge, shape, at in (("datum.best > high", UP, 2), ("datum.best < low", DOWN, {"expr": "height - 2"}))
    ]  # fmt: skip
    lines = layer("comparison", mark, shown, test, transform=transform)
    spec = lite([zoomed(lines), *edges], low=low, high=high, last=last * 1.02 or 1.0)
    return Chart(title, spec, beyond(steps, low, high), logarithmic=positive(steps))


def more_data(view: ViewModel) -> Chart | None:
    """The objective on growing shares of the training set, and what more data would bring."""
    curve = view.data_scaling
    if curve is None:
        return None
    values = [value for _, train, value in curve.points] + [train for _, train, _ in curve.points if train is not None]
    ends = [*values, curve.twice, *curve.between, *(curve.at(share) for share, _, _ in curve.points[-1:])]
    room = 0.05 * (max(ends) - min(ends)) or 1.0
    low, high = min(ends) - room, max(ends) + room  # all of them: nothing is beyond
    axis = Axis("value", label(view.objective.name), low, high)
    first, last = curve.points[0][0], curve.points[-1][0]
    scale = {"type": "log", "domain": [first, 2 * last], "nice": False}
    x = {
        "field": "share",
        "type": "quantitative",
        "title": f"share of the training data ({label(curve.hyperparameter)})",
        "scale": scale,
    }
    kinds = {"field": "line", "type": "nominal", "legend": {"title": None, "orient": "top"}}
    domain = ["training", "validation"]
    lines = {
        "x": x,
        "y": upright(axis),
        "color": {**kinds, "scale": {"domain": domain, "range": [FIRST, SECOND]}},
        "strokeDash": {**kinds, "scale": {"domain": domain, "range": [[1, 0], [6, 4]]}},
        "tooltip": [{"field": "share"}, {"field": "value", "title": label(view.objective.name), "format": ".5~g"}],
    }
    area = {"x": x, "y": upright(axis, "low"), "y2": {"field": "high"}}
    title = "with twice the data, about"
    ahead = {
        "x": x,
        "y": upright(axis, "twice"),
        "tooltip": [{"field": "twice", "type": "quantitative", "title": title, "format": ".5~g"}],
    }
    dot = {"type": "point", "filled": True, "size": 130, "color": SECOND, "stroke": INK}
    layers = [
        layer("scaling", {"type": "area", "color": FIRST, "opacity": 0.15}, area, "isValid(datum.low)"),
        layer(
            "scaling",
            {"type": "line", "color": SOFT, "strokeWidth": 1},
            {"x": x, "y": upright(axis, "law")},
            "isValid(datum.law)",
        ),
        layer("scaling", {"type": "line", "point": True}, lines, "isValid(datum.value)"),
        layer("scaling", dot, ahead, "isValid(datum.twice)"),
    ]
    note = curve.sentence(view.objective.name)
    if not curve.unused:
        note += "; thin: the power law through it; large: twice the data"
    return Chart("Would more data help?", lite([zoomed(layers[0]), *layers[1:]], low=low, high=high), note)
