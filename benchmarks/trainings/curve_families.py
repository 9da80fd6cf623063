"""Trainings that are recorded for their learning curves: ten families on ten data sets that no other series has.

As in `families.py`, each function takes a seed and a point and returns the objective, to be minimised, after each epoch. In most of
them something that learns slowly may overtake late: rates that overfit, schedules that fall, averages, regularisation.
"""

import math
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import xgboost
from sklearn.cluster import MiniBatchKMeans
from sklearn.datasets import make_blobs, make_low_rank_matrix
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import SGDRegressor
from sklearn.neural_network import BernoulliRBM, MLPClassifier

from benchmarks.trainings.data import Split, Values, split, unit
from benchmarks.trainings.losses import Curve, error, log_loss, softmax
from local_emulator.domain.space import Point


@cache
def _steps() -> Split:
    """A function with steps, 8 columns of which 3 count, noise with outliers; few rows to learn from."""
    rng = np.random.default_rng(11)
    inputs = rng.uniform(size=(700, 8))
    targets = np.floor(3.0 * inputs[:, 0]) + (inputs[:, 1] > inputs[:, 2]) + rng.standard_t(2, 700) * 0.4
    return split(150, inputs, unit(np.clip(targets, -6.0, 9.0)))


def robust_steps(seed: int, point: Point) -> Curve:
    """Absolute error of gradient boosting with one of three losses, after each tree."""
    seen, held, targets, held_targets = _steps()
    model = GradientBoostingRegressor(
        loss=point["loss"],
        n_estimators=40,
        learning_rate=float(point["learning_rate"]),
        max_leaf_nodes=int(point["max_leaf_nodes"]),
        subsample=float(point["subsample"]),
        max_features=float(point["max_features"]),
        random_state=seed,
    ).fit(seen, targets)
    return [float(np.abs(predicted - held_targets).mean()) for predicted in model.staged_predict(held)]


@cache
def _counts() -> Split:
    """Counts whose logarithm is a sum of waves, 6 columns of which 4 count."""
    rng = np.random.default_rng(12)
    inputs = rng.normal(size=(900, 6))
    rates = np.exp(0.5 + 0.6 * np.sin(2.0 * inputs[:, 0]) + 0.4 * inputs[:, 1] * inputs[:, 2] - 0.3 * np.abs(inputs[:, 3]))
    return split(250, inputs, rng.poisson(np.minimum(rates, 30.0)).astype(float))


def poisson_counts(seed: int, point: Point) -> Curve:
    """Poisson loss of XGBoost after each round."""
    seen, held, counts, held_counts = _counts()
    curve: dict[str, dict[str, list[float]]] = {}
    settings = {
        "objective": "count:poisson",
        "eta": float(point["eta"]),
        "max_depth": int(point["max_depth"]),
        "min_child_weight": float(point["min_child_weight"]),
        "subsample": float(point["subsample"]),
        "max_delta_step": float(point["max_delta_step"]),
        "lambda": float(point["lambda"]),
        "nthread": 1,
        "seed": seed,
    }
    held_rows = xgboost.DMatrix(held, held_counts)
    rows = xgboost.DMatrix(seen, counts)
    xgboost.train(settings, rows, 45, evals=[(held_rows, "held")], evals_result=curve, verbose_eval=False)
    return curve["held"]["poisson-nloglik"]


@cache
def _spirals() -> Split:
    """Two spirals around one another, with noise."""
    rng = np.random.default_rng(13)
    angles, labels = np.sqrt(rng.uniform(size=700)) * 3.0 * math.pi, rng.integers(2, size=700).astype(float)
    turned = angles + math.pi * labels
    inputs = np.column_stack([angles * np.cos(turned), angles * np.sin(turned)]) + 0.5 * rng.normal(size=(700, 2))
    return split(300, inputs, labels)


