"""Metrics are found by a helper that may die, hang or be flooded; nothing is lost but what cannot be had."""

import os
import select
import signal
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from local_emulator.domain.jobs import MetricDefinition
from local_emulator.runs.data import matching as module
from local_emulator.runs.data.matching import Matching
from local_emulator.runs.data.metrics import Value

pytestmark = pytest.mark.slow(11)


@pytest.fixture
def made() -> Iterator[list[Matching]]:
    several: list[Matching] = []
    yield several
    for search in several:
        search.close()


def matching(made: list[Matching], *regexes: str, simple: bool = False) -> Matching:
    search = Matching([MetricDefinition(name=f"m{number}", regex=regex) for number, regex in enumerate(regexes)], simple=simple)
    made.append(search)
    return search


def all_values(matching: Matching, within: float = 120.0) -> Sequence[Value]:
    """What a supervisor's loop would get."""
    values: list[Value] = []
    deadline = time.monotonic() + within
    while not matching.done:
        assert time.monotonic() < deadline, "it took too long"
        reading = [] if matching.reading is None else [matching.reading]
        writing = [] if matching.writing is None else [matching.writing]
        select.select(reading, writing, [], 0.05)
        values += matching.pump()
        matching.check()
    return values


@pytest.mark.parametrize("simple", [False, True])
def test_values_come_in_order(simple: bool, made: list[Matching]) -> None:  # noqa: FBT001 - a parameter of the test
    search = matching(made, "a=([0-9]+)", "b=([0-9]+)", simple=simple)
    lines = [f"b={number} a={number} a=7".encode() for number in range(5000)]
    for start in range(0, 5000, 500):
        search.feed(lines[start : start + 500], start)
    expected = [
        (number // 500 * 500, name, float(value))
        for number in range(5000)
        for name, value in (("m0", number), ("m0", 7), ("m1", number))
    ]
    assert (search.pid is None) == simple
    assert all_values(search) == expected


def test_without_metrics_there_is_no_helper(made: list[Matching]) -> None:
    search = matching(made)
    search.feed([b"a=1"], 0)
    assert (search.pid, search.done, search.pump()) == (None, True, ())


def test_a_helper_that_is_killed_is_replaced(made: list[Matching]) -> None:
    search = matching(made, "a=([0-9]+)")
    search.feed([b"a=1"], 1)
    assert search.pid is not None
    os.kill(search.pid, signal.SIGKILL)
    assert all_values(search) == [(1, "m0", 1.0)]
    search.feed([b"a=2"], 2)
    assert all_values(search) == [(2, "m0", 2.0)]
    assert search.complaints == []


class _Stuck:
    """A matcher whose first definition never returns."""

    def __init__(self, definitions: Any, *, clock: Any, mark: Any) -> None:  # noqa: ARG002 - as the real one
        self.definitions = definitions
        self.mark = mark
        self.disabled: list[int] = []
        self.cut: list[int] = []

    def match(self, line: str) -> list[tuple[int, float]]:
        for number in self.definitions:
            self.mark(number)
            while number == 0:
                pass
        return [(1, float(line))]


@pytest.mark.parametrize("idle", [60.0, 0.2])
def test_a_definition_that_hangs_is_disabled(idle: float, made: list[Matching], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "Matcher", _Stuck)
    monkeypatch.setattr(module, "_HANGS", 0.1)
    monkeypatch.setattr(module, "_IDLE", idle)
    search = matching(made, "never", "good")
    search.feed([b"1", b"2"], 5)
    assert all_values(search) == [(5, "m1", 1.0), (5, "m1", 2.0)]
    assert search.complaints == ["the regular expression of metric 'm0' is too slow or too large and is not used any more"]


def test_an_expression_that_takes_all_memory_is_disabled(made: list[Matching], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MEMORY", 64 * 2**20)
    search = matching(made, "(a{9999}){9999}", "x=([0-9]+)")
    search.feed([b"x=1"], 5)
    assert all_values(search) == [(5, "m1", 1.0)]
    assert len(search.complaints) == 1
    assert "'m0'" in search.complaints[0]


def test_matching_without_a_helper_goes_step_by_step(made: list[Matching], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AT_A_TIME", 0.0)
    search = matching(made, "slow=a*(.*?)!;", "good=([0-9]+)", simple=True)
    search.feed([b"slow=" * 40_000 + b"good=%d" % number for number in range(5)], 3)
    assert search.pid is None
    assert search.busy
    assert list(search.pump()) == []
    monkeypatch.setattr(module, "_AT_A_TIME", 0.02)
    assert all_values(search) == [(3, "m1", float(number)) for number in range(5)]
    assert not search.busy


def test_it_tells_when_it_is_full(made: list[Matching], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BACKLOG", 100_000)
    search = matching(made, "x=([0-9]+)")
    search.feed([b"x=1" + b" " * 999] * 200, 0)
    assert search.full
    assert len(all_values(search)) == 200
    assert not search.full


ATOMS = ["a", "[a-z]", r"\w", ".", "(?:a|a)", "(?:a|b|ab)", r"[^\n]"]
SHAPES = [
    "^({0}+)+$", "^({0}*)*$", "^({0}|{0})*$", "({0}+)+!", "({0}*{0}*)*!", "{0}*{0}*{0}*{0}*!", "^(({0}+)+)+$", "({0}+){{2,}}!",
    "^(.*{0}){{12}}$", "({0}+?)+?!", "^(?:{0}+,?)+$", "(?=({0}+)+$)x", "({0}+)+\\1!", "(?i)^({0}+)+$", "{0}*{0}+{0}*!$",
    "^({0}{{1,9}}){{1,9}}$", "(?:{0}+|{0})+!", "^((?:{0}|{0}{0})+)+$", "(.*)(.*)(.*)(.*){0}!", "(?<=({0}+))+!",
    "({0}?){{30}}{0}{{30}}!", "^.*(.*{0}+.*)+$!",
]  # fmt: skip
HOSTILE = [shape.format(atom) for shape in SHAPES for atom in ATOMS]
LINES = [b"a" * 40 + b"?", b"ab" * 2000, b"a" * 5000 + b"!!", b"a,b," * 100, b"(" * 50]


@pytest.mark.parametrize("start", range(0, len(HOSTILE), 40))
def test_hostile_expressions_take_nothing_from_good_ones(start: int, made: list[Matching]) -> None:
    search = matching(made, "good=([0-9]+)", *HOSTILE[start : start + 39], "fine=([0-9]+)")
    for number, line in enumerate(LINES):
        search.feed([b"good=%d %b fine=%d" % (number, line, number)], number)
    values = [value for value in all_values(search) if value[1] in {"m0", search._names[-1]}]
    assert [(ms, value) for ms, _, value in values] == [(number, float(number)) for number in range(5) for _ in range(2)]
    assert not any("'m0'" in complaint or f"'{search._names[-1]}'" in complaint for complaint in search.complaints)


def test_there_are_enough_of_them() -> None:
    assert len(set(HOSTILE)) >= 150


@pytest.mark.parametrize(
    ("regexes", "simple"),
    [(["a=([0-9]+)"] * 8, True), (["a=([0-9]+)"] * 9, False), (["a=([0-9]+)", "(a+)+b"], False), ([], True)],
)
def test_few_simple_definitions_need_no_helper(regexes: Sequence[str], simple: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert module.simple([MetricDefinition(name="m", regex=regex) for regex in regexes]) is simple
