"""How the models of the third series are trained: ten families on ten data sets that the first two series have not.

As in `families.py`, each function takes a seed and a point and returns the objective, to be minimised, after each epoch.
"""

import math
import re
from collections.abc import Sequence
from functools import cache

import numpy as np
from sklearn import datasets
from sklearn.decomposition import MiniBatchDictionaryLearning
from sklearn.ensemble import AdaBoostRegressor, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import ElasticNet, LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.preprocessing import PolynomialFeatures, QuantileTransformer, RobustScaler, StandardScaler
from sklearn.svm import OneClassSVM
from sklearn.tree import DecisionTreeRegressor

from benchmarks.trainings.data import Split, Values, nine_tenths, split, unit
from benchmarks.trainings.losses import Curve, error, log_loss, softmax
from local_emulator.domain.space import Point

MAZE = ("..........", ".####.###.", ".#....#...", ".#.####.#.", ".#.#....#.", "...#.####.", ".###......", ".....####.")
"""Where one may walk, from the upper left to the lower right."""


@cache
def _sentences() -> tuple[Sequence[str], Values]:
    """Lines of what scikit-learn says of its data sets, and which of six each is of; every third is held out."""
    names = ("breast_cancer", "diabetes", "digits", "iris", "linnerud", "wine")
    lines: list[str] = []
    labels: list[int] = []
    for label, name in enumerate(names):
        words = re.findall(r"[A-Za-z]{2,}", getattr(datasets, f"load_{name}")().DESCR.lower())
        chunks = [" ".join(words[at : at + 8]) for at in range(0, len(words), 8)]
        lines += chunks
        labels += [label] * len(chunks)
    return lines, np.array(labels, dtype=float)


def text_descriptions(seed: int, point: Point) -> Curve:
    """Log loss of naive Bayes on weighted n-grams, on nine tenths of the lines."""
    lines, labels = _sentences()
    held = np.arange(len(lines)) % 3 == 2
    seen = np.flatnonzero(~held)
    seen = seen[nine_tenths(seed, len(seen))]
    words = TfidfVectorizer(
        analyzer=point["analyzer"],
        ngram_range=(1, int(point["longest"])),
        min_df=int(point["min_df"]),
        max_features=int(point["max_features"]),
        sublinear_tf=point["sublinear"] == "yes",
        norm=None if point["norm"] == "none" else point["norm"],
    )
    try:
        inputs = words.fit_transform([lines[at] for at in seen.tolist()])
    except ValueError:  # no word is frequent enough
        return []
    model = {"multinomial": MultinomialNB, "complement": ComplementNB}[point["model"]](alpha=float(point["alpha"]))
    model.fit(inputs, labels[seen])
    probabilities = model.predict_proba(words.transform([line for line, later in zip(lines, held, strict=True) if later]))
    return [log_loss(probabilities, labels[held])]


@cache
def _shapes() -> tuple[Values, Values, Values, Values]:
    """Pictures of 10 by 10 with a cross, a square, a disc or two bars, anywhere, with noise: seen, held out, labels of both."""
    rng = np.random.default_rng(0)
    pictures, labels = rng.normal(scale=0.5, size=(500, 10, 10)), rng.integers(0, 4, 500)
    down, across = np.mgrid[-2:3, -2:3]
    masks = [down * across == 0, np.maximum(abs(down), abs(across)) == 2, down**2 + across**2 <= 4, abs(down) == 1]
    for picture, label in zip(pictures, labels, strict=True):
        top, left = rng.integers(0, 6, 2)
        picture[top : top + 5, left : left + 5] += masks[label]
    return pictures[:200], pictures[200:], labels[:200].astype(float), labels[200:].astype(float)