def annealed_spirals(seed: int, point: Point) -> Curve:
    """Log loss of a network in plain arrays whose learning rate falls by one of three schedules, after each epoch."""
    seen, held, labels, held_labels = _spirals()
    rng, width, batch, epochs = np.random.default_rng(seed), int(point["width"]), int(point["batch_size"]), 27
    rate, momentum, decay = (float(point[name]) for name in ("learning_rate", "momentum", "decay"))
    sizes = (2, width, width, 1)
    weights = [rng.normal(size=(rows, columns)) * math.sqrt(2.0 / rows) for rows, columns in pairwise(sizes)]
    shifts = [np.zeros(columns) for columns in sizes[1:]]
    moves = [np.zeros_like(array) for array in (*weights, *shifts)]
    curve = []
    with np.errstate(all="ignore"):
        for epoch in range(epochs):
            done = epoch / epochs
            falls = {"constant": 1.0, "cosine": 0.5 + 0.5 * math.cos(math.pi * done), "step": 1.0 if done < 2 / 3 else 0.1}
            step = rate * falls[point["schedule"]]
            for rows in np.array_split(rng.permutation(len(seen)), max(len(seen) // batch, 1)):
                layers = _layers(seen[rows], weights, shifts)
                back = (_probability(layers[-1][:, 0]) - labels[rows])[:, None] / len(rows)
                gradients: list[Values] = []
                for depth in (2, 1, 0):
                    gradients = [layers[depth].T @ back + decay * weights[depth], back.sum(axis=0), *gradients]
                    back = back @ weights[depth].T * (layers[depth] > 0)
                for move, array, gradient in zip(moves, (*weights, *shifts), (*gradients[::2], *gradients[1::2]), strict=True):
                    np.add(momentum * move, -step * gradient, out=move)
                    np.add(array, move, out=array)
            probability = _probability(_layers(held, weights, shifts)[-1][:, 0])
            curve.append(log_loss(np.column_stack([1.0 - probability, probability]), held_labels))
    return curve


def _layers(inputs: Values, weights: list[Values], shifts: list[Values]) -> list[Values]:
    layers = [inputs]
    for depth, (matrix, shift) in enumerate(zip(weights, shifts, strict=True)):
        sums = layers[-1] @ matrix + shift
        layers.append(np.maximum(sums, 0.0) if depth + 1 < len(weights) else sums)
    return layers


def _probability(scores: Values) -> Values:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(scores, -30.0, 30.0))))


@cache
def _blobs() -> Split:
    """Five clouds in 12 dimensions; three in ten of the labels to learn from are wrong, none of those held out."""
    inputs, labels = make_blobs(900, 12, centers=5, cluster_std=5.0, random_state=14)
    seen, held, targets, held_targets = split(250, inputs, labels)
    rng = np.random.default_rng(14)
    return seen, held, np.where(rng.random(len(targets)) < 0.3, rng.integers(5, size=len(targets)), targets), held_targets


def mislabelled_blobs(seed: int, point: Point) -> Curve:
    """Log loss of a network that learns wrong labels by heart if it can, after each epoch."""
    seen, held, labels, held_labels = _blobs()
    model = MLPClassifier(
        hidden_layer_sizes=(int(point["hidden"]),) * int(point["layers"]),
        activation=point["activation"],
        learning_rate_init=float(point["learning_rate"]),
        batch_size=int(point["batch_size"]),
        alpha=float(point["alpha"]),
        beta_1=float(point["beta"]),
        random_state=seed,
    )
    curve = []
    for _ in range(30):
        try:
            model.partial_fit(seen, labels, classes=np.arange(5))
        except ValueError:  # weights that are no finite numbers any more
            break
        curve.append(log_loss(model.predict_proba(held), held_labels))
    return curve


@cache
def _lowrank() -> Split:
    """A linear function with noise of 80 columns that hang together."""
    rng = np.random.default_rng(15)
    inputs = make_low_rank_matrix(600, 80, effective_rank=12, tail_strength=0.3, random_state=15)
    inputs /= inputs.std(axis=0)
    return split(150, inputs, unit(inputs @ rng.normal(size=80) + 6.0 * rng.normal(size=600)))


def averaged_lowrank(seed: int, point: Point) -> Curve:
    """Error of linear regression by stochastic gradients, averaged from a step on, after each epoch."""
    seen, held, targets, held_targets = _lowrank()
    begin = int(point["average"])
    model = SGDRegressor(
        loss=point["loss"],
        penalty=point["penalty"],
        alpha=float(point["alpha"]),
        learning_rate="invscaling",
        eta0=float(point["learning_rate"]),
        power_t=float(point["power_t"]),
        average=begin if point["averaging"] == "yes" else False,
        random_state=seed,
    )
    curve = []
    for _ in range(20):
        try:
            model.partial_fit(seen, targets)
        except ValueError:  # weights that are no finite numbers any more
            break
        curve.append(error(np.clip(model.predict(held), -1e4, 1e4), held_targets))
    return curve


@cache
def _tastes() -> tuple[Values, Values, Values]:
    """Ratings of 50 dishes by 70 guests by three tastes with noise: ratings, whether seen, whether held out."""
    rng = np.random.default_rng(16)
    ratings = rng.normal(size=(70, 3)) @ rng.normal(size=(3, 50)) + 0.8 * rng.normal(size=(70, 50))
    drawn = rng.random(ratings.shape)
    return ratings, (drawn < 0.25).astype(float), (drawn > 0.7).astype(float)


