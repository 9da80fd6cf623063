"""What the stand-ins share: hyperparameters and data in, log lines and a model out."""

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

ROOT = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
_ALGORITHM_ERROR, _CUSTOMER_ERROR = 1, 2


class CustomerError(Exception):
    """Something that the user has to mend; AWS tells it as ClientError."""


@dataclass(frozen=True, kw_only=True)
class Knob:
    """A hyperparameter: its kind, its least and greatest value (None: any), its choices, and its value if it is left out.

    A `required` one has none. `words` are texts beside the numbers that are allowed, such as `auto`.
    """

    kind: type = str
    low: float | None = None
    high: float | None = None
    above: bool = False  # the least value itself is not allowed
    choices: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    default: Any = None
    required: bool = False

    def read(self, name: str, text: str) -> Any:  # noqa: ANN401 - of its kind
        """The value of a text; raises CustomerError."""
        if text in self.words:
            return text
        if self.choices:
            found = next((one for one in self.choices if one.lower() == text.lower()), None)
            if found is None:
                raise CustomerError(f"Hyperparameter {name}: {text} is not in {list(self.choices)}")
            return found
        if self.kind is bool:
            if text.lower() not in {"true", "false"}:
                raise CustomerError(f"Hyperparameter {name}: {text} is not of type 'boolean'")
            return text.lower() == "true"
        try:
            value = self.kind(text)
        except ValueError as error:
            noun = {int: "integer", float: "number"}.get(self.kind, "string")
            raise CustomerError(f"Hyperparameter {name}: {text!r} is not of type {noun!r}") from error
        low, high = self.low, self.high
        if (low is not None and (value < low or (self.above and value == low))) or (high is not None and value > high):
            edges = f"{'(' if self.above else '['}{'-inf' if low is None else low}, {'+inf' if high is None else high}]"
            raise CustomerError(f"Hyperparameter {name}: {text} is not in {edges}")
        return value


def hyperparameters(knobs: Mapping[str, Knob]) -> dict[str, Any]:
    """The job's hyperparameters, checked, with the defaults of those left out; raises CustomerError."""
    given: Mapping[str, str] = json.loads((ROOT / "input/config/hyperparameters.json").read_text())
    found = {name: knob.default for name, knob in knobs.items() if not knob.required}
    for name, text in given.items():
        if name.startswith("_"):  # AWS's own, such as _tuning_objective_metric
            continue
        if name not in knobs:
            raise CustomerError(f"Extraneous hyperparameter found: {name}")
        found[name] = knobs[name].read(name, _plain(text))
    for name, knob in knobs.items():
        if knob.required and name not in found:
            raise CustomerError(f"Missing required hyperparameter: {name}")
    return found


def tuning_objective() -> str | None:
    """The metric that a tuning job asks for."""
    given: Mapping[str, str] = json.loads((ROOT / "input/config/hyperparameters.json").read_text())
    return given.get("_tuning_objective_metric")


def _plain(text: str) -> str:
    """Without the JSON quotes that some clients add."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def channel(name: str) -> tuple[Path, str] | None:
    """A channel's folder and its content type, parameters and all; None if the job has no such channel."""
    config: Mapping[str, Mapping[str, str]] = json.loads((ROOT / "input/config/inputdataconfig.json").read_text())
    if name not in config:
        return None
    return ROOT / "input/data" / name, config[name].get("ContentType", "")


def say(text: str) -> None:
    """A line as AWS's algorithms print it."""
    print(f"[{datetime.now(UTC):%m/%d/%Y %H:%M:%S} INFO {threading.get_ident()}] {text}", flush=True)  # noqa: T201 - a log


def quality(where: str, metric: str, value: float, *, kind: str, epoch: int | None = None) -> None:
    """The line that AWS's metric definitions look for; `kind` is `loss` or `score`."""
    at = "" if epoch is None else f"epoch={epoch}, "
    say(f"#quality_metric: host=algo-1, {at}{where} {metric} <{kind}>={value}")


class Progress:
    """Tells the end of each epoch as AWS does."""

    def __init__(self, algorithm: str, epochs: int, records: int) -> None:
        self._algorithm = algorithm
        self._epochs = epochs
        self._records = records
        self._start = time.time()

    def tell(self, epoch: int) -> None:
        """The epoch (from 0) is over."""
        now = time.time()
        say(f"#progress_metric: host=algo-1, completed {100.0 * (epoch + 1) / self._epochs} % of epochs")
        seen = {"sum": float(self._records), "count": 1, "min": self._records, "max": self._records}
        facts = {
            "StartTime": self._start,
            "EndTime": now,
            "Dimensions": {"Algorithm": self._algorithm, "Host": "algo-1", "Operation": "training", "epoch": epoch},
            "Metrics": {"Total Records Seen": seen},
        }
        print(f"#metrics {json.dumps(facts)}\n", flush=True)  # noqa: T201 - a log
        say(f"#throughput_metric: host=algo-1, train throughput={self._records / max(now - self._start, 1e-6)} records/second")
        self._start = now


def save(**arrays: object) -> None:
    """Write the model. Its file has AWS's name; its content is numpy's, for AWS's is MXNet's."""
    target = ROOT / "model" / "model_algo-1"
    with target.open("wb") as file:
        held: dict[str, Any] = {name: np.asarray(one) for name, one in arrays.items()}
        np.savez(file, **held)


def run(algorithm: str, train: Callable[[], None]) -> NoReturn:
    """Train, and end as AWS's algorithms do: 2 for what the user has to mend, 1 for anything else."""
    print("Docker entrypoint called with argument(s): train", flush=True)  # noqa: T201 - a log
    say(f"This is a local stand-in for AWS's {algorithm}, by sm-tuning: other code, so other numbers than in AWS.")
    try:
        train()
    except CustomerError as error:
        _fail(f"Customer Error: {error}", str(error), _CUSTOMER_ERROR)
    except Exception as error:  # noqa: BLE001 - the container's last word
        traceback.print_exc()
        _fail(f"Algorithm Error: {error}", f"{type(error).__name__}: {error}", _ALGORITHM_ERROR)
    sys.exit(0)


def _fail(line: str, reason: str, code: int) -> NoReturn:
    print(f"[{datetime.now(UTC):%m/%d/%Y %H:%M:%S} ERROR {threading.get_ident()}] {line}", flush=True)  # noqa: T201 - a log
    (ROOT / "output").mkdir(parents=True, exist_ok=True)
    (ROOT / "output/failure").write_text(reason)
    sys.exit(code)
