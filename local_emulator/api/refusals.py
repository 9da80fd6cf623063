"""What moto would answer although nothing runs: refused, unless moto is to pretend.

An operation stands in `STATE_ONLY` if the record that moto keeps is all there is to it: definitions, and reading, stopping or deleting
what nobody could make. Whatever is neither there nor ours is refused, so also what a later moto learns to answer. Not there: what AWS
makes stores and tables of (FeatureGroup), and the definitions of jobs that monitor models: no schedule here would run one, and moto
overwrites some of them.
"""

import json
import re
from collections.abc import Iterator

from local_emulator.domain.errors import AwsError, UnknownOperationException

PRETENDED = ("x-sm-emulator-pretended", "moto")
"""Header of an answer that moto invented."""

_DEFINITIONS = {
    "ModelCard",
    "NotebookInstanceLifecycleConfig",
}
_MADE_BY_OTHERS = {
    "AutoMLJob",
    "AutoMLJobV2",
    "Cluster",
    "ClusterNode",
    "CompilationJob",
    "Domain",
    "NotebookInstance",
}
_READING = ("Describe{}", "List{}s", "Stop{}", "Delete{}")

STATE_ONLY = frozenset(
    {
        *(form.format(kind) for kind in _DEFINITIONS for form in ("Create{}", "Update{}", *_READING)),
        *(form.format(kind) for kind in _MADE_BY_OTHERS for form in _READING),
        *("AddTags", "ListTags", "DeleteTags", "Search", "GetSearchSuggestions"),  # of such resources
        "ListModelCardVersions",
    }
)
"""Operations of which moto's answer is true, as far as moto has them."""

_RUN_BY_OTHERS = re.compile(r":(states|scheduler):::(aws-sdk:)?sagemaker:|:sagemaker:[a-z0-9-]*:\d{12}:pipeline/")
_STATE_MACHINES = frozenset({"AWSStepFunctions.CreateStateMachine", "AWSStepFunctions.UpdateStateMachine"})
_WITH_TARGETS = frozenset({*_STATE_MACHINES, "AWSEvents.PutTargets"})
_SCHEDULER = "scheduler"

_SAGEMAKER = "SageMaker."


def needs_body(service: str, target: str) -> bool:
    """Whether a request, not the emulator's own, is judged by its body: it may name what is to run."""
    return target in _WITH_TARGETS or service == _SCHEDULER


def refusal(service: str, target: str, path: str, body: bytes) -> AwsError | None:
    """The error that answers a request, not the emulator's own, that would run something in SageMaker; None for all others.

    Args:
        service: The request's signing name.
        target: Its `X-Amz-Target`; empty for APIs that have paths.
        path: Its path.
        body: Its body; used where `needs_body`.
    """
    if target.startswith(_SAGEMAKER):
        operation = target.removeprefix(_SAGEMAKER)
        return None if operation in STATE_ONLY else _refused(operation)
    if needs_body(service, target):
        named = sorted(set(_run_by_others(target, body)))
        what = "task" if target in _STATE_MACHINES else "target"
        return _refused(f"{target.partition('.')[2] or 'A schedule'} with the {what} {named[0]}") if named else None
    if service != "sagemaker" or target:
        return None
    return _refused(f"SageMaker's {path[:100]}")


def _refused(what: str) -> AwsError:
    return UnknownOperationException(
        f"{what} is not emulated: nothing here would carry it out, so no answer would be true. "
        "`serve --pretend`, in a test emulated_sagemaker(pretend=True), lets moto invent it."
    )


def _run_by_others(target: str, body: bytes) -> Iterator[str]:
    """What of SageMaker a state machine, a rule or a schedule would run; nothing in what is not JSON, which moto refuses."""
    try:
        documents = [json.loads(body)]
        if target in _STATE_MACHINES:
            documents = [json.loads(documents[0]["definition"])]
    except (KeyError, TypeError, ValueError, RecursionError):
        return
    while documents:
        document = documents.pop()
        if isinstance(document, dict):
            documents.extend(document.values())
            for arn in (document.get("Resource"), document.get("Arn")):
                if isinstance(arn, str) and _RUN_BY_OTHERS.search(arn):
                    yield arn
        elif isinstance(document, list):
            documents.extend(document)
