"""Labelled images for mlp.py: read from channels, checked, split, scaled, augmented. It needs numpy, and scikit-learn for its digits.

A channel is a folder or a file: .npz files with the arrays x and y, or .csv files with the label in the first column and no header.
"""

from __future__ import annotations

import hashlib
import math
import warnings
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from contract import TrainingError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[Any]

SPLIT_SEED = 1  # one split for all jobs, whatever their seed: else their accuracies cannot be compared
HELD_BACK = 0.2
SDK_CHANNELS = {"code", "sm_drivers"}  # the SageMaker SDK's own, no data
UNREADABLE = (OSError, ValueError, KeyError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error)


class Data(NamedTuple):
    """Scaled images (rows of float32) and classes as positions in `classes`; `shape` is (height, width, colours) or None."""

    x: Array
    y: Array
    validation_x: Array
    validation_y: Array
    classes: Array
    shape: tuple[int, int, int] | None
    low: float
    high: float

    def digest(self) -> str:
        """Tells other data from these."""
        hashed = hashlib.blake2b(digest_size=16)
        for array in (self.x, self.y, self.validation_x, self.validation_y):
            hashed.update(array.tobytes())
        return hashed.hexdigest()


def load_data(channels: Mapping[str, Path], fraction: float, seed: int) -> Data:
    """The images of the channels train (or training) and validation, or scikit-learn's digits; a share of those to train on.

    Without validation images a fifth of each class is held back, the same for every seed. Raises TrainingError.
    """
    train, validation = channels.get("train") or channels.get("training"), channels.get("validation")
    others = sorted(set(channels) - SDK_CHANNELS)
    if not train and others:
        raise TrainingError(
            f"The channel train is missing: there is only {', '.join(others)}. Without any channel the digits are used."
        )
    x, y = read_channel("train", train) if train else digits()
    if validation:
        vx, vy = read_channel("validation", validation)
        if vx.shape[1:] != x.shape[1:]:
            raise TrainingError(f"Images differ in shape: {x.shape[1:]} in the channel train, {vx.shape[1:]} in validation.")
        strange = sorted(set(vy.tolist()) - set(y.tolist()), key=str)
        if strange:
            raise TrainingError(f"The channel validation has labels that train lacks: {', '.join(map(str, strange[:5]))}.")
    else:
        held = picked(y, HELD_BACK, np.random.default_rng(SPLIT_SEED), least=0)
        if not held.any():
            raise TrainingError(
                f"The {len(y)} images of the channel train are too few to hold a fifth back: add a channel validation."
            )
        x, y, vx, vy = x[~held], y[~held], x[held], y[held]
    used = picked(y, fraction, np.random.default_rng([seed, 1]), least=1)
    x, y = x[used], y[used]
    classes = np.unique(y)
    if len(classes) < 2:  # noqa: PLR2004 - one class cannot be told from itself
        raise TrainingError(f"All {len(y)} training images have the label {classes[0]}: two classes are needed.")
    low, high = float(x.min()), float(x.max())
    if low == high:
        raise TrainingError(f"All pixels of all {len(y)} training images are {low:g}: there is nothing to learn from.")
    return Data(
        x=scaled(x, low, high),
        y=np.searchsorted(classes, y),
        validation_x=scaled(vx, low, high),
        validation_y=np.searchsorted(classes, vy),
        classes=classes,
        shape=image_shape(x.shape[1:]),
        low=low,
        high=high,
    )


def digits() -> tuple[Array, Array]:
    """scikit-learn's 1,797 handwritten digits, 8 by 8 pixels."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - takes 0.1 s, needed only here

    held = load_digits()
    return held.images, held.target


def picked(y: Array, share: float, rng: np.random.Generator, least: int) -> Array:
    """A mask of a share of each class, at least so many of it; a smaller share picks from among a larger one's."""
    mask = np.zeros(len(y), dtype=bool)
    for label in np.unique(y):
        indices = rng.permutation(np.flatnonzero(y == label))
        mask[indices[: max(least, round(share * len(indices)))]] = True
    return mask


def scaled(x: Array, low: float, high: float) -> Array:
    """Rows of pixels from 0 to 1."""
    rows: Array = ((x.reshape(len(x), -1) - low) / (high - low)).astype(np.float32)
    return rows


