"""Charts draw the view model: what they show can be counted in them."""

import re
from dataclasses import replace

import pytest

from sm_tuning.analysis.results import Results
from sm_tuning.report import charts
from sm_tuning.report.view_model import view_model
from tests.unit.sm_tuning.analysis.test_data_scaling import SHARES, shared
from tests.unit.sm_tuning.made_results import made


def points(svg: str, kind: str) -> int:
    """Number of dots of a kind."""
    return len(re.findall(f'<circle class="{kind}"', svg))


def test_each_training_job_is_a_dot() -> None:
    view = view_model(made(30))
    svg = charts.best_so_far(view)
    assert svg is not None
    assert points(svg, "dot") == len(view.ranking)


def test_an_effect_shows_what_went_wrong_and_the_best() -> None:
    view = view_model(made(30))
    wrong = sum(trial.diverged or trial.objective is None for trial in view.trials)
    for effect in view.effects:
        svg = charts.effect_chart(view, effect)
        assert (points(svg, "bad"), points(svg, "best"), points(svg, "dot")) == (wrong, 1, 30 - wrong - 1)


def test_an_effect_does_not_call_running_training_jobs_failed() -> None:
    results = made(30)
    first = next(trial for trial in results.trials if trial.status == "Completed")
    running = replace(first, status="InProgress", ended=None, reported=None, curves={})
    view = view_model(replace(results, trials=[running if trial is first else trial for trial in results.trials]))
    before = view_model(results)
    for effect in view.effects:
        assert points(charts.effect_chart(view, effect), "bad") == points(charts.effect_chart(before, effect), "bad")


def test_an_effect_without_a_known_range_shows_every_number() -> None:
    results = made(30)
    unknown = replace(results, tuning_jobs=[replace(results.tuning_jobs[0], ranges=())])
    view = view_model(unknown)
    effect = next(effect for effect in view.effects if effect.name == "learning_rate")
    svg = charts.effect_chart(view, effect)
    assert len(re.findall("<circle", svg)) == 30
    assert "learning_rate (range not known)" in svg
    drawn = charts.parallel_coordinates(view)
    assert drawn is not None
    assert len(re.findall('<text class="soft"', drawn)) < 20  # the ends of axes, not a word for every number


def test_training_jobs_at_the_same_time_have_lanes_of_their_own() -> None:
    view = view_model(made(6))  # each begins 5 seconds after the one before and takes 9
    svg = charts.timeline(view)
    assert svg is not None
    lanes = re.findall(r'<rect class="[a-z]+" rx="2" x="[0-9.]+" y="([0-9.]+)"', svg)
    assert (len(lanes), len(set(lanes))) == (6, 2)
    assert svg.count("★") == 1


def test_a_chart_without_data_is_not_drawn() -> None:
    view = view_model(made(0))
    assert charts.charts(view) == {}
    running = replace(made(1).trials[0], status="InProgress", ended=None, reported=None, curves={})
    assert charts.spark(view_model(Results(tuning_jobs=made(1).tuning_jobs, trials=[running])).trials[0]) is None


def test_compared_tuning_jobs_need_not_have_ended() -> None:
    """A training job may have an objective before it ends: there is a best, but no time at which it was."""
    jobs = [made(1, name="first"), made(1, name="second")]
    trials = [replace(job.trials[0], name=job.tuning_jobs[0].name, status="InProgress", ended=None, reported=0.5) for job in jobs]
    view = view_model(Results(tuning_jobs=[job.tuning_jobs[0] for job in jobs], trials=trials))
    assert view.best is not None
    assert set(charts.comparison(view)) == {"compared-over-time", "compared-over-jobs"}


@pytest.mark.parametrize(("seconds", "unit"), [(299, ("seconds", 1)), (300, ("minutes", 60)), (18_000, ("hours", 3600))])
def test_units_of_time(seconds: float, unit: tuple[str, float]) -> None:
    assert charts.unit_of(seconds) == unit


def test_curves_of_what_runs_are_as_small_as_a_word() -> None:
    svg = charts.spark(view_model(made(1)).trials[0])
    assert svg is not None
    assert svg.startswith('<svg class="spark"')
    assert (svg.count("<polyline"), 'aria-label="learning curves of job-0000"' in svg) == (2, True)


def test_more_data() -> None:
    law = {share: 0.1 + 0.2 * share**-0.5 for share in SHARES}
    view = view_model(made(5), shared(law))
    svg = charts.more_data(view)
    assert svg is not None
    assert (points(svg, "dot"), points(svg, "best")) == (len(SHARES), 1)
    assert "with twice the data" in svg
    assert "more-data" in charts.charts(view)
    assert charts.more_data(view_model(made(5))) is None
