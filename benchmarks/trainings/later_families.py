"""How the models of the later series are trained: eight families on eight data sets that the first series has not.

As in `families.py`, each function takes a seed and a point and returns the objective, to be minimised, after each epoch.
"""

import math
from functools import cache

import numpy as np
import numpy.typing as npt
import xgboost
from sklearn.cross_decomposition import PLSRegression
from sklearn.datasets import load_iris, load_linnerud, make_friedman3, make_gaussian_quantiles, make_hastie_10_2, make_moons
from sklearn.decomposition import PCA
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import HuberRegressor, Ridge
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import QuantileTransformer, StandardScaler
from sklearn.semi_supervised import LabelSpreading

from benchmarks.trainings.data import Split, Values, nine_tenths, split, unit
from benchmarks.trainings.losses import Curve, error, log_loss
from local_emulator.domain.space import Point

Pairs = npt.NDArray[np.int64]


@cache
def _hastie() -> Split:
    """Whether ten normal numbers lie far from zero; a tenth of the labels is wrong."""
    inputs, labels = make_hastie_10_2(1600, random_state=0)
    wrong = np.random.default_rng(0).random(len(labels)) < 0.1
    return split(500, inputs, np.where(wrong, -labels, labels) > 0)


def xgboost_hastie(seed: int, point: Point) -> Curve:
    """Log loss of XGBoost after each round."""
    seen, held, labels, held_labels = _hastie()
    curve: dict[str, dict[str, list[float]]] = {}
    settings = {
        "booster": point["booster"],
        "eta": float(point["eta"]),
        "max_depth": int(point["max_depth"]),
        "min_child_weight": float(point["min_child_weight"]),
        "subsample": float(point["subsample"]),
        "colsample_bytree": float(point["colsample_bytree"]),
        "lambda": float(point["lambda"]),
        "objective": "binary:logistic",
        "nthread": 1,
        "seed": seed,
    }
    if point["booster"] == "dart":
        settings["rate_drop"] = 0.1
    rows = xgboost.DMatrix(seen, labels), xgboost.DMatrix(held, held_labels)
    rounds = int(point["num_round"])
    xgboost.train(settings, rows[0], rounds, evals=[(rows[1], "held")], evals_result=curve, verbose_eval=False)
    return curve["held"]["logloss"][-1:]


@cache
def _quantiles() -> Split:
    """Three shells around the origin of four dimensions, stretched, with four columns of noise."""
    rng = np.random.default_rng(0)
    inputs, labels = make_gaussian_quantiles(n_samples=1000, n_features=4, n_classes=3, random_state=0)
    return split(500, np.column_stack([np.exp(0.5 * inputs), rng.normal(size=(len(inputs), 4))]), labels)


def neighbours_quantiles(seed: int, point: Point) -> Curve:
    """Log loss of nearest neighbours in some principal components, on nine tenths of the rows."""
    seen, held, labels, held_labels = _quantiles()
    kept = nine_tenths(seed, len(seen))
    if point["scaling"] == "quantiles":
        scaler = QuantileTransformer(n_quantiles=100, output_distribution="normal", random_state=0).fit(seen[kept])
        seen, held = scaler.transform(seen), scaler.transform(held)
    reduced = PCA(int(point["components"]), whiten=point["whiten"] == "yes", random_state=0).fit(seen[kept])
    model = KNeighborsClassifier(int(point["n_neighbors"]), weights=point["weights"], p=float(point["p"]), algorithm="brute")
    model.fit(reduced.transform(seen[kept]), labels[kept])
    return [log_loss(np.clip(model.predict_proba(reduced.transform(held)), 0.01, 1.0), held_labels)]


@cache
def _iris() -> tuple[Values, Values]:
    """Irises: rows to learn from, and held out."""
    inputs = StandardScaler().fit_transform(load_iris().data)
    order = np.random.default_rng(0).permutation(len(inputs))
    return inputs[order[:90]], inputs[order[90:]]


def mixture_iris(seed: int, point: Point) -> Curve:
    """Negative log likelihood, and ten, of a mixture of normal distributions; none where it is not defined."""
    seen, held = _iris()
    model = GaussianMixture(
        int(point["n_components"]),
        covariance_type=point["covariance_type"],
        reg_covar=float(point["reg_covar"]),
        tol=float(point["tol"]),
        max_iter=int(point["max_iter"]),
        init_params=point["init_params"],
        random_state=seed,
    )
    try:
        return [10.0 - float(model.fit(seen).score(held))]
    except ValueError:  # a covariance that cannot be inverted
        return []


