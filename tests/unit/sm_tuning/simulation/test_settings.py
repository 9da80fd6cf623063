from typing import Any

import pytest

from local_emulator.documents import parse
from sm_tuning.errors import Invalid
from sm_tuning.simulation.settings import Setting, settings_of, today
from tests.unit.sm_tuning.made_examples import tuning_job

PLAN = parse.tuning(tuning_job(40).request)
CHOICE: dict[str, Any] = {
    "strategies": ["Random", "Hyperband"],
    "jobs": [5, 20],
    "parallel": [1, 10],
    "early_stopping": [False, True],
    "epochs": 27,
}


def test_every_setting_that_can_be_stands_once() -> None:
    settings = settings_of(PLAN, **CHOICE)
    assert len(settings) == len(set(settings)) == 9  # of 10 at a time there are no 5 training jobs
    assert {setting.strategy for setting in settings} == {"Random", "Hyperband"}
    hyperband = [setting for setting in settings if setting.strategy == "Hyperband"]
    assert all(setting.max_resource == 27 and setting.min_resource == 1 and not setting.early_stopping for setting in hyperband)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"strategies": ["Best"]}, "strategies is Best; it must be some of Random"),
        ({"strategies": []}, "strategies is empty"),
        ({"strategies": "Random"}, r"strategies is 'Random'; it must be a list, as \['Random'\]"),
        ({"strategies": ["Grid"]}, "Grid, which needs ranges that are all categorical"),
        ({"jobs": [0]}, "jobs is 0; it must be numbers of at least 1"),
        ({"parallel": []}, "parallel is empty"),
        ({"jobs": [20, 751]}, "jobs is 20, 751; Hyperband has at most 750"),
        ({"strategies": ["Random"], "jobs": [10_001]}, "Random has at most 10,000"),
        ({"parallel": [101], "jobs": [200]}, "parallel is 101; it must be at most 100"),
        ({"jobs": [5], "parallel": [6]}, "more at a time than there are cannot be"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        settings_of(PLAN, **CHOICE | changes)


CATEGORIES: dict[str, Any] = {
    "CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b"]}, {"Name": "depth", "Values": ["1", "2", "3"]}]
}


def test_grid_has_as_many_training_jobs_as_combinations() -> None:
    plan = parse.tuning(tuning_job(40, ranges=CATEGORIES).request)
    settings = settings_of(plan, **CHOICE | {"strategies": ["Grid"], "parallel": [2, 10], "early_stopping": [False]})
    assert settings == [Setting(strategy="Grid", jobs=6, parallel=2)]


def test_grid_has_at_most_750_combinations() -> None:
    many = [{"Name": name, "Values": [str(value) for value in range(28)]} for name in "ab"]
    plan = parse.tuning(tuning_job(40, ranges={"CategoricalParameterRanges": many}).request)
    with pytest.raises(Invalid, match="Grid, which needs ranges that are all categorical, with at most 750 combinations"):
        settings_of(plan, **CHOICE | {"strategies": ["Grid"]})


def test_a_setting_reads_as_a_sentence_and_becomes_a_plan() -> None:
    setting = Setting(strategy="Hyperband", jobs=60, parallel=4, min_resource=3, max_resource=27)
    assert str(setting) == "Hyperband with MaxResource 27, MinResource 3, 60 training jobs, 4 at a time"
    plan = setting.plan(PLAN)
    assert (plan.strategy, plan.max_jobs, plan.max_parallel, plan.max_resource) == ("Hyperband", 60, 4, 27)
    assert plan.definitions == PLAN.definitions


def test_today_is_what_the_request_says() -> None:
    assert today(PLAN, 12, 9) == Setting(strategy="Random", jobs=40, parallel=2)
    hyperband = parse.tuning(tuning_job(40, strategy="Hyperband", TrainingJobEarlyStoppingType="Auto").request)
    assert today(hyperband, 12, 9) == Setting(strategy="Hyperband", jobs=40, parallel=2, min_resource=1, max_resource=9)
