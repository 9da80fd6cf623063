"""Whether an expression compiles is told without harm to the server."""

import resource
import time

import pytest

from local_emulator.runs.data import expressions


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        ("loss=([0-9.]+)", None),
        (r"(\p{L}+)=(\d++)", None),  # not of Python's own syntax
        ("loss=([0-9.]+", "missing )"),
        ("*", "nothing to repeat"),
        ("(a{9999}){9999}", "too much memory or time"),
        ("((((a{99}){99}){99}){99}){99}", "too much memory or time"),
        ("(?:(?:a|b){999}|(?i:c{999})){999}", "too much memory or time"),
        (r"(\p{L}{9999}){9999}", "too much memory or time"),
    ],
)
def test_errors(expression: str, error: str | None) -> None:
    begun, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (error_,) = expressions.errors([expression])
    assert error_ is None if error is None else error in str(error_)
    assert time.process_time() - begun < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024  # KiB


def test_the_one_that_is_too_large_is_named() -> None:
    several = ["a", "(a{99}){99}", "(a{9999}){9999}", "(", "(b{99}){99}"]
    errors = expressions.errors(several)
    assert [error is None for error in errors] == [True, True, False, False, True]
