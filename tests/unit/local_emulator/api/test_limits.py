"""What the emulator cannot do although AWS takes it is refused, and nothing else."""

from collections.abc import Mapping
from typing import Any

import pytest

from local_emulator.api import limits
from sm_tuning.rules import tuning_job
from tests.unit.sm_tuning.rules.requests import TRAINING, TUNING, changed, names

CASES: dict[str, tuple[Mapping[str, Any], str]] = {
    "instance-count": (
        {"D.ResourceConfig.InstanceCount": 255},
        "InstanceCount is 255; training on more than 254 instances is not emulated.",
    ),
    "channel-groups": (
        {"D.InputDataConfig.0.DataSource.S3DataSource.InstanceGroupNames": ["a"]},
        "The channel 'train' is for the instance groups a, which are not in InstanceGroups: no instance would get it.",
    ),
    "channel-hub": (
        {"D.InputDataConfig.0.DataSource": {"DatasetSource": {}}},
        "The channel 'train' has a DatasetSource, which is not emulated: no hub is here. Copy the data to S3.",
    ),
    "debugger-rules": (
        {"D.DebugRuleConfigurations": [{"RuleConfigurationName": "Overfit", "RuleEvaluatorImage": "i"}]},
        "The rules Overfit of DebugRuleConfigurations are not emulated: nothing here would evaluate them. Leave them out.",
    ),
    "algorithm-metrics": (
        {"D.AlgorithmSpecification": {"AlgorithmName": "mine", "TrainingInputMode": "File"}},
        "The metrics of the algorithm mine are not known to the emulator. Provide a metric in the metric definitions.",
    ),
}


@pytest.mark.parametrize("rule", CASES)
def test_a_limit(rule: str) -> None:
    changes, message = CASES[rule]
    request = changed(TUNING, changes)
    assert [(violation.rule, violation.message) for violation in limits.tuning_violations(request)] == [(rule, message)]
    assert list(tuning_job.violations(request)) == []  # AWS takes it


def test_every_limit_is_tried() -> None:
    assert {*CASES, "autotune-choice"} == set(names(limits.TRAINING, limits.TUNING, limits.CHOSEN))


def test_good_requests_break_none() -> None:
    assert list(limits.tuning_violations(TUNING)) == []
    assert list(limits.training_violations(TRAINING)) == []
    assert list(limits.chosen_violations(TUNING)) == []


GROUPS = [
    {"InstanceGroupName": name, "InstanceType": "ml.m5.large", "InstanceCount": count} for name, count in (("a", 200), ("b", 55))
]


def test_a_channel_for_a_group_that_is_there() -> None:
    resources = {"InstanceGroups": GROUPS[1:], "VolumeSizeInGB": 1}
    changes = {"ResourceConfig": resources, "InputDataConfig.0.DataSource.S3DataSource.InstanceGroupNames": ["b"]}
    assert list(limits.training_violations(changed(TRAINING, changes))) == []


@pytest.mark.parametrize(
    "resources",
    [
        {"InstanceCount": 1, "InstancePreferences": [{"InstanceType": "ml.m5.large", "InstanceCount": 255}]},
        {"InstanceGroups": GROUPS},
        {"InstanceGroups": [{**GROUPS[0], "InstanceCount": 0}]},
        {"InstanceType": "ml.m5.large", "InstanceCount": 0},
    ],
)
def test_instances_are_counted_wherever_they_are_asked_for(resources: Mapping[str, Any]) -> None:
    request = changed(TRAINING, {"ResourceConfig": resources})
    assert [violation.rule for violation in limits.training_violations(request)] == ["instance-count"]
