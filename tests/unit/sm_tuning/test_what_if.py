from pathlib import Path

import sm_tuning
from tests.unit.sm_tuning.made_examples import examples


def test_a_simulation_has_its_chart(tmp_path: Path) -> None:
    simulation = sm_tuning.simulate(examples(14), strategies=["Random"], jobs=[10], parallel=[2], early_stopping=False, seeds=3)
    assert isinstance(simulation, sm_tuning.Simulation)
    path = simulation.plot.save(tmp_path / "chart.json")
    assert "instance-hours" in path.read_text()


def test_a_replay_has_one_too() -> None:
    replay = sm_tuning.replay(examples(14), strategies=["Random"], seeds=2)
    assert replay.plot.title == "Best objective by instance-hours"
