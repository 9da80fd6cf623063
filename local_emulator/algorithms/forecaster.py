"""A light forecaster in DeepAR's place: a network that says from a series' past how its next value is distributed.

DeepAR's network is recurrent. This one sees the last `context_length` values and those of past seasons at once, divided by the scale
of the context, beside calendar, dynamic features and embedded categories; what it forecasts is fed back to it, value by value.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from local_emulator.algorithms.contract import Floats
from local_emulator.algorithms.likelihoods import LIKELIHOODS
from local_emulator.algorithms.series import Frequency, Series

Integers = npt.NDArray[np.int64]
_MOST_CELLS = 4_000_000  # of an array, while paths are drawn


@dataclass(frozen=True)
class Shape:
    """What a network is made for; JSON can hold it (`vars`)."""

    frequency: str
    context: int
    prediction: int
    likelihood: str
    layers: int
    cells: int
    embedding: int
    cardinality: Sequence[int]
    dynamic: int

    def problem(self, series: Series, *, future: bool) -> str | None:
        """Why a series does not fit; with `future`, its dynamic features have to reach through the forecast."""
        categories = () if series.categories is None else series.categories
        if self.cardinality and len(categories) != len(self.cardinality):
            return f"cat has {len(categories)} categories; the model has {len(self.cardinality)}"
        if any(category >= size for category, size in zip(categories, self.cardinality, strict=False)):
            return f"cat is {list(categories)}; the model has {list(self.cardinality)} categories, counted from 0"
        count, length = (0, 0) if series.dynamic is None else series.dynamic.shape
        if self.dynamic and count != self.dynamic:
            return f"dynamic_feat has {count} features; the model has {self.dynamic}"
        wanted = len(series.target) + (self.prediction if future else 0)
        if self.dynamic and length != wanted:
            return f"the lists of dynamic_feat have length {length}; it must be {wanted}"
        return None


class Windows:
    """Series laid end to end with room before and after each, so that all pasts and futures of theirs are there to look up."""

    def __init__(self, shape: Shape, series: Sequence[Series]) -> None:
        frequency = Frequency.parse(shape.frequency)
        self._shape = shape
        self._lags = np.array(sorted({*range(1, shape.context + 1), *frequency.seasons}))
        self.lengths = np.array([len(entry.target) for entry in series])
        before, after = int(self._lags[-1]), shape.prediction
        rooms = self.lengths + before + after
        self._starts = np.concatenate([[0], np.cumsum(rooms)[:-1]]) + before
        self.values = np.full(rooms.sum(), np.nan)
        calendar = frequency.calendar(series[0].start, 1).shape[1]
        self._known = np.zeros((len(self.values), calendar + shape.dynamic))
        for start, entry in zip(self._starts, series, strict=True):
            end = start + len(entry.target)
            self.values[start:end] = entry.target
            self._known[start : end + after, :calendar] = frequency.calendar(entry.start, len(entry.target) + after)
            if shape.dynamic and entry.dynamic is not None:
                reach = min(entry.dynamic.shape[1], len(entry.target) + after)
                self._known[start : start + reach, calendar:] = entry.dynamic[:, :reach].T
        self.filled = _filled(self.values, self._starts, before)
        self.categories = np.array([(entry.categories or ())[: len(shape.cardinality)] for entry in series], dtype=np.int64)
        self.width = len(self._lags) + self._known.shape[1]

    def scales(self, rows: Integers, begins: Integers) -> Floats:
        """The mean size of the values of a context that ends before the point `begins` of each series; 1 where it has none."""
        if self._shape.likelihood == "beta":
            return np.ones(len(rows))
        back = np.arange(1, self._shape.context + 1)
        past = np.abs(self.values[(self._starts[rows] + begins)[:, None] - back])
        seen = ~np.isnan(past)
        means: Floats = np.where(seen, past, 0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
        return np.where(means > 0, means, 1)

    def inputs(self, rows: Integers, points: Integers, scales: Floats, filled: Floats | None = None) -> Floats:
        """What the network sees before the points of series. `filled` are other pasts (rows x lags)."""
        at = self._starts[rows] + points
        past = self.filled[at[:, None] - self._lags] if filled is None else filled
        return np.column_stack([past / scales[:, None], self._known[at]])

    def targets(self, rows: Integers, points: Integers) -> Floats:
        """Values at points, NaN where there is none."""
        values: Floats = self.values[self._starts[rows] + points]
        return values

    def past(self, row: int, copies: int) -> tuple[Floats, Integers]:
        """The values before the end of a series, with room for a forecast (copies x length), and how far back of it lags lie."""
        before = int(self._lags[-1])
        end = self._starts[row] + self.lengths[row]
        room = np.concatenate([self.filled[end - before : end], np.zeros(self._shape.prediction)])
        return np.tile(room, (copies, 1)), before - self._lags

    def samples(self, count: int, chance: np.random.Generator) -> Iterator[tuple[int, int]]:
        """Series in chance order, again and again, each with a point at which a forecast would begin."""
        usable = np.flatnonzero(self.lengths > 1)
        for index in range(count):
            if index % len(usable) == 0:
                order = chance.permutation(usable)
            row = int(order[index % len(usable)])
            last = max(int(self.lengths[row]) - self._shape.prediction, 1)
            yield row, int(chance.integers(min(self._shape.context, last), last + 1))


class Network:
    """Layers of tanh over what `Windows.inputs` gives and the embedded categories; weights by names."""

    def __init__(self, shape: Shape, width: int) -> None:
        self._likelihood = LIKELIHOODS[shape.likelihood]
        self._embeddings = [f"embedding{number}" for number in range(len(shape.cardinality))]
        sizes = [width + shape.embedding * len(shape.cardinality), *[shape.cells] * shape.layers]
        self._layers = [f"layer{number}" for number in range(shape.layers)]
        chance = np.random.default_rng(0)
        self.weights: dict[str, Floats] = {
            name: chance.normal(0, 0.1, (size, shape.embedding))
            for name, size in zip(self._embeddings, shape.cardinality, strict=True)
        }
        for name, (rows, columns) in zip(self._layers, pairwise(sizes), strict=True):
            self.weights[name] = chance.normal(0, np.sqrt(1 / rows), (rows, columns))
            self.weights[f"{name}_bias"] = np.zeros(columns)
        # What is not bent by tanh, so that what grows linearly can be followed, reaches the output past the layers.
        for name, rows in (("output", sizes[-1]), ("linear", sizes[0])):
            self.weights[name] = chance.normal(0, 0.1 / np.sqrt(rows), (rows, self._likelihood.width))
        self.weights["output_bias"] = np.zeros(self._likelihood.width)

    def raw(self, inputs: Floats, categories: Integers) -> Floats:
        """What the likelihood takes (rows x its width)."""
        return self._forward(inputs, categories, ())[0]

    def gradients(
        self, inputs: Floats, categories: Integers, values: Floats, scales: Floats, masks: Sequence[Floats] = ()
    ) -> tuple[float, dict[str, Floats]]:
        """Mean loss of values and its gradients; `masks` switch cells of the layers off (dropout)."""
        raw, hidden = self._forward(inputs, categories, masks)
        losses, error = self._likelihood.losses(raw, values, scales)
        error = error / len(values)
        gradients = {"output": hidden[-1].T @ error, "linear": hidden[0].T @ error, "output_bias": error.sum(axis=0)}
        back = error @ self.weights["output"].T
        for number in reversed(range(len(self._layers))):
            name = self._layers[number]
            if masks:
                back = back * masks[number]
            # The value behind a dropped cell is 0; of a kept one it is tanh times the mask.
            value = hidden[number + 1] if not masks else hidden[number + 1] / np.where(masks[number] > 0, masks[number], 1)
            back = back * (1 - value**2)
            gradients[name], gradients[f"{name}_bias"] = hidden[number].T @ back, back.sum(axis=0)
            back = back @ self.weights[name].T
        back = back + error @ self.weights["linear"].T
        width = inputs.shape[1]
        for number, name in enumerate(self._embeddings):
            gradients[name] = np.zeros_like(self.weights[name])
            size = gradients[name].shape[1]
            np.add.at(gradients[name], categories[:, number], back[:, width : width + size])
            width += size
        return float(losses.mean()), gradients

    def masks(self, rows: int, rate: float, chance: np.random.Generator) -> list[Floats]:
        """Of dropout, for each layer."""
        sizes = [self.weights[name].shape[1] for name in self._layers]
        return [(chance.random((rows, size)) >= rate) / (1 - rate) for size in sizes]

    def _forward(self, inputs: Floats, categories: Integers, masks: Sequence[Floats]) -> tuple[Floats, list[Floats]]:
        embedded = [self.weights[name][categories[:, number]] for number, name in enumerate(self._embeddings)]
        hidden = [np.column_stack([inputs, *embedded])]
        for number, name in enumerate(self._layers):
            value = np.tanh(hidden[-1] @ self.weights[name] + self.weights[f"{name}_bias"])
            hidden.append(value * masks[number] if masks else value)
        raw: Floats = hidden[-1] @ self.weights["output"] + hidden[0] @ self.weights["linear"] + self.weights["output_bias"]
        return raw, hidden


class Forecaster:
    """A network, and how it forecasts."""

    def __init__(self, shape: Shape, width: int, weights: Mapping[str, Any] | None = None) -> None:
        self.shape = shape
        self.network = Network(shape, width)
        if weights is not None:
            self.network.weights = dict(weights)

    def batch(self, windows: Windows, samples: Sequence[tuple[int, int]]) -> tuple[Floats, Integers, Floats, Floats]:
        """Inputs, categories, scaled values and scales of the points that are forecast in samples, where there are values."""
        pairs = np.array(samples)
        scales = windows.scales(pairs[:, 0], pairs[:, 1])
        steps = np.arange(self.shape.prediction)
        rows = np.repeat(pairs[:, 0], len(steps))
        points = (pairs[:, 1][:, None] + steps).ravel()
        scales = np.repeat(scales, len(steps))
        values = windows.targets(rows, points)
        there = ~np.isnan(values) & (points < windows.lengths[rows])
        rows, points, scales, values = rows[there], points[there], scales[there], values[there]
        return windows.inputs(rows, points, scales), windows.categories[rows], values / scales, scales

    def paths(self, series: Sequence[Series], count: int, chance: np.random.Generator) -> Iterator[Floats]:
        """The next values of each series, drawn so many times (count x prediction)."""
        windows = Windows(self.shape, series)
        most = max(1, _MOST_CELLS // (windows.past(0, 1)[0].shape[1]))
        for row in range(len(series)):
            parts = [self._paths(windows, row, min(most, count - begun), chance) for begun in range(0, count, most)]
            yield np.concatenate(parts)

    def _paths(self, windows: Windows, row: int, count: int, chance: np.random.Generator) -> Floats:
        rows = np.full(count, row)
        scales = windows.scales(rows, windows.lengths[rows])
        past, back = windows.past(row, count)
        begin = past.shape[1] - self.shape.prediction
        for step in range(self.shape.prediction):
            inputs = windows.inputs(rows, windows.lengths[rows] + step, scales, past[:, back + step])
            raw = self.network.raw(inputs, windows.categories[rows])
            past[:, begin + step] = LIKELIHOODS[self.shape.likelihood].draw(raw, scales, chance) * scales
        return past[:, begin:]


def _filled(values: Floats, starts: Integers, before: int) -> Floats:
    """Each missing value is the last that is there, within its series; 0 before the first."""
    there = ~np.isnan(values)
    last = np.where(there, np.arange(len(values)), 0)
    bounds = starts - before
    last[bounds] = np.where(there[bounds], last[bounds], bounds)
    return np.nan_to_num(values[np.maximum.accumulate(last)])
