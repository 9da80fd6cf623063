"""CatBoost's script trains, prints AWS's lines, and its model is served."""

from pathlib import Path

import numpy as np

from sm_tuning.rules import catalogue
from tests.integration.local_emulator.algorithms.scripts.boosting import check_classes, needs_boosting, run, step, table


@needs_boosting
def test_catboost(tmp_path: Path) -> None:
    expression = catalogue.load("catboost").metrics["AUC"]
    quick = {"iterations": 40, "thread_count": 1, "learning_rate": 0.3}
    steps = [
        step(tmp_path / "two", "catboost", 2, {**quick, "scale_pos_weight": 2.0}),
        step(tmp_path / "three", "catboost", 3, {**quick, "eval_metric": "Accuracy", "max_bin": 64}),
        step(
            tmp_path / "number",
            "catboost",
            0,
            {**quick, "grow_policy": "Lossguide", "sampling_frequency": "PerTree", "boosting_type": "Plain"},
        ),
    ]
    two, three, number = run(steps)
    check_classes(two, 2)
    check_classes(three, 3)
    assert np.abs(np.array(number.answer["prediction"]) - table(50, 0, 2)[:, 0]).mean() < 0.2
    assert two.values(expression)[-1] > 0.9
    assert three.values(expression)[-1] > 0.8
    assert number.values(expression)[-1] < 0.3
    assert {path.name for path in (tmp_path / "two" / "model").iterdir()} == {"code", "model"}
