"""How the tables of the fifth series are trained that are of texts: a classifier of docstrings, a language model of Python's code."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB
from sklearn.svm import LinearSVC

from benchmarks.trainings.data import Values, nine_tenths
from benchmarks.trainings.losses import Curve
from local_emulator.domain.space import Point

Codes = npt.NDArray[np.int64]
LIBRARY = Path(ast.__file__).parent
"""Where the modules and packages of the standard library are."""


# --- n-grams of docstrings --------------------------------------------------------------------------------------------------


@cache
def _docstrings() -> tuple[list[str], Values]:
    """Beginnings of docstrings of six packages of the standard library, at most 75 each; every third is held out."""
    texts: list[str] = []
    labels: list[int] = []
    packages = ("asyncio", "email", "unittest", "multiprocessing", "importlib", "xml")
    for label, package in enumerate(packages):
        kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        paths = [path for path in sorted((LIBRARY / package).rglob("*.py")) if "test_" not in path.name]
        trees = [ast.parse(path.read_text("utf-8")) for path in paths]
        said = [ast.get_docstring(node) or "" for tree in trees for node in ast.walk(tree) if isinstance(node, kinds)]
        words = [re.sub(r"[\W\d_]+", " ", text).lower().replace(package, "")[:90] for text in said]
        distinct = sorted({text.strip() for text in words if len(text) >= 30})
        chosen = np.random.default_rng(57).permutation(len(distinct))[:75]
        texts += [distinct[index] for index in chosen.tolist()]
        labels += [label] * len(chosen)
    return texts, np.array(labels, dtype=float)


def ngrams_docstrings(seed: int, point: Point) -> Curve:
    """Share of docstrings whose package is mistaken, by one of three linear models of weighted n-grams, on nine tenths of them."""
    texts, labels = _docstrings()
    held = np.arange(len(texts)) % 3 == 2
    seen = np.flatnonzero(~held)
    seen = seen[nine_tenths(seed, len(seen))]
    words = TfidfVectorizer(
        analyzer=point["analyzer"],
        ngram_range=(1, int(point["ngram_max"])),
        min_df=int(point["min_df"]),
        max_features=int(point["max_features"]),
        sublinear_tf=point["sublinear_tf"] == "True",
    )
    models: dict[str, Any] = {
        "logistic": LogisticRegression(C=float(point["C"]), max_iter=50),
        "svm": LinearSVC(C=float(point["C"]), max_iter=200, random_state=seed),
        "naive_bayes": ComplementNB(alpha=float(point["alpha"])),
    }
    try:
        inputs = words.fit_transform([texts[at] for at in seen.tolist()])
    except ValueError:  # no n-gram is frequent enough
        return []
    model = models[point["classifier"]].fit(inputs, labels[seen])
    others = words.transform([text for text, later in zip(texts, held, strict=True) if later])
    return [1.0 - float(model.score(others, labels[held]))]


# --- a language model -------------------------------------------------------------------------------------------------------

LETTERS = 98  # printable ASCII, the end of a line, what precedes a text and all else


@cache
def _code() -> tuple[list[Codes], Codes]:
    """Characters of the code of modules, comments and all: pieces of 500 to learn from; of three other modules, held out."""
    texts = [
        "".join((LIBRARY / f"{module}.py").read_text("utf-8")[:7000] for module in modules)
        for modules in (
            ("bisect", "calendar", "cmd", "colorsys", "fnmatch", "gettext", "heapq", "queue", "sched", "textwrap"),
            ("shlex", "glob", "timeit"),
        )
    ]
    numbers = {chr(31 + number): number for number in range(1, 96)} | {"\n": 97}
    seen, held = (np.array([numbers.get(letter, 96) for letter in text], dtype=np.int64) for text in texts)
    return np.array_split(seen, len(seen) // 500), held


def _counted(keys: Codes, wanted: Codes, least: int = 1) -> tuple[Codes, Values]:
    """Distinct keys that are there often enough, -1 before them, and how often each wanted one is."""
    distinct, times = np.unique(keys, return_counts=True)
    distinct, times = (np.insert(values[times >= least], 0, first) for values, first in ((distinct, -1), (times, 0)))
    at = np.minimum(np.searchsorted(distinct, wanted), len(distinct) - 1)
    return distinct, np.where(distinct[at] == wanted, times[at], 0).astype(float)


def smoothing_code(seed: int, point: Point) -> Curve:
    """Bits for a character of a model of n-grams with one of five smoothings, mixed with what was there last, on nine tenths."""
    pieces, held = _code()
    kept = nine_tenths(seed, len(pieces))
    order, smoothing = int(point["order"]), point["smoothing"]
    alpha, weight, discount = (float(point[name]) for name in ("alpha", "interpolation", "discount"))
    start = np.zeros(order, dtype=np.int64)
    texts = [np.concatenate([start, pieces[index]]) for index in kept.tolist()]
    tested = np.concatenate([start, held])

    def grams(text: Codes, size: int) -> Codes:
        """A number for each letter and the `size - 1` before it."""
        numbers = np.zeros(len(text) - order, dtype=np.int64)
        for at in range(order - size + 1, order + 1):
            numbers = numbers * LETTERS + text[at : len(text) - order + at]
        return numbers

    chances = np.full(len(held), 1.0 / LETTERS)
    for size in range(1, order + 1):
        keys, wanted = np.concatenate([grams(text, size) for text in texts]), grams(tested, size)
        if smoothing == "kneser_ney" and size < order:  # after how many others it comes
            keys = np.unique(np.concatenate([grams(text, size + 1) for text in texts])) % LETTERS**size
        least = int(point["min_count"]) if size > 2 else 1
        distinct, times = _counted(keys, wanted, least)
        keys = keys[np.isin(keys, distinct)]
        contexts, before = wanted // LETTERS, _counted(keys // LETTERS, wanted // LETTERS)[1]
        kinds, known = _counted(distinct // LETTERS, contexts)[1], np.maximum(before, 1.0)
        smoothed = {
            "additive": (times + alpha * LETTERS * chances) / (before + alpha * LETTERS),
            "jelinek_mercer": weight * times / known + (1 - weight) * chances,
            "absolute": (np.maximum(times - discount, 0) + discount * kinds * chances) / known,
            "kneser_ney": (np.maximum(times - discount, 0) + discount * kinds * chances) / known,
            "witten_bell": (times + kinds * chances) / (known + kinds),
        }
        chances = np.where(before > 0, smoothed[smoothing], chances)
    last = int(point["cache_size"])
    sums = np.vstack([np.zeros(LETTERS), np.eye(LETTERS)[held].cumsum(axis=0)])
    at = np.arange(len(held))
    recent = (sums[at] - sums[np.maximum(at - last, 0)])[at, held] / np.clip(at, 1, last)
    mixed = (1 - float(point["cache_weight"])) * chances + float(point["cache_weight"]) * recent
    return [float(-np.log2(np.clip(mixed, 1e-9, 1.0)).mean())]
