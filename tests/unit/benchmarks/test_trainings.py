"""The recorded trainings that search is measured on, and the model between them."""

from collections.abc import Mapping

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor

from benchmarks.trainings.curve_series import ALL, CURVES
from benchmarks.trainings.fifth_series import FIFTH
from benchmarks.trainings.fourth_series import FOURTH
from benchmarks.trainings.recipe import Recipe
from benchmarks.trainings.recipes import FIRST, HELD_OUT, LATER, RECIPES, THIRD, half
from benchmarks.trainings.recorded import RECORDS, TREES, Trees
from benchmarks.trainings.seventh_series import SEVENTH
from benchmarks.trainings.sixth_series import SIXTH
from local_emulator.domain.space import Categorical


def test_what_was_looked_at_is_to_develop_on() -> None:
    """Six families twice, then others; from the third on no series shares a family or data with what was before it."""
    assert [len(series) for series in (FIRST, LATER, THIRD, FOURTH, FIFTH, SIXTH, SEVENTH)] == [12, 8, 10, 12, 8, 8, 15]
    looked_at = {**FIRST, **LATER, **THIRD, **FOURTH, **FIFTH, **SIXTH}
    assert {name: half(name) for name in RECIPES} == dict.fromkeys(looked_at, "development") | dict.fromkeys(HELD_OUT, "held-out")
    assert set(SEVENTH) == set(HELD_OUT)
    for series, before in (
        (THIRD, {**FIRST, **LATER}),
        (FOURTH, {**FIRST, **LATER, **THIRD, **CURVES}),
        (FIFTH, {**FIRST, **LATER, **THIRD, **FOURTH, **CURVES}),
        (SIXTH, {**FIRST, **LATER, **THIRD, **FOURTH, **FIFTH, **CURVES}),
        (SEVENTH, {**looked_at, **CURVES}),
    ):
        for part in (0, -1):
            assert not {name.split("_")[part] for name in before} & {name.split("_")[part] for name in series}
    assert all(3 <= len(recipe.space.parameters) <= 9 for recipe in {**FOURTH, **FIFTH, **SIXTH, **HELD_OUT}.values())


@pytest.mark.parametrize("series", [FIFTH, SIXTH, SEVENTH], ids=["fifth", "sixth", "seventh"])
def test_in_most_of_the_last_series_categories_are_chosen(series: Mapping[str, Recipe]) -> None:
    counts = [sum(isinstance(parameter, Categorical) for parameter in recipe.space.parameters) for recipe in series.values()]
    assert sum(1 <= count <= 3 for count in counts) >= len(series) * 2 / 3


def test_what_is_recorded_for_its_curves_has_curves_and_families_of_its_own() -> None:
    assert len(CURVES) >= 6
    assert not {name.split("_")[0] for name in CURVES} & {name.split("_")[0] for name in RECIPES}
    for name in CURVES:
        with np.load(RECORDS / f"{name}.npz") as stored:
            assert stored["curves"].shape[1] >= 15, name


def test_what_is_recorded_is_of_its_recipe_and_small() -> None:
    paths = sorted(RECORDS.glob("*.npz"))
    assert {path.stem for path in paths} == set(ALL)
    assert sum(path.stat().st_size for path in paths) < 1_700_000
    for path in paths:
        recipe = ALL[path.stem]
        with np.load(path) as stored:
            rows, losses, curves = stored["rows"], stored["losses"], stored["curves"]
        assert rows.shape == (recipe.trainings, len(recipe.space.parameters))
        assert np.isfinite(losses).all()
        if curves.size:
            np.testing.assert_allclose(curves[:, -1].astype(float), losses, rtol=1e-3, atol=1e-6)


def test_trees_as_arrays_predict_what_scikit_learn_s_do() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.random((40, 3)).astype(np.float32).astype(float)
    outputs = inputs[:, 0] ** 2 + (inputs[:, 1] > 0.5)
    rows = rng.random((20, 3)).astype(np.float32).astype(float)
    forest = ExtraTreesRegressor(TREES, max_features=1.0, min_samples_leaf=2, random_state=0).fit(inputs, outputs)
    np.testing.assert_allclose(Trees.fit(inputs, outputs)(rows), forest.predict(rows))
