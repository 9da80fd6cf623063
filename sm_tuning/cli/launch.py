"""Commands that plan a tuning job, launch it and follow it."""

import shlex
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from sm_tuning.cli.app import (
    Target,
    echo,
    echo_json,
    options,
    sm_tuning,
    status_document,
    training_document,
)
from sm_tuning.cli.failures import FAILED, INTERRUPTED
from sm_tuning.cli.job_file import JobFile, described, emulators_own
from sm_tuning.client.run import RunStatus, TuningRun
from sm_tuning.errors import Invalid
from sm_tuning.spec.data_scaling import DataScaling
from sm_tuning.spec.job import unique_name
from sm_tuning.spec.toml import load_data_scaling
from sm_tuning.spec.value_types import WrongTypes
from sm_tuning.tuning_job import TuningJob


@sm_tuning.command()
@described
@click.option("--request", "show_request", is_flag=True, help="Show the exact request.")
@options
def plan(*, job_file: JobFile, show_request: bool, target: Target, as_json: bool) -> None:
    """Check a tuning job without sending it, and say what it would do and cost; with --aws or --stack the account is asked."""
    from sm_tuning.cli import plan as planning  # noqa: PLC0415 - see command.py

    try:
        job = job_file.load(target)
    except WrongTypes as error:  # nothing but its problems can be said of such a job
        document = planning.problems_document(error.problems)
        (echo_json if as_json else _show_problems)(document)
        sys.exit(FAILED)
    report = job.dry_run()
    document = planning.document(job, report, job_file.prices(job, target))
    if as_json:
        echo_json(document)
    else:
        _show_plan(job, document)
        if show_request:
            if names := emulators_own(job):
                click.echo(f"{names} are the emulator's here; AWS needs those of your account", err=True)
            echo_json(report.request)
    sys.exit(0 if report.ok else FAILED)


def _show_plan(job: TuningJob, document: Mapping[str, Any]) -> None:
    from sm_tuning.cli import plan as planning  # noqa: PLC0415 - see command.py
    from sm_tuning.cli.display import console, table_of  # noqa: PLC0415 - see command.py

    out = console()
    out.print(
        f"{job.name}: {type(job.strategy).__name__}, {document['trainingJobs']} training jobs, {job.max_parallel} at a time"
    )
    out.print(table_of([{"range": name, "values such as": "  ".join(values)} for name, values in document["samples"].items()]))
    out.print(table_of([dict(point) for point in document["points"]]))
    out.print(planning.cost_line(job, document["pricesPerHour"]), soft_wrap=True)
    _show_problems(document)


def _show_problems(document: Mapping[str, Any]) -> None:
    from sm_tuning.cli.display import console  # noqa: PLC0415 - see command.py

    out = console()
    for problem in document["problems"]:
        out.print(f"problem: {problem['message']}", soft_wrap=True)
    for warning in document["warnings"]:
        out.print(f"warning: {warning}", soft_wrap=True)


@sm_tuning.command()
@described
@click.option("--max-cost", type=click.FloatRange(min=0), help="Dollars that the worst case may cost; nothing is launched above.")
@click.option("--name", help="Name of the tuning job (default: the file's, made unique).")
@click.option("--parallel", type=click.IntRange(1), help="Training jobs at a time.")
@click.option("--wait/--no-wait", default=True, help="Follow it to its end (the default).")
@click.option("--timeout", type=float, help="Seconds to follow it for.")
@click.option("--data-scaling", is_flag=True, help="Then train the best on growing shares of the training set.")
@click.option("--learning-curve", is_flag=True, hidden=True)  # its name of version 0.1
@click.option("--dashboard", is_flag=True, help="Show it in a browser while it runs.")
@click.option("--yes", is_flag=True, help="Do not ask before launching in AWS.")
@options
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
    session = target.session(job.max_parallel)
    if not target.aws:
        for output in {part.output or "" for _, part in job.parts()}:
            _make_bucket(session, output)
    launched = job.launch(session)
    shown = _served(session, launched.name) if dashboard and wait else f"sm-tuning dashboard {launched.name}{_options(target)}"
    echo(f"created {launched.name} {_where(target)}\nin a browser: {shown}", error=True)
    if not wait:
        if as_json:
            echo_json(status_document(launched.status()))
        return
    status = followed(launched, timeout)
    if not as_json:
        _show_end(launched, status, target)
    more = _scaled(scaling.job(job, status.best.hyperparameters), session, timeout) if scaling and status.best else {}
    if as_json:
        echo_json({**_document(launched, status), **more})
    sys.exit(0 if status.status == "Completed" else FAILED)


def _scaling(file: Path, job: TuningJob, *, wait: bool) -> DataScaling:
    """The shares of the training set that the file asks for, checked before anything runs."""
    if not wait:
        raise Invalid("--data-scaling begins when the tuning job has ended; leave --no-wait out")
    scaling = load_data_scaling(file)
    scaling.check(job)
    return scaling


def _scaled(job: TuningJob, session: Any, timeout: float | None) -> Mapping[str, Any]:  # noqa: ANN401 - boto3's
    """Run the training jobs on growing shares of the training set and say what more data would bring."""
    from dataclasses import asdict  # noqa: PLC0415 - only here

    from sm_tuning.analysis.data_scaling import data_scaling_curve  # noqa: PLC0415 - see command.py
    from sm_tuning.analysis.reading import read_results  # noqa: PLC0415 - see command.py
    from sm_tuning.cli.display import console, data_scaling_lines, safe_lines  # noqa: PLC0415 - see command.py

    launched = job.launch(session)
    echo(f"created {launched.name}: the best hyperparameters on growing shares of the training set", error=True)
    followed(launched, timeout)
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


