"""A tuning job by its name: what is asked of the service, and what its answers become."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sm_tuning import NotFound, TuningRun, WaitTimeout
from sm_tuning.client import logs as cloudwatch
from sm_tuning.client import run as module
from sm_tuning.client.local_session import Emulator, LocalSession

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
COUNTERS = {"Completed": 0, "InProgress": 1, "RetryableError": 0, "NonRetryableError": 0, "Stopped": 0}


class Service:
    """SageMaker and CloudWatch Logs: answers what a test has put there, an exception by raising it."""

    def __init__(self, url: str = "https://api.sagemaker.us-east-1.amazonaws.com") -> None:
        self.meta = SimpleNamespace(region_name="us-east-1", endpoint_url=url)
        self.statuses = ["InProgress"]
        self.failure: Exception | None = None
        self.trainings: Sequence[Mapping[str, Any]] = ()
        self.jobs: dict[str, Mapping[str, Any]] = {}
        self.paginated: dict[str, Any] = {}

    def describe_hyper_parameter_tuning_job(self, **request: str) -> Mapping[str, Any]:
        if self.failure is not None:
            raise self.failure
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return {
            **request,
            "HyperParameterTuningJobStatus": status,
            "HyperParameterTuningJobConfig": {"ResourceLimits": {}},
            "TrainingJobStatusCounters": COUNTERS,
            "ObjectiveStatusCounters": {"Succeeded": 0, "Pending": 1, "Failed": 0},
            "CreationTime": CREATED,
        }

    def stop_hyper_parameter_tuning_job(self, **_: str) -> None:
        if self.failure is not None:
            raise self.failure

    def describe_training_job(self, TrainingJobName: str) -> Mapping[str, Any]:  # noqa: N803 - boto3's
        return self.jobs[TrainingJobName]

    def get_paginator(self, _operation: str) -> Any:
        def paginate(**words: Any) -> Sequence[Mapping[str, Any]]:
            self.paginated = words
            return [{"TrainingJobSummaries": [summary]} for summary in self.trainings]

        return SimpleNamespace(paginate=paginate)


def denied(_run: TuningRun, _name: str) -> None:
    raise refusal("AccessDeniedException")


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "StopHyperParameterTuningJob")


def summary(name: str, status: str = "Failed", reason: str | None = None) -> Mapping[str, Any]:
    return {
        "TrainingJobName": name,
        "TrainingJobStatus": status,
        "TunedHyperParameters": {"x": "1"},
        "CreationTime": CREATED,
        **({} if reason is None else {"FailureReason": reason}),
    }


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def run(service: Service) -> TuningRun:
    return TuningRun("t", session=SimpleNamespace(), client=service)


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that are slept; the clock runs as if they were."""
    slept: list[float] = []
    time = SimpleNamespace(sleep=slept.append, monotonic=lambda: sum(slept))
    monkeypatch.setattr(module, "time", time)
    monkeypatch.setattr(cloudwatch, "time", time)
    return slept


@pytest.mark.parametrize("code", ["ResourceNotFound", "ResourceNotFoundException"])
def test_a_job_that_is_not_there_is_not_found(service: Service, run: TuningRun, code: str) -> None:
    service.failure = refusal(code)
    for call in (run.describe, run.status, run.stop, run.other("t").describe):
        with pytest.raises(NotFound, match="there is no tuning job 't' in us-east-1"):
            call()


def test_other_errors_are_the_services(service: Service, run: TuningRun) -> None:
    service.failure = refusal("AccessDeniedException")
    for call in (run.describe, run.stop):
        with pytest.raises(ClientError, match="AccessDeniedException"):
            call()


def test_stopping_what_has_ended_is_nothing(service: Service, run: TuningRun) -> None:
    service.failure = refusal("ValidationException")
    run.stop()


def test_waiting_tells_each_change_once_and_ends_with_the_job(service: Service, run: TuningRun, naps: list[float]) -> None:
    service.statuses = ["InProgress", "InProgress", "Stopping", "Stopped"]
    seen: list[str] = []
    assert run.wait(lambda status: seen.append(status.status)).status == "Stopped"
    assert seen == ["InProgress", "Stopping", "Stopped"]
    assert naps == [10.0] * 3, "AWS is asked every ten seconds"


def test_an_emulator_is_asked_more_often(naps: list[float]) -> None:
    service = Service("http://127.0.0.1:4577")
    service.statuses = ["InProgress", "Completed"]
    run = TuningRun("t", session=SimpleNamespace(), client=service)
    assert run.local
    run.wait()
    assert naps == [0.5]


