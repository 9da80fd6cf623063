"""Every rule of ranges is broken once."""

from collections.abc import Mapping
from typing import Any

import pytest

from sm_tuning.rules import ranges, tuning_job
from tests.unit.sm_tuning.rules.requests import GRID, KMEANS, SEVERAL, TUNING, changed, names, of_rule

RANGES = "HyperParameterTuningJobConfig.ParameterRanges"
JOBS = "HyperParameterTuningJobConfig.ResourceLimits.MaxNumberOfTrainingJobs"
CONTINUOUS, INTEGER = "ContinuousParameterRanges", "IntegerParameterRanges"


def span(**members: Any) -> dict[str, Any]:
    """A request's only continuous range, or its only integer range."""
    return {f"C.ParameterRanges.{CONTINUOUS}.0.{member}": value for member, value in members.items()}


def values(*counts: int) -> list[Any]:
    return [{"Name": f"c{index}", "Values": [str(n) for n in range(count)]} for index, count in enumerate(counts)]


CASES: dict[str, tuple[Mapping[str, Any], str, str]] = {
    "ranges-place": (
        {"D.HyperParameterRanges": {}},
        "TrainingJobDefinition.HyperParameterRanges",
        "With TrainingJobDefinition the ranges are given as ParameterRanges, not as HyperParameterRanges.",
    ),
    "autotune-mode": (
        {"C.ParameterRanges.AutoParameters": [{"Name": "y", "ValueHint": "1"}]},
        f"{RANGES}.AutoParameters",
        "AutoParameters were given, but Autotune is not enabled.",
    ),
    "ranges-required": ({"C.ParameterRanges": {}}, RANGES, "At least one hyperparameter range is required."),
    "ranges-most": (
        {f"C.ParameterRanges.{CONTINUOUS}": [{"Name": f"x{n}", "MinValue": "0", "MaxValue": "1"} for n in range(29)]},
        RANGES,
        "There are 31 hyperparameter ranges; there may be at most 30.",
    ),
    "range-unique": (span(Name="n"), RANGES, "The hyperparameter 'n' has more than one range."),
    "static-or-tunable": (
        {"D.StaticHyperParameters": {"x": "1"}},
        RANGES,
        "The hyperparameter 'x' is both static and tunable.",
    ),
    "hyperparameters-most": (
        {"D.StaticHyperParameters": {f"h{n}": "1" for n in range(97)}},
        "TrainingJobDefinition.StaticHyperParameters",
        "There are 101 hyperparameters (one is added for the objective); there may be at most 100.",
    ),
    "categorical-unique": (
        {"C.ParameterRanges.CategoricalParameterRanges.0.Values": ["a", "b", "a"]},
        f"{RANGES}.CategoricalParameterRanges[0].Values",
        "The value 'a' of the hyperparameter 'c' is there more than once.",
    ),
    "range-number": (
        span(MinValue="low"),
        f"{RANGES}.{CONTINUOUS}[0].MinValue",
        "MinValue 'low' of the hyperparameter 'x' must be a number.",
    ),
    "range-ends": (
        span(MinValue="2", MaxValue="1.0"),
        f"{RANGES}.{CONTINUOUS}[0].MinValue",
        "MinValue 2 of the hyperparameter 'x' must be less than MaxValue 1.0.",
    ),
    "range-logarithmic": (
        span(ScalingType="Logarithmic"),
        f"{RANGES}.{CONTINUOUS}[0].MinValue",
        "MinValue 0 of the hyperparameter 'x' must be greater than 0 for the ScalingType Logarithmic.",
    ),
    "range-reverse-continuous": (
        {f"C.ParameterRanges.{INTEGER}.0.ScalingType": "ReverseLogarithmic"},
        f"{RANGES}.{INTEGER}[0].ScalingType",
        "The ScalingType ReverseLogarithmic of the hyperparameter 'n' is for continuous ranges only.",
    ),
    "range-reverse-ends": (
        span(ScalingType="ReverseLogarithmic"),
        f"{RANGES}.{CONTINUOUS}[0]",
        "The range of the hyperparameter 'x' must lie within 0 <= x < 1.0 for the ScalingType ReverseLogarithmic.",
    ),
    "grid-categorical": ({"C.Strategy": "Grid"}, RANGES, "The strategy Grid takes CategoricalParameterRanges only."),
    "combinations": (
        {**GRID, "C.Strategy": "Random", "C.ResourceLimits.MaxNumberOfTrainingJobs": 10},
        JOBS,
        (
            "You don't have enough combinations of hyperparameter ranges. The total number of hyperparameter combinations for the "
            "provided ranges [3.0] must be equal or greater than the value of MaxNumberOfJobs, [10]. Provide additional ranges."
        ),
    ),
    "grid-size": (
        {**GRID, "C.ResourceLimits.MaxNumberOfTrainingJobs": 2},
        JOBS,
        "MaxNumberOfTrainingJobs is 2; for the strategy Grid it must be the number of combinations, 3, or left out.",
    ),
    "grid-most": (
        {**GRID, "C.ParameterRanges.CategoricalParameterRanges": values(30, 30)},
        RANGES,
        "The ranges have 900 combinations; for the strategy Grid there may be at most 750.",
    ),
}


