"""Results are read from the public API alone, here of a real tuning job on an emulator in another process."""

import copy
import csv
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sm_tuning import Invalid, Metric, Objective, Random, Script, TuningJob, TuningRun, learning_rate, read_results
from sm_tuning.analysis import Verdict
from sm_tuning.report import page, view_model
from tests.conftest import ROLE, ROOT, Server

SCRIPT = """
import math, sys, time
time.sleep(1.1)  # the API tells whole seconds
rate = float(sys.argv[sys.argv.index('--learning_rate') + 1])
if rate > 0.03:
    for epoch in range(6):
        print(f'train:loss={2.0 ** epoch} validation:loss={2.1 ** epoch}')
else:
    for epoch in range(20):
        train = 0.01 + 2.3 * math.exp(-0.3 * epoch)
        print(f'train:loss={train} validation:loss={train + 0.1 + 0.03 * max(epoch - 6, 0)}')
"""
NUMBER = "([-+0-9.eE]+)"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An emulator for the tests of this file, of which the last ends it."""
    running = Server(tmp_path_factory.mktemp("emulator") / "state").start()
    with pytest.MonkeyPatch.context() as environment:
        for name, value in running.environment.items():
            if name.startswith("AWS_"):
                environment.setenv(name, value)
        yield running
    running.remove()


@pytest.fixture(scope="module")
def finished(emulator: Server, tmp_path_factory: pytest.TempPathFactory) -> TuningRun:
    """A tuning job of six training jobs that overfit or diverge."""
    script = tmp_path_factory.mktemp("source") / "train.py"
    script.write_text(SCRIPT)
    session = boto3.Session()
    session.client("s3").create_bucket(Bucket="bucket")
    assert emulator.port
    run = TuningJob(
        name="results",
        script=Script(str(script)),
        objective=Objective.minimize("validation:loss", f"validation:loss={NUMBER}"),
        metrics=[Metric("train:loss", f"train:loss={NUMBER}")],
        ranges=[learning_rate()],
        strategy=Random(seed=3),
        max_jobs=6,
        max_parallel=2,
        role=ROLE,
        output="s3://bucket/prefix",
    ).launch(session)
    run.wait()
    return run


def test_what_a_tuning_job_found(finished: TuningRun, tmp_path: Path) -> None:
    results = read_results(finished)
    best = finished.best()
    assert best is not None
    assert results.best is not None
    assert results.best.name == best.name
    assert results.best.objective == best.value
    (job,) = results.tuning_jobs
    assert results.objective == Objective.minimize("validation:loss")
    assert (results.hyperparameters, job.max_parallel, job.strategy, job.seed) == (["learning_rate"], 2, "Random", 3)
    assert list(job.ranges) == [learning_rate()]
    assert {len(trial.curves["train:loss"]) for trial in results.trials} == {6, 20}
    assert all(len(trial.curves["train:loss"]) == len(trial.curves["validation:loss"]) for trial in results.trials)
    so_far = [value for _, value in results.best_so_far()]
    assert so_far == sorted(so_far, reverse=True)
    assert so_far[-1] == best.value
    assert results.slot_use is not None
    assert 0 < results.slot_use <= 1
    assert results.instance_hours == pytest.approx(results.training_seconds / 3600)

    columns = "learning_rate TrainingJobName TrainingJobStatus FinalObjectiveValue TrainingStartTime TrainingEndTime"
    assert list(results.table()[0]) == [*columns.split(), "TrainingElapsedTimeSeconds", "StoppedAt"]
    results.write(tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(encoding="utf-8") as file:
        assert [float(row["FinalObjectiveValue"]) for row in csv.DictReader(file)] == [
            trial.objective for trial in results.trials
        ]
    results.write(tmp_path / "rows.json")
    read = json.loads((tmp_path / "rows.json").read_text(encoding="utf-8"))
    assert [len(row["Curves"]["train:loss"]) for row in read] == [len(trial.curves["train:loss"]) for trial in results.trials]
    with pytest.raises(Invalid, match=r"\.xlsx"):
        results.write(tmp_path / "rows.xlsx")

    view = view_model(results)
    assert view.fit.verdict is Verdict.OVERFIT
    assert [advice.remedy for advice in view.advice][:2] == ["more training data", "stop earlier"]
    for trial in view.trials:
        assert trial.died == (float(trial.hyperparameters["learning_rate"]) > 0.03)


def test_where_logs_may_not_be_read_the_metrics_of_each_minute_are(finished: TuningRun) -> None:
    def deny(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not you"}}, "DescribeLogStreams")

    session = boto3.Session()
    session.events.register("before-call.cloudwatch-logs", deny)
    results, whole = read_results(TuningRun.attach(finished.name, session)), read_results(finished)
    assert (view_model(results).coarse, view_model(whole).coarse) == (6, 0)
    for few, many in zip(results.trials, whole.trials, strict=True):
        assert set(few.curves) == set(many.curves)
        for name, values in few.curves.items():
            assert 1 <= len(values) < len(many.curves[name])
            assert min(many.curves[name]) <= min(values) <= max(values) <= max(many.curves[name])
    assert "of 6 of 6 training jobs are means by the minute" in page(view_model(results))
    assert "means by the minute" not in page(view_model(whole))


def test_the_example_of_the_diagnosis_page(finished: TuningRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "diagnosis.md").read_text(encoding="utf-8")
    example = text[text.index("All that the report shows:") :].split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    exec(example, {"run": finished})  # noqa: S102 - a page of ours
    assert "overfit" in (tmp_path / "report.html").read_text(encoding="utf-8")


def recorded(session: boto3.Session, answers: dict[Any, list[Any]], *, replay: bool) -> boto3.Session:
    """The session, with every answer of a service noted; or with nothing but the notes, in their order."""

    def key(model: Any, asked: Mapping[str, Any]) -> Any:
        return (model.service_model.service_name, model.name, asked["url_path"], repr(asked["body"]))

    def before(model: Any, params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> Any:
        context["asked"] = key(model, params)
        return answers[context["asked"]].pop(0) if replay else None

    def after(http_response: Any, parsed: Any, context: dict[str, Any], **_: Any) -> None:
        status = SimpleNamespace(status_code=http_response.status_code)
        answers.setdefault(context["asked"], []).append((status, copy.deepcopy(parsed)))

    session.events.register("before-call", before)
    if not replay:
        session.events.register("after-call", after)
    return session


def test_a_recorded_job_has_the_same_report(finished: TuningRun, emulator: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but the API's answers is needed: with the emulator and its files gone, the page is the same, byte for byte."""
    answers: dict[Any, list[Any]] = {}
    live = read_results(TuningRun.attach(finished.name, recorded(boto3.Session(), answers, replay=False)))
    emulator.end()
    shutil.rmtree(emulator.state, ignore_errors=True)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    again = read_results(TuningRun.attach(finished.name, recorded(boto3.Session(), answers, replay=True)))
    assert {service for service, *_ in answers} == {"sagemaker", "logs", "s3"}
    assert not any(answers.values())  # all were asked for again
    assert page(view_model(again)) == page(view_model(live))
    assert "overfit" in page(view_model(again))
