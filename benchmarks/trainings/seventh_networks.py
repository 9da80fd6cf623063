"""How the networks of the seventh series are trained.

As in `families.py`, each function takes a seed and a point and returns the objective, to be minimised, once it is trained.
"""

import html.entities
from functools import cache
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from benchmarks.trainings.autodiff import Tensor, cross_entropy, dense, descend, through
from benchmarks.trainings.data import Values, unit
from benchmarks.trainings.fourth_networks import Rows, sigmoid, two_classes
from benchmarks.trainings.losses import Curve, error, log_loss, softmax
from benchmarks.trainings.seventh_families import typed
from local_emulator.domain.space import Point


@cache
def _tides() -> Values:
    """Heights of a made-up harbour, hour by hour: four constituents, what they do to each other in shallow water, and the wind."""
    rng, hours = np.random.default_rng(91), np.arange(1300)
    parts = zip((1.0, 0.45, 0.35, 0.3), (12.42, 12.0, 23.93, 25.82), rng.uniform(0, 6, 4), strict=True)
    heights = sum(height * np.sin(2 * np.pi * hours / period + phase) for height, period, phase in parts)
    wind = np.convolve(rng.normal(size=1300), 0.9 ** np.arange(40), "same")
    return unit(heights + 0.25 * heights**2 + 0.15 * wind * (1 - 0.3 * heights) + 0.1 * rng.normal(size=1300))


def cells_tides(seed: int, point: Point) -> Curve:
    """Error of what a recurrent network of one of three cells expects in four hours, by Nesterov's momentum and clipped slopes."""
    p, rng, heights = typed(point), np.random.default_rng(seed), _tides()
    size, back, kind = p["nhid"], p["bptt"], p["model"]
    count = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1}[kind] * size
    ends = np.arange(24, 1296)
    windows, ahead = heights[ends[:, None] - np.arange(back)[::-1]], heights[ends + 4]
    weights = [*dense(rng, 1, count), *dense(rng, size, count), *dense(rng, size, 1)]

    def forward(inputs: Values) -> Tensor:
        hidden = cell = Tensor(np.zeros((len(inputs), size)))
        for step in range(back):
            sums = Tensor(inputs[:, step, None]) @ weights[0] + weights[1]
            past = hidden @ weights[2] + weights[3]
            if kind == "RNN_TANH":
                hidden = (sums + past).bent("tanh")
                continue
            gates = (sums + past)[:, : 2 * size].bent("sigmoid")
            first, second = gates[:, :size], gates[:, size:]
            if kind == "GRU":
                new = (sums[:, 2 * size :] + first * past[:, 2 * size :]).bent("tanh")
                hidden = hidden + second * (new + hidden * -1.0)
            else:
                rest = (sums + past)[:, 2 * size :]
                cell = first * cell + second * rest[:, :size].bent("tanh")
                hidden = rest[:, size:].bent("sigmoid") * cell.bent("tanh")
        return hidden @ weights[4] + weights[5]

    def loss(rows: Rows) -> Tensor:
        off = forward(windows[rows]) + Tensor(-ahead[rows, None])
        return off * off * (1 / len(rows))

    descend(rng, weights, loss, 300, p | {"optimizer": "nesterov"})
    return [error(forward(windows[600:]).value[:, 0], ahead[600:])]


@cache
def _promoters() -> tuple[Values, Values]:
    """700 made-up stretches of 28 bases; half of them hold two motifs, some letters changed, in one order and not the other."""
    rng = np.random.default_rng(92)
    bases, labels = rng.integers(0, 4, (700, 28)), np.arange(700) % 2
    motifs = rng.integers(0, 4, 6), rng.integers(0, 4, 5)
    for row, label in zip(bases, labels, strict=True):
        for index in range(2):
            motif = motifs[index if label else 1 - index]
            start = rng.integers(0, 9) + 14 * index
            row[start : start + len(motif)] = np.where(rng.random(len(motif)) < 0.1, rng.integers(0, 4, len(motif)), motif)
    return np.eye(4)[bases], np.eye(2)[labels]