def convolution_shapes(seed: int, point: Point) -> Curve:
    """Log loss of a network of one convolution in plain arrays, after each epoch."""
    seen, held, labels, held_labels = _shapes()
    rng, size, count = np.random.default_rng(seed), int(point["size"]), int(point["filters"])
    windows = [
        np.lib.stride_tricks.sliding_window_view(rows, (size, size), axis=(1, 2)).reshape(len(rows), -1, size**2)
        for rows in (seen, held)
    ]
    cells = windows[0].shape[1]
    rate, momentum, decay = (float(point[name]) for name in ("learning_rate", "momentum", "decay"))
    filters = rng.normal(size=(size**2, count)) * float(point["initial"]) / size
    weights = rng.normal(size=(count + 1, 4)) * float(point["initial"]) / math.sqrt(count)
    moved, moved_weights, curve, highest = np.zeros_like(filters), np.zeros_like(weights), [], point["pooling"] == "max"

    def forward(patches: Values) -> tuple[Values, Values, Values]:
        hidden = np.maximum(patches @ filters, 0.0)
        pooled = hidden.max(axis=1) if highest else hidden.mean(axis=1) * math.sqrt(cells)
        inputs = np.column_stack([pooled, np.ones(len(pooled))])
        return hidden, inputs, softmax(inputs @ weights)

    with np.errstate(all="ignore"):
        for _ in range(8):
            for rows in np.array_split(rng.permutation(len(seen)), max(len(seen) // int(point["batch_size"]), 1)):
                patches = windows[0][rows]
                hidden, inputs, off = forward(patches)
                off[np.arange(len(rows)), labels[rows].astype(int)] -= 1.0
                back = off @ weights[:-1].T / len(rows)
                if highest:
                    at = hidden.argmax(axis=1)
                    chosen = np.take_along_axis(patches, at[:, :, None], axis=1)
                    slope = np.einsum("nk,nkd->dk", back * (np.take_along_axis(hidden, at[:, None, :], 1)[:, 0] > 0), chosen)
                else:
                    slope = np.einsum("nk,nck,ncd->dk", back, hidden > 0, patches, optimize=True) / math.sqrt(cells)
                moved = momentum * moved - rate * (slope + decay * filters)
                moved_weights = momentum * moved_weights - rate * (inputs.T @ off / len(rows) + decay * weights)
                filters, weights = filters + moved, weights + moved_weights
            curve.append(log_loss(forward(windows[1])[2], held_labels))
    return curve


@cache
def _roll() -> Split:
    """How far along a rolled-up sheet a place is, with five columns of noise."""
    inputs, targets = datasets.make_swiss_roll(900, noise=1.0, random_state=0)
    noise = np.random.default_rng(0).normal(size=(len(inputs), 5))
    return split(350, np.column_stack([inputs, noise]), unit(targets))


def adaboost_roll(seed: int, point: Point) -> Curve:
    """Error of boosted trees of which each looks at what the others got wrong."""
    seen, held, targets, held_targets = _roll()
    tree = DecisionTreeRegressor(
        max_depth=int(point["max_depth"]),
        min_samples_leaf=int(point["min_samples_leaf"]),
        splitter=point["splitter"],
        max_features=float(point["max_features"]),
    )
    model = AdaBoostRegressor(
        tree,
        n_estimators=int(point["n_estimators"]),
        learning_rate=float(point["learning_rate"]),
        loss=point["loss"],
        random_state=seed,
    )
    return [error(model.fit(seen, targets).predict(held), held_targets)]


@cache
def _impedance() -> Split:
    """Friedman's second function of four columns of very different sizes, logarithms of its values, with six columns of noise."""
    inputs, targets = datasets.make_friedman2(500, noise=40.0, random_state=0)
    rng = np.random.default_rng(0)
    columns = np.column_stack([inputs, rng.lognormal(size=(len(inputs), 6))])
    return split(120, columns, unit(np.log(np.maximum(targets, 20.0))))


def elastic_impedance(seed: int, point: Point) -> Curve:
    """Error of an elastic net on powers and products of scaled columns, on nine tenths of the rows."""
    seen, held, targets, held_targets = _impedance()
    kept = nine_tenths(seed, len(seen))
    scaler = {"standard": StandardScaler(), "robust": RobustScaler(), "quantiles": QuantileTransformer(n_quantiles=50)}[
        point["scaling"]
    ]
    powers = PolynomialFeatures(int(point["degree"]), interaction_only=point["products"] == "only")
    again = StandardScaler()
    inputs = again.fit_transform(powers.fit_transform(scaler.fit_transform(seen[kept])))
    model = ElasticNet(
        alpha=float(point["alpha"]),
        l1_ratio=float(point["l1_ratio"]),
        max_iter=int(point["max_iter"]),
        tol=float(point["tol"]),
        selection=point["selection"],
        random_state=seed,
    ).fit(inputs, targets[kept])
    rows = again.transform(powers.transform(scaler.transform(held)))
    return [error(model.predict(rows), held_targets)]


@cache
def _rings() -> tuple[Values, Values, Values]:
    """Rows on two rings to learn from; others, on the rings or not, and whether they are not; four columns of noise."""
    rng = np.random.default_rng(0)
    rings, _ = datasets.make_circles(700, noise=0.05, factor=0.5, random_state=0)
    strangers = rng.uniform(-1.3, 1.3, size=(400, 2))
    rows = np.vstack([rings, strangers])
    rows = np.column_stack([rows, 0.1 * rng.normal(size=(len(rows), 4))])
    return rows[:200], rows[200:], np.repeat([0.0, 1.0], [500, 400])


def novelty_rings(seed: int, point: Point) -> Curve:
    """Share of pairs that a machine that has seen the rings alone puts in the wrong order."""
    seen, rows, strange = _rings()
    kept = nine_tenths(seed, len(seen))
    model = OneClassSVM(
        kernel=point["kernel"],
        nu=float(point["nu"]),
        gamma=float(point["gamma"]),
        degree=int(point["degree"]),
        coef0=float(point["coef0"]),
        shrinking=point["shrinking"] == "yes",
        max_iter=5000,
    ).fit(seen[kept])
    return [1.0 - float(roc_auc_score(strange, -model.decision_function(rows)))]


@cache
def _lorenz() -> Values:
    """The first number of Lorenz' system, 900 steps of 0.05, with noise."""
    state, values = np.array([1.0, 1.0, 20.0]), []
    for _ in range(9500):
        x, y, z = state
        state = state + 0.005 * np.array([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])
        values.append(state[0])
    series = unit(np.array(values[500::10]))
    return np.asarray(series + 0.1 * np.random.default_rng(0).normal(size=len(series)))


def lags_lorenz(seed: int, point: Point) -> Curve:
    """Error eight steps ahead of trees that are boosted on earlier values of a series, or on differences of them."""
    series, ahead, count, apart = _lorenz(), 8, int(point["lags"]), int(point["apart"])
    first = 30 * 3
    ends = np.arange(first, len(series) - ahead)
    inputs = np.column_stack([series[ends - apart * lag] for lag in range(count)])
    base = series[ends] if point["differences"] == "yes" else np.zeros(len(ends))
    inputs = inputs if point["differences"] == "no" else np.column_stack([series[ends], inputs[:, :-1] - inputs[:, 1:]])
    targets = series[ends + ahead] - base
    rng = np.random.default_rng(seed)
    seen = rng.permutation(450)[:400]
    model = HistGradientBoostingRegressor(
        max_iter=int(point["max_iter"]),
        learning_rate=float(point["learning_rate"]),
        max_leaf_nodes=int(point["max_leaf_nodes"]),
        min_samples_leaf=int(point["min_samples_leaf"]),
        l2_regularization=float(point["l2_regularization"]),
        early_stopping=False,
        random_state=seed,
    ).fit(inputs[seen], targets[seen])
    return [error(model.predict(inputs[460:]), targets[460:])]


@cache
def _waves() -> tuple[Values, Values, Values]:
    """Pieces of 32 values of tones and steps: seen with noise, held out with noise, held out without."""
    rng, at = np.random.default_rng(0), np.arange(32)
    rates, shifts, starts = rng.choice([0.2, 0.45, 0.8], (500, 1)), rng.uniform(0, 6.3, (500, 1)), rng.integers(0, 32, (500, 1))
    clean = np.sin(rates * at + shifts) * rng.lognormal(0, 0.4, (500, 1)) + (at > starts) * rng.normal(0, 1, (500, 1))
    noisy = clean + 0.4 * rng.normal(size=clean.shape)
    return noisy[:250], noisy[250:], clean[250:]


def dictionary_waves(seed: int, point: Point) -> Curve:
    """Error of pieces of which a learnt dictionary is to take the noise."""
    seen, noisy, clean = _waves()
    model = MiniBatchDictionaryLearning(
        n_components=int(point["n_components"]),
        alpha=float(point["alpha"]),
        max_iter=int(point["max_iter"]),
        batch_size=int(point["batch_size"]),
        fit_algorithm=point["fit"],
        transform_algorithm=point["transform"],
        transform_n_nonzero_coefs=min(int(point["nonzero"]), int(point["n_components"])),
        transform_alpha=float(point["threshold"]),
        random_state=seed,
    )
    try:
        codes = model.fit(seen).transform(noisy)
    except ValueError:  # numbers that are no finite ones any more
        return []
    return [error(codes @ model.components_, clean)]


@cache
def _echoes() -> tuple[Values, Values, Values, Values]:
    """Sequences of 20 steps of which a mark says which of the values are to be added: seen, targets, held out, targets."""
    rng = np.random.default_rng(0)
    values, marks = rng.uniform(-1, 1, (500, 20)), np.zeros((500, 20))
    for row, (early, late) in enumerate(zip(rng.integers(0, 10, 500), rng.integers(10, 20, 500), strict=True)):
        marks[row, [early, late]] = 1.0
    inputs, targets = np.stack([values, marks], axis=2), (values * marks).sum(axis=1)
    return inputs[:200], targets[:200], inputs[200:], targets[200:]


def recurrent_echoes(seed: int, point: Point) -> Curve:
    """Error of a recurrent network that adds what is marked, its gradients clipped, after each epoch."""
    seen, targets, held, held_targets = _echoes()
    rng, width, rate = np.random.default_rng(seed), int(point["width"]), float(point["learning_rate"])
    inward = rng.normal(size=(2, width)) * 0.5
    around = float(point["radius"]) * np.linalg.qr(rng.normal(size=(width, width)))[0]
    if point["start"] == "diagonal":
        around = float(point["radius"]) * np.eye(width)
    outward = rng.normal(size=width) / math.sqrt(width)
    weights, curve = [inward, around, outward], []
    moments = [np.zeros_like(weight) for weight in weights]
    curved = point["activation"] == "tanh"

    def states_of(rows: Values) -> list[Values]:
        states = [np.zeros((len(rows), width))]
        for step in range(rows.shape[1]):
            moved = rows[:, step] @ weights[0] + states[-1] @ weights[1]
            states.append(np.tanh(moved) if curved else np.clip(moved, 0.0, 1e6))
        return states

    with np.errstate(all="ignore"):
        for _ in range(10):
            for rows in np.array_split(rng.permutation(len(seen)), max(len(seen) // int(point["batch_size"]), 1)):
                states = states_of(seen[rows])
                off = (states[-1] @ weights[2] - targets[rows]) / len(rows)
                slopes = [np.zeros_like(inward), np.zeros_like(around), states[-1].T @ off]
                back = np.outer(off, weights[2])
                for step in reversed(range(seen.shape[1])):
                    back = back * (1 - states[step + 1] ** 2 if curved else states[step + 1] > 0)
                    slopes[0] += seen[rows, step].T @ back
                    slopes[1] += states[step].T @ back
                    back = back @ weights[1].T
                length = math.sqrt(sum(float((slope**2).sum()) for slope in slopes))
                shorter = min(1.0, float(point["clip"]) / (length + 1e-12))
                for index, slope in enumerate(slopes):
                    moments[index] = float(point["momentum"]) * moments[index] + shorter * slope
                    weights[index] = weights[index] * (1 - rate * float(point["decay"])) - rate * moments[index]
            curve.append(error(states_of(held)[-1] @ weights[2], held_targets))
    return curve


@cache
def _tags() -> tuple[Values, Values]:
    """Counts of 25 words, and which of six tags are theirs; a tenth of the tags is wrong."""
    inputs, tags = datasets.make_multilabel_classification(700, 25, n_classes=6, n_labels=2, length=30, random_state=0)
    return inputs, np.where(np.random.default_rng(0).random(tags.shape) < 0.1, 1 - tags, tags)


def chain_tags(seed: int, point: Point) -> Curve:
    """Log loss of logistic regressions of which each sees the tags of those before, or not, on nine tenths of the rows."""
    inputs, tags = _tags()
    rows = {"none": inputs, "root": np.sqrt(inputs), "share": 25 * inputs / np.maximum(inputs.sum(axis=1, keepdims=True), 1)}
    columns = StandardScaler().fit(rows[point["scaling"]][:200]).transform(rows[point["scaling"]])
    kept = np.random.default_rng(seed).permutation(200)[:180]
    single = LogisticRegression(
        solver="saga",
        C=float(point["C"]),
        l1_ratio=float(point["l1_ratio"]),
        max_iter=int(point["max_iter"]),
        class_weight=None if point["class_weight"] == "none" else "balanced",
        random_state=seed,
    )
    if point["chain"] == "yes":
        chained = ClassifierChain(single, order="random", random_state=seed).fit(columns[kept], tags[kept])
        chances = chained.predict_proba(columns[200:])
    else:
        model = MultiOutputClassifier(single).fit(columns[kept], tags[kept])
        chances = np.column_stack([both[:, 1] for both in model.predict_proba(columns[200:])])
    chances = float(point["shrink"]) * tags[kept].mean(axis=0) + (1 - float(point["shrink"])) * chances
    right = np.where(tags[200:] == 1, chances, 1 - chances)
    return [float(-np.log(np.clip(right, 1e-6, 1.0)).mean())]


def qlearning_maze(seed: int, point: Point) -> Curve:
    """Share of 200 steps that a walk through a maze takes after learning by reward; a fifth of the steps slips."""
    rng, height, width = np.random.default_rng(seed), len(MAZE), len(MAZE[0])
    walls = [[cell == "#" for cell in row] for row in MAZE]
    table = np.full((height * width, 4), float(point["optimism"]))
    rate, discount, trace = (float(point[name]) for name in ("learning_rate", "discount", "trace"))
    kept, moves = point["update"] == "sarsa", ((0, 1), (1, 0), (0, -1), (-1, 0))

    def choice(at: int, curious: float) -> int:
        return int(rng.integers(4)) if rng.random() < curious else int(table[at].argmax())

    def walk(curious: float, *, learn: bool) -> int:
        at, traces = 0, np.zeros_like(table)
        action = choice(at, curious)
        for step in range(200):
            down, across = moves[action if rng.random() > 0.2 else int(rng.integers(4))]
            row, column = at // width + down, at % width + across
            free = 0 <= row < height and 0 <= column < width and not walls[row][column]
            new = row * width + column if free else at
            done = new == height * width - 1
            after = choice(new, curious)
            if learn:
                ahead = table[new, after] if kept else table[new].max()
                gap = (1.0 if done else -0.01) + (0.0 if done else discount * ahead) - table[at, action]
                traces *= discount * trace
                traces[at, action] = 1.0
                table[:] = np.clip(table + rate * gap * traces, -1e3, 1e3)
            at, action = new, after
            if done:
                return step + 1
        return 200

    episodes = int(point["episodes"])
    for episode in range(episodes):
        walk(float(point["curious"]) * float(point["fall"]) ** episode, learn=True)
    return [float(np.mean([walk(0.02, learn=False) for _ in range(8)])) / 200]
