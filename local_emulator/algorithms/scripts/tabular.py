"""What the scripts for LightGBM and CatBoost have in common: hyperparameters, tables, models of earlier jobs, requests and answers."""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

HERE = Path(__file__).parent
CSV, JSON, VERBOSE = "text/csv", "application/json", ";verbose"
_HELD_OUT = 0.2  # of the train channel, where there is no validation data
_SEED = 0
_TWO = 2
_TYPES = {"int": int, "float": float}


class TrainingError(Exception):
    """What the user has to mend: the last line of the log, and the training job's FailureReason."""


def say(text: str) -> None:
    """Print a line of the log."""
    print(text, flush=True)  # noqa: T201 - a log


def facts() -> Any:  # noqa: ANN401 - JSON
    """`algorithm.json`: title, task (classification or regression) and hyperparameters."""
    return json.loads((HERE / "algorithm.json").read_text(encoding="utf-8"))


def begin() -> tuple[dict[str, Any], str]:
    """Say what this is. The hyperparameters of the command line, of their types, with the defaults of those left out; and the task.

    What is not the algorithm's has no effect, as in AWS, and is named in the log.
    """
    described = facts()
    say(f"This is a local stand-in for AWS's {described['title']}, by sm-tuning: another script, so other numbers than in AWS.")
    parser = argparse.ArgumentParser(allow_abbrev=False, exit_on_error=False)
    for entry in described["hyperparameters"]:
        kind = _TYPES.get(entry["type"], str)
        parser.add_argument(f"--{entry['name']}", type=kind, default=kind(entry["default"]))
    arguments, unknown = parser.parse_known_args()
    if unknown:
        say(f"These arguments are not the algorithm's and have no effect: {' '.join(unknown)}")
    return vars(arguments), described["task"]


def alone() -> bool:
    """Whether this is the job's only host. On several the first trains, and the others end at once."""
    hosts, current = json.loads(os.environ["SM_HOSTS"]), os.environ["SM_CURRENT_HOST"]
    if current != hosts[0]:
        say(f"{hosts[0]} trains with the whole of the data; {current} has nothing to do.")
        sys.exit(0)
    return len(hosts) == 1


# --- tables -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tables:
    """Features and targets for training and for validation, and which columns of the features are categorical (from 0)."""

    train: tuple[Floats, Floats]
    validation: tuple[Floats, Floats]
    categorical: list[int]


def load(*, classes: bool) -> Tables:
    """The tables of the channels; `classes` says that targets are classes. Raises TrainingError where they are not in AWS's form."""
    channel = next((Path(os.environ[name]) for name in ("SM_CHANNEL_TRAINING", "SM_CHANNEL_TRAIN") if name in os.environ), None)
    if channel is None:
        raise TrainingError("The channel 'train' or 'training' is required.")
    held_out = os.environ.get("SM_CHANNEL_VALIDATION")
    train, validation = channel, Path(held_out) if held_out else None
    if (channel / "train").is_dir():
        train = channel / "train"
        validation = validation or next((folder for folder in [channel / "validation"] if folder.is_dir()), None)
    table = _table(train)
    if validation is None:
        order = np.random.default_rng(_SEED).permutation(len(table))
        cut = max(1, int(len(table) * _HELD_OUT))
        say(f"There is no validation data: {cut} of {len(table)} rows of the training data are held out.")
        table, held = table[order[cut:]], table[order[:cut]]
    else:
        held = _table(validation)
    if held.shape[1] != table.shape[1]:
        raise TrainingError(f"The training data have {table.shape[1]} columns, and the validation data {held.shape[1]}.")
    categorical = _categorical(channel, table.shape[1])
    for column in [*([0] if classes else []), *(index + 1 for index in categorical)]:
        _check_codes(np.concatenate([table[:, column], held[:, column]]), column)
    return Tables((table[:, 1:], table[:, 0]), (held[:, 1:], held[:, 0]), categorical)


