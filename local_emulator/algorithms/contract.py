"""What the stand-ins share: hyperparameters and data in, log lines and a model out."""

import atexit
import gc
import json
import os
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from sm_tuning.rules import catalogue
from sm_tuning.rules.catalogue import Algorithm, Hyperparameter

Floats = npt.NDArray[np.float64]

ROOT = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
MODEL = "model_algo-1"
_ALGORITHM_ERROR, _CUSTOMER_ERROR = 1, 2
_SWITCH: Mapping[str, Any] = {"true": True, "false": False}
_PATTERNS = {"Integer": r"-?[0-9]+", "Continuous": r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+|inf)([eE][-+]?[0-9]+)?"}


class Finished(Exception):  # noqa: N818 - no error
    """This host has nothing more to do."""


class CustomerError(Exception):
    """Something that the user has to mend; AWS tells it as ClientError."""


def hyperparameters(algorithm: Algorithm) -> dict[str, Any]:
    """The job's hyperparameters, checked; raises CustomerError."""
    return checked(algorithm, json.loads((ROOT / "input/config/hyperparameters.json").read_text()))


def checked(algorithm: Algorithm, raw: Mapping[str, str]) -> dict[str, Any]:
    """Hyperparameters by their names, of their types, with the defaults of those left out (None: it has none).

    Raises CustomerError in AWS's words.
    """
    check = {"xgboost": _xgboost_value, "toolkit": _toolkit_value}[algorithm.messages]
    given = {algorithm.aliases.get(name, name): text for name, text in raw.items() if not _of_the_platform(name, algorithm)}
    missing = [
        name for name, hyperparameter in algorithm.hyperparameters.items() if hyperparameter.required and name not in given
    ]
    unknown = [name for name in given if name not in algorithm.hyperparameters]
    if algorithm.messages == "xgboost":
        for name in missing:
            raise CustomerError(f"Missing required hyperparameter: {name}")
        for name in unknown:
            raise CustomerError(f"Extraneous hyperparameter found: {name}")
    if missing:
        listed = ", ".join(f"'{name}'" for name in missing)
        text = f"No value(s) were specified for {listed} which are required hyperparameter(s)"
        raise _invalid(text, f"{missing[0]!r} is a required property")
    if unknown:
        tail = f"({', '.join(repr(name) for name in unknown)} {'were' if len(unknown) > 1 else 'was'} unexpected)"
        raise _invalid(f"Additional hyperparameters are not allowed {tail}", f"Additional properties are not allowed {tail}")
    texts = {name: given.get(name, hyperparameter.default) for name, hyperparameter in algorithm.hyperparameters.items()}
    return {name: None if text is None else check(algorithm.hyperparameters[name], text) for name, text in texts.items()}


def _of_the_platform(name: str, algorithm: Algorithm) -> bool:
    """Whether a hyperparameter is none of the algorithm's, such as _tuning_objective_metric."""
    return name.startswith("_") and name not in algorithm.hyperparameters


def _invalid(text: str, cause: str) -> CustomerError:
    """What AWS's toolkit says of a configuration that breaks its schema, with the cause that the schema's validator gives."""
    return CustomerError(f"{text} (caused by ValidationError)\n\nCaused by: {cause}")


def _toolkit_value(hyperparameter: Hyperparameter, text: str) -> Any:  # noqa: ANN401 - of its type
    if hyperparameter.type in {"FreeText", "List"} or text in hyperparameter.words:
        return text
    if hyperparameter.type == "Categorical":
        value = next((value for value in hyperparameter.values if value == text or value == text.lower() in _SWITCH), None)
        if value is None:
            listed = ", ".join(f"'{value}'" for value in hyperparameter.values)
            raise _invalid(
                f"The value '{text}' is not valid for the '{hyperparameter.name}' hyperparameter which accepts one of the following: "
                f"{listed}",
                f"{text!r} is not one of {list(hyperparameter.values)}",
            )
        return _SWITCH.get(value, value)
    number = (
        (int if hyperparameter.type == "Integer" else float)(text) if re.fullmatch(_PATTERNS[hyperparameter.type], text) else None
    )
    if number is None or number not in hyperparameter:
        raise _invalid(
            f"The value '{text}' is not valid for the '{hyperparameter.name}' hyperparameter which expects one of the following: "
            f"{_expected(hyperparameter)}",
            f"{text!r} is not valid under any of the given schemas",
        )
    return number


def _expected(hyperparameter: Hyperparameter) -> str:
    """What AWS's toolkit says that a number must be: a text of some pattern, or a number."""
    number = "[1-9][0-9]*" if hyperparameter.type == "Integer" and hyperparameter.low == 1 else _PATTERNS[hyperparameter.type]
    alternatives = [f"a string which matches the pattern '^({'|'.join([*hyperparameter.words, number])})$'"]
    noun = "an integer" if hyperparameter.type == "Integer" else "a number"
    if hyperparameter.low is not None and hyperparameter.high is not None:
        alternatives.append(f"{noun} between {hyperparameter.low} and {hyperparameter.high}")
    elif hyperparameter.low is not None:
        alternatives.append(f"{noun} greater than {hyperparameter.low}")
    elif hyperparameter.high is not None:
        alternatives.append(f"{noun} less than {hyperparameter.high}")
    return "; or ".join(alternatives)


