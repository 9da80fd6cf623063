"""A tuning job from its request: nothing is lost, and what cannot be said is refused by name."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sm_tuning import Bayesian, Grid, Hyperband, Invalid, Random, TuningJob, WarmStart, batch_size
from sm_tuning.spec.from_request import job_of, warm_start
from tests.unit.sm_tuning.descriptions import FULL, SEVERAL, whole

Make = Callable[..., TuningJob]


def described(job: TuningJob) -> dict[str, Any]:
    """A request as DescribeHyperParameterTuningJob tells it: with AWS's own hyperparameter and metric, numbers in its own form."""
    request = copy.deepcopy(job.request())
    definition = request["TrainingJobDefinition"]
    objective = request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"]
    definition["StaticHyperParameters"]["_tuning_objective_metric"] = objective
    metrics = definition["AlgorithmSpecification"].setdefault("MetricDefinitions", [])
    metrics.append({"Name": "ObjectiveMetric", "Regex": "score=(.*)"})
    for form in request["HyperParameterTuningJobConfig"]["ParameterRanges"]["ContinuousParameterRanges"]:
        form["MinValue"] = f"{float(form['MinValue']):.12f}"
    return request


@pytest.mark.parametrize("name", [name for name in FULL if "definitions" not in FULL[name]])
def test_a_request_is_made_again(name: str, job: Make) -> None:
    written = job(**FULL[name])
    assert job_of(TuningJob, described(written)).request() == written.request()


def test_all_members_are_read(job: Make, tmp_path: Path) -> None:
    written = whole(job, tmp_path)
    again = job_of(TuningJob, described(written))
    assert again.request() == written.request()
    assert again.definition.script is None  # its code lies in S3, where the tuning job has it
    assert str(again.definition.hyperparameters["sagemaker_submit_directory"]).startswith("s3://bucket/prefix/good/source/")


@pytest.mark.parametrize(
    "strategy",
    [
        Bayesian(seed=3, early_stopping=True),
        Random(),
        Grid(early_stopping=True),
        Hyperband(min_resource=2, max_resource=9, seed=1),
    ],
)
def test_every_strategy(strategy: Bayesian | Random | Grid | Hyperband, job: Make) -> None:
    written = job(strategy=strategy, ranges=[batch_size()])
    assert job_of(TuningJob, written.request()).strategy == strategy


def test_several_definitions_are_refused(job: Make) -> None:
    with pytest.raises(Invalid, match="good has several definitions; only a tuning job with one can be written again"):
        job_of(TuningJob, job().changed(**SEVERAL).request())


def test_what_has_no_word_is_named_with_its_value(job: Make) -> None:
    request = described(job())
    request["TrainingJobDefinition"]["NewMember"] = {"Kind": "fast", "Off": False}
    request["HyperParameterTuningJobConfig"]["StrategyConfig"] = {"NewStrategyConfig": {"Depth": 3}}
    with pytest.raises(Invalid) as error:
        job_of(TuningJob, request)
    head, _, names = str(error.value).partition(" here has no word for: ")
    assert head == "good has members that a tuning job"
    assert names.split("; ") == [
        "HyperParameterTuningJobConfig.StrategyConfig.NewStrategyConfig.Depth is 3",
        "TrainingJobDefinition.NewMember.Kind is 'fast'",
    ]


@pytest.mark.parametrize(
    ("member", "value", "text"),
    [
        ("Strategy", "Genetic", "strategy is 'Genetic'; it must be one of Grid, Random, Bayesian, Hyperband"),
        ("ParameterRanges", {"ComplexParameterRanges": []}, "ParameterRanges has ComplexParameterRanges"),
        ("ResourceLimits", {}, "good cannot be written again: KeyError: 'MaxParallelTrainingJobs'"),
    ],
)
def test_what_cannot_be_read_is_refused(member: str, value: object, text: str, job: Make) -> None:
    request = described(job())
    request["HyperParameterTuningJobConfig"][member] = value
    with pytest.raises(Invalid, match=text):
        job_of(TuningJob, request)


def test_parents() -> None:
    assert warm_start(None) is None
    form = {"ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "a"}], "WarmStartType": "TransferLearning"}
    assert warm_start(form) == WarmStart(["a"], "TransferLearning")
