"""Every rule of strategies, limits, definitions and objectives is broken once."""

from collections.abc import Mapping
from typing import Any

import pytest

from sm_tuning.rules import tuning_job
from tests.unit.sm_tuning.rules.requests import KMEANS, REMOVED, SEVERAL, TUNING, changed, names, of_rule

CONFIG = "HyperParameterTuningJobConfig"
LIMITS = f"{CONFIG}.ResourceLimits"
HYPERBAND = f"{CONFIG}.StrategyConfig.HyperbandStrategyConfig"
Case = tuple[Mapping[str, Any], Mapping[str, Any], str, str]
"""A request, what is changed of it, the path of the violation and its message."""


def hyperband(**settings: Any) -> dict[str, Any]:
    return {"C.Strategy": "Hyperband", "C.StrategyConfig": {"HyperbandStrategyConfig": settings}}


CASES: dict[str, Case] = {
    "definition-or-definitions": (
        TUNING,
        {"DD": []},
        "TrainingJobDefinitions",
        "Exactly one of TrainingJobDefinition and TrainingJobDefinitions must be given.",
    ),
    "max-jobs-required": (
        TUNING,
        {"C.ResourceLimits.MaxNumberOfTrainingJobs": REMOVED},
        f"{LIMITS}.MaxNumberOfTrainingJobs",
        "MaxNumberOfTrainingJobs is required in ResourceLimits for the strategy Random.",
    ),
    "max-jobs": (
        TUNING,
        {"C.Strategy": "Bayesian", "C.ResourceLimits.MaxNumberOfTrainingJobs": 751},
        f"{LIMITS}.MaxNumberOfTrainingJobs",
        "MaxNumberOfTrainingJobs is 751; for the strategy Bayesian it must be at most 750.",
    ),
    "max-parallel": (
        TUNING,
        {"C.ResourceLimits.MaxParallelTrainingJobs": 101},
        f"{LIMITS}.MaxParallelTrainingJobs",
        "MaxParallelTrainingJobs is 101; it must be at most 100.",
    ),
    "hyperband-config": (
        TUNING,
        {**hyperband(), "C.Strategy": "Random"},
        HYPERBAND,
        "HyperbandStrategyConfig was given, but the strategy is Random.",
    ),
    "hyperband-early-stopping": (
        TUNING,
        {**hyperband(MaxResource=9), "C.TrainingJobEarlyStoppingType": "Auto"},
        f"{CONFIG}.TrainingJobEarlyStoppingType",
        "TrainingJobEarlyStoppingType must be Off for the strategy Hyperband, which stops training jobs by its own rule.",
    ),
    "hyperband-max-resource": (
        TUNING,
        hyperband(MaxResource=20_001),
        f"{HYPERBAND}.MaxResource",
        "MaxResource is 20001; it must be at most 20000.",
    ),
    "hyperband-min-resource": (
        TUNING,
        hyperband(MinResource=10, MaxResource=9),
        f"{HYPERBAND}.MinResource",
        "MinResource is 10; it must not be more than MaxResource, 9.",
    ),
    "hyperband-resource": (
        TUNING,
        hyperband(),
        f"{HYPERBAND}.MaxResource",
        (
            "MaxResource parameter is not provided and could not be inferred from provided static hyperparameters of "
            "TrainingJobDefinition."
        ),
    ),
    "definition-name": (
        SEVERAL,
        {"DD.1.DefinitionName": REMOVED},
        "TrainingJobDefinitions[1].DefinitionName",
        "DefinitionName is required for each of the TrainingJobDefinitions.",
    ),
    "definition-name-unique": (
        SEVERAL,
        {"DD.1.DefinitionName": "a"},
        "TrainingJobDefinitions.DefinitionName",
        "DefinitionName 'a' is there more than once in TrainingJobDefinitions; each must be unique.",
    ),
    "objective-required": (
        TUNING,
        {"C.HyperParameterTuningJobObjective": REMOVED},
        f"{CONFIG}.HyperParameterTuningJobObjective",
        "HyperParameterTuningJobObjective is required.",
    ),
    "objective-place": (
        SEVERAL,
        {"C.HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "score"}},
        f"{CONFIG}.HyperParameterTuningJobObjective",
        "The objective must be given as TuningObjective of each of the TrainingJobDefinitions and nowhere else.",
    ),
    "objective-metric": (
        SEVERAL,
        {"DD.1.TuningObjective.MetricName": "loss"},
        "TrainingJobDefinitions[1].TuningObjective.MetricName",
        "A metric is required for this hyperparameter tuning job objective. Provide a metric in the metric definitions.",
    ),
}


@pytest.mark.parametrize("rule", CASES)
def test_a_rule(rule: str) -> None:
    request, changes, path, message = CASES[rule]
    assert of_rule(tuning_job.violations(changed(request, changes)), rule) == [(path, message)]


def test_every_rule_is_tried() -> None:
    assert set(CASES) == set(names(*tuning_job.SECTIONS))


@pytest.mark.parametrize("request_", [TUNING, SEVERAL])
def test_good_requests_break_none(request_: Mapping[str, Any]) -> None:
    assert list(tuning_job.violations(request_)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"C.ResourceLimits.MaxNumberOfTrainingJobs": REMOVED, "Autotune": {"Mode": "Enabled"}},
        {**hyperband(), "D.StaticHyperParameters": {"epochs": "9"}},
        {"C.ResourceLimits.MaxNumberOfTrainingJobs": 10_000},
        {"D.AlgorithmSpecification": {"AlgorithmName": "mine", "TrainingInputMode": "File"}},  # has metrics of its own
    ],
)
def test_what_is_no_violation(changes: Mapping[str, Any]) -> None:
    assert list(tuning_job.violations(changed(TUNING, changes))) == []


def test_nothing_else_is_said_of_a_request_without_definitions() -> None:
    request = changed(TUNING, {"D": REMOVED, "C.ResourceLimits.MaxParallelTrainingJobs": 101})
    assert [violation.rule for violation in tuning_job.violations(request)] == ["definition-or-definitions"]


def test_an_objective_beside_a_single_definition() -> None:
    request = changed(TUNING, {"D.TuningObjective": {"Type": "Minimize", "MetricName": "score"}})
    ((path, message),) = of_rule(tuning_job.violations(request), "objective-place")
    assert path == "TrainingJobDefinition.TuningObjective"
    assert message == "The objective must be given as HyperParameterTuningJobObjective and nowhere else."


def test_each_definition_is_judged() -> None:
    request = changed(SEVERAL, {"DD.0.TuningObjective": REMOVED, "DD.1.OutputDataConfig.S3OutputPath": "box"})
    assert [(violation.rule, violation.path) for violation in tuning_job.violations(request)] == [
        ("objective-required", "TrainingJobDefinitions[0].TuningObjective"),
        ("output-s3", "TrainingJobDefinitions[1].OutputDataConfig.S3OutputPath"),
    ]


def test_an_algorithm_of_aws_needs_no_metric_definitions() -> None:
    changes = {
        "D.AlgorithmSpecification": {"TrainingImage": KMEANS, "TrainingInputMode": "File"},
        "C.HyperParameterTuningJobObjective.MetricName": "test:msd",
        "C.ParameterRanges": {"IntegerParameterRanges": [{"Name": "mini_batch_size", "MinValue": "3000", "MaxValue": "15000"}]},
    }
    assert list(tuning_job.violations(changed(TUNING, changes))) == []