def _served(session: Any, name: str) -> str:  # noqa: ANN401 - boto3 makes its classes at run time
    """The address of a tuning job's live page, which is served as long as this program runs."""
    from sm_tuning import dashboard as pages  # noqa: PLC0415 - see command.py

    server, url = pages.serving(session, None)
    threading.Thread(target=server.run, daemon=True).start()
    return f"{url}jobs/{name}"


def _options(target: Target) -> str:
    """What a command needs to reach the same account."""
    told = {"--profile": target.profile, "--region": target.region}
    words = [word for option, value in told.items() if value for word in (option, value)]
    return "".join(f" {shlex.quote(word)}" for word in (["--aws"] if target.aws else []) + words)


def _confirm(job: TuningJob, scaling: DataScaling | None, prices: Mapping[str, float], *, yes: bool) -> None:
    from sm_tuning.cli import plan as planning  # noqa: PLC0415 - see command.py

    report = job.dry_run()
    _show_plan(job, planning.document(job, report, prices))
    if scaling is not None:
        echo(f"then {len(scaling.shares)} training jobs on growing shares of the training set")
    if yes:
        return
    if not sys.stdin.isatty():
        raise Invalid("launching in AWS costs money; without a terminal to ask on, give --yes")
    click.confirm("Launch this in AWS?", abort=True)


def _make_bucket(session: Any, output: str) -> None:  # noqa: ANN401 - boto3 makes its classes at run time
    from botocore.exceptions import ClientError  # noqa: PLC0415 - see command.py

    s3 = session.client("s3", region_name="us-east-1")
    bucket = output.removeprefix("s3://").split("/")[0]
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError:
        s3.create_bucket(Bucket=bucket)


def followed(launched: TuningRun, timeout: float | None) -> RunStatus:
    """How a tuning job ended. The first Ctrl-C lets it go on, a second one stops it."""
    from sm_tuning.cli.display import Progress  # noqa: PLC0415 - see command.py

    try:
        with _interruptible(), Progress(launched) as progress:
            return launched.wait(progress, timeout=timeout)
    except KeyboardInterrupt:
        _let_go(launched)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C is heard even if it comes where Python swallows exceptions, in a finalizer say: it is raised until somebody hears it."""

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
    rows = [training_document(one) for one in launched.trainings()]
    return {**status_document(status), "TrainingJobSummaries": rows}


def _let_go(launched: TuningRun) -> NoReturn:
    echo(
        f"\n{launched.name} goes on. Follow it: sm-tuning attach {launched.name}\nStop it: sm-tuning stop {launched.name}, "
        "or press Ctrl-C again now (within 3 seconds).",
        error=True,
    )
    try:
        import time  # noqa: PLC0415 - only here

        time.sleep(3)
    except KeyboardInterrupt:
        launched.stop()
        echo(f"stopping {launched.name}", error=True)
    sys.exit(INTERRUPTED)


def _show_end(launched: TuningRun, status: RunStatus, target: Target) -> None:
    from rich.text import Text  # noqa: PLC0415 - see command.py

    from sm_tuning.cli.display import console, number, safe, safe_lines, trainings_table  # noqa: PLC0415 - see command.py

    out = console()
    best = status.best
    rows = sorted(launched.trainings(), key=lambda one: (one.value is None, one.value or 0.0))
    if best is not None and best.value is not None and rows and rows[0].value is not None and best.value > rows[0].value:
        valued = [one for one in rows if one.value is not None]
        rows = [*reversed(valued), *(one for one in rows if one.value is None)]
    out.print()
    out.print(trainings_table(rows, best=best.name if best else None))
    out.print()
    if best is not None:
        out.print("best hyperparameters", style="bold")
        for name, value in best.hyperparameters.items():
            out.print("  ", safe(name), "=", safe(value))
        model = safe(launched.model_uri(best.name))
        out.print("objective", number(best.value), "by", safe(best.name))
        out.print("its log:   sm-tuning logs", safe(best.name))
        out.print("its model:", model)
        if not target.aws:
            out.print('fetch it:  eval "$(sm-tuning emulator env)"; aws s3 cp', model, ".")
    if status.failure_reason:
        out.print(Text("failed:", "red"), safe(status.failure_reason))
    for group in launched.failures():
        out.print(safe_lines(str(group)))
    if not target.aws:
        out.print(_emulator_line(target), markup=False, soft_wrap=True)


def _emulator_line(target: Target) -> str:
    """Which emulator was used: the one of the environment, or the one that commands start."""
    from sm_tuning.cli.emulator_process import configured, state_folder, state_of  # noqa: PLC0415 - see command.py

    state = state_of(str(target.url)) or str(target.state)
    if configured() is not None:
        return f"emulator:  {target.url} (AWS_ENDPOINT_URL), state in {state}"
    option = "" if target.state == state_folder() else f" --state {shlex.quote(str(target.state))}"
    return f"emulator:  {target.url}, state in {state}; stop it with: sm-tuning emulator stop{option}"


@sm_tuning.command()
@click.argument("job", default="latest")
@click.option("--timeout", type=float, help="Seconds to follow it for.")
@options
def attach(*, job: str, timeout: float | None, target: Target, as_json: bool) -> None:
    """Follow a tuning job to its end."""
    launched = target.run(job)
    status = followed(launched, timeout)
    if as_json:
        echo_json(_document(launched, status))
    else:
        _show_end(launched, status, target)
    sys.exit(0 if status.status == "Completed" else FAILED)