@cache
def _friedman3() -> Split:
    """Friedman's third function with outliers."""
    inputs, targets = make_friedman3(900, noise=0.1, random_state=0)
    rng = np.random.default_rng(0)
    return split(400, inputs, unit(targets + rng.standard_t(2, len(targets)) * 0.03))


def features_friedman(seed: int, point: Point) -> Curve:
    """Error of a linear model on features of a kernel that are drawn at random."""
    seen, held, targets, held_targets = _friedman3()
    kernel = point["kernel"]
    more = {"gamma": float(point["gamma"]), "degree": int(point["degree"]), "coef0": float(point["coef0"])}
    settings = {
        name: more[name] for name in {"rbf": ("gamma",), "laplacian": ("gamma",)}.get(kernel, ("gamma", "degree", "coef0"))
    }
    features = Nystroem(kernel, n_components=int(point["components"]), random_state=seed, **settings).fit(seen)
    model = (
        Ridge(float(point["alpha"])) if point["loss"] == "squared" else HuberRegressor(alpha=float(point["alpha"]), max_iter=50)
    )
    return [error(model.fit(features.transform(seen), targets).predict(features.transform(held)), held_targets)]


@cache
def _moons() -> tuple[Values, Values, Values]:
    """Two moons with noise: rows, labels, and what is known of them, a twentieth; -1 is unknown."""
    inputs, labels = make_moons(400, noise=0.2, random_state=0)
    known = np.where(np.random.default_rng(0).random(len(labels)) < 0.05, labels, -1)
    return inputs, labels, known


def spreading_moons(seed: int, point: Point) -> Curve:
    """Log loss of labels that are spread from a twentieth of the rows to the others, a tenth of the known ones hidden."""
    inputs, labels, known = _moons()
    known = np.where(np.random.default_rng(seed).random(len(known)) < 0.1, -1, known)
    known[:2] = labels[:2] = (0, 1)
    model = LabelSpreading(
        kernel=point["kernel"],
        gamma=float(point["gamma"]),
        n_neighbors=int(point["n_neighbors"]),
        alpha=float(point["alpha"]),
        max_iter=int(point["max_iter"]),
        tol=float(point["tol"]),
    ).fit(inputs, known)
    unknown = known < 0
    probabilities = np.nan_to_num(model.label_distributions_[unknown], nan=0.5)
    return [log_loss(np.clip(probabilities, 0.01, 1.0), labels[unknown])]


@cache
def _mackey_glass() -> Values:
    """The series of Mackey and Glass with a delay of 17, 700 steps, with zero mean and unit variance."""
    values = [1.2] * 18
    for _ in range(8000):
        values.append(values[-1] + 0.1 * (0.2 * values[-18] / (1 + values[-18] ** 10) - 0.1 * values[-1]) * 10)
    return unit(np.array(values[-7000::10]))


def reservoir_series(seed: int, point: Point) -> Curve:
    """Error of an echo-state network five steps ahead: random recurrent weights, learnt readout."""
    series, rng = _mackey_glass(), np.random.default_rng(seed)
    units, washout, ahead = int(point["units"]), int(point["washout"]), 5
    weights = rng.normal(size=(units, units)) * (rng.random((units, units)) < float(point["density"]))
    weights *= float(point["spectral_radius"]) / max(float(np.abs(np.linalg.eigvals(weights)).max()), 1e-9)
    inward, leak, state = rng.uniform(-1, 1, units) * float(point["input_scale"]), float(point["leak"]), np.zeros(units)
    states = []
    for value in series[:-ahead]:
        moved = weights @ state + inward * value
        new = np.tanh(moved) if point["activation"] == "tanh" else np.maximum(moved, 0.0)
        state = np.clip((1 - leak) * state + leak * new, -1e6, 1e6)
        states.append(state)
    features = np.column_stack([np.array(states), np.ones(len(states))])
    targets, end = series[ahead:], 450
    penalty = float(point["ridge"]) * np.eye(units + 1)
    readout = np.linalg.lstsq(
        features[washout:end].T @ features[washout:end] + penalty, features[washout:end].T @ targets[washout:end], rcond=None
    )[0]
    return [error(features[end:] @ readout, targets[end:])]


