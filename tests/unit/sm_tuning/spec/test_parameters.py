"""Builders refuse what cannot be right, where it is written."""

from collections.abc import Callable
from typing import Any

import pytest

from sm_tuning import (
    Auto,
    Categorical,
    Continuous,
    Integer,
    Invalid,
    Scaling,
    batch_size,
    dropout,
    epochs,
    learning_rate,
    regularization,
    sklearn_image,
)
from sm_tuning.spec.parameters import Range, ranges_from_request, ranges_request

REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "ends swapped": (lambda: Continuous("x", 2, 1), "x: low is 2 and high is 1; low must be less than high"),
    "ends equal": (lambda: Integer("x", 1, 1), "low must be less than high"),
    "not finite": (lambda: Continuous("x", 0, float("inf")), "both finite"),
    "not a number": (lambda: Continuous("x", float("nan"), 1), "both finite"),
    "log of zero": (lambda: Continuous("x", 0, 1, "Logarithmic"), "low is 0; for logarithmic scaling it must be more than 0"),  # type: ignore[arg-type]
    "reverse log to one": (lambda: Continuous("x", 0, 1, "ReverseLogarithmic"), "within 0 <= x < 1"),  # type: ignore[arg-type]
    "reverse log of integers": (lambda: Integer("x", 0, 1, "ReverseLogarithmic"), "for continuous ranges only"),  # type: ignore[arg-type]
    "no whole number": (lambda: Integer("x", 1, 2.5), "high is 2.5; it must be a whole number"),  # type: ignore[arg-type]
    "a truth": (lambda: Integer("x", False, 2), "low is False; it must be a whole number"),
    "unknown scaling": (lambda: Continuous("x", 0, 1, "Log"), "Log"),  # type: ignore[arg-type]
    "no name": (lambda: Continuous("", 0, 1), "name is empty"),
    "no values": (lambda: Categorical("x", []), "values is empty"),
    "twice": (lambda: Categorical("x", [1, "1"]), "more than once"),
    "no power of two": (lambda: batch_size(10, 64), "low is 10; it must be a power of two"),
    "batch sizes swapped": (lambda: batch_size(64, 16), "low must be less than high"),
    "unknown region": (lambda: sklearn_image("mars-1"), "region is 'mars-1'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    make, text = REFUSED[name]
    with pytest.raises(ValueError, match=text):
        make()


def test_errors_are_ours() -> None:
    with pytest.raises(Invalid):
        Continuous("x", 2, 1)


def test_presets_as_aws_gets_them() -> None:
    assert [preset.request() for preset in (learning_rate(), batch_size(), epochs(), regularization(), dropout())] == [
        {"Name": "learning_rate", "MinValue": "0.0001", "MaxValue": "0.1", "ScalingType": "Logarithmic"},
        {"Name": "batch_size", "Values": ["16", "32", "64", "128", "256"]},
        {"Name": "epochs", "MinValue": "5", "MaxValue": "50", "ScalingType": "Linear"},
        {"Name": "regularization", "MinValue": "1e-06", "MaxValue": "0.1", "ScalingType": "Logarithmic"},
        {"Name": "dropout", "MinValue": "0.0", "MaxValue": "0.6", "ScalingType": "Linear"},
    ]
    assert learning_rate(1e-5, 1e-3, name="lr").request()["Name"] == "lr"


def test_ranges_are_read_back_from_the_form_of_aws() -> None:
    ranges: list[Range] = [
        Integer("units", 1, 64),
        learning_rate(),
        Continuous("momentum", 0.5, 0.99, Scaling.REVERSE_LOGARITHMIC),
        batch_size(),
        Auto("depth", 3),
    ]
    assert ranges_from_request(ranges_request(ranges)) == ranges
    # As other programs write them: a whole number as a real one, no scaling, a kind left out.
    request = {"IntegerParameterRanges": [{"Name": "units", "MinValue": "1.0", "MaxValue": "6.4e1"}]}
    assert ranges_from_request(request) == [Integer("units", 1, 64)]


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (
            {"IntegerParameterRanges": [{"Name": "x", "MinValue": "1", "MaxValue": "2.5"}]},
            "x: MaxValue is '2.5'; .* whole number",
        ),
        ({"ContinuousParameterRanges": [{"Name": "x", "MinValue": "a", "MaxValue": "2"}]}, "x: MinValue is 'a'; .* a number"),
        ({"IntegerParameterRanges": [{"Name": "x", "MinValue": "2", "MaxValue": "inf"}]}, "x: MaxValue is 'inf'"),
        ({"BooleanParameterRanges": []}, "ParameterRanges has BooleanParameterRanges; known are IntegerParameterRanges"),
    ],
)
def test_ranges_of_aws_that_cannot_be_read_are_refused(request_: dict[str, Any], text: str) -> None:
    with pytest.raises(Invalid, match=text):
        ranges_from_request(request_)
