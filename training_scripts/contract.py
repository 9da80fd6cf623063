"""SageMaker's side of a training script, with the standard library of Python 3.7 and later alone: copy it beside your script.

    import contract

    HYPERPARAMETERS = {"learning_rate": contract.number(0.01, above=0), "epochs": contract.whole(10, least=1)}

    def train(job):
        for epoch in range(1, job.hyperparameters.epochs + 1):
            ...                                                               # train
            contract.report(epoch, {"validation:accuracy": accuracy})         # a line that METRICS' expressions match
            if job.stop.asked:                                                # SIGTERM: a stopped job, or a spot interruption
                break
        job.model                                                             # a folder for the model, or None

    if __name__ == "__main__":
        sys.exit(contract.main(train, HYPERPARAMETERS))

What it knows is one section each: take a section out if you do not need it.
    hyperparameters   checked values from the command line (script mode, by hand) or from hyperparameters.json (a container's `train`)
    channels          folders of input data by name; folders for model, output and checkpoints
    metric lines      what is printed after each epoch, and the regular expressions that find it
    checkpoints       state that a restarted training job goes on from
    SIGTERM           ends a training at a place of its own choice
    failure file      what went wrong as FailureReason of the training job; exit code 1

Runs in four ways: by hand (`python train.py --epochs 3`), in script mode (the SageMaker training toolkit sets SM_*), as a container's
program (`train`, everything below /opt/ml), and on the emulator. SAGEMAKER_BASE_DIR moves /opt/ml.
"""

from __future__ import annotations

import argparse
import atexit
import gc
import hashlib
import json
import math
import os
import signal
import sys
import threading
import time
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


class TrainingError(Exception):
    """What the user can mend; its text is all that is shown, without a traceback."""


def say(text: str) -> None:
    """Print a line for the log without a delay."""
    print(text, flush=True)


def base() -> Path:
    """What the container contract calls /opt/ml."""
    output = os.environ.get("SM_OUTPUT_DIR")
    return Path(os.environ.get("SAGEMAKER_BASE_DIR") or (Path(output).parent if output else "/opt/ml"))


# Hyperparameters -----------------------------------------------------------------------------------------------------


class Hyperparameter(NamedTuple):
    """A default, how its text is read (ValueError if it cannot be), which values fit; `says` completes "it must be …"."""

    default: Any
    read: Callable[[str], Any]
    fits: Callable[[Any], bool]
    says: str
    about: str = ""


def number(
    default: float,
    about: str = "",
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    most: float = math.inf,
    below: float = math.inf,
) -> Hyperparameter:
    """A finite number within bounds; `above` and `below` are not values of their own. NaN never fits."""
    says = _bounds("a number", least, above, most, below)
    return Hyperparameter(default, float, lambda v: math.isfinite(v) and least <= v <= most and above < v < below, says, about)


def whole(default: int, about: str = "", *, least: float = -math.inf, most: float = math.inf) -> Hyperparameter:
    """A whole number within bounds, also written 64.0."""
    says = _bounds("a whole number", least, -math.inf, most, math.inf)
    return Hyperparameter(default, to_int, lambda v: least <= v <= most, says, about)


def choice(default: str, *options: str, about: str = "") -> Hyperparameter:
    """One of some texts."""
    return Hyperparameter(default, str, lambda v: v in options, " or ".join(options), about)


def to_int(text: str) -> int:
    """A whole number, also written 64.0; raises ValueError."""
    value = float(text)
    if not value.is_integer():
        raise ValueError(text)
    return int(value)


def _bounds(kind: str, least: float, above: float, most: float, below: float) -> str:
    lower = f" above {above:g}" if above > -math.inf else f" from {least:g}" if least > -math.inf else ""
    to = " to" if least > -math.inf else ", up to" if lower else " up to"
    upper = f"{to} {most:g}" if most < math.inf else f"{',' if lower else ''} below {below:g}" if below < math.inf else ""
    return kind + lower + upper


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise TrainingError(f"The command line is wrong: {message}.")


def _words(argv: Sequence[str], *, container: bool) -> list[str]:
    """`--name=value` for each, so that -1e-3 is a value and an unknown name takes its value along."""
    words: list[str] = _hyperparameters_file() if container else []
    for word in argv:
        named = word.startswith("--") or (len(word) == 2 and word[0] == "-" and word[1].isalpha())  # noqa: PLR2004 - as in -x
        if words and not named and words[-1].startswith("-") and "=" not in words[-1]:
            words[-1] += f"={word}"
        else:
            words.append(word)
    return words


def _hyperparameters_file() -> list[str]:
    path = base() / "input" / "config" / "hyperparameters.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return [f"--{name}={_unquoted(value)}" for name, value in values.items()]
    except (ValueError, AttributeError) as error:
        raise TrainingError(f"{path} is not a JSON object of hyperparameters: {error}.") from error