def deepbind_promoters(seed: int, point: Point) -> Curve:
    """Log loss of a convolution over bases, pooled over each half of them, and a layer, by one of three optimizers."""
    p, rng, (bases, labels) = typed(point), np.random.default_rng(seed), _promoters()
    size, filters = p["kernel_size"], p["filters"]
    windows = bases[:, np.arange(29 - size)[:, None] + np.arange(size)].reshape(700, 29 - size, 4 * size)
    weights = [*dense(rng, 4 * size, filters), *dense(rng, 2 * filters, 16, 2)]

    def forward(inputs: Values, kept: Values | float) -> Tensor:
        half = inputs.shape[1] // 2
        maps = (Tensor(inputs[:, : 2 * half]) @ weights[0] + weights[1]).bent("relu").reshape(2 * len(inputs), half, filters)
        pooled = maps.max(1) if p["pooling"] == "max" else maps.sum(1) * (1 / half)
        return through(weights[2:], pooled.reshape(len(inputs), 2 * filters) * kept, "relu")

    def loss(rows: Rows) -> Tensor:
        kept = (rng.random((len(rows), 2 * filters)) >= p["dropout"]) / (1 - p["dropout"])
        return cross_entropy(forward(windows[rows], kept), labels[rows])

    descend(rng, weights, loss, 300, p | {"lr": p["learning_rate"]})
    return [log_loss(softmax(forward(windows[300:], 1.0).value), labels[300:, 1])]


@cache
def _citations() -> tuple[Values, Values, Values]:
    """Which of 220 made-up papers cite each other, words of each, its field of four; fields cite some others more than themselves."""
    rng = np.random.default_rng(93)
    fields = rng.integers(0, 4, 220)
    often = np.array([[0.07, 0.01, 0.03, 0.0], [0.01, 0.015, 0.0, 0.05], [0.03, 0.0, 0.05, 0.01], [0.0, 0.05, 0.01, 0.01]])
    cites = np.triu(rng.random((220, 220)) < often[fields][:, fields] * rng.lognormal(0.0, 0.6, 220), 1)
    words = (rng.random((220, 30)) < 0.06 + 0.12 * (rng.random((4, 30)) < 0.3)[fields]).astype(float)
    return (cites | cites.T).astype(float), words, np.eye(4)[fields]


def gcn_citations(seed: int, point: Point) -> Curve:
    """Log loss of the fields of papers by convolutions over the graph, by Adam, a third of the papers' fields being known."""
    p, rng, (cites, words, fields) = typed(point), np.random.default_rng(seed), _citations()
    near = cites + np.eye(len(cites))
    degree = near.sum(axis=1)
    passed = Tensor({"gcn": near / np.sqrt(degree[:, None] * degree), "mean": near / degree[:, None], "add": near}[p["aggr"]])
    weights = dense(rng, words.shape[1], *[p["hidden_channels"]] * (p["num_layers"] - 1), 4)

    def forward(share: float) -> Tensor:
        values = Tensor(words)
        for index in range(0, len(weights), 2):
            values = values.bent("relu") if index else values
            kept = (rng.random(values.value.shape) >= share) / (1 - share)
            values = passed @ ((values * kept) @ weights[index]) + weights[index + 1]
        return values

    descend(rng, weights, lambda _: cross_entropy(forward(p["dropout"])[:73], fields[:73]), 73, p)
    return [log_loss(softmax(forward(0.0).value[73:]), fields[73:].argmax(axis=1).astype(float))]


@cache
def _adverts() -> tuple[Rows, Values]:
    """2,000 made-up impressions: site, advert, device, hour, town, format; clicks follow from pairs of them and from single ones."""
    rng = np.random.default_rng(94)
    sizes = np.array([40, 30, 4, 24, 15, 6])
    shown = np.column_stack([np.minimum(rng.geometric(2 / size, 2000) - 1, size - 1) for size in sizes])
    tastes = [rng.normal(size=(size, 3)) for size in sizes]
    seen = np.stack([taste[column] for taste, column in zip(tastes, shown.T, strict=True)])
    logits = 0.8 * (seen[0] * seen[1]).sum(axis=1) + 0.7 * seen[4, :, 0] - 1.2
    logits += 0.6 * (seen[2] * seen[5]).sum(axis=1) * np.sign(seen[3, :, 0])
    return shown + np.cumsum([0, *sizes[:-1]]), (rng.random(2000) < sigmoid(logits)).astype(float)


