"""Metric values in log lines: what counts, and what expressions may cost."""

import itertools
import time
from collections.abc import Callable

import pytest

from local_emulator.domain.jobs import MetricDefinition
from local_emulator.runs.data.metrics import Matcher, Thinning, Value, float32


def matcher(*regexes: str, clock: Callable[[], float] = lambda: 0.0) -> Matcher:
    definitions = {number: MetricDefinition(name=f"m{number}", regex=regex) for number, regex in enumerate(regexes)}
    return Matcher(definitions, clock=clock, mark=lambda _: None)


@pytest.mark.parametrize(
    ("regex", "line", "values"),
    [
        ("loss=([0-9.]+)", "epoch 1 loss=0.5 loss=0.25", [0.5, 0.25]),
        ("loss=(.*?);", "loss=-1e-3;", [float32(-1e-3)]),
        ("loss=(.*?);", "loss=nan; loss=inf; loss=1_000; loss=; loss=x; loss=2;", [2.0]),
        ("loss=(.*?);", "loss=1e999; loss=1e39;", []),
        (r"\[12\]#011rmse:(\S+)", "[12]#011rmse:2.5", [2.5]),
        ("[0-9]+", "no group 42", [42.0]),
        ("(a)?loss=[0-9]", "loss=1", []),
        ("loss=([0-9.]+)", "x" * 200_000 + "loss=0.5" + "x" * 50_000 + "loss=0.25", [0.5, 0.25]),
    ],
)
def test_values(regex: str, line: str, values: list[float]) -> None:
    assert [value for _, value in matcher(regex).match(line)] == values


def test_values_have_single_precision() -> None:
    assert matcher("x=(.*)").match("x=0.0036")[0][1] == 0.003599999938160181


def test_values_of_a_line_are_bounded_and_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_emulator.runs.data.metrics._PATIENCE", 60)  # a fifth of a second may be short on a busy machine
    metrics_matcher = matcher("([0-9])", "(9)")
    values = metrics_matcher.match("1" * 20_000 + "9")
    assert ([number for number, _ in values].count(0), values[-1]) == (10_000, (1, 9.0))
    assert (metrics_matcher.cut, metrics_matcher.disabled) == ([0], [])


def test_expressions_that_never_end_are_given_up() -> None:
    metrics_matcher = matcher("^(a|a)*$", "([0-9]+)", clock=time.thread_time)
    disabled: list[int] = []
    begun = time.thread_time()
    for _ in range(10):
        assert metrics_matcher.match("a" * 40 + "!7") == [(1, 7.0)]
        disabled += metrics_matcher.disabled
    assert disabled == [0]
    assert time.thread_time() - begun < 5


def test_expressions_have_a_budget_for_the_whole_run() -> None:
    ticks = itertools.cycle([0.0, 0.022])  # 22 ms each
    clock = itertools.accumulate(ticks)
    metrics_matcher = matcher("slow=([0-9])", clock=lambda: next(clock))
    lines = 0
    while not metrics_matcher.disabled:
        assert metrics_matcher.match("slow=1") == [(0, 1.0)]
        lines += 1
        assert lines < 100
    assert lines > 20
    assert metrics_matcher.match("slow=1") == []


def test_many_lines_are_no_reason() -> None:
    clock = itertools.accumulate(itertools.cycle([0.0, 0.00005]))
    metrics_matcher = matcher("fast=([0-9])", clock=lambda: next(clock))
    for _ in range(50_000):
        metrics_matcher.match("fast=1")
        assert not metrics_matcher.disabled


def test_of_very_many_values_the_newest_of_each_metric_are_kept() -> None:
    now = 100.0
    thinning = Thinning(clock=lambda: now)
    values: list[Value] = [(number, "ab"[number % 2], float(number)) for number in range(60_000)]
    kept, first = thinning.take(values[:20_000])
    assert (kept, first) == (values[:20_000], False)
    kept, first = thinning.take(values[20_000:30_000])
    assert (kept, first) == (values[29_998:30_000], True)
    kept, first = thinning.take(values[30_000:40_000])
    assert (kept, first) == ([], False)
    now += 1.5
    assert thinning.take(()) == (values[39_998:40_000], False)
    assert thinning.take(values[40_000:]) == ([], False)
    assert thinning.rest() == values[-2:]
    assert thinning.rest() == []
