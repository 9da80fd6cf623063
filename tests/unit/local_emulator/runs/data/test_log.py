"""Logs that stay bounded, in events as CloudWatch has them."""

from pathlib import Path

import pytest

from local_emulator.runs.data.log import LONGEST_EVENT, Cursor, LogLine, LogWriter, escape, events, read_log
from local_emulator.runs.folder import RunFolder


def test_control_characters_are_shown_as_in_cloudwatch() -> None:
    assert escape(b"a\tb\x1b[31m\xff\r") == "a#011b#033[31m\ufffd".encode()


def write(folder: Path, chunks: list[bytes], limit: int = 2**20) -> list[bytes]:
    log = LogWriter(RunFolder(folder), limit)
    lines = [line for number, chunk in enumerate(chunks) for line in log.write(chunk, number)]
    lines += log.flush(99)
    log.close()
    return lines


def read(folder: Path) -> list[LogLine]:
    lines: list[LogLine] = []
    cursor: Cursor | None = None
    while True:
        more, cursor = read_log(RunFolder(folder), cursor)
        if not more:
            return lines
        lines += more


def test_lines_across_chunks(tmp_path: Path) -> None:
    assert write(tmp_path, [b"one\ntw", b"o\n\nthr", b"ee"]) == [b"one", b"two", b"", b"three"]
    assert [(line.ms, line.text) for line in read(tmp_path)] == [(0, "one"), (1, "two"), (1, ""), (99, "three")]


def test_a_line_of_ours_leaves_the_programs_whole(tmp_path: Path) -> None:
    log = LogWriter(RunFolder(tmp_path), 2**20)
    assert log.write(b"loss=0.", 1) == []
    log.insert("a metric is too slow", 2)
    assert log.write(b"25\n", 3) == [b"loss=0.25"]
    log.close()
    assert [line.text for line in read(tmp_path)] == ["[sm-tuning: a metric is too slow]", "loss=0.25"]


def test_head_and_tail_are_kept(tmp_path: Path) -> None:
    lines = [f"line {number:06d}".encode() for number in range(20_000)]
    write(tmp_path, [line + b"\n" for line in lines], limit=64 * 1024)
    kept = [line.text for line in read(tmp_path)]
    assert kept[0] == "line 000000"
    assert kept[-1] == "line 019999"
    assert sum("dropped here" in line for line in kept) == 1
    assert sum(path.stat().st_size for path in tmp_path.glob("log.*")) < 80 * 1024


@pytest.mark.parametrize(
    "text",
    ["x" * 1_000_000, "\u00e9" * 400_000, "\b" * 300_000, "x\b\u20ac" * 200_000, "\U0001f600" * 150_000],
    ids=["letters", "accents", "controls", "mixed", "four bytes"],
)
@pytest.mark.parametrize("ended", [True, False])
def test_long_lines_are_cut_between_characters(text: str, ended: bool, tmp_path: Path) -> None:  # noqa: FBT001 - parametrized
    raw = text.encode()
    chunks = [raw[start : start + 100_001] for start in range(0, len(raw), 100_001)] if not ended else [raw + b"\n"]
    lines = write(tmp_path, chunks, limit=8 * 2**20)
    assert b"".join(lines) == escape(raw)
    assert all(len(line) <= LONGEST_EVENT for line in lines)
    assert all(len(line) > LONGEST_EVENT - 8 for line in lines[:-1])
    assert len(lines) == len(events(raw))
    for line in lines:
        line.decode()


def test_a_line_that_is_no_text_is_cut(tmp_path: Path) -> None:
    lines = write(tmp_path, [b"\x80" * 300_000])
    assert b"".join(lines).decode() == "\ufffd" * 300_000


def test_reading_an_empty_folder(tmp_path: Path) -> None:
    assert read(tmp_path) == []