def deepfm_adverts(seed: int, point: Point) -> Curve:
    """Log loss of the sum of weights, of products of embeddings and of a network on these, by one of four optimizers."""
    p, rng, (shown, clicks) = typed(point), np.random.default_rng(seed), _adverts()
    size = p["embedding_dim"]
    embeddings, linear = Tensor(0.1 * rng.normal(size=(119, size))), Tensor(np.zeros(119))
    layers = dense(rng, 6 * size, p["dnn_hidden_units"], 1)

    def forward(rows: Rows, noise: np.random.Generator | None = None) -> tuple[Tensor, Tensor]:
        looked_up = embeddings[shown[rows]]
        total = looked_up.sum(1)
        pairs = (total * total + (looked_up * looked_up).sum(1) * -1.0).sum(1) * 0.5
        deep = through(layers, looked_up.reshape(len(rows), 6 * size), "relu", noise, p["dnn_dropout"])[:, 0]
        return linear[shown[rows]].sum(1) + pairs + deep, looked_up

    def loss(rows: Rows) -> Tensor:
        logits, looked_up = forward(rows, rng)
        penalty = (looked_up * looked_up).reshape(-1).sum(0) * float(p["l2_reg_embedding"] / len(rows))
        return (logits.bent("softplus") + logits * -clicks[rows]).sum(0) * (1 / len(rows)) + penalty

    weights = [embeddings, linear, *layers]
    descend(rng, weights, loss, 800, p | {"lr": p["learning_rate"]})
    return two_classes(sigmoid(forward(np.arange(800, 2000))[0].value), clicks[800:])


@cache
def _segments() -> Values:
    """900 pictures of digits of seven strokes, moved by up to two dots; one dot in 25 is wrong."""
    rng, pictures = np.random.default_rng(101), np.zeros((900, 9, 6))
    strokes: list[Any] = [np.s_[0, :4], np.s_[:4, 0], np.s_[:4, 3], np.s_[3, :4], np.s_[3:7, 0], np.s_[3:7, 3], np.s_[6, :4]]
    digits = ["1110111", "0010010", "1011101", "1011011", "0111010", "1101011", "1101111", "1010010", "1111111", "1111011"]
    for picture in pictures:
        down, right = rng.integers(0, 3, 2)
        for lit, stroke in zip(digits[rng.integers(10)], strokes, strict=True):
            picture[down:, right:][stroke] = float(lit)
    return np.abs(pictures.reshape(900, 54) - (rng.random((900, 54)) < 1 / 25))


def vae_segments(seed: int, point: Point) -> Curve:
    """Bound on the negative log likelihood of pictures, by a variational autoencoder that may have weighed its two parts otherwise."""
    p, rng, pictures = typed(point), np.random.default_rng(seed), _segments()
    size = p["latent_dim"]
    encoder, decoder = dense(rng, 54, p["hidden_dim"], 2 * size), dense(rng, size, p["hidden_dim"], 54)

    def loss(rows: Rows, weight: float) -> Tensor:
        codes = through(encoder, Tensor(pictures[rows]), "relu")
        mean, spread = codes[:, :size], codes[:, size:]
        logits = through(decoder, mean + (spread * 0.5).bent("exp") * rng.normal(size=(len(rows), size)), "relu")
        missed = (logits.bent("softplus") + logits * -pictures[rows]).sum(1)
        far = (mean * mean + spread.bent("exp") + spread * -1.0 + Tensor(np.full(1, -1.0))).sum(1)
        return (missed + far * (0.5 * weight)).sum(0) * (1 / len(rows))

    descend(rng, [*encoder, *decoder], lambda rows: loss(rows, p["beta"]), 400, p | {"lr": p["learning_rate"]})
    return [float(loss(np.arange(400, 900), 1.0).value)]


