"""How networks of the fourth series are trained in plain arrays: three families, and what those of `fourth_sequences.py` share.

As in `fourth_families.py`, each function takes a seed and a point and returns the objective, to be minimised, once it is trained.
"""

import math
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from benchmarks.trainings.data import Split, Values, split
from benchmarks.trainings.losses import Curve, log_loss, softmax
from benchmarks.trainings.optimizer import Optimizer
from local_emulator.domain.space import Point

Rows = npt.NDArray[np.int64]


def batches(rng: np.random.Generator, count: int, size: int, epochs: int) -> Iterator[tuple[Rows, float]]:
    """The rows of each batch, and which share of the training is done before it."""
    parts = max(count // size, 1)
    for epoch in range(epochs):
        for index, rows in enumerate(np.array_split(rng.permutation(count), parts)):
            yield rows, (epoch + index / parts) / epochs


def scheduled(kind: str, done: float, warmup: float) -> float:
    """The share of a learning rate that rises at first and falls then."""
    if done < warmup:
        return (done + 1e-3) / (warmup + 1e-3)
    rest = (1.0 - done) / (1.0 - warmup + 1e-9)
    return {"constant": 1.0, "linear": rest, "cosine": 0.5 - 0.5 * math.cos(math.pi * rest)}[kind]


def sigmoid(values: Values) -> Values:
    """Chances of logits."""
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -50, 50))))


def two_classes(chances: Values, labels: Values) -> Curve:
    """Log loss of chances of two classes."""
    return [log_loss(np.column_stack([1 - chances, chances]), labels)]


# --- a network on tables ----------------------------------------------------------------------------------------------------


@cache
def _credit() -> Split:
    """2,200 made-up loans: amounts, income, age, delays, what the money is for; whether it is paid back, four of five times."""
    rng = np.random.default_rng(51)
    income, amount = rng.lognormal(1.0, 0.6, 2200), rng.lognormal(0.5, 0.8, 2200)
    age, months, delays = rng.uniform(18, 75, 2200), rng.choice([6, 12, 24, 48], 2200), rng.poisson(0.6, 2200)
    purpose, home, region = rng.integers(0, 6, 2200), rng.integers(0, 3, 2200), rng.integers(0, 8, 2200)
    burden = amount / income * np.sqrt(months / 12)
    risk = 1.2 * np.log(burden) + 0.7 * np.minimum(delays, 3) - 0.02 * age + 0.6 * (purpose == 2) * (home != 0)
    risk += 0.5 * np.sin(region) - 0.8 * (delays == 0) * (age > 50) + 0.4 * np.abs(np.log(income) - 1.0)
    labels = rng.random(2200) < sigmoid(1.5 * (risk - np.quantile(risk, 0.8)))
    stated = np.where(rng.random(2200) < 0.15, 0.0, income)
    columns = [stated, stated == 0, amount, age, months, delays, *np.eye(6)[purpose].T, *np.eye(3)[home].T, *np.eye(8)[region].T]
    return split(700, np.column_stack([*columns, rng.normal(size=(2200, 4))]), labels.astype(float))


