"""What moto would answer although nothing runs: refused, unless moto is to pretend.

An operation stands in `STATE_ONLY` if the record that moto keeps is all there is to it: definitions, and reading, stopping or deleting
what nobody could make. Whatever is neither there nor ours is refused, so also what a later moto learns to answer. Not there: what AWS
makes stores and tables of (FeatureGroup), and DisassociateTrialComponent, to which moto says yes of what does not exist.
"""

import json
import re
from collections.abc import Iterator
from urllib.parse import unquote

from local_emulator.domain.errors import AwsError, UnknownOperationException, ValidationError

PRETENDED = ("x-sm-emulator-pretended", "moto")
"""Header of an answer that moto invented."""

_DEFINITIONS = {
    "DataQualityJobDefinition",
    "EndpointConfig",
    "Experiment",
    "Model",
    "ModelBiasJobDefinition",
    "ModelCard",
    "ModelExplainabilityJobDefinition",
    "ModelPackage",
    "ModelPackageGroup",
    "ModelQualityJobDefinition",
    "NotebookInstanceLifecycleConfig",
    "Pipeline",
    "Trial",
    "TrialComponent",
}
_MADE_BY_OTHERS = {
    "AutoMLJob",
    "AutoMLJobV2",
    "Cluster",
    "ClusterNode",
    "CompilationJob",
    "Domain",
    "Endpoint",
    "NotebookInstance",
    "PipelineExecution",
    "ProcessingJob",
    "TransformJob",
}
_READING = ("Describe{}", "List{}s", "Stop{}", "Delete{}")

STATE_ONLY = frozenset(
    {
        *(form.format(kind) for kind in _DEFINITIONS for form in ("Create{}", "Update{}", *_READING)),
        *(form.format(kind) for kind in _MADE_BY_OTHERS for form in _READING),
        *("AddTags", "ListTags", "DeleteTags", "Search", "GetSearchSuggestions"),  # of such resources
        "AssociateTrialComponent",
        "DescribePipelineDefinitionForExecution",
        "ListModelCardVersions",
        "ListPipelineParametersForExecution",
        "UpdateEndpointWeightsAndCapacities",
    }
)
"""Operations of which moto's answer is true, as far as moto has them."""

_OF_TASKS = re.compile(r":states:::(aws-sdk:)?sagemaker:")
WITH_TASKS = frozenset({"AWSStepFunctions.CreateStateMachine", "AWSStepFunctions.UpdateStateMachine"})
"""Operations of Step Functions that are refused for what their body says."""

_VALIDATION = "ValidationSpecification"

_SAGEMAKER = "SageMaker."
_INVOCATION = re.compile(r"/endpoints/([^/]+)/(async-)?invocations")
_METRICS = "/BatchPutMetrics"


def refusal(service: str, target: str, path: str, body: bytes, account: str | None) -> AwsError | None:
    """The error that answers a request, not the emulator's own, that would run something in SageMaker; None for all others.

    Args:
        service: The request's signing name.
        target: Its `X-Amz-Target`; empty for APIs that have paths.
        path: Its path.
        body: Its body; used for Step Functions and CreateModelPackage alone.
        account: The account that it acts in.
    """
    if target.startswith(_SAGEMAKER):
        operation = target.removeprefix(_SAGEMAKER)
        if operation not in STATE_ONLY:
            return _refused(operation)
        validated = operation == "CreateModelPackage" and _member(body, _VALIDATION)  # by transform jobs
        return _refused(f"{operation} with a {_VALIDATION}") if validated else None
    if target in WITH_TASKS:
        tasks = sorted(set(_tasks(body)))
        return _refused(f"{target.partition('.')[2]} with the task {tasks[0]}") if tasks else None
    if service != "sagemaker" or target or path == _METRICS:
        return None
    invocation = _INVOCATION.match(path)
    if invocation:
        return ValidationError(f"Endpoint {unquote(invocation[1])} of account {account or ''} not found.")
    return _refused(f"SageMaker's {path[:100]}")


def _refused(what: str) -> AwsError:
    return UnknownOperationException(
        f"{what} is not emulated: nothing here would carry it out, so no answer would be true. "
        "`serve --pretend`, in a test emulated_sagemaker(pretend=True), lets moto invent it."
    )


def _member(body: bytes, name: str) -> object:
    """A member of a request; None in what is not JSON, which moto refuses."""
    try:
        return json.loads(body)[name]
    except (KeyError, TypeError, ValueError, RecursionError):
        return None


def _tasks(body: bytes) -> Iterator[str]:
    """The tasks of SageMaker in a state machine's definition; none in what is not JSON, which moto refuses."""
    try:
        states = [json.loads(str(_member(body, "definition")))]
    except (ValueError, RecursionError):
        return
    while states:
        state = states.pop()
        if isinstance(state, dict):
            states.extend(state.values())
            resource = state.get("Resource")
            if isinstance(resource, str) and _OF_TASKS.search(resource):
                yield resource
        elif isinstance(state, list):
            states.extend(state)
