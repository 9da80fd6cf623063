"""Results are read from the public API alone, here of a real tuning job on an emulator in another process."""

import copy
import csv
import json
import random
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sm_tuning import Invalid, Metric, MissingExtra, Objective, Random, TuningJob, TuningRun
from sm_tuning.analysis import Verdict, diagnose
from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.client.run import Training
from sm_tuning.report import page
from tests.conftest import Server

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


@pytest.fixture
def finished(server: Server, job: Callable[..., TuningJob], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A tuning job of six training jobs that overfit or diverge."""
    for name, value in server.environment.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    (tmp_path / "train.py").write_text(SCRIPT)
    session = boto3.Session()
    session.client("s3").create_bucket(Bucket="bucket")
    run = job(
        name="results",
        objective=Objective.minimize("validation:loss", f"validation:loss={NUMBER}"),
        metrics=[Metric("train:loss", f"train:loss={NUMBER}")],
        strategy=Random(seed=3),
        max_jobs=6,
    ).launch(session)
    run.wait()
    return run


def test_what_a_tuning_job_found(finished: Any, tmp_path: Path) -> None:
    results = Results.read(finished)
    best = finished.best()
    assert results.best is not None
    assert results.best.training.name == best.name
    assert results.best.value == best.value
    assert (results.objective, results.goal, results.names, results.max_parallel) == (
        "validation:loss", "Minimize", ["learning_rate"], 2,
    )  # fmt: skip
    assert {len(row.curves["train:loss"]) for row in results.rows} == {6, 20}
    assert all(len(row.curves["train:loss"]) == len(row.curves["validation:loss"]) for row in results.rows)
    so_far = [value for _, value in results.best_so_far()]
    assert so_far == sorted(so_far, reverse=True)
    assert so_far[-1] == best.value
    assert results.efficiency is not None
    assert 0 < results.efficiency <= 1
    assert results.instance_hours == pytest.approx(results.training_seconds / 3600)

    columns = "learning_rate TrainingJobName TrainingJobStatus FinalObjectiveValue TrainingStartTime TrainingEndTime"
    assert list(results.table()[0]) == [*columns.split(), "TrainingElapsedTimeSeconds"]
    results.write(tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(encoding="utf-8") as file:
        assert [float(row["FinalObjectiveValue"]) for row in csv.DictReader(file)] == [row.value for row in results.rows]
    results.write(tmp_path / "rows.json")
    read = json.loads((tmp_path / "rows.json").read_text(encoding="utf-8"))
    assert [len(row["Curves"]["train:loss"]) for row in read] == [len(row.curves["train:loss"]) for row in results.rows]
    with pytest.raises(Invalid, match=r"\.xlsx"):
        results.write(tmp_path / "rows.xlsx")

    found = diagnose(results)
    assert found.fit.verdict is Verdict.OVERFIT
    assert [one.remedy for one in found.advice][:3] == ["more training data", "stop earlier", "data augmentation"]
    for row in results.rows:
        diverged = float(row.training.hyperparameters["learning_rate"]) > 0.03
        assert (found.fits[row.training.name].verdict is Verdict.DIVERGED) == diverged


def recorded(session: boto3.Session, answers: dict[Any, list[Any]], *, replay: bool) -> boto3.Session:
    """The session, with every answer of a service noted; or with nothing but the notes, in their order."""

    def key(model: Any, asked: Mapping[str, Any]) -> Any:
        return (model.service_model.service_name, model.name, repr(asked["body"]))

    def before(model: Any, params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> Any:
        context["asked"] = key(model, params)
        return (SimpleNamespace(status_code=200), answers[context["asked"]].pop(0)) if replay else None

    def after(parsed: Any, context: dict[str, Any], **_: Any) -> None:
        answers.setdefault(context["asked"], []).append(copy.deepcopy(parsed))

    session.events.register("before-call", before)
    if not replay:
        session.events.register("after-call", after)
    return session


def test_a_recorded_job_has_the_same_report(finished: Any, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but the API's answers is needed: with the emulator and its files gone, the page is the same, byte for byte."""
    answers: dict[Any, list[Any]] = {}
    live = Results.read(TuningRun.attach(finished.name, recorded(boto3.Session(), answers, replay=False)))
    server.end()
    shutil.rmtree(server.state, ignore_errors=True)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    again = Results.read(TuningRun.attach(finished.name, recorded(boto3.Session(), answers, replay=True)))
    assert {service for service, _, _ in answers} == {"sagemaker", "logs"}
    assert not any(answers.values())  # all were asked for again
    assert page(again) == page(live)
    assert "overfit" in page(again)


def test_where_logs_may_not_be_read_the_metrics_of_each_minute_are(finished: Any) -> None:
    def deny(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not you"}}, "DescribeLogStreams")

    session = boto3.Session()
    session.events.register("before-call.cloudwatch-logs", deny)
    results, whole = Results.read(TuningRun.attach(finished.name, session)), Results.read(finished)
    assert (results.coarse, whole.coarse) == (6, 0)
    for few, many in zip(results.rows, whole.rows, strict=True):
        assert set(few.curves) == set(many.curves)
        for name, values in few.curves.items():
            assert 1 <= len(values) < len(many.curves[name])
            assert min(many.curves[name]) <= min(values) <= max(values) <= max(many.curves[name])
    assert "of 6 of 6 training jobs are means by the minute" in page(results)
    assert "means by the minute" not in page(whole)


def test_without_pandas_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(MissingExtra, match=r"pip install 'sm-tuning\[results\]'"):
        Results(tunings=["one"], objective="loss", goal="Minimize", rows=[row(0, "Completed", 1, 1)]).write(
            tmp_path / "rows.parquet"
        )


def row(number: int, status: str, epochs: int, seconds: int) -> TrialResult:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=100 * (number // 2))
    training = Training(
        name=f"job-{number}",
        status=status,
        hyperparameters={"x": str(number)},
        value=1.0 / (number + 1),
        created=start,
        started=start,
        ended=start + timedelta(seconds=seconds),
    )
    return TrialResult(tuning="one", training=training, curves={"loss": [1.0] * epochs})


def test_what_early_stopping_saved_and_how_full_the_slots_were() -> None:
    rows = [row(0, "Completed", 10, 100), row(1, "Stopped", 4, 40), row(2, "Completed", 10, 100), row(3, "Stopped", 5, 50)]
    results = Results(tunings=["one"], objective="loss", goal="Minimize", rows=rows, max_parallel=2)
    assert results.saved_seconds() == pytest.approx(6 * 10 + 5 * 10)
    assert results.wall_seconds == 200
    assert results.efficiency == pytest.approx(290 / 400)


def test_results_of_several_tuning_jobs_need_one_objective() -> None:
    class Run:
        def __init__(self, metric: str) -> None:
            self.name, self.metric = metric, metric

        def describe(self) -> dict[str, Any]:
            objective = {"Type": "Minimize", "MetricName": self.metric}
            return {"HyperParameterTuningJobConfig": {"HyperParameterTuningJobObjective": objective}}

    with pytest.raises(Invalid, match="one and the same"):
        Results.read(Run("a"), Run("b"))  # type: ignore[arg-type] # as far as it is looked at


def test_a_thousand_training_jobs_are_judged_in_seconds() -> None:
    """Not a measurement: a bound that only something quadratic breaks."""
    rows = [row(number, "Completed", 100, 10) for number in range(1000)]
    begun = time.process_time()
    diagnose(Results(tunings=["one"], objective="loss", goal="Minimize", rows=rows, max_parallel=2))
    assert time.process_time() - begun < 20


def test_importances() -> None:
    """Of two hyperparameters one decides all."""
    rows = []
    for number in range(40):
        one = row(number, "Completed", 1, 10)
        point = {"rate": str(10 ** (-number / 10)), "idle": str(number * 7 % 11)}
        rows.append(TrialResult(tuning="one", training=replace(one.training, hyperparameters=point, value=float(number))))
    ranges = {"rate": {"Name": "rate", "MinValue": "1e-4", "MaxValue": "1", "ScalingType": "Logarithmic", "Kind": "Continuous"}}
    results = Results(tunings=["one"], objective="loss", goal="Minimize", rows=rows, ranges=ranges)
    found = results.importances()
    assert found["rate"] > 0.9
    assert sum(found.values()) == pytest.approx(1)
    assert Results(tunings=["one"], objective="loss", goal="Minimize", rows=rows[:5]).importances() == {}


@pytest.mark.parametrize("diverged", [None, 1e12])
def test_importances_of_categories_and_beside_what_diverged(diverged: float | None) -> None:
    """The category decides most, in no order; the rate a little; one training job far off hides neither."""
    chance, rows = random.Random(1), []
    for number in range(60):
        kind, rate, idle = chance.choice("abcd"), chance.random(), chance.random()
        value = (1.0 if kind in "ac" else 0.0) + 0.4 * rate
        point = {"kind": kind, "rate": str(rate), "idle": str(idle)}
        training = replace(row(number, "Completed", 1, 10).training, hyperparameters=point, value=value)
        rows.append(TrialResult(tuning="one", training=training))
    if diverged is not None:
        rows[0] = replace(rows[0], training=replace(rows[0].training, value=diverged))
    ranges = {"kind": {"Name": "kind", "Values": ["a", "b", "c", "d"], "Kind": "Categorical"}}
    found = Results(tunings=["one"], objective="loss", goal="Minimize", rows=rows, ranges=ranges).importances()
    assert found["kind"] > 0.6
    assert found["idle"] < 0.1
