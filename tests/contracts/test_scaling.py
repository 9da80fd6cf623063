"""The scale that sm_tuning takes `Auto` for is the one on which the emulator draws."""

import math

import pytest

from local_emulator.domain import space
from sm_tuning import Continuous, Integer, Scaling
from sm_tuning.cli.plan import samples

ENDS = [(1e-6, 1e-1), (1e-4, 1e-1), (1e-6, 1e-3), (1e-3, 0.9), (0.5, 499.0), (0.5, 500.0), (0.0, 1e4), (-1e3, 1e3), (0.1, 0.9)]


@pytest.mark.parametrize("scaling", [Scaling.AUTO, Scaling.LINEAR, Scaling.LOGARITHMIC, Scaling.REVERSE_LOGARITHMIC])
@pytest.mark.parametrize(("low", "high"), ENDS)
def test_a_continuous_range_is_shown_as_it_is_drawn(low: float, high: float, scaling: Scaling) -> None:
    if (scaling is Scaling.LOGARITHMIC and low <= 0) or (scaling is Scaling.REVERSE_LOGARITHMIC and not 0 <= low < high < 1):
        return
    drawn = float(space.Continuous(name="x", low=low, high=high, scaling=space.Scaling(scaling)).at(0.5))
    assert samples(Continuous("x", low, high, scaling), 3)[1] == f"{drawn:.3g}"


@pytest.mark.parametrize(("low", "high"), [(1, 999), (1, 1000), (2, 2000), (0, 5000), (-10, 5000), (16, 256)])
def test_a_range_of_whole_numbers_has_the_scale_on_which_it_is_drawn(low: int, high: int) -> None:
    middle = int(space.Integer(name="x", low=low, high=high).at(0.5))
    linear = math.isclose(middle, (low + high) / 2, abs_tol=1)
    assert Integer("x", low, high).scale is (Scaling.LINEAR if linear else Scaling.LOGARITHMIC)
