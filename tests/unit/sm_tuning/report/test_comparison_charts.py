"""Tuning jobs beside each other, and the objective on growing shares of the data."""

from dataclasses import replace
from typing import Any

from sm_tuning.analysis.results import Results
from sm_tuning.report.comparison_charts import comparison, more_data
from sm_tuning.report.view_model import ViewModel, view_model
from tests.unit.sm_tuning.analysis.test_data_scaling import SHARES, shared
from tests.unit.sm_tuning.made_results import made


def params(spec: Any) -> dict[str, Any]:
    return {param["name"]: param["value"] for param in spec["params"]}


def together(*counts: int, worse: float = 0.0) -> ViewModel:
    """Tuning jobs with so many training jobs each; the objectives of the last one are so much worse."""
    jobs = [made(count, name=f"job{index}") for index, count in enumerate(counts)]
    trials = [
        replace(
            trial,
            name=f"{trial.tuning_job}-{trial.name}",
            reported=None if trial.reported is None else trial.reported + worse * (index == len(counts) - 1),
        )
        for index, job in enumerate(jobs)
        for trial in job.trials
    ]
    return view_model(Results(tuning_jobs=[job.tuning_jobs[0] for job in jobs], trials=trials))


def test_two_charts_with_a_line_for_each() -> None:
    drawn = comparison(together(12, 5))
    assert set(drawn) == {"compared-over-time", "compared-over-jobs"}
    for chart in drawn.values():
        encoding = chart.spec["layer"][0]["encoding"]
        assert encoding["color"]["scale"]["domain"] == encoding["strokeDash"]["scale"]["domain"] == ["job0", "job1"]
    assert comparison(view_model(made(5))) == {}


def test_the_axis_holds_every_best() -> None:
    view = together(40, 3, worse=1000.0)
    chart = comparison(view)["compared-over-jobs"]
    low, high = params(chart.spec)["low"], params(chart.spec)["high"]
    assert all(low < job.best < high for job in view.comparison if job.best is not None)


def test_compared_tuning_jobs_need_not_have_ended() -> None:
    """A training job may have an objective before it ends: there is a best, but no time at which it was."""
    jobs = [made(1, name="first"), made(1, name="second")]
    trials = [replace(job.trials[0], name=job.tuning_jobs[0].name, status="InProgress", ended=None, reported=0.5) for job in jobs]
    view = view_model(Results(tuning_jobs=[job.tuning_jobs[0] for job in jobs], trials=trials))
    assert view.best is not None
    assert set(comparison(view)) == {"compared-over-time", "compared-over-jobs"}


def test_more_data() -> None:
    view = view_model(made(5), shared({share: 0.1 + 0.2 * share**-0.5 for share in SHARES}))
    chart = more_data(view)
    assert chart is not None
    assert "with twice" in chart.note
    curve = view.data_scaling
    assert curve is not None
    values = [*(value for _, _, value in curve.points), curve.twice, *curve.between]
    assert params(chart.spec)["low"] < min(values) < max(values) < params(chart.spec)["high"]
    assert more_data(view_model(made(5))) is None
    unused = more_data(view_model(made(5), shared(dict.fromkeys(SHARES, 0.3))))
    assert unused is not None
    assert unused.note == "all shares gave the same value: the script seems not to use the hyperparameter share"
