"""Results of tuning jobs that never ran, for tests of what is shown of them."""

import math
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.client.description import TuningJobDescription
from sm_tuning.spec.metrics import Objective
from sm_tuning.spec.parameters import Categorical, Continuous, Integer, Range, Scaling

START = datetime(2026, 1, 1, tzinfo=UTC)
RANGES: list[Range] = [
    Continuous("learning_rate", 1e-4, 1, Scaling.LOGARITHMIC),
    Integer("units", 8, 64, Scaling.LINEAR),
    Categorical("kind", ["a", "b"]),
]


def made(count: int, epochs: int = 20, others: Mapping[str, str] | None = None, name: str = "made") -> Results:
    """A tuning job of some training jobs, of which a few fail, diverge or are stopped."""
    chance = random.Random(count)
    trials = []
    for number in range(count):
        rate = 10 ** chance.uniform(-4, 0)
        floor = 0.2 + 0.2 * abs(math.log10(rate / 0.01))
        train = [floor + 2 * math.exp(-0.4 * epoch) for epoch in range(epochs)]
        held_out = [value + 0.05 + 0.01 * epoch for epoch, value in enumerate(train)]
        if rate > 0.5:
            held_out = [*held_out[:3], *[math.nan] * (epochs - 3)]
        status = "Failed" if number % 11 == 5 else "Stopped" if number % 7 == 3 else "Completed"
        trial = TrialResult(
            tuning_job=name,
            name=f"job-{number:04d}",
            status=status,
            hyperparameters={
                "learning_rate": repr(rate),
                "units": str(chance.randint(8, 64)),
                "kind": chance.choice("ab"),
                **(others or {}),
            },
            reported=held_out[-1] if status != "Failed" and math.isfinite(held_out[-1]) else None,
            created=START + timedelta(seconds=5 * number),
            started=START + timedelta(seconds=5 * number),
            ended=START + timedelta(seconds=5 * number + 9),
            curves={"train:loss": train, "validation:loss": held_out},
        )
        trials.append(trial)
    job = TuningJobDescription(
        name=name,
        objective=Objective.minimize("validation:loss"),
        ranges=RANGES,
        strategy="Random",
        max_parallel=2,
        request={"HyperParameterTuningJobName": name, "HyperParameterTuningJobConfig": {"Strategy": "Random"}},
    )
    return Results(tuning_jobs=[job], trials=trials)
