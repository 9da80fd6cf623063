"""What a tuning job shows of itself."""

from typing import Any

from sm_tuning import (
    Auto,
    Categorical,
    Continuous,
    Definition,
    Grid,
    Integer,
    Objective,
    Random,
    Resources,
    Scaling,
    Script,
    TuningJob,
    WarmStart,
)
from sm_tuning.spec.job_summary import job_summary
from sm_tuning.spec.parameters import Range
from sm_tuning.spec.resources import Instance, InstanceGroup

RANGES: list[Range] = [
    Continuous("rate", 1e-4, 1, Scaling.LOGARITHMIC),
    Integer("units", 8, 2_000_000),
    Categorical("kind", ["16", "b"]),
    Auto("depth", 3),
]


def made(**changes: Any) -> TuningJob:
    members: dict[str, Any] = {
        "name": "churn",
        "role": "arn:aws:iam::123456789012:role/r",
        "output": "s3://bucket/prefix",
        "strategy": Random(seed=3),
        "max_jobs": 12,
        "max_parallel": 2,
    }
    return TuningJob(**(members | changes))


def test_all_that_decides_is_told() -> None:
    job = made(
        script=Script("train.py", source="code"),
        objective=Objective.minimize("loss", regex="loss=(.*)"),
        ranges=RANGES,
        hyperparameters={"epochs": 3},
        warm_start=WarmStart.identical("first"),
        resources=Resources(instance_type="ml.c5.xlarge", instance_count=2, spot=True),
    )
    assert repr(job).splitlines() == [
        "TuningJob churn",
        "  strategy       Random, seed 3",
        "  training jobs  12, 2 at a time",
        "  objective      minimize loss",
        "  script         code/train.py",
        "  static         epochs=3",
        "  instances      2 ml.c5.xlarge, spot",
        "  warm start     first",
        "  output         s3://bucket/prefix",
        "  role           arn:aws:iam::123456789012:role/r",
        "ranges:",
        "  hyperparameter  kind         values                  scale",
        "  rate            Continuous   0.0001 to 1             Logarithmic",
        "  units           Integer      8 to 2000000",
        "  kind            Categorical  16, b",
        "  depth           Auto         chosen by AWS around 3",
    ]
    assert "<td" in job._repr_html_()
    assert "0.0001 to 1" in job._repr_html_()


def test_several_definitions_have_tables_of_their_own() -> None:
    parts = [
        Definition(name="small", ranges=RANGES[:1], resources=Resources(groups=[InstanceGroup("a", "ml.m5.large", 2)])),
        Definition(name="large", ranges=RANGES[1:2], resources=Resources(preferences=[Instance("ml.p3.2xlarge")])),
    ]
    text = str(job_summary(made(definitions=parts, strategy=Grid(), max_jobs=None)))
    assert "every combination, 2 at a time" in text
    assert "ranges of small:" in text
    assert "ranges of large:" in text
    assert "2 ml.m5.large" in text
    assert "1 ml.p3.2xlarge" in text


def test_of_wrong_types_these_are_shown() -> None:
    text = repr(made(max_jobs="many", ranges=None, strategy="Random"))
    assert "max_jobs is 'many'" in text
    assert "ranges is None" in text
    assert "TuningJob 7" in repr(made(name=7))
