"""The view model: everything that is shown, derived once."""

import dataclasses
import tomllib
from dataclasses import replace
from datetime import timedelta
from html import escape

import pytest

from sm_tuning import Bayesian, Continuous, Random, Scaling, TuningJob
from sm_tuning.analysis import Verdict, diagnose
from sm_tuning.analysis.advice import Remedy
from sm_tuning.analysis.proposals import Kind, Proposal, Proposals
from sm_tuning.analysis.results import Results
from sm_tuning.client.description import TuningJobDescription
from sm_tuning.client.status import metric_check
from sm_tuning.report import page
from sm_tuning.report.labels import of_kind
from sm_tuning.report.view_model import view_model
from sm_tuning.spec.metrics import Objective
from sm_tuning.spec.parameters import Range
from tests.unit.sm_tuning.made_results import RANGES, made
from tests.unit.sm_tuning.planted import START, good, losses, tuned


def test_trials_are_in_the_order_of_launch_and_ranked_by_objective() -> None:
    results = made(30)
    view = view_model(results)
    assert [trial.name for trial in view.trials] == [trial.name for trial in results.trials]
    objectives = [trial.objective for trial in view.ranking if trial.objective is not None]
    assert objectives == sorted(objectives)
    assert view.best is view.ranking[0]
    assert [trial.is_best for trial in view.ranking] == [True, *[False] * (len(view.ranking) - 1)]
    assert len(view.best_first) == len(view.trials)
    assert all(trial.objective is None for trial in view.best_first[len(view.ranking) :])


def test_proposals_are_counted_and_their_intervals_judged() -> None:
    results = made(5)
    names = [trial.name for trial in results.trials]
    low, high = sorted(trial.objective or 0.0 for trial in results.ranking[:2])
    exploits = Proposal(kind=Kind.EXPLOITS, reason="", expected=low, low=low, high=high, gain=0.1)
    by_name = {name: Proposal(kind=Kind.SPREAD, reason="") for name in names[:2]} | dict.fromkeys(names[2:], exploits)
    view = view_model(results, proposals=Proposals(by_name=by_name, missing=["One is missing"]))
    assert [trial.proposal for trial in view.trials] == list(by_name.values())
    assert [text.partition(" (")[0] for text in view.proposed] == ["2 are the first points", "3 exploit"]
    assert of_kind(Kind.RANDOM, 1) == "1 is a random draw (no result is looked at)"
    assert all(of_kind(kind, 2) for kind in Kind), "each has its words"
    judged = [trial.objective for trial in view.trials[2:] if trial.objective is not None]
    assert view.held == (sum(low <= objective <= high for objective in judged), len(judged))
    assert view.unexplained == ["One is missing"]
    bare = view_model(results)
    assert (bare.proposed, bare.held, bare.unexplained) == ([], (0, 0), ())


def test_the_diagnosis_is_made_once() -> None:
    view = view_model(made(30))
    assert view.diagnosis == diagnose(made(30))
    assert all(trial.fit is view.diagnosis.fits[trial.name] for trial in view.trials)
    assert sum(count for _, count in view.verdicts) == 30
    assert dict(view.verdicts)[Verdict.DIVERGED] == sum(trial.died for trial in view.trials)


def test_times_are_seconds_since_the_first_training_job_was_created() -> None:
    view = view_model(made(5))
    assert [(trial.begin, trial.end) for trial in view.trials] == [(5 * number, 5 * number + 9) for number in range(5)]
    assert (view.wall_seconds, view.training_seconds) == (29, 45)
    assert [seconds for seconds, _ in view.best_so_far] == sorted(trial.end for trial in view.ranking if trial.end is not None)
    best = [value for _, value in view.best_so_far]
    assert best == sorted(best, reverse=True)


def test_what_runs_and_what_has_ended() -> None:
    results = made(4)
    running = replace(results.trials[3], status="InProgress", ended=None, reported=None)
    view = view_model(replace(results, trials=[*results.trials[:3], running]))
    assert [trial.name for trial in view.running] == ["job-0003"]
    assert [trial.name for trial in view.ended] == ["job-0002", "job-0001", "job-0000"]
    assert "job-0003" not in [trial.name for trial in view.timeline]
    assert (view.running[0].begin, view.running[0].end, view.running[0].seconds) == (15, None, None)


def test_several_tuning_jobs_are_beside_each_other() -> None:
    first, second = made(12, name="first"), made(5, name="second")
    trials = [replace(trial, name=f"{trial.tuning_job}-{trial.name}") for trial in (*first.trials, *second.trials)]
    view = view_model(Results(tuning_jobs=[*first.tuning_jobs, *second.tuning_jobs], trials=trials))
    assert [(job.name, job.trials) for job in view.comparison] == [("first", 12), ("second", 5)]
    for job, alone in zip(view.comparison, (first, second), strict=True):
        own = view_model(alone)
        assert list(job.best_over_time) == list(own.best_so_far)
        assert [count for count, _ in job.best_over_trials] == list(range(1, len(own.best_so_far) + 1))
        assert job.best == (own.best.objective if own.best else None)
    assert view.comparison[0].verdict is not None
    assert view_model(first).comparison == []


