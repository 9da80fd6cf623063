"""Charts as files of their own, without a browser: SVG and PNG by vl-convert, and specifications for notebooks."""

import json
import textwrap
from collections.abc import Mapping
from typing import Any

from sm_tuning.errors import optional_package
from sm_tuning.report.charts import charts
from sm_tuning.report.datasets import MOST_CURVES, datasets
from sm_tuning.report.vegalite import LITE, Chart
from sm_tuning.report.view_model import ViewModel

# What the style sheet of a page calls them.
_COLOURS = {
    "ink": "#1d2330",
    "soft": "#5b6577",
    "line": "#d6dae3",
    "paper": "#ffffff",
    "good": "#15803d",
    "bad": "#b42318",
    "one": "#2f5bd7",
    "two": "#c2410c",
    "three": "#7c3aed",
    "four": "#0e7490",
    "five": "#a16207",
}
_LINE = 100  # letters of a note, as wide as a chart
_SCALE = 2.0  # of a PNG file


def specifications(view: ViewModel) -> dict[str, dict[str, Any]]:
    """Every chart by its name, as a Vega-Lite (parallel coordinates: Vega) specification with its data and colours in it."""
    rows = datasets(view, most_curves=MOST_CURVES)
    return {name: specification(chart, rows) for name, chart in charts(view).items()}


def specification(chart: Chart, rows: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """A chart's specification that stands alone."""
    text = json.dumps(chart.spec)
    for name, colour in _COLOURS.items():
        text = text.replace(f"var(--{name})", colour)
    spec: dict[str, Any] = json.loads(text)
    used = {name: values for name, values in rows.items() if chart.uses(name)}
    if spec["$schema"] == LITE:
        return {**spec, "title": title(chart), "datasets": used}
    data = [{**table, "values": used[table["name"]]} if table["name"] in used else table for table in spec["data"]]
    return {**spec, "title": {**title(chart), "offset": 10}, "data": data}  # above the names of its axes


def title(chart: Chart) -> dict[str, Any]:
    """A chart's title with its note below, as a specification has them."""
    lines = textwrap.wrap(chart.note, _LINE)
    colours = {"color": _COLOURS["ink"], "subtitleColor": _COLOURS["soft"]}
    return {"text": chart.title, "subtitle": lines, "anchor": "start", "fontSize": 14, **colours}


def svg(spec: Mapping[str, Any]) -> str:
    """A specification that stands alone as SVG text; raises MissingExtra without vl-convert."""
    with optional_package("results", "charts as files need vl-convert"):
        import vl_convert  # noqa: PLC0415 - an extra
    drawn: str = (vl_convert.vegalite_to_svg if spec["$schema"] == LITE else vl_convert.vega_to_svg)(dict(spec))
    return drawn


def png(spec: Mapping[str, Any]) -> bytes:
    """A specification that stands alone as an image, twice as large, on white; raises MissingExtra without vl-convert."""
    with optional_package("results", "charts as files need vl-convert"):
        import vl_convert  # noqa: PLC0415 - an extra
    convert = vl_convert.vegalite_to_png if spec["$schema"] == LITE else vl_convert.vega_to_png
    return bytes(convert({**spec, "background": "#ffffff"}, scale=_SCALE))
