"""The next round: what the plan changes, a fresh seed, the parents that really ran, and why."""

from dataclasses import replace
from typing import Any

import pytest

from sm_tuning import (
    Bayesian,
    Categorical,
    Continuous,
    Diagnosis,
    Grid,
    Hyperband,
    Integer,
    Invalid,
    Objective,
    Random,
    Scaling,
    TuningJob,
    WarmStart,
    diagnose,
)
from sm_tuning.analysis.advice import Advice, Remedy
from sm_tuning.analysis.next_round import Choice, next_name, next_round
from sm_tuning.spec.strategies import Strategy
from tests.unit.sm_tuning.descriptions import SEVERAL
from tests.unit.sm_tuning.planted import RATE, diverging, tuned

RANGES = [
    Continuous("learning_rate", 1e-4, 1.0, Scaling.LOGARITHMIC),
    Continuous("regularization", 1e-6, 1e-1, Scaling.LINEAR),
    Integer("epochs", 5, 50),
    Categorical("kind", ["a", "b", "c"]),
]


def job(**changes: Any) -> TuningJob:
    members: dict[str, Any] = {
        "name": "in-the-file",
        "role": "arn:aws:iam::123456789012:role/R",
        "output": "s3://b/o",
        "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1",
        "objective": Objective.minimize("validation:loss", "validation:loss=([-+0-9.e]+)"),
        "ranges": RANGES,
        "strategy": Random(seed=7),
        "max_jobs": 10,
    }
    return TuningJob(**members | changes)


def advised(*plan: Advice) -> Diagnosis:
    """A diagnosis with a plan of its own."""
    return replace(diagnose(tuned(diverging, RATE, 12)), advice=plan)


def advice(kind: Remedy, name: str, **changes: Any) -> Advice:
    return Advice(kind=kind, remedy=kind.value, reason="because", hyperparameter=name, **changes)


def test_a_diagnosis_makes_its_next_round() -> None:
    following = diagnose(tuned(diverging, RATE, 40)).next_round(job(ranges=RANGES[:3]), "planted-2")
    rate, *others = following.definition.ranges
    assert isinstance(rate, Continuous)
    assert (rate.low, rate.high < 0.3) == (1e-4, True)
    assert others == RANGES[1:3]
    assert (following.name, following.max_jobs, following.strategy) == ("planted-2", 10, Random(seed=8))
    assert following.warm_start == WarmStart.identical("planted")  # which ran; not the name in the file
    assert not following.dry_run().problems


def test_every_change_of_a_plan() -> None:
    plan = [
        advice(Remedy.END_RANGE, "learning_rate", ranges={"learning_rate": (1e-4, 0.123456)}),
        advice(Remedy.LOGARITHMIC_SCALE, "regularization"),
        advice(Remedy.WIDEN_RANGE, "epochs", ranges={"epochs": (4.6, 70.2)}),
        advice(Remedy.LEAVE_OUT, "kind", values={"kind": ["a", "c"]}),
    ]
    round_ = next_round(advised(*plan), job())
    assert list(round_.job.definition.ranges) == [
        Continuous("learning_rate", 1e-4, 0.123, Scaling.LOGARITHMIC),
        Continuous("regularization", 1e-6, 1e-1, Scaling.LOGARITHMIC),
        Integer("epochs", 5, 70),
        Categorical("kind", ["a", "c"]),
    ]
    assert round_.comments["ranges.learning_rate"] == ["was 0.0001 to 1, Logarithmic", "end the range: because"]
    assert round_.comments["ranges.regularization"] == ["was 1e-06 to 0.1, Linear", "search on a logarithmic scale: because"]
    assert round_.comments["ranges.epochs"] == ["was 5 to 50", "widen the range: because"]
    assert round_.comments["ranges.kind"] == ["was a, b, c", "leave out: because"]


def test_what_does_not_fit_a_range_leaves_it() -> None:
    plan = [
        advice(Remedy.STOP_EARLIER, "epochs", ranges={"epochs": (4.9, 5.2)}),  # no two whole numbers
        advice(Remedy.WIDEN_RANGE, "kind", ranges={"kind": (1, 2)}),
        advice(Remedy.WIDEN_RANGE, "unknown", ranges={"unknown": (1, 2)}),
    ]
    round_ = next_round(advised(*plan), job())
    assert list(round_.job.definition.ranges) == RANGES
    assert not [path for path in round_.comments if path.startswith("ranges")]


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (Random(seed=7), Random(seed=8), "the seed was 7"),
        (Random(), Random(), None),
        (Bayesian(seed=2**32 - 1, early_stopping=True), Bayesian(seed=0, early_stopping=True), "the seed was 4294967295"),
        (Hyperband(max_resource=9, seed=1), Bayesian(seed=2, early_stopping=True), "was Hyperband, which cannot be warm-started"),
    ],
)
def test_a_fresh_seed(before: Strategy, after: Strategy, why: str | None) -> None:
    round_ = next_round(advised(), job(strategy=before))
    assert round_.job.strategy == after
    assert (why or "") in "".join(round_.comments.get("strategy", [])[:1])


