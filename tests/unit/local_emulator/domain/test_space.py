"""Scalings and the unit cube: every value has its place, every place its value."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_emulator.domain.space import Categorical, Continuous, Integer, Scaling, Space


@settings(deadline=None)
@given(low=st.floats(1e-8, 0.5), span=st.floats(1e-6, 0.4), unit=st.floats(0, 1), scaling=st.sampled_from(Scaling))
def test_continuous_round_trip(low: float, span: float, unit: float, scaling: Scaling) -> None:
    parameter = Continuous(name="x", low=low, high=low + span, scaling=scaling)
    text = parameter.at(unit)
    assert parameter.low <= float(text) <= parameter.high
    assert repr(float(text)) == text
    assert parameter.unit(text) == pytest.approx(unit, abs=1e-6)


@settings(deadline=None)
@given(
    low=st.integers(1, 1000),
    span=st.integers(1, 1000),
    unit=st.floats(0, 1),
    scaling=st.sampled_from(["Linear", "Logarithmic", "Auto"]),
)
def test_integer_round_trip(low: int, span: int, unit: float, scaling: str) -> None:
    parameter = Integer(name="x", low=low, high=low + span, scaling=Scaling(scaling))
    text = parameter.at(unit)
    assert low <= int(text) <= low + span
    assert parameter.at(parameter.unit(text)) == text


def test_a_number_outside_has_a_position_and_a_unit_within() -> None:
    rate = Continuous(name="rate", low=0.01, high=1.0, scaling=Scaling.LOGARITHMIC)
    assert [round(rate.position(value), 9) for value in (0.001, 0.1, 10.0)] == [-0.5, 0.5, 1.5]
    assert [rate.unit(text) for text in ("0.001", "10")] == [0.0, 1.0]
    layers = Integer(name="layers", low=1, high=4, scaling=Scaling.LINEAR)
    assert [layers.position(value) for value in (0, 2.5, 6)] == [-0.125, 0.5, 1.375]
    with pytest.raises(ValueError, match="math domain"):
        rate.position(0.0)


def test_every_integer_is_reached_equally_often() -> None:
    parameter = Integer(name="x", low=1, high=4, scaling=Scaling.LINEAR)
    drawn = [parameter.at((step + 0.5) / 4000) for step in range(4000)]
    assert {value: drawn.count(value) for value in "1234"} == dict.fromkeys("1234", 1000)


def test_logarithmic_is_even_in_decades() -> None:
    parameter = Continuous(name="x", low=1e-4, high=1.0, scaling=Scaling.LOGARITHMIC)
    assert [round(math.log10(float(parameter.at(unit))), 9) for unit in (0, 0.25, 0.5, 0.75, 1)] == [-4, -3, -2, -1, 0]


def test_reverse_logarithmic_is_even_near_one() -> None:
    """u = -log(1 - x): from 0 to 0.999 the middle is where 1 - x = sqrt(0.001)."""
    parameter = Continuous(name="x", low=0.0, high=0.999, scaling=Scaling.REVERSE_LOGARITHMIC)
    assert float(parameter.at(0.5)) == pytest.approx(1 - math.sqrt(0.001))


def test_categories_are_handed_on_as_given() -> None:
    parameter = Categorical(name="x", values=('"adam"', "32", ""))
    assert [parameter.at(unit) for unit in (0.0, 0.34, 0.99, 1.0)] == ['"adam"', "32", "", ""]
    assert parameter.at(parameter.unit("32")) == "32"


def test_size() -> None:
    finite = Space(parameters=(Categorical(name="a", values=("x", "y")), Integer(name="b", low=-1, high=1)))
    assert finite.size == 6
    assert Space(parameters=(*finite.parameters, Continuous(name="c", low=0, high=1))).size is None
    assert finite.units(finite.at([0.6, 0.5])) == [0.75, 0.5]
