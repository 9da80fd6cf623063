"""Commands that show the results of tuning jobs."""

import json
import re
import sys
from dataclasses import asdict, replace
from pathlib import Path

from sm_tuning import dashboard as pages
from sm_tuning import report as reporting
from sm_tuning.analysis.proposals import Proposals
from sm_tuning.analysis.reading import read_data_scaling, read_failures, read_results, with_stops
from sm_tuning.cli.display import console, diagnosis_lines
from sm_tuning.cli.options import load
from sm_tuning.cli.output import echo, echo_json
from sm_tuning.cli.session import job_of, run_of
from sm_tuning.cli.target import Target
from sm_tuning.client.emulator_process import awake
from sm_tuning.errors import Invalid, MissingExtra
from sm_tuning.report.view_model import ViewModel, view_model
from sm_tuning.results import read_proposals


def _view(target: Target, jobs: tuple[str, ...], *, explain: bool = False, simulate: bool = False) -> ViewModel:
    """The view model of tuning jobs, with their training jobs on shares of the training set if there are any, or simulated."""
    runs = [run_of(target.session(), job) for job in jobs or ("latest",)]
    results = read_results(*runs)
    proposals = read_proposals(results, runs) if explain else Proposals()
    view = view_model(results, read_data_scaling(results, runs), read_failures(results, runs), proposals)
    return replace(view, simulation=load("simulate.by_default")(results, target)) if simulate else view


def diagnose(*, jobs: tuple[str, ...], target: Target, as_json: bool) -> None:
    """Say whether the best model over- or underfits, what each hyperparameter did, and what to do next."""
    view = _view(target, jobs)
    if as_json:
        echo_json(asdict(view.diagnosis))
        return
    for line in diagnosis_lines(view):
        console().print(line)


def dashboard(*, job: str | None, port: int | None, target: Target, as_json: bool) -> None:
    """Show tuning jobs in a browser, live while they run, until Ctrl-C; with JOB say where that one is."""
    path = "" if job is None else _path_of(target, job)
    try:
        server, url = pages.serving(target.session(), port)
    except OSError as error:
        raise Invalid(f"--port {port}: {error.strerror or error}; choose another, or 0") from error
    if as_json:
        echo_json({"url": url + path})
    else:
        echo(f"dashboard: {url}{path}  (Ctrl-C ends it; the tuning jobs go on)")
    sys.stdout.flush()
    try:
        with awake(target.url):
            server.run()
    finally:
        server.close()


def _path_of(target: Target, name: str) -> str:
    """The page of a training job or a tuning job."""
    run, training = job_of(target.session(), name)
    return f"jobs/{run.name}" if training is None else f"training-jobs/{training}"


def report(*, jobs: tuple[str, ...], output: Path, figures: Path | None, simulate: bool, target: Target, as_json: bool) -> None:
    """Write a report on tuning jobs as one HTML page: diagnosis, advice, charts, all training jobs."""
    view = _view(target, jobs, explain=True, simulate=simulate)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(reporting.page(view), encoding="utf-8")
    drawn = [] if figures is None else _write_figures(figures, view)
    if as_json:
        echo_json({"report": str(output.resolve()), "figures": drawn})
    else:
        echo(f"report: {output.resolve()}")


def _write_figures(folder: Path, view: ViewModel) -> list[str]:
    """Write charts as SVG and PNG files, and their specifications; return their names."""
    specifications = reporting.specifications(view)
    # A hyperparameter's name is anybody's text.
    paths = {name: folder / re.sub("[^A-Za-z0-9_.-]", "_", name) for name in specifications}
    folder.mkdir(parents=True, exist_ok=True)
    for name, spec in specifications.items():
        path = paths[name]
        path.with_name(f"{path.name}.vl.json").write_text(json.dumps(spec), encoding="utf-8")
    try:
        for name, spec in specifications.items():
            path = paths[name]
            path.with_name(f"{path.name}.svg").write_text(reporting.svg(spec), encoding="utf-8")
            path.with_name(f"{path.name}.png").write_bytes(reporting.png(spec))
    except MissingExtra as error:
        echo(f"only Vega's specifications: {error}", error=True)
    return sorted(specifications)


def export(*, jobs: tuple[str, ...], output: Path, target: Target, as_json: bool) -> None:
    """Write the training jobs of tuning jobs to a file: a row each; with .json their learning curves too."""
    runs = [run_of(target.session(), job) for job in jobs or ("latest",)]
    results = read_results(*runs) if output.suffix == ".json" else with_stops(read_results(*runs, curves=False), runs)
    results.write(output)
    if as_json:
        echo_json({"file": str(output), "rows": len(results.trials)})
    else:
        echo(f"{len(results.trials)} training jobs in {output}")
