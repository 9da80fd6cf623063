"""The tables that charts draw: every training job, every curve, and only what JSON can say."""

import json
import math
from dataclasses import replace

from sm_tuning.analysis.results import Results
from sm_tuning.report import datasets as tables
from sm_tuning.report.view_model import view_model
from tests.unit.sm_tuning.analysis.test_data_scaling import SHARES, shared
from tests.unit.sm_tuning.made_results import made


def test_each_training_job_is_a_row() -> None:
    view = view_model(made(30))
    rows = tables.trials(view)
    assert [(row["i"], row["job"]) for row in rows] == [(index, trial.name) for index, trial in enumerate(view.trials)]
    assert [row.get("objective") for row in rows] == [trial.objective for trial in view.trials]
    assert [row["outcome"] for row in rows].count(tables.BEST) == 1
    assert {row["outcome"] for row in rows} == {tables.BEST, tables.DONE, tables.STOPPED, tables.WRONG}
    assert all(isinstance(row["h1"], int) for row in rows)  # units are whole
    json.dumps(tables.datasets(view), allow_nan=False)


def test_what_runs_is_not_called_failed() -> None:
    results = made(4)
    running = replace(results.trials[3], status="InProgress", ended=None, reported=None, curves={})
    row = tables.trials(view_model(replace(results, trials=[*results.trials[:3], running])))[3]
    assert (row["outcome"], "end" in row, "lane" in row) == (tables.RUNNING, False, False)


def test_fractions_of_seconds_stay() -> None:
    results = made(1)
    trial = results.trials[0]
    assert trial.ended is not None
    short = replace(trial, ended=trial.ended.replace(microsecond=250_000))
    assert tables.trials(view_model(replace(results, trials=[short])))[0]["seconds"] == 9.25


def test_training_jobs_at_the_same_time_have_lanes_of_their_own() -> None:
    lanes = tables.lanes(view_model(made(6)))  # each begins 5 seconds after the one before and takes 9
    assert list(lanes.values()) == [0, 1, 0, 1, 0, 1]


def test_curves_have_a_point_for_each_value() -> None:
    view = view_model(made(30))
    rows = tables.curves(view)
    assert len(rows) == 2 * 30
    diverged = next(index for index, trial in enumerate(view.trials) if any(map(math.isnan, trial.curves["validation:loss"])))
    row = next(row for row in rows if row["i"] == diverged and row["part"] == "validation")
    assert (row["family"], row["epochs"], row["values"].count(None)) == ("loss", list(range(1, 21)), 17)
    assert {row["i"] for row in tables.curves(view, 3)} == {view.trials.index(trial) for trial in view.ranking[:4]}


def test_long_curves_are_thinned_from_end_to_end() -> None:
    results = made(1, 5000)
    row = tables.curves(view_model(results))[0]
    assert (len(row["epochs"]), len(row["values"]), row["epochs"][0], row["epochs"][-1]) == (200, 200, 1, 5000)
    assert row["values"][-1] == float(f"{next(iter(results.trials[0].curves.values()))[-1]:.5g}")


def test_kinds_of_metrics_the_objective_s_first() -> None:
    results = made(2)
    trials = [replace(trial, curves={"val_accuracy": (0.1, 0.2), **trial.curves, "lr": (1.0, 0.5)}) for trial in results.trials]
    view = view_model(replace(results, trials=trials))
    assert tables.families(view) == ["loss", "accuracy", "lr"]
    assert [tables.part_of(name) for name in ("train:loss", "val_loss", "loss")] == ["training", "validation", "validation"]


def test_the_best_so_far_over_time_and_number() -> None:
    view = view_model(made(12))
    rows = tables.best_so_far(view)
    assert [(row["seconds"], row["best"]) for row in rows if "seconds" in row] == list(view.best_so_far)
    by_number = [row for row in rows if "number" in row]
    assert by_number[-1]["best"] == view.ranking[0].objective
    best = [row["best"] for row in by_number]
    assert best == sorted(best, reverse=True)


def test_effects_and_their_importances() -> None:
    view = view_model(made(30))
    rows = tables.effects(view)
    assert [row["importance"] for row in rows if "importance" in row] == [effect.importance for effect in view.effects]
    assert sum("mean" in row for row in rows) == sum(len(effect.curve) for effect in view.effects)


def test_compared_tuning_jobs_go_on_to_the_same_end() -> None:
    first, second = made(12, name="first"), made(5, name="second")
    trials = [replace(trial, name=f"{trial.tuning_job}-{trial.name}") for trial in (*first.trials, *second.trials)]
    view = view_model(Results(tuning_jobs=[*first.tuning_jobs, *second.tuning_jobs], trials=trials))
    rows = [row for row in tables.comparison(view) if "count" in row]
    ends = {name: max(row["count"] for row in rows if row["tuning_job"] == name) for name in ("first", "second")}
    assert ends["first"] == ends["second"] == len(view.comparison[0].best_over_trials)
    assert tables.comparison(view_model(first)) == []


def test_shares_of_the_data() -> None:
    view = view_model(made(5), shared({share: 0.1 + 0.2 * share**-0.5 for share in SHARES}))
    rows = tables.scaling(view)
    assert sum(row.get("line") == "validation" for row in rows) == len(SHARES)
    assert [row["twice"] for row in rows if "twice" in row] == [view.data_scaling.twice if view.data_scaling else None]
    assert tables.scaling(view_model(made(5))) == []
    unused = tables.scaling(view_model(made(5), shared(dict.fromkeys(SHARES, 0.3))))
    assert {tuple(row) for row in unused} == {("share", "value", "line")}  # no law through what shows none


def test_text_of_others_shows_what_turns_text_around_it() -> None:
    results = made(2, others={"x": "\u202eevil"})
    trials = [replace(trial, name=f"{trial.name}\x1b[2J") for trial in results.trials]
    rows = tables.trials(view_model(replace(results, trials=trials)))
    assert rows[0]["job"] == "job-0000#033[2J"
    assert "#u202eevil" in rows[0].values()
