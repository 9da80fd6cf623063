"""How the tables of the fifth series are trained that are of rows: six families, on data that no other series has.

As in `families.py`, each function takes a seed and a point and returns the objective, to be minimised, after each epoch; here that is
the last one alone. What has no randomness of its own sees nine tenths of its rows.
"""

from functools import cache
from typing import Any

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.kernel_approximation import Nystroem, PolynomialCountSketch, RBFSampler
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import f1_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler
from sklearn.svm import SVC

from benchmarks.trainings.data import Split, Values, nine_tenths, split
from benchmarks.trainings.losses import Curve, error, log_loss
from local_emulator.domain.space import Point


def _some(seed: int, rows: Values, targets: Values) -> tuple[Values, Values]:
    """Nine tenths of the rows."""
    kept = nine_tenths(seed, len(rows))
    return rows[kept], targets[kept]


# --- support vectors --------------------------------------------------------------------------------------------------------


@cache
def _sensors() -> Split:
    """Twelve readings of machines, of very different sizes, four with long tails; whether each is well, worn or broken."""
    rng = np.random.default_rng(51)
    load, wear, heat = hidden = rng.normal(size=(3, 1400))
    rows = hidden.T @ rng.normal(size=(3, 12)) + 0.7 * rng.normal(size=(1400, 12))
    rows[:, :4] = np.exp(0.8 * rows[:, :4])
    strain = 0.9 * wear * load + 0.6 * np.maximum(heat, 0.0) ** 2 + 0.5 * np.sin(2 * wear) + 0.3 * rng.normal(size=1400)
    states = np.digitize(strain, np.quantile(strain, (0.7, 0.92))).astype(float)
    rows *= 10.0 ** rng.uniform(-2, 3, 12)
    return rows[:450], rows[450:], states[:450], states[450:]


def svc_sensors(seed: int, point: Point) -> Curve:
    """One minus the mean F1 score of the states that support vectors tell."""
    seen, held, states, held_states = _sensors()
    scaler = {"standard": StandardScaler, "minmax": MinMaxScaler, "robust": RobustScaler}[point["scaler"]]()
    model = SVC(
        kernel=point["kernel"],
        C=float(point["C"]),
        gamma=float(point["gamma"]),
        degree=int(point["degree"]),
        coef0=float(point["coef0"]),
        class_weight=None if point["class_weight"] == "none" else point["class_weight"],
        max_iter=20_000,
        random_state=seed,
    )
    pipeline = make_pipeline(scaler, model).fit(*_some(seed, seen, states))
    return [1.0 - float(f1_score(held_states, pipeline.predict(held), average="macro", zero_division=0.0))]


# --- a network with three solvers -------------------------------------------------------------------------------------------


@cache
def _churn() -> Split:
    """2,400 subscribers: how long and with which contract, what they pay, use and complain of; whether they leave, one in four."""
    rng = np.random.default_rng(52)
    months, price, age = rng.gamma(1.5, 16.0, 2400), rng.uniform(10, 90, 2400), rng.normal(45, 14, 2400)
    contract, paid_by, calls = rng.integers(0, 3, 2400), rng.integers(0, 4, 2400), rng.poisson(1.2, 2400)
    used = rng.lognormal(2.0, 0.8, 2400) * (1 + 0.01 * (60 - age))
    worth = used / price
    logits = 1.3 * (contract == 0) - 0.03 * months * (contract > 0) + 0.5 * calls * (price > 45) - 1.2 * np.tanh(2 * worth)
    logits += 0.6 * (paid_by == 2) + 0.8 * np.exp(-(((months - 12) / 3) ** 2)) + 0.02 * np.abs(age - 50) - 1.7
    left = (rng.random(2400) < 1 / (1 + np.exp(-logits))).astype(float)
    others = rng.normal(size=(2400, 5))
    numbers = np.column_stack([months, price, age, calls, used, others])
    return split(600, np.hstack([numbers, np.eye(3)[contract], np.eye(4)[paid_by]]), left)


def perceptron_churn(seed: int, point: Point) -> Curve:
    """Log loss of a network by one of three solvers; its schedule and momentum count for one of them, its rate for two."""
    seen, held, left, held_left = _churn()
    model = MLPClassifier(
        hidden_layer_sizes=(int(point["hidden_units"]),),
        solver=point["solver"],
        activation=point["activation"],
        learning_rate=point["learning_rate"],
        max_iter=int(point["max_iter"]),
        batch_size=int(point["batch_size"]),
        learning_rate_init=float(point["learning_rate_init"]),
        alpha=float(point["alpha"]),
        momentum=float(point["momentum"]),
        random_state=seed,
    )
    with np.errstate(all="ignore"):
        try:
            return [log_loss(model.fit(seen, left).predict_proba(held), held_left)]
        except ValueError:  # it diverged
            return []


