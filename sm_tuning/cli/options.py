"""Options that several commands share, and how a command is carried out.

A command imports the module that carries it out when it is called (`load`): `--help` needs none of boto3, rich and the charts.
"""

from collections.abc import Callable
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from sm_tuning.cli.target import Target
from sm_tuning.client.emulator_process import state_folder

Command = Callable[..., None]

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
price_option = click.option(
    "--price-per-hour", type=click.FloatRange(min=0), help="Dollars for an instance-hour; AWS's price list, if not given."
)


def load(implementation: str) -> Callable[..., Any]:
    """Import a module of this package and give its function or class, as in `follow.status`."""
    module, _, name = implementation.partition(".")
    loaded: Callable[..., Any] = getattr(import_module(f"sm_tuning.cli.{module}"), name)
    return loaded


def perform(implementation: str, **arguments: object) -> None:
    """Carry out a command."""
    load(implementation)(**arguments)


def target_options(command: Command) -> Command:
    """The options of every command that talks to a service, as the parameters `target` and `as_json`."""
    decorated = command
    for option in (
        json_option,
        click.option("--state", type=click.Path(path_type=Path), default=None, help="State folder of the emulator."),
        click.option("--profile", help="AWS profile (with --aws)."),
        click.option("--region", help="AWS region."),
        click.option("--aws/--local", default=False, help="AWS itself, or the emulator (the default)."),
    ):
        decorated = option(decorated)

    @wraps(command)
    def run(*, aws: bool, region: str | None, profile: str | None, state: Path | None, **arguments: object) -> None:
        command(target=Target(aws=aws, region=region, profile=profile, state=state or state_folder()), **arguments)

    return with_parameters(run, decorated)


def job_file_options(command: Command) -> Command:
    """FILE and the options that complete it, as the parameter `job_file`."""
    decorated = command
    for option in (
        price_option,
        click.option("--image", metavar="URI|TAG", help="Image of those that name none; a tag is one of the stack's repository."),
        click.option("--stack", help="CloudFormation stack that tells role, bucket, repository, key and network."),
        click.argument("file", type=click.Path(path_type=Path)),
    ):
        decorated = option(decorated)

    @wraps(command)
    def run(*, file: Path, stack: str | None, image: str | None, price_per_hour: float | None, **arguments: object) -> None:
        job_file = load("job_file.JobFile")(file=file, stack=stack, image=image, price_per_hour=price_per_hour)
        command(job_file=job_file, **arguments)

    return with_parameters(run, decorated)


def with_parameters(command: Command, decorated: Any) -> Command:  # noqa: ANN401 - click adds an attribute
    """The command with click's parameters, which click keeps on the function that it decorates."""
    command.__click_params__ = decorated.__click_params__  # type: ignore[attr-defined] # see above
    return command
