#!/usr/bin/env python3
"""A training job without training: learning curves from formulas, for tests and benchmarks. It starts as fast as Python does.

    python analytic.py --learning_rate 0.01 --epochs 10 --sleep 0.1
    python analytic.py --function branin -x 3.1 -y 2.3
    analytic.py train                                  as a container's `train`, hyperparameters from /opt/ml

It prints the lines of mlp.py. With the epoch t, learning_rate r, batch_size b, regularization g, train_fraction f:

    just right          R = 0.01 * sqrt(b / 32)                  large batches bear large rates
    progress            u = t * min(r / R, 1) * sqrt(32 / b)     large batches make fewer steps an epoch
    unlearnt            2.3 * exp(-u / 2)                        2.3 is the loss of a guess among ten classes
    restless            0.16 / b                                 small batches are noisy
    bouncing            0.05 * (r / R - 1) where r > R, half of it after every second epoch
    hindrance           g / (g + 0.1)                            too much regularization
    coarse              0.01 * sqrt(b / 32)                      large batches generalize worse
    memorized           0.003 * u ** 1.3 / (1 + g / 0.0003) / f  grows with training; regularization and data hold it back
    train:loss          = 0.01 + unlearnt + restless + bouncing + hindrance
    validation:loss     = train:loss + coarse + memorized
    train:accuracy      = exp(-train:loss), at least 0.1
    validation:accuracy = exp(-(train:loss + coarse + memorized / 2)), at least 0.1
    r > 10 * R diverges: both losses are 2.3 * (r / R / 10) ** t, up to 1e30, both accuracies 0.1

`--function quadratic` is the sum of (v - 0.3) ** 2 over all hyperparameters of one letter, `--function branin` Branin's function of
x in [-5, 10] and y in [0, 15] (least value 0.397887, at (pi, 2.275) for one). Their losses are the value + 1 / t, for train and
validation alike; accuracies are 1 / (1 + loss).

`--noise` is the standard deviation of what is added to every value (its own for each seed and point), `--sleep` the seconds of an
epoch, `--fail_at` the epoch that fails on purpose. Other hyperparameters are ignored. SIGTERM ends it after the current epoch.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import time

METRIC_NAMES = ("train:loss", "train:accuracy", "validation:loss", "validation:accuracy")
FUNCTIONS = ("training", "quadratic", "branin")
# Name -> default, least, greatest; a whole default asks for a whole number.
LIMITS = {
    "learning_rate": (0.01, 1e-30, 1e30),
    "batch_size": (32, 1, 10**9),
    "epochs": (10, 1, 10**9),
    "regularization": (1e-4, 0.0, 1e30),
    "train_fraction": (1.0, 1e-9, 1.0),
    "sleep": (0.0, 0.0, 1e6),
    "fail_at": (0, 0, 10**9),
    "noise": (0.0, 0.0, 1e30),
    "seed": (0, 0, 2**32 - 1),
}


class AskedError(Exception):
    """What the user asked for cannot be done; the text is the whole story."""


def base() -> str:
    """What the container contract calls /opt/ml."""
    return os.environ.get("SAGEMAKER_BASE_DIR") or os.path.dirname(os.environ.get("SM_OUTPUT_DIR", "")) or "/opt/ml"  # noqa: PTH120 - pathlib takes 5 ms


def container_words() -> list[str]:
    """The container's hyperparameters.json as words."""
    import json  # noqa: PLC0415 - takes time, and script mode does without

    path = base() + "/input/config/hyperparameters.json"
    if not os.path.exists(path):  # noqa: PTH110 - pathlib takes 5 ms
        return []
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes 5 ms
        held = json.load(file)
    return [word for name, value in held.items() for word in ("--" + name, str(value).strip('"'))]


def read(words: list[str]) -> tuple[str, dict[str, float], dict[str, float]]:
    """Function, known hyperparameters and coordinates; `--name value`, `--name=value` and `-x value`. Raises AskedError."""
    pairs, rest = {"function": "training"}, list(words)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        pairs[name.lstrip("-").replace("-", "_")] = value if equals or not rest else rest.pop(0)
    if pairs["function"] not in FUNCTIONS:
        raise AskedError(f"function is {pairs['function']!r}: it must be one of {', '.join(FUNCTIONS)}.")
    values = {name: number(name, pairs[name], limits) if name in pairs else limits[0] for name, limits in LIMITS.items()}
    unlimited = (0.0, -1e300, 1e300)
    coordinates = {name: number(name, text, unlimited) for name, text in sorted(pairs.items()) if len(name) == 1}
    if pairs["function"] == "branin" and not {"x", "y"} <= set(coordinates):
        raise AskedError(f"function branin needs x and y; it has {', '.join(coordinates) or 'neither'}.")
    return pairs["function"], values, coordinates


def number(name: str, text: str, limits: tuple[float, float, float]) -> float:
    """A value within its limits; raises AskedError."""
    default, least, greatest = limits
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= greatest or (isinstance(default, int) and value != int(value)):
        kind = "whole number" if isinstance(default, int) else "number"
        raise AskedError(f"{name} is {text!r}: it must be a {kind} from {least:g} to {greatest:g}.")
    return value


