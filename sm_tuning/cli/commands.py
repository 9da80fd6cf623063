"""The commands.

Exit codes: 0 done; 1 it failed; 2 wrong usage; 3 no emulator, and none can be started; 4 the time given is over; 130 interrupted.
"""

import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

import click

from sm_tuning.errors import Invalid, NotFound, SmTuningError, TookTooLong
from sm_tuning.run import RunStatus, Training, TuningRun
from sm_tuning.tuning_job import TuningJob, unique_name

FAILED, USAGE, UNREACHABLE, TIMEOUT, INTERRUPTED = 1, 2, 3, 4, 130

# rich and boto3 are imported by the commands that need them: `--help` should come at once.


class Target:
    """Where commands go: the emulator (the default) or AWS."""

    def __init__(self, *, aws: bool, region: str | None, profile: str | None, state: Path) -> None:
        self.aws = aws
        self.region = region
        self.profile = profile
        self.state = state
        self.url: str | None = None
        self.started = False

    def session(self, parallel: int | None = None) -> Any:  # noqa: ANN401 - boto3 makes its classes at run time
        """A boto3 session; starts an emulator if none runs."""
        from sm_tuning.cli import emulator  # noqa: PLC0415 - see the head

        if self.aws:
            import boto3  # noqa: PLC0415 - see the head

            return boto3.Session(region_name=self.region, profile_name=self.profile)
        self.url = emulator.configured()
        if self.url is None:
            words = ["--port", "0", "--idle-exit", str(emulator.IDLE_EXIT)] + (["--parallel", str(parallel)] if parallel else [])
            facts, self.started = emulator.ensure(self.state, words)
            self.url = str(facts["url"])
        return emulator.LocalSession(self.url, self.region)

    def run(self, name: str) -> TuningRun:
        """The tuning job whose name begins like this (if only one does), or the latest."""
        session = self.session()
        client = session.client("sagemaker")
        try:
            return TuningRun.attach(name, session, client=client)
        except NotFound:
            pages = client.get_paginator("list_hyper_parameter_tuning_jobs").paginate(
                SortBy="CreationTime", SortOrder="Descending"
            )
            names = [one["HyperParameterTuningJobName"] for page in pages for one in page["HyperParameterTuningJobSummaries"]]
            found = names[:1] if name == "latest" else [one for one in names if one.startswith(name)]
            if len(found) == 1:
                return TuningRun(found[0], session=session, client=client)
            known = f"; there are {', '.join(names[:5])}" if names else "; there are none"
            raise NotFound(f"{len(found) or 'no'} tuning jobs begin with {name!r}{known}") from None


def _guarded(command: Callable[..., Any]) -> Callable[..., Any]:
    """Errors as one line and an exit code."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any command
        try:
            return command(*args, **kwargs)
        except TookTooLong as error:
            code, said = TIMEOUT, str(error)
        except Invalid as error:
            code, said = USAGE, str(error)
        except SmTuningError as error:
            code, said = (UNREACHABLE if type(error).__name__ == "Unreachable" else FAILED), str(error)
        except Exception as error:
            from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError  # noqa: PLC0415 - see the head

            if not isinstance(error, BotoCoreError | ClientError):
                raise
            code, said = (UNREACHABLE if isinstance(error, EndpointConnectionError) else FAILED), str(error)
        click.echo(f"sm-tuning: {said}", err=True)
        sys.exit(code)

    return run


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that talks to a service."""
    decorated = command
    for option in (
        click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output."),
        click.option("--state", type=click.Path(path_type=Path), default=None, help="State folder of the emulator."),
        click.option("--profile", help="AWS profile (with --aws)."),
        click.option("--region", help="AWS region."),
        click.option("--aws/--local", default=False, help="AWS itself, or the emulator (the default)."),
    ):
        decorated = option(decorated)

    @wraps(command)
    def run(*args: Any, aws: bool, region: str | None, profile: str | None, state: Path | None, **kwargs: Any) -> Any:  # noqa: ANN401 - click's
        from sm_tuning.cli.emulator import state_folder  # noqa: PLC0415 - see the head

        target = Target(aws=aws, region=region, profile=profile, state=state or state_folder())
        return command(*args, target=target, **kwargs)

    wrapped = run
    wrapped.__click_params__ = decorated.__click_params__  # type: ignore[attr-defined] # click keeps its options there
    return wrapped