@cache
def _gestures() -> tuple[Values, Values, Values, Values]:
    """1,500 made-up gestures of six kinds, quick and slow, in three axes; labels, wrong ones for one in five; logits of a teacher."""
    rng = np.random.default_rng(102)
    kinds, at = rng.integers(0, 6, 1500), np.linspace(0, 1, 16) ** rng.lognormal(0.0, 0.25, (1500, 1))
    waves, phases = rng.integers(1, 4, (6, 3, 1)), rng.uniform(0, 6, (6, 3, 1))
    moves = np.sin(2 * np.pi * waves[kinds] * at[:, None] + phases[kinds]) * rng.lognormal(0.0, 0.4, (1500, 1, 1))
    rows = (moves + 0.8 * rng.normal(size=moves.shape)).reshape(1500, 48)
    teacher = RandomForestClassifier(100, min_samples_leaf=3, random_state=0).fit(rows[:700], kinds[:700])
    wrong = np.where(rng.random(1500) < 1 / 5, rng.integers(0, 6, 1500), kinds)
    return rows, np.eye(6)[kinds], np.eye(6)[wrong], np.log(teacher.predict_proba(rows) + 1e-3)


def distilled_gestures(seed: int, point: Point) -> Curve:
    """Log loss of a small network that learns from labels and from a forest that has seen more, by Nesterov's momentum."""
    p, rng, (rows, kinds, labels, logits) = typed(point), np.random.default_rng(seed), _gestures()
    layers, soft = dense(rng, 48, p["hidden_units"], 6), softmax(logits / p["temperature"])

    def loss(batch: Rows) -> Tensor:
        out = through(layers, Tensor(rows[batch]), "relu")
        distilled = cross_entropy(out * (1 / p["temperature"]), soft[batch]) * float(p["alpha"] * p["temperature"] ** 2)
        return distilled + cross_entropy(out, labels[batch]) * float(1 - p["alpha"])

    descend(rng, layers, loss, 300, p | {"optimizer": "nesterov", "lr": p["learning_rate"]})
    return [log_loss(softmax(through(layers, Tensor(rows[700:]), "relu").value), kinds[700:].argmax(axis=1).astype(float))]


@cache
def _entities() -> tuple[Rows, Rows]:
    """The names of HTML's characters: the eight letters before each letter, and that one; 0 is none."""
    names = sorted({name.rstrip(";").lower() for name in html.entities.html5})
    letters = {letter: index for index, letter in enumerate(sorted({"", *"".join(names)}))}
    texts = [[0] * 8 + [letters[letter] for letter in name] + [0] for name in np.random.default_rng(103).permutation(names)]
    pairs = [(text[end - 8 : end], text[end]) for text in texts for end in range(8, len(text))]
    return np.array([before for before, _ in pairs]), np.array([letter for _, letter in pairs])


def makemore_entities(seed: int, point: Point) -> Curve:
    """Log loss of the next letter, by a network on embeddings of those before it, by Adam."""
    p, rng, (before, letters) = typed(point), np.random.default_rng(seed), _entities()
    size, kinds = p["block_size"], int(letters.max()) + 1
    embeddings = Tensor(rng.normal(size=(kinds, p["n_embd"])))
    layers = dense(rng, size * p["n_embd"], p["n_hidden"], kinds)

    def forward(rows: Rows) -> Tensor:
        return through(layers, embeddings[before[rows, 8 - size :]].reshape(len(rows), size * p["n_embd"]), "tanh")

    def loss(rows: Rows) -> Tensor:
        return cross_entropy(forward(rows % 6000), np.eye(kinds)[letters[rows % 6000]])

    settings = p | {"epochs": 1, "lr": p["learning_rate"]}
    descend(rng, [embeddings, *layers], loss, p["max_steps"] * p["batch_size"], settings)
    held = np.arange(6000, 8000)
    return [log_loss(softmax(forward(held).value), letters[held].astype(float))]
