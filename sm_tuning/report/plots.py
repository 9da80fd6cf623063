"""Charts of results in Python and in notebooks: the report's own specifications, each with its data in it."""

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from sm_tuning.analysis.results import Results
from sm_tuning.client.status import short_name
from sm_tuning.errors import Invalid, MissingExtra
from sm_tuning.report.charts import history, history_over_time
from sm_tuning.report.curve_charts import curve_charts
from sm_tuning.report.datasets import MOST_CURVES, Row, curves, datasets, family
from sm_tuning.report.figures import png, specification, svg
from sm_tuning.report.hyperparameter_charts import contour, importances, slices
from sm_tuning.report.parallel import parallel_coordinates
from sm_tuning.report.vegalite import LITE, Chart
from sm_tuning.report.view_model import ViewModel, view_model

# JupyterLab and VS Code know these types and draw them with what they bring. What the charts use is in both versions.
_LITE_TYPE, _LITE_5 = "application/vnd.vegalite.v5+json", "https://vega.github.io/schema/vega-lite/v5.json"
_FULL_TYPE, _FULL_5 = "application/vnd.vega.v5+json", "https://vega.github.io/schema/vega/v5.json"

_SUFFIXES = (".svg", ".png", ".json")


def require_suffix(file: Path) -> None:
    """Raise Invalid for a file whose name says no kind of chart."""
    if file.suffix.lower() not in _SUFFIXES:
        raise Invalid(f"{file.name} ends with {file.suffix!r}; it must end with .svg, .png or .json")


class Figure:
    """A chart. A notebook shows it; where nothing draws Vega-Lite, as SVG, if vl-convert is installed.

    Attributes:
        title: Its title.
        note: What is said below the title.
        specification: The Vega-Lite (of parallel coordinates: Vega) specification with its data and colours in it.
    """

    def __init__(self, title: str, note: str, specification: Mapping[str, Any]) -> None:
        self.title = title
        self.note = note
        self.specification = specification

    def svg(self) -> str:
        """The chart as SVG text; raises MissingExtra without vl-convert."""
        return svg(self.specification)

    def png(self) -> bytes:
        """The chart as an image on white; raises MissingExtra without vl-convert."""
        return png(self.specification)

    def save(self, path: str | Path) -> Path:
        """Write the chart as `.svg`, `.png` or, its specification, `.json`, and return the path.

        Raises:
            Invalid: The file's name ends otherwise.
            MissingExtra: vl-convert is not installed; a specification needs nothing.
        """
        file = Path(path)
        require_suffix(file)
        if file.suffix.lower() == ".png":
            file.write_bytes(self.png())
        else:
            text = self.svg() if file.suffix.lower() == ".svg" else json.dumps(self.specification, indent=1)
            file.write_text(text, encoding="utf-8")
        return file

    def __repr__(self) -> str:
        return f"<Figure {self.title!r}: save('chart.svg') draws it>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:  # noqa: ARG002 - IPython's
        """What a notebook shows, on white: the axes are dark."""
        shown = {**self.specification, "background": "#ffffff"}
        lite = shown["$schema"] == LITE
        bundle = {
            "text/plain": repr(self),
            _LITE_TYPE if lite else _FULL_TYPE: {**shown, "$schema": _LITE_5 if lite else _FULL_5},
        }
        try:
            return {**bundle, "image/svg+xml": svg(shown)}
        except MissingExtra:
            return bundle


class Plots:
    """The charts of results. Each method raises Invalid where there is nothing to draw, and says what is missing."""

    def __init__(self, results: Results) -> None:
        self._results = results

    @cached_property
    def _view(self) -> ViewModel:
        return view_model(self._results)

    @cached_property
    def _rows(self) -> Mapping[str, list[Row]]:
        return datasets(self._view, most_curves=MOST_CURVES)

    def _figure(self, chart: Chart | None, need: str, rows: Mapping[str, list[Row]] | None = None) -> Figure:
        if chart is None:
            raise Invalid(f"there is nothing to draw: {need}")
        return Figure(chart.title, chart.note, specification(chart, dict(rows or self._rows)))

    def history(self, *, over_time: bool = False) -> Figure:
        """The objective of each training job in the order of launch, or over time, and the best by then."""
        draw = history_over_time if over_time else history
        return self._figure(draw(self._view), "no training job has an objective yet")

    def parallel(self) -> Figure:
        """Parallel coordinates: a line for each training job across all hyperparameters and the objective."""
        return self._figure(parallel_coordinates(self._view), "parallel coordinates need two training jobs with an objective")

    def curves(self, metric: str | None = None, *, training_job: str | None = None) -> Figure:
        """Learning curves over the epochs: training and validation.

        Args:
            metric: A metric, as `validation:loss`, or what it measures, as `loss`; None for the objective.
            training_job: The name of the training job, or what follows its tuning job's name in it; None for the
                best one, with the others behind it.
        """
        view = self._view
        names = [(trial.name, short_name(trial.name)) for trial in view.trials]
        chosen = next((trial for trial, known in zip(view.trials, names, strict=True) if training_job in known), None)
        if training_job is not None and chosen is None:
            raise Invalid(f"training_job is {training_job!r}; none of the {len(view.trials)} training jobs has that name")
        drawn = {chart.spec["usermeta"]["family"]: chart for chart in curve_charts(view, chosen).values()}
        wanted = family(metric) if metric is not None else next(iter(drawn), None)
        if drawn and wanted not in drawn:
            raise Invalid(f"metric is {metric!r}; the metrics with learning curves are {', '.join(drawn)}")
        # One that is asked for may be none of the best, whose curves the data sets hold.
        rows = None if chosen is None else {**self._rows, "curves": curves(view)}
        return self._figure(drawn.get(wanted or ""), "no metric has been printed twice", rows)

    def importances(self) -> Figure:
        """How much of the objective's differences each hyperparameter decides."""
        return self._figure(importances(self._view), "nothing shows that a hyperparameter decides anything")

    def slice(self, hyperparameter: str | None = None) -> Figure:
        """The objective of each training job over the range of a hyperparameter.

        Args:
            hyperparameter: Its name; None for the most important one.
        """
        drawn = {name.removeprefix("slice-"): chart for name, chart in slices(self._view).items()}
        names = ", ".join(self._view.hyperparameters) or "none"
        if hyperparameter is not None and hyperparameter not in self._view.hyperparameters:
            raise Invalid(f"hyperparameter is {hyperparameter!r}; the tuned ones are {names}")
        chart = next(iter(drawn.values()), None) if hyperparameter is None else drawn.get(hyperparameter)
        return self._figure(chart, "no training job with the hyperparameter has an objective")

    def contour(self) -> Figure:
        """The objective over the two most important hyperparameters, smoothed between training jobs."""
        need = "a contour needs two tuned hyperparameters, and six training jobs with an objective that did not die"
        return self._figure(contour(self._view), need)
