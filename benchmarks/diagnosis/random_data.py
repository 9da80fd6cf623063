"""Random learning problems: a training set, a validation set, and thousands of fresh rows of the same kind.

Each family draws its rows from a random law, so that fresh rows never run out; scikit-learn's real data sets give what they have.
All is decided by a problem's seed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn import datasets

Array = npt.NDArray[np.float64]
Draw = Callable[[int], tuple[Array, Array]]  # a number of rows -> features and targets
_FRESH = 3000


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Features and targets: a class's number, or a value."""

    x: Array
    y: Array


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What a model is to learn.

    Attributes:
        classes: How many there are; 0 for a regression.
        side: The side of square images, 0 for tabular data.
    """

    name: str
    family: str
    classes: int
    side: int
    train: Rows
    validation: Rows
    fresh: Rows


def _clusters(rng: np.random.Generator) -> tuple[Draw, int]:
    """scikit-learn's classification of Gaussian clusters, with label noise, and sometimes with rare classes."""
    classes = int(rng.choice([2, 2, 3, 5, 10]))
    features = int(rng.integers(6, 60))
    informative = min(features, int(rng.integers(5, 15)))
    weights = None if rng.random() < 0.7 else [0.85, *([0.15 / (classes - 1)] * (classes - 1))]
    noise = float(rng.choice([0.0, 0.02, 0.1, 0.3]))
    separation = float(rng.uniform(0.5, 2.0))
    seed = int(rng.integers(2**31))

    def draw(count: int) -> tuple[Array, Array]:
        x, y = datasets.make_classification(
            count,
            features,
            n_informative=informative,
            n_redundant=0,
            n_classes=classes,
            n_clusters_per_class=2,
            weights=weights,
            flip_y=noise,
            class_sep=separation,
            random_state=seed,
        )
        return x, y.astype(float)

    return draw, classes


def _wide(rng: np.random.Generator) -> tuple[Draw, int]:
    """Many features, of which few matter."""
    features, matter = int(rng.integers(100, 400)), int(rng.integers(3, 20))
    slope = rng.normal(size=matter) * rng.uniform(0.5, 2.0)

    def draw(count: int) -> tuple[Array, Array]:
        x = rng.normal(size=(count, features))
        chance = 1 / (1 + np.exp(-x[:, :matter] @ slope))
        return x, (rng.random(count) < chance).astype(float)

    return draw, 2


def _planes(rng: np.random.Generator) -> tuple[Draw, int]:
    """Moons, circles or spirals in a plane, with noise and features that say nothing."""
    shape, noise, useless = (
        str(rng.choice(["moons", "circles", "spirals"])),
        float(rng.uniform(0.05, 0.4)),
        int(rng.integers(0, 6)),
    )

    def draw(count: int) -> tuple[Array, Array]:
        seed = int(rng.integers(2**31))
        if shape == "moons":
            x, y = datasets.make_moons(count, noise=noise, random_state=seed)
        elif shape == "circles":
            x, y = datasets.make_circles(count, noise=noise / 2, factor=0.5, random_state=seed)
        else:
            y = rng.integers(0, 2, count)
            turn = rng.uniform(0.5, 3 * np.pi, count)
            angle = turn + np.pi * y
            x = np.stack([turn * np.cos(angle), turn * np.sin(angle)], 1) / 5 + rng.normal(size=(count, 2)) * noise / 2
        return np.concatenate([x, rng.normal(size=(count, useless))], 1), y.astype(float)

    return draw, 2


def _teacher(rng: np.random.Generator) -> tuple[Draw, int]:
    """Classes given by a random network of one layer."""
    features, classes, hidden = int(rng.integers(5, 30)), int(rng.choice([2, 3, 4, 8])), int(rng.integers(4, 24))
    first, second = rng.normal(size=(features, hidden)) / np.sqrt(features), rng.normal(size=(hidden, classes))
    noise = float(rng.choice([0.0, 0.0, 0.1, 0.2, 0.4]))

    def draw(count: int) -> tuple[Array, Array]:
        x = rng.normal(size=(count, features))
        y = np.argmax(np.tanh(2 * x @ first) @ second, 1)
        return x, np.where(rng.random(count) < noise, rng.integers(0, classes, count), y).astype(float)

    return draw, classes


