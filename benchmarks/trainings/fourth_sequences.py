"""How the networks of the fourth series are trained that read sequences: attention, forecasts, word vectors.

As in `fourth_families.py`, each function takes a seed and a point and returns the objective, to be minimised, once it is trained.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pydoc_data.topics import topics

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from benchmarks.trainings.data import Values
from benchmarks.trainings.fourth_networks import Rows, batches, scheduled, sigmoid, two_classes
from benchmarks.trainings.losses import Curve, log_loss, softmax
from benchmarks.trainings.optimizer import Optimizer
from local_emulator.domain.space import Point

# --- attention --------------------------------------------------------------------------------------------------------------


@cache
def _reviews() -> tuple[Rows, Values]:
    """Reviews of 16 words of 60, good or bad: some words are, "not" turns what follows, "very" doubles it; one in twenty is wrong."""
    rng = np.random.default_rng(61)
    words = np.minimum(rng.zipf(1.15, (1700, 16)) - 1, 59)
    words = rng.permutation(60)[words]
    meaning = np.where(np.arange(60) < 30, rng.normal(size=60), 0.0)
    before = np.column_stack([np.full(1700, 59), words[:, :-1]])
    turned = np.where((before >= 30) & (before < 36), -1.0, np.where((before >= 36) & (before < 42), 2.0, 1.0))
    scores = (meaning[words] * turned).sum(axis=1)
    labels = (scores > np.median(scores)) != (rng.random(1700) < 0.05)
    return words, labels.astype(float)


def attention_reviews(seed: int, point: Point) -> Curve:
    """Log loss of a block of attention and a layer behind it, by Adam with a rate that rises and falls."""
    words, labels = _reviews()
    rng, heads, size = np.random.default_rng(seed), int(point["num_heads"]), int(point["head_dim"])
    width, seen, kept = heads * size, 700, 1.0 - float(point["dropout"])
    near = 1 / math.sqrt(width)
    table, places = rng.normal(size=(60, width)) * 0.3, rng.normal(size=(16, width)) * 0.3
    mixing = rng.normal(size=(3, width, width)) * near
    behind, last, shift = rng.normal(size=(width, 32)) * near, rng.normal(size=32) / math.sqrt(32), np.zeros(1)
    adam = Optimizer(
        "adam", [table, places, mixing, behind, last, shift], float(point["learning_rate"]), float(point["weight_decay"])
    )

    def split_up(values: Values) -> Values:
        return values.reshape(len(values), 16, heads, size).swapaxes(1, 2)

    def joined(values: Values) -> Values:
        return values.swapaxes(1, 2).reshape(len(values), 16, width)

    with np.errstate(all="ignore"):

        def forward(rows: Rows, drop: float) -> tuple[Values, list[Values], Values, Values, Values, Values]:
            inputs = table[words[rows]] + places
            parts = [split_up(inputs @ matrix) for matrix in mixing]
            shares = softmax(parts[0] @ parts[1].swapaxes(2, 3) / math.sqrt(size))
            mixed = inputs + joined(shares @ parts[2])
            mask = (rng.random((len(rows), 16, 32)) < drop) / drop
            return inputs, parts, shares, mixed, np.maximum(mixed @ behind, 0.0) * mask, mask

        for rows, done in batches(rng, seen, int(point["batch_size"]), int(point["epochs"])):
            inputs, parts, shares, mixed, hidden, mask = forward(rows, kept)
            pooled = hidden.mean(axis=1)
            off = (sigmoid(pooled @ last + shift) - labels[rows]) / len(rows)
            back = off[:, None, None] * last / 16 * mask * (hidden > 0)
            slopes = [np.einsum("ntw,nth->wh", mixed, back, optimize=True), pooled.T @ off, off.sum(keepdims=True)]
            back = back @ behind.T
            above = split_up(back)
            turn = above @ parts[2].swapaxes(2, 3)
            turn = shares * (turn - (turn * shares).sum(axis=-1, keepdims=True)) / math.sqrt(size)
            into = [turn @ parts[1], turn.swapaxes(2, 3) @ parts[0], shares.swapaxes(2, 3) @ above]
            moved = np.stack([joined(part) for part in into])
            slope = np.einsum("ntw,knth->kwh", inputs, moved, optimize=True)
            back = back + sum(part @ matrix.T for part, matrix in zip(moved, mixing, strict=True))
            entries = np.zeros_like(table)
            np.add.at(entries, words[rows], back)
            adam.step([entries, back.sum(axis=0), slope, *slopes], scheduled("linear", done, float(point["warmup_ratio"])))
        pooled = forward(np.arange(seen, len(words)), 1.0)[4].mean(axis=1)
        return two_classes(sigmoid(pooled @ last + shift), labels[seen:])


# --- forecasts --------------------------------------------------------------------------------------------------------------


@cache
def _demand() -> tuple[Values, Values]:
    """What 40 shops of six sorts sell on 140 days, by weekday, trend and advertising, counted; and the days of advertising."""
    rng, days = np.random.default_rng(62), np.arange(140)
    sorts, offers = np.arange(40) % 6, (rng.random((40, 140)) < 0.1).astype(float)
    weeks = rng.normal(scale=0.4, size=(6, 7))
    level = rng.lognormal(2.5, 0.8, (40, 1)) * np.exp(rng.normal(scale=0.003, size=(40, 1)) * days)
    drift = np.cumsum(rng.normal(scale=0.05, size=(40, 140)), axis=1)
    drift -= 0.1 * drift.mean(axis=1, keepdims=True)
    rates = level * np.exp(weeks[sorts][:, days % 7] + rng.uniform(0.2, 0.9, (6, 1))[sorts] * offers + drift)
    return rng.poisson(rates * rng.gamma(12.0, 1 / 12.0, rates.shape)).astype(float), offers


class _Gated:
    """A layer of gated recurrent units."""

    def __init__(self, rng: np.random.Generator, size: int, cells: int) -> None:
        self._cells = cells
        self.inward = rng.normal(size=(size, 3 * cells)) / math.sqrt(size)
        self.around = rng.normal(size=(cells, 3 * cells)) / math.sqrt(cells)
        self.shift = np.zeros(3 * cells)

    def move(self, inputs: Values, state: Values) -> tuple[Values, tuple[Values, Values, Values]]:
        """The next state, and what its slopes need."""
        given, own, cut = inputs @ self.inward + self.shift, state @ self.around, 2 * self._cells
        gates = sigmoid(given[:, :cut] + own[:, :cut])
        update, reset = gates[:, : self._cells], gates[:, self._cells :]
        new = np.tanh(given[:, cut:] + reset * own[:, cut:])
        return (1 - update) * new + update * state, (gates, new, own[:, cut:])

    def back(
        self, inputs: Values, states: Sequence[Values], memories: Sequence[tuple[Values, Values, Values]], above: Values
    ) -> tuple[list[Values], Values]:
        """Slopes of the weights, and of the inputs summed over the steps, from those of the states."""
        slopes = [np.zeros_like(weight) for weight in (self.inward, self.around, self.shift)]
        ahead, below = np.zeros_like(states[0]), np.zeros_like(inputs[:, 0])
        for step in reversed(range(len(above))):
            gates, new, own = memories[step]
            update, reset = gates[:, : self._cells], gates[:, self._cells :]
            ahead = ahead + above[step]
            fresh = ahead * (1 - update) * (1 - new**2)
            inner = np.hstack([ahead * (states[step] - new), fresh * own]) * gates * (1 - gates)
            whole, recurrent = np.hstack([inner, fresh]), np.hstack([inner, fresh * reset])
            slopes[0] += inputs[:, step].T @ whole
            slopes[1] += states[step].T @ recurrent
            slopes[2] += whole.sum(axis=0)
            below += whole @ self.inward.T
            ahead = ahead * update + recurrent @ self.around.T
        return slopes, below


def _likelihood(kind: str, out: Values, wanted: Values) -> Values:
    """Slopes of the mean and the spread of a forecast."""
    spread = np.logaddexp(out[..., 1], 0.0) + 0.02
    gap = (out[..., 0] - wanted) / spread
    if kind == "deterministic-L1":
        return np.stack([np.sign(gap), np.zeros_like(gap)], axis=2) / gap.size
    pull = gap if kind == "gaussian" else 4 * gap / (3 + gap**2)
    return np.stack([pull / spread, (1 - pull * gap) / spread * sigmoid(out[..., 1])], axis=2) / gap.size


def deepar_demand(seed: int, point: Point) -> Curve:
    """Absolute error, as a share of what is sold, of forecasts of seven days by a recurrent network, with the names of DeepAR."""
    sales, offers = _demand()
    rng, context, cells = np.random.default_rng(seed), int(point["context_length"]), int(point["num_cells"])
    kept, inside, steps = 1.0 - float(point["dropout_rate"]), int(point["embedding_dimension"]), int(point["context_length"]) + 7
    table = 0.3 * rng.normal(size=(40, inside))
    layer = _Gated(rng, 4 + inside, cells)
    outward, outshift = rng.normal(size=(cells, 2)) * 0.3 / math.sqrt(cells), np.array([1.0, 0.0])
    weights = [table, layer.inward, layer.around, layer.shift, outward, outshift]
    adam = Optimizer("adam", weights, float(point["learning_rate"]))

    def features(shops: Rows, starts: Rows) -> tuple[Values, Values, Values]:
        scale = 1.0 + sales[shops[:, None], starts[:, None] + np.arange(-1, context)].mean(axis=1)
        days = starts[:, None] + np.arange(steps)
        turn = 2 * np.pi * (days % 7) / 7
        columns = [sales[shops[:, None], days - 1] / scale[:, None], offers[shops[:, None], days], np.sin(turn), np.cos(turn)]
        entries = np.repeat(table[shops][:, None], steps, axis=1)
        return np.concatenate([np.stack(columns, axis=2), entries], axis=2), sales[shops[:, None], days] / scale[:, None], scale

    with np.errstate(all="ignore"):
        for rows, _ in batches(rng, 200, int(point["mini_batch_size"]), int(point["epochs"])):
            shops, starts = rng.integers(0, 40, len(rows)), rng.integers(1, 119 - steps, len(rows))
            inputs, wanted, _scale = features(shops, starts)
            states, memories = [np.zeros((len(rows), cells))], []
            for step in range(steps):
                state, memory = layer.move(inputs[:, step], states[-1])
                states.append(state)
                memories.append(memory)
            mask = (rng.random((steps, len(rows), cells)) < kept) / kept
            seen = np.stack(states[1:]) * mask
            back = _likelihood(point["likelihood"], seen @ outward + outshift, wanted.T)
            moved, below = layer.back(inputs, states, memories, back @ outward.T * mask)
            entries = np.zeros_like(table)
            np.add.at(entries, shops, below[:, 4:])
            slopes = [entries, *moved, np.einsum("tnc,tno->co", seen, back, optimize=True), back.sum(axis=(0, 1))]
            length = math.sqrt(sum(float((slope**2).sum()) for slope in slopes))
            adam.step([slope * min(1.0, 10.0 / (length + 1e-12)) for slope in slopes])
        shops, starts = np.tile(np.arange(40), 3), np.repeat([119, 126, 133], 40) - context
        inputs, wanted, scale = features(shops, starts)
        state, off = np.zeros((120, cells)), 0.0
        for step in range(steps):
            state = layer.move(inputs[:, step], state)[0]
            forecast = (state @ outward + outshift)[:, 0]
            if step >= context:
                off += float((np.abs(forecast - wanted[:, step]) * scale).sum())
                inputs[:, min(step + 1, steps - 1), 0] = forecast
        return [off / float((wanted[:, context:] * scale[:, None]).sum())]


# --- word vectors -----------------------------------------------------------------------------------------------------------


@cache
def _manual() -> tuple[list[list[str]], list[list[list[str]]]]:
    """Words of eight chapters of Python's manual, and pieces of fifteen: those to learn from, and every third, held out."""
    names = ("compound", "formatstrings", "string-methods", "typesseq", "debugger", "assignment", "customization", "execmodel")
    chapters = [re.findall(r"[a-z]{2,}", topics[name].lower())[:1200] for name in names]
    pieces = [[words[at : at + 15] for at in range(0, len(words), 15)] for words in chapters]
    seen = [[piece for index, piece in enumerate(chapter) if index % 3 < 2] for chapter in pieces]
    held = [[piece for index, piece in enumerate(chapter) if index % 3 == 2] for chapter in pieces]
    return [[word for piece in chapter for word in piece] for chapter in seen], [*seen, *held]


