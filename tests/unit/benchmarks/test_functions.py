"""Functions whose optimum is known: no point is better."""

import numpy as np
import pytest

from benchmarks.functions import FIRST, LATER


@pytest.mark.parametrize("name", ["hartmann3", "levy", "styblinski", "shekel"])
def test_no_point_is_better_than_the_optimum(name: str) -> None:
    problem = (FIRST | LATER)[name]()
    rows = np.random.default_rng(0).random((300, len(problem.space.parameters)))
    assert min(problem.value(problem.space.at(row.tolist())) for row in rows) > problem.optimum
    best = {"hartmann3": (0.114614, 0.555649, 0.852547), "levy": (1,) * 4, "styblinski": (-2.903534,) * 5, "shekel": (4,) * 4}[
        name
    ]
    point = {parameter.name: str(number) for parameter, number in zip(problem.space.parameters, best, strict=True)}
    assert problem.value(point) == pytest.approx(problem.optimum, abs=1e-3)
