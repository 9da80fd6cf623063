"""HEBO with its defaults, as ask and tell over lines of JSON."""

import contextlib
import json
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from hebo.design_space.design_space import DesignSpace
from hebo.optimizers.hebo import HEBO

job = json.loads(sys.argv[1])
np.random.seed(job["seed"])  # noqa: NPY002 - HEBO draws from numpy's global generator
torch.manual_seed(job["seed"])
ranges: dict[str, tuple[float, float]] = {}


def described(parameter: Mapping[str, Any]) -> Mapping[str, object]:
    """A parameter in HEBO's words."""
    name = parameter["name"]
    if parameter["kind"] == "category":
        return {"name": name, "type": "cat", "categories": parameter["values"]}
    whole = parameter["kind"] == "integer"
    kind = ("pow_int" if whole else "pow") if parameter["log"] else ("int" if whole else "num")
    ranges[name] = parameter["low"], parameter["high"]
    return {"name": name, "type": kind, "lb": parameter["low"], "ub": parameter["high"]}


def within(name: str, value: Any) -> object:  # noqa: ANN401 - a number of numpy's or a category
    """A value as it is told: powers of logarithms miss the ends of a range by a rounding error."""
    if name not in ranges:
        return value
    low, high = ranges[name]
    return min(max(value.item(), low), high)


space = DesignSpace().parse([described(parameter) for parameter in job["parameters"]])
optimizer = HEBO(space, scramble_seed=job["seed"])
asked: list[pd.DataFrame] = []
for line in sys.stdin:
    message = json.loads(line)
    if "tell" in message:
        number, value = message["tell"]
        optimizer.observe(asked[number], np.array([[value]]))
        continue
    # It has no words for what is under way. It prints where a matrix needs jitter.
    with contextlib.redirect_stdout(sys.stderr):
        asked.append(optimizer.suggest())
    point = {name: within(name, asked[-1][name].iloc[0]) for name in space.para_names}
    print(json.dumps([len(asked) - 1, point]), flush=True)