@pytest.mark.parametrize("rule", CASES)
def test_a_rule(rule: str) -> None:
    changes, path, message = CASES[rule]
    assert of_rule(tuning_job.violations(changed(TUNING, changes)), rule) == [(path, message)]


def test_every_rule_is_tried() -> None:
    assert set(CASES) == set(names(ranges.RANGES))


@pytest.mark.parametrize(
    "changes",
    [
        GRID,
        {**GRID, "C.Strategy": "Random", "C.ResourceLimits.MaxNumberOfTrainingJobs": 10, "Autotune": {"Mode": "Enabled"}},
        {"C.ParameterRanges": {"AutoParameters": [{"Name": "y", "ValueHint": "1"}]}, "Autotune": {"Mode": "Enabled"}},
        span(MinValue="1e-3", MaxValue=".5", ScalingType="ReverseLogarithmic"),
        {"D.StaticHyperParameters": {f"h{n}": "1" for n in range(96)}},
    ],
)
def test_what_is_no_violation(changes: Mapping[str, Any]) -> None:
    assert list(tuning_job.violations(changed(TUNING, changes))) == []


@pytest.mark.parametrize(("low", "high"), [("1", "1"), ("0", "1e999"), ("-1e999", "0")])
def test_ends_that_are_none(low: str, high: str) -> None:
    violations = tuning_job.violations(changed(TUNING, span(MinValue=low, MaxValue=high)))
    assert [violation.rule for violation in violations] == ["range-ends"]


@pytest.mark.parametrize("text", ["", "1.5", "1e3", "one", " 1", "1_0", "0x1"])
def test_an_integer_range_has_whole_ends(text: str) -> None:
    changes = {f"C.ParameterRanges.{INTEGER}.0.MinValue": text}
    assert [violation.rule for violation in tuning_job.violations(changed(TUNING, changes))] == ["range-number"]


def test_combinations_of_all_definitions_count_together() -> None:
    finite = {"CategoricalParameterRanges": values(3), INTEGER: [{"Name": "n", "MinValue": "0", "MaxValue": "1"}]}
    changes = {
        "DD.0.HyperParameterRanges": finite,
        "DD.1.HyperParameterRanges": {"CategoricalParameterRanges": values(2)},
        "C.ResourceLimits.MaxNumberOfTrainingJobs": 9,
    }
    (violation,) = tuning_job.violations(changed(SEVERAL, changes))
    assert (violation.rule, violation.requirement) == ("combinations", "the ranges have only 8 combinations")


def test_ranges_beside_several_definitions() -> None:
    ((path, message),) = of_rule(tuning_job.violations(changed(SEVERAL, {"C.ParameterRanges": {}})), "ranges-place")
    assert path == RANGES
    assert message == "With TrainingJobDefinitions the ranges are given as HyperParameterRanges of each, not as ParameterRanges."


@pytest.mark.parametrize(("strategy", "rules"), [("Random", []), ("Grid", ["ranges-required"])])
def test_autotune_chooses_the_ranges_of_an_algorithm_of_aws(strategy: str, rules: list[str]) -> None:
    changes = {
        "C.Strategy": strategy,
        "C.ParameterRanges": {},
        "C.HyperParameterTuningJobObjective.MetricName": "test:msd",
        "D.AlgorithmSpecification": {"TrainingImage": KMEANS, "TrainingInputMode": "File"},
        "Autotune": {"Mode": "Enabled"},
    }
    assert [violation.rule for violation in tuning_job.violations(changed(TUNING, changes))] == rules