@cache
def _ratings() -> tuple[Pairs, Values, Pairs, Values]:
    """Made-up ratings of 80 films by 120 people by five tastes: pairs (person, film) and ratings, seen and held out."""
    rng = np.random.default_rng(0)
    people, films = rng.normal(size=(120, 5)), rng.normal(size=(80, 5)) * np.array([1.0, 0.8, 0.5, 0.3, 0.2])
    ratings = people @ films.T + rng.normal(size=(120, 1)) * 0.7 + rng.normal(size=80) * 0.7 + rng.normal(size=(120, 80)) * 0.7
    pairs = np.argwhere(rng.random(ratings.shape) < 0.3)
    rng.shuffle(pairs)
    values, seen = ratings[pairs[:, 0], pairs[:, 1]], len(pairs) * 2 // 3
    return pairs[:seen], values[:seen], pairs[seen:], values[seen:]


def factors_ratings(seed: int, point: Point) -> Curve:
    """Error of a factorisation by stochastic gradients, after each of some epochs."""
    pairs, ratings, held_pairs, held_ratings = _ratings()
    rng, rank, rate = np.random.default_rng(seed), int(point["rank"]), float(point["learning_rate"])
    decay, fall, batch = float(point["decay"]), float(point["rate_decay"]), int(point["batch_size"])
    people, films = (rng.normal(size=(count, rank)) * float(point["initial"]) for count in (120, 80))
    biases, biased = [np.zeros(120), np.zeros(80)], point["biases"] == "yes"
    epochs = int(point["epochs"])
    with np.errstate(all="ignore"):
        for epoch in range(epochs):
            step = rate * fall**epoch
            for rows in np.array_split(rng.permutation(len(pairs)), max(len(pairs) // batch, 1)):
                who, what = pairs[rows].T
                off = (people[who] * films[what]).sum(axis=1) + biases[0][who] + biases[1][what] - ratings[rows]
                pull, push = off[:, None] * films[what], off[:, None] * people[who]
                np.add.at(people, who, -step * (pull + decay * people[who]))
                np.add.at(films, what, -step * (push + decay * films[what]))
                if biased:
                    np.add.at(biases[0], who, -step * off)
                    np.add.at(biases[1], what, -step * off)
        who, what = held_pairs.T
        return [error((people[who] * films[what]).sum(axis=1) + biases[0][who] + biases[1][what], held_ratings)]


@cache
def _linnerud() -> Split:
    """Exercises and bodies of twenty people, each seen in twenty ways: columns of noise beside, targets the waist."""
    rng, (exercises, bodies) = np.random.default_rng(0), load_linnerud(return_X_y=True)
    rows = np.repeat(np.arange(20), 20)
    clean = StandardScaler().fit_transform(exercises)[rows]
    inputs = np.column_stack([clean + 0.3 * rng.normal(size=clean.shape), rng.normal(size=(len(rows), 5))])
    return split(80, inputs, unit(StandardScaler().fit_transform(bodies)[rows, 1] + 0.3 * rng.normal(size=len(rows))))


def dropout_linnerud(seed: int, point: Point) -> Curve:
    """Error of a network of two layers in plain arrays, with dropout, after each epoch."""
    seen, held, targets, held_targets = _linnerud()
    if int(point["components"]) < seen.shape[1]:
        projection = PLSRegression(int(point["components"])).fit(seen, targets)
        seen, held = projection.transform(seen), projection.transform(held)
    rng, width, batch = np.random.default_rng(seed), int(point["width"]), int(point["batch_size"])
    rate, momentum, decay = (float(point[name]) for name in ("learning_rate", "momentum", "decay"))
    kept = 1 - float(point["dropout"])
    first = rng.normal(size=(seen.shape[1], width)) * float(point["initial"]) / math.sqrt(seen.shape[1])
    second = rng.normal(size=width) * float(point["initial"]) / math.sqrt(width)
    moved, moved_second, curve = np.zeros_like(first), np.zeros_like(second), []
    rectified = point["activation"] == "relu"
    with np.errstate(all="ignore"):
        for _ in range(12):
            for rows in np.array_split(rng.permutation(len(seen)), max(len(seen) // batch, 1)):
                sums = seen[rows] @ first
                hidden, slope = (np.maximum(sums, 0), sums > 0) if rectified else (np.tanh(sums), 1 - np.tanh(sums) ** 2)
                mask = (rng.random(hidden.shape) < kept) / kept
                off = ((hidden * mask) @ second - targets[rows]) / len(rows)
                back = np.outer(off, second) * mask * slope
                moved = momentum * moved - rate * (seen[rows].T @ back + decay * first)
                moved_second = momentum * moved_second - rate * ((hidden * mask).T @ off + decay * second)
                first, second = first + moved, second + moved_second
            sums = held @ first
            curve.append(error((np.maximum(sums, 0) if rectified else np.tanh(sums)) @ second, held_targets))
    return curve