# --- boosting with four losses ----------------------------------------------------------------------------------------------


@cache
def _claims() -> Split:
    """What 2,000 claims of drivers cost, at least 50: car, power, age, town, bonus, weekday; few are very dear."""
    rng = np.random.default_rng(53)
    age, power, cars = rng.uniform(18, 85, 2000), rng.gamma(6.0, 18.0, 2000), rng.integers(0, 12, 2000)
    town, bonus, miles, weekday = *rng.random((2, 2000)), rng.lognormal(2.3, 0.6, 2000), rng.integers(0, 7, 2000)
    dear = rng.normal(scale=0.4, size=12)
    means = 6.0 + dear[cars] + 0.5 * np.exp(-((age - 20) ** 2) / 60) + 0.003 * power * (age < 30) + 0.4 * town * (miles > 12)
    means += 0.3 * np.sin(6 * bonus) + 0.25 * (weekday > 4) * (town > 0.6)
    costs = 50.0 + np.exp(means) * rng.gamma(1.2, 1 / 1.2, 2000)
    costs = np.where(rng.random(2000) < 0.02, costs * 20, costs)
    return split(700, np.column_stack([age, power, cars, town, bonus, miles, weekday]), costs)


def histogram_claims(seed: int, point: Point) -> Curve:
    """Error of the logarithms of what claims are told to cost by trees that are boosted for one of four losses."""
    seen, held, costs, held_costs = _claims()
    model = HistGradientBoostingRegressor(
        loss=point["loss"],
        learning_rate=float(point["learning_rate"]),
        max_iter=int(point["max_iter"]),
        max_leaf_nodes=int(point["max_leaf_nodes"]),
        max_depth=int(point["max_depth"]),
        min_samples_leaf=int(point["min_samples_leaf"]),
        l2_regularization=float(point["l2_regularization"]),
        max_features=float(point["max_features"]),
        max_bins=int(point["max_bins"]),
        early_stopping=False,
        random_state=seed,
    )
    with np.errstate(all="ignore"):
        predicted = np.asarray(model.fit(*_some(seed, seen, costs)).predict(held), dtype=float)
        return [error(np.log1p(np.maximum(predicted, 0.0)), np.log1p(held_costs))]


# --- two kinds of forests ---------------------------------------------------------------------------------------------------


@cache
def _crops() -> Split:
    """1,500 fields: light in eight bands on three days, soil and slope; which of five crops grows, a few told wrongly."""
    rng = np.random.default_rng(54)
    crops = rng.choice(5, 1500, p=(0.4, 0.28, 0.17, 0.1, 0.05))
    spectra = rng.normal(scale=0.5, size=(5, 3, 8)).cumsum(axis=2)
    sown, cloud = rng.normal(size=(1500, 1, 1)), rng.exponential(0.3, (1500, 3, 1))
    light = spectra[crops] * (1 + 0.4 * sown) + 0.5 * rng.normal(size=(1500, 3, 1)) - cloud + 0.6 * rng.normal(size=(1500, 3, 8))
    soil, slope = (crops + rng.integers(0, 4, 1500)) % 6, rng.gamma(2.0, 1.0, 1500) * np.where(crops == 3, 2.0, 1.0)
    wrong = rng.random(1500) < 1 / 12
    labels = np.where(wrong, rng.integers(0, 5, 1500), crops).astype(float)
    return split(550, np.column_stack([light.reshape(1500, 24), soil, slope]), labels)


def trees_crops(seed: int, point: Point) -> Curve:
    """Log loss of one of two kinds of forests."""
    seen, held, crops, held_crops = _crops()
    kind = {"random_forest": RandomForestClassifier, "extra_trees": ExtraTreesClassifier}[point["model"]]
    model = kind(
        criterion=point["criterion"],
        class_weight=None if point["class_weight"] == "none" else point["class_weight"],
        n_estimators=int(point["n_estimators"]),
        max_depth=int(point["max_depth"]),
        min_samples_leaf=int(point["min_samples_leaf"]),
        max_features=float(point["max_features"]),
        max_samples=float(point["max_samples"]),
        ccp_alpha=float(point["ccp_alpha"]),
        bootstrap=True,
        random_state=seed,
    ).fit(seen, crops)
    return [log_loss(model.predict_proba(held), held_crops)]


