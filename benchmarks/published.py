"""Problems that others published: surrogates of YAHPO Gym (Pfisterer et al. 2022), fitted to trainings that nobody here chose.

    git clone https://github.com/slds-lmu/yahpo_data && pip install onnxruntime
    YAHPO_DATA=yahpo_data python benchmarks/paired.py --before 2ac4d81 --half published

Networks of LCBench on 34 data sets (7 hyperparameters, 52 epochs, validation accuracy) and trees of XGBoost on every fourth of 119
(11 hyperparameters, accuracy; all rows). Names, ranges and scales are as published, and what is searched is what their suite of
single objectives has. Of XGBoost's boosters only `gbtree` is searched: of 20,000 random points of `dart` the surrogate calls
dozens right about everything, on data where nothing is. Surrogates have no noise.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.problem import Problem, Values, lowest_near
from local_emulator.domain.space import Categorical, Continuous, Integer, Parameter, Point, Scaling, Space

OPTIMA = Path(__file__).parent / ".tables"
EVERY = 4  # of XGBoost's data sets
LEADERS = 20


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What YAHPO Gym calls one: a surrogate of one learner on many data sets, with the order of what its network reads and gives.

    Attributes:
        categories: The data set's name first.
        fixed: What is not searched.
        target: Which of the network's outputs, an accuracy.
        most: The best accuracy, from which it is subtracted to be minimised.
    """

    numbers: Sequence[str]
    categories: Sequence[str]
    fixed: Mapping[str, float | str]
    target: int
    most: float


SCENARIOS = {
    "lcbench": Scenario(
        numbers=(
            "epoch",
            "batch_size",
            "learning_rate",
            "momentum",
            "weight_decay",
            "num_layers",
            "max_units",
            "max_dropout",
        ),
        categories=("OpenML_task_id",),
        fixed={"epoch": 52},
        target=1,
        most=100.0,
    ),
    "rbv2_xgboost": Scenario(
        numbers=(
            "nrounds",
            "eta",
            "gamma",
            "lambda",
            "alpha",
            "subsample",
            "max_depth",
            "min_child_weight",
            "colsample_bytree",
            "colsample_bylevel",
            "rate_drop",
            "skip_drop",
            "trainsize",
            "repl",
        ),
        categories=("task_id", "booster", "num.impute.selected.cpo"),
        fixed={"trainsize": 1.0, "repl": 10, "booster": "gbtree", "rate_drop": 0.0, "skip_drop": 0.0},
        target=0,
        most=1.0,
    ),
}


def published() -> Mapping[str, Callable[[], Problem]]:
    """The problems; none where the data are not."""
    if "YAHPO_DATA" not in os.environ:
        return {}
    networks = {f"lcbench_{task}": partial(problem, "lcbench", task) for task in _tasks("lcbench")}
    trees = sorted(_tasks("rbv2_xgboost"), key=int)[::EVERY]
    return networks | {f"rbv2_xgboost_{task}": partial(problem, "rbv2_xgboost", task) for task in trees}


def problem(scenario: str, task: str) -> Problem:
    """One data set; its optimum is looked for once."""
    surrogate = Surrogate(scenario, task)
    path = OPTIMA / f"{scenario}_{task}-optimum.json"
    if not path.exists():
        OPTIMA.mkdir(exist_ok=True)
        path.write_text(json.dumps(surrogate.lowest()))
    return Problem(f"{scenario}_{task}", surrogate.space, surrogate.value, json.loads(path.read_text()))


class Surrogate:
    """A surrogate's answers about one data set."""

    def __init__(self, scenario: str, task: str) -> None:
        self._scenario, self._name, self._task = SCENARIOS[scenario], scenario, task
        known = {self._scenario.categories[0], *self._scenario.fixed}
        described = _read(scenario, "config_space")["hyperparameters"]
        self.space = Space(parameters=tuple(_parameter(entry) for entry in described if entry["name"] not in known))

    def value(self, point: Point) -> float:
        """The share that is wrong."""
        return float(self.values([point])[0])

    def values(self, points: Sequence[Point]) -> Values:
        """The same of many."""
        codes, fixed = _read(self._name, "encoding"), {**self._scenario.fixed, self._scenario.categories[0]: self._task}
        settings = [{**point, **fixed} for point in points]
        inputs = {
            "x_cat": np.array(
                [[codes[name][setting[name]] for name in self._scenario.categories] for setting in settings], dtype=np.int32
            ),
            "x_cont": np.array(
                [[float(setting[name]) for name in self._scenario.numbers] for setting in settings], dtype=np.float32
            ),
        }
        outputs = _network(self._name).run(None, inputs)[0][:, self._scenario.target]
        return np.asarray(self._scenario.most - outputs.astype(np.float64))

    def lowest(self) -> float:
        """The lowest value, looked for from the best of random points in ever smaller steps."""
        rng = np.random.default_rng(0)
        rows = rng.random((20_000, len(self.space.parameters)))
        values = self.values([self.space.at(row.tolist()) for row in rows])
        return lowest_near(self.space, self.values, rows[np.argsort(values)[:LEADERS]], rng)


def _parameter(described: Mapping[str, Any]) -> Parameter:
    """A hyperparameter as its file describes it."""
    name = described["name"]
    if described["type"] == "categorical":
        return Categorical(name=name, values=tuple(described["choices"]))
    scaling = Scaling.LOGARITHMIC if described["log"] else Scaling.LINEAR
    kind = Integer if described["type"] == "uniform_int" else Continuous
    return kind(name=name, low=described["lower"], high=described["upper"], scaling=scaling)


def _tasks(scenario: str) -> Sequence[str]:
    by_name = {entry["name"]: entry for entry in _read(scenario, "config_space")["hyperparameters"]}
    return tuple(by_name[SCENARIOS[scenario].categories[0]]["choices"])


@cache
def _read(scenario: str, name: str) -> Any:  # noqa: ANN401 - what a file of JSON holds
    return json.loads((Path(os.environ["YAHPO_DATA"]) / scenario / f"{name}.json").read_text())


@cache
def _network(scenario: str) -> Any:  # noqa: ANN401 - of a library that need not be installed
    import onnxruntime  # type: ignore[import-not-found] # noqa: PLC0415 - see above

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = Path(os.environ["YAHPO_DATA"]) / scenario / "model.onnx"
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
