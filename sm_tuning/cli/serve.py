"""The command that puts a model behind an endpoint."""

from pathlib import Path

from sm_tuning.cli.display import console
from sm_tuning.cli.output import echo, echo_json
from sm_tuning.cli.session import run_of
from sm_tuning.cli.tables import safe
from sm_tuning.cli.target import Target
from sm_tuning.client.deployment import Endpoint
from sm_tuning.client.example_request import advice
from sm_tuning.errors import Invalid, NotFound
from sm_tuning.spec.script import Script


def serve(
    *,
    job: str,
    name: str | None,
    script: Path | None,
    instance_type: str,
    delete: bool,
    yes: bool,
    target: Target,
    as_json: bool,
) -> None:
    """Serve the best model of a tuning job, or delete what serves it."""
    run = run_of(target.session(), job)
    best = run.best()
    if best is None:
        raise NotFound(f"{run.name} has no training job with an objective yet")
    name = name or best.name
    undo = target.command(
        "serve", run.name, "--name", name, "--delete"
    )  # of a tuning job that runs the best may be another by then
    if delete:
        _delete(run.endpoint(name), as_json=as_json)
        return
    if target.aws and not yes:
        raise Invalid(
            f"an endpoint of one {instance_type} in AWS costs money by the hour, asked or not, until you delete it ({undo}): add --yes"
        )
    endpoint = best.serve(name=name, script=None if script is None else Script(str(script)), instance_type=instance_type)
    if as_json:
        asked = {"Curl": endpoint.curl, "Python": endpoint.python, "Features": endpoint.features}
        echo_json({"EndpointName": endpoint.name, "Url": endpoint.url, **asked})
        return
    for title, text in (
        ("endpoint:", endpoint.name),
        ("url:     ", endpoint.url),
        ("shell:   ", endpoint.curl),
        ("python:  ", endpoint.python),
        ("its log: ", target.command("logs", "--endpoint", endpoint.name)),
        ("delete:  ", undo),
    ):
        console().print(title, safe(text), soft_wrap=True)
    if (sentence := advice(endpoint.features)) is not None:
        console().print("example: ", safe(sentence), soft_wrap=True)


def _delete(endpoint: Endpoint, *, as_json: bool) -> None:
    deleted = endpoint.delete()
    if as_json:
        echo_json({"EndpointName": endpoint.name, "Deleted": deleted})
    elif not deleted:
        echo(f"{endpoint.name}: there is no such endpoint; nothing to delete")
    else:
        first, *others = deleted
        echo(f"deleted: the {first} {endpoint.name}{''.join(f' and its {other}' for other in others)}")