def _xgboost_value(hyperparameter: Hyperparameter, text: str) -> Any:  # noqa: ANN401 - of its type
    if hyperparameter.type in {"Integer", "Continuous"}:
        try:
            number = (int if hyperparameter.type == "Integer" else float)(text)
        except ValueError as error:
            raise CustomerError(f"Hyperparameter {hyperparameter.name}: could not parse value (caused by ValueError)") from error
        if number not in hyperparameter:
            raise CustomerError(f"Hyperparameter {hyperparameter.name}: {number} is not in {hyperparameter.interval}")
        return number
    if hyperparameter.type == "Categorical" and text not in hyperparameter.values:
        raise CustomerError(f"Hyperparameter {hyperparameter.name}: {text} is not in {list(hyperparameter.values)}")
    if hyperparameter.type == "List" and hyperparameter.values and not set(text.split(",")) <= set(hyperparameter.values):
        raise CustomerError(
            f"Hyperparameter {hyperparameter.name}: value {text.split(',')} not in range {list(hyperparameter.values)}"
        )
    return text


def hosts() -> tuple[Sequence[str], str]:
    """The hosts of the job, and this one."""
    file = ROOT / "input/config/resourceconfig.json"
    alone = {"hosts": ["algo-1"], "current_host": "algo-1"}
    config: Mapping[str, Any] = json.loads(file.read_text()) if file.exists() else alone
    return config["hosts"], config["current_host"]


def tuning_objective() -> str | None:
    """The metric that a tuning job asks for."""
    given: Mapping[str, str] = json.loads((ROOT / "input/config/hyperparameters.json").read_text())
    return given.get("_tuning_objective_metric")


def channel(name: str) -> tuple[Path, str] | None:
    """A channel's folder and its content type, parameters and all; None if the job has no such channel."""
    config = _channels()
    return (ROOT / "input/data" / name, config[name].get("ContentType", "")) if name in config else None


def piped(name: str) -> bool:
    """Whether a channel comes through FIFOs."""
    return _channels()[name].get("TrainingInputMode") == "Pipe"


def sharded() -> Sequence[str]:
    """The channels of which each host has a part."""
    return [name for name, channel in _channels().items() if channel.get("S3DistributionType") == "ShardedByS3Key"]


def _channels() -> Mapping[str, Mapping[str, str]]:
    config: Mapping[str, Mapping[str, str]] = json.loads((ROOT / "input/config/inputdataconfig.json").read_text())
    return config


def say(text: str) -> None:
    """A line as AWS's algorithms print it."""
    print(f"[{datetime.now(UTC):%m/%d/%Y %H:%M:%S} INFO {threading.get_ident()}] {text}", flush=True)  # noqa: T201 - a log


def scores(where: str, metrics: Mapping[str, float], kinds: Mapping[str, str]) -> None:
    """The scores of a finished model on a channel, as AWS prints them: all, then the lines that metric definitions look for."""
    for name, value in metrics.items():
        say(f"#{where}_score (algo-1) : {(name, value)}")
    for name, value in metrics.items():
        quality(where, name, value, kind=kinds[name])


def quality(where: str, metric: str, value: float, *, kind: str, epoch: int | None = None, batch: int | None = None) -> None:
    """The line that AWS's metric definitions look for; `kind` is `loss` or `score`."""
    at = "" if epoch is None else f"epoch={epoch}, " if batch is None else f"epoch={epoch}, batch={batch} "
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
    with (ROOT / "model" / MODEL).open("wb") as file:
        held: dict[str, Any] = {name: np.asarray(array) for name, array in arrays.items()}
        np.savez(file, **held)


def run(name: str, train: Callable[[Algorithm], None], entry: Callable[[Algorithm], None] | None = None) -> NoReturn:
    """Train, and end as AWS's algorithms do: 2 for what the user has to mend, 1 for anything else.

    `name` is the algorithm's in the catalogue, whose newest version this is unless the command line names an image of its; `entry`
    prints what the algorithm prints first.
    """
    atexit.register(gc.freeze)  # looking for garbage among all that is imported takes scikit-learn 0.3 s of an end
    image = sys.argv[1] if len(sys.argv) > 1 else ""
    algorithm = catalogue.find(image) or catalogue.load(name)
    (entry or _announce)(algorithm)
    say(f"This is a local stand-in for AWS's {algorithm.title}, by sm-tuning: other code, so other numbers than in AWS.")
    try:
        train(algorithm)
    except Finished:
        sys.exit(0)
    except CustomerError as error:
        _fail(f"Customer Error: {error}", str(error), _CUSTOMER_ERROR)
    except Exception as error:  # noqa: BLE001 - the container's last word
        traceback.print_exc()
        _fail(f"Algorithm Error: {error}", f"{type(error).__name__}: {error}", _ALGORITHM_ERROR)
    sys.exit(0)


def _announce(algorithm: Algorithm) -> None:
    """The first lines of AWS's toolkit: what is configured, by default and by the job."""
    given = json.loads((ROOT / "input/config/hyperparameters.json").read_text())
    default = {
        name: hyperparameter.default
        for name, hyperparameter in algorithm.hyperparameters.items()
        if hyperparameter.default is not None
    }
    print("Docker entrypoint called with argument(s): train", flush=True)  # noqa: T201 - a log
    say(
        f"Reading default configuration from /opt/amazon/lib/python3.8/site-packages/algorithm/resources/default-input.json: {default}"
    )
    say(f"Merging with provided configuration from /opt/ml/input/config/hyperparameters.json: {given}")
    say(f"Final configuration: {default | given}")


def _fail(line: str, reason: str, code: int) -> NoReturn:
    print(f"[{datetime.now(UTC):%m/%d/%Y %H:%M:%S} ERROR {threading.get_ident()}] {line}", flush=True)  # noqa: T201 - a log
    (ROOT / "output").mkdir(parents=True, exist_ok=True)
    (ROOT / "output/failure").write_text(reason)
    sys.exit(code)
