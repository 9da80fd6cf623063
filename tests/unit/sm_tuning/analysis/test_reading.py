"""Reading results: what is asked of the service, and what is not asked again."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sm_tuning import Invalid, NotFound, WarmStart
from sm_tuning.analysis.curves import DetailsCache
from sm_tuning.analysis.reading import read_data_scaling, read_parents, read_results, read_stops, with_stops
from sm_tuning.analysis.results import Results
from sm_tuning.client.status import Training
from sm_tuning.client.summaries import TrainingJobSummary

pytestmark = pytest.mark.usefixtures("_log_search_here")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Run:
    """A tuning job of two training jobs: one has ended, one runs."""

    def __init__(self, name: str, metric: str = "validation:loss", log: str | None = "validation:loss=0.5") -> None:
        self.name = name
        self.metric = metric
        self.log = log
        self.static: dict[str, str] = {}
        self.asked: list[str] = []
        self.described: list[str] = []
        self.saves = True
        self.stops: list[str] = []
        self.others: dict[str, Run] = {}

    def describe(self) -> Mapping[str, Any]:
        objective = {"Type": "Minimize", "MetricName": self.metric}
        ranges = {"ContinuousParameterRanges": [{"Name": "rate", "MinValue": "0", "MaxValue": "1"}]}
        limits = {"MaxParallelTrainingJobs": 2}
        return {
            "HyperParameterTuningJobName": self.name,
            "HyperParameterTuningJobConfig": {
                "Strategy": "Random",
                "HyperParameterTuningJobObjective": objective,
                "ParameterRanges": ranges,
                "ResourceLimits": limits,
            },
            "TrainingJobDefinition": {
                "StaticHyperParameters": self.static,
                "AlgorithmSpecification": {"MetricDefinitions": [{"Name": self.metric, "Regex": "loss=([0-9.]+)"}]},
            },
        }

    def trainings(self) -> list[Training]:
        done = Training(name="done", status="Completed", hyperparameters={"rate": "0.1"}, value=0.5, created=NOW, ended=NOW)
        runs = Training(name="runs", status="InProgress", hyperparameters={"rate": "0.2"}, created=NOW)
        return [done, runs, *(replace(done, name=name, status="Stopped") for name in self.stops)]

    def logs(self, name: str) -> Iterator[str]:
        self.asked.append(name)
        if self.log is None:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not you"}}, "DescribeLogStreams")
        return iter([self.log])

    def training_job(self, name: str) -> TrainingJobSummary:
        self.described.append(name)
        if self.log is None:
            raise NotFound(name)
        return TrainingJobSummary(
            name=name, status="Completed", step="Completed", failure_reason=None, tuning_job=self.name, hyperparameters={},
            metrics={}, model="s3://bucket/model", created=NOW, started=NOW + timedelta(milliseconds=10),
            ended=NOW + timedelta(milliseconds=250),
        )  # fmt: skip

    def has_model(self, name: str, described: TrainingJobSummary) -> bool:
        assert described.name == name
        return self.saves

    def minutes(self, training: Training, _metrics: list[str]) -> Mapping[str, list[float]]:
        return {self.metric: [0.7]} if training.ended else {}

    def other(self, name: str) -> "Run":
        if name not in self.others:
            raise NotFound(name)
        return self.others[name]


def read(*runs: Run, **options: Any) -> Any:
    return read_results(*runs, **options)  # type: ignore[arg-type] # as far as it is looked at


def test_several_tuning_jobs_need_one_objective() -> None:
    with pytest.raises(Invalid, match="one and the same"):
        read(Run("a", "loss"), Run("b", "error"))


def test_logs_of_training_jobs_that_have_ended_are_read_once() -> None:
    run, cache = Run("a"), DetailsCache()
    assert [dict(trial.curves) for trial in read(run, cache=cache).trials] == [{"validation:loss": (0.5,)}] * 2
    assert sorted(run.asked) == ["done", "runs"]
    assert [dict(trial.curves) for trial in read(run, cache=cache).trials] == [{"validation:loss": (0.5,)}] * 2
    assert sorted(run.asked) == ["done", "runs", "runs"]
    assert run.described == ["done"], "once, at its end"


def test_what_has_ended_has_its_times_to_the_millisecond_its_model_and_its_log() -> None:
    done, runs = read(Run("a")).trials
    assert (done.seconds, done.model, done.log) == (0.24, "s3://bucket/model", [("validation:loss=0.5", True)])
    assert (runs.seconds, runs.model, runs.log) == (None, None, [("validation:loss=0.5", True)])
    bare = Run("a")
    bare.saves = False
    assert read(bare).trials[0].model is None, "S3 has none"
    (whole, _) = read(Run("a", log=None)).trials  # it may not be read: the list's whole seconds
    assert (whole.ended, whole.log) == (NOW, ())


def test_a_metric_that_nothing_matches_is_remembered_with_the_nearest_lines() -> None:
    done, runs = read(Run("a", log="loss: 0.5")).trials
    ((check,),) = (done.silent,)
    assert (check.metric, check.nearest) == ("validation:loss", ["loss: 0.5"])
    assert runs.silent == [], "it has hardly begun"


def test_without_curves_no_log_is_read() -> None:
    run = Run("a")
    assert [dict(trial.curves) for trial in read(run, curves=False).trials] == [{}, {}]
    assert run.asked == []


def test_where_training_jobs_were_stopped_takes_their_logs_alone() -> None:
    run = Run("a")
    run.stops = ["early", "later"]
    results = with_stops(read(run, curves=False), [run])  # type: ignore[list-item] # as far as it is looked at
    assert [row["StoppedAt"] for row in results.table()] == [None, None, "value 1", "value 1"]
    assert (sorted(run.asked), run.described) == (["early", "later"], [])
    assert read_stops(run, run.trainings()[1:3]) == {"early": "value 1"}  # type: ignore[arg-type] # as above
    run.log = None
    unknown = with_stops(read(run, curves=False), [run])  # type: ignore[list-item] # as above
    assert {row["StoppedAt"] for row in unknown.table()} == {None}, "it may not be read"


def test_the_means_by_the_minute_stand_for_logs_that_may_not_be_read() -> None:
    trials = read(Run("a", log=None)).trials
    assert [(dict(trial.curves), trial.coarse) for trial in trials] == [({"validation:loss": [0.7]}, True), ({}, False)]


@pytest.mark.parametrize(("static", "belongs"), [({"rate": "0.1"}, True), ({"rate": "0.3"}, False)])
def test_data_scaling_belongs_to_the_best_hyperparameters(static: dict[str, str], belongs: bool) -> None:  # noqa: FBT001 - a case
    run = Run("a")
    run.others["a-data"] = Run("a-data")
    run.others["a-data"].static = static
    scaling = read_data_scaling(read(run), [run])  # type: ignore[list-item] # as far as it is looked at
    assert (scaling is not None) == belongs
    assert read_data_scaling(read(Run("b")), [Run("b")]) is None  # type: ignore[list-item] # there is none


def test_parents_are_read_once_and_those_that_are_gone_are_left_out() -> None:
    run = Run("a")
    run.others["parent"] = parent = Run("parent")
    job = replace(read(run).tuning_jobs[0], warm_start=WarmStart.identical("parent", "gone"))
    results = Results(tuning_jobs=[job], trials=[])
    known: dict[str, Results] = {}
    parents = read_parents(results, [run], known)  # type: ignore[list-item] # as far as it is looked at
    assert {name: [trial.name for trial in read.trials] for name, read in parents.items()} == {"parent": ["done", "runs"]}
    assert parent.asked == [], "no curves"
    del run.others["parent"]
    assert read_parents(results, [run], known) == parents  # type: ignore[list-item] # as above


def test_tuning_jobs_of_two_objectives_are_refused_by_their_names() -> None:
    with pytest.raises(
        Invalid, match="have the objectives Minimize validation:accuracy and Minimize validation:loss; results need"
    ):
        read_results(Run("a"), Run("b", metric="validation:accuracy"))  # type: ignore[arg-type] # as much of a run as is asked
