"""The tuning job over shares of the training set: what it keeps of the tuned one, and how it is found again."""

from collections.abc import Callable

import pytest

from sm_tuning import Categorical, Completion, DataScaling, Definition, Grid, Invalid, Objective, TuningJob, WarmStart
from sm_tuning.spec.data_scaling import scaling_job_name, without_scaling_jobs

Job = Callable[..., TuningJob]
BEST = {"learning_rate": "0.01"}


def test_all_but_the_share_is_as_in_the_best_training_job(job: Job) -> None:
    tuned = job(
        hyperparameters={"train_fraction": 1, "epochs": 5},
        completion=Completion(target=0.1),
        warm_start=WarmStart.identical("first"),
    )
    scaling = DataScaling().job(tuned, BEST)
    assert (scaling.name, scaling.strategy, scaling.max_jobs) == ("good-data", Grid(), None)
    assert (scaling.completion, scaling.warm_start, scaling.autotune) == (Completion(), None, False)
    assert list(scaling.definition.ranges) == [Categorical("train_fraction", [0.1, 0.2, 0.4, 0.7, 1.0])]
    assert dict(scaling.definition.hyperparameters) == {"epochs": 5, "learning_rate": "0.01"}
    assert scaling.definition.script == tuned.definition.script
    assert scaling.dry_run().ok


def test_shares_are_in_order_and_once(job: Job) -> None:
    scaling = DataScaling(hyperparameter="share", shares=[1.0, 0.5, 0.25, 0.5]).job(job(), BEST)
    assert list(scaling.definition.ranges) == [Categorical("share", [0.25, 0.5, 1.0])]


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"hyperparameter": ""}, "hyperparameter is empty"),
        ({"shares": [0.5, 1.0]}, r"shares is \[0.5, 1.0\]; it must be three numbers or more"),
        ({"shares": [0.0, 0.5, 1.0]}, "above 0, up to 1"),
        ({"shares": [0.5, 0.7, 1.5]}, "above 0, up to 1"),
    ],
)
def test_what_cannot_be(members: dict[str, object], text: str) -> None:
    with pytest.raises(Invalid, match=text):
        DataScaling(**members)  # type: ignore[arg-type] # what is refused


def test_several_definitions_are_refused() -> None:
    definition = Definition(name="first", objective=Objective.minimize("loss"), image="image", ranges=[])
    several = TuningJob(
        name="several", role="role", output="s3://bucket/x", strategy=Grid(), definitions=[definition, definition]
    )
    with pytest.raises(Invalid, match="several has several definitions; data scaling needs a tuning job with one"):
        DataScaling().check(several)


def test_it_is_found_by_its_name() -> None:
    long = "a-name-of-thirty-two-characters-"[:31] + "x"
    assert (scaling_job_name("mine"), len(scaling_job_name(long))) == ("mine-data", 32)
    assert scaling_job_name("a-name-of-thirty-two-charac-ters") == "a-name-of-thirty-two-charac-data"
    names = ["mine-data", "mine", "data", "other-data"]
    assert without_scaling_jobs(names) == ["mine", "data", "other-data"]
