"""How networks of the sixth series are trained in plain arrays: two families on tables, and what the other modules of it share.

As in `fourth_families.py`, each function takes a seed and a point and returns the objective, to be minimised, once it is trained.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from benchmarks.trainings.data import Split, Values, split, unit
from benchmarks.trainings.fourth_networks import batches, scheduled
from benchmarks.trainings.losses import Curve, error, log_loss, softmax
from benchmarks.trainings.optimizer import Optimizer
from local_emulator.domain.space import Point

_BENDS: Mapping[str, Callable[[Values], tuple[Values, Values]]] = {
    "none": lambda sums: (sums, np.ones_like(sums)),
    "relu": lambda sums: (np.maximum(sums, 0.0), (sums > 0).astype(float)),
    "tanh": lambda sums: (np.tanh(sums), 1 - np.tanh(sums) ** 2),
    "elu": lambda sums: (np.where(sums > 0, sums, np.expm1(np.minimum(sums, 0.0))), np.exp(np.minimum(sums, 0.0))),
}
"""Activations: values and slopes."""


class Layer(NamedTuple):
    """What the slopes of a layer need: its inputs, its sums, normalised and by how much, and the slopes of what it gives."""

    inputs: Values
    normal: Values
    spread: Values
    slope: Values


class Network:
    """Layers with one activation, whose sums may be normalised over the batch or over the layer."""

    def __init__(
        self, rng: np.random.Generator, sizes: Sequence[int], activation: str = "relu", normalization: str = "none"
    ) -> None:
        self._weights = [rng.normal(size=pair) * math.sqrt(2 / pair[0]) for pair in pairwise(sizes)]
        self._shifts = [np.zeros(size) for size in sizes[1:]]
        self._kinds = [(activation, normalization)] * (len(sizes) - 2) + [("none", "none")]
        self._usual = [[np.zeros(size), np.ones(size)] for size in sizes[1:]]

    @property
    def arrays(self) -> list[Values]:
        """All that is learnt."""
        return [*self._weights, *self._shifts]

    def forward(self, inputs: Values, rng: np.random.Generator | None = None, dropout: float = 0.0) -> tuple[Values, list[Layer]]:
        """What comes out, and what `back` needs; with `rng` as in training: dropout, and the batch's own mean and spread."""
        layers: list[Layer] = []
        for index, (activation, normalization) in enumerate(self._kinds):
            sums = inputs @ self._weights[index]
            spread = np.ones(1)
            if normalization == "layer":
                spread = sums.std(axis=1, keepdims=True) + 1e-5
                sums = (sums - sums.mean(axis=1, keepdims=True)) / spread
            elif normalization == "batch":
                usual = self._usual[index]
                mean, spread = usual if rng is None else [sums.mean(axis=0), sums.std(axis=0) + 1e-5]
                if rng is not None:  # as in PyTorch: a tenth of the way with each batch
                    self._usual[index] = [0.9 * old + 0.1 * new for old, new in zip(usual, (mean, spread), strict=True)]
                sums = (sums - mean) / spread
            values, slope = _BENDS[activation](sums + self._shifts[index])
            if rng is not None and dropout and activation != "none":
                mask = (rng.random(values.shape) >= dropout) / (1 - dropout)
                values, slope = values * mask, slope * mask
            layers.append(Layer(inputs, sums, spread, slope))
            inputs = values
        return inputs, layers

    def back(self, layers: Sequence[Layer], above: Values) -> tuple[list[Values], Values]:
        """Slopes of `arrays` and of the inputs, from those of what came out."""
        weights: list[Values] = []
        shifts: list[Values] = []
        for index in reversed(range(len(layers))):
            layer, normalization = layers[index], self._kinds[index][1]
            above = above * layer.slope
            shifts.insert(0, above.sum(axis=0))
            if normalization != "none":
                axis = 0 if normalization == "batch" else 1
                turned = layer.normal * (above * layer.normal).mean(axis=axis, keepdims=True)
                above = (above - above.mean(axis=axis, keepdims=True) - turned) / layer.spread
            weights.insert(0, layer.inputs.T @ above)
            above = above @ self._weights[index].T
        return [*weights, *shifts], above


# --- optimizers and schedules -----------------------------------------------------------------------------------------------


