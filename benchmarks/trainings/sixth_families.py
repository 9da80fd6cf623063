"""How the models of the sixth series are trained that are boosted or recommend: three families, on data that no other series has.

As in `fourth_families.py`, each function takes a seed and a point and returns the objective, to be minimised, once it is trained.
"""

from functools import cache
from typing import Any

import numpy as np
import xgboost
from sklearn.ensemble import GradientBoostingClassifier

from benchmarks.trainings.data import Split, Values, nine_tenths, split
from benchmarks.trainings.fourth_networks import Rows, batches, sigmoid
from benchmarks.trainings.losses import Curve, log_loss
from benchmarks.trainings.optimizer import Optimizer
from local_emulator.domain.space import Point

# --- gradient boosting with scikit-learn's names ----------------------------------------------------------------------------


@cache
def _readmissions() -> Split:
    """1,700 made-up discharges: age, stays before, days, illnesses, drugs, gaps; who is back within a month, one in four."""
    rng = np.random.default_rng(83)
    count = 1700
    age, before, days = rng.normal(64, 15, count), rng.poisson(0.8, count), rng.gamma(2.0, 2.5, count)
    ill, drugs = rng.random((count, 10)) < rng.uniform(0.05, 0.4, 10), rng.poisson(6.0, count)
    ward, home, values = rng.integers(0, 5, count), rng.integers(0, 3, count), rng.normal(size=(count, 6))
    risk = 0.6 * np.minimum(before, 4) + 0.02 * (age - 64) + 0.5 * ill[:, 0] * (drugs > 8) + 0.7 * ill[:, 1] * (home == 1)
    risk += 0.4 * (days < 2) + 0.08 * np.maximum(days - 6, 0) + 0.5 * np.abs(values[:, 0]) - 0.5 * (ward == 2) * values[:, 1]
    labels = rng.random(count) < sigmoid(1.3 * (risk - np.quantile(risk, 0.8)))
    values = np.where(rng.random(values.shape) < 0.1, -4.0, values)
    return split(550, np.column_stack([age, before, days, ill, drugs, ward, home, values]), labels.astype(float))


def gbm_readmissions(seed: int, point: Point) -> Curve:
    """Log loss of scikit-learn's gradient boosting."""
    seen, held, labels, held_labels = _readmissions()
    model = GradientBoostingClassifier(
        loss=point["loss"],
        init=None if point["init"] == "prior" else "zero",
        max_features=None if point["max_features"] == "all" else point["max_features"],
        n_estimators=int(point["n_estimators"]),
        learning_rate=float(point["learning_rate"]),
        max_depth=int(point["max_depth"]),
        min_samples_leaf=int(point["min_samples_leaf"]),
        subsample=float(point["subsample"]),
        random_state=seed,
    ).fit(seen, labels)
    return [log_loss(model.predict_proba(held), held_labels)]


# --- boosting of trees or of lines ------------------------------------------------------------------------------------------


@cache
def _rents() -> Split:
    """Rents of 1,500 made-up flats: size, rooms, floor, year, where, how far from the centre, equipment; most add up, some do not."""
    rng = np.random.default_rng(84)
    count = 1500
    size, year, floor = rng.lognormal(4.1, 0.4, count), rng.uniform(1900, 2020, count), rng.integers(0, 9, count)
    rooms = np.maximum(np.round(size / 25 + rng.normal(scale=0.6, size=count)), 1)
    where, equipment, area = rng.normal(size=(count, 2)), rng.random((count, 8)) < 0.3, rng.integers(0, 10, count)
    far = np.linalg.norm(where, axis=1)
    worth = (
        0.75 * np.log(size) - 0.18 * far + 0.05 * rooms + 0.06 * equipment @ rng.normal(size=8) + rng.normal(0, 0.12, 10)[area]
    )
    worth += 0.25 * (year > 2005) + 0.2 * (year < 1920) * (far < 0.8) + 0.02 * floor * equipment[:, 0]
    rents = np.exp(worth - worth.mean()) * rng.gamma(40.0, 1 / 40.0, count)
    columns = [np.log(size), rooms, year, floor, where, far, equipment, np.eye(10)[area], rng.normal(size=(count, 4))]
    return split(450, np.column_stack(columns), rents / rents.mean())


