"""Writes docs/operations.md out of botocore's model and our tables: `python -m tests.unit.operations_page`, or `make pages`."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version

import botocore.session
from moto.core.utils import camelcase_to_underscores
from moto.sagemaker.responses import SageMakerResponse

from local_emulator.api.operations import Api
from local_emulator.api.refusals import STATE_ONLY
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "operations.md"
RUNS, STATE, REFUSED = "runs here", "state only", "refused"

_HEAD = """# SageMaker's operations

What the emulator does with each operation of SageMaker's API, as botocore {botocore} has them, beside moto {moto}.
`make pages` makes this page.

* **Runs here**: the emulator's own; what it answers has happened.
* **State only**: a record is all there is to it, and moto keeps that: definitions, and reading, stopping or deleting what is there.
  moto's records of SageMaker are forgotten when the emulator ends.
* **Refused**: it would run something that nothing here runs, so every answer would be invented; or moto has no record of its kind.
  It is refused with `UnknownOperationException` and a sentence. So are a `ValidationSpecification` of CreateModelPackage, which runs
  transform jobs, tasks of SageMaker in Step Functions (CreateStateMachine), pipelines as targets of EventBridge's rules (PutTargets)
  and schedules, which nothing here would start, and resources of SageMaker in stacks other than
  Model, EndpointConfig, Endpoint, Pipeline, ModelPackageGroup and NotebookInstanceLifecycleConfig.

SageMaker Runtime, which is an API of its own, runs here but for what [Endpoints](endpoints.md) refuses.

`python -m local_emulator serve --pretend`, `sm-tuning emulator start --pretend`, and in tests `emulated_sagemaker(pretend=True)` pass
what is refused to moto. Its invented answers have the header `x-sm-emulator-pretended: moto`, and the emulator prints a line for each.
"""


def operations() -> Mapping[str, Sequence[str]]:
    """Names of all operations by what the emulator does with them."""
    kinds: dict[str, list[str]] = {RUNS: [], STATE: [], REFUSED: []}
    for name in botocore.session.get_session().get_service_model("sagemaker").operation_names:
        kinds[kind(name)].append(name)
    return kinds


def kind(name: str) -> str:
    """What the emulator does with an operation."""
    if name in Api.operations:
        return RUNS
    return STATE if name in STATE_ONLY and hasattr(SageMakerResponse, camelcase_to_underscores(name)) else REFUSED


def versions() -> Mapping[str, str]:
    """The versions that the page depends on."""
    return {name: version(name) for name in ("botocore", "moto")}


def page() -> str:
    """The page, as Markdown."""
    return "\n".join([_HEAD.format(**versions()).rstrip("\n"), *_lines()]) + "\n"


def _lines() -> Iterator[str]:
    yield from ("", "| operations | number | |", "|---|---|---|")
    for name, listed in operations().items():
        yield f"| {name} | {len(listed)} | {' '.join(f'`{operation}`' for operation in listed)} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
