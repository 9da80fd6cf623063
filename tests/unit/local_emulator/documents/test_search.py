"""Search's expressions, and the properties of records."""

from typing import Any

import pytest

from local_emulator.documents.search import Filter, NestedFilters, SearchExpression, names, parse_expression, values

RECORD: dict[str, Any] = {
    "HyperParameters": {"a.b": "1"},
    "FinalMetricDataList": [{"MetricName": "validation:loss", "Value": 0.5}, {"MetricName": "a.b", "Value": 2.0}],
    "InputDataConfig": [{"ChannelName": "train"}, {"ChannelName": "test"}],
    "Tags": [{"Key": "cost.center", "Value": "7"}],
    "Nothing": None,
}


def test_an_expression() -> None:
    document = {
        "Operator": "Or",
        "Filters": [
            {"Name": "a", "Operator": "Contains", "Value": "x"},
            {"Name": "b", "Value": "x"},
            {"Name": "c"},
        ],
        "NestedFilters": [{"NestedPropertyName": "d", "Filters": [{"Name": "d.e", "Value": "x"}]}],
        "SubExpressions": [{"Filters": [{"Name": "f", "Operator": "NotExists"}]}, {}],
    }
    expression = parse_expression(document)
    assert expression == SearchExpression(
        operator="Or",
        filters=(
            Filter(name="a", operator="Contains", value="x"),
            Filter(name="b", operator="Equals", value="x"),
            Filter(name="c", operator="Exists"),
        ),
        nested_filters=(NestedFilters(property_name="d", filters=(Filter(name="d.e", operator="Equals", value="x"),)),),
        sub_expressions=(SearchExpression(filters=(Filter(name="f", operator="NotExists"),)), SearchExpression()),
    )
    assert [entry.name for entry in expression.all_filters()] == ["a", "b", "c", "d.e", "f"]
    assert expression.size == 7, "three filters, nested filters, two sub-expressions and the filter in one of them"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("HyperParameters.a.b", ["1"]),
        ("HyperParameters.a", []),
        ("HyperParameters", [{"a.b": "1"}]),
        ("Metrics.validation:loss", [0.5]),
        ("Metrics.a.b", [2.0]),
        ("Metrics", []),
        ("InputDataConfig.ChannelName", ["train", "test"]),
        ("Tags.cost.center", ["7"]),
        ("Tags.Key", []),
        ("Nothing", [None]),
        ("Nothing.below", []),
        ("absent", []),
    ],
)
def test_values_of_a_property(name: str, expected: list[Any]) -> None:
    assert list(values(RECORD, name.split("."))) == expected


def test_names_that_not_every_job_has() -> None:
    assert names(RECORD) == {"HyperParameters.a.b", "Metrics.validation:loss", "Metrics.a.b", "Tags.cost.center"}
    assert names({}) == set()
