"""Search and GetSearchSuggestions for training jobs and tuning jobs, answered from the store."""

import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from local_emulator.api import paging, tuning_jobs
from local_emulator.api.context import Context
from local_emulator.api.paging import with_token
from local_emulator.documents import serialize
from local_emulator.domain.errors import ValidationException
from local_emulator.domain.jobs import Document, Status
from local_emulator.domain.names import AwsScope, parse_arn
from local_emulator.domain.training import TrainingJob
from local_emulator.domain.tuning import TuningJob
from local_emulator.store.base import Query
from sm_tuning.rules import schema

RESOURCES = {"TrainingJob": "TrainingJob", "HyperParameterTuningJob": "HyperParameterTuningJobSearchEntity"}
"""Searchable resources, with botocore's shape of their records."""

_COMPONENTS = "ExperimentTrialComponent"
_MOST_CONDITIONS = 50
_PAGE = 10
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
    """Whether a request is about training jobs, tuning jobs, or the trial components that AWS makes from training jobs."""
    resource = request.get("Resource")
    about_jobs = "SourceArn" in json.dumps(request)
    return resource in RESOURCES or (resource in {None, _COMPONENTS} and about_jobs)


def refuse_components(_context: Context, _request: Document, _scope: AwsScope) -> Document:
    """Refuse requests for trial components of training jobs, which are not emulated."""
    raise ValidationException(
        "The trial components that SageMaker makes of training jobs are not emulated. Search for the Resource TrainingJob instead."
    )


def search(context: Context, request: Document, scope: AwsScope) -> Document:
    """Search."""
    resource = request["Resource"]
    if resource not in RESOURCES:
        return refuse_components(context, request, scope)
    expression = request.get("SearchExpression", {})
    _check(resource, expression)
    records = [record for record in _records(context, resource, expression, scope) if _satisfies(resource, record, expression)]
    if request.get("CrossAccountFilterOption") == "CrossAccount":
        records = []  # nothing here is shared with other accounts
    by = request.get("SortBy", "LastModifiedTime")
    _kind(resource, by)
    records = _sorted(records, by, descending=request.get("SortOrder", "Descending") == "Descending")
    position = paging.after("Search", request)
    begin = json.loads(position) if position else 0
    end = begin + request.get("MaxResults", _PAGE)
    answer = {
        "Results": [{resource: record} for record in records[begin:end]],
        "TotalHits": {"Value": len(records), "Relation": "EqualTo"},
    }
    return with_token("Search", request, answer, json.dumps(end) if end < len(records) else None)


def suggestions(context: Context, request: Document, scope: AwsScope) -> Document:
    """GetSearchSuggestions."""
    resource = request["Resource"]
    if resource not in RESOURCES:
        raise ValidationException(
            f"Suggestions for the Resource {resource} are not emulated; for {' and '.join(RESOURCES)} they are."
        )
    hint = request.get("SuggestionQuery", {}).get("PropertyNameQuery", {}).get("PropertyNameHint", "")
    names = {path for path in _paths(schema.service().shape_for(RESOURCES[resource])) if not path.startswith("Tags.")}
    for record in _records(context, resource, {}, scope):
        names |= {f"HyperParameters.{name}" for name in record.get("HyperParameters", {})}
        names |= {f"Metrics.{metric['MetricName']}" for metric in record.get("FinalMetricDataList", ())}
        names |= {f"Tags.{tag['Key']}" for tag in record.get("Tags", ())}
    return {"PropertyNameSuggestions": [{"PropertyName": name} for name in sorted(names) if name.startswith(hint)]}


# --- records --------------------------------------------------------------------------------------------------------------


def _records(context: Context, resource: str, expression: Document, scope: AwsScope) -> Iterator[Document]:
    """Records of a resource; those that cannot satisfy the expression may be left out."""
    if resource == "TrainingJob":
        for training in context.store.trainings.find(_narrowed(expression, scope)).items:
            yield _record(resource, training, serialize.described_training_job(training, context.now()))
        return
    for tuning in context.store.tunings.find(Query(scope=scope)).items:
        yield _record(resource, tuning, tuning_jobs.described(context.store, tuning))


def _record(resource: str, job: TrainingJob | TuningJob, described: Document) -> Document:
    tags = {"Tags": serialize.tag_list(job.tags)} if job.tags else {}
    return {name: value for name, value in {**described, **tags}.items() if name in _members(resource)}


@functools.cache
def _members(resource: str) -> frozenset[str]:
    """Members of a record. Cached, because botocore computes its map on each access."""
    shape = schema.service().shape_for(RESOURCES[resource])
    return frozenset(shape.members if isinstance(shape, StructureShape) else ())


def _narrowed(expression: Document, scope: AwsScope) -> Query:
    """A query with the conditions of an expression that the store has indexes for."""
    query = Query(scope=scope)
    if expression.get("Operator", "And") != "And":
        return query
    for condition in expression.get("Filters", ()):
        if condition.get("Operator", "Equals") != "Equals":
            continue
        if condition["Name"] == "TuningJobArn" and (parsed := parse_arn(condition.get("Value", ""))) and parsed.scope == scope:
            query = replace(query, tuning=parsed.arn)
        elif condition["Name"] == "TrainingJobStatus" and condition.get("Value") in set(Status):
            query = replace(query, statuses=[Status(condition["Value"])])
    return query


