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
from sklearn.metrics import adjusted_rand_score, average_precision_score
from sklearn.neighbors import KNeighborsClassifier, NeighborhoodComponentsAnalysis
from sklearn.pipeline import make_pipeline

from benchmarks.trainings.data import Split, Values, nine_tenths, split, unit
from benchmarks.trainings.losses import Curve, error
from local_emulator.domain.space import Point


def typed(point: Point) -> dict[str, Any]:
    """A point's values as Python's: 3, 0.5, True or None; other words stay words."""
    values: dict[str, Any] = dict(point)
    for name, text in point.items():
        with suppress(ValueError):
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
