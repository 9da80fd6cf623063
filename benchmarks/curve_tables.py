"""Learning curves of real trainings over grids of hyperparameters, and of functions: what `simulation.py` is measured on.

    python benchmarks/curve_tables.py [--only digits_mlp,digits_torch]   trains the tables that are not there yet

Every grid point is trained with some seeds, whose curves are kept apart: their difference is the noise of a training. Tables lie in
benchmarks/.tables (minutes each on the first run). Between the grid's points curves of one seed are interpolated linearly in the
scaled ranges. Torch is needed to train the tables whose names end with it, and not to read them.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from scipy.interpolate import RegularGridInterpolator

sys.path.insert(0, str(Path(__file__).parents[1]))  # the benchmarks are no package that is installed

from benchmarks.curve_recipes import RECIPES, Recipe
from benchmarks.trainings.data import Values

TABLES = Path(__file__).parent / ".tables"
SEEDS = 2


@dataclass(frozen=True)
class CurveTable:
    """Curves over a grid.

    Attributes:
        curves: The objective: one dimension an axis, then seeds, then epochs.
        seconds: Processor seconds of a training: one dimension an axis.
    """

    recipe: Recipe
    curves: Values
    seconds: Values

    @classmethod
    def read(cls, name: str) -> "CurveTable":
        """The table of a recipe, trained if it is not there yet."""
        path = TABLES / f"curves-{name}.json"
        recipe = RECIPES[name]
        shape = [len(axis) for axis in recipe.axes.values()]
        if not path.exists():
            _train(recipe, path)
        stored = json.loads(path.read_text())
        return cls(recipe, np.array(stored["curves"]).reshape(*shape, SEEDS, -1), np.array(stored["seconds"]).reshape(shape))

    @property
    def _scales(self) -> list[Callable[[float], float]]:
        return [(lambda value: value) if axis in self.recipe.linear else math.log for axis in self.recipe.axes]

    def between(self) -> tuple[Callable[[Mapping[str, str], int], Values], Callable[[Mapping[str, str]], float]]:
        """Functions of a point: its curve with a seed, and the seconds of its training."""
        scales = self._scales
        grid = [[scale(value) for value in axis] for scale, axis in zip(scales, self.recipe.axes.values(), strict=True)]
        dimensions = len(grid)
        curves = [RegularGridInterpolator(grid, np.take(self.curves, seed, axis=dimensions)) for seed in range(SEEDS)]
        seconds = RegularGridInterpolator(grid, np.log(self.seconds))

        def row(point: Mapping[str, str]) -> list[float]:
            values = [scale(float(point[axis])) for scale, axis in zip(scales, self.recipe.axes, strict=True)]
            return [min(max(value, axis[0]), axis[-1]) for value, axis in zip(values, grid, strict=True)]

        return (
            lambda point, seed: np.asarray(curves[seed]([row(point)])[0]),
            lambda point: float(np.exp(seconds([row(point)])[0])),
        )


def _train(recipe: Recipe, path: Path) -> None:
    """Train a table, one training after another."""
    print(f"training {path.stem} …", flush=True)
    curves, seconds = [], []
    for values in product(*recipe.axes.values()):
        spent = []
        for seed in range(SEEDS):
            began = time.process_time()
            curves.append([float(value) for value in recipe.train(seed, *values)])
            spent.append(time.process_time() - began)
        seconds.append(max(min(spent), 1e-4))
    TABLES.mkdir(exist_ok=True)
    path.write_text(json.dumps({"curves": curves, "seconds": seconds}))


def main() -> None:
    """Train what is not there yet."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default=",".join(RECIPES), help="tables, separated by commas")
    for name in parser.parse_args().only.split(","):
        table = CurveTable.read(name)
        print(f"{name}: {table.curves.shape}, {table.seconds.sum() * SEEDS:.0f} s of training", flush=True)


if __name__ == "__main__":
    main()