def _sorted(records: Sequence[Document], by: str, *, descending: bool) -> list[Document]:
    """Records in the order of a property; records without it last."""
    keyed = [(next(_values(record, by.split(".")), None), record) for record in records]
    there = [(value, record) for value, record in keyed if value is not None]
    numbers = all(isinstance(value, int | float) for value, _ in there)
    there.sort(key=lambda pair: pair[0] if numbers else str(pair[0]), reverse=descending)
    return [record for _, record in there] + [record for value, record in keyed if value is None]


# --- properties -----------------------------------------------------------------------------------------------------------


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


def _values(record: Any, steps: Sequence[str]) -> Iterator[Any]:  # noqa: ANN401 - JSON
    """All values at a path; lists are expanded."""
    if isinstance(record, list):
        for member in record:
            yield from _values(member, steps)
    elif not steps:
        yield record
    elif isinstance(record, Mapping):
        if steps[0] == "Metrics":
            wanted = ".".join(steps[1:])
            yield from (metric["Value"] for metric in record.get("FinalMetricDataList", ()) if metric["MetricName"] == wanted)
        elif steps[0] == "Tags" and len(steps) > 1 and "Tags" in record:
            wanted = ".".join(steps[1:])
            yield from (tag["Value"] for tag in record["Tags"] if tag["Key"] == wanted)
        elif steps[0] == "HyperParameters" and len(steps) > 1:
            yield from _values(record.get("HyperParameters", {}).get(".".join(steps[1:]), []), [])
        elif steps[0] in record:
            yield from _values(record[steps[0]], steps[1:])


# --- conditions -----------------------------------------------------------------------------------------------------------


def _conditions(expression: Document) -> Iterator[Document]:
    """All filters of an expression and its sub-expressions."""
    yield from expression.get("Filters", ())
    for nested in expression.get("NestedFilters", ()):
        yield from nested["Filters"]
    for below in expression.get("SubExpressions", ()):
        yield from _conditions(below)


def _size(expression: Document) -> int:
    below = expression.get("SubExpressions", ())
    own = len(expression.get("Filters", ())) + len(expression.get("NestedFilters", ())) + len(below)
    return own + sum(map(_size, below))


def _check(resource: str, expression: Document) -> None:
    """Raise ValidationException for an invalid expression."""
    if _size(expression) > _MOST_CONDITIONS:
        raise ValidationException(
            f"SearchExpression has {_size(expression)} conditions; there may be at most {_MOST_CONDITIONS}."
        )
    contained: list[str] = []
    for condition in _conditions(expression):
        name, operator = condition["Name"], condition.get("Operator", "Equals" if "Value" in condition else "Exists")
        kind = _kind(resource, name)
        if operator in {"Exists", "NotExists"}:
            continue
        if "Value" not in condition:
            raise ValidationException(f"Value is required in the filter of {name} for the operator {operator}.")
        if operator in _ORDERED and kind == "text":
            raise ValidationException(f"The operator {operator} of the filter of {name} is not supported for text properties.")
        if operator in {"Contains", "In"} and kind not in {"text", "hyperparameter"}:
            raise ValidationException(f"The operator {operator} of the filter of {name} is only supported for text properties.")
        if operator not in {"Contains", "In"}:
            _read(kind, name, condition["Value"])
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


def _satisfies(resource: str, record: Document, expression: Document) -> bool:
    """Whether a record satisfies an expression; always true without conditions."""
    verdicts = [
        *(_holds(resource, record, condition) for condition in expression.get("Filters", ())),
        *(_nested(resource, record, nested) for nested in expression.get("NestedFilters", ())),
        *(_satisfies(resource, record, below) for below in expression.get("SubExpressions", ())),
    ]
    return not verdicts or (any(verdicts) if expression.get("Operator") == "Or" else all(verdicts))


def _nested(resource: str, record: Document, nested: Document) -> bool:
    """Whether any object of a list satisfies all filters."""
    path = nested["NestedPropertyName"].split(".")
    return any(
        all(_holds(resource, _inside(path, member), condition) for condition in nested["Filters"])
        for member in _values(record, path)
    )


def _inside(path: Sequence[str], member: Any) -> Document:  # noqa: ANN401 - JSON
    """A record with only this member at a path."""
    document: Any = member
    for step in reversed(path):
        document = {step: document}
    return dict(document)


def _holds(resource: str, record: Document, condition: Document) -> bool:
    name: str = condition["Name"]
    operator: str = condition.get("Operator", "Equals" if "Value" in condition else "Exists")
    values = list(_values(record, name.split(".")))
    if operator in {"Exists", "NotExists"}:
        return bool(values) == (operator == "Exists")
    if operator == "NotEquals":
        return not _holds(resource, record, {**condition, "Operator": "Equals"})
    wanted = condition["Value"]
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