def _boxes(rng: np.random.Generator) -> tuple[Draw, int]:
    """Classes that change at thresholds of few features, and numbers that stand for categories."""
    features, depth = int(rng.integers(4, 20)), int(rng.integers(2, 5))
    chosen = rng.choice(features, size=min(features, depth), replace=False)
    limits = rng.normal(size=len(chosen)) * 0.5
    answers = rng.permutation(np.arange(2 ** len(chosen)) % 2)
    noise = float(rng.choice([0.0, 0.05, 0.15]))

    def draw(count: int) -> tuple[Array, Array]:
        x = rng.normal(size=(count, features))
        x[:, features // 2 :] = np.round(x[:, features // 2 :] * 2)
        box = ((x[:, chosen] > limits) * 2 ** np.arange(len(chosen))).sum(1)
        return x, np.where(rng.random(count) < noise, rng.integers(0, 2, count), answers[box]).astype(float)

    return draw, 2


def _counts(rng: np.random.Generator) -> tuple[Draw, int]:
    """Short texts as counts of words: each class has words of its own."""
    words, classes, length = int(rng.integers(80, 300)), int(rng.choice([2, 4, 6])), int(rng.integers(10, 60))
    shares = rng.dirichlet(np.full(words, 0.3), size=classes) * 0.35 + rng.dirichlet(np.full(words, 0.3)) * 0.65

    def draw(count: int) -> tuple[Array, Array]:
        y = rng.integers(0, classes, count)
        return np.stack([rng.multinomial(length, shares[label]) for label in y]).astype(float), y.astype(float)

    return draw, classes


def _images(rng: np.random.Generator) -> tuple[Draw, int]:
    """Images of 8 by 8 like digits: a smooth pattern for each class, moved, dimmed and noisy."""
    classes, noise = int(rng.choice([4, 10, 10])), float(rng.uniform(0.1, 1.2))
    rough = rng.normal(size=(classes, 8, 8))
    patterns = np.sum([np.roll(rough, (i, j), (1, 2)) for i in (0, 1) for j in (0, 1)], 0) / 2
    wrong = float(rng.choice([0.0, 0.0, 0.2]))

    def draw(count: int) -> tuple[Array, Array]:
        y = rng.integers(0, classes, count)
        x = np.stack([np.roll(patterns[label], tuple(rng.integers(-1, 2, 2)), (0, 1)) for label in y])
        x = x * rng.uniform(0.5, 1.5, (count, 1, 1)) + rng.normal(size=x.shape) * noise
        return x.reshape(count, 64), np.where(rng.random(count) < wrong, rng.integers(0, classes, count), y).astype(float)

    return draw, classes


def _friedman(rng: np.random.Generator) -> tuple[Draw, int]:
    """Friedman's regressions."""
    make = [datasets.make_friedman1, datasets.make_friedman2, datasets.make_friedman3][int(rng.integers(3))]
    share = float(rng.choice([0.05, 0.2, 0.6]))
    usual = make(4000, random_state=0)[1]
    level, scale = float(usual.mean()), float(usual.std())

    def draw(count: int) -> tuple[Array, Array]:
        x, y = make(count, random_state=int(rng.integers(2**31)))
        return x / np.abs(x).max(0), (y - level) / scale + rng.normal(size=count) * share

    return draw, 0


def _sparse(rng: np.random.Generator) -> tuple[Draw, int]:
    """A linear regression with many features, of which few matter."""
    features, matter, noise = int(rng.integers(10, 200)), int(rng.integers(3, 10)), float(rng.choice([0.1, 0.5, 1.0]))
    slope = rng.normal(size=matter) / np.sqrt(matter)

    def draw(count: int) -> tuple[Array, Array]:
        x = rng.normal(size=(count, features))
        return x, x[:, :matter] @ slope + noise * rng.normal(size=count)

    return draw, 0


def _waves(rng: np.random.Generator) -> tuple[Draw, int]:
    """A smooth regression that is not monotonic."""
    features, noise, speed = int(rng.integers(2, 8)), float(rng.choice([0.05, 0.3, 0.8])), float(rng.uniform(0.7, 2.5))
    directions, weights = rng.normal(size=(features, 4)) * speed / np.sqrt(features), rng.normal(size=4) / np.sqrt(2)

    def draw(count: int) -> tuple[Array, Array]:
        x = rng.normal(size=(count, features))
        return x, np.sin(2 * x @ directions) @ weights + noise * rng.normal(size=count)

    return draw, 0


def _real(load: Callable[..., tuple[Array, Array]]) -> Callable[[np.random.Generator], tuple[Draw, int]]:
    """A data set of scikit-learn's, its rows in random order, each row once; some with wrong labels."""

    def family(rng: np.random.Generator) -> tuple[Draw, int]:
        x, y = load(return_X_y=True)
        x = (x - x.mean(0)) / np.maximum(x.std(0), 1e-9)
        classes = len(np.unique(y)) if np.allclose(y, np.round(y)) and len(np.unique(y)) <= 10 else 0
        y = y.astype(float) if classes else (y - y.mean()) / y.std()
        if classes and rng.random() < 0.25:
            y = np.where(rng.random(len(y)) < 0.2, rng.integers(0, classes, len(y)), y).astype(float)
        order = rng.permutation(len(y))
        taken = [0]

        def draw(count: int) -> tuple[Array, Array]:
            rows = order[taken[0] : taken[0] + count]
            taken[0] += len(rows)
            return x[rows], y[rows]

        return draw, classes

    return family


REAL = {
    "digits": (datasets.load_digits, 1797),
    "breast cancer": (datasets.load_breast_cancer, 569),
    "diabetes": (datasets.load_diabetes, 442),
    "wine": (datasets.load_wine, 178),
    "iris": (datasets.load_iris, 150),
}
FAMILIES: Mapping[str, Callable[[np.random.Generator], tuple[Draw, int]]] = {
    "clusters": _clusters,
    "wide": _wide,
    "planes": _planes,
    "teacher": _teacher,
    "boxes": _boxes,
    "counts": _counts,
    "images": _images,
    "friedman": _friedman,
    "sparse": _sparse,
    "waves": _waves,
    **{name: _real(load) for name, (load, _) in REAL.items()},
}


def problem(family: str, seed: int) -> Problem:
    """A random problem of a family."""
    rng = np.random.default_rng([seed, *family.encode()])
    draw, classes = FAMILIES[family](rng)
    train = int(np.exp(rng.uniform(np.log(rng.choice([40, 500])), np.log(5000))))
    validation = int(np.exp(rng.uniform(np.log(25), np.log(2000))))
    if family in REAL:  # at least half of it is left out
        held = REAL[family][1]
        train, validation = min(train, int(0.35 * held)), min(validation, int(0.15 * held))
    if rng.random() < 0.3:
        validation = max(20, train // 4)
    x, y = draw(train + validation + _FRESH)
    if classes and rng.random() < 0.1:  # raw features, as nobody should train on
        x = x * np.exp(rng.normal(size=x.shape[1]) * 1.5) + rng.normal(size=x.shape[1]) * 3
    parts = np.split(np.arange(len(x)), [train, train + validation])
    if classes:
        parts[0] = _with_all_classes(y, parts[0], classes)
    rows = [Rows(x=x[part], y=y[part]) for part in parts]
    side = 8 if family in {"images", "digits"} else 0
    return Problem(
        name=f"{family}-{seed}", family=family, classes=classes, side=side, train=rows[0], validation=rows[1], fresh=rows[2]
    )


def _with_all_classes(y: Array, part: npt.NDArray[np.int64], classes: int) -> npt.NDArray[np.int64]:
    """The training rows, with a row of each class that is missing there in place of one of the last."""
    part = part.copy()
    for label in sorted(set(range(classes)) - set(y[part].astype(int))):
        spare = next(i for i in range(len(part)) if np.sum(y[part] == y[part[i]]) > 1)
        part[spare] = np.flatnonzero(y == label)[0]
    return part