def adamw_credit(seed: int, point: Point) -> Curve:
    """Log loss of a network of one to three layers by Adam, with dropout and weight decay."""
    seen, held, labels, held_labels = _credit()
    rng, width, depth = np.random.default_rng(seed), int(point["hidden_units"]), int(point["num_layers"])
    sizes, kept = [seen.shape[1], *[width] * depth, 1], 1.0 - float(point["dropout"])
    weights = [rng.normal(size=pair) * math.sqrt(2 / pair[0]) for pair in pairwise(sizes)]
    shifts = [np.zeros(size) for size in sizes[1:]]
    adam = Optimizer("adam", [*weights, *shifts], float(point["learning_rate"]), float(point["weight_decay"]))

    def bent(sums: Values) -> tuple[Values, Values]:
        if point["activation"] == "tanh":
            return np.tanh(sums), 1 - np.tanh(sums) ** 2
        gate = sigmoid(1.702 * sums) if point["activation"] == "gelu" else (sums > 0).astype(float)
        return sums * gate, gate + (1.702 * sums * gate * (1 - gate) if point["activation"] == "gelu" else 0.0)

    with np.errstate(all="ignore"):
        for rows, _ in batches(rng, len(seen), int(point["batch_size"]), int(point["epochs"])):
            layers, slopes = [seen[rows]], []
            for weight, shift in zip(weights[:-1], shifts[:-1], strict=True):
                values, slope = bent(layers[-1] @ weight + shift)
                mask = (rng.random(values.shape) < kept) / kept
                layers.append(values * mask)
                slopes.append(slope * mask)
            back = (sigmoid(layers[-1] @ weights[-1] + shifts[-1]) - labels[rows, None]) / len(rows)
            moves: list[tuple[Values, Values]] = []
            for index in reversed(range(depth + 1)):
                moves.insert(0, (layers[index].T @ back, back.sum(axis=0)))
                if index:
                    back = back @ weights[index].T * slopes[index - 1]
            adam.step([*(move for move, _ in moves), *(move for _, move in moves)])
        values = held
        for weight, shift in zip(weights[:-1], shifts[:-1], strict=True):
            values = bent(values @ weight + shift)[0]
        return two_classes(sigmoid(values @ weights[-1] + shifts[-1])[:, 0], held_labels)


# --- factorization machines -------------------------------------------------------------------------------------------------


@cache
def _baskets() -> tuple[Rows, Values]:
    """Offers at a till: who, what, what was bought before, weekday and shop, each a column of its own, and whether it was bought."""
    rng = np.random.default_rng(52)
    sizes, ends = (40, 30, 30, 7, 4), np.cumsum([0, 40, 30, 30, 7])
    fields = np.column_stack([rng.integers(0, size, 6000) for size in sizes])
    hidden = [rng.normal(size=(size, 4)) * scale for size, scale in zip(sizes, (0.7, 0.7, 0.7, 0.3, 0.3), strict=True)]
    alone = [rng.normal(size=size) * 0.5 for size in sizes]
    parts = np.stack([factors[column] for factors, column in zip(hidden, fields.T, strict=True)])
    logits = 0.5 * (parts.sum(axis=0) ** 2 - (parts**2).sum(axis=0)).sum(axis=1) - 1.0
    logits += sum(effect[column] for effect, column in zip(alone, fields.T, strict=True))
    return fields + ends, (rng.random(6000) < sigmoid(logits)).astype(float)


def machines_baskets(seed: int, point: Point) -> Curve:
    """Log loss of a factorization machine by Adam, with the names of AWS's algorithm."""
    fields, bought = _baskets()
    rng, seen = np.random.default_rng(seed), 3000
    linear, bias = np.zeros(111), np.zeros(1)
    factors = rng.normal(size=(111, int(point["num_factors"]))) * float(point["factors_init_sigma"])
    moves = [
        Optimizer("adam", [linear, bias], float(point["linear_lr"])),
        Optimizer("adam", [factors], float(point["factors_lr"])),
    ]

    def chance(rows: Rows) -> tuple[Values, Values, Values]:
        parts = factors[rows]
        whole = parts.sum(axis=1)
        logits = bias + linear[rows].sum(axis=1) + 0.5 * (whole**2 - (parts**2).sum(axis=1)).sum(axis=1)
        return sigmoid(logits), parts, whole

    with np.errstate(all="ignore"):
        for rows, _ in batches(rng, seen, int(point["mini_batch_size"]), int(point["epochs"])):
            chances, parts, whole = chance(fields[rows])
            off = (chances - bought[rows]) / len(rows)
            slope = float(point["factors_wd"]) * factors
            np.add.at(slope, fields[rows], off[:, None, None] * (whole[:, None] - parts))
            single = np.bincount(fields[rows].ravel(), np.repeat(off, 5), minlength=111) + float(point["linear_wd"]) * linear
            moves[0].step([single, off.sum(keepdims=True)])
            moves[1].step([slope])
        return two_classes(chance(fields[seen:])[0], bought[seen:])


# --- adapters of a network that has learnt before ---------------------------------------------------------------------------


