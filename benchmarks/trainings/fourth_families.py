"""How the models of the fourth series are trained that are no networks: six families, on data that no other series has.

As in `families.py`, each function takes a seed and a point and returns the objective, to be minimised, after each epoch; here that is
the last one alone, since most of these tune how long they train.
"""

from functools import cache
from typing import Any

import numpy as np
import xgboost
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA, LatentDirichletAllocation
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, ndcg_score
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from benchmarks.trainings.data import Split, Values, nine_tenths, split, unit
from benchmarks.trainings.losses import Curve, log_loss
from local_emulator.domain.space import Point


def _boosted(settings: dict[str, Any], seed: int, rounds: int, seen: xgboost.DMatrix, held: Values) -> Values:
    """What trees say of the rows held out."""
    model = xgboost.train({**settings, "seed": seed, "nthread": 1, "verbosity": 0}, seen, rounds)
    return np.asarray(model.predict(xgboost.DMatrix(held)), dtype=float)


# --- learning to rank -------------------------------------------------------------------------------------------------------


@cache
def _searches() -> tuple[Values, Values]:
    """160 searches with 15 documents each: 20 columns of which 7 tell how relevant a document is, 0 to 4, with noise."""
    rng = np.random.default_rng(41)
    wish = rng.normal(size=(160, 1))
    columns = rng.normal(size=(160, 15, 20))
    columns[..., 0] = columns[..., 0] * 0.7 + 0.7 * wish
    match = np.exp(-((columns[..., 0] - columns[..., 1]) ** 2)) + 0.5 * np.tanh(2 * columns[..., 2]) + 0.3 * columns[..., 3]
    match += 0.4 * (columns[..., 4] > 0.5) * columns[..., 5] + 0.3 * np.abs(columns[..., 6]) * wish
    ranks = (match + 0.5 * rng.normal(size=match.shape)).argsort(axis=1).argsort(axis=1)
    return columns, np.digitize(ranks, (8, 11, 13, 14)).astype(float)


def ranking_searches(seed: int, point: Point) -> Curve:
    """One minus the discounted gain of the five documents that XGBoost puts first."""
    columns, grades = _searches()
    seen = xgboost.DMatrix(columns[:80].reshape(-1, 20), grades[:80].ravel(), qid=np.repeat(np.arange(80), 15))
    settings = {
        "objective": point["objective"],
        "eta": float(point["eta"]),
        "max_depth": int(point["max_depth"]),
        "min_child_weight": float(point["min_child_weight"]),
        "subsample": float(point["subsample"]),
        "colsample_bytree": float(point["colsample_bytree"]),
        "lambda": float(point["lambda"]),
        "alpha": float(point["alpha"]),
    }
    scores = _boosted(settings, seed, int(point["num_round"]), seen, columns[80:].reshape(-1, 20))
    return [1.0 - float(ndcg_score(grades[80:], scores.reshape(80, 15), k=5))]


# --- boosting leaf by leaf --------------------------------------------------------------------------------------------------


@cache
def _taxis() -> Split:
    """Made-up fares of taxis: where from and to, hour, day, people, rain, zones; tolls, a least fare, tips, a few wrong ones."""
    rng = np.random.default_rng(42)
    start, end = rng.normal(size=(1400, 2)), rng.normal(size=(1400, 2)) * 1.5
    hour, day, people = rng.uniform(0, 24, 1400), rng.integers(0, 7, 1400), rng.integers(1, 5, 1400)
    rain, far = rng.random(1400) < 0.2, np.abs(start - end).sum(axis=1)
    busy = np.exp(-((hour - 8.5) ** 2) / 3) + np.exp(-((hour - 17.5) ** 2) / 5)
    fares = np.maximum(3.0 + 2.2 * far * (1 + 0.5 * busy * (day < 5) + 0.2 * rain), 6.0)
    fares += 5.0 * (start[:, 0] * end[:, 0] < -0.5) + 0.5 * people * (hour > 22) + rng.gamma(1.5, 1.0, 1400)
    fares = np.where(rng.random(1400) < 0.03, rng.uniform(0, 80, 1400), fares)
    zones = np.floor(np.column_stack([start, end]) * 2)
    inputs = np.column_stack([start + 0.1 * rng.normal(size=start.shape), end, hour, day, people, rain, zones])
    return split(500, inputs, unit(fares))


def leafwise_taxis(seed: int, point: Point) -> Curve:
    """Mean absolute error of trees that grow leaf by leaf, as LightGBM's do, with its names."""
    seen, held, fares, held_fares = _taxis()
    objectives = {"regression": "reg:squarederror", "regression_l1": "reg:absoluteerror", "huber": "reg:pseudohubererror"}
    settings = {
        "objective": objectives[point["objective"]],
        "tree_method": "hist",
        "grow_policy": "lossguide",
        "max_depth": 0,
        "max_leaves": int(point["num_leaves"]),
        "eta": float(point["learning_rate"]),
        "min_child_weight": float(point["min_sum_hessian_in_leaf"]),
        "subsample": float(point["bagging_fraction"]),
        "colsample_bytree": float(point["feature_fraction"]),
        "lambda": float(point["lambda_l2"]),
        "alpha": float(point["lambda_l1"]),
    }
    predicted = _boosted(settings, seed, int(point["num_iterations"]), xgboost.DMatrix(seen, fares), held)
    return [float(np.abs(predicted - held_fares).mean())]