def _table(folder: Path) -> Floats:
    """The CSV files of a folder, one below the other."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".json" and path.name[0] not in "._")
    tables = [(path, read(path.read_text(encoding="utf-8"), str(path))) for path in paths if path.stat().st_size]
    if not tables:
        raise TrainingError(f"There is no CSV file in {folder}.")
    first, table = tables[0]
    for path, other in tables:
        if other.shape[1] != table.shape[1]:
            raise TrainingError(f"{first} has {table.shape[1]} columns, and {path} {other.shape[1]}.")
    if table.shape[1] < _TWO:
        raise TrainingError(f"{first} has one column: the first is the target, and the others are the features.")
    return np.concatenate([other for _, other in tables])


def read(text: str, where: str) -> Floats:
    """A CSV of numbers without a header; an empty cell is not a number. Raises TrainingError."""
    try:
        return np.loadtxt(io.StringIO(text), delimiter=",", ndmin=2, comments=None)
    except ValueError:  # an empty cell, or what is no number
        try:
            return np.loadtxt(io.StringIO(text), delimiter=",", ndmin=2, comments=None, converters=_number, encoding="utf-8")
        except ValueError as error:
            raise TrainingError(f"{where} is no CSV of numbers without a header: {error}") from error


def _number(cell: str) -> float:
    return float(cell) if cell.strip() else np.nan


def _categorical(channel: Path, columns: int) -> list[int]:
    """The columns of the features that the channel's JSON file lists; that counts the target as 0."""
    files = sorted(channel.glob("*.json"))
    if not files:
        return []
    if len(files) > 1:
        raise TrainingError(f"There must be one JSON file at most in {channel}, not {', '.join(file.name for file in files)}.")
    try:
        (indices,) = json.loads(files[0].read_text(encoding="utf-8")).values()
        known = {index for index in indices if isinstance(index, int) and 0 < index < columns}
    except (ValueError, AttributeError, TypeError):
        known, indices = set(), [None]
    if len(known) != len(indices):
        raise TrainingError(
            f'{files[0].name} must be {{"cat_index_list": [...]}}, a list of unique columns from 1 to {columns - 1} (0 is the target).'
        )
    return sorted(index - 1 for index in known)


def _check_codes(values: Floats, column: int) -> None:
    """Raise TrainingError if a target or a categorical feature has values that are no codes."""
    wrong = values[~((values >= 0) & (values < 2**31 - 1) & (values == np.floor(values)))]
    if len(wrong):
        raise TrainingError(
            f"The column {column} ({'a categorical feature' if column else 'the target'}) holds {wrong[0]:g}; it must be encoded as "
            "integers from 0 to 2147483646."
        )


# --- models -----------------------------------------------------------------------------------------------------------------


def earlier(name: str) -> Path | None:
    """The file `name` in the archive of the channel `model`, from which training goes on; None if there is none."""
    folder = os.environ.get("SM_CHANNEL_MODEL")
    for path in sorted(Path(folder).rglob("*.tar.gz")) if folder else ():
        with tarfile.open(path) as archive:
            member = next((member for member in archive if member.isfile() and member.name.removeprefix("./") == name), None)
            content = archive.extractfile(member) if member else None
            if content is not None:
                copy = Path(tempfile.mkdtemp()) / name
                copy.write_bytes(content.read())
                say(f"Training goes on from the model of {path.name}.")
                return copy
    return None


def model_folder() -> Path:
    """The model's folder, with the script that serves the model in `code`."""
    folder = Path(os.environ["SM_MODEL_DIR"])
    (folder / "code").mkdir(exist_ok=True)
    for name in ("inference.py", "tabular.py", "algorithm.json", "requirements.txt"):
        shutil.copyfile(HERE / name, folder / "code" / name)
    return folder


def request(body: Any, content_type: str) -> Floats:  # noqa: ANN401 - text or bytes
    """The features of a request; raises ValueError, of a table TrainingError."""
    if content_type.partition(";")[0].strip().lower() != CSV:
        raise ValueError(f"unsupported content type {content_type or 'unknown'}: it must be {CSV}")
    return read(body if isinstance(body, str) else bytes(body).decode(), "The request")


def answer(output: Floats, accept: str) -> str:
    """Predictions (rows), or probabilities (rows x classes), as JSON; raises ValueError."""
    if accept.removesuffix(VERBOSE) not in {JSON, "*/*", ""}:
        raise ValueError(f"unsupported accept {accept}: it must be {JSON} or {JSON}{VERBOSE}")
    if output.ndim == 1:
        return json.dumps({"prediction": output.tolist()})
    said = {"probabilities-1d": output[:, 1:].tolist(), "probabilities": output.tolist()}
    if accept.endswith(VERBOSE):
        said["predicted_label"] = output.argmax(axis=1).tolist()
    return json.dumps(said)
