"""The report as one HTML page, and its charts as files."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from sm_tuning.analysis import Diagnosis, diagnose
from sm_tuning.analysis.results import Results
from sm_tuning.client.run import duration
from sm_tuning.errors import MissingExtra, optional_package
from sm_tuning.printable import printable
from sm_tuning.report import charts, comparison
from sm_tuning.report.svg import alone

_HIDDEN = {"ResponseMetadata"}


def figures(results: Results, found: Diagnosis | None = None) -> dict[str, str]:
    """Every chart by its name, as SVG text that stands alone."""
    return {name: alone(svg, charts.RULES) for name, svg in _figures(results, found or diagnose(results)).items()}


def _figures(results: Results, found: Diagnosis) -> dict[str, str]:
    drawn = {
        **comparison.figures(results),
        "learning-curves": charts.learning_curves(results, found),
        "more-data": charts.more_data(results, found),
        "best-so-far": charts.best_so_far(results),
        "importances": charts.importances(_importances(results, found)),
        "parallel-coordinates": charts.parallel_coordinates(results),
        "timeline": charts.timeline(results),
        **{f"effect-{name}": svg for name, svg in charts.effects(results, found)},
    }
    return {name: svg for name, svg in drawn.items() if svg is not None}


def _importances(results: Results, found: Diagnosis) -> list[tuple[str, float]]:
    try:
        shares = results.importances()
    except MissingExtra:
        shares = {}
    return list((shares or {effect.name: effect.strength for effect in found.effects}).items())


def templates(*packages: str) -> Any:  # noqa: ANN401 - Jinja is an extra
    """A Jinja environment of some packages' pages: texts are escaped, and what would turn or hide text around them is shown.

    Raises:
        MissingExtra: Jinja is not installed.
    """
    with optional_package("cli", "pages need Jinja"):
        import jinja2  # noqa: PLC0415 - an extra
        from markupsafe import Markup  # noqa: PLC0415 - of that extra

    def shown(value: object) -> object:
        return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(package, ".") for package in packages]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    environment.filters["duration"] = duration
    return environment


def page(results: Results, found: Diagnosis | None = None) -> str:
    """The whole report; raises MissingExtra without Jinja."""
    environment = templates("sm_tuning.report")
    from markupsafe import Markup  # noqa: PLC0415 - of an extra

    found = found or diagnose(results)
    here = files("sm_tuning.report")
    script = here.joinpath("page.js").read_text(encoding="utf-8")
    drawn = {name: Markup(svg) for name, svg in _figures(results, found).items()}  # noqa: S704 - drawn here, its texts escaped
    rendered: str = environment.get_template("page.html").render(
        results=results,
        found=found,
        best=results.best,
        contenders=comparison.contenders(results, found),
        counts=Counter(fit.verdict.value for fit in found.fits.values()).most_common(),
        effects={name.removeprefix("effect-"): svg for name, svg in drawn.items() if name.startswith("effect-")},
        drawn=drawn,
        rules=Markup(charts.RULES),  # noqa: S704 - ours
        style=Markup(here.joinpath("page.css").read_text(encoding="utf-8")),  # noqa: S704 - ours
        script=Markup(script),  # noqa: S704 - ours
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        request=json.dumps(_request(results), indent=2, default=str),
    )
    return rendered


def _request(results: Results) -> Mapping[str, Any]:
    """What the service says of the first tuning job, which is what would repeat it."""
    if not results.requests:
        return {}
    kept = ("HyperParameterTuningJobName", "HyperParameterTuningJobConfig", "TrainingJobDefinition", "TrainingJobDefinitions")
    return {name: results.requests[0][name] for name in (*kept, "WarmStartConfig", "Autotune") if name in results.requests[0]}
