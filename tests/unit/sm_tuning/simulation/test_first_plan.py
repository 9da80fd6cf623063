import pytest

from sm_tuning.simulation.first_plan import PlannedCost, planned_costs
from tests.unit.sm_tuning.made_examples import tuning_job


def costs(epochs: int) -> dict[str, PlannedCost]:
    planned = planned_costs(tuning_job(20).request, epochs=epochs, seconds=180.0, trials=5)
    return {str(entry.setting): entry for entry in planned}


def test_strategies_cost_what_their_rules_let_run() -> None:
    planned = costs(9)
    assert next(iter(planned)) == "Random, 20 training jobs, 2 at a time"  # its own
    whole = planned["Random, 20 training jobs, 2 at a time"]
    assert whole.hours == pytest.approx(20 * 180 / 3600)
    assert whole.seconds == pytest.approx(10 * 180)
    assert planned["Bayesian, 20 training jobs, 2 at a time"].hours == whole.hours
    stopped = planned["Random, 20 training jobs, 2 at a time, early stopping"]
    halved = planned["Hyperband with MaxResource 9, 20 training jobs, 2 at a time"]
    assert halved.hours < stopped.hours < whole.hours


def test_without_epochs_nothing_can_be_stopped() -> None:
    assert set(costs(1)) == {"Random, 20 training jobs, 2 at a time", "Bayesian, 20 training jobs, 2 at a time"}


def test_grid_costs_all_its_combinations() -> None:
    ranges = {"CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b", "c"]}]}
    planned = planned_costs(tuning_job(20, ranges=ranges).request, epochs=1, seconds=180.0, trials=5)
    grid = next(entry for entry in planned if entry.setting.strategy == "Grid")
    assert grid.setting.jobs == 3
    assert grid.hours == pytest.approx(3 * 180 / 3600)