# --- anomalies --------------------------------------------------------------------------------------------------------------


@cache
def _payments() -> tuple[Values, Values, Values]:
    """Payments: 14 columns, some with long tails, some that go together; 3 % fraud of three sorts: seen, held out, which are fraud."""
    rng = np.random.default_rng(43)
    mixing = rng.normal(size=(5, 14)) / np.sqrt(5)
    rows = rng.normal(size=(2400, 5)) @ mixing + 0.4 * rng.normal(size=(2400, 14))
    fraud, sort = rng.random(2400) < 0.03, rng.integers(0, 3, 2400)
    rows[fraud & (sort == 0), :3] += rng.choice([-3.0, 3.0], (int((fraud & (sort == 0)).sum()), 3))
    rows[fraud & (sort == 1)] *= 2.0
    rows[fraud & (sort == 2)] += 1.5 * rng.normal(size=(int((fraud & (sort == 2)).sum()), 14))
    rows[:, :5] = np.exp(rows[:, :5])
    return rows[:1200], rows[1200:], fraud[1200:].astype(float)


def isolation_payments(seed: int, point: Point) -> Curve:
    """One minus the F1 score of what a forest isolates, among payments held out."""
    seen, held, fraud = _payments()
    if point["transform"] == "log":
        seen, held = (np.sign(rows) * np.log1p(np.abs(rows)) for rows in (seen, held))
    scaler = StandardScaler().fit(seen)
    seen, held = scaler.transform(seen), scaler.transform(held)
    if point["transform"] == "pca":
        reduced = PCA(random_state=0).fit(seen)
        seen, held = reduced.transform(seen), reduced.transform(held)
    model = IsolationForest(
        n_estimators=int(point["n_estimators"]),
        max_samples=int(point["max_samples"]),
        max_features=float(point["max_features"]),
        contamination=float(point["contamination"]),
        bootstrap=point["bootstrap"] == "True",
        random_state=seed,
    ).fit(seen)
    return [1.0 - float(f1_score(fraud, model.predict(held) < 0, zero_division=0.0))]


# --- a linear learner -------------------------------------------------------------------------------------------------------


@cache
def _clicks() -> tuple[Values, Values]:
    """4,000 advertisements shown: seven numbers of who, what, where and when, two crossings; whether it was clicked, one in eight."""
    rng = np.random.default_rng(44)
    sizes = (6, 300, 120, 24, 5, 40, 12)
    fields = np.column_stack([np.minimum(rng.zipf(1.4, 4000), size) - 1 for size in sizes])
    effects = [rng.normal(scale=scale, size=size) for scale, size in zip((0.3, 0.8, 0.6, 0.2, 0.4, 0.3, 0.2), sizes, strict=True)]
    tastes = rng.normal(scale=0.7, size=(6, 12))
    logits = sum((effect[column] for effect, column in zip(effects, fields.T, strict=True)), start=np.full(4000, -2.0))
    logits = logits + tastes[fields[:, 0], fields[:, 6]]
    crossed = np.column_stack([fields, fields[:, 0] * 12 + fields[:, 6], fields[:, 1] * 120 + fields[:, 2]])
    return crossed.astype(float), (rng.random(4000) < 1 / (1 + np.exp(-logits))).astype(float)