def alternating_dishes(seed: int, point: Point) -> Curve:
    """Error of a factorisation by alternating least squares that moves a part of the way, after each round."""
    ratings, seen, held = _tastes()
    rng, rank = np.random.default_rng(seed), int(point["rank"])
    guests, dishes = (rng.normal(size=(count, rank)) * float(point["initial"]) for count in ratings.shape)
    part, rows = float(point["part"]), float(point["rows"])
    curve = []
    for number in range(24):
        penalty = float(point["penalty"]) * float(point["fall"]) ** number
        for own, other, known, values in ((guests, dishes, seen, ratings), (dishes, guests, seen.T, ratings.T)):
            chosen = known * (rng.random(known.shape) < rows)
            gram = np.einsum("ij,jk,jl->ikl", chosen, other, other) + penalty * np.eye(rank)
            solved = np.linalg.solve(gram, ((chosen * values) @ other)[:, :, None])[:, :, 0]
            np.add(own, part * (solved - own), out=own)
        misses = (guests @ dishes.T - ratings) ** 2 * held
        curve.append(math.sqrt(float(misses.sum() / held.sum())))
    return curve


@cache
def _offers() -> tuple[Values, Values]:
    """Five offers for people with eight features: features, and how probably each offer is taken."""
    rng = np.random.default_rng(17)
    people = rng.normal(size=(1500, 8))
    scores = np.sin(people @ rng.normal(size=(8, 5))) + 0.5 * (people**2) @ rng.normal(size=(8, 5)) / 4.0
    return people, _probability(scores - 1.0)


