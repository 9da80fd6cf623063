"""A channel's files as features and labels."""

import io
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

from local_emulator.algorithms import contract, gathering, recordio
from local_emulator.algorithms.contract import CustomerError, Floats, channel, piped, say
from sm_tuning.rules.catalogue import Algorithm

RECORDIO = "application/x-recordio-protobuf"
CSV = "text/csv"


def files(folder: Path) -> list[Path]:
    """A channel's files; on the first of several hosts those of all hosts, if each has a part of them.

    Raises Finished on the other hosts, once these have brought theirs to the first.
    """
    names, current = contract.hosts()
    if len(names) == 1:
        return own_files(folder)
    sharded = contract.sharded()
    if current != names[0]:
        if sharded:
            gathering.send(names[0], {name: own_files(folder.with_name(name)) for name in sharded})
        raise contract.Finished
    return [*own_files(folder), *(gathering.received().get(folder.name, ()) if folder.name in sharded else ())]


def own_files(folder: Path) -> list[Path]:
    """A channel's files on this host, in the order of their names; in Pipe mode what its first FIFO brings, as a file."""
    if not piped(folder.name):
        return sorted(path for path in folder.rglob("*") if path.is_file())
    content = Path(tempfile.mkdtemp()) / folder.name
    with folder.with_name(f"{folder.name}_0").open("rb") as fifo, content.open("wb") as file:
        shutil.copyfileobj(fifo, file)
    return [content] if content.stat().st_size else []


def content_type(text: str, default: str) -> tuple[str, dict[str, str]]:
    """A content type and its parameters: `text/csv;label_size=0`."""
    kind, *parameters = [part.strip().lower() for part in (text or default).split(";")]
    return kind, dict(part.split("=", 1) for part in parameters if "=" in part)


def declared(algorithm: Algorithm, name: str, default: str, *, strict: bool = True) -> tuple[Path, str, dict[str, str]] | None:
    """Folder, content type and its parameters of a channel; None if there is no such channel.

    Raises CustomerError for a content type that the algorithm does not take, if it is `strict` about it.
    """
    location = channel(name)
    if location is None:
        return None
    kind, parameters = content_type(location[1], default)
    if strict and kind not in algorithm.content_types:
        listed = " or ".join(algorithm.content_types)
        raise CustomerError(f"The content type {kind!r} of the channel {name!r} is not supported; it must be {listed}.")
    if piped(name):
        say(f"The channel {name!r} is in pipe input mode under {location[0]}.")
    return location[0], kind, parameters


def dense(features: Any) -> Floats:  # noqa: ANN401 - dense or sparse
    """Features as one array."""
    return features if isinstance(features, np.ndarray) else np.asarray(features.toarray())


def load_train(algorithm: Algorithm, *, width: int | None = None, labelled: bool = True) -> tuple[Any, Floats]:
    """The train channel, which must be there, as `load` gives it."""
    dataset = load(algorithm, "train", width=width, labelled=labelled)
    if dataset is None:
        raise CustomerError("The channel 'train' is required.")
    return dataset


def load(algorithm: Algorithm, name: str, *, width: int | None = None, labelled: bool = True) -> tuple[Any, Floats] | None:
    """Features (dense, or CSR) and labels of a channel, zeros where it has none; None if there is no such channel.

    The algorithm's content types are read, of RecordIO-protobuf and CSV; a CSV's label is its first column, unless `label_size=0`
    says that it has none. Raises CustomerError.
    """
    location = declared(algorithm, name, RECORDIO)
    if location is None:
        return None
    folder, kind, parameters = location
    parts = [_part(path, kind, parameters, width, labelled=labelled) for path in files(folder)]
    parts = [part for part in parts if part[0].shape[0]]
    if not parts:
        raise CustomerError(f"The channel {name!r} holds no records.")
    if len({part[0].shape[1] for part in parts}) > 1:
        raise CustomerError(f"The files of the channel {name!r} have different numbers of features.")
    features = (
        scipy.sparse.vstack([part[0] for part in parts], format="csr")
        if any(scipy.sparse.issparse(part[0]) for part in parts)
        else np.concatenate([part[0] for part in parts])
    )
    labels = np.concatenate([part[1] for part in parts])
    if width is not None and features.shape[1] != width:
        raise CustomerError(f"The channel {name!r} has {features.shape[1]} features; feature_dim is {width}.")
    say(f"The channel {name!r} has {features.shape[0]} records of {features.shape[1]} features.")
    return features, labels


def _part(path: Path, kind: str, parameters: dict[str, str], width: int | None, *, labelled: bool) -> tuple[Any, Floats]:
    content = path.read_bytes()
    if kind == RECORDIO:
        features, labels = recordio.read(content, path.name, width)
        if labels is None:
            if labelled and features.shape[0]:
                raise CustomerError(f"The records of {path.name} have no label.")
            labels = np.zeros(features.shape[0])
        return features, labels
    table = read_csv(content, path.name)
    with_label = parameters.get("label_size", "1") != "0"
    if labelled and not with_label:
        raise CustomerError(f"The content type of {path.name} says label_size=0; this algorithm needs labels.")
    return (table[:, 1:], table[:, 0]) if with_label else (table, np.zeros(len(table)))


def read_csv(content: bytes, name: str, delimiter: str = ",") -> Floats:
    """A CSV of numbers without a header; raises CustomerError."""
    if not content.strip():
        return np.empty((0, 0))
    try:
        return np.loadtxt(io.BytesIO(content), delimiter=delimiter, ndmin=2, comments=None)
    except ValueError as error:
        raise CustomerError(f"The file {name} is no CSV of numbers without a header: {error}") from error
