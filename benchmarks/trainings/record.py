"""Records real trainings: `tables/NAME.npz` for each recipe that has none.

    python benchmarks/trainings/record.py [--only mlp_digits,svm_digits]

Two thirds of a recipe's trainings are of random points, the others near the best ones, in four rounds, so that a model of the table
is precise where searches end. A tenth of them, half of it among the best, are trained with two more seeds: that is the noise of a
training.
"""

import argparse
import math
import sys
import time
import warnings
import zlib
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmarks are no package that is installed

from benchmarks.trainings.curve_series import ALL
from benchmarks.trainings.data import Values
from benchmarks.trainings.recipe import Recipe
from local_emulator.domain.space import Categorical

TABLES = Path(__file__).parent / "tables"
ROUNDS = 4
PARENTS, WIDTH, MOVED, CHANGED = 40, 0.1, 0.7, 0.2
SEEDS = 2
LARGEST = 6e4  # a loss of more, or none, is this: half a double holds it


def train(recipe: Recipe, seed: int, row: Values) -> list[float]:
    """The curve of one training."""
    curve = [value if math.isfinite(value) else LARGEST for value in recipe.train(seed, recipe.space.at(row.tolist()))]
    return [min(value, LARGEST) for value in curve] or [LARGEST]


def near(recipe: Recipe, rows: Values, losses: Values, count: int, rng: np.random.Generator) -> Values:
    """Rows near the best ones."""
    parents = rows[rng.choice(np.argsort(losses)[:PARENTS], count)]
    moves = rng.normal(0.0, WIDTH, parents.shape) * (rng.random(parents.shape) < MOVED)
    for column, parameter in enumerate(recipe.space.parameters):
        if isinstance(parameter, Categorical):
            moves[:, column] = 0.0
            changed = rng.random(count) < CHANGED
            parents[changed, column] = rng.random(int(changed.sum()))
    return np.asarray(np.clip(parents + moves, 0.0, 1.0 - 1e-4))


def record(name: str) -> None:
    """Train a recipe's table and write it."""
    recipe, started = ALL[name], time.perf_counter()
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    random, repeated = recipe.trainings * 2 // 3, recipe.trainings // 10
    rows = rng.random((random, len(recipe.space.parameters))).astype(np.float32).astype(np.float64)
    curves = [train(recipe, seed, row) for seed, row in enumerate(rows)]
    for _ in range(ROUNDS):
        more = near(recipe, rows, np.array([curve[-1] for curve in curves]), (recipe.trainings - random) // ROUNDS, rng)
        more = more.astype(np.float32).astype(np.float64)
        curves += [train(recipe, len(rows) + seed, row) for seed, row in enumerate(more)]
        rows = np.vstack([rows, more])
    order = np.argsort([curve[-1] for curve in curves])
    chosen = np.concatenate([order[:repeated:2], rng.choice(order[repeated:], repeated // 2, replace=False)])
    again = [[train(recipe, 10_000 * (1 + seed) + int(index), rows[index])[-1] for seed in range(SEEDS)] for index in chosen]
    longest = max(map(len, curves))
    padded = np.array([curve + [LARGEST] * (longest - len(curve)) for curve in curves])
    TABLES.mkdir(exist_ok=True)
    np.savez_compressed(
        TABLES / f"{name}.npz",
        rows=rows.astype(np.float32),
        losses=np.array([curve[-1] for curve in curves], dtype=np.float32),
        curves=padded.astype(np.float16) if longest > 1 else np.empty((0, 0), dtype=np.float16),
        repeated=chosen.astype(np.int16),
        again=np.array(again, dtype=np.float32),
    )
    print(f"{name}: {len(rows) + len(chosen) * SEEDS} trainings in {time.perf_counter() - started:.0f} s", flush=True)


def main() -> None:
    """Record what is not there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default=",".join(ALL), help="recipes, separated by commas")
    warnings.simplefilter("ignore")
    for name in parser.parse_args().only.split(","):
        if not (TABLES / f"{name}.npz").exists():
            record(name)


if __name__ == "__main__":
    main()
