"""No next round breaks a rule, whatever is chosen for it: `next` writes no file that `plan` refuses."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from sm_tuning import (
    Bayesian,
    Categorical,
    Continuous,
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
from sm_tuning.analysis.diagnosis import Diagnosis
from sm_tuning.analysis.next_round import Choice, next_round
from sm_tuning.cli.next_round import require_sound
from sm_tuning.spec.written import as_toml
from tests.unit.sm_tuning.planted import RATE, diverging, tuned

DIAGNOSIS = diagnose(tuned(diverging, RATE, 12))
NUMBERS = st.floats(-1e3, 1e6, allow_nan=False)
MAYBE = st.sampled_from([None, None, True, False])
SEEDS = st.none() | st.sampled_from([0, 2**32 - 1])


@st.composite
def ranges(draw: st.DrawFn, name: str) -> Any:
    kind = draw(st.sampled_from(["real", "whole", "category"]))
    if kind == "category":
        return Categorical(name, draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True)))
    low, high = sorted(draw(st.lists(st.integers(-5, 1000), min_size=2, max_size=2, unique=True)))
    scalings = [Scaling.AUTO, Scaling.LINEAR, *([Scaling.LOGARITHMIC] if low > 0 else [])]
    scaling = draw(st.sampled_from(scalings))
    if kind == "whole":
        return Integer(name, low, high, scaling)
    return Continuous(
        name,
        low / 1000,
        high / 1000,
        draw(st.sampled_from([scaling, Scaling.REVERSE_LOGARITHMIC])) if low >= 0 and high < 1000 else scaling,
    )


@st.composite
def jobs(draw: st.DrawFn) -> TuningJob:
    """Tuning jobs that break no rule; others are refused when they are launched."""
    strategy: Any = draw(
        st.sampled_from([Grid(), Hyperband(max_resource=27), Hyperband()])
        | st.builds(Random, seed=SEEDS, early_stopping=st.booleans())
        | st.builds(Bayesian, seed=SEEDS, early_stopping=st.booleans())
    )
    names = [f"h{index}" for index in range(draw(st.integers(1, 4)))]
    tuned_ranges = [draw(ranges(name)) for name in names]
    if isinstance(strategy, Grid):
        tuned_ranges = [Categorical(name, ["a", "b"]) for name in names]
    warm = draw(st.sampled_from([None, WarmStart.identical("p1", "p2", "p3", "p4", "p5"), WarmStart.transfer("p1")]))
    return TuningJob(
        name=draw(st.sampled_from(["short", "n" * 32, "digits-9", "digits-1126-020304-1a2b"])),
        role="arn:aws:iam::123456789012:role/R",
        output="s3://bucket/o",
        image="123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1",
        objective=Objective.minimize("validation:loss", "validation:loss=([-+0-9.e]+)"),
        ranges=tuned_ranges,
        strategy=strategy,
        hyperparameters=draw(st.sampled_from([{}, {"epochs": 9}, {"epochs": 30_000}])),
        max_jobs=None if isinstance(strategy, Grid) else draw(st.integers(1, 750)),
        max_parallel=draw(st.integers(1, 100)),
        warm_start=None if isinstance(strategy, Grid | Hyperband) else warm,
    )


CHOICES = st.builds(
    Choice,
    strategy=st.none() | st.sampled_from(["Grid", "Random", "Bayesian", "Hyperband"]),
    max_jobs=st.none() | st.integers(1, 2000),
    max_parallel=st.none() | st.integers(1, 2000),
    early_stopping=MAYBE,
    resources=st.just({})
    | st.fixed_dictionaries(
        {"min_resource": st.none() | st.integers(0, 30), "max_resource": st.none() | st.integers(0, 30_000)},
    ),
)


@st.composite
def diagnoses(draw: st.DrawFn, job: TuningJob) -> Diagnosis:
    """One that advises any change of any range."""
    names = [parameter.name for parameter in job.definition.ranges]
    plan = [
        Advice(
            kind=draw(st.sampled_from([Remedy.END_RANGE, Remedy.WIDEN_RANGE, Remedy.LOGARITHMIC_SCALE, Remedy.LEAVE_OUT])),
            remedy="r",
            reason="because",
            hyperparameter=name,
            ranges={name: (min(ends), max(ends))} if draw(st.booleans()) else {},
            values={name: ["a", "b"]} if draw(st.booleans()) else {},
        )
        for name in draw(st.lists(st.sampled_from(names), unique=True))
        for ends in [draw(st.lists(NUMBERS, min_size=2, max_size=2, unique=True))]
    ]
    return replace(DIAGNOSIS, advice=plan)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_written_breaks_no_rule(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    job = data.draw(jobs().filter(lambda job: job.dry_run().ok))
    choice, name = data.draw(CHOICES), data.draw(st.sampled_from([None, None, "next", "n" * 33, "no name"]))
    try:
        following = next_round(data.draw(diagnoses(job)), job, name, choice)
        require_sound(following.job, job)
    except Invalid as error:
        event(str(error).partition(":")[0][:40])
        return
    event("written")
    file = tmp_path_factory.mktemp("next") / "next.toml"
    file.write_text(as_toml(following.job, following.comments), encoding="utf-8")
    assert not TuningJob.from_toml(file).dry_run().problems


@pytest.mark.parametrize(
    ("choice", "rule"),
    [
        (Choice(strategy="Grid"), r"the strategy Grid takes categorical ranges only; .*\(grid-categorical\)"),
        (Choice(strategy="Hyperband"), r"hyperband"),
        (Choice(strategy="Hyperband", early_stopping=True), "early_stopping is True; Hyperband has no such setting"),
        (Choice(max_parallel=5000), "max_parallel is 5000"),
    ],
)
def test_a_choice_that_breaks_a_rule_is_refused_with_the_rule(choice: Choice, rule: str) -> None:
    job = TuningJob(
        name="before",
        role="arn:aws:iam::123456789012:role/R",
        output="s3://bucket/o",
        image="123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1",
        objective=Objective.minimize("validation:loss", "validation:loss=([-+0-9.e]+)"),
        ranges=[Continuous("learning_rate", 1e-4, 1.0)],
        strategy=Random(),
        max_jobs=3,
    )
    with pytest.raises(Invalid, match=rule):
        require_sound(next_round(DIAGNOSIS, job, choice=choice).job, job)
