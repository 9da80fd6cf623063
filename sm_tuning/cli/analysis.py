"""Commands that show the results of tuning jobs."""

import re
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sm_tuning.cli.app import Target, echo, echo_json, options, sm_tuning
from sm_tuning.errors import Invalid, MissingExtra

if TYPE_CHECKING:
    from sm_tuning.report.view_model import ViewModel


def _view(target: Target, jobs: tuple[str, ...], *, forest: bool = False) -> "ViewModel":
    """The view model of tuning jobs, with their training jobs on shares of the training set if there are any."""
    from sm_tuning.analysis.reading import read_data_scaling, read_results  # noqa: PLC0415 - see commands.py
    from sm_tuning.report.view_model import view_model  # noqa: PLC0415 - see commands.py

    runs = [target.run(job) for job in jobs or ("latest",)]
    results = read_results(*runs)
    return view_model(results, read_data_scaling(results, runs), forest=forest)


@sm_tuning.command()
@click.argument("jobs", nargs=-1)
@options
def diagnose(*, jobs: tuple[str, ...], target: Target, as_json: bool) -> None:
    """Say whether the best model over- or underfits, what each hyperparameter did, and what to do next."""
    from sm_tuning.cli.display import console, diagnosis_lines  # noqa: PLC0415 - see commands.py

    view = _view(target, jobs)
    if as_json:
        echo_json(asdict(view.diagnosis))
        return
    for line in diagnosis_lines(view):
        console().print(line)


@sm_tuning.command()
@click.argument("job", required=False)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Where to answer on this machine; 0 takes a free one.  [default: 4578, or a free one]",
)
@options
def dashboard(*, job: str | None, port: int | None, target: Target, as_json: bool) -> None:
    """Show tuning jobs in a browser, live while they run, until Ctrl-C; with JOB say where that one is."""
    from sm_tuning import dashboard as pages  # noqa: PLC0415 - see commands.py

    path = "" if job is None else f"jobs/{target.run(job).name}"
    try:
        server, url = pages.serving(target.session(), port)
    except OSError as error:
        raise Invalid(f"--port {port}: {error.strerror or error}; choose another, or 0") from error
    if as_json:
        echo_json({"url": url + path})
    else:
        echo(f"dashboard: {url}{path}  (Ctrl-C ends it; the tuning jobs go on)")
    sys.stdout.flush()
    from sm_tuning.cli.emulator_process import awake  # noqa: PLC0415 - see commands.py

    try:
        with awake(target.url):
            server.run()
    finally:
        server.close()


@sm_tuning.command()
@click.argument("jobs", nargs=-1)
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("report.html"), show_default=True, help="The page.")
@click.option(
    "--figures", type=click.Path(path_type=Path, file_okay=False), help="A folder for the charts, too: SVG and PNG files."
)
@options
def report(*, jobs: tuple[str, ...], output: Path, figures: Path | None, target: Target, as_json: bool) -> None:
    """Write a report on tuning jobs as one HTML page: diagnosis, advice, charts, all training jobs."""
    from sm_tuning import report as reporting  # noqa: PLC0415 - see commands.py

    view = _view(target, jobs, forest=True)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(reporting.page(view), encoding="utf-8")
    drawn = {} if figures is None else reporting.figures(view)
    if figures is not None:
        _write_figures(figures, drawn)
    if as_json:
        echo_json({"report": str(output.resolve()), "figures": sorted(drawn)})
    else:
        echo(f"report: {output.resolve()}")


def _write_figures(folder: Path, drawn: Mapping[str, str]) -> None:
    """Write charts as SVG files, and as PNG files where resvg-py is installed."""
    from sm_tuning.report import png  # noqa: PLC0415 - see commands.py

    folder.mkdir(parents=True, exist_ok=True)
    # A hyperparameter's name is anybody's text.
    safe = {folder / re.sub("[^A-Za-z0-9_.-]", "_", name): svg for name, svg in drawn.items()}
    for path, svg in safe.items():
        path.with_name(f"{path.name}.svg").write_text(svg, encoding="utf-8")
    try:
        for path, svg in safe.items():
            path.with_name(f"{path.name}.png").write_bytes(png(svg))
    except (MissingExtra, Invalid) as error:
        echo(f"only SVG files: {error}", error=True)


@sm_tuning.command()
@click.argument("jobs", nargs=-1)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="A .csv, .json or .parquet file.")
@options
def export(*, jobs: tuple[str, ...], output: Path, target: Target, as_json: bool) -> None:
    """Write the training jobs of tuning jobs to a file: a row each; with .json their learning curves too."""
    from sm_tuning.analysis.reading import read_results  # noqa: PLC0415 - see commands.py

    results = read_results(*(target.run(job) for job in jobs or ("latest",)), curves=output.suffix == ".json")
    results.write(output)
    if as_json:
        echo_json({"file": str(output), "rows": len(results.trials)})
    else:
        echo(f"{len(results.trials)} training jobs in {output}")
