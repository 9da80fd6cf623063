"""Search and GetSearchSuggestions for the resources that are ours, answered from the store."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from local_emulator.api import tuning_jobs
from local_emulator.api.context import Context
from local_emulator.api.paging import page_of
from local_emulator.api.trial_components import NOT_OF_JOBS
from local_emulator.documents import experiments, hosting, registry, serialize, serialize_pipelines
from local_emulator.documents import search as properties
from local_emulator.documents.search import Filter, NestedFilters, SearchExpression, parse_expression
from local_emulator.domain.errors import ValidationException
from local_emulator.domain.experiment import Trial, TrialComponent
from local_emulator.domain.jobs import Document, Record, Status
from local_emulator.domain.names import AwsScope, parse_arn
from local_emulator.domain.pipeline import PipelineExecution
from local_emulator.pipelines.values import experiment
from local_emulator.store.base import Query, Store, Table
from sm_tuning.rules import schema

RESOURCES = {
    "TrainingJob": "TrainingJob",
    "HyperParameterTuningJob": "HyperParameterTuningJobSearchEntity",
    "Pipeline": "Pipeline",
    "PipelineExecution": "PipelineExecution",
    "Endpoint": "Endpoint",
    "ModelPackage": "ModelPackage",
    "ModelPackageGroup": "ModelPackageGroup",
    "Experiment": "Experiment",
    "ExperimentTrial": "Trial",
    "ExperimentTrialComponent": "TrialComponent",
}
"""Searchable resources, with botocore's shape of their records."""

# Members of results that are not called as their resource.
_MEMBERS = {"ExperimentTrial": "Trial", "ExperimentTrialComponent": "TrialComponent"}
_MOST_CONDITIONS = 50
_LEAVES = {
    **dict.fromkeys(("integer", "long", "float", "double"), "number"),
    "timestamp": "time",
    "boolean": "boolean",
    "string": "text",
}
_ORDERED = {"GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo"}
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": lambda value, wanted: bool(value > wanted),
    "GreaterThanOrEqualTo": lambda value, wanted: bool(value >= wanted),
    "LessThan": lambda value, wanted: bool(value < wanted),
    "LessThanOrEqualTo": lambda value, wanted: bool(value <= wanted),
    "Equals": lambda value, wanted: bool(value == wanted),
}


def ours(request: Document) -> bool:
    """Whether a request is about resources that are ours."""
    resource = request.get("Resource")
    return isinstance(resource, list | dict) or resource in RESOURCES  # of these our errors have AWS's form


def search(context: Context, request: Document, scope: AwsScope) -> Document:
    """Search."""
    resource: str = request["Resource"]
    if resource not in RESOURCES:
        raise ValidationException(f"Search for the Resource {resource} is not emulated; for {' and '.join(RESOURCES)} it is.")
    if request.get("VisibilityConditions"):
        raise ValidationException("VisibilityConditions are not emulated: everything here is visible to everybody.")
    expression = parse_expression(request.get("SearchExpression", {}))
    _check(resource, expression)
    if resource == "ExperimentTrialComponent" and any(
        condition.name.startswith("Source.") for condition in expression.all_filters()
    ):
        raise ValidationException(NOT_OF_JOBS)
    records = [record for record in _records(context, resource, expression, scope) if _satisfies(resource, record, expression)]
    if request.get("CrossAccountFilterOption") == "CrossAccount":
        records = []  # nothing here is shared with other accounts
    by = request.get("SortBy", "LastModifiedTime" if "LastModifiedTime" in _members(resource) else "CreationTime")
    _kind(resource, by)
    records = _sorted(records, by, descending=request.get("SortOrder", "Descending") == "Descending")
    page = page_of("Search", request, "Results", [{_MEMBERS.get(resource, resource): record} for record in records])
    return {**page, "TotalHits": {"Value": len(records), "Relation": "EqualTo"}}


def suggestions(context: Context, request: Document, scope: AwsScope) -> Document:
    """GetSearchSuggestions."""
    resource = request["Resource"]
    if resource not in RESOURCES:
        raise ValidationException(
            f"Suggestions for the Resource {resource} are not emulated; for {' and '.join(RESOURCES)} they are."
        )
    hint = request.get("SuggestionQuery", {}).get("PropertyNameQuery", {}).get("PropertyNameHint", "")
    names = {path for path in _paths(schema.service().shape_for(RESOURCES[resource])) if not path.startswith("Tags.")}
    names = names.union(*map(properties.names, _records(context, resource, SearchExpression(), scope)))
    return {"PropertyNameSuggestions": [{"PropertyName": name} for name in sorted(names) if name.startswith(hint)]}


# --- records --------------------------------------------------------------------------------------------------------------


