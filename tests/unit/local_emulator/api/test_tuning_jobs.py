"""The operations on tuning jobs, without an engine."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from local_emulator.domain.jobs import Status
from local_emulator.domain.names import Arn
from local_emulator.store.sqlite import SqliteStore
from tests.unit.local_emulator.api.conftest import Ask, Notices

Tune = Callable[[str], str]
NAME = "HyperParameterTuningJobName"


def test_a_job_is_kept_and_the_engine_woken(ask: Ask, tune: Tune, notices: Notices) -> None:
    arn = tune("a")
    assert (arn.rpartition("/")[2], notices.count) == ("a", 1)
    _, described = ask("DescribeHyperParameterTuningJob", {NAME: "a"})
    assert (described["HyperParameterTuningJobArn"], described["HyperParameterTuningJobStatus"]) == (arn, "InProgress")
    assert described["TrainingJobStatusCounters"]["InProgress"] == 0


def test_a_name_is_taken_once_for_each_region(ask: Ask, tune: Tune) -> None:
    tune("a")
    with pytest.raises(AssertionError, match=r"ResourceInUse.*A hyperparameter tuning job with the name, a, already exists"):
        tune("a")
    status, document = ask("DescribeHyperParameterTuningJob", {NAME: "a"}, "eu-west-1")
    assert (status, document["__type"]) == (400, "ResourceNotFound")


def test_stop_is_a_state_and_said_twice_is_said_once(ask: Ask, tune: Tune, notices: Notices) -> None:
    tune("a")
    for _ in range(2):
        assert ask("StopHyperParameterTuningJob", {NAME: "a"}) == (200, None)
    assert ask("DescribeHyperParameterTuningJob", {NAME: "a"})[1]["HyperParameterTuningJobStatus"] == "Stopping"
    assert notices.count == 2


def test_what_has_ended_is_not_stopped_but_deleted(ask: Ask, tune: Tune, store: SqliteStore) -> None:
    arn = Arn(tune("a"))
    status, document = ask("DeleteHyperParameterTuningJob", {NAME: "a"})
    assert (status, "not in a terminal state: its status is InProgress" in document["message"]) == (400, True)
    store.tunings.put(replace(store.tunings.get(arn), status=Status.FAILED))
    status, document = ask("StopHyperParameterTuningJob", {NAME: "a"})
    assert (status, "is already in status Failed" in document["message"]) == (400, True)
    assert ask("DeleteHyperParameterTuningJob", {NAME: "a"})[0] == 200
    assert ask("DescribeHyperParameterTuningJob", {NAME: "a"})[1]["__type"] == "ResourceNotFound"


def test_lists_have_pages(ask: Ask, tune: Tune) -> None:
    for name in "abc":
        tune(name)
    request: dict[str, object] = {"MaxResults": 2}
    names = []
    while True:
        _, page = ask("ListHyperParameterTuningJobs", request)
        names += [summary[NAME] for summary in page["HyperParameterTuningJobSummaries"]]
        if "NextToken" not in page:
            break
        request["NextToken"] = page["NextToken"]
    assert names == ["a", "b", "c"]
    assert ask("ListHyperParameterTuningJobs", {"StatusEquals": "Stopped"})[1] == {"HyperParameterTuningJobSummaries": []}
    assert ask("ListTrainingJobsForHyperParameterTuningJob", {NAME: "a"})[1] == {"TrainingJobSummaries": []}
