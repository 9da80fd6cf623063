"""How the networks of the sixth series are trained that embed texts, embed pairs, or act: three families.

As in `fourth_families.py`, each function takes a seed and a point and returns the objective, to be minimised, once it is trained.
"""

import math
from functools import cache

import numpy as np
import numpy.typing as npt

from benchmarks.trainings.data import Values
from benchmarks.trainings.fourth_networks import Rows, batches
from benchmarks.trainings.losses import Curve, log_loss, softmax
from benchmarks.trainings.optimizer import Optimizer
from benchmarks.trainings.sixth_networks import Network
from local_emulator.domain.space import Point

# --- texts as pools of embedded words ---------------------------------------------------------------------------------------

_LENGTH, _WORDS, _QUEUES = 30, 1000, 6


@cache
def _tickets() -> tuple[Rows, Values]:
    """1,800 tickets of 30 words of 1,000 by how frequent they are, for six queues: each has usual words and a few that decide."""
    rng = np.random.default_rng(86)
    labels = rng.integers(0, _QUEUES, 1800)
    shares = 1 / (5.0 + np.arange(_WORDS))
    usual = shares * rng.lognormal(0.0, 0.5, (_QUEUES, _WORDS))
    words = np.stack([rng.choice(_WORDS, _LENGTH, p=usual[label] / usual[label].sum()) for label in labels])
    telling = rng.permutation(np.arange(20, 500))[: 12 * _QUEUES].reshape(_QUEUES, 12)
    decisive = rng.integers(0, 3, 1800)
    for index, label in enumerate(labels):  # rather at the beginning
        words[index, (_LENGTH * rng.beta(1.0, 2.0, decisive[index])).astype(int)] = rng.choice(telling[label], decisive[index])
    labels = np.where(rng.random(1800) < 0.04, rng.integers(0, _QUEUES, 1800), labels)
    return words, labels.astype(float)


def pooling_tickets(seed: int, point: Point) -> Curve:
    """Log loss of a softmax on the mean or the largest values of word embeddings."""
    words, labels = _tickets()
    rng, size, seen = np.random.default_rng(seed), int(point["embedding_dim"]), 800
    known, dropout = int(point["vocabulary_size"]), float(point["word_dropout"])
    words = np.minimum(words[:, : int(point["max_length"])], known)  # one more stands for all that are not known, or dropped
    table, outward, shift = 0.1 * rng.normal(size=(known + 1, size)), np.zeros((size, _QUEUES)), np.zeros(_QUEUES)
    optimizer = Optimizer(point["optimizer"], [table, outward, shift], float(point["learning_rate"]))
    largest, across = point["pooling"] == "max", np.arange(size)

    def pooled(texts: Rows) -> tuple[Values, Rows]:
        """The pool of each text, and where in the table its slopes go."""
        vectors = table[texts]
        if largest:
            at = np.take_along_axis(texts, vectors.argmax(axis=1), axis=1)
            return vectors.max(axis=1), at * size + across
        return vectors.mean(axis=1), texts[:, :, None] * size + across

    with np.errstate(all="ignore"):
        for rows, _ in batches(rng, seen, int(point["batch_size"]), int(point["epochs"])):
            texts = np.where(rng.random((len(rows), words.shape[1])) < dropout, known, words[rows])
            pool, places = pooled(texts)
            off = softmax(pool @ outward + shift)
            off[np.arange(len(rows)), labels[rows].astype(int)] -= 1.0
            off /= len(rows)
            below = off @ outward.T
            if not largest:
                below = np.repeat(below[:, None] / words.shape[1], words.shape[1], axis=1)
            entries = np.bincount(places.ravel(), below.ravel(), table.size).reshape(table.shape).astype(float)
            optimizer.step([entries, pool.T @ off, off.sum(axis=0)])
        return [log_loss(softmax(pooled(words[seen:])[0] @ outward + shift), labels[seen:])]


# --- two towers -------------------------------------------------------------------------------------------------------------


@cache
def _articles() -> tuple[Values, Values]:
    """900 questions and the articles that answer them: two bent views, of 30 and 40 columns, of eight hidden numbers, with noise."""
    rng = np.random.default_rng(87)
    hidden = rng.normal(size=(900, 8)) * np.array([1.5, 1.3, 1.1, 1.0, 0.9, 0.8, 0.7, 0.6])
    views = []
    for columns, noise in ((30, 0.5), (40, 0.3)):
        bent = np.tanh(hidden @ rng.normal(size=(8, 24)) * 0.5 + 0.5 * rng.normal(size=24))
        views.append(bent @ rng.normal(size=(24, columns)) / math.sqrt(24) * 2 + noise * rng.normal(size=(900, columns)))
    return views[0], views[1]


