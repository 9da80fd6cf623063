"""The charts of tuning jobs, as Vega-Lite specifications (parallel coordinates: Vega) for the data sets of `datasets`."""

from sm_tuning.report.axes import objective_axis, unit_of
from sm_tuning.report.comparison_charts import comparison, more_data
from sm_tuning.report.curve_charts import curve_charts
from sm_tuning.report.datasets import BEST, STOPPED, WRONG, lanes
from sm_tuning.report.hyperparameter_charts import contour, importances, slices
from sm_tuning.report.parallel import parallel_coordinates
from sm_tuning.report.simulation_chart import simulation_chart
from sm_tuning.report.vegalite import (
    PAPER,
    PICKED,
    SECOND,
    Chart,
    Spec,
    counted,
    layer,
    lite,
    outcome_colour,
    points,
    positive,
    remarks,
    sentences,
    tooltip,
    upright,
    zoomed,
)
from sm_tuning.report.view_model import ViewModel

_MOST_LANES = 120
_LANE = 20  # pixels
_SIGNS = {BEST: "★", WRONG: "✕", STOPPED: "■"}


def charts(view: ViewModel) -> dict[str, Chart]:
    """Every chart that there are data for, by its name."""
    drawn: dict[str, Chart | None] = {
        **comparison(view),
        "history": history(view),
        "history-over-time": history_over_time(view),
        **curve_charts(view),
        "more-data": more_data(view),
        "importances": importances(view),
        "parallel-coordinates": parallel_coordinates(view),
        **slices(view),
        "contour": contour(view),
        "timeline": timeline(view),
        "simulation": None if view.simulation is None else simulation_chart(view.simulation),
    }
    return {name: chart for name, chart in drawn.items() if chart is not None}


# --- objective --------------------------------------------------------------------------------------------------------------


def history(view: ViewModel) -> Chart | None:
    """The objective of each training job in the order of launch, and the best by then."""
    x = counted("number", "training jobs in the order of launch", {"format": "d", "tickMinStep": 1})
    return _history(view, "Objective by training job", x, "number", len(view.trials) + 1)


def history_over_time(view: ViewModel) -> Chart | None:
    """The objective of each training job at its end, and the best by then."""
    unit, divisor = unit_of(view.wall_seconds)
    x = counted("at", f"{unit} since the first was created", {})
    return _history(view, "Objective over time", x, "seconds", view.wall_seconds / divisor * 1.02 or 1.0)


def _history(view: ViewModel, title: str, x: Spec, steps: str, last: float) -> Chart | None:
    axis = objective_axis(view)
    values = [trial.objective for trial in view.trials]
    if not any(value is not None for value in values):
        return None
    _, divisor = unit_of(view.wall_seconds)
    timed = steps == "seconds"
    line = layer(
        "best_so_far",
        {"type": "line", "interpolate": "step-after", "strokeWidth": 2.5, "color": SECOND, "clip": True},
        {"x": {**x, "field": "at"}, "y": upright(axis, "best")},
        f"isValid(datum.{steps})",
        transform=[{"calculate": f"datum.{steps} / {divisor if timed else 1:g}", "as": "at"}],
    )
    marks = points(x, axis, view, legend=True, transform=[{"calculate": f"datum.end / {divisor:g}", "as": "at"}] if timed else [])
    spec = lite([zoomed(marks[0]), *marks[1:], line], low=axis.low, high=axis.high, last=last)
    return Chart(title, spec, sentences("line: the best so far", remarks(view.trials, axis, view)), logarithmic=positive(values))


# --- time -------------------------------------------------------------------------------------------------------------------


def timeline(view: ViewModel) -> Chart | None:
    """When each training job ran, in as many lanes as there were at a time."""
    if not view.timeline:
        return None
    count = max(lanes(view).values()) + 1
    drawn = min(count, _MOST_LANES)
    last = max(trial.end or 0.0 for trial in view.timeline)
    unit, divisor = unit_of(view.wall_seconds)
    x = counted("from", f"{unit} since the first was created", {})
    y = {"field": "lane", "type": "ordinal", "axis": None, "scale": {"domain": list(range(drawn)), "paddingInner": 0.2}}
    mark = {"type": "bar", "clip": True, "cursor": "pointer", "cornerRadius": 2, "stroke": PAPER, "strokeWidth": 0.5}
    within = [PICKED, f"datum.lane < {drawn}"]
    moved: list[Spec] = [
        {"calculate": f"datum.begin / {divisor:g}", "as": "from"},
        {"calculate": f"datum.end / {divisor:g}", "as": "to"},
    ]
    colour = outcome_colour(view)
    bars = layer(
        "trials",
        mark,
        {"x": x, "x2": {"field": "to"}, "y": y, "color": colour, "tooltip": tooltip(view)},
        *within,
        transform=moved,
    )
    # What could not be described has the whole seconds of a list: one that ran within one has no width.
    moments = layer(
        "trials",
        {"type": "tick", "thickness": 4, "stroke": PAPER, "strokeWidth": 1, "clip": True, "cursor": "pointer"},
        {"x": x, "y": y, "color": colour, "tooltip": tooltip(view)},
        *within,
        "datum.begin === datum.end",
        transform=moved,
    )
    signs = " : ".join(f"datum.outcome === '{name}' ? '{sign}'" for name, sign in _SIGNS.items()) + " : ''"
    words = layer(
        "trials",
        {"type": "text", "align": "left", "dx": 3, "color": PAPER, "fontSize": 11, "clip": True},
        {"x": x, "y": y, "text": {"field": "sign"}, "tooltip": tooltip(view)},
        *within,
        transform=[*moved, {"calculate": signs, "as": "sign"}],
    )
    left = count - drawn
    short = sum(trial.begin == trial.end for trial in view.timeline)
    without = len(view.trials) - len(view.timeline)
    note = sentences(
        f"★ the best; ■ {STOPPED}; ✕ {WRONG}",
        f"{short} began and ended in the same second: ticks, which may cover one another" if short else "",
        f"{left} more lanes are not drawn" if left > 0 else "",
        f"{without} without a start or an end: not drawn" if without else "",
    )
    spec = lite([zoomed(bars, "x"), moments, words], height=90 + _LANE * drawn, last=last / divisor or 1.0)
    return Chart("Timeline", spec, note, wide=True)
