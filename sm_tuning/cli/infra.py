"""Commands that deploy a project's stacks, show them and take them down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sm_tuning.cli.job_file import JobFile
from sm_tuning.cli.output import echo, echo_json
from sm_tuning.cli.target import Target
from sm_tuning.client.hosts import is_local
from sm_tuning.client.pipeline import put
from sm_tuning.errors import Invalid, NotDeployed
from sm_tuning.infra.errors import remedied
from sm_tuning.infra.project import TEMPLATES, Project, parameters_of
from sm_tuning.infra.push import push_image


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which project is meant, and where."""

    project: str
    environment: str
    account: str | None
    templates: Path | None
    target: Target

    def open(self) -> Project:
        """The project in its account."""
        session = self.target.session()
        local = is_local(session.client("cloudformation").meta.endpoint_url)
        return Project(
            name=self.project,
            environment=self.environment,
            session=session,
            say=lambda line: echo(line, error=True),
            command=self.target.command,
            poll=0.1 if local else 3.0,
            account=self.account,
            templates=self.templates or TEMPLATES,
        )


def _show(outputs: Mapping[str, str], *, as_json: bool) -> None:
    if as_json:
        echo_json(outputs)
        return
    for name, value in outputs.items():
        echo(f"{name}={value}")


def bootstrap(*, choice: Choice, parameters: Sequence[str], only_show: bool, as_json: bool) -> None:
    """Deploy the roles and limits of a project, as an administrator."""
    with remedied():
        _show(choice.open().bootstrap(parameters_of(parameters), only_show=only_show), as_json=as_json)


def changes(*, choice: Choice, parameters: Sequence[str], as_json: bool) -> None:
    """Show what `deploy` would change."""
    with remedied():
        _show(choice.open().deploy(parameters_of(parameters), only_show=True), as_json=as_json)


def deploy(*, choice: Choice, parameters: Sequence[str], as_json: bool) -> None:
    """Deploy bucket, repository, messages and budget."""
    with remedied():
        _show(choice.open().deploy(parameters_of(parameters)), as_json=as_json)


def outputs(*, choice: Choice, name: str | None, of_bootstrap: bool, as_json: bool) -> None:
    """Print what a stack tells, or one value of it."""
    with remedied():
        project = choice.open()
        values = project.outputs(bootstrap=of_bootstrap)
    if name is None:
        _show(values, as_json=as_json)
    elif name in values:
        echo_json(values[name]) if as_json else echo(values[name])
    else:
        stack = project.bootstrap_stack if of_bootstrap else project.stack
        raise Invalid(f"the stack {stack} has no output {name}; it has {', '.join(values)}")


def push(
    *, choice: Choice, context: Path, tag: str | None, base: str | None, gate: str | None, sbom: Path | None, as_json: bool
) -> None:
    """Build the training image and push it to the project's repository."""
    with remedied():
        pushed = push_image(choice.open(), context=context, tag=tag, base=base, gate=gate, sbom=sbom)
    _show(pushed, as_json=as_json)


def pipeline(*, choice: Choice, job_file: JobFile, max_cost: float | None, as_json: bool) -> None:
    """Make or replace the pipeline that schedule and arriving data start."""
    job_file.require_sound()
    with remedied():
        project = choice.open()
        outputs = project.outputs()
        if outputs.get("Triggers") != "true":
            raise NotDeployed(
                f"nothing may start a pipeline of {project.stack}: an administrator gives Triggers=true to `infra bootstrap`, then "
                "`infra deploy` hands it on"
            )
        job = replace(job_file, stack=project.stack).load(choice.target)
        job_file.check_cost(job, job_file.prices(job, choice.target) if max_cost is not None else {}, max_cost)
        arn = put(project.session.client("sagemaker"), project.stack, job, role=outputs["LaunchRoleArn"])
    _show({"pipeline": arn}, as_json=as_json)


def teardown(*, choice: Choice, of_bootstrap: bool, yes: bool, stop_jobs: bool, as_json: bool) -> None:
    """Delete a stack with all that it holds, or list that."""
    with remedied():
        project = choice.open()
        project.teardown(yes=yes, bootstrap=of_bootstrap, stop_jobs=stop_jobs)
    if as_json:
        echo_json({"deleted": (project.bootstrap_stack if of_bootstrap else project.stack) if yes else None})
