"""Commands that launch a tuning job and follow it to its end."""

import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click
from rich.text import Text

from sm_tuning.analysis.data_scaling import data_scaling_curve
from sm_tuning.analysis.reading import read_results, read_stops
from sm_tuning.boto import Session
from sm_tuning.cli import plan
from sm_tuning.cli.display import (
    Progress,
    console,
    data_scaling_lines,
    number,
    safe_lines,
    trainings_table,
    without_model,
)
from sm_tuning.cli.documents import status_document, training_document
from sm_tuning.cli.failures import FAILED, INTERRUPTED
from sm_tuning.cli.job_file import JobFile
from sm_tuning.cli.output import echo, echo_json
from sm_tuning.cli.session import run_of
from sm_tuning.cli.tables import safe
from sm_tuning.cli.target import Target
from sm_tuning.client.emulator_process import configured, state_of
from sm_tuning.client.run import TuningRun
from sm_tuning.client.status import RunStatus, Training, better_still
from sm_tuning.errors import Invalid, NameTaken, NotLaunched
from sm_tuning.spec.data_scaling import DataScaling
from sm_tuning.spec.job import unique_name
from sm_tuning.spec.toml import load_data_scaling
from sm_tuning.tuning_job import TuningJob


def run(
    *,
    job_file: JobFile,
    max_cost: float | None,
    name: str | None,
    parallel: int | None,
    wait: bool,
    timeout: float | None,
    data_scaling: bool,
    learning_curve: bool,
    dashboard: bool,
    yes: bool,
    target: Target,
    as_json: bool,
) -> None:
    """Launch a tuning job and follow it: on the emulator, or with --aws for real."""
    if learning_curve:
        echo("warning: --learning-curve is called --data-scaling now; the old name goes with version 0.3", error=True)
        data_scaling = True
    job = job_file.load(target, parallel=parallel)
    job = job.named(name or unique_name(job.name))
    scaling = _scaling(job_file.file, job, wait=wait) if data_scaling else None
    prices = job_file.prices(job, target) if target.aws or max_cost is not None else {}
    job_file.check_cost(job, prices, max_cost, more=len(scaling.shares) if scaling else 0)
    if target.aws:
        _confirm(job, scaling, prices, yes=yes)
    else:
        for warning in job.dry_run().warnings:
            echo(f"warning: {warning}", error=True)
    if scaling:
        for warning in _share_warnings(job, scaling):
            echo(f"warning: {warning}", error=True)
    session = target.session(job.max_parallel)
    launched = _launched(job, session)
    shown = _served(session, launched.name) if dashboard and wait else target.command("dashboard", launched.name)
    echo(f"created {launched.name} {_where(target)}\nin a browser: {shown}", error=True)
    if not wait:
        if as_json:
            echo_json(status_document(launched.status()))
        return
    status = followed(launched, timeout, target)
    if not as_json:
        _show_end(launched, status, target)
    more = _scaled(scaling.job(job, status.best.hyperparameters), target, timeout) if scaling and status.best else {}
    if as_json:
        echo_json({**_document(launched, status), **more})
    sys.exit(0 if status.status == "Completed" else FAILED)


def _launched(job: TuningJob, session: Session) -> TuningRun:
    """The tuning job, launched; of a name that is taken the error says what to type."""
    try:
        return job.launch(session)
    except NameTaken as error:
        raise NotLaunched(f"{error.fact}; leave out --name for a name that is free, or give another --name") from error


def _scaling(file: Path, job: TuningJob, *, wait: bool) -> DataScaling:
    """The shares of the training set that the file asks for, checked before anything runs."""
    if not wait:
        raise Invalid("--data-scaling begins when the tuning job has ended; leave --no-wait out")
    scaling = load_data_scaling(file)
    scaling.check(job)
    return scaling


def _share_warnings(job: TuningJob, scaling: DataScaling) -> Iterator[str]:
    """What the dry run of the training jobs on shares says of the hyperparameter that passes the share."""
    for warning in scaling.job(job, {}).dry_run().warnings:
        if repr(scaling.hyperparameter) in warning:
            yield f"--data-scaling: {warning}"


def _scaled(job: TuningJob, target: Target, timeout: float | None) -> Mapping[str, Any]:
    """Run the training jobs on growing shares of the training set and say what more data would bring."""
    launched = _launched(job, target.session())
    echo(f"created {launched.name}: the best hyperparameters on growing shares of the training set", error=True)
    followed(launched, timeout, target)
    out = console(error=True)
    for group in launched.failures():
        out.print(safe_lines(str(group)))
    results = read_results(launched)
    scaling = data_scaling_curve(results)
    for line in data_scaling_lines(results.objective.name, scaling):
        out.print(line)
    return {"DataScaling": None if scaling is None else asdict(scaling)}


def _where(target: Target) -> str:
    return "in AWS" if target.aws else f"on the emulator at {target.url}"


