"""What the emulator cannot do although AWS takes it is refused, and nothing else."""

from collections.abc import Mapping
from typing import Any

import pytest

from local_emulator.api import limits
from sm_tuning.rules import training_job, tuning_job
from tests.unit.sm_tuning.rules.requests import KMEANS, TRAINING, TUNING, changed, names

CASES: dict[str, tuple[Mapping[str, Any], str]] = {
    "instance-count": (
        {"D.ResourceConfig.InstanceCount": 2},
        "InstanceCount is 2; training on more than one instance is not emulated.",
    ),
    "channel-s3-only": (
        {"D.InputDataConfig.0.DataSource": {"FileSystemDataSource": {}}},
        "The channel 'train' has a FileSystemDataSource; only S3DataSource is emulated.",
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


@pytest.mark.parametrize(
    ("image", "static", "rules"),
    [
        (KMEANS, {}, []),  # the stand-in trains on all shards by itself
        (KMEANS, {"sagemaker_program": "train.py"}, ["instance-count"]),
        (TRAINING["AlgorithmSpecification"]["TrainingImage"], {}, ["instance-count"]),
    ],
)
def test_several_instances(image: str, static: Mapping[str, str], rules: list[str]) -> None:
    preferring = {"InstanceCount": 1, "InstancePreferences": [{"InstanceType": "ml.m5.large", "InstanceCount": 3}]}
    for resources in ({"InstanceType": "ml.m5.large", "InstanceCount": 3, "VolumeSizeInGB": 1}, preferring):
        request = changed(
            TRAINING, {"AlgorithmSpecification.TrainingImage": image, "HyperParameters": static, "ResourceConfig": resources}
        )
        assert [violation.rule for violation in limits.training_violations(request)] == rules


def test_nothing_is_left_when_autotune_has_chosen() -> None:
    request = changed(TUNING, {"C.ParameterRanges": {"IntegerParameterRanges": []}, "Autotune": {"Mode": "Enabled"}})
    (violation,) = limits.chosen_violations(request)
    assert violation.rule == "autotune-choice"
    assert "nothing is left to be tuned" in violation.message


def test_a_training_job_without_its_members_is_no_accident() -> None:
    request = {"TrainingJobName": "a", "OutputDataConfig": {"S3OutputPath": "s3://box"}, "RoleArn": "r"}
    assert list(limits.training_violations(request)) == []
    assert {violation.rule for violation in training_job.violations(request)} == {"training-required"}
