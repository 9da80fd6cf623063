"""Which instances a training job gets when some have no capacity."""

from dataclasses import replace
from typing import Any

import pytest

from local_emulator.documents import parse
from local_emulator.domain.training import TrainingJob
from local_emulator.engine.placement import placed, strikes
from local_emulator.store.sqlite import SqliteStore
from tests.unit.local_emulator.documents.conftest import child, tuning_job

TYPES = ("ml.c5.large", "ml.m5.large", "ml.c5.xlarge")
PREFERENCES = {"InstancePreferences": [{"InstanceType": kind} for kind in TYPES], "InstanceCount": 1}
CONFIGS = {"InstanceConfigs": [{"InstanceType": kind, "InstanceCount": 1, "VolumeSizeInGB": 5} for kind in TYPES]}
EVERY, HALF = 1.0, 0.5


def preferring(run: str) -> TrainingJob:
    job = child(tuning_job())
    request = {**job.request, "ResourceConfig": PREFERENCES}
    return replace(job, request=request, spec=parse.training(request), run=run, tuning_arn=None)


def first_with_capacity(job: TrainingJob) -> str | None:
    lacking = [strikes(HALF, f"capacity {index}", job) for index in range(len(TYPES))]
    return next((kind for kind, lacks in zip(TYPES, lacking, strict=True) if not lacks), None)


def test_the_first_preference_with_capacity_is_selected() -> None:
    store = SqliteStore(None)
    selected: list[Any] = []
    for number in range(40):
        job = preferring(f"run-{number}")
        other = placed(job, store, HALF)
        selected.append(None if other is None else other.request["ResourceConfig"]["SelectedInstanceType"])
        assert selected[-1] == first_with_capacity(job)
    assert set(selected) == {*TYPES, None}, "each is the first with capacity for some runs"
    store.close()


def test_a_tuning_jobs_configurations_are_tried_in_their_order() -> None:
    store, tuning = SqliteStore(None), tuning_job(HyperParameterTuningResourceConfig=CONFIGS)
    definition = {name: value for name, value in tuning.request["TrainingJobDefinition"].items() if name != "ResourceConfig"}
    request = {**tuning.request, "TrainingJobDefinition": definition}
    tuning = replace(tuning, request=request, plan=parse.tuning(request))
    store.tunings.add(tuning)
    kinds = set()
    for number in range(40):
        job = replace(child(tuning), run=f"run-{number}")
        other = placed(job, store, HALF)
        kinds.add(other and other.spec.resources.instance_type)
        assert (other and other.spec.resources.instance_type) == first_with_capacity(job)
    assert kinds == {*TYPES, None}
    store.tunings.delete(tuning.arn)
    alone = placed(job, store, HALF)
    assert alone is (None if strikes(HALF, "capacity 0", job) else job), "of a deleted tuning job nothing is known"
    store.close()


@pytest.mark.parametrize(("lacking", "there"), [(0.0, True), (EVERY, False)])
def test_without_a_choice_there_is_capacity_or_none(lacking: float, there: bool) -> None:  # noqa: FBT001 - a column
    store, job = SqliteStore(None), replace(child(tuning_job()), tuning_arn=None)
    assert placed(job, store, lacking) is (job if there else None)
    store.close()