def booster_rents(seed: int, point: Point) -> Curve:
    """Absolute error of what XGBoost boosts, trees or lines, with the names of AWS's algorithm."""
    seen, held, rents, held_rents = _rents()
    booster = point["booster"]
    settings: dict[str, Any] = {
        "booster": booster,
        "objective": point["objective"],
        "eta": float(point["eta"]),
        "lambda": float(point["lambda"]),
        "alpha": float(point["alpha"]),
        "seed": seed,
        "nthread": 1,
        "verbosity": 0,
    }
    if booster != "gblinear":
        settings |= {"max_depth": int(point["max_depth"]), "min_child_weight": float(point["min_child_weight"]), "subsample": 0.8}
    if booster == "dart":
        settings["rate_drop"] = float(point["rate_drop"])
    kept = nine_tenths(seed, len(seen))  # lines would be the same with each seed
    try:
        model = xgboost.train(settings, xgboost.DMatrix(seen[kept], rents[kept]), int(point["num_round"]))
        return [float(np.abs(model.predict(xgboost.DMatrix(held)) - held_rents).mean())]
    except xgboost.core.XGBoostError:  # predictions that are no finite numbers any more
        return []


# --- a recommender ----------------------------------------------------------------------------------------------------------


@cache
def _songs() -> tuple[Rows, Values, Values]:
    """What 150 people play of 240 songs, by five tastes and what everybody plays: pairs seen; which were seen, which are held out."""
    rng = np.random.default_rng(85)
    tastes, kinds = rng.normal(size=(150, 5)), rng.normal(size=(240, 5)) * np.array([1.0, 0.9, 0.7, 0.5, 0.4])
    wish = tastes @ kinds.T + 0.8 * rng.normal(size=240) + rng.gumbel(size=(150, 240))
    played = wish >= np.sort(wish, axis=1)[:, [-30]]
    held = played & (rng.random(played.shape) < 0.3)
    return np.argwhere(played & ~held), (played & ~held).astype(float), held.astype(float)


def recommender_songs(seed: int, point: Point) -> Curve:
    """One minus the discounted gain of the ten songs that come first, of people and songs as vectors, by one of three losses."""
    pairs, seen, held = _songs()
    rng, size, negatives = np.random.default_rng(seed), int(point["factors"]), int(point["num_negatives"])
    people, songs = (rng.normal(size=(count, size)) * 0.1 for count in seen.shape)
    bias, loss = np.zeros(seen.shape[1]), point["loss"]
    rate, decay = float(point["learning_rate"]), float(point["weight_decay"])
    optimizer = Optimizer(point["optimizer"], [people, songs, bias], rate, decay)
    with np.errstate(all="ignore"):
        for rows, _ in batches(rng, len(pairs), int(point["batch_size"]), int(point["epochs"])):
            who, liked = pairs[rows].T
            items = np.column_stack([liked, rng.integers(0, len(songs), (len(rows), negatives))])
            here, there = people[who], songs[items]
            scores = np.einsum("bf,bnf->bn", here, there) + bias[items]
            if loss == "bpr":
                worse = sigmoid(scores[:, 1:] - scores[:, :1])
                off = np.column_stack([-worse.sum(axis=1), worse])
            else:
                off = sigmoid(scores) if loss == "logistic" else scores
                off[:, 0] -= 1.0
            off /= len(rows)
            slopes = [
                np.zeros_like(people),
                np.zeros_like(songs),
                np.bincount(items.ravel(), off.ravel(), len(songs)).astype(float),
            ]
            np.add.at(slopes[0], who, np.einsum("bn,bnf->bf", off, there))
            np.add.at(slopes[1], items, off[:, :, None] * here[:, None])
            optimizer.step(slopes)
        scores = np.where(seen > 0, -np.inf, people @ songs.T + bias)
    first = np.argsort(np.where(np.isnan(scores), -np.inf, scores), axis=1)[:, :-11:-1]
    gains, worth = np.take_along_axis(held, first, axis=1), 1 / np.log2(np.arange(2, 12))
    best = np.cumsum(worth)[np.clip(held.sum(axis=1).astype(int), 1, 10) - 1]
    return [1.0 - float((gains @ worth / best).mean())]
