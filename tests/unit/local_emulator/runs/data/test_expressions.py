"""Whether an expression compiles is told without harm to the server."""

from collections.abc import Sequence

import pytest

from local_emulator.runs.data import expressions


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