@cache
def _accents() -> tuple[list[Values], Split]:
    """A network that knows eight words from 4,000 sounds of many people, and 200 sounds of a dialect to adapt it to, 800 held out."""
    rng = np.random.default_rng(53)
    centres, mixing = rng.normal(size=(24, 12)) * 1.3, rng.normal(size=(12, 40)) / 3
    labels = rng.integers(0, 24, 5000)
    hidden = centres[labels] + 0.6 * rng.normal(size=(5000, 12))
    turned = hidden + 0.9 * hidden @ rng.normal(size=(12, 12)) / math.sqrt(12) + rng.normal(size=12)
    sounds = np.where(np.arange(5000)[:, None] < 4000, hidden, turned) @ mixing
    sounds, words = np.tanh(sounds) + 0.15 * rng.normal(size=(5000, 40)), (labels % 8).astype(float)
    weights = [rng.normal(size=pair) * math.sqrt(2 / pair[0]) for pair in ((40, 64), (64, 64), (64, 8))]
    adam = Optimizer("adam", weights, 3e-3, 1e-3)
    for rows, _ in batches(rng, 4000, 64, 15):
        layers = [sounds[rows]]
        layers += [np.maximum(layers[0] @ weights[0], 0.0)]
        layers += [np.maximum(layers[1] @ weights[1], 0.0)]
        back = softmax(layers[2] @ weights[2])
        back[np.arange(len(rows)), words[rows].astype(int)] -= 1.0
        slopes = [layers[2].T @ back]
        for index in (1, 0):
            back = back @ weights[index + 1].T * (layers[index + 1] > 0)
            slopes.insert(0, layers[index].T @ back)
        adam.step([slope / len(rows) for slope in slopes])
    return weights, (sounds[4000:4200], sounds[4200:], words[4000:4200], words[4200:])


def lora_accents(seed: int, point: Point) -> Curve:
    """Log loss of a network that has learnt before, of which adapters of low rank alone are trained."""
    weights, (seen, held, words, held_words) = _accents()
    rng, rank, kept = np.random.default_rng(seed), int(point["lora_r"]), 1.0 - float(point["lora_dropout"])
    scale, warmup, kind = float(point["lora_alpha"]) / rank, float(point["warmup_ratio"]), point["lr_scheduler_type"]
    down = [rng.normal(size=(len(weight), rank)) / math.sqrt(len(weight)) for weight in weights]
    up = [np.zeros((rank, weight.shape[1])) for weight in weights]
    adam = Optimizer("adam", [*down, *up], float(point["learning_rate"]), float(point["weight_decay"]))
    size, epochs = int(point["per_device_train_batch_size"]), int(point["num_train_epochs"])
    with np.errstate(all="ignore"):
        for rows, done in batches(rng, len(seen), size, epochs):
            layers, inputs, masks, narrow = [seen[rows]], [], [], []
            for weight, into, out in zip(weights, down, up, strict=True):
                masks.append((rng.random(layers[-1].shape) < kept) / kept)
                inputs.append(layers[-1] * masks[-1])
                narrow.append(inputs[-1] @ into)
                layers.append(layers[-1] @ weight + scale * narrow[-1] @ out)
                if len(layers) <= 3:
                    layers[-1] = np.maximum(layers[-1], 0.0)
            back = softmax(layers[-1])
            back[np.arange(len(rows)), words[rows].astype(int)] -= 1.0
            back /= len(rows)
            slopes: list[tuple[Values, Values]] = []
            for index in (2, 1, 0):
                inner = scale * back @ up[index].T
                slopes.insert(0, (inputs[index].T @ inner, scale * narrow[index].T @ back))
                back = (back @ weights[index].T + inner @ down[index].T * masks[index]) * (layers[index] > 0)
            adam.step([*(slope for slope, _ in slopes), *(slope for _, slope in slopes)], scheduled(kind, done, warmup))
        values = held
        for index, (weight, into, out) in enumerate(zip(weights, down, up, strict=True)):
            values = values @ (weight + scale * into @ out)
            values = np.maximum(values, 0.0) if index < 2 else values
        return [log_loss(softmax(values), held_words)]