def curve(values: dict[str, float], epoch: int) -> tuple[float, float, float, float]:
    """The metrics after an epoch, by the formulas above."""
    batch, penalty = values["batch_size"], values["regularization"]
    ratio = values["learning_rate"] / (0.01 * math.sqrt(batch / 32))
    if ratio > 10:  # noqa: PLR2004 - the formula's
        blown = 2.3 * math.exp(min(epoch * math.log(ratio / 10), math.log(1e30 / 2.3)))
        return blown, 0.1, blown, 0.1
    progress = epoch * min(ratio, 1) * math.sqrt(32 / batch)
    bouncing = 0.05 * max(ratio - 1, 0) / (1 if epoch % 2 else 2)
    train = 0.01 + 2.3 * math.exp(-progress / 2) + 0.16 / batch + bouncing + penalty / (penalty + 0.1)
    coarse = 0.01 * math.sqrt(batch / 32)
    memorized = 0.003 * progress**1.3 / (1 + penalty / 0.0003) / values["train_fraction"]
    seen, unseen = math.exp(-train), math.exp(-(train + coarse + memorized / 2))
    return train, max(seen, 0.1), train + coarse + memorized, max(unseen, 0.1)


def surface(function: str, coordinates: dict[str, float]) -> float:
    """The value of quadratic or branin at a point."""
    if function == "quadratic":
        return sum((value - 0.3) ** 2 for value in coordinates.values())
    x, y = coordinates["x"], coordinates["y"]
    bent = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return float(bent**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10)


def noise(values: dict[str, float], coordinates: dict[str, float], epoch: int, index: int) -> float:
    """A normal deviate that depends on its arguments only (splitmix64 and Box-Muller); numbers hash alike in every process."""
    names = ("learning_rate", "batch_size", "regularization", "train_fraction", "seed")
    state = hash((*(values[name] for name in names), *coordinates.values(), epoch, index))
    uniform = []
    for step in (1, 2):
        mixed = (state + step * 0x9E3779B97F4A7C15) % 2**64
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % 2**64
        uniform.append(((mixed ^ mixed >> 31) + 1) / 2**64)
    return values["noise"] * math.sqrt(-2 * math.log(uniform[0])) * math.cos(2 * math.pi * uniform[1])


def metrics(function: str, values: dict[str, float], coordinates: dict[str, float], epoch: int) -> dict[str, float]:
    """The four metrics after an epoch, noise included; accuracies stay within 0 and 1."""
    if function == "training":
        exact = curve(values, epoch)
    else:
        loss = surface(function, coordinates) + 1 / epoch
        exact = (loss, 1 / (1 + loss), loss, 1 / (1 + loss))
    seen = {name: exact[index] + noise(values, coordinates, epoch, index) for index, name in enumerate(METRIC_NAMES)}
    return {name: min(max(value, 0.0), 1.0) if name.endswith("accuracy") else value for name, value in seen.items()}


def write(path: str, text: str) -> None:
    """A small file."""
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120 - pathlib takes 5 ms
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes 5 ms
        file.write(text)


def run(words: list[str], stopped: list[int], *, container: bool) -> None:
    """Print the curve, write the model; raises AskedError."""
    function, values, coordinates = read([*(container_words() if container else ()), *words])
    for epoch in range(1, int(values["epochs"]) + 1):
        end = time.monotonic() + values["sleep"]
        while not stopped and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.05))  # Python sleeps on after a signal
        if stopped:
            break
        if epoch == values["fail_at"]:
            raise AskedError(f"Failed on purpose in epoch {epoch}, as fail_at asks.")
        seen = metrics(function, values, coordinates, epoch)
        print(f"epoch={epoch}", *(f"{name}={value:.8g}" for name, value in seen.items()), flush=True)
    folder = os.environ.get("SM_MODEL_DIR") or (base() + "/model" if container else "")
    if folder:
        write(folder + "/model.txt", f"{function} {values} {coordinates}\n")


def main(words: list[str]) -> int:
    """Run; the exit code. A first word `train` means a container's."""
    container, stopped = words[:1] == ["train"], list[int]()
    before = signal.signal(signal.SIGTERM, lambda sent, _frame: stopped.append(sent))
    try:
        run(words[container:], stopped, container=container)
    except (AskedError, OSError, ValueError) as error:
        print(error, file=sys.stderr, flush=True)
        if container or "SM_OUTPUT_DIR" in os.environ:
            write((os.environ.get("SM_OUTPUT_DIR") or base() + "/output") + "/failure", str(error))
        return 1
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


if __name__ == "__main__":
    as_train = ["train"] if os.path.basename(sys.argv[0]) == "train" and sys.argv[1:2] != ["train"] else []  # noqa: PTH119 - pathlib takes 5 ms
    sys.exit(main([*as_train, *sys.argv[1:]]))