def test_waiting_ends_in_time(run: TuningRun, naps: list[float]) -> None:
    with pytest.raises(WaitTimeout, match="the tuning job t is still InProgress after 25 seconds; it goes on"):
        run.wait(timeout=25.0)
    assert naps == [10.0, 10.0, 5.0]


@pytest.mark.parametrize("local", [False, True])
def test_ctrl_c_goes_through_and_says_that_the_tuning_job_goes_on(service: Service, naps: list[float], *, local: bool) -> None:
    def interrupt(_status: object) -> None:
        raise KeyboardInterrupt

    session: Any = LocalSession(Emulator("http://127.0.0.1:4577")) if local else SimpleNamespace()
    again = f"sm_tuning.TuningRun.attach('t'{', session=sm_tuning.local_session()' if local else ''})"
    with pytest.raises(KeyboardInterrupt) as raised:
        TuningRun("t", session=session, client=service).wait(interrupt)
    assert raised.value.__notes__ == [f"The tuning job goes on. {again} finds it again: .wait() follows it, .stop() stops it"]


def test_training_jobs_come_in_launch_order(service: Service, run: TuningRun) -> None:
    service.trainings = [summary("b"), summary("a")]
    assert [training.name for training in run.trainings()] == ["b", "a"], "as the service has them"
    assert (service.paginated["SortBy"], service.paginated["SortOrder"]) == ("CreationTime", "Ascending")


def test_a_model_is_where_the_service_says(service: Service, run: TuningRun) -> None:
    service.jobs = {
        "a": {"TrainingJobStatus": "Completed", "ModelArtifacts": {"S3ModelArtifacts": "s3://b/a/model.tar.gz"}},
        "b": {"TrainingJobStatus": "InProgress"},
    }
    assert run.model_uri("a") == "s3://b/a/model.tar.gz"
    with pytest.raises(NotFound, match="the training job b is InProgress and has no model"):
        run.model_uri("b")


@pytest.mark.parametrize("code", ["404", "NoSuchKey", "NoSuchBucket", "403"])
def test_a_model_that_has_gone_is_told(service: Service, run: TuningRun, tmp_path: Path, code: str) -> None:
    service.jobs = {"a": {"TrainingJobStatus": "Completed", "ModelArtifacts": {"S3ModelArtifacts": "s3://b/a/model.tar.gz"}}}

    def download(bucket: str, key: str, file: str) -> None:
        assert (bucket, key, file) == ("b", "a/model.tar.gz", str(tmp_path / "models" / "a.tar.gz"))
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "HeadObject")

    run._others["s3"] = SimpleNamespace(download_file=download)
    there_is_none = "no model of a at s3://b/a/model.tar.gz: its script left nothing in SM_MODEL_DIR, or it was deleted"
    with pytest.raises(ClientError if code == "403" else NotFound, match=rf"403|{there_is_none}"):
        run.download_model("a", tmp_path / "models")


@pytest.mark.parametrize(("code", "there"), [(None, True), ("404", False), ("403", True), ("500", None)])
def test_whether_a_model_is_there_is_asked_of_s3(
    service: Service, run: TuningRun, code: str | None, *, there: bool | None
) -> None:
    service.jobs = {"a": {"TrainingJobStatus": "Completed", "ModelArtifacts": {"S3ModelArtifacts": "s3://b/a/model.tar.gz"}}}

    def head(**request: str) -> None:
        assert request == {"Bucket": "b", "Key": "a/model.tar.gz"}
        if code is not None:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "HeadObject")

    run._others["s3"] = SimpleNamespace(head_object=head)
    if there is None:
        with pytest.raises(ClientError, match="500"):
            run.has_model("a")
    else:
        assert run.has_model("a") is there, "where it may not be asked it may be there"