def _echo_json(document: object) -> None:
    click.echo(json.dumps(document, indent=2, default=str))


def _training_document(one: Training | None) -> Mapping[str, Any] | None:
    if one is None:
        return None
    return {
        "TrainingJobName": one.name,
        "TrainingJobStatus": one.status,
        "TunedHyperParameters": dict(one.hyperparameters),
        "FinalObjectiveMetricValue": one.value,
        "TrainingStartTime": one.started,
        "TrainingEndTime": one.ended,
        "FailureReason": one.failure_reason,
    }


def _status_document(status: RunStatus) -> dict[str, Any]:
    return {
        "HyperParameterTuningJobName": status.name,
        "HyperParameterTuningJobStatus": status.status,
        "TrainingJobStatusCounters": dict(status.counters),
        "ObjectiveStatusCounters": dict(status.objectives),
        "CreationTime": status.created,
        "HyperParameterTuningEndTime": status.ended,
        "BestTrainingJob": _training_document(status.best),
        "FailureReason": status.failure_reason,
    }


@click.group(epilog="Exit codes: 0 done, 1 failed, 2 usage, 3 no emulator, 4 timeout, 130 interrupted.")
@click.version_option(package_name="sm-tuning")
def sm_tuning() -> None:
    """Plan, run and follow SageMaker tuning jobs, on this machine or in AWS."""


# --- plan and run ---------------------------------------------------------------------------------------------------------


def _load(file: Path, name: str | None, parallel: int | None) -> TuningJob:
    from sm_tuning.cli.toml_job import load  # noqa: PLC0415 - see the head

    job = load(file)
    if parallel is not None:
        job = replace(job, max_parallel=parallel)
    return job.named(name) if name else job


