"""The commands `sm-tuning infra …` with their options."""

from functools import wraps
from pathlib import Path
from typing import Any

import click

from sm_tuning.cli.failures import Commands
from sm_tuning.cli.options import Command, json_option, load, perform, price_option, target_options, with_parameters
from sm_tuning.cli.target import Target


@click.group(cls=Commands)
def infra() -> None:
    """What an account needs for tuning jobs: deployed, changed, deleted; on the emulator, or with --aws for real."""


def _project(command: Command) -> Command:
    """The options that say which project, and where, as the parameter `choice`."""
    decorated: Any = command
    for option in (
        click.option("--templates", type=click.Path(path_type=Path, file_okay=False), help="Folder of templates of your own."),
        click.option("--account", help="Number of the account that is meant; any other is refused."),
        click.option(
            "--environment", envvar="SM_TUNING_ENVIRONMENT", default="production", show_default=True, help="Such as staging."
        ),
        click.option("--project", envvar="SM_TUNING_PROJECT", required=True, help="Beginning of every name."),
    ):
        decorated = option(decorated)

    @wraps(command)
    def run(
        *, project: str, environment: str, account: str | None, templates: Path | None, target: Target, **arguments: object
    ) -> None:
        choice = load("infra.Choice")(
            project=project, environment=environment, account=account, templates=templates, target=target
        )
        command(choice=choice, **arguments)

    return target_options(with_parameters(run, decorated))


_PARAMETERS = click.argument("parameters", nargs=-1, metavar="[NAME=VALUE]...")
_OF_BOOTSTRAP = click.option("--bootstrap", "of_bootstrap", is_flag=True, help="Of the bootstrap stack.")


@infra.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--project", required=True, help="Beginning of every name.")
@click.option("--repository", required=True, metavar="ORG/NAME", help="The repository at GitHub, or the project at GitLab.")
@click.option("--provider", type=click.Choice(["github", "gitlab"]), default="github", show_default=True, help="Whose pipeline.")
@click.option("--job", default="job.toml", show_default=True, help="The tuning job that the pipeline launches.")
@click.option("--context", default="training", show_default=True, help="Folder of the training image's Dockerfile.")
@json_option
def init(**arguments: object) -> None:
    """Write a pipeline that deploys, launches and deletes into a repository of yours; nothing is overwritten."""
    perform("infra_init.init", **arguments)


@infra.command()
@click.argument("requirements", nargs=-1, metavar="[REQUIREMENT]...")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file; standard output, if not given.")
@json_option
def lock(**arguments: object) -> None:
    """Say the exact packages that a pipeline installs, with their hashes: sm-tuning itself, or those that are named."""
    perform("infra_init.lock", **arguments)


@infra.command()
@_PARAMETERS
@click.option("--only-show", is_flag=True, help="Show what would change, and change nothing.")
@_project
def bootstrap(**arguments: object) -> None:
    """Deploy the roles and limits of a project, as an administrator: once, and to change them."""
    perform("infra.bootstrap", **arguments)


@infra.command()
@_PARAMETERS
@_project
def changes(**arguments: object) -> None:
    """Show what `deploy` would change, and change nothing."""
    perform("infra.changes", **arguments)


@infra.command()
@_PARAMETERS
@_project
def deploy(**arguments: object) -> None:
    """Deploy bucket, repository, messages and budget; what is not said stays as it was."""
    perform("infra.deploy", **arguments)


@infra.command()
@click.argument("context", type=click.Path(path_type=Path, file_okay=False))
@click.option("--tag", help="Its tag (default: the commit).")
@click.option(
    "--base", help="What the Dockerfile's ARG BASE is, such as python:3.11-slim@sha256:…, which is the same at every build."
)
@click.option(
    "--gate",
    type=click.Choice(["CRITICAL", "HIGH", "MEDIUM", "LOW"]),
    help="Fail if ECR's scan, or Grype with --sbom, finds something as severe; what the image builds on then needs a digest.",
)
@click.option(
    "--sbom",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file for the list of the packages that were pushed (CycloneDX, by Syft).",
)
@_project
def push(**arguments: object) -> None:
    """Build a training image and push it to the project's repository; a tag is pushed once."""
    perform("infra.push", **arguments)


@infra.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--image", metavar="URI|TAG", help="Image of those that name none; a tag is one of the stack's repository.")
@click.option("--max-cost", type=click.FloatRange(min=0), help="Dollars that the worst case may cost; above, nothing is changed.")
@price_option
@_project
def pipeline(*, file: Path, image: str | None, price_per_hour: float | None, **arguments: object) -> None:
    """Make a tuning job the pipeline that the stack's schedule and arriving data start (Schedule, DataKey)."""
    job_file = load("job_file.JobFile")(file=file, stack=None, image=image, price_per_hour=price_per_hour)
    perform("infra.pipeline", job_file=job_file, **arguments)


@infra.command(name="follow-up")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="A folder.",
)
@click.option("--promote", is_flag=True, help="Promote the best models, too, if they are better by more than noise.")
@_project
def follow_up(**arguments: object) -> None:
    """Report on each tuning job that has ended since the last time, and tell its verdict to the stack's topic."""
    perform("follow_up.follow_up", **arguments)


@infra.command()
@click.argument("name", required=False)
@_OF_BOOTSTRAP
@_project
def outputs(**arguments: object) -> None:
    """Print what the tuning stack tells, or one value of it."""
    perform("infra.outputs", **arguments)


@infra.command()
@_OF_BOOTSTRAP
@click.option("--yes", is_flag=True, help="Without it nothing is deleted, only listed.")
@click.option("--stop-jobs", is_flag=True, help="Stop the project's tuning jobs that run; else they are a reason to refuse.")
@_project
def teardown(**arguments: object) -> None:
    """Delete the tuning stack with all that it holds: every object with its older versions, every image."""
    perform("infra.teardown", **arguments)
