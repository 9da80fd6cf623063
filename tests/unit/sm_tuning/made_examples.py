"""Training jobs whose objective is a known function of their hyperparameters, for tests of simulations."""

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sm_tuning.analysis.results import Results, TrialResult
from sm_tuning.client.description import TuningJobDescription, description

START = datetime(2026, 1, 1, tzinfo=UTC)
METRIC = "validation:loss"
RANGES: Mapping[str, Any] = {
    "ContinuousParameterRanges": [
        {"Name": "learning_rate", "MinValue": "0.0001", "MaxValue": "1", "ScalingType": "Logarithmic"},
        {"Name": "dropout", "MinValue": "0", "MaxValue": "0.9", "ScalingType": "Linear"},
    ],
    "CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b"]}],
}
Objective = Callable[[float, float, str], float]


def bowl(rate: float, dropout: float, kind: str) -> float:
    """The best is 0.2, at a learning rate of 0.01 and a dropout of 0.3, of the kind b."""
    return 0.2 + 0.1 * (math.log10(rate) + 2) ** 2 + 0.2 * (dropout - 0.3) ** 2 + (0.03 if kind == "a" else 0.0)


def tuning_job(
    count: int, *, strategy: str = "Random", ranges: Mapping[str, Any] = RANGES, **config: Any
) -> TuningJobDescription:
    """A tuning job of so many training jobs, two at a time."""
    return description(
        {
            "HyperParameterTuningJobName": "made",
            "HyperParameterTuningJobConfig": {
                "Strategy": strategy,
                "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": METRIC},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": count, "MaxParallelTrainingJobs": 2},
                "ParameterRanges": ranges,
                **config,
            },
            "TrainingJobDefinition": {
                "AlgorithmSpecification": {"MetricDefinitions": []},
                "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
            },
        }
    )


def examples(count: int = 20, objective: Objective = bowl, *, epochs: int = 9, noise: float = 0.003, seed: int = 1) -> Results:
    """Random training jobs: a minute of waiting, and twenty seconds for each epoch."""
    rng = random.Random(seed)
    trials = []
    for number in range(count):
        rate, dropout, kind = 10 ** rng.uniform(-4, 0), rng.uniform(0, 0.9), rng.choice("ab")
        end = objective(rate, dropout, kind) + rng.gauss(0, noise)
        curve = [end + math.exp(-0.8 * epoch) + rng.gauss(0, noise / 2) for epoch in range(1, epochs + 1)]
        created = START + timedelta(seconds=300 * number)
        trials.append(
            TrialResult(
                tuning_job="made",
                name=f"made-{number:03d}",
                status="Completed",
                hyperparameters={"learning_rate": repr(rate), "dropout": repr(dropout), "kind": f'"{kind}"'},
                reported=curve[-1],
                created=created,
                started=created + timedelta(seconds=60),
                ended=created + timedelta(seconds=60 + 20 * epochs * (1 + dropout)),
                curves={METRIC: curve},
            )
        )
    return Results(tuning_jobs=[tuning_job(count)], trials=trials)


def without_curves(results: Results) -> Results:
    """The same training jobs as if nobody could read their logs."""
    return replace(results, trials=[replace(trial, curves={}) for trial in results.trials])
