"""Machines in AWS's form, and what AWS has no request for."""

from typing import Any

import pytest

from sm_tuning import Instance, InstanceGroup, Resources
from sm_tuning.errors import Invalid
from sm_tuning.spec.resources import Placement


def test_one_machine_is_the_default() -> None:
    assert Resources().request(None) == {
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}
    }


def test_alternatives_begin_with_the_machine_itself() -> None:
    resources = Resources(instance_count=2, volume_gb=5, alternatives=[Instance("ml.c5.xlarge", 1, 7)])
    assert resources.request("key") == {
        "HyperParameterTuningResourceConfig": {
            "AllocationStrategy": "Prioritized",
            "InstanceConfigs": [
                {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 5},
                {"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 7},
            ],
            "VolumeKmsKeyId": "key",
        }
    }


@pytest.mark.parametrize(
    ("members", "name", "value"),
    [
        ({"groups": [InstanceGroup("a", "ml.m5.large", 2)]}, "InstanceGroups",
         [{"InstanceGroupName": "a", "InstanceType": "ml.m5.large", "InstanceCount": 2}]),
        ({"preferences": [Instance("ml.m5.large", training_plans=["arn"])]}, "InstancePreferences",
         [{"InstanceType": "ml.m5.large", "InstanceCount": 1, "TrainingPlanArns": ["arn"]}]),
        ({"keep_alive": 60}, "KeepAlivePeriodInSeconds", 60),
        ({"training_plan": "arn:plan"}, "TrainingPlanArn", "arn:plan"),
        ({"placement": Placement(servers={"u1": 2})}, "InstancePlacementConfig",
         {"EnableMultipleJobs": False, "PlacementSpecifications": [{"UltraServerId": "u1", "InstanceCount": 2}]}),
    ],
)  # fmt: skip
def test_members(members: dict[str, Any], name: str, value: object) -> None:
    config = Resources(**members).request(None)["ResourceConfig"]
    assert config[name] == value
    assert ("InstanceType" in config) is not (name in {"InstanceGroups", "InstancePreferences"})


def test_spot_waits_twice_as_long_as_it_runs() -> None:
    assert Resources(spot=True, max_runtime=100).max_wait == 200
    assert Resources(spot=True, max_runtime=100, max_wait=150).max_wait == 150
    assert Resources(max_runtime=100).max_wait is None


@pytest.mark.parametrize(
    ("members", "names"),
    [
        ({"alternatives": [Instance("x")], "keep_alive": 60}, "alternatives and keep_alive are both given"),
        ({"alternatives": [Instance("x")], "groups": [InstanceGroup("a", "x")]}, "alternatives and groups are both given"),
        ({"preferences": [Instance("x")], "groups": [InstanceGroup("a", "x")]}, "groups and preferences are both given"),
    ],
)
def test_what_aws_has_no_request_for(members: dict[str, Any], names: str) -> None:
    with pytest.raises(Invalid, match=names):
        Resources(**members)