@sm_tuning.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--price-per-hour", type=float, help="Price of an instance-hour, for the worst case in money.")
@click.option("--request", "show_request", is_flag=True, help="Show the exact request.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@_guarded
def plan(file: Path, price_per_hour: float | None, show_request: bool, as_json: bool) -> None:  # noqa: FBT001 - click's
    """Check a tuning job without sending it, and say what it would do."""
    from sm_tuning.cli import plan as planning  # noqa: PLC0415 - see the head

    job = _load(file, None, None)
    report = job.dry_run()
    document = planning.document(job, report, price_per_hour)
    if as_json:
        _echo_json(document)
    else:
        _show_plan(job, document)
        if show_request:
            _echo_json(report.request)
    sys.exit(0 if report.ok else FAILED)


def _show_plan(job: TuningJob, document: Mapping[str, Any]) -> None:
    from sm_tuning.cli.display import console, table_of  # noqa: PLC0415 - see the head

    out = console()
    out.print(
        f"{job.name}: {type(job.strategy).__name__}, {document['trainingJobs']} training jobs, {job.max_parallel} at a time"
    )
    out.print(table_of([{"range": name, "values such as": "  ".join(values)} for name, values in document["samples"].items()]))
    out.print(table_of([dict(point) for point in document["points"]]))
    hours = document["worstCaseInstanceHours"]
    if hours is not None:
        money = document["worstCaseCost"]
        types = " or ".join(sorted({part.resources.instance_type for _, part in job.parts()}))
        cost = "" if money is None else f", {money:,.2f} at that price"
        out.print(f"worst case: {hours:,.1f} instance-hours of {types}{cost}")
    for problem in document["problems"]:
        out.print(
            f"problem: {problem['field']} is {problem['value']}; {problem['text']} ({problem['rule']})",
            markup=False,
            soft_wrap=True,
        )
    for warning in document["warnings"]:
        out.print(f"warning: {warning}", markup=False, soft_wrap=True)


@sm_tuning.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the tuning job (default: the file's, made unique).")
@click.option("--parallel", type=click.IntRange(1), help="Training jobs at a time.")
@click.option("--wait/--no-wait", default=True, help="Follow it to its end (the default).")
@click.option("--timeout", type=float, help="Seconds to follow it for.")
@click.option("--yes", is_flag=True, help="Do not ask before launching in AWS.")
@_options
@_guarded
def run(
    *,
    file: Path,
    name: str | None,
    parallel: int | None,
    wait: bool,
    timeout: float | None,
    yes: bool,
    target: Target,
    as_json: bool,
) -> None:
    """Launch a tuning job and follow it: on the emulator, or with --aws for real."""
    job = _load(file, name, parallel)
    if name is None:
        job = job.named(unique_name(job.name))
    if target.aws:
        _confirm(job, yes=yes)
    session = target.session(job.max_parallel)
    if not target.aws:
        for output in {part.output or "" for _, part in job.parts()}:
            _make_bucket(session, output)
    launched = job.launch(session)
    click.echo(f"created {launched.name} {_where(target)}; in a browser: sm-tuning dashboard", err=True)
    if wait:
        _follow(launched, target, timeout, as_json=as_json)
    elif as_json:
        _echo_json(_status_document(launched.status()))


def _where(target: Target) -> str:
    return "in AWS" if target.aws else f"on the emulator at {target.url}"


def _confirm(job: TuningJob, *, yes: bool) -> None:
    from sm_tuning.cli import plan as planning  # noqa: PLC0415 - see the head

    report = job.dry_run()
    _show_plan(job, planning.document(job, report, None))
    if yes:
        return
    if not sys.stdin.isatty():
        raise Invalid("launching in AWS costs money; without a terminal to ask on, give --yes")
    click.confirm("Launch this in AWS?", abort=True)


def _make_bucket(session: Any, output: str) -> None:  # noqa: ANN401 - boto3 makes its classes at run time
    from botocore.exceptions import ClientError  # noqa: PLC0415 - see the head

    s3 = session.client("s3", region_name="us-east-1")
    bucket = output.removeprefix("s3://").split("/")[0]
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError:
        s3.create_bucket(Bucket=bucket)


def _follow(launched: TuningRun, target: Target, timeout: float | None, *, as_json: bool) -> None:
    """Follow a tuning job and show how it ended. The first Ctrl-C lets it go on, a second one stops it."""
    from sm_tuning.cli.display import Progress  # noqa: PLC0415 - see the head

    try:
        with Progress(launched) as progress:
            status = launched.wait(progress, timeout=timeout)
    except KeyboardInterrupt:
        _let_go(launched)
    if as_json:
        rows = [_training_document(one) for one in launched.trainings()]
        _echo_json({**_status_document(status), "TrainingJobSummaries": rows})
    else:
        _show_end(launched, status, target)
    sys.exit(0 if status.status == "Completed" else FAILED)


def _let_go(launched: TuningRun) -> None:
    click.echo(
        f"\n{launched.name} goes on. Follow it: sm-tuning attach {launched.name}\nStop it: sm-tuning stop {launched.name}, "
        "or press Ctrl-C again now (within 3 seconds).",
        err=True,
    )
    try:
        import time  # noqa: PLC0415 - only here

        time.sleep(3)
    except KeyboardInterrupt:
        launched.stop()
        click.echo(f"stopping {launched.name}", err=True)
    sys.exit(INTERRUPTED)


def _show_end(launched: TuningRun, status: RunStatus, target: Target) -> None:
    from sm_tuning.cli.display import console, number, safe, safe_lines, trainings_table  # noqa: PLC0415 - see the head

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
        out.print("[bold]best hyperparameters[/bold]")
        for name, value in best.hyperparameters.items():
            out.print("  ", safe(name), "=", safe(value))
        model = safe(launched.model_uri(best.name))
        out.print("objective", number(best.value), "by", safe(best.name))
        out.print("its log:   sm-tuning logs", safe(best.name))
        out.print("its model:", model)
        if not target.aws:
            out.print('fetch it:  eval "$(sm-tuning emulator env)"; aws s3 cp', model, ".")
    if status.failure_reason:
        out.print("[red]failed:[/red]", safe(status.failure_reason))
    for group in launched.failures():
        out.print(safe_lines(str(group)))
    if not target.aws:
        out.print(f"emulator:  {target.url}, state in {target.state}; stop it with: sm-tuning emulator stop")


# --- looking and stopping -------------------------------------------------------------------------------------------------


@sm_tuning.command()
@click.argument("job", default="latest")
@click.option("--timeout", type=float, help="Seconds to follow it for.")
@_options
@_guarded
def attach(*, job: str, timeout: float | None, target: Target, as_json: bool) -> None:
    """Follow a tuning job to its end."""
    _follow(target.run(job), target, timeout, as_json=as_json)


@sm_tuning.command()
@click.argument("job", default="latest")
@_options
@_guarded
def status(*, job: str, target: Target, as_json: bool) -> None:
    """Say how far a tuning job is."""
    from sm_tuning.cli.display import console, safe, status_lines  # noqa: PLC0415 - see the head

    found = target.run(job).status()
    if as_json:
        _echo_json(_status_document(found))
        return
    console().print(status_lines(found))
    if found.failure_reason:
        console().print("failed:", safe(found.failure_reason))


@sm_tuning.command()
@click.argument("job", default="latest")
@_options
@_guarded
def trainings(*, job: str, target: Target, as_json: bool) -> None:
    """List the training jobs of a tuning job."""
    from sm_tuning.cli.display import console, trainings_table  # noqa: PLC0415 - see the head

    found = target.run(job)
    rows = found.trainings()
    if as_json:
        _echo_json([_training_document(one) for one in rows])
        return
    best = found.best()
    console().print(trainings_table(rows, best=best.name if best else None))


@sm_tuning.command()
@click.argument("job", default="latest")
@_options
@_guarded
def best(*, job: str, target: Target, as_json: bool) -> None:
    """Show the best training job of a tuning job."""
    from sm_tuning.cli.display import console, trainings_table  # noqa: PLC0415 - see the head

    found = target.run(job)
    one = found.best()
    if one is None:
        raise NotFound(f"{found.name} has no training job with an objective yet")
    if as_json:
        _echo_json({**(_training_document(one) or {}), "S3ModelArtifacts": found.model_uri(one.name)})
        return
    console().print(trainings_table([one], best=one.name))
    console().print("model:", found.model_uri(one.name), markup=False)


@sm_tuning.command()
@click.argument("jobs", nargs=-1)
@_options
@_guarded
def diagnose(*, jobs: tuple[str, ...], target: Target, as_json: bool) -> None:
    """Say whether the best model over- or underfits, what each hyperparameter did, and what to do next."""
    from dataclasses import asdict  # noqa: PLC0415 - see the head

    from sm_tuning.cli.display import console, diagnosis_lines  # noqa: PLC0415 - see the head
    from sm_tuning.diagnosis import diagnose as judge  # noqa: PLC0415 - see the head
    from sm_tuning.results import Results  # noqa: PLC0415 - see the head

    results = Results.read(*(target.run(job) for job in jobs or ("latest",)))
    found = judge(results)
    if as_json:
        _echo_json(asdict(found))
        return
    for line in diagnosis_lines(results, found):
        console().print(line)


@sm_tuning.command()
@click.option("--port", type=int, default=4578, show_default=True, help="Where to answer on this machine; 0 takes a free one.")
@_options
@_guarded
def dashboard(*, port: int, target: Target, as_json: bool) -> None:
    """Show tuning jobs in a browser, live while they run, until Ctrl-C."""
    from sm_tuning import dashboard as pages  # noqa: PLC0415 - see the head

    def ready(url: str) -> None:
        if as_json:
            _echo_json({"url": url})
        else:
            click.echo(f"dashboard: {url}  (Ctrl-C ends it; the tuning jobs go on)")
        sys.stdout.flush()

    try:
        pages.serve(target.session(), port, ready)
    except OSError as error:
        raise Invalid(f"--port {port}: {error.strerror or error}; choose another, or 0") from error


@sm_tuning.command()
@click.argument("jobs", nargs=-1)
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("report.html"), show_default=True, help="The page.")
@click.option("--figures", type=click.Path(path_type=Path, file_okay=False), help="A folder for the charts as SVG files, too.")
@_options
@_guarded
def report(*, jobs: tuple[str, ...], output: Path, figures: Path | None, target: Target, as_json: bool) -> None:
    """Write what tuning jobs found as one HTML page: diagnosis, advice, charts, all training jobs."""
    from sm_tuning import report as reporting  # noqa: PLC0415 - see the head
    from sm_tuning.diagnosis import diagnose as judge  # noqa: PLC0415 - see the head
    from sm_tuning.results import Results  # noqa: PLC0415 - see the head

    results = Results.read(*(target.run(job) for job in jobs or ("latest",)))
    found = judge(results)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(reporting.page(results, found), encoding="utf-8")
    drawn = {}
    if figures is not None:
        figures.mkdir(parents=True, exist_ok=True)
        drawn = reporting.figures(results, found)
        for name, svg in drawn.items():
            # A hyperparameter's name is anybody's text.
            (figures / f"{re.sub('[^A-Za-z0-9_.-]', '_', name)}.svg").write_text(svg, encoding="utf-8")
    if as_json:
        _echo_json({"report": str(output.resolve()), "figures": sorted(drawn)})
    else:
        click.echo(f"report: {output.resolve()}")


@sm_tuning.command()
@click.argument("jobs", nargs=-1)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="A .csv, .json or .parquet file.")
@_options
@_guarded
def export(*, jobs: tuple[str, ...], output: Path, target: Target, as_json: bool) -> None:
    """Write the training jobs of tuning jobs to a file: a row each; with .json their learning curves too."""
    from sm_tuning.results import Results  # noqa: PLC0415 - see the head

    results = Results.read(*(target.run(job) for job in jobs or ("latest",)), curves=output.suffix == ".json")
    results.write(output)
    if as_json:
        _echo_json({"file": str(output), "rows": len(results.rows)})
    else:
        click.echo(f"{len(results.rows)} training jobs in {output}")


