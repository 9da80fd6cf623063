#!/usr/bin/env python3
"""Train scikit-learn's multi-layer perceptron on images, epoch by epoch: a container-ready script in one file.

    python mlp.py --epochs 3                          by hand, on scikit-learn's digits; saves nothing unless told where
    python mlp.py --train data/ --model-dir model/    by hand, on .npz or .csv files
    SM_CHANNEL_TRAIN=… SM_MODEL_DIR=… python mlp.py   script mode (the sagemaker-training toolkit sets these)
    mlp.py train                                      as a container's `train`: everything below /opt/ml

Images come from the channels `train` (or `training`) and `validation`: .npz files with the arrays x and y, or .csv files with the
label in the first column and no header. Without a validation channel a fifth of each class is held back, the same images for
every seed; without channels the digits are used. Pixels are scaled by the least and the greatest value of the training images.

One line per epoch, of the weights as they are at its end, on unaugmented images and without the penalty:
    epoch=3 train:loss=0.1234 train:accuracy=0.9812 validation:loss=0.2345 validation:accuracy=0.9567 seconds=0.12
The losses are mean cross-entropies. `METRICS` has the regular expressions that find them. With early stopping the model saved is
the best epoch's, while SageMaker takes the last line for the job's objective.

SAGEMAKER_BASE_DIR moves /opt/ml. Runs on Python 3.9 and scikit-learn 1.2 too, for AWS's older images.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import math
import os
import signal
import sys
import time
import traceback
import warnings
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np  # noqa: TC004 - at run time bring_libraries() does it
    from numpy.typing import NDArray
    from sklearn.neural_network import MLPClassifier  # noqa: TC004 - at run time bring_libraries() does it

    Array = NDArray[Any]

NUMBER = r"([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)"
METRICS = {name: f"{name}={NUMBER}" for name in ("train:loss", "train:accuracy", "validation:loss", "validation:accuracy")}
"""Metric name -> regular expression for its value."""

SPLIT_SEED = 1  # one split for all jobs, whatever their seed: else their accuracies cannot be compared
HELD_BACK = 0.2
IMAGES_AT_ONCE, STEPS_AT_ONCE = 1024, 128  # the most that is trained between two looks at SIGTERM, but for one batch
SDK_CHANNELS = {"code", "sm_drivers"}  # the SageMaker SDK's own, no data
UNREADABLE = (OSError, ValueError, KeyError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error)


class TrainingError(Exception):
    """What the user can mend; the text is the whole story."""


def bring_libraries() -> None:
    """Import numpy and scikit-learn: late, because whoever wants METRICS has neither, and the failure file can tell of it."""
    global np, MLPClassifier  # noqa: PLW0603 - a late import is still an import
    try:
        import numpy as np  # noqa: PLC0415 - see above
        from sklearn.neural_network import MLPClassifier  # noqa: PLC0415 - see above
    except ImportError as error:
        raise TrainingError(f"{error}: this script needs numpy and scikit-learn.") from error


def say(text: str) -> None:
    """A line for the log, at once."""
    print(text, flush=True)


# Settings ------------------------------------------------------------------------------------------------------------


def whole(text: str) -> int:
    """A whole number, also written 64.0; raises ValueError."""
    value = float(text)
    if not value.is_integer():
        raise ValueError(text)
    return int(value)


def layers(text: str) -> tuple[int, ...]:
    """Units per hidden layer: 64, 128,64 or [128, 64]; raises ValueError."""
    return tuple(whole(part) for part in text.strip("[]() ").split(","))


class Rule(NamedTuple):
    """What one hyperparameter may be; `says` completes "must be …"."""

    default: str
    read: Callable[[str], Any]
    fits: Callable[[Any], bool]
    says: str
    about: str


RULES = {
    "learning_rate": Rule("0.003", float, lambda v: 0 < v < math.inf, "a number above 0", "step size of the solver"),
    "batch_size": Rule("32", whole, lambda v: v >= 1, "a whole number from 1", "images per step"),
    "epochs": Rule("15", whole, lambda v: v >= 1, "a whole number from 1", "passes over the training images"),
    "regularization": Rule(
        "1e-4",
        float,
        lambda v: 0 <= v < math.inf,
        "a number from 0",
        "L2 penalty p: p/2 times the sum of the squared weights is added to the loss, whatever the batch size",
    ),
    "early_stopping_patience": Rule(
        "0",
        whole,
        lambda v: v >= 0,
        "a whole number from 0",
        "stop after so many epochs without a better validation loss and keep the best weights; 0: never",
    ),
    "augmentation": Rule(
        "0",
        float,
        lambda v: 0 <= v <= 1,
        "a number from 0 to 1",
        "each batch's images are moved by up to half of so many pixels; a fifth of it is the standard deviation of added noise",
    ),
    "train_fraction": Rule("1", float, lambda v: 0 < v <= 1, "a number above 0, up to 1", "share of the training images used"),
    "hidden": Rule(
        "64",
        layers,
        lambda v: all(1 <= units <= 65536 for units in v),  # noqa: PLR2004 - the message names it
        "whole numbers from 1 to 65536 with commas, such as 128,64",
        "units per hidden layer",
    ),
    "solver": Rule("adam", str, lambda v: v in {"adam", "sgd"}, "adam or sgd", "how steps are made"),
    "momentum": Rule("0.9", float, lambda v: 0 <= v < 1, "a number from 0, below 1", "of the solver sgd"),
    "seed": Rule(
        "0", whole, lambda v: 0 <= v < 2**32, "a whole number from 0, below 2**32", "of weights, order, augmentation, subset"
    ),
    "checkpoint_seconds": Rule("0", float, lambda v: v >= 0, "a number from 0", "least time between checkpoints; 0: every epoch"),
}


class Settings(NamedTuple):
    """What is asked: hyperparameters as RULES has them, the channels, and where results go (None: nowhere)."""

    learning_rate: float
    batch_size: int
    epochs: int
    regularization: float
    early_stopping_patience: int
    augmentation: float
    train_fraction: float
    hidden: tuple[int, ...]
    solver: str
    momentum: float
    seed: int
    checkpoint_seconds: float
    train: Path | None
    validation: Path | None
    model: Path | None
    output: Path | None
    checkpoints: Path | None

    def hyperparameters(self) -> dict[str, Any]:
        """The hyperparameters by name."""
        return {name: getattr(self, name) for name in RULES}


def base() -> Path:
    """What the container contract calls /opt/ml."""
    output = os.environ.get("SM_OUTPUT_DIR")
    return Path(os.environ.get("SAGEMAKER_BASE_DIR") or (Path(output).parent if output else "/opt/ml"))


class Parser(argparse.ArgumentParser):
    """Raises instead of leaving with a usage text."""

    def error(self, message: str) -> NoReturn:
        """Raise TrainingError."""
        raise TrainingError(f"The command line is wrong: {message}.")


def parser() -> Parser:
    """The command line; values are text here, for RULES judges them."""
    made = Parser(prog="mlp.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    paths = ("train", "validation", "model_dir", "output_data_dir", "checkpoints")
    for name in (*RULES, *paths):
        spellings = dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}"))
        text = f"{RULES[name].about} (default: {RULES[name].default})" if name in RULES else None
        made.add_argument(*spellings, dest=name, default=RULES[name].default if name in RULES else None, help=text)
    return made


def joined(words: Sequence[str]) -> list[str]:
    """`--name value` as `--name=value`, so that -1e-3 is a value and an unknown name takes its value along."""
    made: list[str] = []
    for word in words:
        if made and made[-1].startswith("-") and "=" not in made[-1] and not is_name(word):
            made[-1] += f"={word}"
        else:
            made.append(word)
    return made


def is_name(word: str) -> bool:
    """Whether a word of the command line names an argument."""
    return word.startswith("--") or (len(word) == 2 and word[0] == "-" and word[1].isalpha())  # noqa: PLR2004 - as in -x


def hyperparameters_file() -> list[str]:
    """The container's hyperparameters.json as words; each value is text, perhaps JSON inside."""
    path = base() / "input" / "config" / "hyperparameters.json"
    if not path.exists():
        return []
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return [f"--{name}={unwrapped(value)}" for name, value in held.items()]
    except (ValueError, AttributeError) as error:
        raise TrainingError(f"{path} is not a JSON object of hyperparameters: {error}.") from error


