"""Every command with its options.

A command imports the module that carries it out when it is called (`_load`): `--help` needs none of boto3, rich and the charts.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from sm_tuning.cli.failures import Commands
from sm_tuning.cli.skeletons import FRAMEWORKS
from sm_tuning.cli.target import Target
from sm_tuning.client.emulator_process import state_folder

Command = Callable[..., None]


def _load(implementation: str) -> Callable[..., Any]:
    """Import a module of this package and give its function or class, as in `follow.status`."""
    module, _, name = implementation.partition(".")
    loaded: Callable[..., Any] = getattr(import_module(f"sm_tuning.cli.{module}"), name)
    return loaded


def _perform(implementation: str, **arguments: object) -> None:
    _load(implementation)(**arguments)


def _options(command: Command) -> Command:
    """The options of every command that talks to a service, as the parameters `target` and `as_json`."""
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
    def run(*, aws: bool, region: str | None, profile: str | None, state: Path | None, **arguments: object) -> None:
        command(target=Target(aws=aws, region=region, profile=profile, state=state or state_folder()), **arguments)

    return _with_parameters(run, decorated)


def _described(command: Command) -> Command:
    """FILE and the options that complete it, as the parameter `job_file`."""
    decorated = command
    for option in (
        click.option(
            "--price-per-hour", type=click.FloatRange(min=0), help="Dollars for an instance-hour; AWS's price list, if not given."
        ),
        click.option("--image", metavar="URI|TAG", help="Image of those that name none; a tag is one of the stack's repository."),
        click.option("--stack", help="CloudFormation stack that tells role, bucket, repository, key and network."),
        click.argument("file", type=click.Path(path_type=Path)),
    ):
        decorated = option(decorated)

    @wraps(command)
    def run(*, file: Path, stack: str | None, image: str | None, price_per_hour: float | None, **arguments: object) -> None:
        job_file = _load("job_file.JobFile")(file=file, stack=stack, image=image, price_per_hour=price_per_hour)
        command(job_file=job_file, **arguments)

    return _with_parameters(run, decorated)


def _with_parameters(command: Command, decorated: Any) -> Command:  # noqa: ANN401 - click adds an attribute
    """The command with click's parameters, which click keeps on the function that it decorates."""
    command.__click_params__ = decorated.__click_params__  # type: ignore[attr-defined] # see above
    return command


_PARTS: Mapping[str, Sequence[str]] = {
    "Describe and launch": ("init", "plan", "doctor", "run"),
    "Follow": ("attach", "status", "trainings", "best", "logs", "stop", "list"),
    "Results": ("diagnose", "report", "dashboard", "next", "export"),
    "Emulator": ("emulator",),
}


@click.group(
    cls=Commands,
    parts=_PARTS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 failed, 2 usage, 3 no emulator, 4 timeout, 130 interrupted.",
)
@click.version_option(package_name="sm-tuning")
def sm_tuning() -> None:
    """Plan, run and follow SageMaker tuning jobs, on this machine or in AWS."""


# --- describing and launching ---------------------------------------------------------------------------------------------