def test_a_tuning_job_that_has_not_begun() -> None:
    job = TuningJobDescription(name="new", objective=Objective.minimize("loss"))
    view = view_model(Results(tuning_jobs=[job], trials=[]))
    assert (view.best, list(view.trials), list(view.best_so_far), view.slot_use) == (None, [], [], None)
    assert view.fit.verdict is Verdict.UNKNOWN


def test_a_metric_is_silent_if_no_training_job_has_it_but_for_those_that_failed() -> None:
    checks = [metric_check(name, f"{name}=(.*)", [], ["x 1"], 1) for name in ("validation:loss", "score")]
    results = made(8)
    silent = [replace(trial, silent=checks) for trial in results.trials]
    failed = next(trial for trial in results.trials if trial.status == "Failed").name
    (metric,) = view_model(replace(results, trials=silent)).silent
    assert metric.check.metric == "score", "the other one has values"
    assert metric.trainings == [trial.name for trial in results.trials if trial.name != failed]
    alone = [replace(trial, silent=checks if trial.name == failed else ()) for trial in results.trials]
    assert view_model(replace(results, trials=alone)).silent == []


def test_an_expression_that_could_not_be_tried_on_all_lines_is_told_though_there_are_values() -> None:
    part = metric_check("validation:loss", "(.*)*=(.*)", ["1"], ["x 1"], 9, usable=False)
    none = metric_check("validation:loss", "(.*)*=(.*)", [], ["x 1"], 9, usable=False)
    results = made(8)
    trials = [replace(trial, silent=[part if index == 0 else none]) for index, trial in enumerate(results.trials)]
    (metric,) = view_model(replace(results, trials=trials)).silent
    assert metric.trainings == [trial.name for trial in trials], "those that failed too: their curves may be cut"
    assert "takes too long on some of them (the log of job-0000 and those of 7 more)" in page(
        view_model(replace(results, trials=trials))
    )


def test_it_does_not_change() -> None:
    view = view_model(made(2))
    with pytest.raises(dataclasses.FrozenInstanceError):
        view.coarse = 1  # type: ignore[misc] # what is refused


def job_of(results: Results, *, name: str, ranges: list[Range], strategy: Random | Bayesian) -> TuningJob:
    """What may have been asked for to get results."""
    return TuningJob(
        name=name,
        role="arn:aws:iam::123456789012:role/R",
        output="s3://b/o",
        image="123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1",
        objective=results.objective,
        ranges=ranges,
        strategy=strategy,
        max_jobs=12,
    )


def test_the_next_round_of_several_rounds_follows_the_latest() -> None:
    first = tuned(lambda point: losses(*good(epochs=20, floor=0.1 + point["alpha"])), {"alpha": (1e-6, 1.0, "Linear")}, 12)
    assert any(advice.kind is Remedy.LOGARITHMIC_SCALE for advice in diagnose(first).advice), "as the first round was to learn"
    job = job_of(first, name="bc", ranges=[Continuous("alpha", 1e-6, 1.0, Scaling.LINEAR)], strategy=Random(seed=3))
    again = job.changed(name="bc-2", strategy=Random(seed=4), ranges=[Continuous("alpha", 1e-6, 1.0, Scaling.LOGARITHMIC)])
    described = [
        replace(
            first.tuning_jobs[0],
            name=each.name,
            ranges=each.definition.ranges,
            created=START + timedelta(hours=hours),
            request=each.request(),
        )
        for hours, each in enumerate([job, again])
    ]
    trials = [
        replace(trial, name=f"{each.name}-{trial.name}", tuning_job=each.name) for each in described for trial in first.trials
    ]
    for jobs in (described, described[::-1]):
        view = view_model(Results(tuning_jobs=jobs, trials=trials))
        assert not [advice for advice in view.advice if advice.kind is Remedy.LOGARITHMIC_SCALE]
        written = tomllib.loads(view.next_round.toml)
        assert (written["name"], written["strategy"]["seed"]) == ("bc-3", 5)
        assert written["ranges"]["alpha"]["scaling"] == "Logarithmic"
        assert "The tuning job that follows bc-2, as the diagnosis of all of them advises" in page(view)


def test_the_next_round_is_text_or_the_reason_why_there_is_none() -> None:
    results = made(12)
    results = replace(results, trials=[trial for trial in results.trials if trial.status != "Failed"])
    assert "only a tuning job with one can be written again" in view_model(results).next_round.refusal
    job = job_of(results, name="made", ranges=RANGES, strategy=Bayesian())
    described = replace(results, tuning_jobs=[replace(results.tuning_jobs[0], request=job.request())])
    text = view_model(described).next_round
    assert (tomllib.loads(text.toml)["name"], text.refusal) == ("made-2", "")
    assert "warm_start=WarmStart(['made'])" in text.python
    html = page(view_model(described))
    assert escape(text.toml, quote=False)[:200] in html.replace("&#34;", '"').replace("&#39;", "'")
    assert "sm-tuning next made -o next.toml" in html
    running = replace(described, trials=[replace(described.trials[0], status="InProgress"), *described.trials[1:]])
    assert view_model(running).next_round.refusal.endswith("some run still")
    assert "There is none: it learns from training jobs that have ended" in page(view_model(running))
