"""The report as one HTML page: the view model, its charts with their data, and the programs that draw them."""

import base64
import hashlib
import html
import itertools
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from sm_tuning.analysis.curves import LogLines
from sm_tuning.client.status import duration
from sm_tuning.errors import optional_package
from sm_tuning.printable import printable
from sm_tuning.report.charts import charts
from sm_tuning.report.curve_charts import best_epochs, families_left_out
from sm_tuning.report.datasets import datasets
from sm_tuning.report.vegalite import Chart
from sm_tuning.report.view_model import TrialView, ViewModel

if TYPE_CHECKING:
    import jinja2

_LOGS = 300_000  # characters of all logs in a page
_MOST_LOGS = 50
_LONGEST = 400  # characters of a line


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
    environment.filters["coded"] = _coded
    environment.filters["duration"] = duration
    environment.filters["printable"] = printable
    return environment


class Trusted(str):
    """Markup made here, which a page holds as it is: style, script, and data as JSON."""

    __slots__ = ()

    def __html__(self) -> str:
        """What Jinja puts into a page instead of the escaped text."""
        return str(self)


def _coded(text: str) -> Trusted:
    """A sentence as markup, with what stands between backticks as code."""
    parts = html.escape(printable(text)).split("`")
    if len(parts) % 2 == 0:  # one has no partner
        return Trusted("`".join(parts))
    return Trusted("".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts)))


def page_data(
    view: ViewModel,
    drawn: Mapping[str, Chart],
    *,
    most_curves: int | None = None,
    only: TrialView | None = None,
    with_logs: bool = False,
) -> Trusted:
    """What the scripts of a page draw, as JSON that may stand inside a <script> element.

    Args:
        view: The view model.
        drawn: The charts by their names.
        most_curves: As for `datasets`.
        only: The one training job that the page is about.
        with_logs: Whether the ends of logs go with it.
    """
    rows = datasets(view, most_curves=most_curves)
    logs = _logs(view) if with_logs else {}
    if only is not None:
        index = next(index for index, trial in enumerate(view.trials) if trial is only)
        rows = {name: [row for row in table if row.get("i") == index] for name, table in rows.items()}
    data = {
        "charts": {
            name: {"title": chart.title, "spec": chart.spec, "logarithmic": chart.logarithmic} for name, chart in drawn.items()
        },
        "datasets": rows,
        "jobs": [] if only is not None else [_job(view, trial, logs.get(trial.name)) for trial in view.trials],
    }
    return Trusted(_json(data))


def _json(data: object) -> str:
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _job(view: ViewModel, trial: TrialView, log: LogLines | None) -> dict[str, Any]:
    """What a page tells of a training job that was opened; without a log it says that it has none."""
    figures = [
        (view.objective.name, "" if trial.reported is None else f"{trial.reported:.6g}"),
        ("status", trial.status),
        ("duration", duration(trial.seconds)),
        (view.made, str(trial.fit.epochs or "")),
        ("stopped at", trial.stopped_at),
    ]
    return {
        "name": printable(trial.name),
        "verdict": trial.fit.verdict.value,
        "reason": printable(trial.failure_reason or trial.fit.reason),
        "remarks": [printable(f"{remark.cause.value.capitalize()}: {remark.text}.") for remark in trial.fit.remarks],
        "proposal": [] if trial.proposal is None else [trial.proposal.kind.value, printable(trial.proposal.reason)],
        "best_epoch": best_epochs(trial.fit),
        "figures": [[printable(name), printable(text)] for name, text in figures if text],
        "hyperparameters": [[printable(name), printable(text)] for name, text in trial.hyperparameters.items()],
        "model": printable(trial.model or ""),
        "silent": [printable(str(check)) for check in trial.silent],
        "log": log,
    }


def _logs(view: ViewModel) -> dict[str, LogLines]:
    """The ends of the logs that a page holds: of the best, of those that failed, then of the others, the best first."""
    room = _LOGS // min(max(len(view.trials), 1), _MOST_LOGS)
    failed = [trial for trial in view.trials if trial.status == "Failed"]
    first = dict.fromkeys(trial.name for trial in (*view.ranking[:1], *failed, *view.best_first))
    trials = {trial.name: trial for trial in view.trials}
    return {name: _end(trials[name].log, room) for name in itertools.islice(first, _MOST_LOGS)}


def _end(log: LogLines, room: int) -> LogLines:
    """As many of the last lines as fit into some characters, a long line cut."""
    kept: list[tuple[str, bool]] = []
    for line, matched in reversed(log):
        text = printable(line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…")
        room -= len(_json([text, matched]))
        if room < 0:
            break
        kept.append((text, matched))
    return kept[::-1]


def scripts(*names: str) -> Sequence[str]:
    """The programs of a page: Vega, then ours in one."""
    here = files("sm_tuning.report")
    own = "\n".join(here.joinpath(name).read_text(encoding="utf-8") for name in names)
    return [here.joinpath("vega", "vega.js").read_text(encoding="utf-8"), own]


def page(view: ViewModel) -> str:
    """The whole report; raises MissingExtra without Jinja."""
    drawn = charts(view)
    programs = scripts("charts.js", "log.js", "page.js")
    rendered: str = (
        templates("sm_tuning.report")
        .get_template("page.html")
        .render(
            view=view,
            charts=drawn,
            left_out=families_left_out(view),
            numbers={trial.name: index for index, trial in enumerate(view.trials)},
            data=page_data(view, drawn, with_logs=True),
            style=Trusted(files("sm_tuning.report").joinpath("page.css").read_text(encoding="utf-8")),
            scripts=[Trusted(program) for program in programs],
            digests=[base64.b64encode(hashlib.sha256(program.encode()).digest()).decode() for program in programs],
            request=json.dumps(view.request, indent=2, default=str),
        )
    )
    return rendered
