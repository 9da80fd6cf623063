"""Values that break no rule, but are seldom meant."""

from pathlib import Path

from sm_tuning import Categorical, Channel, Continuous, Objective, Scaling, Script
from tests.unit.sm_tuning.test_tuning_job import Make


def test_warnings(job: Make, tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    other.write_text("import argparse\nparser.add_argument('--lr')\n")
    report = job(
        script=Script(str(other)),
        objective=Objective.minimize("score", r"score=([0-9\.]+)"),
        ranges=[Continuous("lr", 1e-4, 1, Scaling.LINEAR)],
        hyperparameters={"width": 3, "_tuning_objective_metric": "lr"},
        max_parallel=5,
    ).dry_run()
    assert report.ok
    text = str(report)
    assert "does not hold every number: -0.5 is missed, 7.1e-05 becomes 7.1" in text
    assert "spans 4 powers of ten on a linear scale" in text
    assert "does not mention the hyperparameter 'width'" in text
    assert "max_parallel is 5" in text
    assert "AWS sets the hyperparameter '_tuning_objective_metric' itself" in text
    assert "unless its quota was raised" in str(job(max_jobs=20, max_parallel=11).dry_run())


def test_usual_values_are_not_warned_of(job: Make, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").touch()
    usual = job(
        ranges=[Continuous("lr", 1e-4, 1, Scaling.LOGARITHMIC), Continuous("x", 0, 100), Categorical("c", [1, 2])],
        channels=[Channel("train", str(tmp_path / "data"))],
        max_jobs=20,
        max_parallel=10,
    )
    assert usual.dry_run().warnings == ()
