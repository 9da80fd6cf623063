"""The report: complete, safe with hostile names, and self-contained."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import pytest

from sm_tuning import WarmStart
from sm_tuning.analysis.fit import Cause, Fit, Remark, Verdict
from sm_tuning.analysis.proposals import Kind, Proposal, Proposals
from sm_tuning.analysis.results import Results
from sm_tuning.client.status import FailureGroup, metric_check
from sm_tuning.report import page, view_model
from sm_tuning.report.page import templates
from sm_tuning.report.view_model import NextRoundText, ViewModel
from sm_tuning.spec.metrics import Objective
from tests.unit.sm_tuning.made_results import made


def data_of(html: str) -> Any:
    element = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert element is not None
    return json.loads(element[1])


def test_everything_is_in_it() -> None:
    view = view_model(made(30))
    html = page(view)
    for trial in view.trials:
        assert f'<a href="#{trial.name}">{trial.name}</a>' in html
    for title in ("Objective by training job", "Objective over time", "loss of the best", "Importances", "Parallel coordinates",
                  "Contour", "Timeline", "The request"):  # fmt: skip
        assert title in html
    assert html.count(">Importances<") == 1
    assert all(advice.remedy in html for advice in view.advice)
    assert "No model of it was found in S3" in html
    assert "sm-tuning serve" not in html
    assert view.fit.verdict.value in html
    data = data_of(html)
    figures = re.findall(r'<figure data-chart="([^"]+)"', html)
    assert sorted(figures) == sorted(data["charts"])
    assert [job["name"] for job in data["jobs"]] == [trial.name for trial in view.trials]
    assert dict(data["jobs"][0]["hyperparameters"]) == dict(view.trials[0].hyperparameters)


def test_why_a_point_was_proposed_is_in_its_row_and_where_it_is_opened() -> None:
    results = made(6)
    names = [trial.name for trial in results.trials]
    proposal = Proposal(kind=Kind.EXPLORES, reason="0.3 <expected>", expected=0.3, low=0.2, high=9.0, gain=0.1)
    explained = Proposals(by_name=dict.fromkeys(names[1:], proposal), missing=["Why <x> is not known"])
    html = page(view_model(results, proposals=explained))
    assert html.count('<td title="0.3 &lt;expected&gt;">explores</td>') == 5
    assert '<button type="button">proposal</button>' in html
    judged = sum(trial.objective is not None for trial in results.trials[1:])
    assert "Why these points: 5 explore (little was known there)." in html
    assert f"{judged} of {judged} objectives lie in their 80 % interval" in html
    assert '<p class="note">Why &lt;x&gt; is not known.</p>' in html
    first, second, *_ = data_of(html)["jobs"]
    assert (first["proposal"], second["proposal"]) == ([], ["explores", "0.3 <expected>"])
    bare = page(view_model(results))
    assert "Why these points" not in bare
    assert ">proposal</button>" not in bare


def test_a_training_job_is_opened_with_its_remarks_and_the_best_epoch_of_the_metric_that_was_judged() -> None:
    view = view_model(made(30))
    fit = Fit(
        verdict=Verdict.GOOD,
        reason="it learns",
        remarks=[Remark(Cause.LEAK, "validation is <better>")],
        validation="validation:loss",
        best_epoch=7,
    )
    trials = [replace(view.trials[0], fit=fit), replace(view.trials[1], fit=replace(fit, validation=None)), *view.trials[2:]]
    first, second, *_ = data_of(page(replace(view, trials=trials)))["jobs"]
    assert (first["remarks"], first["best_epoch"]) == (["Leak suspected: validation is <better>."], {"loss": 7})
    assert second["best_epoch"] == {}


def test_its_head_tells_metric_strategy_status_dates_and_cost() -> None:
    results = made(3)
    facts = {"status": "Stopped", "created": datetime(2026, 1, 1, 8, tzinfo=UTC), "ended": datetime(2026, 1, 1, 9, tzinfo=UTC)}
    job = replace(results.tuning_jobs[0], instance_type="ml.m5.large", **facts)  # type: ignore[arg-type] # of different types
    head = re.sub(r"<[^>]+>", "", page(view_model(replace(results, tuning_jobs=[job]))).split("<main>")[0].split("<header>")[1])
    for words in (
        "minimize validation:loss",
        "Random, Stopped",
        "2026-01-01 08:00:00 to 09:00:00 UTC",
        "instance hours (ml.m5.large)",
    ):
        assert words in head


def test_a_training_job_is_opened_with_its_model_and_the_end_of_its_log() -> None:
    results = made(12)
    log = [("epoch 1 <b>", False), ("loss=0.5", True), ("x" * 1000, False)]
    check = metric_check("score", "score=(.*)", [], ["loss=0.5"], 3)
    first = replace(results.trials[0], log=log, model="s3://bucket/model", silent=[check])
    job, other, *_ = data_of(page(view_model(replace(results, trials=[first, *results.trials[1:]]))))["jobs"]
    assert job["model"] == "s3://bucket/model"
    assert job["log"] == [["epoch 1 <b>", False], ["loss=0.5", True], [f"{'x' * 399}…", False]]
    assert job["silent"] == [str(check)]
    assert (other["model"], other["log"], other["silent"]) == ("", [], [])


def test_a_report_of_many_holds_the_logs_of_the_best_and_of_what_failed_in_bounded_room() -> None:
    results = made(100)
    trials = [replace(trial, log=[(f"line {number} <", False) for number in range(5000)]) for trial in results.trials]
    view = view_model(replace(results, trials=trials))
    with_log = {job["name"]: job["log"] for job in data_of(page(view))["jobs"] if job["log"] is not None}
    assert len(with_log) == 50
    assert {view.ranking[0].name, *(trial.name for trial in view.trials if trial.status == "Failed")} <= set(with_log)
    assert {log[-1][0] for log in with_log.values()} == {"line 4999 <"}
    assert 290_000 < len(page(view)) - len(page(view_model(results))) < 320_000


def test_a_metric_that_nothing_matches_stands_first_with_the_nearest_lines() -> None:
    results = made(3)
    check = metric_check("score", "score=(.*)", [], ["scored 5 <script>"], 1)
    html = page(view_model(replace(results, trials=[replace(trial, silent=[check]) for trial in results.trials])))
    main = html.split("<main>")[1]
    assert main.index("Metrics that lack values") < main.index("Verdict on")
    assert "has matched none of 1 lines of the log of job-0000, nor of those of 2 more" in main
    assert "scored 5 &lt;script&gt;" in main
    assert "Metrics that lack values" not in page(view_model(results))


def test_failures_come_first_with_the_log_s_last_lines() -> None:
    groups = [FailureGroup(reason="out of <memory>", trainings=["job-0005"], log=["Traceback", "MemoryError"])]
    html = page(view_model(made(12), failures=groups))
    main = html.split("<main>")[1]
    assert main.index("MemoryError") < main.index("Verdict on the best model")
    assert "out of &lt;memory&gt;" in main
    assert 'class="failures"' not in page(view_model(made(12)))


def test_several_tuning_jobs_are_compared() -> None:
    first, second = made(12, name="first"), made(5, name="second")
    jobs = [
        replace(first.tuning_jobs[0], strategy="Bayesian", seed=9),
        replace(second.tuning_jobs[0], warm_start=WarmStart.identical("first")),
    ]
    trials = [replace(trial, name=f"{trial.tuning_job}-{trial.name}") for trial in (*first.trials, *second.trials)]
    html = page(view_model(Results(tuning_jobs=jobs, trials=trials)))
    assert "<td>Bayesian</td><td>9</td><td></td><td>12</td>" in html
    assert "<td>IdenticalDataAndAlgorithm: first</td>" in html
    assert {"compared-over-time", "compared-over-jobs"} <= set(data_of(html)["charts"])
    assert "Compared" not in page(view_model(first))


def with_next_round(view: ViewModel) -> ViewModel:
    """The view model as if its tuning job could be followed: `next_round` is derived of the request, which is made up."""
    view.__dict__["next_round"] = NextRoundText("max_jobs = 4", "job = TuningJob()")
    return view


def test_of_several_tuning_jobs_it_says_whose_instances_request_and_next_round_they_are() -> None:
    results = [made(4, name=name) for name in ("first", "second", "third")]
    kinds = ("ml.m5.large", "ml.c5.xlarge", "ml.m5.large")
    jobs = [replace(part.tuning_jobs[0], instance_type=kind) for part, kind in zip(results, kinds, strict=True)]
    trials = [replace(trial, name=f"{trial.tuning_job}-{trial.name}") for part in results for trial in part.trials]
    html = page(with_next_round(view_model(Results(tuning_jobs=jobs, trials=trials))))
    assert html.count("instance hours (ml.m5.large, ml.c5.xlarge)") == 1
    assert "The request of third, and how to repeat it" in html
    assert "The tuning job that follows third, as the diagnosis of all of them advises" in html
    assert "sm-tuning next" not in html.split("<h2>The next round</h2>")[1]  # which is of one tuning job
    assert "<code>sm-tuning next first -o next.toml</code>" in page(with_next_round(view_model(results[0])))


def test_it_loads_nothing() -> None:
    html = page(view_model(made(5)))
    program = files("sm_tuning.report").joinpath("vega", "vega.js").read_text(encoding="utf-8")
    assert program in html
    own = html.replace(program, "")
    assert set(re.findall(r"https?://[^\"'\s<)]+", own)) <= {
        "https://vega.github.io/schema/vega-lite/v6.json",
        "https://vega.github.io/schema/vega/v6.json",
    }
    assert not re.search(r"\bsrc=", own)
    assert all(target.startswith("#") for target in re.findall(r'\bhref="([^"]*)"', own))
    assert "default-src 'none'" in html
    assert "unsafe-eval" not in html


def test_hostile_text_is_text() -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"
    results = made(12, others={"x<b>y": evil, "__proto__": evil})
    job = replace(results.tuning_jobs[0], name=evil, objective=Objective.minimize(f"validation:loss{evil}"))
    trials = [replace(trial, name=f"{evil}{number}", tuning_job=evil) for number, trial in enumerate(results.trials)]
    html = page(view_model(Results(tuning_jobs=[job], trials=trials)))
    assert "<script>alert" not in html
    assert "<img" not in html
    assert len(re.findall("<script", html)) == 3  # data, Vega, ours
    assert data_of(html)["jobs"][0]["name"] == f"{evil}0"


def test_a_report_of_twelve_training_jobs_is_small() -> None:
    assert len(page(view_model(made(12))).encode()) < 1.5 * 2**20


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_training_jobs(count: int) -> None:
    html = page(view_model(made(count)))
    assert html.count("<tr") >= 1 + count
    assert "Verdict on the best model" in html


def test_vega_is_the_version_that_was_asked_for() -> None:
    """`make vega` writes the bundle out of package.json."""
    folder = files("sm_tuning.report").joinpath("vega")
    wanted = json.loads(folder.joinpath("package.json").read_text(encoding="utf-8"))["dependencies"]
    banner = folder.joinpath("vega.js").read_text(encoding="utf-8")[:200]
    for name in ("vega", "vega-lite", "vega-interpreter"):
        assert f"{name} {wanted[name]}" in banner
        assert f"\n{name} {wanted[name]}\n" in "\n" + folder.joinpath("LICENSES.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("sentence", "markup"),
    [
        ("run `a < b`, then `c`", "run <code>a &lt; b</code>, then <code>c</code>"),
        ("a ` alone", "a ` alone"),
        ("<b>", "&lt;b&gt;"),
    ],
)
def test_what_stands_between_backticks_is_code(sentence: str, markup: str) -> None:
    assert templates("sm_tuning.report").from_string("{{ text | coded }}").render(text=sentence) == markup