def twotower_articles(seed: int, point: Point) -> Curve:
    """One minus the mean reciprocal rank of the article that answers, by two networks that are to meet."""
    questions, articles = _articles()
    rng, width, size, seen = np.random.default_rng(seed), int(point["hidden_units"]), int(point["embedding_dim"]), 500
    towers = [Network(rng, (views.shape[1], width, size)) for views in (questions, articles)]
    arrays = [array for tower in towers for array in tower.arrays]
    optimizer = Optimizer("adam", arrays, float(point["learning_rate"]))
    heat, margin, cosine = float(point["temperature"]), float(point["margin"]), point["similarity"] == "cosine"

    def scaled(out: Values) -> tuple[Values, Values]:
        length = np.linalg.norm(out, axis=1, keepdims=True) + 1e-9 if cosine else np.ones((len(out), 1))
        return out / length, length

    with np.errstate(all="ignore"):
        for rows, _ in batches(rng, seen, int(point["batch_size"]), int(point["epochs"])):
            outs, layers = zip(
                *[tower.forward(views[rows]) for tower, views in zip(towers, (questions, articles), strict=True)], strict=True
            )
            ends = [scaled(out) for out in outs]
            alike = ends[0][0] @ ends[1][0].T
            if point["loss"] == "softmax":
                off = (softmax(alike / heat) - np.eye(len(rows))) / heat
            else:
                off = (alike > np.diag(alike)[:, None] - margin) / (len(rows) - 1.0)
                np.fill_diagonal(off, 0.0)
                np.fill_diagonal(off, -off.sum(axis=1))
            off /= len(rows)
            slopes = []
            for tower, trace, (end, length), above in zip(
                towers, layers, ends, (off @ ends[1][0], off.T @ ends[0][0]), strict=True
            ):
                turned = (above - end * (above * end).sum(axis=1, keepdims=True)) / length if cosine else above
                slopes += tower.back(trace, turned)[0]
            optimizer.step(slopes)
        ends = [scaled(tower.forward(views[seen:])[0]) for tower, views in zip(towers, (questions, articles), strict=True)]
        alike = ends[0][0] @ ends[1][0].T
    ranks = (~(alike < np.diag(alike)[:, None])).sum(axis=1)  # what is equal or no number counts as before it
    return [1.0 - float((1 / ranks).mean())]


# --- a policy that balances -------------------------------------------------------------------------------------------------

_STEPS = 100
Flags = npt.NDArray[np.bool_]


def _pushed(states: Values, right: Flags) -> tuple[Values, Flags]:
    """The states of carts with poles a fiftieth of a second later, and which have fallen: the equations of Gym's CartPole."""
    _, speed, angle, turning = states.T
    sine, cosine = np.sin(angle), np.cos(angle)
    pull = (np.where(right, 10.0, -10.0) + 0.05 * turning**2 * sine) / 1.1
    turned = (9.8 * sine - cosine * pull) / (0.5 * (4 / 3 - 0.1 * cosine**2 / 1.1))
    moved = pull - 0.05 * turned * cosine / 1.1
    after = states + 0.02 * np.column_stack([speed, moved, turning, turned])
    return after, (np.abs(after[:, 0]) > 2.4) | (np.abs(after[:, 2]) > 0.2095)


def _played(rng: np.random.Generator, policy: Network, count: int, *, best: bool) -> tuple[Values, Values, Values]:
    """States, pushes and which poles still stood, by step and episode."""
    states: Values = rng.uniform(-0.05, 0.05, (count, 4))
    standing: Flags = np.ones(count, dtype=bool)
    seen: list[Values] = []
    pushes: list[Values] = []
    stood: list[Values] = []
    while standing.any() and len(seen) < _STEPS:
        logits = policy.forward(states)[0][:, 0]
        right = logits > (0.0 if best else rng.logistic(size=count))
        seen.append(states)
        pushes.append(right.astype(float))
        stood.append(standing.astype(float))
        after, fallen = _pushed(states, right)
        standing = standing & ~fallen
        states = np.where(standing[:, None], after, states)
    return np.stack(seen), np.stack(pushes), np.stack(stood)


def reinforce_cartpole(seed: int, point: Point) -> Curve:
    """Share of 100 steps in which a pole does not stand any more, after learning by the policy's gradients."""
    rng, width, episodes = np.random.default_rng(seed), int(point["hidden_units"]), int(point["episodes_per_update"])
    gamma, entropy, rate = (float(point[name]) for name in ("gamma", "entropy_coef", "learning_rate"))
    policy, critic = Network(rng, (4, width, 1), "tanh"), Network(rng, (4, width, 1), "tanh")
    optimizer = Optimizer(point["optimizer"], policy.arrays, rate)
    following = Optimizer(point["optimizer"], critic.arrays, rate)
    with np.errstate(all="ignore"):
        for _ in range(int(point["updates"])):
            states, pushes, stood = _played(rng, policy, episodes, best=False)
            returns = np.zeros_like(stood)
            for step in reversed(range(len(stood))):
                returns[step] = stood[step] + (gamma * returns[step + 1] if step + 1 < len(stood) else 0.0)
            valid = stood.ravel() > 0
            inputs, gained, pushed = states.reshape(-1, 4)[valid], returns.ravel()[valid], pushes.ravel()[valid]
            if point["baseline"] == "value":
                value, trace = critic.forward(inputs)
                following.step(critic.back(trace, (value - gained[:, None]) / len(gained))[0])
                gained = gained - value[:, 0]
            elif point["baseline"] == "mean":
                gained = (gained - gained.mean()) / (gained.std() + 1e-6)
            logits, layers = policy.forward(inputs)
            chances = 1 / (1 + np.exp(-logits[:, 0]))
            off = (chances - pushed) * gained + entropy * logits[:, 0] * chances * (1 - chances)
            optimizer.step(policy.back(layers, off[:, None] / len(off))[0])
        return [1.0 - float(_played(rng, policy, 40, best=True)[2].sum(axis=0).mean()) / _STEPS]
