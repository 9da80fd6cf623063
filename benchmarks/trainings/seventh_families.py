"""How the tables of the seventh series are trained that are no networks, with the names that scikit-learn and XGBoost have.

As in `families.py`, each function takes a seed and a point and returns the objective, to be minimised, once it is trained. What has
no randomness of its own sees nine tenths of its rows.
"""

import ast
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np
import xgboost
from sklearn.cluster import HDBSCAN
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, Matern, RationalQuadratic
from sklearn.linear_model import ARDRegression, PoissonRegressor
from sklearn.metrics import adjusted_rand_score, average_precision_score, mean_poisson_deviance
from sklearn.neighbors import KNeighborsClassifier, NeighborhoodComponentsAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer
from sklearn.svm import NuSVR

from benchmarks.trainings.data import Split, Values, nine_tenths, split, unit
from benchmarks.trainings.losses import Curve, error
from local_emulator.domain.space import Point


def typed(point: Point) -> dict[str, Any]:
    """A point's values as Python's: 3, 0.5, True or None; other words stay words."""
    values: dict[str, Any] = dict(point)
    for name, text in point.items():
        with suppress(ValueError, SyntaxError):
            values[name] = ast.literal_eval(text)
    return values


@cache
def _rainfall() -> Split:
    """Made-up rain of a month at 600 gauges: where, how high; a ridge keeps it from what lies behind; 180 to learn from."""
    rng = np.random.default_rng(96)
    east, north = rng.uniform(0, 1, (2, 600))
    height = np.exp(-(((east - 0.5 - 0.2 * np.sin(4 * north)) / 0.12) ** 2)) + 0.2 * np.sin(9 * north) ** 2
    rain = 2.0 * height + 1.5 / (1 + np.exp(25 * (east - 0.55))) + 0.4 * np.sin(14 * east) * np.cos(11 * north)
    return split(180, np.column_stack([east, north, height]), unit(rain * rng.gamma(25.0, 1 / 25.0, 600)))


def kriging_rainfall(seed: int, point: Point) -> Curve:
    """Error of what a Gaussian process expects, with one of five kernels."""
    p, (seen, held, rain, held_rain) = typed(point), _rainfall()
    size, kept = p["length_scale"], nine_tenths(seed, len(seen))
    kernels = {"RBF": RBF(size), "RationalQuadratic": RationalQuadratic(size)}
    kernels |= {f"Matern-{nu}": Matern(size, nu=nu) for nu in (0.5, 1.5, 2.5)}
    model = GaussianProcessRegressor(kernels[p["kernel"]], alpha=p["alpha"], optimizer=None)
    try:
        return [error(model.fit(seen[kept], rain[kept]).predict(held), held_rain)]
    except np.linalg.LinAlgError:  # the kernel's matrix is singular
        return []


@cache
def _stars() -> tuple[Values, Values]:
    """Places and movements of 400 made-up stars: seven groups that drift apart, long and round ones, and half of them in none."""
    rng = np.random.default_rng(97)
    labels = rng.choice(8, 400, p=(0.5, 0.15, 0.1, 0.08, 0.06, 0.05, 0.03, 0.03))
    spread = rng.lognormal(-1.6, 0.5, (8, 5))
    rows = 1.2 * rng.normal(size=(8, 5))[labels] + spread[labels] * rng.standard_t(4, (400, 5))
    rows[labels == 0] = rng.normal(scale=1.6, size=(int((labels == 0).sum()), 5))
    return rows, labels.astype(float)


def hdbscan_stars(seed: int, point: Point) -> Curve:
    """One minus the adjusted Rand index of clusters by density."""
    rows, labels = _stars()
    kept = nine_tenths(seed, len(rows))
    return [1.0 - float(adjusted_rand_score(labels[kept], HDBSCAN(copy=True, **typed(point)).fit_predict(rows[kept])))]