def unwrapped(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """A hyperparameter without the quotes that some clients put around it."""
    try:
        return json.loads(value)
    except (ValueError, TypeError):
        return value


def read_settings(words: Sequence[str], *, container: bool) -> Settings:
    """Defaults, then hyperparameters.json (as a container's `train`), then the command line; raises TrainingError."""
    asked, unknown = parser().parse_known_args(joined([*(hyperparameters_file() if container else ()), *words]))
    if unknown:
        say(f"note: not known here, ignored: {', '.join(word.split('=')[0].lstrip('-') for word in unknown)}")
    values = {}
    for name, rule in RULES.items():
        text = getattr(asked, name)
        try:
            values[name] = rule.read(text)
            fits = rule.fits(values[name])
        except ValueError:
            fits = False
        if not fits:
            raise TrainingError(f"{name} is {text!r}: it must be {rule.says}.")
    train, validation = channels(asked, container=container)
    kept = base() / "checkpoints"
    return Settings(
        **values,
        train=train,
        validation=validation,
        model=place(asked.model_dir, "SM_MODEL_DIR", base() / "model" if container else None),
        output=place(asked.output_data_dir, "SM_OUTPUT_DATA_DIR", base() / "output" / "data" if container else None),
        checkpoints=place(asked.checkpoints, "", kept if kept.is_dir() else None),
    )


def place(asked: str | None, variable: str, otherwise: Path | None) -> Path | None:
    """A folder: as asked, else as the environment says, else as it is in a container."""
    found = asked or os.environ.get(variable)
    return Path(found) if found else otherwise


def channels(asked: argparse.Namespace, *, container: bool) -> tuple[Path | None, Path | None]:
    """The paths of train and validation; raises TrainingError where there are channels, but none to train on."""
    given = {**declared(container=container), **({"validation": asked.validation} if asked.validation else {})}
    train, validation = asked.train or given.get("train") or given.get("training"), given.get("validation")
    others = sorted(set(given) - SDK_CHANNELS)
    if not train and others:
        raise TrainingError(
            f"The channel train is missing: there is only {', '.join(others)}. Without any channel the digits are used."
        )
    return (Path(train) if train else None, Path(validation) if validation else None)


def declared(*, container: bool) -> dict[str, str]:
    """Channel name -> folder, from the environment, or from /opt/ml where there is only that."""
    prefix = "SM_CHANNEL_"
    found = {name[len(prefix) :].lower(): path for name, path in os.environ.items() if name.startswith(prefix) and path}
    if found or not container:
        return found
    data, config = base() / "input" / "data", base() / "input" / "config" / "inputdataconfig.json"
    names = {path.name for path in data.iterdir() if path.is_dir()} if data.is_dir() else set()
    if config.exists():
        try:
            names.update(json.loads(config.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise TrainingError(f"{config} is not a JSON object of channels: {error}.") from error
    return {name: str(data / name) for name in names}


# Data ----------------------------------------------------------------------------------------------------------------


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


def load_data(settings: Settings) -> Data:
    """The images that the settings ask for; raises TrainingError."""
    x, y = read_channel("train", settings.train) if settings.train else digits()
    if settings.validation:
        vx, vy = read_channel("validation", settings.validation)
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
    used = picked(y, settings.train_fraction, np.random.default_rng([settings.seed, 1]), least=1)
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
        places = rng.permutation(np.flatnonzero(y == label))
        mask[places[: max(least, round(share * len(places)))]] = True
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
    held = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    files = [one for one in held if one.suffix.lower() in {".npz", ".csv"}]
    if not files:
        raise TrainingError(
            f"The channel {name} has no .npz or .csv file: {path} holds {', '.join(p.name for p in held[:5]) or 'nothing'}."
        )
    parts = [checked(one, *(read_npz(one) if one.suffix.lower() == ".npz" else read_csv(one))) for one in files]
    for one, (x, _) in zip(files, parts):  # noqa: B905 - Python 3.9 has no strict
        if x.shape[1:] != parts[0][0].shape[1:]:
            raise TrainingError(f"Images differ in shape: {parts[0][0].shape[1:]} in {files[0]}, {x.shape[1:]} in {one}.")
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


# Network -------------------------------------------------------------------------------------------------------------


def outputs(x: Array, coefs: Sequence[Array], intercepts: Sequence[Array]) -> Array:
    """The last layer before softmax: one column per class."""
    last = len(coefs) - 1
    for place, (coef, intercept) in enumerate(zip(coefs, intercepts)):  # noqa: B905 - Python 3.9 has no strict
        x = x @ coef + intercept
        x = x if place == last else np.maximum(x, 0)
    return x if x.shape[1] > 1 else np.column_stack([np.zeros(len(x), x.dtype), x])  # two classes share one unit


def judged(x: Array, y: Array, coefs: Sequence[Array], intercepts: Sequence[Array]) -> tuple[float, float]:
    """Mean cross-entropy, not clipped, and accuracy."""
    loss = right = 0.0
    for start in range(0, len(x), 8192):
        z = outputs(x[start : start + 8192], coefs, intercepts).astype(np.float64)
        labels = y[start : start + 8192]
        z -= z.max(axis=1, keepdims=True)
        loss += float((np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), labels]).sum())
        right += float((z.argmax(axis=1) == labels).sum())
    return loss / len(x), right / len(x)


class Training:
    """A network on its way: `epoch` whole epochs are behind it, and `done` images of the next."""

    def __init__(self, settings: Settings, data: Data) -> None:
        self.settings = settings
        self.data = data
        self.epoch = 0
        self.done = 0
        self.history: list[dict[str, float]] = []
        self.best: tuple[int, list[Array], list[Array]] | None = None
        self.batch = min(settings.batch_size, len(data.x))
        self.model = MLPClassifier(
            hidden_layer_sizes=settings.hidden,
            solver=settings.solver,
            momentum=settings.momentum,
            learning_rate_init=settings.learning_rate,
            shuffle=False,
            random_state=settings.seed,
        )

    def fit(self, x: Array, y: Array) -> None:
        """Steps over consecutive batches. scikit-learn divides alpha by the images in a batch; that is undone."""
        self.model.batch_size = min(self.batch, len(x))
        self.model.alpha = self.settings.regularization * self.model.batch_size
        try:
            self.model.partial_fit(x, y, classes=np.arange(len(self.data.classes)))
        except ValueError as error:
            if "non-finite" not in str(error):
                raise
            raise self.diverged() from error

    def diverged(self) -> TrainingError:
        """The end of a training whose numbers ran away."""
        shown = ", ".join(f"{name}={getattr(self.settings, name)}" for name in ("solver", "batch_size", "regularization"))
        rate = self.settings.learning_rate
        return TrainingError(f"The loss is not a number in epoch {self.epoch + 1}: learning_rate={rate} is too high ({shown}).")

    def pieces(self) -> Iterator[tuple[int, int]]:
        """An epoch in runs of whole batches; a last, smaller batch goes alone."""
        size, step = len(self.data.x), self.batch * max(1, min(STEPS_AT_ONCE, IMAGES_AT_ONCE // self.batch))
        full = size - size % self.batch
        yield from ((start, min(start + step, full)) for start in range(0, full, step))
        if full < size:
            yield full, size

    def run_epoch(self, stop: Stop) -> bool:
        """The rest of an epoch; False if stopped before its end. Chance hangs on seed, epoch and place: resuming is exact."""
        settings, data, begin = self.settings, self.data, time.perf_counter()
        order = np.random.default_rng([settings.seed, 2, self.epoch]).permutation(len(data.x))
        for start, end in self.pieces():
            if start < self.done:
                continue
            if stop.asked:
                return False
            x = data.x[order[start:end]]
            if settings.augmentation:
                rng = np.random.default_rng([settings.seed, 3, self.epoch, start])
                x = augmented(x, data.shape, settings.augmentation, rng)
            self.fit(x, data.y[order[start:end]])
            self.done = end
        self.measure(begin)
        return True

    def measure(self, begin: float) -> None:
        """Close an epoch: its metrics, and whether it is the best."""
        weights = (self.model.coefs_, self.model.intercepts_)
        loss, accuracy = judged(self.data.x, self.data.y, *weights)
        validation_loss, validation_accuracy = judged(self.data.validation_x, self.data.validation_y, *weights)
        if not math.isfinite(loss + validation_loss):
            raise self.diverged()
        self.epoch, self.done = self.epoch + 1, 0
        seconds = time.perf_counter() - begin
        values = dict(zip(METRICS, (loss, accuracy, validation_loss, validation_accuracy)))  # noqa: B905 - Python 3.9 has no strict
        better = self.best is None or validation_loss < self.history[self.best[0] - 1]["validation:loss"]
        self.history.append({"epoch": self.epoch, **values, "seconds": seconds})
        if self.settings.early_stopping_patience and better:
            self.best = (self.epoch, [one.copy() for one in weights[0]], [one.copy() for one in weights[1]])

    def report(self) -> None:
        """The metric line of the last epoch."""
        say(" ".join(f"{name}={value:.8g}" for name, value in self.history[-1].items()))

    def over(self) -> bool:
        """Whether all epochs are done, or early stopping has had enough."""
        patience = self.settings.early_stopping_patience
        early = bool(patience) and self.best is not None and self.epoch - self.best[0] >= patience
        return early or self.epoch >= self.settings.epochs

    def kept(self) -> tuple[int, list[Array], list[Array]]:
        """Epoch and weights worth saving: with early stopping the best epoch's, else the last."""
        return self.best or (self.epoch, self.model.coefs_, self.model.intercepts_)


# Files ---------------------------------------------------------------------------------------------------------------


def write_whole(path: Path, content: bytes) -> None:
    """A file that is never seen half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def packed(arrays: dict[str, Any]) -> bytes:
    """Arrays as an npz file."""
    held = io.BytesIO()
    np.savez(held, **arrays)
    return held.getvalue()


def numbered(**groups: Sequence[Array]) -> dict[str, Array]:
    """Lists of arrays as one dictionary: coef_0, coef_1 and so on."""
    return {f"{name}_{place}": array for name, group in groups.items() for place, array in enumerate(group)}


def group_of(held: Any, name: str, count: int) -> list[Array]:  # noqa: ANN401 - an open npz file has no public type
    """The inverse of `numbered` for one list."""
    return [held[f"{name}_{place}"] for place in range(count)]


def save_model(training: Training, folder: Path) -> None:
    """Write model.npz (weights) and model.json (all else that `predict` and a reader need)."""
    epoch, coefs, intercepts = training.kept()
    data, history = training.data, training.history
    about = {
        "format": 1,
        "classes": data.classes.tolist(),
        "low": data.low,
        "high": data.high,
        "shape": data.shape,
        "hyperparameters": training.settings.hyperparameters(),
        "epoch": epoch,
        "metrics": history[epoch - 1] if epoch else None,
    }
    write_whole(folder / "model.npz", packed(numbered(coef=coefs, intercept=intercepts)))
    write_whole(folder / "model.json", json.dumps(about, indent=1).encode())


def predict(folder: str | Path, images: Array) -> Array:
    """The labels of images, (images, pixels) or (images, height, width), by the model that was saved in a folder."""
    bring_libraries()
    about = json.loads((Path(folder) / "model.json").read_text(encoding="utf-8"))
    with np.load(Path(folder) / "model.npz", allow_pickle=False) as held:
        count = len(held.files) // 2
        z = outputs(
            scaled(images, about["low"], about["high"]), group_of(held, "coef", count), group_of(held, "intercept", count)
        )
    labels: Array = np.asarray(about["classes"])[z.argmax(axis=1)]
    return labels


class Checkpoint:
    """The state of a training in one file of a folder, or nowhere (None)."""

    def __init__(self, folder: Path | None, training: Training) -> None:
        self.path = folder and folder / "checkpoint.npz"
        self.training = training
        self.seconds = training.settings.checkpoint_seconds
        self.saved = time.monotonic()
        free = {"epochs", "early_stopping_patience", "checkpoint_seconds"}
        same = {name: value for name, value in training.settings.hyperparameters().items() if name not in free}
        self.made_for = json.loads(json.dumps({**same, "data": training.data.digest()}))

    def due(self) -> bool:
        """Whether the last one is old enough."""
        return time.monotonic() - self.saved >= self.seconds

    def save(self) -> None:
        """Write weights, the optimiser's memory and the place reached."""
        training = self.training
        model, best = training.model, training.best
        if self.path is None or not hasattr(model, "_optimizer"):
            return
        optimizer = model._optimizer  # noqa: SLF001 - scikit-learn shows its memory nowhere else
        adam = training.settings.solver == "adam"
        memory = {"m": optimizer.ms, "v": optimizer.vs} if adam else {"velocity": optimizer.velocities}
        about = {
            "made_for": self.made_for,
            "epoch": training.epoch,
            "done": training.done,
            "history": training.history,
            "steps": optimizer.t if adam else 0,
            "best": best and best[0],
        }
        groups = {"coef": model.coefs_, "intercept": model.intercepts_, **memory}
        if best:
            groups |= {"best_coef": best[1], "best_intercept": best[2]}
        write_whole(self.path, packed({**numbered(**groups), "about": np.frombuffer(json.dumps(about).encode(), np.uint8)}))
        self.saved = time.monotonic()

    def resume(self) -> None:
        """Bring the training to where the file left it; a file that is broken or another training's is told and left aside."""
        if self.path is None or not self.path.exists():
            return
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as held:  # numpy leaves a broken file open
                about = json.loads(held["about"].tobytes())
                made_for = about["made_for"]
                other = [f"{name}={made_for.get(name)}" for name in self.made_for if made_for.get(name) != self.made_for[name]]
                if other:
                    say(f"note: {self.path} is of another training ({', '.join(other)}); starting anew")
                    return
                self._fill(held, about)
        except (*UNREADABLE, TypeError, AttributeError) as error:
            say(f"note: {self.path} is broken ({type(error).__name__}: {error}); starting anew")
            return
        where = f", {self.training.done} images into the next" if self.training.done else ""
        say(f"note: resumed after epoch {self.training.epoch}{where}")

    def _fill(self, held: Any, about: dict[str, Any]) -> None:  # noqa: ANN401 - an open npz file has no public type
        """Read everything, then change the training: all or nothing."""
        training = self.training
        count = len(training.settings.hidden) + 1
        read = {name: group_of(held, name, count) for name in ("coef", "intercept")}
        memory = {name: group_of(held, name, 2 * count) for name in ("m", "v", "velocity") if f"{name}_0" in held.files}
        best = None
        if about["best"]:
            best = (int(about["best"]), group_of(held, "best_coef", count), group_of(held, "best_intercept", count))
        place = (int(about["epoch"]), int(about["done"]), list(about["history"]), int(about["steps"]))
        training.fit(training.data.x[:1], training.data.y[:1])  # makes the optimiser; what it learns is overwritten
        model = training.model
        model.coefs_, model.intercepts_ = read["coef"], read["intercept"]
        optimizer = model._optimizer  # noqa: SLF001 - scikit-learn shows its memory nowhere else
        training.epoch, training.done, training.history, optimizer.t = place
        training.best = best
        if training.settings.solver == "adam":
            optimizer.ms, optimizer.vs = memory["m"], memory["v"]
        else:
            optimizer.velocities = memory["velocity"]


# The run -------------------------------------------------------------------------------------------------------------


class Stop:
    """Hears SIGTERM. Before training it ends the program at once; then the training looks at `asked` after each piece."""

    def __init__(self) -> None:
        self.asked = False
        self.training = False

    def __call__(self, _number: int, _frame: object) -> None:
        """The signal's handler."""
        self.asked = True
        if not self.training:
            raise SystemExit(0)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle the signal inside, as before afterwards."""
        before = signal.signal(signal.SIGTERM, self)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)


def train(settings: Settings, stop: Stop) -> None:
    """Train, and save what came of it, also when stopped or diverged; raises TrainingError."""
    training = Training(settings, load_data(settings))
    tell(training)
    checkpoint = Checkpoint(settings.checkpoints, training)
    checkpoint.resume()
    stop.training = True
    if training.over() and training.history:
        training.report()  # whoever reads this run's log only still finds the objective
    try:
        with np.errstate(all="ignore"):  # a loss that overflows is told as diverged
            while not training.over() and training.run_epoch(stop):
                training.report()
                if checkpoint.due():
                    checkpoint.save()
    finally:
        if settings.output:
            record = {"hyperparameters": settings.hyperparameters(), "epochs": training.history}
            write_whole(settings.output / "metrics.json", json.dumps(record, indent=1).encode())
    checkpoint.save()
    if not training.over():
        say(f"note: stopped by SIGTERM after epoch {training.epoch} of {settings.epochs}")
    elif training.epoch < settings.epochs:
        say(f"note: early stopping after epoch {training.epoch}, the best was epoch {training.kept()[0]}")
    if settings.model and hasattr(training.model, "coefs_"):
        save_model(training, settings.model)


def tell(training: Training) -> None:
    """What is about to be trained, and what differs from what was asked."""
    data, settings = training.data, training.settings
    names = ("learning_rate", "batch_size", "epochs", "regularization")
    shown = ", ".join(f"{name} {getattr(settings, name)}" for name in names)
    sizes = f"{len(data.x)} images to train, {len(data.validation_x)} to validate, {len(data.classes)} classes"
    say(f"{sizes}; {shown}")
    if training.batch < settings.batch_size:
        say(f"note: batch_size {settings.batch_size} is more than the training images; {training.batch} is used")
    if settings.augmentation and data.shape is None:
        say(f"note: rows of {data.x.shape[1]} pixels are no square images; augmentation only adds noise")


def fail(sentence: str, *, container: bool, detail: str = "") -> int:
    """Tell a failure on stderr and in the failure file, whose first 1,024 characters become the FailureReason; the exit code."""
    print(sentence, detail, sep="\n" if detail else "", file=sys.stderr, flush=True)
    folder = Path(os.environ.get("SM_OUTPUT_DIR") or base() / "output")
    if folder.is_dir() or container or "SM_OUTPUT_DIR" in os.environ:
        try:
            write_whole(folder / "failure", f"{sentence}\n{detail[-800:]}".strip().encode())
        except OSError as error:
            print(f"{folder / 'failure'} cannot be written: {error}", file=sys.stderr, flush=True)
    return 1


def main(words: Sequence[str] | None = None) -> int:
    """Train as the words say (default: the command line); the exit code. A first word `train` means a container's."""
    words = list(sys.argv[1:] if words is None else words)
    container = words[:1] == ["train"]
    stop = Stop()
    with stop.listening():
        try:
            settings = read_settings(words[container:], container=container)
            bring_libraries()
            train(settings, stop)
        except TrainingError as error:
            return fail(str(error), container=container)
        except OSError as error:
            return fail(f"{error.filename or 'A file'}: {error.strerror or error}.", container=container)
        except MemoryError as error:
            return fail(f"Not enough memory for these images, hidden layers and batch_size: {error}.", container=container)
        except Exception as error:  # noqa: BLE001 - a bug here must reach the FailureReason too
            return fail(f"{type(error).__name__}: {error}", container=container, detail=traceback.format_exc())
    return 0


if __name__ == "__main__":
    as_train = ["train"] if Path(sys.argv[0]).name == "train" and sys.argv[1:2] != ["train"] else []  # `docker run IMAGE train`
    sys.exit(main([*as_train, *sys.argv[1:]]))