def image_shape(shape: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Height, width and colours of an image; a row of pixels is taken for a square one, if it can be."""
    if len(shape) == 1:
        side = math.isqrt(shape[0])
        return (side, side, 1) if side * side == shape[0] else None
    return (shape[0], shape[1], math.prod(shape[2:]))


def read_channel(name: str, path: Path) -> tuple[Array, Array]:
    """All images and labels of a channel, which is a folder or a file; raises TrainingError."""
    if not path.exists():
        raise TrainingError(f"The channel {name} is missing: {path} does not exist.")
    held = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    files = [file for file in held if file.suffix.lower() in {".npz", ".csv"}]
    if not files:
        raise TrainingError(
            f"The channel {name} has no .npz or .csv file: {path} holds {', '.join(p.name for p in held[:5]) or 'nothing'}."
        )
    parts = [checked(file, *(read_npz(file) if file.suffix.lower() == ".npz" else read_csv(file))) for file in files]
    for file, (x, _) in zip(files, parts):  # noqa: B905 - Python 3.9 has no strict
        if x.shape[1:] != parts[0][0].shape[1:]:
            raise TrainingError(f"Images differ in shape: {parts[0][0].shape[1:]} in {files[0]}, {x.shape[1:]} in {file}.")
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])


def read_npz(path: Path) -> tuple[Array, Array]:
    """The arrays x and y of a file."""
    try:
        if not zipfile.is_zipfile(path):
            raise ValueError("not an npz archive")
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:  # numpy leaves a broken file open
            if not {"x", "y"} <= set(held.files):
                raise TrainingError(f"{path} must hold the arrays x and y; it holds {', '.join(held.files) or 'none'}.")
            return held["x"], held["y"]
    except UNREADABLE as error:
        raise TrainingError(f"{path} cannot be read: {error}.") from error


def read_csv(path: Path) -> tuple[Array, Array]:
    """The label in the first column, pixels in the others."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # numpy warns of an empty file; checked() refuses it
            table = np.loadtxt(path, delimiter=",", ndmin=2)
    except UNREADABLE as error:
        raise TrainingError(f"{path} cannot be read as numbers with commas between, without a header: {error}") from error
    return table[:, 1:], table[:, 0] if table.size else table.ravel()


def checked(path: Path, x: Array, y: Array) -> tuple[Array, Array]:
    """The same images and labels, if they can be trained on; raises TrainingError."""
    y = y.ravel() if y.shape == (len(x), 1) else y
    if x.ndim < 2 or x.size == 0:  # noqa: PLR2004 - images and pixels
        raise TrainingError(
            f"{path} holds no images: x has the shape {x.shape}; (images, pixels) or (images, height, width) is needed."
        )
    if y.shape != (len(x),):
        raise TrainingError(f"{path} has {len(x)} images, but labels of the shape {y.shape}: one label per image is needed.")
    if x.dtype.kind not in "biuf" or not np.isfinite(x).all():
        raise TrainingError(f"{path} has pixels that are no finite numbers ({x.dtype}).")
    if y.dtype.kind == "f":
        if not (np.isfinite(y).all() and (y == np.round(y)).all()):
            strange = y[~np.isfinite(y) | (y != np.round(y))][0]
            raise TrainingError(f"{path} has the label {strange:g}: a class is a whole number or a text.")
        y = y.astype(np.int64)
    elif y.dtype.kind not in "biuU":
        raise TrainingError(f"{path} has labels of the type {y.dtype}: a class is a whole number or a text.")
    return x, y


def augmented(x: Array, shape: tuple[int, int, int] | None, strength: float, rng: np.random.Generator) -> Array:
    """Images moved by up to strength / 2 pixels in any of eight directions (black comes in at the edge), with noise."""
    if shape is not None:
        high, wide, colours = shape
        dy, dx = rng.integers(0, 3, (2, len(x)))
        rows = (dy[:, None] + np.arange(high))[:, :, None]
        columns = (dx[:, None] + np.arange(wide))[:, None, :]
        padded = np.pad(x.reshape(len(x), high, wide, colours), ((0, 0), (1, 1), (1, 1), (0, 0)))
        moved = padded[np.arange(len(x))[:, None, None], rows, columns].reshape(len(x), -1)
        x = x + (moved - x) * (0.5 * strength * rng.random((len(x), 1), dtype=np.float32))  # linear interpolation
    noisy: Array = x + (0.2 * strength) * rng.standard_normal(x.shape, dtype=np.float32)
    return noisy.astype(np.float32, copy=False)