@cache
def _turbines() -> Split:
    """What 12 made-up wind turbines give by wind, direction, cold, dust: nothing, a cube, a ceiling; wakes; a few stand still."""
    rng = np.random.default_rng(81)
    count = 2400
    wind, way, warmth = rng.weibull(2.0, count) * 9.0, rng.uniform(0, 2 * np.pi, count), rng.normal(10.0, 8.0, count)
    number, dust, hours = rng.integers(0, 12, count), rng.exponential(1.0, count), rng.uniform(0, 24, count)
    wakes, quality = rng.uniform(0, 2 * np.pi, 12), rng.normal(1.0, 0.08, 12)
    felt = wind * (1 - 0.35 * np.exp(-6 * (1 - np.cos(way - wakes[number])))) * (1 - 0.03 * dust)
    power = np.where(felt < 3, 0.0, np.minimum((felt / 12) ** 3 * (288 / (278 + warmth)), 1.0)) * quality[number]
    power = np.where((felt > 22) | (rng.random(count) < 0.02), 0.0, power) * (1 + 0.04 * rng.normal(size=count))
    columns = [wind + 0.3 * rng.normal(size=count), np.sin(way), np.cos(way), warmth, dust, hours, *np.eye(12)[number].T]
    return split(700, np.column_stack([*columns, rng.normal(size=(count, 3))]), unit(power))


def scheduled_turbines(seed: int, point: Point) -> Curve:
    """Error of a network of two layers by one of four optimizers, whose rate rises at first and falls then."""
    seen, held, powers, held_powers = _turbines()
    rng, width, dropout = np.random.default_rng(seed), int(point["hidden_units"]), float(point["dropout"])
    network = Network(rng, (seen.shape[1], width, width, 1))
    optimizer = Optimizer(point["optimizer"], network.arrays, float(point["learning_rate"]), float(point["weight_decay"]))
    with np.errstate(all="ignore"):
        for rows, done in batches(rng, len(seen), int(point["batch_size"]), int(point["epochs"])):
            out, layers = network.forward(seen[rows], rng, dropout)
            slopes, _ = network.back(layers, 2 * (out - powers[rows, None]) / len(rows))
            optimizer.step(slopes, scheduled(point["lr_scheduler"], done, float(point["warmup_ratio"])))
        return [error(network.forward(held)[0][:, 0], held_powers)]


# --- normalisation ----------------------------------------------------------------------------------------------------------


@cache
def _genes() -> Split:
    """How active 50 genes are in cells of five made-up tissues: pathways that switch each other, batches of a laboratory, mistakes."""
    rng = np.random.default_rng(82)
    count = 1800
    labels, laboratory = rng.integers(0, 5, count), rng.integers(0, 3, count)
    pathways = rng.normal(size=(count, 6)) + rng.normal(scale=0.8, size=(5, 6))[labels]
    pathways[:, 0] = np.where(labels % 2 == 0, pathways[:, 1] * pathways[:, 2], pathways[:, 0])
    pathways[:, 3] *= np.array([1.0, -1.0, 1.0, -1.0, 0.2])[labels] * np.sign(pathways[:, 4])
    active = np.exp(0.6 * pathways @ rng.normal(size=(6, 50)) + 0.5 * rng.normal(size=(count, 50)))
    active *= np.exp(rng.normal(scale=0.3, size=(3, 50)))[laboratory]
    labels = np.where(rng.random(count) < 0.08, rng.integers(0, 5, count), labels)
    return split(600, np.log1p(rng.poisson(active * 2.0)), labels.astype(float))


def normalised_genes(seed: int, point: Point) -> Curve:
    """Log loss of one to five layers, normalised or not, by stochastic gradients with momentum and smoothed labels."""
    seen, held, labels, held_labels = _genes()
    rng, smoothing = np.random.default_rng(seed), float(point["label_smoothing"])
    sizes = (seen.shape[1], *[int(point["units"])] * int(point["num_layers"]), 5)
    network = Network(rng, sizes, point["activation"], point["normalization"])
    rate, decay, momentum = (float(point[name]) for name in ("learning_rate", "weight_decay", "momentum"))
    optimizer = Optimizer("momentum", network.arrays, rate, decay, momentum)
    wanted = (1 - smoothing) * np.eye(5)[labels.astype(int)] + smoothing / 5
    with np.errstate(all="ignore"):
        for rows, _ in batches(rng, len(seen), int(point["batch_size"]), 15):
            out, layers = network.forward(seen[rows], rng)
            slopes, _ = network.back(layers, (softmax(out) - wanted[rows]) / len(rows))
            optimizer.step(slopes)
        return [log_loss(softmax(network.forward(held)[0]), held_labels)]