def _unquoted(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """A hyperparameter without the quotes that some clients put around it."""
    try:
        return json.loads(value)
    except (ValueError, TypeError):
        return value


def _checked(name: str, text: str, rule: Hyperparameter) -> Any:  # noqa: ANN401 - what the rule reads
    try:
        value = rule.read(text)
        if rule.fits(value):
            return value
    except ValueError:
        pass
    raise TrainingError(f"{name} is {text!r}: it must be {rule.says}.")


# Channels and folders ------------------------------------------------------------------------------------------------


class Job(NamedTuple):
    """What a training job is given: hyperparameters by name, channels by name, and folders (None: keep nothing)."""

    hyperparameters: argparse.Namespace
    channels: dict[str, Path]
    model: Path | None
    output: Path | None
    checkpoints: Path | None
    stop: Stop


def read_job(
    hyperparameters: Mapping[str, Hyperparameter],
    argv: Sequence[str],
    *,
    channels: Sequence[str] = ("train", "validation"),
    container: bool = False,
    stop: Stop | None = None,
    about: str | None = None,
) -> Job:
    """The job of a command line: defaults, then hyperparameters.json (as a container's `train`), then the words; or TrainingError.

    `--model_dir`, `--output_data_dir`, `--checkpoints` and the `channels` are folders; underscores may be dashes. A name that is
    not known is ignored with a note: tuning jobs add some of their own.
    """
    folders = ("model_dir", "output_data_dir", "checkpoints")
    parser = _Parser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    for name in (*hyperparameters, *channels, *folders):
        rule = hyperparameters.get(name)
        text = f"{rule.about}; {rule.says} (default: {rule.default})".lstrip("; ") if rule else None
        spellings = dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}"))
        parser.add_argument(*spellings, dest=name, help=text and text.replace("%", "%%"))
    asked, unknown = parser.parse_known_args(_words(argv, container=container))
    if unknown:
        say(f"note: not known here, ignored: {', '.join(word.split('=')[0].lstrip('-') for word in unknown)}")
    given = {name: value for name, value in vars(asked).items() if value is not None}
    values = {name: _checked(name, given.get(name, str(rule.default)), rule) for name, rule in hyperparameters.items()}
    inputs = {**_declared(container=container), **{name: given[name] for name in channels if given.get(name)}}
    kept = base() / "checkpoints"

    def folder(name: str, variable: str, otherwise: Path | None) -> Path | None:
        path = given.get(name) or os.environ.get(variable)
        return Path(path) if path else otherwise

    return Job(
        hyperparameters=argparse.Namespace(**values),
        channels={name: Path(path) for name, path in inputs.items()},
        model=folder("model_dir", "SM_MODEL_DIR", base() / "model" if container else None),
        output=folder("output_data_dir", "SM_OUTPUT_DATA_DIR", base() / "output" / "data" if container else None),
        checkpoints=folder("checkpoints", "", kept if kept.is_dir() else None),
        stop=stop or Stop(),
    )


def _declared(*, container: bool) -> dict[str, str]:
    """Channel name -> folder, from the environment, or from /opt/ml where there is only that."""
    prefix = "SM_CHANNEL_"
    named = {name[len(prefix) :].lower(): path for name, path in os.environ.items() if name.startswith(prefix) and path}
    if named or not container:
        return named
    data, config = base() / "input" / "data", base() / "input" / "config" / "inputdataconfig.json"
    names = {path.name for path in data.iterdir() if path.is_dir()} if data.is_dir() else set()
    try:
        names.update(json.loads(config.read_text(encoding="utf-8")) if config.exists() else ())
    except (ValueError, TypeError) as error:
        raise TrainingError(f"{config} is not a JSON object of channels: {error}.") from error
    return {name: str(data / name) for name in names}


# Metric lines --------------------------------------------------------------------------------------------------------

NUMBER = r"([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)"
METRICS = {name: f"{name}={NUMBER}" for name in ("train:loss", "train:accuracy", "validation:loss", "validation:accuracy")}
"""Metric name -> regular expression for its value in a line of `report`: a tuning job's MetricDefinitions."""


def report(epoch: int, values: Mapping[str, float]) -> None:
    """Print one line: epoch=3 train:loss=0.25 …; call it once an epoch, the tuning job's objective is the last value."""
    say(" ".join(f"{name}={value:.8g}" for name, value in {"epoch": epoch, **values}.items()))


# Checkpoints ---------------------------------------------------------------------------------------------------------