def word2vec_manual(seed: int, point: Point) -> Curve:
    """Log loss of telling chapters by the mean vector of fifteen words, whose vectors are learnt from their neighbours."""
    chapters, pieces = _manual()
    rng, size, window = np.random.default_rng(seed), int(point["vector_dim"]), int(point["window_size"])
    counts = Counter(word for words in chapters for word in words)
    names = [word for word, times in counts.items() if times >= int(point["min_count"])]
    numbers, times = {word: number for number, word in enumerate(names)}, np.array([counts[word] for word in names], dtype=float)
    shares, negatives = times**0.75 / (times**0.75).sum(), int(point["negative_samples"])
    vectors, others = (rng.random((len(names), size)) - 0.5) / size, np.zeros((len(names), size))
    rare = np.minimum(np.sqrt(float(point["sampling_threshold"]) / (times / times.sum())), 1.0)
    texts = [np.array([numbers[word] for word in words if word in numbers]) for words in chapters]
    epochs, rate = int(point["epochs"]), float(point["learning_rate"])
    with np.errstate(all="ignore"):
        for epoch in range(epochs):
            pairs = []
            for text in texts:
                kept = text[rng.random(len(text)) < rare[text]]
                apart = rng.integers(1, window + 1, len(kept)) * rng.choice([-1, 1], len(kept))
                there = np.arange(len(kept)) + apart
                inside = (there >= 0) & (there < len(kept))
                pairs.append(np.column_stack([kept[inside], kept[there[inside]]]))
            both = np.vstack(pairs)
            step = rate * (1.0 - epoch / epochs)
            for rows in np.array_split(rng.permutation(len(both)), max(len(both) // int(point["batch_size"]), 1)):
                words, near = both[rows].T
                wrong = rng.choice(len(names), negatives, p=shares)
                here, there, far = vectors[words], others[near], others[wrong]
                pull = 1 - sigmoid((here * there).sum(axis=1))
                push = sigmoid(here @ far.T)
                np.add.at(vectors, words, step * (pull[:, None] * there - push @ far))
                np.add.at(others, near, step * pull[:, None] * here)
                np.add.at(others, wrong, -step * (push.T @ here))
    means: list[list[Values]] = [[], []]
    labels: list[list[int]] = [[], []]
    for index, chapter in enumerate(pieces):
        for piece in chapter:
            known = [vectors[numbers[word]] for word in piece if word in numbers]
            means[index // 8].append(np.mean(known, axis=0) if known else np.zeros(size))
            labels[index // 8].append(index % 8)
    seen, held = (np.array(rows) for rows in means)
    if not np.isfinite(seen).all() or np.abs(seen).max() > 1e6:
        return []
    scaler = StandardScaler().fit(seen)
    model = LogisticRegression(C=0.1, max_iter=200).fit(scaler.transform(seen), labels[0])
    return [log_loss(model.predict_proba(scaler.transform(held)), np.array(labels[1], dtype=float))]
