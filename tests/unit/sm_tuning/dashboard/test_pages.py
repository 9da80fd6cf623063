"""What the dashboard reads for its pages: as little as it can, since a page asks again every two seconds."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sm_tuning.analysis.results import Results
from sm_tuning.client import loopback
from sm_tuning.dashboard.pages import Pages
from sm_tuning.report import view_model
from tests.unit.sm_tuning.made_results import made

pytestmark = pytest.mark.usefixtures("_log_search_here")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LOG = ["starting", "loss=0.5", "loss=0.25", "done"]


def described(name: str, status: str, regex: str) -> dict[str, Any]:
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobStatus": status,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 1},
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
            "ParameterRanges": {"ContinuousParameterRanges": [{"Name": "rate", "MinValue": "0", "MaxValue": "1"}]},
        },
        "TrainingJobDefinition": {
            "AlgorithmSpecification": {"MetricDefinitions": [{"Name": "loss", "Regex": regex}]},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        },
        "TrainingJobStatusCounters": {"Completed": 2, "InProgress": 1, "NonRetryableError": 0},
        "ObjectiveStatusCounters": {"Succeeded": 2},
        "CreationTime": NOW,
        "HyperParameterTuningEndTime": NOW + timedelta(minutes=1),
    }


def summary(name: str, status: str, **more: object) -> dict[str, Any]:
    value = (
        {"FinalHyperParameterTuningJobObjectiveMetric": {"MetricName": "loss", "Value": 0.25}} if status == "Completed" else {}
    )
    ended = {"TrainingEndTime": NOW + timedelta(seconds=9)} if status != "InProgress" else {}
    times = {"CreationTime": NOW, "TrainingStartTime": NOW}
    return {
        "TrainingJobName": name,
        "TrainingJobStatus": status,
        "TunedHyperParameters": {"rate": "0.5"},
        **times,
        **ended,
        **value,
        **more,
    }


class Service:
    """SageMaker and CloudWatch Logs in one, that count what they are asked."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.clients: Counter[str] = Counter()
        self.meta = SimpleNamespace(region_name="us-east-1", endpoint_url="http://127.0.0.1:1")
        self.status = "InProgress"
        self.regex = "loss=([0-9.]+)"
        self.saves = True

    def client(self, service: str, **_: object) -> "Service":
        self.clients[service] += 1
        return self

    def describe_hyper_parameter_tuning_job(self, HyperParameterTuningJobName: str) -> dict[str, Any]:  # noqa: N803 - AWS's
        self.asked["describe"] += 1
        if HyperParameterTuningJobName not in {"tuned", "other"}:
            raise ClientError({"Error": {"Code": "ResourceNotFound", "Message": "none"}}, "Describe")
        return described(HyperParameterTuningJobName, self.status, self.regex)

    def describe_training_job(self, TrainingJobName: str) -> dict[str, Any]:  # noqa: N803 - AWS's
        return {
            "TrainingJobName": TrainingJobName,
            "TrainingJobStatus": "Completed",
            "CreationTime": NOW,
            "TrainingStartTime": NOW,
            "TrainingEndTime": NOW + timedelta(seconds=1.25),
            "TuningJobArn": "arn:aws:sagemaker:us-east-1:1:hyper-parameter-tuning-job/tuned",
            "AlgorithmSpecification": {
                "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}, {"Name": "b", "Regex": "("}]
            },
            "HyperParameters": {"rate": "0.5"},
            "ModelArtifacts": {"S3ModelArtifacts": "s3://bucket/model.tar.gz"},
        }

    def head_object(self, Bucket: str, Key: str) -> None:  # noqa: N803 - AWS's
        assert (Bucket, Key) == ("bucket", "model.tar.gz")
        self.asked["model"] += 1
        if not self.saves:
            raise ClientError({"Error": {"Code": "404", "Message": "none"}}, "HeadObject")

    def get_paginator(self, operation: str) -> Any:
        jobs = [
            summary("one-001", "Completed"),
            summary("one-002", "Failed", FailureReason="out of memory"),
            summary("one-003", "InProgress"),
        ]
        tuning = {"HyperParameterTuningJobName": "tuned", "HyperParameterTuningJobStatus": self.status, "Strategy": "Random",
                  "CreationTime": NOW, "TrainingJobStatusCounters": {"Completed": 2}}  # fmt: skip
        listed = {"TrainingJobSummaries": jobs, "HyperParameterTuningJobSummaries": [tuning]}
        self.asked[operation] += 1
        return SimpleNamespace(paginate=lambda **_: iter([listed]))

    def describe_log_streams(self, logStreamNamePrefix: str, **_: str) -> dict[str, Any]:  # noqa: N803 - AWS's
        self.asked[f"log of {logStreamNamePrefix.rstrip('/')}"] += 1
        return {"logStreams": [{"logStreamName": f"{logStreamNamePrefix}1"}]}

    def get_log_events(self, nextToken: str | None = None, **_: object) -> dict[str, Any]:  # noqa: N803 - AWS's
        events = [{"timestamp": 1000 * second, "message": line} for second, line in enumerate(LOG)]
        return {"events": events if nextToken is None else [], "nextForwardToken": "end"}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    made = Service()
    monkeypatch.setattr(loopback, "client", lambda _session, name, **_: made.client(name))
    return made


@pytest.fixture
def pages(service: Service) -> Pages:
    assert service is not None
    return Pages(SimpleNamespace())  # its clients are made by `loopback`


def test_asking_again_makes_no_client_and_reads_no_old_log(pages: Pages, service: Service) -> None:
    pages.job("tuned")
    service.asked.clear()
    before = Counter(service.clients)
    pages.job("tuned")
    assert service.clients == before
    assert service.asked["describe"] == 2  # itself, and whether it has a job over shares of the data
    assert service.asked["list_training_jobs_for_hyper_parameter_tuning_job"] == 1
    assert [name for name in service.asked if name.startswith("log of")] == ["log of one-003"]  # the one that runs


def test_the_view_model_is_made_once_per_change(pages: Pages, service: Service) -> None:
    first = pages.job("tuned")["view"]
    assert pages.job("tuned")["view"] is first
    service.status = "Completed"
    assert pages.job("tuned")["view"] is not first


def test_pages_that_are_open_beside_each_other_keep_what_they_show(pages: Pages, service: Service) -> None:
    def asked() -> list[object]:
        shown = (pages.job("tuned"), pages.job("other"), pages.training_job("one-001"), pages.compared(["tuned", "other"]))
        return [part for facts in shown for part in (facts["view"], facts["charts"], facts["data"])]

    first = asked()
    assert len({id(view) for view in first[::3]}) == 3, "the training job is one of a job that is shown"
    assert all(again is before for again, before in zip(asked(), first, strict=True))
    service.status = "Completed"
    assert not any(again is before for again, before in zip(asked(), first, strict=True))


def test_no_more_view_models_are_kept_than_pages_are_open(pages: Pages) -> None:
    first, *_ = [pages.view(["tuned"] * count) for count in range(1, 10)]
    assert pages.view(["tuned"] * 9) is pages.view(["tuned"] * 9)
    assert pages.view(["tuned"]) is not first


def test_a_value_that_is_no_number_is_no_change(pages: Pages, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.LOG", [*LOG, "loss=nan"])
    monkeypatch.setattr(service, "regex", "loss=(.*)")
    first = pages.job("tuned")["view"]
    assert [str(value) for value in first.trials[2].curves["loss"]] == ["0.5", "0.25", "nan"]
    assert pages.job("tuned")["view"] is first


def test_a_tuning_job_with_its_failures_first(pages: Pages) -> None:
    facts = pages.job("tuned")
    view = facts["view"]
    assert [(group.reason, list(group.log)) for group in view.failures] == [("out of memory", LOG)]
    assert (facts["status"].objective, facts["status"].goal) == ("loss", "Minimize")
    assert view.jobs[0].instance_type == "ml.m5.large"
    assert facts["numbers"] == {"one-001": 0, "one-002": 1, "one-003": 2}


def test_ended_tuning_jobs_are_described_once(pages: Pages, service: Service) -> None:
    service.status = "Completed"
    for _ in range(3):
        ((job, status),) = pages.jobs()["jobs"]
        assert (job.name, status.objective, status.max_jobs) == ("tuned", "loss", 3)
    assert service.asked["describe"] == 1


def test_lines_that_a_metric_matches_are_marked(pages: Pages) -> None:
    """An expression that is none matches nothing."""
    facts = pages.training_job("one-001")
    assert facts["lines"] == list(zip(LOG, [False, True, True, False], strict=True))
    assert facts["model"] == "s3://bucket/model.tar.gz"
    assert facts["trial"].name == "one-001"
    assert list(facts["charts"]) == ["curves-0"]
    assert '"one-002"' not in facts["data"]


def test_a_model_that_was_not_saved_is_not_shown_and_asked_for_once(pages: Pages, service: Service) -> None:
    service.saves = False
    for _ in range(2):
        assert pages.training_job("one-001")["model"] is None
    assert service.asked["model"] == 2, "of two that have ended"
    assert pages.training_job("one-009")["model"] is None, "it is in no list"


def test_a_log_that_has_not_changed_is_searched_once(pages: Pages, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    first = pages.training_job("one-001")["lines"]
    monkeypatch.setattr("sm_tuning.dashboard.pages.LogSearch", None)
    service.asked.clear()
    assert pages.training_job("one-001")["lines"] == first
    assert service.asked["log of one-001"] == 1, "it may have grown"


def test_a_training_job_that_its_tuning_job_does_not_list_has_its_log_and_no_chart_s_data(pages: Pages) -> None:
    facts = pages.training_job("one-009")
    assert [line for line, _ in facts["lines"]] == LOG
    assert (facts["trial"], facts["charts"], facts["data"]) == (None, {}, "")


def test_comparing_draws_what_is_beside_each_other_alone(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    results = [made(9, name=name) for name in ("a", "b")]
    trials = [replace(trial, name=f"{trial.tuning_job}-{trial.name}") for part in results for trial in part.trials]
    view = view_model(Results(tuning_jobs=[part.tuning_jobs[0] for part in results], trials=trials))
    monkeypatch.setattr(pages, "view", lambda _: view)
    assert list(pages.compared(["a", "b"])["charts"]) == ["compared-over-time", "compared-over-jobs", "parallel-coordinates"]