def linear_clicks(seed: int, point: Point) -> Curve:
    """Log loss of a linear learner on hashed columns, in mini-batches, with one of three optimizers and both penalties."""
    fields, clicks = _clicks()
    buckets = 2 ** int(point["hash_bits"])
    columns = ((fields.astype(np.int64) * 2_654_435_761 + np.arange(fields.shape[1]) * 40_503_001) % 1_000_003) % buckets
    rng, batch, epochs = np.random.default_rng(seed), int(point["mini_batch_size"]), int(point["epochs"])
    rate, wd, l1 = (float(point[name]) for name in ("learning_rate", "wd", "l1"))
    weights, first, second, bias, steps, optimizer = *np.zeros((3, buckets)), 0.0, 0, point["optimizer"]
    seen = 1500
    with np.errstate(all="ignore"):
        for _ in range(epochs):
            for rows in np.array_split(rng.permutation(seen), max(seen // batch, 1)):
                steps += 1
                off = (1 / (1 + np.exp(-(weights[columns[rows]].sum(axis=1) + bias))) - clicks[rows]) / len(rows)
                slope = np.bincount(columns[rows].ravel(), np.repeat(off, columns.shape[1]), minlength=buckets) + wd * weights
                if optimizer != "sgd":
                    first = 0.9 * first + 0.1 * slope if optimizer == "adam" else slope
                    second = 0.99 * second + 0.01 * slope**2
                    slope = first / (1 - 0.9**steps if optimizer == "adam" else 1.0)
                    slope = slope / (np.sqrt(second / (1 - 0.99**steps)) + 1e-8)
                weights = weights - rate * slope
                weights = np.sign(weights) * np.maximum(np.abs(weights) - rate * l1, 0.0)
                bias -= rate * float(off.sum())
        chances = 1 / (1 + np.exp(-(weights[columns[seen:]].sum(axis=1) + bias)))
    return [log_loss(np.column_stack([1 - chances, chances]), clicks[seen:])]


# --- topics -----------------------------------------------------------------------------------------------------------------


@cache
def _menus() -> tuple[Values, Values, Values]:
    """Counts of 200 ingredients in menus of 12 kitchens: seen; held out, one half of each menu and the other."""
    rng = np.random.default_rng(45)
    kitchens = rng.dirichlet(np.full(200, 0.08), 12)
    shares = rng.dirichlet(np.full(12, 0.2), 400)
    words = 0.9 * shares @ kitchens + 0.1 / 200
    menus = np.array([rng.multinomial(60, row / row.sum()) for row in words])
    half = rng.binomial(menus[220:], 0.5)
    return menus[:220].astype(float), half.astype(float), (menus[220:] - half).astype(float)


def lda_menus(seed: int, point: Point) -> Curve:
    """Perplexity of one half of a menu, a hundredth of it, when the other half is known."""
    seen, known, hidden = _menus()
    model = LatentDirichletAllocation(
        n_components=int(point["num_topics"]),
        doc_topic_prior=float(point["doc_topic_prior"]),
        topic_word_prior=float(point["topic_word_prior"]),
        learning_method=point["learning_method"],
        learning_decay=float(point["learning_decay"]),
        learning_offset=float(point["learning_offset"]),
        batch_size=int(point["batch_size"]),
        max_iter=int(point["max_iter"]),
        max_doc_update_iter=20,
        total_samples=len(seen),
        random_state=seed,
    ).fit(seen)
    words = model.components_ / model.components_.sum(axis=1, keepdims=True)
    chances = np.clip(model.transform(known) @ words, 1e-9, 1.0)
    return [float(np.exp(-(hidden * np.log(chances)).sum() / hidden.sum())) / 100]


# --- a pipeline -------------------------------------------------------------------------------------------------------------


@cache
def _motions() -> Split:
    """Six motions of 14 people as a sensor in their pocket tells them, two seconds each; nine people are seen, five held out."""
    rng, at = np.random.default_rng(46), np.arange(40) / 20
    rates, sizes = np.array([0.1, 0.3, 1.6, 1.9, 2.7, 1.4]), np.array([0.05, 0.2, 0.8, 1.0, 2.0, 0.9])
    rows, labels = [], []
    for _ in range(14):
        turned = np.linalg.qr(rng.normal(size=(3, 3)) + 2.0 * np.eye(3))[0]
        pace, force = rng.lognormal(0.0, 0.12), rng.lognormal(0.0, 0.25)
        for label in rng.integers(0, 6, 70):
            phase = rng.uniform(0, 2 * np.pi, 3)
            waves = [np.sin(2 * np.pi * rates[label] * pace * (1 + axis) * at + phase[axis]) / (1 + axis) for axis in range(3)]
            pull = np.outer(np.array([0.3, 0.1, 1.0]) if label else np.array([0.9, 0.2, 0.3]), np.ones(40))
            moved = turned @ (sizes[label] * force * np.array(waves) + pull) + 0.25 * rng.normal(size=(3, 40))
            spectrum = np.abs(np.fft.rfft(moved, axis=1))[:, 1:13].ravel()
            rows.append(np.concatenate([moved.mean(axis=1), moved.std(axis=1), np.abs(np.diff(moved)).mean(axis=1), spectrum]))
            labels.append(label)
    inputs, targets = np.array(rows), np.array(labels, dtype=float)
    return inputs[:630], inputs[630:], targets[:630], targets[630:]


def pipeline_motions(seed: int, point: Point) -> Curve:
    """Share of motions that are mistaken by a pipeline of components, clusters and logistic regression, on nine tenths of the rows."""
    seen, held, labels, held_labels = _motions()
    kept = nine_tenths(seed, len(seen))
    seen, labels = seen[kept], labels[kept]
    steps: list[Any] = (
        [] if point["scaler"] == "none" else [{"standard": StandardScaler, "minmax": MinMaxScaler}[point["scaler"]]()]
    )
    steps.append(PCA(int(point["n_components"]), whiten=point["whiten"] == "True", random_state=0))
    for step in steps:
        seen = step.fit_transform(seen)
        held = step.transform(held)
    clusters = KMeans(int(point["n_clusters"]), init=point["init"], n_init=1, random_state=seed).fit(seen)
    columns = []
    for rows in (seen, held):
        parts = {"distance": clusters.transform(rows), "membership": np.eye(clusters.n_clusters)[clusters.predict(rows)]}
        columns.append(np.hstack([parts["distance"], rows]) if point["features"] == "both" else parts[point["features"]])
    model = LogisticRegression(C=float(point["C"]), max_iter=int(point["max_iter"])).fit(columns[0], labels)
    return [1.0 - float(model.score(columns[1], held_labels))]
