"""What rules read of a request."""

import pytest

from sm_tuning.rules.request import TrainingRequest, TuningRequest, number, number_of_points, repeated
from tests.unit.sm_tuning.rules.requests import REMOVED, SEVERAL, TRAINING, TUNING, changed


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("3", "integer", 3),
        ("-07", "integer", -7),
        ("3.0", "integer", None),
        ("1e3", "number", 1000.0),
        (".5", "number", 0.5),
        ("5.", "number", 5.0),
        ("1e999", "number", float("inf")),
        ("nan", "number", None),
        ("inf", "number", None),
        ("1_000", "number", None),
        ("0x10", "integer", None),
        (" 1", "number", None),
        ("", "number", None),
        ("1\n", "integer", None),
    ],
)
def test_numbers(text: str, kind: str, value: float | None) -> None:
    assert number(text, integer=kind == "integer") == value


def test_large_integers_are_exact() -> None:
    assert number("9" * 40, integer=True) == int("9" * 40)


def test_numbers_of_points() -> None:
    categorical = {"CategoricalParameterRanges": [{"Name": "c", "Values": ["a", "b", "d"]}]}
    integer = {"IntegerParameterRanges": [{"Name": "n", "MinValue": "-1", "MaxValue": "2"}]}
    assert number_of_points({**categorical, **integer}) == 12
    assert number_of_points({**categorical, "ContinuousParameterRanges": []}) == 3
    assert number_of_points({}) is None
    assert number_of_points({**categorical, "AutoParameters": [{"Name": "a", "ValueHint": "1"}]}) is None
    assert number_of_points({**categorical, "ContinuousParameterRanges": [{"Name": "x"}]}) is None
    assert number_of_points({"IntegerParameterRanges": [{"Name": "n", "MinValue": "2", "MaxValue": "1"}]}) is None
    assert number_of_points({"IntegerParameterRanges": [{"Name": "n", "MinValue": "x", "MaxValue": "1"}]}) is None


def test_a_single_definition_has_the_tuning_job_s_objective_and_ranges() -> None:
    (part,) = TuningRequest(TUNING).definitions
    assert (part.path, part.objective) == ("TrainingJobDefinition", {"Type": "Minimize", "MetricName": "score"})
    assert (part.objective_path, part.ranges_path) == (
        "HyperParameterTuningJobConfig.HyperParameterTuningJobObjective",
        "HyperParameterTuningJobConfig.ParameterRanges",
    )
    assert part.names == ["c", "n", "x"]
    assert [(span.name, span.low, span.high, span.integer) for span in part.numeric()] == [
        ("n", 1, 9, True),
        ("x", 0.0, 1.0, False),
    ]
    assert TuningRequest(TUNING).points is None


def test_several_definitions_have_their_own() -> None:
    request = TuningRequest(changed(SEVERAL, {"DD.1.HyperParameterRanges": REMOVED}))
    first, second = request.definitions
    assert (first.path, first.objective_path) == ("TrainingJobDefinitions[0]", "TrainingJobDefinitions[0].TuningObjective")
    assert second.ranges_path == "TrainingJobDefinitions[1].HyperParameterRanges"
    assert (first.names, second.names) == (["c", "n", "x"], [])


def test_nothing_fails_on_what_is_missing() -> None:
    request = TrainingRequest({})
    assert (request.image, request.metrics, request.static, request.at("RoleArn")) == ("", (), {}, "RoleArn")
    assert TrainingRequest(TRAINING, "D").at("RoleArn") == "D.RoleArn"
    (part,) = TuningRequest({"HyperParameterTuningJobConfig": {"Strategy": "Random", "ResourceLimits": {}}}).definitions
    assert (part.names, part.objective, list(part.numeric())) == ([], None, [])


def test_repeated_names() -> None:
    assert repeated(["b", "a", "b", "c", "a"]) == ["a", "b"]
