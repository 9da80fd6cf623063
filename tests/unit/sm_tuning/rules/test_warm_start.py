"""Every rule of a warm start is broken once."""

from collections.abc import Mapping
from typing import Any

import pytest

from sm_tuning.rules import tuning_job, warm_start
from tests.unit.sm_tuning.rules.requests import REMOVED, SEVERAL, TUNING, changed, names, of_rule

PARENTS = "WarmStartConfig.ParentHyperParameterTuningJobs"
RANGES = "HyperParameterTuningJobConfig.ParameterRanges"
CONFIG = {
    "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "old"}],
    "WarmStartType": "IdenticalDataAndAlgorithm",
}
CHILD = changed(TUNING, {"WarmStartConfig": CONFIG})
PARENT = {
    **TUNING,
    "HyperParameterTuningJobName": "old",
    "HyperParameterTuningJobStatus": "Completed",
    "TrainingJobStatusCounters": {"Completed": 3, "InProgress": 0, "Stopped": 1},
}
ALONE: dict[str, tuple[Mapping[str, Any], Mapping[str, Any], str, str]] = {
    "warm-start-parents": (
        CHILD,
        {"WarmStartConfig.ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "old"}] * 2},
        PARENTS,
        "The parent tuning job old is there more than once in WarmStartConfig.",
    ),
    "warm-start-strategy": (
        CHILD,
        {"C.Strategy": "Hyperband"},
        "HyperParameterTuningJobConfig.Strategy",
        "WarmStartConfig was given, but the strategy is Hyperband; it must be Bayesian or Random.",
    ),
    "warm-start-definitions": (
        SEVERAL,
        {"WarmStartConfig": CONFIG},
        "TrainingJobDefinitions",
        "WarmStartConfig takes a single TrainingJobDefinition, not TrainingJobDefinitions.",
    ),
}
WITH_PARENTS: dict[str, tuple[Mapping[str, Any], Mapping[str, Any], str, str]] = {
    "warm-start-terminal": (
        {},
        {"HyperParameterTuningJobStatus": "Stopping"},
        PARENTS,
        "The parent tuning job old is in status Stopping; it must be Completed, Stopped or Failed.",
    ),
    "warm-start-parent-definitions": (
        {},
        {"D": REMOVED, "DD": []},
        PARENTS,
        "The parent tuning job old has TrainingJobDefinitions; it must have a single one.",
    ),
    "warm-start-objective": (
        {"C.HyperParameterTuningJobObjective.Type": "Maximize"},
        {},
        "HyperParameterTuningJobConfig.HyperParameterTuningJobObjective",
        "The objective metric must be the same as in the parent tuning job old: Minimize score.",
    ),
    "warm-start-names": (
        {"D.StaticHyperParameters.depth": "1"},
        {},
        RANGES,
        (
            "The set of tunable plus static HyperParameter names is not the same across current and parent tuning jobs. Please "
            "ensure this set is constant when warm starting. Note that previously static HyperParameters can be tuned in warm start "
            "jobs and vice versa."
        ),
    ),
    "warm-start-types": (
        {"C.ParameterRanges.ContinuousParameterRanges.0.Name": "n", "C.ParameterRanges.IntegerParameterRanges.0.Name": "x"},
        {"C.ParameterRanges.CategoricalParameterRanges": [], "D.StaticHyperParameters.c": "a"},
        RANGES,
        "The type of the hyperparameter 'n' must be the same as in the parent tuning job old: Integer.",
    ),
    "warm-start-changes": (
        {"D.StaticHyperParameters": {f"s{n}": "1" for n in range(11)}},
        {"D.StaticHyperParameters": {f"s{n}": "0" for n in range(11)}},
        "TrainingJobDefinition.StaticHyperParameters",
        ("There are 11 changes of static hyperparameters since the parent tuning job old; there may be at most 10."),
    ),
    "warm-start-fields": (
        {"D.Environment": {"A": "b"}},
        {},
        "TrainingJobDefinition.Environment",
        (
            "Only the following fields in TrainingJobDefinition are allowed to change: [algorithmSpecification, inputDataConfig, "
            "outputDataConfig, staticHyperParameters, roleArn, resourceConfig, stoppingCondition, vpcConfig, "
            "enableManagedSpotTraining, checkpointConfig]."
        ),
    ),
    "warm-start-image": (
        {"D.AlgorithmSpecification.TrainingImage": "1.dkr.ecr.us-east-1.amazonaws.com/other:1"},
        {},
        "TrainingJobDefinition.AlgorithmSpecification.TrainingImage",
        "For the WarmStartType IdenticalDataAndAlgorithm the training image must be that of the parent tuning job old.",
    ),
    "warm-start-jobs": (
        {"C.ResourceLimits.MaxNumberOfTrainingJobs": 9999},
        {},
        "HyperParameterTuningJobConfig.ResourceLimits.MaxNumberOfTrainingJobs",
        "MaxNumberOfTrainingJobs is 9999; with the 4 training jobs of the parent tuning jobs it must be at most 10000.",
    ),
}


@pytest.mark.parametrize("rule", ALONE)
def test_a_rule_of_the_request(rule: str) -> None:
    request, changes, path, message = ALONE[rule]
    assert of_rule(tuning_job.violations(changed(request, changes)), rule) == [(path, message)]


@pytest.mark.parametrize("rule", WITH_PARENTS)
def test_a_rule_of_the_parents(rule: str) -> None:
    changes, of_parent, path, message = WITH_PARENTS[rule]
    violations = warm_start.violations(changed(CHILD, changes), [changed(PARENT, of_parent)])
    assert of_rule(violations, rule)[0] == (path, message)


def test_every_rule_is_tried() -> None:
    assert set(ALONE) == set(names(warm_start.WARM_START))
    assert set(WITH_PARENTS) == set(names(warm_start.PARENTS))


@pytest.mark.parametrize(
    ("changes", "of_parent"),
    [
        ({}, {}),
        ({"D.EnableNetworkIsolation": False, "D.Environment": {}}, {}),  # as good as not given
        ({"D.RoleArn": "other", "D.VpcConfig": {}, "D.StaticHyperParameters.width": "4"}, {}),
        ({}, {"D.StaticHyperParameters._tuning_objective_metric": "score"}),
        (
            {"WarmStartConfig.WarmStartType": "TransferLearning", "D.AlgorithmSpecification.TrainingImage": "other"},
            {},
        ),
    ],
)
def test_what_is_no_violation(changes: Mapping[str, Any], of_parent: Mapping[str, Any]) -> None:
    child = changed(CHILD, changes)
    assert list(warm_start.violations(child, [changed(PARENT, of_parent)])) == []
    assert list(tuning_job.violations(child)) == []


def test_other_channels_are_a_warning() -> None:
    child = changed(CHILD, {"D.InputDataConfig.0.ContentType": "text/csv"})
    parent = changed(PARENT, {"D.InputDataConfig.0.CompressionType": "None"})  # AWS echoes what was not given
    (warning,) = warm_start.warnings(child, [parent])
    assert warning.startswith("the channels train are not those of the parent old")
    assert list(warm_start.warnings(CHILD, [parent])) == []
    transfer = changed(child, {"WarmStartConfig.WarmStartType": "TransferLearning"})
    assert list(warm_start.warnings(transfer, [parent])) == []