@cache
def _fingerprints() -> Split:
    """Sixteen signal strengths at 700 spots of a made-up building of eight rooms, some of them of devices that come and go."""
    rng = np.random.default_rng(98)
    rooms = rng.integers(0, 8, 700)
    spots = np.column_stack([rooms % 4 + rng.random(700), rooms // 4 + rng.random(700)])
    distance = np.linalg.norm(spots[:, None] - rng.uniform(0, (4, 2), (16, 2)), axis=2)
    walls = np.abs(rooms[:, None] - rng.integers(0, 8, 16)) > 2
    strengths = -20 * np.log10(distance + 0.1) - 8.0 * walls + rng.normal(scale=4.0, size=(700, 16))
    strengths[:, 10:] = rng.normal(scale=9.0, size=(700, 6))
    return split(160, strengths, rooms.astype(float))


def nca_fingerprints(seed: int, point: Point) -> Curve:
    """Share of rooms that are mistaken by the nearest neighbours, after a map that is learnt to bring rooms together."""
    p, (seen, held, rooms, held_rooms) = typed(point), _fingerprints()
    neighbours = KNeighborsClassifier(p.pop("n_neighbors"), weights=p.pop("weights"))
    kept = nine_tenths(seed, len(seen))
    model = make_pipeline(NeighborhoodComponentsAnalysis(random_state=seed, **p), neighbours).fit(seen[kept], rooms[kept])
    return [1.0 - float(model.score(held, held_rooms))]


@cache
def _intrusions() -> Split:
    """Bytes, times, ports and errors of 3,000 made-up connections, one in twenty of an attack of three kinds; 900 to learn from."""
    rng = np.random.default_rng(99)
    kinds = rng.choice(4, 3000, p=(0.95, 0.02, 0.02, 0.01))
    sent, taken, lasts = rng.lognormal((5.0, 7.0, 0.0), (1.5, 1.8, 1.2), (3000, 3)).T
    port, errors, others = rng.integers(0, 30, 3000), rng.poisson(0.5, 3000), rng.poisson(4.0, 3000)
    lasts = np.where(kinds == 1, lasts * 0.1, lasts)
    others = np.where(kinds == 1, others + rng.poisson(4.0, 3000), others)
    sent = np.where(kinds == 2, taken * rng.lognormal(1.0, 0.7, 3000), sent)
    errors = np.where((kinds == 3) & (port % 3 == 0), errors + 3, errors)
    rows = np.column_stack([sent, taken, lasts, port, errors, others, rng.normal(size=(3000, 6))])
    return split(900, rows, (kinds > 0).astype(float))


def imbalanced_intrusions(seed: int, point: Point) -> Curve:
    """One minus the average precision with which XGBoost tells attacks."""
    p, (seen, held, attacks, held_attacks) = typed(point), _intrusions()
    rounds = p.pop("num_round")
    settings = {"objective": "binary:logistic", "seed": seed, "nthread": 1, "verbosity": 0}
    model = xgboost.train(settings | p, xgboost.DMatrix(seen, attacks), rounds)
    return [1.0 - float(average_precision_score(held_attacks, model.predict(xgboost.DMatrix(held))))]


@cache
def _concrete() -> Split:
    """How strong 900 made-up batches of concrete are by what is in them and by their age; 240 to learn from."""
    rng = np.random.default_rng(105)
    cement, water, slag, ash, other = rng.uniform((150, 130, 0, 0, 700), (500, 240, 250, 150, 1100), (900, 5)).T
    age, plasticizer = rng.choice([3, 7, 14, 28, 56, 90, 180], 900), np.maximum(rng.normal(4, 6, 900), 0.0)
    binder = cement + 0.8 * slag * (age > 10) + 0.4 * ash * np.minimum(age / 90, 1.0)
    strength = 25 * np.log1p(age) / np.log(29) * (binder / (water - 3 * np.minimum(plasticizer, 10))) ** 1.2
    strength = np.where(plasticizer > 14, 0.7 * strength, strength) * rng.lognormal(0.0, 0.08, 900)
    return split(240, np.column_stack([cement, water, slag, ash, other, age, plasticizer]), unit(strength))


def nusvr_concrete(seed: int, point: Point) -> Curve:
    """Error of support vectors of which there are as many as a share says, with one of three kernels."""
    seen, held, strength, held_strength = _concrete()
    kept = nine_tenths(seed, len(seen))
    model = NuSVR(max_iter=20_000, **typed(point)).fit(seen[kept], strength[kept])
    return [error(model.predict(held), held_strength)]


@cache
def _bikes() -> Split:
    """Made-up loans of bicycles in 1,100 hours: two rushes a day, less when it is hot, wet or windy; 320 to learn from."""
    rng = np.random.default_rng(106)
    hour, heat, rain, wind = (
        rng.integers(0, 24, 1100),
        rng.normal(16, 8, 1100),
        rng.exponential(1.0, 1100),
        rng.gamma(2.0, 6.0, 1100),
    )
    rush = np.exp(-(((hour - 8) / 1.2) ** 2)) + 1.2 * np.exp(-(((hour - 17.5) / 1.8) ** 2)) + 0.4 * (hour > 6) * (hour < 22)
    means = np.exp(1.6 + 1.6 * rush - ((heat - 22) / 14) ** 2 - 0.6 * np.sqrt(rain) - np.maximum(wind - 20, 0) / 8)
    loans = rng.poisson(means * rng.gamma(6.0, 1 / 6, 1100)).astype(float)
    return split(320, np.column_stack([hour, heat, rain, wind, rng.normal(size=1100)]), loans)


def splines_bikes(seed: int, point: Point) -> Curve:
    """Mean deviance of counts by a linear model of splines of each column."""
    p, (seen, held, loans, held_loans) = typed(point), _bikes()
    kept, alpha = nine_tenths(seed, len(seen)), p.pop("alpha")
    linear = PoissonRegressor(alpha=alpha, solver="newton-cholesky", max_iter=40)
    expected = make_pipeline(SplineTransformer(include_bias=False, **p), linear).fit(seen[kept], loans[kept]).predict(held)
    return [float(mean_poisson_deviance(held_loans, np.clip(expected, 1e-3, 1e4)))]


@cache
def _sales() -> Values:
    """What 24 made-up shops sell on 230 days: weeks that differ from shop to shop, growth that ends, a sudden change in some."""
    rng, days = np.random.default_rng(107), np.arange(230)
    week = np.exp(0.35 * rng.normal(size=(24, 7)))[:, days % 7]
    growth = rng.normal(0.004, 0.004, (24, 1)) * np.minimum(days, rng.integers(80, 230, (24, 1)))
    change = 0.4 * rng.normal(size=(24, 1)) * (days > rng.integers(100, 400, (24, 1)))
    level = np.exp(rng.normal(4.0, 0.5, (24, 1)) + growth + change + 0.03 * rng.normal(size=(24, 230)).cumsum(axis=1))
    return np.asarray(level * week * rng.gamma(40.0, 1 / 40, (24, 230)) + 1.0)


def holtwinters_sales(seed: int, point: Point) -> Curve:
    """Relative error five days ahead, over the last 150 days, of levels, trends and seasons that are smoothed by three shares."""
    p, sales = typed(point), _sales()[nine_tenths(seed, 24)].T
    period, damping = p["seasonal_periods"], p["damping_trend"]
    ahead = damping ** np.arange(1, 6)
    level, trend, off = sales[0], np.zeros(sales.shape[1]), []
    multiplied = p["seasonal"] == "mul"
    seasons = [np.full(sales.shape[1], 1.0 if multiplied else 0.0)] * period
    for day, sold in enumerate(sales):
        before, season = level + damping * trend, seasons[day % period]
        plain = sold / np.maximum(season, 0.05) if multiplied else sold - season
        level, last = before + p["smoothing_level"] * (plain - before), level
        if p["trend"] is not None:
            trend = damping * trend + p["smoothing_trend"] * (level - last - damping * trend)
        if p["seasonal"] is not None:
            rest = sold / np.maximum(level, 1.0) if multiplied else sold - level
            seasons[day % period] = season + p["smoothing_seasonal"] * (rest - season)
        if 80 <= day < 225:
            base, later = level + ahead.sum() * trend, seasons[(day + 5) % period]
            off.append(((base * later if multiplied else base + later) - sales[day + 5]) / sales.mean(axis=0))
    return [float(np.abs(off).mean())]


@cache
def _overtones() -> Split:
    """What a made-up bell sounds like: which 7 of 60 sines and cosines count, by 700 moments, 110 to learn from, some quite wrong."""
    rng = np.random.default_rng(108)
    moments, pitches = rng.uniform(0, 1, (700, 1)), rng.uniform(1, 30, 30)
    rows = np.hstack([np.sin(2 * np.pi * pitches * moments), np.cos(2 * np.pi * pitches * moments)])
    counts = rng.permutation(60) < 7
    return split(110, rows, unit(rows[:, counts] @ rng.normal(size=7) + 0.4 * rng.standard_t(3, 700)))


def ard_overtones(seed: int, point: Point) -> Curve:
    """Error of a linear model that learns how far each weight may be from zero."""
    seen, held, sounds, held_sounds = _overtones()
    kept = nine_tenths(seed, len(seen))
    return [error(ARDRegression(**typed(point)).fit(seen[kept], sounds[kept]).predict(held), held_sounds)]
