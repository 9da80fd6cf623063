"""The chart of a simulation: the best objective against what was spent for it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sm_tuning.report.axes import Axis, spread
from sm_tuning.report.datasets import Row, simulation_rows
from sm_tuning.report.labels import label
from sm_tuning.report.vegalite import DASHES, SERIES, Chart, Spec, counted, layer, lite, sentences, upright, zoomed

if TYPE_CHECKING:
    from sm_tuning.simulation.simulation import Simulation


_HEIGHT = 400  # the legend has a line for each setting


def simulation_chart(simulation: "Simulation") -> Chart:
    """The best objective by instance-hours of some settings, with the recommendation below; it draws the data set `simulation`."""
    rows = simulation_rows(simulation)
    low, high = spread(in_sight(rows))
    axis = Axis("best", label(simulation.metric), low, high)
    names = list(dict.fromkeys(str(row["setting"]) for row in rows))
    symbols = {"symbolType": "stroke", "symbolStrokeWidth": 2.5, "symbolOpacity": 1.0}  # the areas' would be pale
    legend = {"title": None, "orient": "top", "columns": 1, "labelLimit": 520, **symbols}
    setting = {"field": "setting", "type": "nominal", "legend": legend}
    colours: Spec = {**setting, "scale": {"domain": names, "range": [SERIES[at % len(SERIES)] for at in range(len(names))]}}
    dashes: Spec = {**setting, "scale": {"domain": names, "range": [DASHES[at % len(DASHES)] for at in range(len(names))]}}
    x = counted("hours", "instance-hours", {})
    hint = [
        {"field": "setting", "title": "setting"},
        *(
            {"field": field, "type": "quantitative", "title": title, "format": ".4~g"}
            for field, title in (("hours", "instance-hours"), ("best", "median"), ("low", "in 8 of 10 from"), ("high", "to"))
        ),
    ]
    band = {"x": x, "y": upright(axis, "low"), "y2": {"field": "high"}, "color": colours}
    line = {"x": x, "y": upright(axis), "color": colours, "strokeDash": dashes, "tooltip": hint}
    layers = [
        zoomed(layer("simulation", {"type": "area", "opacity": 0.15, "clip": True}, band)),
        layer("simulation", {"type": "line", "strokeWidth": 2.2, "clip": True, "point": {"size": 18, "filled": True}}, line),
    ]
    last = max((float(row["hours"]) for row in rows), default=1.0)
    drawn = f"lines: medians of {simulation.seeds} simulated tuning jobs; areas: what holds 80 % of them{simulation.margin}"
    note = sentences(*simulation.recommendation.sentences, drawn)
    return Chart(
        "Best objective by instance-hours", lite(layers, height=_HEIGHT, low=low, high=high, last=last * 1.02 or 1.0), note
    )


def in_sight(rows: Sequence[Row]) -> list[float]:
    """Values that have to be in sight: of each setting the median after a quarter of its hours, the interval after a half."""
    ends: dict[object, float] = {}
    for row in rows:
        ends[row["setting"]] = max(float(row["hours"]), ends.get(row["setting"], 0.0))
    after = {"best": 0.25, "low": 0.5, "high": 0.5}
    return [
        float(row[name]) for name, share in after.items() for row in rows if float(row["hours"]) >= share * ends[row["setting"]]
    ]