def policy_offers(seed: int, point: Point) -> Curve:
    """Share of offers not taken under a policy that learns by gradients from what it offered, after each epoch."""
    people, taken = _offers()
    rng, width, batch = np.random.default_rng(seed), int(point["width"]), int(point["batch_size"])
    rate, entropy, follow = (float(point[name]) for name in ("learning_rate", "entropy", "baseline"))
    first = rng.normal(size=(8, width)) * float(point["initial"]) / math.sqrt(8.0)
    second, baseline, curve = np.zeros((width, 5)), 0.0, []
    for _ in range(30):
        for rows in np.array_split(rng.permutation(900)[:450], max(450 // batch, 1)):
            hidden = np.tanh(people[rows] @ first)
            chances = softmax(hidden @ second)
            offered = (chances.cumsum(axis=1) < rng.random((len(rows), 1))).sum(axis=1).clip(max=4)
            reward = (rng.random(len(rows)) < taken[rows, offered]).astype(float)
            advantage = (reward - baseline)[:, None]
            baseline += follow * (float(reward.mean()) - baseline)
            logs = np.log(np.maximum(chances, 1e-12))
            spread = chances * (logs - (chances * logs).sum(axis=1, keepdims=True))
            off = (advantage * (np.eye(5)[offered] - chances) - entropy * spread) / len(rows)
            back = off @ second.T * (1.0 - hidden**2)
            second = np.clip(second + rate * hidden.T @ off, -1e3, 1e3)
            first = np.clip(first + rate * people[rows].T @ back, -1e3, 1e3)
        chances = softmax(np.tanh(people[900:] @ first) @ second)
        curve.append(1.0 - float((chances * taken[900:]).sum(axis=1).mean()))
    return curve


@cache
def _waves() -> Split:
    """Waves of two columns with noise, two more columns that do not count; 50 rows to learn from."""
    rng = np.random.default_rng(18)
    inputs = rng.uniform(-2.0, 2.0, size=(250, 4))
    return split(50, inputs, unit(np.sin(2.5 * inputs[:, 0]) + 0.5 * np.cos(4.0 * inputs[:, 1]) + 0.3 * rng.normal(size=250)))


def process_waves(seed: int, point: Point) -> Curve:
    """Negative log likelihood, and four, of a Gaussian process whose settings follow the gradient of some rows, after each step."""
    seen, held, targets, held_targets = _waves()
    rng, rate, momentum = np.random.default_rng(seed), float(point["learning_rate"]), float(point["momentum"])
    share, clip = float(point["rows"]), float(point["clip"])
    settings = np.log(np.array([float(point["length"])] * 4 + [1.0, float(point["noise"])]))
    settings[:4] += float(point["spread"]) * rng.normal(size=4)
    move, curve = np.zeros(6), []
    for _ in range(27):
        rows = rng.permutation(len(seen))[: max(int(share * len(seen)), 8)]
        gradient = np.array([
            (_evidence(settings + moved, seen[rows], targets[rows]) - _evidence(settings - moved, seen[rows], targets[rows])) / 2e-3
            for moved in 1e-3 * np.eye(6)
        ])  # fmt: skip
        gradient *= min(1.0, clip / max(float(np.linalg.norm(gradient)), 1e-12))
        move = momentum * move - rate * gradient
        settings = np.clip(settings + move, -6.0, 6.0)
        gram = _covariance(settings, seen, seen) + math.exp(settings[5]) * np.eye(len(seen))
        across = np.linalg.solve(gram, _covariance(settings, seen, held))
        spread = np.maximum(
            math.exp(settings[4]) + math.exp(settings[5]) - (across * _covariance(settings, seen, held)).sum(0), 1e-4
        )
        misses = (held_targets - across.T @ targets) ** 2
        curve.append(4.0 + float((0.5 * np.log(2.0 * math.pi * spread) + 0.5 * misses / spread).mean()))
    return curve


def _covariance(settings: Values, left: Values, right: Values) -> Values:
    scales = np.exp(settings[:4])
    distances = (((left / scales)[:, None, :] - (right / scales)[None, :, :]) ** 2).sum(axis=2)
    return np.asarray(math.exp(settings[4]) * np.exp(-0.5 * distances))


def _evidence(settings: Values, inputs: Values, targets: Values) -> float:
    """Negative log marginal likelihood of a row."""
    gram = _covariance(settings, inputs, inputs) + (math.exp(settings[5]) + 1e-6) * np.eye(len(inputs))
    _, size = np.linalg.slogdet(gram)
    return float(0.5 * (targets @ np.linalg.solve(gram, targets) + size) / len(inputs))


@cache
def _bars() -> tuple[Values, Values]:
    """Pictures of six by six dots, of rows and columns of dots that are all on, a twentieth of the dots wrong: seen, held out."""
    rng = np.random.default_rng(19)
    rows, columns = rng.random((600, 6, 1)) < 0.25, rng.random((600, 1, 6)) < 0.25
    pictures = ((rows | columns) ^ (rng.random((600, 6, 6)) < 0.05)).reshape(600, 36).astype(float)
    return pictures[:250], pictures[250:]


def boltzmann_bars(seed: int, point: Point) -> Curve:
    """Share of dots that a restricted Boltzmann machine restores wrongly, a fifth of them hidden, after each epoch."""
    seen, held = _bars()
    rng = np.random.default_rng(19)
    hidden = rng.random(held.shape) < 0.2
    model = BernoulliRBM(int(point["components"]), learning_rate=float(point["learning_rate"]), random_state=seed)
    batch, own, fall, curve = int(point["batch_size"]), np.random.default_rng(seed), float(point["fall"]), []
    for epoch in range(18):
        model.learning_rate = float(point["learning_rate"]) * fall**epoch
        for rows in np.array_split(own.permutation(len(seen)), max(len(seen) // batch, 1)):
            model.partial_fit(seen[rows])
            model.components_ *= 1.0 - float(point["decay"])
        restored = np.where(hidden, 0.5, held)
        for _ in range(3):
            up = _probability(restored @ model.components_.T + model.intercept_hidden_)
            restored = np.where(hidden, _probability(up @ model.components_ + model.intercept_visible_), held)
        curve.append(float(np.abs(restored - held)[hidden].mean()))
    return curve


@cache
def _clouds() -> tuple[Values, Values]:
    """Nine clouds of unequal size in five dimensions: seen, held out."""
    widths: Any = [0.5, 0.5, 1.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0]
    inputs, _ = make_blobs(1200, 5, centers=9, cluster_std=widths, random_state=20)
    return inputs[:500] / inputs.std(), inputs[500:] / inputs.std()


def centres_clouds(seed: int, point: Point) -> Curve:
    """Distance to the nearest centre, and a price for each, of k-means batch by batch, after each epoch."""
    seen, held = _clouds()
    count, batch = int(point["n_clusters"]), int(point["batch_size"])
    model = MiniBatchKMeans(
        count,
        init=point["init"],
        n_init=1,
        batch_size=batch,
        reassignment_ratio=float(point["reassignment_ratio"]),
        random_state=seed,
    )
    rng, curve = np.random.default_rng(seed), []
    for _ in range(15):
        for rows in np.array_split(rng.permutation(len(seen)), max(len(seen) // max(batch, count), 1)):
            model.partial_fit(seen[rows])
        distances = ((held[:, None, :] - model.cluster_centers_[None]) ** 2).sum(axis=2).min(axis=1)
        curve.append(float(np.sqrt(distances).mean()) + 0.01 * count)
    return curve
