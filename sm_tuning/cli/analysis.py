"""Commands that judge and show what tuning jobs found."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sm_tuning.cli.app import Target, echo, echo_json, options, sm_tuning
from sm_tuning.errors import Invalid, MissingExtra

if TYPE_CHECKING:
    from sm_tuning.analysis import Diagnosis
    from sm_tuning.analysis.results import Results


def _judged(target: Target, jobs: tuple[str, ...]) -> "tuple[Results, Diagnosis]":
    """Results and diagnosis of tuning jobs, with their training jobs on shares of the training set if there are any."""
    from sm_tuning.analysis import diagnose as diagnosis_of  # noqa: PLC0415 - see command.py
    from sm_tuning.analysis.reading import read_scaling  # noqa: PLC0415 - see command.py
    from sm_tuning.analysis.results import Results  # noqa: PLC0415 - see command.py

    runs = [target.run(job) for job in jobs or ("latest",)]
    results = Results.read(*runs)
    return results, diagnosis_of(results, read_scaling(results, runs))


@sm_tuning.command()
@click.argument("jobs", nargs=-1)
@options
def diagnose(*, jobs: tuple[str, ...], target: Target, as_json: bool) -> None:
    """Say whether the best model over- or underfits, what each hyperparameter did, and what to do next."""
    from dataclasses import asdict  # noqa: PLC0415 - see command.py

    from sm_tuning.cli.display import console, diagnosis_lines  # noqa: PLC0415 - see command.py

    results, found = _judged(target, jobs)
    if as_json:
        echo_json(asdict(found))
        return
    for line in diagnosis_lines(results, found):
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
    from sm_tuning import dashboard as pages  # noqa: PLC0415 - see command.py

    place = "" if job is None else f"jobs/{target.run(job).name}"
    try:
        server, url = pages.serving(target.session(), port)
    except OSError as error:
        raise Invalid(f"--port {port}: {error.strerror or error}; choose another, or 0") from error
    if as_json:
        echo_json({"url": url + place})
    else:
        echo(f"dashboard: {url}{place}  (Ctrl-C ends it; the tuning jobs go on)")
    sys.stdout.flush()
    from sm_tuning.cli.emulator_process import awake  # noqa: PLC0415 - see command.py

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
    """Write what tuning jobs found as one HTML page: diagnosis, advice, charts, all training jobs."""
    from sm_tuning import report as reporting  # noqa: PLC0415 - see command.py

    results, found = _judged(target, jobs)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(reporting.page(results, found), encoding="utf-8")
    drawn = {} if figures is None else reporting.figures(results, found)
    if figures is not None:
        _write_figures(figures, drawn)
    if as_json:
        echo_json({"report": str(output.resolve()), "figures": sorted(drawn)})
    else:
        echo(f"report: {output.resolve()}")


def _write_figures(folder: Path, drawn: Mapping[str, str]) -> None:
    """Charts as SVG files, and as PNG files where what draws them is installed."""
    from sm_tuning.report import png  # noqa: PLC0415 - see command.py

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
    from sm_tuning.analysis.results import Results  # noqa: PLC0415 - see command.py

    results = Results.read(*(target.run(job) for job in jobs or ("latest",)), curves=output.suffix == ".json")
    results.write(output)
    if as_json:
        echo_json({"file": str(output), "rows": len(results.rows)})
    else:
        echo(f"{len(results.rows)} training jobs in {output}")
