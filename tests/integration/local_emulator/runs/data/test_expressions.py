"""Whether an expression compiles is told without harm to the server."""

import resource
import time
from collections.abc import Sequence

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
    (told,) = expressions.errors([expression])
    assert told is None if error is None else error in str(told)
    assert time.process_time() - begun < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024  # KiB


def test_the_one_that_is_too_large_is_named() -> None:
    several = ["a", "(a{99}){99}", "(a{9999}){9999}", "(", "(b{99}){99}"]
    told = expressions.errors(several)
    assert [error is None for error in told] == [True, True, False, False, True]


def test_many_are_compiled_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    def compile_guarded(some: Sequence[str]) -> Sequence[str | None]:
        sent.extend(some)
        return [None] * len(some)

    monkeypatch.setattr(expressions, "_compile_guarded", compile_guarded)
    assert expressions.errors(["loss=([0-9.]+)"] * 40) == [None] * 40
    assert sent == []
    expressions.errors(["(a{99}){40}"] * 40)
    assert len(sent) == 40


@pytest.mark.parametrize(
    ("expression", "low", "high"), [("abc", 3, 20), ("(a{9}){9}", 81, 999), ("a+?b*", 2, 20), ("[a-z]{100}", 100, 2000)]
)
def test_size(expression: str, low: int, high: int) -> None:
    parts = expressions.size(expression)
    assert parts is not None
    assert low <= parts <= high


@pytest.mark.parametrize(
    ("expression", "simple"),
    [
        (r"validation accuracy: ([0-9\.]+)", True),
        ("loss=(.*?);", True),
        (r"val_loss: (\S+)", True),
        (r"loss: ([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)", True),
        ("(a+)+$", False),
        ("(a{1,9}){1,9}", False),
        ("(a|b*)*", False),
        (r".*\[[0-9]+\].*#011validation-rmse:(\S+)", False),
        (r"(a)\1*", False),
        ("(?=a*)b", False),
        (r"(\d{1,3}){600}", False),
        ("(", False),
    ],
)
def test_simple(expression: str, simple: bool) -> None:  # noqa: FBT001 - parametrized
    assert expressions.simple(expression) is simple