def _records(context: Context, resource: str, expression: SearchExpression, scope: AwsScope) -> Iterator[Document]:
    """Records of a resource; those that cannot satisfy the expression may be left out."""
    query = _narrowed(expression, scope) if resource == "TrainingJob" else Query(scope=scope)
    table, described = _DESCRIBED[resource]
    for record in table(context.store).find(query).items:
        yield _record(resource, record, described(context, record))


def _described_execution(_: Context, execution: PipelineExecution) -> Document:
    described = serialize_pipelines.described_execution(execution, experiment(execution))
    return {**described, "PipelineParameters": serialize_pipelines.parameters(execution)}


def _searched_trial(context: Context, trial: Trial) -> Document:
    components = context.store.components.find(Query(scope=trial.scope)).items
    return experiments.searched_trial(trial, [component for component in components if trial.arn in component.trials])


def _searched_component(context: Context, component: TrialComponent) -> Document:
    trials = context.store.trials.find(Query(scope=component.scope)).items
    return experiments.searched_component(component, {trial.arn: trial for trial in trials})


# By resource: the table of its records, and what Describe answers about one.
_DESCRIBED: Mapping[str, tuple[Callable[[Store], Table[Any]], Callable[[Context, Any], Document]]] = {
    "TrainingJob": (lambda store: store.trainings, lambda context, job: serialize.described_training_job(job, context.now())),
    "HyperParameterTuningJob": (lambda store: store.tunings, lambda context, job: tuning_jobs.described(context.store, job)),
    "Pipeline": (lambda store: store.pipelines, lambda _, pipeline: serialize_pipelines.described_pipeline(pipeline)),
    "PipelineExecution": (lambda store: store.executions, _described_execution),
    "Endpoint": (lambda store: store.endpoints, lambda _, endpoint: hosting.described_endpoint(endpoint)),
    "ModelPackage": (lambda store: store.packages, lambda _, package: registry.described_package(package)),
    "ModelPackageGroup": (lambda store: store.package_groups, lambda _, group: registry.described_group(group)),
    "Experiment": (lambda store: store.experiments, lambda _, made: experiments.described(made, "Experiment")),
    "ExperimentTrial": (lambda store: store.trials, _searched_trial),
    "ExperimentTrialComponent": (lambda store: store.components, _searched_component),
}


def _record(resource: str, job: Record, described: Document) -> Document:
    tags = {"Tags": serialize.tag_list(job.tags)} if job.tags else {}
    return {name: value for name, value in {**described, **tags}.items() if name in _members(resource)}


@functools.cache
def _members(resource: str) -> frozenset[str]:
    """Members of a record. Cached, because botocore computes its map on each access."""
    shape = schema.service().shape_for(RESOURCES[resource])
    return frozenset(shape.members if isinstance(shape, StructureShape) else ())


def _narrowed(expression: SearchExpression, scope: AwsScope) -> Query:
    """A query with the conditions of an expression that the store has indexes for."""
    query = Query(scope=scope)
    if expression.operator != "And":
        return query
    for name, value in [(entry.name, entry.value or "") for entry in expression.filters if entry.operator == "Equals"]:
        if name == "TuningJobArn" and (parsed := parse_arn(value)) and parsed.scope == scope:
            query = replace(query, tuning=parsed.arn)
        elif name == "TrainingJobStatus" and value in set(Status):
            query = replace(query, statuses=[Status(value)])
    return query


def _sorted(records: Sequence[Document], by: str, *, descending: bool) -> list[Document]:
    """Records in the order of a property; records without it last."""
    keyed = [(next(properties.values(record, by.split(".")), None), record) for record in records]
    there = [(value, record) for value, record in keyed if value is not None]
    numbers = all(isinstance(value, int | float) for value, _ in there)
    there.sort(key=lambda pair: pair[0] if numbers else str(pair[0]), reverse=descending)
    return [record for _, record in there] + [record for value, record in keyed if value is None]


# --- properties -----------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=1000)
def _kind(resource: str, name: str) -> str:
    """Kind of a property: `text`, `number`, `time`, `boolean`, or `hyperparameter` (text or number). Raises ValidationException."""
    head, _, rest = name.partition(".")
    if rest and head in {"Metrics", "HyperParameters"} and resource == "TrainingJob":
        return "number" if head == "Metrics" else "hyperparameter"
    if rest and head == "Tags":
        return "text"
    shape: Shape | None = schema.service().shape_for(RESOURCES[resource])
    for step in name.split("."):
        while isinstance(shape, ListShape):
            shape = shape.member
        shape = _below(shape, step)
    if shape is None:
        raise ValidationException(f"Unknown property name: {name}. It is no property of {resource}.")
    return _LEAVES.get(shape.type_name, "structure")


def _below(shape: Shape | None, step: str) -> Shape | None:
    if isinstance(shape, MapShape):
        return shape.value
    return shape.members.get(step) if isinstance(shape, StructureShape) else None