@sm_tuning.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option(
    "--framework",
    type=click.Choice(list(FRAMEWORKS)),
    default="plain",
    show_default=True,
    help="What the script trains with; plain needs nothing but Python.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def init(**arguments: object) -> None:
    """Write a job file and a training script to begin with, each line explained; nothing is overwritten."""
    _perform("init.init", **arguments)


@sm_tuning.command()
@_described
@click.option("--request", "show_request", is_flag=True, help="Show the exact request.")
@_options
def plan(**arguments: object) -> None:
    """Check a tuning job without sending it, and say what it would do and cost; with --aws or --stack the account is asked."""
    _perform("plan.plan", **arguments)


@sm_tuning.command()
@_described
@click.option("--max-cost", type=click.FloatRange(min=0), help="Dollars that the worst case may cost; nothing is launched above.")
@click.option("--name", help="Name of the tuning job (default: the file's, made unique).")
@click.option("--parallel", type=click.IntRange(1), help="Training jobs at a time.")
@click.option("--wait/--no-wait", default=True, help="Follow it to its end (the default).")
@click.option("--timeout", type=float, help="Seconds to follow it for.")
@click.option("--data-scaling", is_flag=True, help="Then train the best on growing shares of the training set.")
@click.option("--learning-curve", is_flag=True, hidden=True)  # its name in version 0.1
@click.option("--dashboard", is_flag=True, help="Show it in a browser while it runs.")
@click.option("--yes", is_flag=True, help="Do not ask before launching in AWS.")
@_options
def run(**arguments: object) -> None:
    """Launch a tuning job and follow it: on the emulator, or with --aws for real."""
    _perform("launch.run", **arguments)


@sm_tuning.command()
@_described
@click.option("--name", help="Name of the tuning job, to see whether it is free (default: the file's, made unique).")
@click.option("--account", help="Number of the account that is meant.")
@_options
def doctor(**arguments: object) -> None:
    """Say what an account lacks for a tuning job, and the command that mends it; nothing is changed."""
    _perform("doctor.doctor", **arguments)


# --- following ------------------------------------------------------------------------------------------------------------


@sm_tuning.command()
@click.argument("job", default="latest")
@click.option("--timeout", type=float, help="Seconds to follow it for.")
@_options
def attach(**arguments: object) -> None:
    """Follow a tuning job to its end."""
    _perform("launch.attach", **arguments)


@sm_tuning.command()
@click.argument("job", default="latest")
@_options
def status(**arguments: object) -> None:
    """Say how far a tuning job is."""
    _perform("follow.status", **arguments)


@sm_tuning.command()
@click.argument("job", default="latest")
@_options
def trainings(**arguments: object) -> None:
    """List the training jobs of a tuning job."""
    _perform("follow.trainings", **arguments)


@sm_tuning.command()
@click.argument("job", default="latest")
@click.option(
    "--download", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Download its model to a folder."
)
@_options
def best(**arguments: object) -> None:
    """Show the best training job of a tuning job."""
    _perform("follow.best", **arguments)


@sm_tuning.command()
@click.argument("name", metavar="[JOB]", default="latest")
@click.option("-f", "--follow", is_flag=True, help="Go on until the training job has ended.")
@_options
def logs(**arguments: object) -> None:
    """Print the log of a training job (its name, or as tables show it), or of the best training job of a tuning job."""
    _perform("follow.logs", **arguments)


@sm_tuning.command()
@click.argument("job")
@_options
def stop(**arguments: object) -> None:
    """Stop a tuning job and its running training jobs."""
    _perform("follow.stop", **arguments)


@sm_tuning.command(name="list")
@_options
def list_(**arguments: object) -> None:
    """List tuning jobs, the newest first."""
    _perform("follow.list_tuning_jobs", **arguments)


# --- results --------------------------------------------------------------------------------------------------------------


@sm_tuning.command()
@click.argument("jobs", nargs=-1)
@_options
def diagnose(**arguments: object) -> None:
    """Say whether the best model over- or underfits, what each hyperparameter did, and what to do next."""
    _perform("analysis.diagnose", **arguments)


@sm_tuning.command(name="next")
@click.argument("job", default="latest")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A .toml file; standard output, if not given.")
@click.option("--name", help="Name of the new tuning job (default: the old one's with the next number).")
@_options
def next_(**arguments: object) -> None:
    """Write the tuning job that follows one, as its diagnosis advises, as TOML for `plan` and `run`."""
    _perform("next_round.next_", **arguments)


@sm_tuning.command()
@click.argument("job", required=False)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Where to answer on this machine; 0 takes a free one.  [default: 4578, or a free one]",
)
@_options
def dashboard(**arguments: object) -> None:
    """Show tuning jobs in a browser, live while they run, until Ctrl-C; with JOB say where that one is."""
    _perform("analysis.dashboard", **arguments)


@sm_tuning.command()
@click.argument("jobs", nargs=-1)
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("report.html"), show_default=True, help="The page.")
@click.option(
    "--figures", type=click.Path(path_type=Path, file_okay=False), help="A folder for the charts, too: SVG and PNG files."
)
@_options
def report(**arguments: object) -> None:
    """Write what tuning jobs found as one HTML page: diagnosis, advice, charts, all training jobs."""
    _perform("analysis.report", **arguments)


@sm_tuning.command()
@click.argument("jobs", nargs=-1)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="A .csv, .json or .parquet file.")
@_options
def export(**arguments: object) -> None:
    """Write the training jobs of tuning jobs to a file: a row each; with .json their learning curves too."""
    _perform("analysis.export", **arguments)


# --- the emulator ---------------------------------------------------------------------------------------------------------


@sm_tuning.group(cls=Commands)
def emulator() -> None:
    """Start, stop, look at and reset the emulator."""


_STATE = click.option("--state", type=click.Path(path_type=Path), default=state_folder, help="State folder.")


@emulator.command(name="start", context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Where to answer; 0 is the last one of the state folder, or a free one.",
)
@click.option("--parallel", type=click.IntRange(1), help="Training jobs at a time (default: number of cores).")
@_STATE
def emulator_start(**arguments: object) -> None:
    """Start it in the background and print the exports for other programs.

    It takes every option of `python -m local_emulator serve`, such as --image, --fault and --quota:
    `sm-tuning emulator start -- --help` lists them.
    """
    _perform("emulator_commands.start", **arguments)


@emulator.command(name="stop")
@_STATE
def emulator_stop(**arguments: object) -> None:
    """End it; training jobs go on and are picked up at the next start."""
    _perform("emulator_commands.stop", **arguments)


@emulator.command(name="status")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@_STATE
def emulator_status(**arguments: object) -> None:
    """Say whether it runs, and where."""
    _perform("emulator_commands.status", **arguments)


@emulator.command(name="reset")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_STATE
def emulator_reset(**arguments: object) -> None:
    """Kill all runs and forget all state."""
    _perform("emulator_commands.reset", **arguments)


@emulator.command(name="env")
@click.option("--proxy", is_flag=True, help="Also for programs that insist on AWS's own addresses, as the SageMaker SDK does.")
@_STATE
def emulator_env(**arguments: object) -> None:
    """Print the exports for other programs: eval "$(sm-tuning emulator env)"."""
    _perform("emulator_commands.env", **arguments)