def test_a_grid_becomes_a_search_where_something_changes() -> None:
    grid = job(strategy=Grid(), ranges=[RANGES[3]], max_jobs=None)
    with pytest.raises(Invalid, match="every combination of in-the-file has been tried"):
        next_round(advised(), grid)
    changed = next_round(advised(advice(Remedy.LEAVE_OUT, "kind", values={"kind": ["a", "c"]})), grid)
    assert (changed.job.strategy, changed.job.max_jobs) == (Bayesian(), 2)
    assert changed.comments["max_jobs"] == ["as many as there are points"]
    assert not changed.job.dry_run().problems
    wider = next_round(advised(advice(Remedy.WIDEN_RANGE, "kind", values={"kind": [*"abcdefghijklmn"]})), grid)
    assert (wider.job.max_jobs, wider.comments["max_jobs"]) == (12, ["as many as in-the-file had"])


@pytest.mark.parametrize(
    ("warm_start", "parents"),
    [
        (None, ["planted"]),
        (WarmStart.identical("a", "planted"), ["a", "planted"]),
        (WarmStart.identical(*"abcde"), ["b", "c", "d", "e", "planted"]),  # five at most, the latest
        (WarmStart.transfer("a"), ["planted"]),  # other data
    ],
)
def test_parents(warm_start: WarmStart | None, parents: list[str]) -> None:
    assert next_round(advised(), job(warm_start=warm_start)).job.warm_start == WarmStart.identical(*parents)


def test_several_definitions_are_refused() -> None:
    with pytest.raises(Invalid, match="several has several definitions, and a warm start takes one"):
        next_round(advised(), TuningJob(name="several", role="r", output="s3://b", strategy=Bayesian(), **SEVERAL))


@pytest.mark.parametrize(
    ("name", "following"),
    [
        ("digits-1126-020304-1a2b", "digits-2"),
        ("digits", "digits-2"),
        ("digits-2", "digits-3"),
        ("digits-2-1126-020304-1a2b", "digits-3"),
        ("digits-9", "digits-10"),
        ("digits-2024", "digits-2024-2"),
        ("x" * 32, "x" * 30 + "-2"),
    ],
)
def test_names_count_on(name: str, following: str) -> None:
    assert next_name(name) == following
    assert len(next_name(name)) <= 32


def test_a_name_that_is_taken_is_not_proposed() -> None:
    taken = ["planted-2-1126-020304-1a2b", "planted-3", "planted-44", "other"]
    assert next_round(advised(), job(name="planted"), taken=taken).job.name == "planted-4"


def test_the_head_says_what_a_file_cannot() -> None:
    plan = [
        Advice(kind=Remedy.MORE_DATA, remedy="more training data", reason="a gap"),
        advice(Remedy.END_RANGE, "learning_rate", ranges={"learning_rate": (1e-4, 0.1)}),
    ]
    static = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": "s3://b/o/planted/source/sourcedir.tar.gz",
    }
    round_ = next_round(advised(*plan), job(hyperparameters=static))
    head = round_.comments[""]
    assert head[0].startswith("The round after planted")
    assert head[-1] == "  more training data: a gap"
    assert "end the range" not in "".join(head)
    assert "in S3" in round_.comments["hyperparameters"][0]


def test_a_choice_of_a_simulation_is_written() -> None:
    choice = Choice(strategy="Hyperband", max_jobs=60, max_parallel=4, resources={"min_resource": 3, "max_resource": 27})
    round_ = next_round(advised(), job(), choice=choice)
    assert round_.job.strategy == Hyperband(min_resource=3, max_resource=27, seed=8)
    assert (round_.job.max_jobs, round_.job.max_parallel, round_.job.warm_start) == (60, 4, None)
    assert round_.comments["strategy"][0] == "was Random; Hyperband takes no warm start, so it begins afresh"
    assert round_.comments["max_jobs"] == ["was 10"]
    bayesian = next_round(advised(), job(), choice=Choice(strategy="Bayesian", early_stopping=True)).job
    assert bayesian.strategy == Bayesian(early_stopping=True, seed=8)
    assert bayesian.warm_start is not None
    kept = next_round(advised(), job(strategy=Random(seed=1, early_stopping=True)), choice=Choice(max_jobs=5)).job
    assert (kept.strategy, kept.max_jobs) == (Random(seed=2, early_stopping=True), 5)


def test_a_setting_that_a_strategy_does_not_have_is_refused() -> None:
    with pytest.raises(Invalid, match="max_resource is 9; Bayesian has no such setting"):
        next_round(advised(), job(), choice=Choice(strategy="Bayesian", resources={"max_resource": 9}))
    with pytest.raises(Invalid, match="strategy is 'Best'; it must be one of"):
        next_round(advised(), job(), choice=Choice(strategy="Best"))
