"""The terminal's output: the view model's numbers, in plain text."""

import gc
import io
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

pytest.importorskip("rich", reason="the command needs rich: pip install 'sm-tuning[cli]'")

from rich.console import Console, RenderableType

from sm_tuning.analysis import diagnose
from sm_tuning.analysis.data_scaling import data_scaling_curve
from sm_tuning.cli.display import Progress, console, counted, data_scaling_lines, diagnosis_lines
from sm_tuning.client.status import FailureGroup, MetricCheck, RunStatus, Training
from sm_tuning.report import page
from sm_tuning.report.view_model import view_model
from tests.unit.sm_tuning.analysis.test_data_scaling import SHARES, shared
from tests.unit.sm_tuning.analysis.test_diagnosis import unnamed
from tests.unit.sm_tuning.made_results import made
from tests.unit.sm_tuning.planted import RATE, falling, tuned


def text(lines: Iterable[RenderableType]) -> str:
    file = io.StringIO()
    console = Console(file=file, width=300, markup=False)
    for line in lines:
        console.print(line)
    return file.getvalue()


def test_a_stream_may_be_closed_before_its_console(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is where a command is called in the same process; an error while a console is collected would fail this test."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    shown = console()
    shown.print("said")
    assert stream.getvalue() == "said\n"
    stream.close()
    del shown
    gc.collect()


def test_the_diagnosis_is_the_view_models() -> None:
    view = view_model(made(40))
    shown = text(diagnosis_lines(view))
    assert view.best is not None
    assert f"best: {view.best.name}  validation:loss {view.best.objective:.5g}" in shown
    assert f"verdict: {view.fit.verdict.value} ({view.fit.confidence.value} confidence): {view.fit.reason}" in shown
    assert "all: " + ", ".join(f"{count} {verdict.value}" for verdict, count in view.verdicts) in shown
    for effect in view.effects:
        assert f"{effect.name:<14}  {effect.decides}" in shown
        assert all(remark in shown for remark in effect.remarks)
    for position, advice in enumerate(view.advice, start=1):
        assert f"{position}. {advice.remedy}: " in shown
    assert f"{view.slot_use:.0%} of 2 parallel slots used\n" in shown


def test_metrics_that_are_not_understood_are_named_wherever_the_diagnosis_is_shown() -> None:
    view = view_model(tuned(unnamed, RATE, 12))
    sentence = (
        "fit:loss is compared with nothing, for its name does not say whether of training or of held-out data: call it train:loss "
        "if of training data, validation:loss if not"
    )
    assert view.diagnosis.about_metrics == sentence
    assert f"<p>{sentence}.</p>" in page(view)
    assert sentence in text(diagnosis_lines(view))
    assert sentence in " ".join(str(view.diagnosis).split())
    assert not diagnose(tuned(falling("high"), RATE, 12)).not_understood


@pytest.mark.parametrize(("gain", "shows"), [(0.1, True), (0.0, False), (-0.1, False)])
def test_a_better_training_job_of_a_parent_is_named_wherever_the_diagnosis_is_shown(gain: float, *, shows: bool) -> None:
    results = made(12)
    assert results.best is not None
    assert results.best.objective is not None
    value = results.best.objective - gain
    parent = Training(name="first-003", status="Completed", hyperparameters={}, value=value)
    jobs = [replace(results.tuning_jobs[0], best_of_parents=parent)]
    sentence = f"etter still: validation:loss {value:.5g} by first-003 of a parent"
    view = view_model(replace(results, tuning_jobs=jobs))
    assert (f"<strong>B{sentence}.</strong>" in page(view)) is shows
    assert (f"b{sentence}\n" in text(diagnosis_lines(view))) is shows
    assert (f"b{sentence}" in " ".join(str(view.diagnosis).split())) is shows
    alone = view_model(replace(results, tuning_jobs=jobs, trials=[]))
    assert f"b{sentence}\n" in text(diagnosis_lines(alone)), "no training job of it has an objective"


def test_what_was_saved_is_said_of_what_saved_it() -> None:
    view = view_model(made(20))
    for by in ("early stopping", "Hyperband"):
        assert f"parallel slots used; {by} saved about 1 min 10 s" in text(diagnosis_lines(replace(view, saved={by: 70.0})))


def test_without_training_jobs_it_says_so() -> None:
    assert "verdict: unknown (medium confidence): no training job has an objective" in text(diagnosis_lines(view_model(made(0))))


def followed(run: Any, *, changes: int = 1) -> None:
    """Follow a tuning job whose first training job is judged at each of so many changes."""
    status = RunStatus(
        name="job",
        status="InProgress",
        counters={"InProgress": 1},
        objectives={},
        max_jobs=2,
        created=datetime.now(UTC),
        ended=None,
        best=None,
        failure_reason=None,
    )
    with Progress(run) as progress:
        for _ in range(changes):
            progress(status)


@pytest.mark.parametrize("denied", [False, True])
@pytest.mark.parametrize(
    ("lines", "state", "enough"),
    [(20, "InProgress", True), (19, "InProgress", False), (1, "Completed", True), (19, "Stopped", False), (20, "Stopped", True)],
)
def test_silent_metrics_are_told_by_name_where_the_log_may_be_read(
    lines: int, state: str, capsys: pytest.CaptureFixture[str], *, enough: bool, denied: bool
) -> None:
    def checks(_name: str) -> list[MetricCheck]:
        if denied:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetLogEvents")
        return [MetricCheck(metric=name, regex="x", lines=lines, matches=count) for name, count in (("loss", 4), ("auc", 0))]

    ended = None if state == "InProgress" else datetime.now(UTC)
    training = Training(name="job-1", status=state, hyperparameters={}, ended=ended)
    followed(SimpleNamespace(metric_checks=checks, trainings=lambda: [training]))
    warned = f"warning: auc: the regex 'x' has matched none of {lines} lines of the log of job-1\n"
    assert capsys.readouterr().err.partition("running\n")[2] == (warned if enough and not denied else "")


@pytest.mark.parametrize(("lines", "reads"), [(30, 1), (0, 3)])
def test_the_log_of_what_has_ended_is_read_once_it_is_there_and_not_again(lines: int, reads: int) -> None:
    read: list[str] = []

    def checks(name: str) -> list[MetricCheck]:
        read.append(name)
        return [MetricCheck(metric="loss", regex="x", lines=lines, matches=lines)]

    training = Training(name="job-1", status="Stopped", hyperparameters={}, ended=datetime.now(UTC))
    followed(SimpleNamespace(metric_checks=checks, trainings=lambda: [training]), changes=3)
    assert read == ["job-1"] * reads


def test_data_scaling() -> None:
    scaling = data_scaling_curve(shared({share: 0.1 + 0.2 * share**-0.5 for share in SHARES}))
    assert scaling is not None
    shown = text(data_scaling_lines("validation:loss", scaling))
    assert "more data: validation:loss is 0.3 with all the training data" in shown
    assert len([line for line in shown.splitlines() if line.startswith(("0.", "1 "))]) == len(SHARES)
    assert "too few" in text(data_scaling_lines("validation:loss", None))
    unused = shared(dict.fromkeys(SHARES, 0.3))
    for lines in (
        data_scaling_lines("validation:loss", data_scaling_curve(unused)),
        diagnosis_lines(view_model(made(12), unused)),
    ):
        assert "more data: all shares gave the same value: the script seems not to use the hyperparameter share\n" in text(lines)


def test_failures_come_first_with_the_log_s_last_lines() -> None:
    groups = [FailureGroup(reason="out of memory", trainings=["job-0005", "job-0016"], log=["Traceback", "MemoryError"])]
    shown = text(diagnosis_lines(view_model(made(12), failures=groups)))
    assert shown.startswith("2 training jobs: out of memory\n    Traceback\n    MemoryError\n")


def test_lines_for_a_file_end_without_blanks(capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("a  ", "word " * 100, "end"):
        console().print(text)
    assert [line for line in capsys.readouterr().out.splitlines() if line.endswith(" ")] == []


def test_what_takes_long_says_how_far_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    with counted("worlds") as progress:
        for done in range(1, 11):
            now += 2.0
            progress(done, 10)
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = [f"worlds: {done} of 10, about {20 - 2 * done} s left" for done in (4, 7)]
    assert shown.err.splitlines() == lines
