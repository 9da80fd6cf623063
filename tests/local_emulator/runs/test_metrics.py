"""Metric values in log lines, and logs that stay bounded."""

import time
from pathlib import Path

import pytest

from local_emulator.domain.jobs import MetricDefinition
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.log import Cursor, LogLine, LogWriter, escape, read_log
from local_emulator.runs.metrics import Matcher, float32


def matcher(regex: str) -> Matcher:
    return Matcher([MetricDefinition(name="m", regex=regex)])


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
    ],
)
def test_values(regex: str, line: str, values: list[float]) -> None:
    assert [value for _, value in matcher(regex).match(line)] == values


def test_values_have_single_precision() -> None:
    assert matcher("x=(.*)").match("x=0.0036")[0][1] == 0.003599999938160181


def test_expressions_that_never_end_are_given_up() -> None:
    one = Matcher([MetricDefinition(name="slow", regex="^(a|a)*$"), MetricDefinition(name="good", regex="([0-9]+)")])
    began = time.monotonic()
    for _ in range(10):
        assert one.match("a" * 40 + "!7") == [("good", 7.0)]
    assert one.disabled == ["slow"]
    assert time.monotonic() - began < 10


def test_control_characters_are_shown_as_in_cloudwatch() -> None:
    assert escape(b"a\tb\x1b[31m\xff\r") == "a#011b#033[31m\ufffd".encode()


def write(folder: Path, chunks: list[bytes], limit: int = 2**20) -> list[bytes]:
    log = LogWriter(RunFolder(folder), limit)
    lines = [line for number, chunk in enumerate(chunks) for line in log.write(chunk, number)]
    lines += log.flush(99)
    log.close()
    return lines


def read(folder: Path) -> list[LogLine]:
    found: list[LogLine] = []
    cursor: Cursor | None = None
    while True:
        lines, cursor = read_log(RunFolder(folder), cursor)
        if not lines:
            return found
        found += lines


def test_lines_across_chunks(tmp_path: Path) -> None:
    assert write(tmp_path, [b"one\ntw", b"o\n\nthr", b"ee"]) == [b"one", b"two", b"", b"three"]
    assert [(line.ms, line.text) for line in read(tmp_path)] == [(0, "one"), (1, "two"), (1, ""), (99, "three")]


def test_head_and_tail_are_kept(tmp_path: Path) -> None:
    lines = [f"line {number:06d}".encode() for number in range(20_000)]
    write(tmp_path, [line + b"\n" for line in lines], limit=64 * 1024)
    kept = [line.text for line in read(tmp_path)]
    assert kept[0] == "line 000000"
    assert kept[-1] == "line 019999"
    assert sum("dropped here" in line for line in kept) == 1
    assert sum(path.stat().st_size for path in tmp_path.glob("log.*")) < 80 * 1024


def test_output_without_lines_is_cut(tmp_path: Path) -> None:
    lines = write(tmp_path, [b"x" * 1_000_000] * 3, limit=8 * 2**20)
    assert sum(map(len, lines)) == 3_000_000
    assert max(map(len, lines)) <= 64 * 1024


def test_reading_an_empty_folder(tmp_path: Path) -> None:
    assert read(tmp_path) == []
