"""Importances of hyperparameters, on planted objectives and beside the same model written in matrices."""

import itertools
import math
import random
from collections.abc import Callable, Mapping, Sequence

import pytest

from sm_tuning.analysis.confidence import Confidence
from sm_tuning.analysis.importances import Column, Importance, importances

Points = Sequence[Sequence[float]]


def points(count: int, width: int, seed: int = 1) -> Points:
    chance = random.Random(seed)
    return [[chance.random() for _ in range(width)] for _ in range(count)]


def decided(at: Points, play: Callable[[Sequence[float]], float]) -> list[Importance]:
    columns = {str(index): Column.ordered([point[index] for point in at]) for index in range(len(at[0]))}
    return list(importances(columns, [play(point) for point in at]).values())


def test_one_decides_all() -> None:
    rate, idle, other = decided(points(20, 3), lambda point: (point[0] - 0.4) ** 2)
    assert (rate.share > 0.8, rate.confidence) == (True, Confidence.HIGH)
    assert max(idle.share, other.share) < 0.05
    assert (idle.confidence, other.confidence) == (Confidence.LOW, Confidence.LOW)


@pytest.mark.parametrize("seed", range(5))
def test_what_two_do_together_counts_for_both(seed: int) -> None:
    """Neither does anything by itself: on the average over the other all its settings are alike."""
    first, second, idle = decided(points(40, 3, seed), lambda point: float((point[0] > 0.5) == (point[1] > 0.5)))
    assert first.confidence is second.confidence is Confidence.HIGH
    assert min(first.share, second.share) > 0.3 > 3 * idle.share


def test_noise_is_told_as_noise() -> None:
    """The issue's own case: twelve training jobs in which nothing matters."""
    said = []
    for seed in range(60):
        chance = random.Random(seed + 100)
        said.append(decided(points(12, 4, seed), lambda _, chance=chance: chance.gauss(0, 1)))  # type: ignore[misc] # bound now
    assert sum(any(each.confidence is not Confidence.LOW for each in job) for job in said) <= 6
    assert sum(any(each.confidence is Confidence.HIGH for each in job) for job in said) <= 2
    assert sum(any(each.share > 0.3 and each.confidence is not Confidence.LOW for each in job) for job in said) <= 6


def test_a_weak_effect_is_smaller_than_a_strong_one() -> None:
    chance = random.Random(3)
    strong, weak, _ = decided(points(40, 3), lambda point: 3 * point[0] + point[1] + chance.gauss(0, 0.1))
    assert strong.share == pytest.approx(0.9, abs=0.07)
    assert weak.share == pytest.approx(0.1, abs=0.07)
    assert weak.confidence is Confidence.HIGH


def test_categories_have_no_order() -> None:
    chance = random.Random(1)
    kinds = [chance.choice("abcd") for _ in range(30)]
    idle = [chance.random() for _ in kinds]
    values = [(1.0 if kind in "ac" else 0.0) + chance.gauss(0, 0.1) for kind in kinds]
    effects = importances({"kind": Column.categories(kinds), "idle": Column.ordered(idle)}, values)
    assert (effects["kind"].share > 0.8, effects["kind"].confidence) == (True, Confidence.HIGH)
    assert effects["idle"].confidence is Confidence.LOW


def test_neither_units_nor_the_order_of_training_jobs_matter() -> None:
    at = points(15, 2)
    first = decided(at, lambda point: point[0] + 0.3 * point[1])
    stretched = decided([[1e6 * x, y - 5] for x, y in reversed(at)], lambda point: 7e-6 * point[0] + 2.1 * point[1] + 3)
    for plain, changed in zip(first, stretched, strict=True):
        assert plain.share == pytest.approx(changed.share)
        assert plain.probability == pytest.approx(changed.probability)


def test_where_nothing_differs_nothing_is_decided() -> None:
    nothing = Importance(share=0.0, probability=0.0)
    assert decided(points(12, 2), lambda _: 0.5) == [nothing, nothing]
    assert decided(points(1, 2), lambda point: point[0]) == [nothing, nothing]
    same, other = decided([[1.0, x] for (x,) in points(12, 1)], lambda point: point[1])
    assert same.share == pytest.approx(0)
    assert same.confidence is Confidence.LOW
    assert other.confidence is Confidence.HIGH


def test_thirty_hyperparameters() -> None:
    """AWS's most; not every set of them is tried."""
    effects = decided(points(60, 30), lambda point: point[7] + point[20] * point[21])
    best = sorted(range(30), key=lambda index: -effects[index].share)
    assert best[0] == 7
    assert set(best[:3]) == {7, 20, 21}


