from dataclasses import replace

from sm_tuning.report.charts import charts
from sm_tuning.report.datasets import Row, datasets, simulation_rows
from sm_tuning.report.page import page
from sm_tuning.report.simulation_chart import in_sight, simulation_chart
from sm_tuning.report.view_model import view_model
from sm_tuning.simulation.simulation import simulated
from tests.unit.sm_tuning.made_examples import examples


def test_today_and_the_best_of_each_strategy_are_drawn() -> None:
    simulation = simulated(examples(14), strategies=["Random", "Hyperband"], jobs=[10], parallel=[2], seeds=4)
    chart, rows = simulation_chart(simulation), simulation_rows(simulation)
    names = {str(row["setting"]) for row in rows}
    assert {name.rpartition(": ")[2] for name in names} == {str(outcome.setting) for outcome in simulation.drawn()}
    marked = {"today": simulation.today, "recommended": simulation.recommendation.setting}
    for mark, setting in marked.items():
        assert [name for name in names if mark in name.rpartition(": ")[0]] == [
            name for name in names if name.endswith(str(setting))
        ]
    assert all(float(row["low"]) <= float(row["best"]) <= float(row["high"]) for row in rows)
    assert chart.uses("simulation")
    assert "medians of 4 simulated tuning jobs" in chart.note
    assert "what holds 80 % of them, 2 times as far to the better side" in chart.note
    assert simulation.recommendation.sentences[0] in chart.note


def test_the_first_training_jobs_do_not_decide_what_is_in_sight() -> None:
    rows: list[Row] = [
        {"setting": "a", "hours": 0.1 * step, "best": 0.3 + step**-4, "low": 0.2, "high": 0.5 + 9.0 * step**-4}
        for step in range(1, 11)
    ]
    values = in_sight(rows)
    assert {0.2, float(rows[2]["best"]), float(rows[4]["high"])} <= set(values)
    assert max(values) == float(rows[4]["high"])


def test_a_report_shows_it_only_where_it_was_asked_for() -> None:
    results = examples(14)
    view = view_model(results)
    assert "simulation" not in charts(view)
    simulation = simulated(results, strategies=["Random"], jobs=[10], parallel=[2], early_stopping=False, seeds=2)
    shown = replace(view, simulation=simulation)
    assert charts(shown)["simulation"].title == "Best objective by instance-hours"
    assert datasets(shown)["simulation"]
    assert "hardly help" in page(shown) or "training jobs help" in page(shown)
