"""The report as one HTML page, and its charts as files."""

import base64
import hashlib
import json
from importlib.resources import files
from typing import TYPE_CHECKING

from sm_tuning.client.status import duration
from sm_tuning.errors import optional_package
from sm_tuning.printable import printable
from sm_tuning.report.charts import RULES, charts
from sm_tuning.report.svg import alone
from sm_tuning.report.view_model import ViewModel

if TYPE_CHECKING:
    import jinja2

_EFFECT = "effect-"


def figures(view: ViewModel) -> dict[str, str]:
    """Every chart by its name, as SVG text that stands alone."""
    return {name: alone(svg, RULES) for name, svg in charts(view).items()}


def templates(*packages: str) -> "jinja2.Environment":
    """A Jinja environment of some packages' pages: texts are escaped, and characters that turn or hide text around them are shown.

    Raises:
        MissingExtra: Jinja is not installed.
    """
    with optional_package("cli", "pages need Jinja"):
        import jinja2  # noqa: PLC0415 - an extra

    def shown(value: object) -> object:
        return printable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value

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


class Trusted(str):
    """Markup made here, which a page holds as it is: charts, whose texts are escaped, style and script."""

    __slots__ = ()

    def __html__(self) -> str:
        """What Jinja puts into a page instead of the escaped text."""
        return str(self)


def page(view: ViewModel) -> str:
    """The whole report; raises MissingExtra without Jinja."""
    environment = templates("sm_tuning.report")
    here = files("sm_tuning.report")
    script = here.joinpath("page.js").read_text(encoding="utf-8")
    drawn = {name: Trusted(svg) for name, svg in charts(view).items()}
    rendered: str = environment.get_template("page.html").render(
        view=view,
        effect_charts={name.removeprefix(_EFFECT): svg for name, svg in drawn.items() if name.startswith(_EFFECT)},
        drawn=drawn,
        rules=Trusted(RULES),
        style=Trusted(here.joinpath("page.css").read_text(encoding="utf-8")),
        script=Trusted(script),
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        request=json.dumps(view.request, indent=2, default=str),
    )
    return rendered