def in_matrices(at: Points, values: Sequence[float]) -> Mapping[int, tuple[float, float]]:
    """Share and probability of each hyperparameter, written anew: every set, whole matrices, every point of a grid."""
    np = pytest.importorskip("numpy", reason="the oracle is written in numpy")
    x, y = np.array(at), np.array(values)
    y = (y - y.mean()) / y.std()
    count, width = x.shape
    middle = np.eye(count) - 1 / count
    kernels = [middle @ -np.abs(column[:, None] - column[None]) @ middle for column in x.T]
    scales = [1 / kernel.diagonal().mean() for kernel in kernels]
    kernels = [scale * kernel for scale, kernel in zip(scales, kernels, strict=True)]
    crosses = []  # of each setting of a grid over what was tried with each training job
    for scale, column in zip(scales, x.T, strict=True):
        grid = column.min() + np.ptp(column) * (np.arange(12) + 0.5) / 12
        near, far = -np.abs(column[:, None] - column[None]), -np.abs(grid[:, None] - column[None])
        crosses.append(scale * (far - far.mean(axis=1, keepdims=True) - near.mean(axis=0) + near.mean()))
    sets = [set(chosen) for size in range(width + 1) for chosen in itertools.combinations(range(width), size)]
    weights, shares = [], []
    for chosen in sets:
        for size, noise in itertools.product((0.25, 4), (0.05, 0.2)):
            product = np.ones((count, count))
            for index in chosen:
                product *= 1 + size * kernels[index]
            variance = (1 + size) ** len(chosen) - 1
            signal = (product - 1) / variance if chosen else 0 * product
            covariance = (1 - noise) * signal + noise * np.eye(count) if chosen else np.eye(count)
            solution = np.linalg.solve(covariance, y)
            density = np.exp(-0.5 * np.linalg.slogdet(covariance)[1]) * (y @ solution / count) ** (-(count - 1) / 2)
            weights.append(density * 0.3 ** len(chosen) * 0.7 ** (width - len(chosen)))
            alpha = (1 - noise) * solution / variance if chosen else 0 * solution
            factors = [1 + size * cross if index in chosen else np.ones_like(cross) for index, cross in enumerate(crosses)]
            surface = np.einsum("in,jn,kn,n->ijk", *factors, alpha)
            parts = [surface.var(axis=index).mean() for index in range(width)]
            rest = surface.var() + noise * (y @ solution) / count
            shares.append([part / rest if rest > 0 else 0.0 for part in parts])
    total = sum(weights)
    return {
        index: (
            sum(weight * share[index] for weight, share in zip(weights, shares, strict=True)) / total,
            sum(
                weight
                for weight, chosen in zip(weights, [chosen for chosen in sets for _ in range(4)], strict=True)
                if index in chosen
            )
            / total,
        )
        for index in range(width)
    }


@pytest.mark.parametrize("seed", range(3))
def test_the_same_as_in_matrices(seed: int) -> None:
    chance = random.Random(seed)
    at = points(14, 3, seed)
    values = [math.sin(3 * point[0]) * point[1] + chance.gauss(0, 0.2) for point in at]
    effects = decided(at, lambda point: values[at.index(point)])
    for index, (share, probability) in in_matrices(at, values).items():
        assert effects[index].share == pytest.approx(share, abs=1e-3)
        assert effects[index].probability == pytest.approx(probability, abs=1e-3)


@pytest.mark.parametrize("seed", range(6))
def test_of_two_that_a_search_moved_together_it_is_not_told_which_decides(seed: int) -> None:
    """The second does nothing: its settings follow the first's, as a search makes them that moves towards the best point."""
    chance = random.Random(seed)
    first = [chance.random() for _ in range(12)]
    at = [[value, value + chance.gauss(0, 0.02), chance.random()] for value in first]
    decides, follows, idle = decided(at, lambda point: (point[0] - 0.7) ** 2 + chance.gauss(0, 0.005))
    assert (decides.confidence, follows.confidence) == (Confidence.LOW, Confidence.LOW)
    assert ("1" in decides.rivals, "0" in follows.rivals) == (True, True)
    assert idle.rivals == []


@pytest.mark.parametrize("seed", range(6))
def test_what_a_search_moved_by_itself_has_no_rivals(seed: int) -> None:
    chance = random.Random(seed)
    decides, *others = decided(points(12, 3, seed), lambda point: (point[0] - 0.7) ** 2 + chance.gauss(0, 0.005))
    assert decides.confidence is not Confidence.LOW
    assert [each.rivals for each in (decides, *others)] == [[], [], []]
