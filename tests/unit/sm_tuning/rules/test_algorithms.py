"""Every rule of AWS's own algorithms is broken once."""

from collections.abc import Mapping
from typing import Any

import pytest

from sm_tuning.rules import algorithms, tuning_job
from tests.unit.sm_tuning.rules.requests import KMEANS, TUNING, changed, names, of_rule

RANGES = "HyperParameterTuningJobConfig.ParameterRanges"
KMEANS_JOB = changed(
    TUNING,
    {
        "D.AlgorithmSpecification": {"TrainingImage": KMEANS, "TrainingInputMode": "File"},
        "C.HyperParameterTuningJobObjective.MetricName": "test:msd",
        "C.ParameterRanges": {"IntegerParameterRanges": [{"Name": "mini_batch_size", "MinValue": "3000", "MaxValue": "15000"}]},
    },
)
CASES: dict[str, tuple[Mapping[str, Any], str, str]] = {
    "builtin-objective": (
        {"C.HyperParameterTuningJobObjective.MetricName": "score"},
        "HyperParameterTuningJobConfig.HyperParameterTuningJobObjective.MetricName",
        (
            f"The objective metric for the hyperparameter tuning job, [score], isn't valid for the [{KMEANS}] algorithm. Choose a "
            "valid objective metric."
        ),
    ),
    "builtin-untunable": (
        {"C.ParameterRanges.IntegerParameterRanges.0.Name": "k"},
        RANGES,
        (
            "The hyperparameter tuning job you requested has the following untunable hyperparameters: [k]. For the algorithm, "
            f"{KMEANS}, you can tune only [epochs, extra_center_factor, init_method, mini_batch_size]. "
            "Delete untunable hyperparameters."
        ),
    ),
    "builtin-range": (
        {"C.ParameterRanges.IntegerParameterRanges.0.MinValue": "-5"},
        f"{RANGES}.IntegerParameterRanges[0]",
        f"The range of the hyperparameter 'mini_batch_size' has -5; the algorithm, {KMEANS}, allows [1, +inf).",
    ),
}


@pytest.mark.parametrize("rule", CASES)
def test_a_rule(rule: str) -> None:
    changes, path, message = CASES[rule]
    assert of_rule(tuning_job.violations(changed(KMEANS_JOB, changes)), rule) == [(path, message)]


def test_similar_metrics_are_named() -> None:
    request = changed(KMEANS_JOB, {"C.HyperParameterTuningJobObjective.MetricName": "validation:ssd"})
    (violation,) = tuning_job.violations(request)
    assert (
        violation.requirement
        == "it must be one of the 5 metrics of K-Means, such as train:msd, test:ssd, train:progress, test:msd"
    )


def test_every_rule_is_tried() -> None:
    assert set(CASES) == set(names(algorithms.TUNING))


def test_a_good_request_breaks_none() -> None:
    assert list(tuning_job.violations(KMEANS_JOB)) == []


@pytest.mark.parametrize(
    ("hint", "beside", "rules"),
    [
        ({"Name": "mini_batch_size", "ValueHint": "500"}, {}, []),
        ({"Name": "mini_batch_size", "ValueHint": "-5"}, {}, ["builtin-range"]),
        ({"Name": "mini_batch_size", "ValueHint": "auto"}, {}, []),  # AWS takes its own range
        ({"Name": "init_method", "ValueHint": "other"}, {}, ["builtin-range"]),
        ({"Name": "k", "ValueHint": "10"}, {}, []),  # it stays at its hint
        (
            {"Name": "mini_batch_size", "ValueHint": "-5"},
            {"CategoricalParameterRanges": [{"Name": "init_method", "Values": ["random", "kmeans++"]}]},
            [],
        ),
    ],
)
def test_hints(hint: Mapping[str, str], beside: Mapping[str, Any], rules: list[str]) -> None:
    changes = {"C.ParameterRanges": {"AutoParameters": [hint], **beside}, "Autotune": {"Mode": "Enabled"}}
    assert [violation.rule for violation in tuning_job.violations(changed(KMEANS_JOB, changes))] == rules