# --- features of a kernel, and stochastic gradients on them -----------------------------------------------------------------


@cache
def _galaxies() -> Split:
    """Colours, sizes and shapes of 1,800 galaxies, seen through dust: whether a galaxy has arms; one in fourteen is told wrongly."""
    rng = np.random.default_rng(55)
    mass, gas, turn, dust = rng.normal(size=(4, 1800))
    arms = np.sin(1.5 * mass) + gas * turn + 0.5 * turn**2 > 0.6
    colours = [gas - 0.5 * mass, gas + dust, mass * 0.7 + dust, turn - 0.3 * gas]
    shapes = [np.exp(0.5 * mass), np.abs(turn), np.tanh(gas)]
    rows = np.column_stack([*colours, *shapes]) + 0.25 * rng.normal(size=(1800, 7))
    labels = np.where(rng.random(1800) < 1 / 14, ~arms, arms).astype(float)
    return split(700, rows, labels)


def sampler_galaxies(seed: int, point: Point) -> Curve:
    """Share of galaxies that are mistaken by a linear model with one of three losses on features of one of three kinds."""
    seen, held, arms, held_arms = _galaxies()
    size, gamma = int(point["n_components"]), float(point["gamma"])
    samplers: dict[str, Any] = {
        "rbf": RBFSampler(gamma=gamma, n_components=size, random_state=seed),
        "nystroem": Nystroem(gamma=gamma, n_components=size, random_state=seed),
        "sketch": PolynomialCountSketch(gamma=gamma, degree=3, coef0=1, n_components=size, random_state=seed),
    }
    sampler = samplers[point["sampler"]].fit(seen)
    model = SGDClassifier(
        loss=point["loss"],
        learning_rate=point["learning_rate"],
        max_iter=int(point["max_iter"]),
        alpha=float(point["alpha"]),
        eta0=float(point["eta0"]),
        power_t=float(point["power_t"]),
        random_state=seed,
    )
    with np.errstate(all="ignore"):
        try:
            return [1.0 - float(model.fit(sampler.transform(seen), arms).score(sampler.transform(held), held_arms))]
        except ValueError:  # it diverged
            return []


# --- an autoencoder ---------------------------------------------------------------------------------------------------------


@cache
def _spectra() -> tuple[Values, Values, Values]:
    """Spectra of mixtures of six minerals in 48 channels: 500 to learn from with noise; 600 others, with and without it."""
    rng, at = np.random.default_rng(56), np.linspace(0, 1, 48)
    peaks, widths, heights = rng.uniform(0, 1, (6, 3, 1)), rng.uniform(0.02, 0.08, (6, 3, 1)), rng.uniform(0.3, 1.0, (6, 3, 1))
    minerals = (heights * np.exp(-(((at - peaks) / widths) ** 2))).sum(axis=1)
    clean = rng.dirichlet(np.full(6, 0.4), 1100) @ minerals * rng.lognormal(0.0, 0.3, (1100, 1))
    clean += 0.3 * rng.normal(size=(1100, 1)) * (at - 0.5)
    clean = (clean - clean.mean()) / clean.std()
    noisy = clean + 0.5 * rng.normal(size=clean.shape)
    return noisy[:500], noisy[500:], clean[500:]


def autoencoder_spectra(seed: int, point: Point) -> Curve:
    """Error of spectra of which an autoencoder by Adam is to take the noise, having learnt to take more from noisy ones."""
    seen, held, clean = _spectra()
    width = int(point["hidden_units"])
    model = MLPRegressor(
        hidden_layer_sizes=(width, int(point["latent_dim"]), width),
        max_iter=int(point["epochs"]),
        batch_size=int(point["batch_size"]),
        learning_rate_init=float(point["learning_rate"]),
        beta_1=float(point["beta_1"]),
        alpha=float(point["weight_decay"]),
        n_iter_no_change=100,
        random_state=seed,
    )
    noise = float(point["noise"]) * np.random.default_rng(seed).normal(size=seen.shape)
    with np.errstate(all="ignore"):
        try:
            return [error(model.fit(seen + noise, seen).predict(held), clean)]
        except ValueError:  # it diverged
            return []
