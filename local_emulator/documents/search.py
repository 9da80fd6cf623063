"""Search: expressions as types, and the properties of records. A record is what Describe says of a job, with its tags."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local_emulator.domain.jobs import Document


@dataclass(frozen=True, kw_only=True)
class Filter:
    """A condition on a property. `value` is text whatever the property's type."""

    name: str
    operator: str
    value: str | None = None


@dataclass(frozen=True, kw_only=True)
class NestedFilters:
    """Conditions that one object of the list `property_name` must satisfy together."""

    property_name: str
    filters: tuple[Filter, ...]


@dataclass(frozen=True, kw_only=True)
class SearchExpression:
    """Conditions, all (`And`) or any (`Or`) of which a record must satisfy."""

    operator: str = "And"
    filters: tuple[Filter, ...] = ()
    nested_filters: tuple[NestedFilters, ...] = ()
    sub_expressions: tuple["SearchExpression", ...] = ()

    @property
    def size(self) -> int:
        """Number of conditions as AWS counts them: a list of nested filters and a sub-expression are one more each."""
        own = len(self.filters) + len(self.nested_filters) + len(self.sub_expressions)
        return own + sum(expression.size for expression in self.sub_expressions)

    def all_filters(self) -> Iterator[Filter]:
        """The filters of the expression and of all expressions in it."""
        yield from self.filters
        for nested in self.nested_filters:
            yield from nested.filters
        for expression in self.sub_expressions:
            yield from expression.all_filters()


def parse_expression(document: Document) -> SearchExpression:
    """A SearchExpression. Without an operator a filter compares its value; without a value it asks whether the property exists."""
    return SearchExpression(
        operator=document.get("Operator", "And"),
        filters=_filters(document.get("Filters", ())),
        nested_filters=tuple(
            NestedFilters(property_name=nested["NestedPropertyName"], filters=_filters(nested["Filters"]))
            for nested in document.get("NestedFilters", ())
        ),
        sub_expressions=tuple(map(parse_expression, document.get("SubExpressions", ()))),
    )


def _filters(documents: Sequence[Document]) -> tuple[Filter, ...]:
    return tuple(
        Filter(
            name=document["Name"],
            operator=document.get("Operator", "Equals" if "Value" in document else "Exists"),
            value=document.get("Value"),
        )
        for document in documents
    )


def values(record: Any, steps: Sequence[str]) -> Iterator[Any]:  # noqa: ANN401 - JSON
    """All values at a path; lists are expanded."""
    if isinstance(record, list):
        for member in record:
            yield from values(member, steps)
    elif not steps:
        yield record
    elif isinstance(record, Mapping):
        name = ".".join(steps[1:])
        if steps[0] == "Metrics":
            yield from (metric["Value"] for metric in record.get("FinalMetricDataList", ()) if metric["MetricName"] == name)
        elif steps[0] == "Tags" and name and "Tags" in record:
            yield from (tag["Value"] for tag in record["Tags"] if tag["Key"] == name)
        elif steps[0] == "HyperParameters" and name:
            yield from values(record.get("HyperParameters", {}).get(name, []), [])
        elif steps[0] in record:
            yield from values(record[steps[0]], steps[1:])


def names(record: Document) -> set[str]:
    """Names of the properties that not every job has: hyperparameters, metrics, tags."""
    return {
        *(f"HyperParameters.{name}" for name in record.get("HyperParameters", {})),
        *(f"Metrics.{metric['MetricName']}" for metric in record.get("FinalMetricDataList", ())),
        *(f"Tags.{tag['Key']}" for tag in record.get("Tags", ())),
    }