def test_a_log_is_followed_to_its_last_line(
    service: Service, run: TuningRun, naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = {"InProgress": [["1"], ["2", "3"]], "Completed": [["4"]]}
    statuses = ["InProgress", "InProgress", "Completed"]

    def new_lines(_client: Any, _training: str, _tokens: dict[str, str], *, group: str) -> Sequence[str]:
        assert group == "/aws/sagemaker/TrainingJobs"
        return written["InProgress"].pop(0) if written["InProgress"] else written["Completed"].pop(0)

    monkeypatch.setattr(cloudwatch, "new_lines", new_lines)
    monkeypatch.setattr(TuningRun, "_other_client", lambda _run, _service: None)
    monkeypatch.setattr(service, "describe_training_job", lambda **_: {"TrainingJobStatus": statuses.pop(0)})
    assert list(run.logs("a", follow=True)) == ["1", "2", "3", "4"], "what came before the end is read after it"
    assert naps == [5.0, 5.0]


def test_failures_alike_are_one_group(service: Service, run: TuningRun, monkeypatch: pytest.MonkeyPatch) -> None:
    service.trainings = [
        summary("a", reason="no column at 0x7f00"),
        summary("b", status="Completed"),
        summary("c", reason='Command "train --x 1", exit code 3'),
        summary("d", reason='Command "train --x 2", exit code 3'),
        summary("e"),
    ]
    monkeypatch.setattr(TuningRun, "log_tail", lambda _run, name, _count: [f"{name} {line}" for line in range(9)])
    groups = run.failures()
    assert [group.trainings for group in groups] == [["c", "d"], ["a"], ["e"]], "the largest first"
    assert [group.reason for group in groups][1:] == ["no column at 0x7f00", "no reason given"]
    assert groups[0].log == [f"c {line}" for line in range(4, 9)]
    service.trainings = [summary("f", reason="other")]
    monkeypatch.setattr(TuningRun, "log_tail", lambda run, name, _count: denied(run, name))
    (group,) = run.failures()
    assert (group.reason, group.log) == ("other", ()), "without the log where that may not be read"


@pytest.mark.usefixtures("_log_search_here")
def test_objectives_own_copy_is_no_metric_to_check(service: Service, run: TuningRun, monkeypatch: pytest.MonkeyPatch) -> None:
    definitions = [{"Name": "loss", "Regex": "loss=(.*)"}, {"Name": "ObjectiveMetric", "Regex": "loss=(.*)"}]
    job = {"TrainingJobStatus": "Completed", "CreationTime": datetime(2026, 1, 1, tzinfo=UTC)}
    service.jobs = {"a": {**job, "AlgorithmSpecification": {"MetricDefinitions": definitions}}}
    monkeypatch.setattr(TuningRun, "logs", lambda _run, _name: iter(["loss=1", "other"]))
    assert [(check.metric, check.matches) for check in run.metric_checks("a")] == [("loss", 1)]


def test_its_text_asks_nobody_and_its_html_for_the_status(service: Service, run: TuningRun) -> None:
    assert "t: InProgress" in run._repr_html_()
    service.failure = refusal("AccessDeniedException")
    assert repr(run) == "<TuningRun 't' in us-east-1 at https://api.sagemaker.us-east-1.amazonaws.com>"
    assert "AccessDeniedException" in run._repr_html_()
    service.failure = refusal("ResourceNotFound")
    assert "there is no tuning job &#x27;t&#x27;" in run._repr_html_()
    assert "&lt;TuningRun" in run._repr_html_()


def test_a_notebook_is_shown_every_look_unless_progress_is_asked_for(
    service: Service, run: TuningRun, naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(module, "notebook_progress", lambda: lambda status: shown.append(status.status))
    service.statuses = ["InProgress", "InProgress", "Completed"]
    run.wait()
    assert shown == ["InProgress", "InProgress", "Completed"]
    assert len(naps) == 2
    run.wait(progress=lambda _: None)
    assert len(shown) == 3


@pytest.mark.usefixtures("_log_search_here")
def test_silent_metrics_are_those_of_the_latest_training_job_that_did_not_fail(
    service: Service, run: TuningRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run.silent_metrics() == [], "nothing has begun"
    ended = {**summary("b", "Completed"), "TrainingEndTime": CREATED}
    service.trainings = [summary("a", "InProgress"), ended, summary("c", "InProgress"), summary("d")]
    definitions = [{"Name": "loss", "Regex": "loss=(.*)"}, {"Name": "score", "Regex": "score=(.*)"}]
    job = {"TrainingJobStatus": "Completed", "CreationTime": CREATED}
    service.jobs = {"b": {**job, "AlgorithmSpecification": {"MetricDefinitions": definitions}}}
    monkeypatch.setattr(TuningRun, "logs", lambda _run, _name: iter(["loss=1", "scored 2"]))
    (metric,) = run.silent_metrics()
    assert (metric.check.metric, metric.trainings, metric.check.nearest[0]) == ("score", ["b"], "scored 2")
    monkeypatch.setattr(TuningRun, "logs", denied)
    assert run.silent_metrics() == [], "who may not read logs is told the status all the same"