def _paths(shape: Shape, path: str = "", above: tuple[str, ...] = ()) -> Iterator[str]:
    """Names of the properties below a shape."""
    if isinstance(shape, ListShape):
        yield from _paths(shape.member, path, above)
    elif isinstance(shape, StructureShape) and shape.name not in above:
        for name, member in shape.members.items():
            yield from _paths(member, f"{path}.{name}" if path else name, (*above, shape.name))
    elif shape.type_name in _LEAVES:
        yield path


# --- conditions -----------------------------------------------------------------------------------------------------------


def _check(resource: str, expression: SearchExpression) -> None:
    """Raise ValidationException for an invalid expression."""
    if expression.size > _MOST_CONDITIONS:
        raise ValidationException(f"SearchExpression has {expression.size} conditions; there may be at most {_MOST_CONDITIONS}.")
    contained: list[str] = []
    for condition in expression.all_filters():
        name, operator = condition.name, condition.operator
        kind = _kind(resource, name)
        if operator in {"Exists", "NotExists"}:
            continue
        if condition.value is None:
            raise ValidationException(f"Value is required in the filter of {name} for the operator {operator}.")
        if operator in _ORDERED and kind == "text":
            raise ValidationException(f"The operator {operator} of the filter of {name} is not supported for text properties.")
        if operator in {"Contains", "In"} and kind not in {"text", "hyperparameter"}:
            raise ValidationException(f"The operator {operator} of the filter of {name} is only supported for text properties.")
        if operator not in {"Contains", "In"}:
            _read(kind, name, condition.value)
        if operator == "Contains":
            contained.append(name)
    if len(contained) != len(set(contained)):
        raise ValidationException("'CONTAINS' operator usage limit of 1 exceeded.")


def _read(kind: str, name: str, text: str) -> str | float | bool:
    """A filter's Value in the type of the property; raises ValidationException."""
    try:
        if kind == "number":
            return float(text)
        if kind == "time":
            time = datetime.fromisoformat(text)
            return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
        if kind == "boolean":
            return {"true": True, "false": False}[text.lower()]
    except (KeyError, ValueError) as error:
        forms = {
            "number": "an integer or a decimal number",
            "time": "a date-time like 2026-01-31T12:00:00",
            "boolean": "true or false",
        }
        raise ValidationException(f"The Value {text!r} of the filter of {name} must be {forms[kind]}.") from error
    return text


def _satisfies(resource: str, record: Document, expression: SearchExpression) -> bool:
    """Whether a record satisfies an expression; always true without conditions."""
    verdicts = [
        *(_holds(resource, record, condition) for condition in expression.filters),
        *(_nested(resource, record, nested) for nested in expression.nested_filters),
        *(_satisfies(resource, record, below) for below in expression.sub_expressions),
    ]
    return not verdicts or (any(verdicts) if expression.operator == "Or" else all(verdicts))


def _nested(resource: str, record: Document, nested: NestedFilters) -> bool:
    """Whether any object of a list satisfies all filters."""
    path = nested.property_name.split(".")
    return any(
        all(_holds(resource, _inside(path, member), condition) for condition in nested.filters)
        for member in properties.values(record, path)
    )


def _inside(path: Sequence[str], member: Any) -> Document:  # noqa: ANN401 - JSON
    """A record with only this member at a path."""
    document: Any = member
    for step in reversed(path):
        document = {step: document}
    return dict(document)


def _holds(resource: str, record: Document, condition: Filter) -> bool:
    name, operator, wanted = condition.name, condition.operator, condition.value or ""
    values = list(properties.values(record, name.split(".")))
    if operator in {"Exists", "NotExists"}:
        return bool(values) == (operator == "Exists")
    if operator == "NotEquals":
        return not _holds(resource, record, replace(condition, operator="Equals"))
    if operator == "Contains":
        return any(wanted in str(value) for value in values)
    if operator == "In":
        return any(str(value) in {text.strip() for text in wanted.split(",")} for value in values)
    kind = _kind(resource, name)
    pairs = (
        _hyperparameter(value, wanted) if kind == "hyperparameter" else (value, _read(kind, name, wanted)) for value in values
    )
    return any(_COMPARE[operator](value, against) for value, against in pairs if _comparable(value, against, operator))


def _comparable(value: object, wanted: object, operator: str) -> bool:
    return operator == "Equals" or not (isinstance(value, str) or isinstance(wanted, str))


def _hyperparameter(value: str, wanted: str) -> tuple[str | float, str | float]:
    """Both values as decimals; as integers if an integer is wanted; as text if either is not a number."""
    try:
        number = float(value)
        return (int(number), int(wanted)) if wanted.lstrip("+-").isdigit() else (number, float(wanted))
    except (OverflowError, ValueError):
        return value, wanted
