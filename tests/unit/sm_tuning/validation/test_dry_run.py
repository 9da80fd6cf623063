"""Every rule that AWS would refuse a tuning job for refuses it offline, all at once."""

from typing import Any

import boto3
import pytest

from sm_tuning import (
    Auto,
    Bayesian,
    Categorical,
    Channel,
    Completion,
    Continuous,
    Definition,
    FileSystem,
    Grid,
    Hyperband,
    Metric,
    MissingExtra,
    Network,
    NotLaunched,
    Objective,
    Resources,
    Script,
    WarmStart,
    batch_size,
    learning_rate,
)
from tests.unit.sm_tuning.descriptions import SEVERAL, Make, definition

BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "long name": ({"name": "x" * 33}, "name is 'xxxxx"),
    "odd name": ({"name": "a_b"}, "it must match"),
    "empty name": ({"name": ""}, "at least 1 characters"),
    "role": ({"role": "me"}, "role is 'me'; it must have at least 20"),
    "output": ({"output": "bucket/prefix"}, "it must begin with s3://"),
    "no jobs": ({"max_jobs": None}, "max_jobs is None; it is required for the strategy Random"),
    "many jobs": ({"strategy": Bayesian(), "max_jobs": 751}, "for the strategy Bayesian it must be at most 750"),
    "many random jobs": ({"max_jobs": 10_001}, "at most 10000"),
    "no job at all": ({"max_jobs": 0}, "max_jobs is 0; it must be at least 1"),
    "many in parallel": ({"max_parallel": 101, "max_jobs": 200}, "max_parallel is 101; it must be at most 100"),
    "no ranges": ({"ranges": []}, "at least one range is required"),
    "many ranges": ({"ranges": [Continuous(f"x{n}", 0, 1) for n in range(31)]}, "at most 30"),
    "two ranges": ({"ranges": [learning_rate(), Continuous("learning_rate", 0, 1)]}, "each hyperparameter may have one range"),
    "static and tunable": ({"hyperparameters": {"learning_rate": 1}}, "either static or tunable"),
    "many hyperparameters": ({"hyperparameters": {f"h{n}": n for n in range(97)}}, "at most 100"),
    "long value": ({"hyperparameters": {"x": "v" * 2501}}, "at most 2500 characters"),
    "grid of numbers": ({"strategy": Grid(), "max_jobs": None}, "the strategy Grid takes categorical ranges only"),
    "grid of another size": (
        {"strategy": Grid(), "max_jobs": 3, "ranges": [batch_size()]},
        "it must be the number of combinations, 5",
    ),
    "few combinations": ({"max_jobs": 6, "ranges": [batch_size()]}, "the ranges have only 5 combinations"),
    "large grid": (
        {"strategy": Grid(), "max_jobs": None, "ranges": [Categorical(n, list(range(30))) for n in "ab"]},
        "at most 750 combinations",
    ),
    "hyperband without an end": ({"strategy": Hyperband()}, "strategy.max_resource is None"),
    "hyperband too far": ({"strategy": Hyperband(max_resource=20_001)}, "at most 20000"),
    "metric twice": (
        {"metrics": [Metric("loss", "(.)"), Metric("score", "(.)")]},
        "metrics is 'score'; it is defined more than once, by objective and metrics[1]; the objective is recorded anyway: leave it",
    ),
    "metric twice beside the objective": (
        {"metrics": [Metric("loss", "(.)"), Metric("loss", "x(.)")]},
        "it is defined more than once, by metrics[0] and metrics[1]; leave all but one out (metric-unique)",
    ),
    "metric twice in a definition": (
        {**SEVERAL, "definitions": [definition("a"), definition("b", metrics=[Metric("score", "(.)")])]},
        "definitions.b.metrics is 'score'; it is defined more than once, by objective and metrics[0]; the",
    ),
    "metric's name": ({"metrics": [Metric("ObjectiveMetric", "(.)")]}, "the name is reserved"),
    "runtime": ({"resources": Resources(max_runtime=2_419_201)}, "28 days"),
    "wait": ({"resources": Resources(spot=True, max_runtime=100, max_wait=50)}, "must not be less than MaxRuntimeInSeconds"),
    "instance": ({"resources": Resources(instance_type="ml.huge")}, "must be one of"),
    "network": ({"network": Network(subnets=["subnet-1"])}, "network.security_groups is []; it must have at least 1 members"),
    "channel twice": ({"channels": [Channel("a", "s3://b/c"), Channel("a", "s3://b/d")]}, "each channel may be there once"),
    "channel's name": ({"channels": [Channel("a b", "s3://b/c")]}, "channels.a b.name is 'a b'"),
    "channel missing": ({"channels": [Channel("a", "/no/such/folder")]}, "neither an s3:// URI nor a file or folder"),
    "script missing": ({"script": Script("/no/such/train.py")}, "there is no such file"),
    "source missing": ({"script": Script("train.py", source="/no/such")}, "there is no such folder"),
    "too few not improving": ({"completion": Completion(not_improving=2)}, "at least 3"),
    "short tuning job": ({"completion": Completion(max_runtime=100)}, "at least 120"),
    "environment": ({"environment": {"1A": "x"}}, "environment (key) is '1A'"),
    "tags": ({"tags": {f"t{n}": "x" for n in range(51)}}, "at most 50"),
    "retries": ({"max_retries": 31}, "at most 30"),
    "waiting without spot": ({"resources": Resources(max_wait=7200)}, "(max-wait-spot)"),
    "image and algorithm": ({"image": "1.dkr.ecr.us-east-1.amazonaws.com/x:1", "algorithm": "mine"}, "(image-one)"),
    "auto without autotune": ({"ranges": [Auto("learning_rate", 0.1)]}, "(autotune-mode)"),
    "grid of what AWS chooses": (
        {"strategy": Grid(), "max_jobs": None, "autotune": True, "ranges": [Auto("momentum", 0.9)]},
        "(grid-categorical)",
    ),
    "parent twice": (
        {"warm_start": WarmStart.identical("a", "b", "a")},
        "warm_start.parents is 'a'; each parent may",
    ),
    "no parent": ({"warm_start": WarmStart.identical()}, "at least 1 members"),
    "many parents": ({"warm_start": WarmStart.transfer(*"abcdef")}, "at most 5 members"),
    "warm start's type": (
        {"warm_start": WarmStart(["a"], "Similar")},
        "it must be one of IdenticalDataAndAlgorithm, TransferLearning",
    ),
    "warm grid": (
        {"strategy": Grid(), "max_jobs": None, "ranges": [batch_size()], "warm_start": WarmStart.identical("a")},
        "(warm-start-strategy)",
    ),
    "warm definitions": ({**SEVERAL, "warm_start": WarmStart.identical("a")}, "(warm-start-definitions)"),
    "no objective": ({"objective": None}, "(objective-required)"),
    "definition without objective": (
        {**SEVERAL, "definitions": [Definition(name="a", ranges=[learning_rate()])]},
        "(objective-required)",
    ),
    "definitions of one name": ({**SEVERAL, "definitions": [definition("a"), definition("a")]}, "(definition-name-unique)"),
    "definition's name": (
        {**SEVERAL, "definitions": [definition("a_b")]},
        "definitions.a_b.name is 'a_b'; it must match [a-zA-Z0-9](-*[a-zA-Z0-9]){0,63}: letters, digits and hyphens, no hyphen first",
    ),
    "definitions' combinations": (
        {
            **SEVERAL,
            "max_jobs": 9,
            "definitions": [definition("a", ranges=[batch_size(16, 64)]), definition("b", ranges=[batch_size()])],
        },
        "the ranges have only 8 combinations",
    ),
    "pending": ({"resources": Resources(max_pending=60)}, "at least 1800"),
    "warm pool": ({"resources": Resources(keep_alive=30_000)}, "at most 21600"),
    "file system": ({"channels": [Channel("a", FileSystem("efs-1", "/data"))]}, "channels.a.source.id is 'efs-1'"),
    "input mode": ({"input_mode": "Stream"}, "it must be one of Pipe, File, FastFile"),
    "compression": ({"output_compression": "zip"}, "it must be one of GZIP, NONE"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_rules(name: str, job: Make) -> None:
    changes, text = BROKEN[name]
    report = job(**changes).dry_run()
    assert not report.ok
    assert text in str(report)


def test_all_problems_at_once(job: Make) -> None:
    report = job(name="a_b", role="me", ranges=[], max_jobs=None).dry_run()
    assert len(report.problems) >= 4
    with pytest.raises(NotLaunched, match="breaks rules"):
        job(name="a_b").launch(boto3.Session(region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"))


# --- AWS's built-in algorithms, and the SageMaker SDK -----------------------------------------------------------------------

_XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"


def test_a_built_in_algorithm_has_its_own_metrics(job: Make) -> None:
    eta = Continuous("eta", 0.1, 0.5)
    stock = job(image=_XGBOOST, script=None, objective=Objective.maximize("validation:auc"), metrics=(), ranges=[eta])
    assert not [problem for problem in stock.dry_run().problems if problem.rule != "channel-missing"]
    assert "MetricDefinitions" not in stock.request()["TrainingJobDefinition"]["AlgorithmSpecification"]


def test_metrics_of_a_built_in_algorithm_cannot_be_sent(job: Make) -> None:
    stock = job(image=_XGBOOST, script=None, objective=Objective.maximize("validation:auc", "auc=(.*)"))
    assert "builtin-metrics" in {problem.rule for problem in stock.dry_run().problems}


def test_any_other_image_needs_a_regular_expression(job: Make) -> None:
    (problem,) = job(objective=Objective.maximize("accuracy")).dry_run().problems
    assert (problem.rule, problem.value) == ("objective-metric", "accuracy")


def test_without_the_sdk_the_extra_is_named(job: Make) -> None:
    with pytest.raises(MissingExtra, match=r"pip install 'sm-tuning\[sagemaker\]'"):
        job().to_tuner()


def test_its_result_is_shown_as_text_and_as_html(job: Make) -> None:
    good = job().dry_run()
    assert repr(good) == str(good) == "no problems"
    assert "<strong>Dry run: no problems</strong>" in good._repr_html_()
    hostile = job(name="<img src=x>\x1b[2J", max_parallel=200).dry_run()
    assert "\x1b" not in repr(hostile)
    assert repr(hostile).count("problem: ") == len(hostile.problems) > 1
    page = hostile._repr_html_()
    assert f"<strong>Dry run: {len(hostile.problems)} problems</strong>" in page
    assert "<img" not in page
    assert "&lt;img" in page
    assert page.count("<li>") == len(hostile.problems) + len(hostile.warnings)
    assert "<details>" not in job(max_jobs="2").dry_run()._repr_html_()