class Checkpoint:
    """State in one file of a folder (None: nowhere), with what it was made for, so that no other training takes it for its own.

    content = checkpoint.load()      # bytes, or None to start anew
    if checkpoint.due():
        checkpoint.save(content)     # such as pickle.dumps(…), or what torch.save wrote to an io.BytesIO
    """

    def __init__(self, folder: Path | None, made_for: Mapping[str, Any], seconds: float = 0) -> None:
        self.path = folder and folder / "checkpoint"
        self.made_for = json.loads(json.dumps(dict(made_for)))
        self.seconds = seconds
        self.saved = time.monotonic()

    def due(self) -> bool:
        """Whether the last one is old enough."""
        return time.monotonic() - self.saved >= self.seconds

    def save(self, content: bytes) -> None:
        """Replace the file."""
        if self.path is not None:
            head = {"made_for": self.made_for, "digest": hashlib.sha256(content).hexdigest()}
            write_whole(self.path, json.dumps(head).encode() + b"\n" + content)
            self.saved = time.monotonic()

    def load(self) -> bytes | None:
        """The content, or None with a note if the file is broken or another training's."""
        if self.path is None or not self.path.exists():
            return None
        try:
            head, _, content = self.path.read_bytes().partition(b"\n")
            about = json.loads(head)
            if about["digest"] != hashlib.sha256(content).hexdigest():
                raise ValueError("its content is not what was written")  # noqa: TRY301 - a note like the others
            theirs, ours = dict(about["made_for"]), self.made_for
        except (OSError, ValueError, KeyError, TypeError) as error:
            say(f"note: {self.path} is broken ({type(error).__name__}: {error}); starting anew")
            return None
        other = [f"{name}={theirs.get(name)}" for name in {**ours, **theirs} if theirs.get(name) != ours.get(name)]
        if other:
            say(f"note: {self.path} is of another training ({', '.join(other)}); starting anew")
        return None if other else content


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is never seen half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        if temporary.exists():
            temporary.unlink()


# SIGTERM, the failure file, and the run ------------------------------------------------------------------------------


class Stop:
    """SIGTERM. Before `training` is set it ends the program at once with code 0; then the training looks at `asked`."""

    def __init__(self) -> None:
        self.asked = False
        self.training = False

    def __call__(self, _number: int, _frame: object) -> None:
        """Handle the signal."""
        self.asked = True
        if not self.training:
            raise SystemExit(0)


@contextmanager
def guarded(*, container: bool | None = None) -> Iterator[Stop]:
    """Hear SIGTERM inside; an error there is told on stderr and in the failure file, and leaves as SystemExit(1).

    Put it around imports that take long or may be missing; `main` has it around the training.
    """
    stop = Stop()
    listening = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, stop) if listening else None
    in_container = _is_train() if container is None else container
    try:
        yield stop
    except TrainingError as error:
        _fail(str(error), container=in_container)
    except OSError as error:
        _fail(f"{error.filename or 'A file'}: {error.strerror or error}.", container=in_container)
    except Exception as error:  # noqa: BLE001 - a bug must reach the FailureReason too
        _fail(f"{type(error).__name__}: {error}", container=in_container, detail=traceback.format_exc())
    finally:
        if listening:
            signal.signal(signal.SIGTERM, before)


def _fail(sentence: str, *, container: bool, detail: str = "") -> NoReturn:
    """Tell a failure; the first 1,024 characters of the failure file become the FailureReason."""
    print(sentence, detail, sep="\n" if detail else "", file=sys.stderr, flush=True)
    folder = Path(os.environ.get("SM_OUTPUT_DIR") or base() / "output")
    if folder.is_dir() or container or "SM_OUTPUT_DIR" in os.environ:
        try:
            write_whole(folder / "failure", f"{sentence}\n{detail[-800:]}".strip().encode())
        except OSError as error:
            print(f"{folder / 'failure'} cannot be written: {error}", file=sys.stderr, flush=True)
    raise SystemExit(1)


def _is_train() -> bool:
    """Whether this program was started as SageMaker starts a container: `train`, or with the word `train` first."""
    return Path(sys.argv[0]).name == "train" or sys.argv[1:2] == ["train"]


def main(
    train: Callable[[Job], None],
    hyperparameters: Mapping[str, Hyperparameter],
    argv: Sequence[str] | None = None,
    about: str | None = None,
) -> int:
    """Train as the words say (default: the command line), and give the exit code. A first word `train` means a container's."""
    atexit.register(gc.freeze)  # looking for garbage among all that is imported takes scikit-learn 0.4 s of an end
    words = list(sys.argv[1:] if argv is None else argv)
    container = words[:1] == ["train"] or (argv is None and _is_train())
    try:
        with guarded(container=container) as stop:
            train(read_job(hyperparameters, words[words[:1] == ["train"] :], container=container, stop=stop, about=about))
    except SystemExit as end:
        if end.code != 1:
            raise
        return 1
    return 0
