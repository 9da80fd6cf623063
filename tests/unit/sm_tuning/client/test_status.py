"""How far a tuning job is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sm_tuning.client.status import (
    RunStatus,
    SilentMetric,
    Training,
    better_still,
    duration,
    metric_check,
    setting,
    short_name,
    status_of,
    training_of,
)

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
BEGIN = datetime(2024, 5, 1, 12, tzinfo=UTC)
COUNTERS = {"Completed": 3, "InProgress": 2, "RetryableError": 1, "NonRetryableError": 1, "Stopped": 1}


@pytest.mark.parametrize(
    ("best", "overall", "own", "parent"),
    [
        ("a", "a", "a", None),
        ("a", "b", "a", "b"),
        ("a", "as-good", "a", None),
        (None, "b", None, "b"),
        ("a", None, "a", None),
        (None, None, None, None),
    ],
)
def test_a_parent_s_training_job_may_be_better(
    best: str | None, overall: str | None, own: str | None, parent: str | None
) -> None:
    named = {"BestTrainingJob": best, "OverallBestTrainingJob": overall}
    summary = {"TrainingJobStatus": "Completed", "TunedHyperParameters": {}, "CreationTime": CREATED}
    values = {"a": 0.8, "as-good": 0.8, "b": 0.9}
    members = {
        member: {
            "TrainingJobName": name,
            "FinalHyperParameterTuningJobObjectiveMetric": {"MetricName": "auc", "Value": values[name]},
            **summary,
        }
        for member, name in named.items()
        if name is not None
    }
    config = {"ResourceLimits": {}, "HyperParameterTuningJobObjective": {"MetricName": "auc", "Type": "Maximize"}}
    counters: dict[str, Any] = {"TrainingJobStatusCounters": {}, "ObjectiveStatusCounters": {}}
    head = {"HyperParameterTuningJobConfig": config, "HyperParameterTuningJobStatus": "Completed", "CreationTime": CREATED}
    now = status_of("job", {**head, **counters, **members})
    assert [training and training.name for training in (now.best, now.best_of_parents)] == [own, parent]
    assert now.best_of_parents is None or better_still("auc", now.best_of_parents) == "better still: auc 0.9 by b of a parent"


def status(**changes: Any) -> RunStatus:
    members: dict[str, Any] = {
        "name": "t",
        "status": "InProgress",
        "counters": COUNTERS,
        "objectives": {"Succeeded": 3, "Pending": 2, "Failed": 3},
        "max_jobs": 10,
        "created": CREATED,
        "ended": None,
        "best": None,
        "failure_reason": None,
        "objective": "loss",
    }
    return RunStatus(**members | changes)


def test_counts() -> None:
    running = status()
    assert (running.launched, running.finished, running.running, running.failed, running.stopped) == (8, 6, 2, 2, 1)
    assert running.total == 10
    assert status(max_jobs=None).total == 8
    assert status(max_jobs=None, counters={}).total == 1


@pytest.mark.parametrize(("state", "over"), [("InProgress", False), ("Stopping", False), ("Stopped", True), ("Failed", True)])
def test_when_it_is_over(state: str, *, over: bool) -> None:
    assert status(status=state).over is over


def test_seconds_until_its_end() -> None:
    assert status(ended=CREATED + timedelta(minutes=2)).seconds == 120
    assert status().seconds > 120
    training = Training(name="a", status="Completed", hyperparameters={}, started=CREATED, ended=CREATED + timedelta(seconds=9))
    assert training.seconds == 9
    assert Training(name="a", status="InProgress", hyperparameters={}, started=CREATED).seconds is None


def halfway(**members: Any) -> RunStatus:
    """Four of ten training jobs have ended, one of them failed, in 200 seconds."""
    usual: dict[str, Any] = {
        "name": "t",
        "status": "InProgress",
        "counters": {"Completed": 3, "InProgress": 2, "NonRetryableError": 1, "RetryableError": 0, "Stopped": 0},
        "objectives": {},
        "max_jobs": 10,
        "created": BEGIN,
        "ended": BEGIN + timedelta(seconds=200),
        "best": Training(name="t-1", status="Completed", hyperparameters={}, value=0.123456789),
        "failure_reason": None,
        "objective": "loss",
    }
    return RunStatus(**{**usual, **members})


def test_a_tuning_job_that_runs() -> None:
    now = halfway()
    assert (now.launched, now.finished, now.running, now.failed, now.total, now.over) == (6, 4, 2, 1, 10, False)
    assert (now.seconds, now.seconds_left) == (200, 300)  # six more, at 50 seconds each
    assert str(now) == "t InProgress: 4 of 10 training jobs ended (1 failed), 2 running, best loss so far 0.123457"


@pytest.mark.parametrize("ended", ["Completed", "Failed", "Stopped"])
def test_a_tuning_job_that_has_ended(ended: str) -> None:
    end = halfway(status=ended)
    assert end.over
    assert end.seconds_left is None


def test_before_anything_has_ended() -> None:
    begun = halfway(counters={"InProgress": 2}, max_jobs=None, best=None)
    assert begun.seconds_left is None
    assert begun.total == 2
    assert str(begun) == "t InProgress: 0 training jobs ended (0 failed), 2 running"


def test_a_training_job_of_a_summary() -> None:
    summary: dict[str, Any] = {
        "TrainingJobName": "t-1",
        "TrainingJobStatus": "Failed",
        "TunedHyperParameters": {"x": "1"},
        "CreationTime": BEGIN,
        "TrainingStartTime": BEGIN + timedelta(seconds=5),
        "FailureReason": "no data",
    }
    training = training_of(summary)
    assert (training.name, training.status, training.value, training.seconds) == ("t-1", "Failed", None, None)
    assert (training.failure_reason, training.definition) == ("no data", None)
    assert training_of({**summary, "TrainingJobDefinitionName": "small"}).definition == "small"
    ended = {**summary, "TrainingEndTime": BEGIN + timedelta(seconds=35)}
    assert training_of({**ended, "FinalHyperParameterTuningJobObjectiveMetric": {"Value": 0.5}}).value == 0.5
    assert training_of(ended).seconds == 30


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0, "0 s"),
        (0.406, "0.41 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (60, "1 min 00 s"),
        (200, "3 min 20 s"),
        (3599.6, "1 h 00 min"),
        (7290, "2 h 01 min"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("0.123456789", "0.1235"),
        ("16", "16"),
        ("65536", "65536"),
        ("1e-06", "1e-06"),
        ("adam", "adam"),
        ('"adam"', "adam"),
        ("nan", "nan"),
    ],
)
def test_hyperparameters_are_short(value: str, shown: str) -> None:
    assert setting(value) == shown


def test_a_metric_that_a_log_has() -> None:
    lines = ["epoch 1 loss=0.5", "epoch 2 loss=0.4 loss=0.3", "done"]
    check = metric_check("loss", r"loss=([0-9.]+)", ["0.5", "0.4", "0.3"], lines, 3)
    assert (check.matches, check.lines, check.nearest) == (3, 3, ())
    assert str(check) == "loss: 3 values in 3 lines"


def test_a_metric_that_a_log_has_not_names_the_nearest_lines() -> None:
    lines = ["started at 12", "validation loss 0.5", "accuracy 0.9", "loss: 0.4", "validation loss 0.5"]
    check = metric_check("loss", r"loss=[0-9.]+", [], lines, 5)
    assert check.matches == 0
    assert set(check.nearest[:2]) == {"validation loss 0.5", "loss: 0.4"}
    assert str(check).startswith("loss: the regex 'loss=[0-9.]+' has matched none of 5 lines; the nearest:")


def test_a_metric_whose_values_are_no_numbers() -> None:
    check = metric_check("loss", "loss=(.*)", ["nan", "nan"], ["loss=nan", "loss=nan"], 2)
    assert str(check) == "loss: the regex 'loss=(.*)' has caught 'nan' and no number in 2 lines"
    assert check.is_silent(ended=True)


@pytest.mark.parametrize(
    ("texts", "lines", "ended", "silent"),
    [
        (["1"], 50, True, False),
        ([], 50, True, True),
        ([], 50, False, True),
        ([], 5, True, True),
        ([], 5, False, False),
        ([], 0, True, False),
    ],
)
def test_silence_needs_something_to_match(texts: list[str], lines: int, ended: bool, silent: bool) -> None:  # noqa: FBT001 - a case
    assert metric_check("loss", "loss=(.*)", texts, ["x 1"] * min(lines, 1), lines).is_silent(ended=ended) == silent


def test_silence_while_it_runs_needs_a_number() -> None:
    check = metric_check("loss", "loss=(.*)", [], ["downloading"] * 50, 50)
    assert (check.is_silent(ended=False), check.is_silent(ended=True)) == (False, True)


def test_a_silent_metric_names_the_training_jobs() -> None:
    check = metric_check("loss", "loss=(.*)", [], ["lost 1"], 1)
    assert str(SilentMetric(check=check, trainings=["a"])).splitlines() == [
        "loss: the regex 'loss=(.*)' has matched none of 1 lines of the log of a; the nearest:",
        "    lost 1",
    ]
    assert "of the log of a, nor of those of 2 more;" in str(SilentMetric(check=check, trainings=["a", "b", "c"]))


def test_a_search_that_took_too_long_on_some_lines_is_not_told_as_a_whole_one() -> None:
    texts, lines = ["1", "2"], 5010
    check = metric_check("loss", "loss=(.)", texts, [], lines, usable=False)
    assert check.sentence == "loss: 2 values in 5010 lines; the regex 'loss=(.)' takes too long on some of them"
    assert check.lacks_values(ended=True)
    assert not check.is_silent(ended=True)
    assert str(SilentMetric(check=check, trainings=["a", "b", "c"])) == f"{check.sentence} (the log of a and those of 2 more)"
    untried = metric_check("loss", "loss=(.)", [], [], lines, usable=False)
    assert str(SilentMetric(check=untried, trainings=["a", "b"])).endswith(
        "takes too long on 5010 lines of the log of a and of those of 1 more"
    )
    whole = metric_check("loss", "loss=(.)", texts, [], lines)
    assert (whole.sentence, whole.lacks_values(ended=True)) == ("loss: 2 values in 5010 lines", False)


def test_names_of_training_jobs_are_short() -> None:
    assert short_name("my-job-003-a1b2c3d4") == "003-a1b2c3d4"
    assert short_name("my-job-1003-a1b2c3d4") == "1003-a1b2c3d4"
    assert [short_name(name) for name in ("plain", "my-training-job")] == ["plain", "my-training-job"], "of no tuning job"
