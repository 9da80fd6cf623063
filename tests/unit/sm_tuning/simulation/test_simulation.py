from dataclasses import replace
from typing import Any

import pytest

from sm_tuning.errors import Invalid
from sm_tuning.simulation import simulation as module
from sm_tuning.simulation.settings import Setting
from sm_tuning.simulation.simulation import Simulation, replayed, simulated
from tests.unit.sm_tuning.made_examples import bowl, examples, tuning_job, without_curves

CHOICE: dict[str, Any] = {"strategies": ["Random", "Hyperband"], "jobs": [5, 20], "parallel": [4], "seeds": 12}


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulated(examples(20), **CHOICE, price=2.0)


def test_every_setting_has_an_outcome_and_todays_is_the_first(simulation: Simulation) -> None:
    assert simulation.today == Setting(strategy="Random", jobs=20, parallel=2)
    assert simulation.outcomes[0].setting == simulation.today
    assert len(simulation.outcomes) == 1 + 2 * 2 + 2
    assert all(len(outcome.replicas) == 12 for outcome in simulation.outcomes)


def test_the_table_has_medians_intervals_and_money(simulation: Simulation) -> None:
    rows = simulation.table()
    assert [row["Best"] for row in rows] == sorted(row["Best"] for row in rows)
    assert all(row["BestLow"] <= row["Best"] <= row["BestHigh"] for row in rows)
    assert all(row["Dollars"] == 2.0 * row["InstanceHours"] for row in rows)
    today = next(row for row in rows if (row["Strategy"], row["TrainingJobs"], row["Parallel"]) == ("Random", 20, 2))
    assert today["BestLow"] - 0.02 < bowl(0.01, 0.3, "b") < today["BestHigh"]
    assert today["InstanceHours"] == pytest.approx(20 * 180 * 1.45 / 3600, rel=0.15)


def test_more_training_jobs_are_better_and_dearer(simulation: Simulation) -> None:
    few, many = (
        next(o for o in simulation.outcomes if o.setting == Setting(strategy="Random", jobs=jobs, parallel=4)) for jobs in (5, 20)
    )
    assert many.best.median < few.best.median
    assert many.mean_hours > 3 * few.mean_hours


def test_it_is_the_same_for_the_same_seeds(simulation: Simulation) -> None:
    again = simulated(examples(20), **CHOICE, price=2.0)
    assert again.table() == simulation.table()
    assert again.recommendation == simulation.recommendation


def test_it_shows_itself(simulation: Simulation) -> None:
    text, page = repr(simulation), simulation._repr_html_()
    assert text.startswith("Simulation of made\n")
    assert simulation.margin.startswith(", 2 times as far to the better side")
    for words in ("today", "recommendation", "what it cannot know", "12 tuning jobs of each setting", "2 times as far"):
        assert words in text
        assert words in page


def test_todays_and_the_recommended_setting_are_rows_and_marked(simulation: Simulation) -> None:
    worst = simulation.ranking[-1].setting
    chosen = replace(simulation, recommendation=replace(simulation.recommendation, setting=worst))
    assert [row["Today"] for row in chosen.table()] == [outcome.setting == chosen.today for outcome in chosen.ranking]
    assert [row["Recommended"] for row in chosen.table()] == [outcome.setting == worst for outcome in chosen.ranking]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SHOWN", 1)
        text = repr(chosen)
    _, _, table = text.partition("the best 1 of 7, by the mean of their ranks in the simulations; * today, < recommended")
    _, header, *rows = table.partition("what it cannot know")[0].strip("\n").splitlines()
    assert header.split()[0] == "strategy"
    assert [row.startswith(f"  {worst.name} <  ") for row in rows] == [*[False] * (len(rows) - 1), True], "beyond the best"
    assert sum(row.startswith("  Random *  ") for row in rows) == 1
    settled = replace(simulation, recommendation=replace(simulation.recommendation, setting=simulation.today))
    assert "  Random * < " in repr(settled)


def test_hours_are_shown_however_few(simulation: Simulation) -> None:
    few = [
        replace(outcome, replicas=[replace(replica, hours=replica.hours / 1e4) for replica in outcome.replicas])
        for outcome in simulation.outcomes
    ]
    shown = repr(replace(simulation, outcomes=few)).split()
    assert all(f"{float(f'{outcome.hours.median:.3g}'):.4g}" in shown for outcome in few)


def test_without_curves_what_needs_them_is_left_out_or_refused() -> None:
    results = without_curves(examples(20))
    simulation = simulated(results, jobs=[5], parallel=[1], seeds=2)
    assert {outcome.setting.strategy for outcome in simulation.outcomes} == {"Random", "Bayesian"}
    assert not any(outcome.setting.early_stopping for outcome in simulation.outcomes)
    with pytest.raises(Invalid, match="have no learning curves, which Hyperband and early stopping need"):
        simulated(results, strategies=["Hyperband"], seeds=2)
    with pytest.raises(Invalid, match="have no learning curves"):
        simulated(results, early_stopping=True, seeds=2)


def test_a_setting_that_finds_nothing_is_said_and_the_last() -> None:
    results = examples(20)
    failed = [
        replace(trial, name=f"{trial.name}-{at}", status="Failed", reported=None) for at in range(4) for trial in results.trials
    ]
    choice: dict[str, Any] = {"strategies": ["Random"], "parallel": [1], "early_stopping": False, "seeds": 2}
    simulation = simulated(replace(results, trials=[*results.trials, *failed]), jobs=[1, 20], **choice)
    *others, last = simulation.table()
    assert (last["TrainingJobs"], last["Best"], last["BestLow"]) == (1, None, None)
    assert all(row["Best"] < 1.0 for row in others)
    assert simulation.recommendation.setting == simulation.today
    assert "nothing found" in repr(simulation)
    assert any(remark.startswith("with 1 of the settings") for remark in simulation.remarks)


def test_a_replay_of_early_stopping_needs_curves() -> None:
    results = without_curves(examples(14))
    stopping = replace(results, tuning_jobs=[tuning_job(14, TrainingJobEarlyStoppingType="Auto")])
    with pytest.raises(Invalid, match="have no learning curves, which Hyperband and early stopping need"):
        replayed(stopping, strategies=["Random"], seeds=2)
    assert len(replayed(results, strategies=["Random", "Bayesian"], seeds=2).outcomes) == 2


def test_seeds_are_counted_from_one() -> None:
    with pytest.raises(Invalid, match="seeds is 0; it must be from 1"):
        simulated(examples(12), seeds=0)


def test_a_replay_finds_nothing_better_than_what_was() -> None:
    results = examples(20)
    replay = replayed(results, strategies=["Random", "Bayesian"], seeds=3)
    best = results.best
    assert best is not None
    assert best.objective is not None
    good = sorted(trial.objective for trial in results.trials if trial.objective is not None)[len(results.trials) // 4]
    assert best.objective <= min(outcome.best.low for outcome in replay.outcomes) <= good, "one of the best quarter at the worst"
    assert replay.recommendation.setting is None
    assert replay.margin == ""
    assert repr(replay).startswith("Replay of made\n")
    assert "3 tuning jobs of each setting" in repr(replay)
    assert "recommend" not in repr(replay)
    assert replay.recommendation.sentences[0].startswith(f"really the best was {best.objective:.6g}; replayed")
