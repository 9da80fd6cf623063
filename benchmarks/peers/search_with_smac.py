"""SMAC's facade for hyperparameters with its defaults, as ask and tell over lines of JSON."""

import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

from ConfigSpace import Categorical, ConfigurationSpace, Float, Integer
from smac import HyperparameterOptimizationFacade, Scenario
from smac.runhistory.dataclasses import TrialInfo, TrialValue

logging.disable(logging.CRITICAL)
job = json.loads(sys.argv[1])
space = ConfigurationSpace(seed=job["seed"])
for parameter in job["parameters"]:
    if parameter["kind"] == "category":
        space.add(Categorical(parameter["name"], parameter["values"]))
    else:
        make = Integer if parameter["kind"] == "integer" else Float
        space.add(make(parameter["name"], (parameter["low"], parameter["high"]), log=parameter["log"]))


def never(config: Any, seed: int = 0) -> float:  # noqa: ANN401 - SMAC's own type is not here where types are checked
    """SMAC wants a function, which asking and telling never calls."""
    raise NotImplementedError(config, seed)


with tempfile.TemporaryDirectory() as folder:
    scenario = Scenario(space, deterministic=True, n_trials=50, seed=job["seed"], output_directory=Path(folder))
    facade = HyperparameterOptimizationFacade(scenario, never, overwrite=True, logging_level=False)
    asked: list[TrialInfo] = []
    for line in sys.stdin:
        message = json.loads(line)
        if "tell" in message:
            number, value = message["tell"]
            facade.tell(asked[number], TrialValue(cost=value))
        else:
            asked.append(facade.ask())
            point = {name: asked[-1].config[name] for name in space}
            print(json.dumps([len(asked) - 1, point], default=lambda number: number.item()), flush=True)
