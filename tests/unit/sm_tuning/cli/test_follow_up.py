"""Tuning jobs that have ended are told of once each; one that cannot be told of stays in the queue."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sm_tuning.cli import follow_up
from sm_tuning.cli.promote import Destination
from sm_tuning.client.ended import ended
from sm_tuning.client.run import TuningRun
from sm_tuning.client.stack import Stack
from sm_tuning.errors import NotFound, NotServed
from tests.unit.sm_tuning.made_results import made


class Queue:
    """A queue that holds some names; `deleted` are the handles of those that were taken out."""

    meta = SimpleNamespace(endpoint_url="https://sqs.eu-west-1.amazonaws.com")

    def __init__(self, *names: str) -> None:
        self._names = list(enumerate(names))
        self.deleted: list[str] = []

    def receive_message(self, **asked: Any) -> Any:
        assert asked == {"QueueUrl": "queue", "MaxNumberOfMessages": 1, "WaitTimeSeconds": 10}
        if not self._names:
            return {}
        number, name = self._names.pop(0)
        detail = {"HyperParameterTuningJobName": name, "HyperParameterTuningJobStatus": "Completed"}
        return {"Messages": [{"ReceiptHandle": f"{name}-{number}", "Body": json.dumps({"detail": detail})}]}

    def delete_message(self, QueueUrl: str, ReceiptHandle: str) -> None:  # noqa: N803 - boto3's
        assert QueueUrl == "queue"
        self.deleted.append(ReceiptHandle)


def test_each_is_told_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    published: list[Any] = []
    topic = SimpleNamespace(publish=lambda **message: published.append(message))

    def followed(_session: Any, name: str, status: str, output: Path, _destination: Any) -> follow_up.FollowUp:
        if name == "gone":
            raise NotFound("there is no tuning job gone")
        if name == "bad":
            raise NotServed("its model is no archive")
        if name == "denied":
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no right to read its log."}}, "GetLogEvents")
        return follow_up.FollowUp(tuning_job=name, status=status, verdict="good fit", text="text", report=str(output))

    monkeypatch.setattr(follow_up, "_followed_up", followed)
    session: Any = SimpleNamespace(client=lambda _: topic)
    teller = follow_up._Teller(session=session, topic="topic", output=tmp_path, destination=None)
    queue = Queue("a" * 90, "gone", "bad", "denied", "a" * 90)
    left = [job.name for job in ended(queue, "queue") if not teller.tell(job)]
    assert left == ["bad", "denied"]
    assert queue.deleted == [f"{'a' * 90}-0", "gone-1", f"{'a' * 90}-4"]
    (message,) = published
    assert (message["TopicArn"], message["Message"]) == ("topic", "text")
    assert len(message["Subject"]) <= 100, "SNS takes no longer one"
    said = capsys.readouterr().err
    assert said.startswith(
        "gone: there is no tuning job gone\nbad: its model is no archive\ndenied: no right to read its log. Use "
    )


def test_a_tuning_job_that_is_gone_has_ended_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def followed(*_: Any) -> follow_up.FollowUp:
        raise NotFound("there is no tuning job gone")

    def said(queue: Queue) -> str:
        session = SimpleNamespace(client=lambda _: queue)
        choice: Any = SimpleNamespace(open=lambda: SimpleNamespace(stack="ours", session=session))
        follow_up.follow_up(choice=choice, output=tmp_path, promote=False, as_json=False)
        return capsys.readouterr().err

    monkeypatch.setattr(follow_up, "_followed_up", followed)
    monkeypatch.setattr(
        Stack, "read", lambda *_: SimpleNamespace(name="ours", ended="queue", topic="topic", group="g", models="s3://b")
    )
    assert said(Queue("gone")) == "gone: there is no tuning job gone\n"
    assert said(Queue()) == "no tuning job has ended since\n"


def test_what_has_nothing_to_promote_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    results = made(1)
    failed = replace(results, trials=[replace(trial, status="Failed", curves={}) for trial in results.trials])
    monkeypatch.setattr(TuningRun, "attach", lambda *_: None)
    monkeypatch.setattr(follow_up, "read_results", lambda _: failed)
    monkeypatch.setattr(follow_up, "read_failures", lambda *_: [])
    session: Any = None  # nothing is asked
    destination = Destination(group="digits", folder="s3://bucket/models")
    result = follow_up._followed_up(session, "made", "Failed", tmp_path, destination)
    assert result.promotion == "not promoted: made has no training job with an objective, so there is no model to promote"
    assert result.text.endswith(f"{result.promotion}\n")
