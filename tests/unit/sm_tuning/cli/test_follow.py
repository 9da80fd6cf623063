"""What commands show of tuning jobs and training jobs."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from sm_tuning import NotFound
from sm_tuning.cli import follow
from sm_tuning.client.local_session import Emulator, LocalSession
from sm_tuning.client.status import FailureGroup, Training


@pytest.mark.parametrize("as_json", [True, False])
def test_a_training_job_that_its_tuning_job_does_not_list_is_told(*, as_json: bool) -> None:
    run: Any = SimpleNamespace(name="t", trainings=lambda: [Training(name="t-001", status="Completed", hyperparameters={})])
    with pytest.raises(NotFound, match="t does not list the training job t-002"):
        follow._show_training(run, "t-002", as_json=as_json)


def test_a_failed_training_job_is_shown_with_its_lines_and_the_end_of_its_log(capsys: pytest.CaptureFixture[str]) -> None:
    reason = 'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "ValueError: bad"'
    failed = Training(name="t-001", status="Failed", hyperparameters={}, failure_reason=reason)
    sound = Training(name="t-002", status="Completed", hyperparameters={})

    def failures(trainings: Sequence[Training]) -> list[FailureGroup]:
        return [FailureGroup(reason=reason, trainings=[t.name], log=["ValueError: bad"]) for t in trainings if t.failure_reason]

    status = SimpleNamespace(objective="loss")
    run: Any = SimpleNamespace(name="t", trainings=lambda: [failed, sound], failures=failures, status=lambda: status)
    follow._show_training(run, "t-001", as_json=False)
    shown = capsys.readouterr().out
    assert "#012" not in shown
    end = ["1 training job: AlgorithmError: ExecuteUserScriptError:", "ExitCode 1", 'ErrorMessage "ValueError: bad"']
    assert shown.splitlines()[-4:] == [*end, "    ValueError: bad"]
    follow._show_training(run, "t-002", as_json=False)
    assert "Error" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("word", "beginning_of", "log_of"),
    [
        ("score", "score-1", "score"),
        ("sco", "score-1", "score-1-001"),
        ("score-1", "score-1", "score-1-001"),
        ("score", None, "score"),
    ],
)
def test_an_endpoint_of_a_name_comes_before_a_tuning_job_that_begins_with_it(
    monkeypatch: pytest.MonkeyPatch, word: str, beginning_of: str | None, log_of: str
) -> None:
    def run_of(_session: object, _name: str) -> Any:
        if beginning_of is None:
            raise NotFound("no tuning jobs begin with it")
        best = SimpleNamespace(name=f"{beginning_of}-001")
        return SimpleNamespace(name=beginning_of, trainings=list, best=lambda: best, logs=lambda name, **_: [f"log of {name}"])

    def other_log(_session: object, name: str, *, endpoint: bool) -> Any:
        assert not endpoint
        return SimpleNamespace(kind="Endpoint", lines=lambda **_: [f"log of {name}"]) if name == "score" else None

    monkeypatch.setattr(follow, "training_of", lambda *_: None)
    monkeypatch.setattr(follow, "run_of", run_of)
    monkeypatch.setattr(follow, "other_log", other_log)
    member, name, lines = follow._log(None, word, endpoint=False, follow=False)
    assert (name, list(lines)) == (log_of, [f"log of {log_of}"])
    assert member == ("EndpointName" if log_of == "score" else "TrainingJobName")


def test_a_name_of_nothing_is_told_with_all_that_it_might_have_been(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_of(_session: object, _name: str) -> Any:
        raise NotFound("no tuning jobs begin with 'x'; there are a")

    monkeypatch.setattr(follow, "training_of", lambda *_: None)
    monkeypatch.setattr(follow, "run_of", run_of)
    monkeypatch.setattr(follow, "other_log", lambda *_, **__: None)
    with pytest.raises(NotFound, match="there are a; no endpoint, processing job or transform job has that name either"):
        follow._log(None, "x", endpoint=False, follow=False)
    with pytest.raises(NotFound, match=r"there is no endpoint 'x', and no log of it$"):
        follow._log(None, "x", endpoint=True, follow=False)
    with pytest.raises(
        NotFound, match=r"and no log of it; of deleted ones the emulator keeps those of the last hundred programs$"
    ):
        follow._log(LocalSession(Emulator("http://127.0.0.1:1")), "x", endpoint=True, follow=False)