@sm_tuning.command()
@click.argument("name")
@click.option("-f", "--follow", is_flag=True, help="Go on until the training job has ended.")
@_options
@_guarded
def logs(*, name: str, follow: bool, target: Target, as_json: bool) -> None:
    """Print the log of a training job, or of the best training job of a tuning job."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - see the head

    from sm_tuning.cli.display import safe  # noqa: PLC0415 - see the head

    session = target.session()
    try:
        session.client("sagemaker").describe_training_job(TrainingJobName=name)
        run_, training = TuningRun(name, session=session), name
    except ClientError:
        run_ = target.run(name)
        children = run_.trainings()
        chosen = run_.best() or (children[-1] if children else None)
        if chosen is None:
            raise NotFound(f"{run_.name} has no training job yet") from None
        training = chosen.name
        click.echo(f"log of {training}", err=True)
    lines = run_.logs(training, follow=follow)
    if as_json:
        _echo_json({"TrainingJobName": training, "lines": list(lines)})
        return
    for line in lines:
        click.echo(safe(line).plain)


@sm_tuning.command()
@click.argument("job")
@_options
@_guarded
def stop(*, job: str, target: Target, as_json: bool) -> None:
    """Stop a tuning job and its running training jobs."""
    found = target.run(job)
    found.stop()
    if as_json:
        _echo_json(_status_document(found.status()))
    else:
        click.echo(f"{found.name}: {found.status().status}")


@sm_tuning.command(name="list")
@_options
@_guarded
def list_(*, target: Target, as_json: bool) -> None:
    """List tuning jobs, the newest first."""
    from sm_tuning.cli.display import console, table_of  # noqa: PLC0415 - see the head

    client = target.session().client("sagemaker")
    pages = client.get_paginator("list_hyper_parameter_tuning_jobs").paginate(SortBy="CreationTime", SortOrder="Descending")
    found = [one for page in pages for one in page["HyperParameterTuningJobSummaries"]]
    if as_json:
        _echo_json(found)
        return
    rows = [
        {
            "tuning job": one["HyperParameterTuningJobName"],
            "status": one["HyperParameterTuningJobStatus"],
            "strategy": one["Strategy"],
            "training jobs": sum(one["TrainingJobStatusCounters"].values()),
            "created": f"{one['CreationTime']:%Y-%m-%d %H:%M:%S}",
        }
        for one in found
    ]
    console().print(table_of(rows) if rows else "no tuning jobs")


# --- the emulator ---------------------------------------------------------------------------------------------------------


@sm_tuning.group()
def emulator() -> None:
    """Start, stop, look at and reset the emulator."""


_STATE = click.option("--state", type=click.Path(path_type=Path), default=None, help="State folder.")


@emulator.command(name="start")
@click.option("--port", default=4577, help="0 picks a free one.", show_default=True)
@click.option("--parallel", type=click.IntRange(1), help="Training jobs at a time (default: number of cores).")
@_STATE
@_guarded
def emulator_start(port: int, parallel: int | None, state: Path | None) -> None:
    """Start it in the background and print the exports for other programs."""
    from sm_tuning.cli import emulator as process  # noqa: PLC0415 - see the head

    words = ["--port", str(port)] + (["--parallel", str(parallel)] if parallel else [])
    facts, started = process.ensure(state or process.state_folder(), words)
    click.echo(f"# {'started' if started else 'already running'} at {facts['url']}", err=True)
    _print_exports(facts)


def _print_exports(facts: Mapping[str, Any], *, proxy: bool = False) -> None:
    """What `status` tells of the environment, for a shell."""
    for name, value in {**facts["environment"], **(facts["proxy"] if proxy else {})}.items():
        mine = os.environ.get(name)
        if name == "REQUESTS_CA_BUNDLE" and mine and Path(mine).name != Path(value).name:
            continue  # it is for hosts beside AWS's too, and the user has said whom to trust for those
        click.echo(f"export {name}={shlex.quote(value)}")
    if not proxy:
        click.echo(
            "# For programs that insist on AWS's own addresses, as the SageMaker Python SDK does: sm-tuning emulator env --proxy"
        )


def _own(*words: str, state: Path | None) -> None:
    from sm_tuning.cli import emulator as process  # noqa: PLC0415 - see the head

    done = process.call(*words, state=state or process.state_folder())
    click.echo(done.stdout, nl=False)
    click.echo(done.stderr, nl=False, err=True)
    sys.exit(done.returncode)


@emulator.command(name="stop")
@_STATE
@_guarded
def emulator_stop(state: Path | None) -> None:
    """End it; training jobs go on and are picked up at the next start."""
    _own("stop", state=state)


@emulator.command(name="status")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@_STATE
@_guarded
def emulator_status(as_json: bool, state: Path | None) -> None:  # noqa: FBT001 - click's
    """Say whether it runs, and where."""
    _own("status", *(["--json"] if as_json else []), state=state)


@emulator.command(name="reset")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_STATE
@_guarded
def emulator_reset(yes: bool, state: Path | None) -> None:  # noqa: FBT001 - click's
    """Kill all runs and forget all state."""
    from sm_tuning.cli import emulator as process  # noqa: PLC0415 - see the head

    if not yes:
        click.confirm(f"Forget everything in {state or process.state_folder()}?", abort=True)
    _own("reset", "--yes", state=state)


@emulator.command(name="env")
@click.option("--proxy", is_flag=True, help="Also for programs that insist on AWS's own addresses, as the SageMaker SDK does.")
@_STATE
@_guarded
def emulator_env(state: Path | None, proxy: bool) -> None:  # noqa: FBT001 - click's
    """Print the exports for other programs: eval "$(sm-tuning emulator env)"."""
    from sm_tuning.cli import emulator as process  # noqa: PLC0415 - see the head

    facts = process.status(state or process.state_folder())
    if not facts.get("running") or "url" not in facts:
        raise process.Unreachable("no emulator runs; start one: sm-tuning emulator start")
    _print_exports(facts, proxy=proxy)