def _served(session: Session, name: str) -> str:
    """The address of a tuning job's live page, which is served as long as this program runs."""
    from sm_tuning import dashboard as pages  # noqa: PLC0415 - half the package and jinja2, for --dashboard alone

    server, url = pages.serving(session, None)
    threading.Thread(target=server.run, daemon=True).start()
    return f"{url}jobs/{name}"


def _confirm(job: TuningJob, scaling: DataScaling | None, prices: Mapping[str, float], *, yes: bool) -> None:
    result = job.dry_run()
    plan.show_plan(job, plan.document(job, result, prices))
    if scaling is not None:
        echo(f"then {len(scaling.shares)} training jobs on growing shares of the training set")
    if yes or not result.ok:  # then the launch says what is wrong
        return
    if not sys.stdin.isatty():
        raise Invalid("launching in AWS costs money; without a terminal to ask on, give --yes")
    click.confirm("Launch this in AWS?", abort=True)


def followed(launched: TuningRun, timeout: float | None, target: Target) -> RunStatus:
    """Follow a tuning job to its end. The first Ctrl-C leaves it running, a second one stops it."""
    try:
        with _interruptible(), Progress(launched) as progress:
            return launched.wait(progress, timeout=timeout)
    except KeyboardInterrupt:
        _let_go(launched, target)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Raise KeyboardInterrupt again and again until it is handled: Python swallows it in finalizers."""

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # whoever started it (nohup, a script's background) wants none
        yield
        return
    before = {number: signal.signal(number, interrupted) for number in (signal.SIGINT, signal.SIGALRM)}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _document(launched: TuningRun, status: RunStatus) -> dict[str, Any]:
    trainings = launched.trainings()
    stops = read_stops(launched, trainings)
    rows = [training_document(training, stops) for training in trainings]
    return {**status_document(status), "TrainingJobSummaries": rows}


def _let_go(launched: TuningRun, target: Target) -> NoReturn:
    try:
        echo(
            f"\n{launched.name} goes on. Follow it: {target.command('attach', launched.name)}\n"
            f"Stop it: {target.command('stop', launched.name)}, or press Ctrl-C again now (within 3 seconds).",
            error=True,
        )
        time.sleep(3)
    except KeyboardInterrupt:
        launched.stop()
        echo(f"stopping {launched.name}", error=True)
    sys.exit(INTERRUPTED)


def _show_end(launched: TuningRun, status: RunStatus, target: Target) -> None:
    out = console()
    best = status.best
    rows = _by_objective(launched.trainings(), status.goal)
    out.print()
    out.print(trainings_table(rows, status.objective, best=best.name if best else None, stops=read_stops(launched, rows)))
    out.print()
    if best is not None:
        out.print("best hyperparameters", style="bold")
        for name, value in best.hyperparameters.items():
            out.print("  ", safe(name), "=", safe(value))
        model = safe(launched.model_uri(best.name))
        out.print(safe(status.objective), number(best.value), "by", safe(best.name))
        out.print("its log:  ", safe(target.command("logs", best.name)), soft_wrap=True)
        if launched.has_model(best.name):
            out.print("its model:", model, soft_wrap=True)
            out.print("fetch it: ", safe(target.command("best", launched.name, "--download", ".")), soft_wrap=True)
        else:
            out.print("its model:", without_model(model), soft_wrap=True)
    if status.best_of_parents is not None:
        out.print(safe(better_still(status.objective, status.best_of_parents)), soft_wrap=True)
    if status.failure_reason:
        out.print(Text("failed:", "red"), safe(status.failure_reason))
    silent = launched.silent_metrics() if best is None and status.launched > status.failed else ()
    for group in [*launched.failures(), *(metric for metric in silent if metric.check.metric == status.objective)]:
        out.print(safe_lines(str(group)))
    if not target.aws:
        out.print(_emulator_line(target), markup=False, soft_wrap=True)


def _by_objective(trainings: Sequence[Training], goal: str) -> Sequence[Training]:
    """Training jobs with the best first, those without an objective last."""
    valued = [training for training in trainings if training.value is not None]
    valued.sort(key=lambda training: training.value or 0.0, reverse=goal == "Maximize")
    return [*valued, *(training for training in trainings if training.value is None)]


def _emulator_line(target: Target) -> str:
    """Which emulator was used: the one of the environment, or the one that commands start."""
    state = state_of(str(target.url)) or str(target.state)
    if (named := configured()) is not None:
        return f"emulator:  {target.url} ({named[0]}), state in {state}"
    return f"emulator:  {target.url}, state in {state}; stop it with: {target.command('emulator', 'stop')}"


def attach(*, job: str, timeout: float | None, target: Target, as_json: bool) -> None:
    """Follow a tuning job to its end."""
    launched = run_of(target.session(), job)
    status = followed(launched, timeout, target)
    if as_json:
        echo_json(_document(launched, status))
    else:
        _show_end(launched, status, target)
    sys.exit(0 if status.status == "Completed" else FAILED)
