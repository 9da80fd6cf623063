"""LightGBM's script trains, prints AWS's lines, goes on from a model, and its model is served."""

import re
from pathlib import Path

import numpy as np

from sm_tuning.rules import catalogue
from tests.integration.local_emulator.algorithms.scripts.boosting import check_classes, needs_boosting, run, step, table


@needs_boosting
def test_lightgbm(tmp_path: Path) -> None:
    metrics = catalogue.load("lightgbm").metrics
    quick = {"num_boost_round": 30, "num_threads": 1, "learning_rate": 0.3}
    steps = [
        step(tmp_path / "two", "lightgbm", 2, quick),
        step(tmp_path / "three", "lightgbm", 3, {**quick, "metric": "multi_error"}),
        step(tmp_path / "number", "lightgbm", 0, {**quick, "early_stopping_rounds": 0}),
        step(tmp_path / "longer", "lightgbm", 0, {**quick, "early_stopping_rounds": 0}, model=tmp_path / "number"),
    ]
    two, three, number, longer = run(steps)
    check_classes(two, 2)
    check_classes(three, 3)
    assert np.abs(np.array(number.answer["prediction"]) - table(50, 0, 2)[:, 0]).mean() < 0.2
    losses = two.values(metrics["binary_logloss"])
    assert losses[0] > 2 * min(losses)
    assert re.search(r"\[1\]\ttrain's binary_logloss: [0-9.]+\tval's binary_logloss: ", two.log)
    assert len(three.values(metrics["multi_error"])) > 10
    assert number.values(metrics["rmse"])[-1] < 0.3
    assert {path.name for path in (tmp_path / "two" / "model").iterdir()} == {"code", "model.pkl"}
    assert "goes on from the model of model.tar.gz" in longer.log
    assert (number.trees, longer.trees) == (30, 60)
    assert longer.values(metrics["rmse"])[0] < number.values(metrics["rmse"])[0]
