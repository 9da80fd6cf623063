"""Values of a wrong type, wherever they enter: a problem that names what the user typed, never a traceback."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from sm_tuning import (
    Auto,
    Bayesian,
    Categorical,
    Channel,
    Completion,
    Continuous,
    DataScaling,
    Dataset,
    Definition,
    Encryption,
    FileSystem,
    Grid,
    Hyperband,
    Instance,
    InstanceGroup,
    Integer,
    Invalid,
    Metric,
    Network,
    NotLaunched,
    Objective,
    Placement,
    Random,
    Resources,
    Script,
    TuningJob,
    WarmStart,
    batch_size,
    learning_rate,
)

Make = Callable[..., TuningJob]


class Wrong:
    """A value that is right nowhere."""

    def __repr__(self) -> str:
        return "WRONG"


# Every builder, what makes a good one, and where a tuning job has it.
BUILDERS: Mapping[type, tuple[Mapping[str, Any], Callable[[Any], Mapping[str, Any]]]] = {
    TuningJob: ({}, lambda _job: {}),
    Definition: ({"name": "a"}, lambda part: {"definitions": [part]}),
    Objective: ({"metric": Metric("score", "(.)"), "goal": "Maximize"}, lambda part: {"objective": part}),
    Metric: ({"name": "loss", "regex": "(.)"}, lambda part: {"metrics": [part]}),
    Continuous: ({"name": "x", "low": 0.0, "high": 1.0}, lambda part: {"ranges": [part]}),
    Integer: ({"name": "x", "low": 0, "high": 1}, lambda part: {"ranges": [part]}),
    Categorical: ({"name": "x", "values": ["a"]}, lambda part: {"ranges": [part]}),
    Auto: ({"name": "x", "hint": 1}, lambda part: {"ranges": [part]}),
    Grid: ({}, lambda part: {"strategy": part}),
    Random: ({}, lambda part: {"strategy": part}),
    Bayesian: ({}, lambda part: {"strategy": part}),
    Hyperband: ({}, lambda part: {"strategy": part}),
    Script: ({"entry": "train.py"}, lambda part: {"script": part}),
    Channel: ({"name": "train", "source": "s3://b/c"}, lambda part: {"channels": [part]}),
    FileSystem: ({"id": "fs-01234567", "path": "/"}, lambda part: {"channels": [Channel("train", part)]}),
    Dataset: ({"arn": "arn"}, lambda part: {"channels": [Channel("train", part)]}),
    Resources: ({"spot": True}, lambda part: {"resources": part}),
    Instance: ({"type": "ml.m5.large"}, lambda part: {"resources": Resources(alternatives=[part])}),
    InstanceGroup: ({"name": "g", "type": "ml.m5.large"}, lambda part: {"resources": Resources(groups=[part])}),
    Placement: ({}, lambda part: {"resources": Resources(placement=part)}),
    Network: ({}, lambda part: {"network": part}),
    Completion: ({}, lambda part: {"completion": part}),
    Encryption: ({}, lambda part: {"encryption": part}),
    WarmStart: ({"parents": ["a"]}, lambda part: {"warm_start": part}),
}
FIELDS = [(kind, field.name) for kind in BUILDERS for field in fields(kind)]


def refusal(kind: type, name: str, value: object, job: Make) -> str:
    """What is said of a tuning job with this value in this field of a builder; empty if nothing is."""
    good, embed = BUILDERS[kind]
    try:
        made = job(**{name: value}) if kind is TuningJob else job(**embed(kind(**{**good, name: value})))
        report = made.dry_run()
    except Invalid as error:
        return str(error)
    return "" if report.ok else str(report)


@pytest.mark.parametrize(("kind", "name"), FIELDS, ids=[f"{kind.__name__}.{name}" for kind, name in FIELDS])
def test_every_field_of_every_builder(kind: type, name: str, job: Make) -> None:
    spelled = "metric" if (kind, name) == (Metric, "name") and "objective" in BUILDERS[kind][1](None) else name
    assert f"{spelled} is WRONG; it must be " in refusal(kind, name, Wrong(), job)
    for value in (
        "4",
        "s3://b/c",
        4,
        -1,
        0.5,
        True,
        [],
        ["4"],
        [4],
        {},
        {"a": "b"},
        {"a": 4},
        {4: "a"},
        None,
        b"x",
        float("nan"),
    ):
        refusal(kind, name, value, job)  # whatever it says, it is no other exception


def test_all_of_them_at_once_and_before_anything_is_sent(job: Make) -> None:
    wrong = job(
        max_jobs="4",
        resources=Resources(max_runtime="60", spot=True),  # type: ignore[arg-type]
        channels=[Channel("train", "s3://b/c", shuffle_seed="1")],  # type: ignore[arg-type]
        network=Network(subnets="subnet-1"),
        tags={"team": 3},
        hyperparameters={"layers": [1, 2]},
    )
    assert str(wrong.dry_run()).splitlines() == [
        "problem: hyperparameters.layers is [1, 2]; it must be text or a number or true or false (model-type)",
        "problem: channels.train.shuffle_seed is '1'; it must be a whole number (model-type)",
        "problem: resources.max_runtime is '60'; it must be a whole number (model-type)",
        "problem: network.subnets is 'subnet-1'; it must be a list (model-type)",
        "problem: max_jobs is '4'; it must be a whole number (model-type)",
        "problem: tags.team is 3; it must be text (model-type)",
    ]
    with pytest.raises(NotLaunched, match="max_jobs is '4'"):
        wrong.launch()
    with pytest.raises(Invalid, match="max_jobs is '4'"):
        wrong.request()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Continuous("x", 0, 1, "log"), "x: scaling is 'log'; it must be one of Auto, Linear, Logarithmic, ReverseLog"),  # type: ignore[arg-type]
        (lambda: learning_rate("1e-4"), "learning_rate.low is '1e-4'; it must be a number"),  # type: ignore[arg-type]
        (lambda: batch_size("16"), "batch_size: low is 16; it must be a power of two"),  # type: ignore[arg-type]
        (lambda: Categorical("x", "adam"), "x.values is 'adam'; it must be a list"),
        (lambda: Random(seed="1"), "seed is '1'; it must be a whole number"),  # type: ignore[arg-type]
        (lambda: DataScaling(shares="0.1"), "shares is '0.1'; it must be a list"),  # type: ignore[arg-type]
    ],
)
def test_what_computes_refuses_at_once(make: Callable[[], object], text: str) -> None:
    with pytest.raises(Invalid) as error:
        make()
    assert text.replace("'", "") in str(error.value).replace("'", "")


def test_paths_are_text(job: Make, tmp_path: Path) -> None:
    script = Script(tmp_path / "train.py")  # type: ignore[arg-type]
    assert job(script=script, channels=[Channel("data", tmp_path)]).dry_run().ok  # type: ignore[arg-type]
