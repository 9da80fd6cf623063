"""What all commands share: where they go, their options, and how they write."""

import json
import math
import os
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import click

from sm_tuning.cli.failures import Commands
from sm_tuning.client.run import RunStatus, Training, TuningRun
from sm_tuning.errors import Invalid, NotFound
from sm_tuning.printable import printable

PATIENCE = "SM_TUNING_TIMEOUT"
_DEFAULT_PATIENCE = 60.0

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
        from sm_tuning.cli import emulator_process as emulator  # noqa: PLC0415 - see the head

        if self.aws:
            return boto_session(region_name=self.region, profile_name=self.profile)
        self.url = emulator.configured()
        if self.url is None:
            words = ["--port", "0", "--idle-exit", str(emulator.IDLE_EXIT)] + (["--parallel", str(parallel)] if parallel else [])
            facts, self.started = emulator.ensure(self.state, words)
            self.url = str(facts["url"])
            if not self.started and (differences := emulator.differences(facts)):
                echo(
                    f"the emulator at {self.url} is another than this program's: {'; '.join(differences)}. It is used as it is; "
                    "sm-tuning emulator stop ends it, and the next command starts this one",
                    error=True,
                )
        return emulator.LocalSession(self.url, self.region)

    def run(self, name: str) -> TuningRun:
        """The tuning job whose name begins like this (if only one does), or the latest."""
        from sm_tuning.spec.data_scaling import without_scaling_jobs  # noqa: PLC0415 - see the head

        session = self.session()
        client = session.client("sagemaker")
        try:
            return TuningRun.attach(name, session, client=client)
        except NotFound:
            pages = client.get_paginator("list_hyper_parameter_tuning_jobs").paginate(
                SortBy="CreationTime", SortOrder="Descending"
            )
            names = [one["HyperParameterTuningJobName"] for page in pages for one in page["HyperParameterTuningJobSummaries"]]
            names = without_scaling_jobs(names)
            found = names[:1] if name == "latest" else [one for one in names if one.startswith(name)]
            if len(found) == 1:
                return TuningRun(found[0], session=session, client=client)
            known = f"; there are {', '.join(names[:5])}" if names else "; there are none"
            raise NotFound(f"{len(found) or 'no'} tuning jobs begin with {name!r}{known}") from None


def options(command: Callable[..., Any]) -> Callable[..., Any]:
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
        from sm_tuning.cli.emulator_process import state_folder  # noqa: PLC0415 - see command.py

        target = Target(aws=aws, region=region, profile=profile, state=state or state_folder())
        return command(*args, target=target, **kwargs)

    wrapped = run
    wrapped.__click_params__ = decorated.__click_params__  # type: ignore[attr-defined] # click keeps its options there
    return wrapped


def boto_session(**words: Any) -> Any:  # noqa: ANN401 - boto3 makes its classes at run time
    """A boto3 session whose clients wait for an answer as long as $SM_TUNING_TIMEOUT says, 60 seconds by default."""
    import boto3  # noqa: PLC0415 - see the head
    from botocore.config import Config  # noqa: PLC0415 - see the head
    from botocore.session import Session  # noqa: PLC0415 - see the head

    text = os.environ.get(PATIENCE)
    try:
        seconds = float(text) if text else _DEFAULT_PATIENCE
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise Invalid(f"{PATIENCE} is {text!r}; it must be a number of seconds above 0")
    core = Session(profile=words.pop("profile_name", None))
    core.set_default_client_config(Config(connect_timeout=min(seconds, 10.0), read_timeout=seconds))
    return boto3.Session(botocore_session=core, **words)


def echo(text: str, *, error: bool = False) -> None:
    """Write lines as they are but for what a terminal would obey."""
    click.echo(printable(text), err=error)


def echo_json(document: object) -> None:
    """Write the one JSON document of a command to standard output; all but ASCII is escaped."""
    click.echo(json.dumps(document, indent=2, default=str).replace("\x7f", "\\u007f"))


def training_document(one: Training | None) -> Mapping[str, Any] | None:
    """A training job by AWS's names."""
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


def status_document(status: RunStatus) -> dict[str, Any]:
    """A tuning job's state by AWS's names."""
    return {
        "HyperParameterTuningJobName": status.name,
        "HyperParameterTuningJobStatus": status.status,
        "TrainingJobStatusCounters": dict(status.counters),
        "ObjectiveStatusCounters": dict(status.objectives),
        "CreationTime": status.created,
        "HyperParameterTuningEndTime": status.ended,
        "BestTrainingJob": training_document(status.best),
        "FailureReason": status.failure_reason,
    }


@click.group(cls=Commands, epilog="Exit codes: 0 done, 1 failed, 2 usage, 3 no emulator, 4 timeout, 130 interrupted.")
@click.version_option(package_name="sm-tuning")
def sm_tuning() -> None:
    """Plan, run and follow SageMaker tuning jobs, on this machine or in AWS."""
