r"""A host's log on disk: `<epoch ms> <text>` lines in segments, of which the head and the tail are kept.

Control characters are written as CloudWatch shows them, `#` and three octal digits (a tab is `#011`), and that is the text that
metrics are matched on. A line is at most as long as an event of CloudWatch; a longer one is cut where awslogs cuts it.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local_emulator.runs.data.appender import Appender
from local_emulator.runs.folder import read_evidence
from local_emulator.runs.host_folder import HostFolder

_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]")
_ESCAPES = {bytes([code]): b"#%03o" % code for code in range(256)}
_NUMBER = re.compile(r"[0-9]{1,9}")
_WRITTEN = re.compile(rb"([0-9]{1,15}) (.*)")
LONGEST_EVENT = 256 * 1024 - 26  # bytes; CloudWatch counts 26 more for each event
_CONTINUES = 0x80  # the two highest bits of a byte of UTF-8 that does not begin a character
_SEGMENTS = 8
_MOST_AT_ONCE = 4 * 2**20
_TAIL = 64 * 2**10


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One line and when it was read, in milliseconds since the epoch."""

    ms: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """How far a log has been read."""

    segment: int = 0
    offset: int = 0


def escape(raw: bytes, *, cut: bool = False) -> bytes:
    """One line as CloudWatch shows it: valid UTF-8, no control characters; with `cut` it goes on."""
    raw = raw if cut else raw.removesuffix(b"\r")
    if _CONTROL.search(raw):
        raw = _CONTROL.sub(lambda match: _ESCAPES[match[0]], raw)
    return raw if raw.isascii() else raw.decode("utf-8", "replace").encode()


def events(line: bytes) -> Sequence[bytes]:
    """One line as the events that CloudWatch shows: one, or several where it is too long for one, cut between characters."""
    shown = escape(line)
    cuts = [0]
    while len(shown) - cuts[-1] > LONGEST_EVENT:
        cut = cuts[-1] + LONGEST_EVENT
        while shown[cut] & 0xC0 == _CONTINUES:
            cut -= 1
        cuts.append(cut)
    return [shown[start:end] for start, end in zip(cuts, [*cuts[1:], len(shown)], strict=True)]


class LogWriter:
    """Splits a program's output into lines and keeps at most about `limit` bytes of them."""

    def __init__(self, folder: HostFolder, limit: int) -> None:
        self._folder = folder
        self._most = max(limit // _SEGMENTS, 4096)
        self._segment = 0
        self._oldest = 1
        self._size = 0
        self._rest = bytearray()  # of a line that has not ended
        self._file = self._open()

    def _open(self) -> Appender:
        return Appender(self._folder.path / f"log.{self._segment}")

    @property
    def full(self) -> bool:
        """Whether the disk has not taken all lines."""
        return self._file.full

    def write(self, chunk: bytes, ms: int) -> Sequence[bytes]:
        """Write output; the whole lines that it completed."""
        first, *parts = chunk.split(b"\n")
        self._rest += first
        lines: list[bytes] = []
        for part in parts:
            lines += events(bytes(self._rest))
            self._rest = bytearray(part)
        while len(self._rest) > LONGEST_EVENT:
            lines.append(self._cut())
        return self._keep(lines, ms)

    def _cut(self) -> bytes:
        """As much of a line without an end as makes an event."""

        def too_long(size: int) -> bool:
            return len(escape(bytes(self._rest[:size]), cut=True)) > LONGEST_EVENT

        size = LONGEST_EVENT
        if too_long(size):  # what is escaped takes more room than it had
            size = bisect_left(range(LONGEST_EVENT), True, key=too_long) - 1
        for _ in range(3):  # not within a character
            size -= self._rest[size] & 0xC0 == _CONTINUES
        event = escape(bytes(self._rest[:size]), cut=True)
        del self._rest[:size]
        return event

    def flush(self, ms: int) -> Sequence[bytes]:
        """The last line, if it had no end."""
        lines = events(bytes(self._rest)) if self._rest else []
        self._rest.clear()
        return self._keep(lines, ms)

    def insert(self, line: str, ms: int) -> None:
        """Write a line of the emulator's own between those of the program."""
        self._keep([f"[sm-tuning: {line}]".encode()], ms)

    def _keep(self, lines: Sequence[bytes], ms: int) -> Sequence[bytes]:
        if lines:
            content = b"".join(b"%d %b\n" % (ms, line) for line in lines)
            self._file.write(content)
            self._size += len(content)
            if self._size >= self._most and not self.full:
                self._roll()
        return lines

    def _roll(self) -> None:
        self._file.close()
        self._segment += 1
        self._size = 0
        self._file = self._open()
        while self._segment - self._oldest >= _SEGMENTS - 1:
            (self._folder.path / f"log.{self._oldest}").unlink(missing_ok=True)
            self._oldest += 1

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_log(folder: HostFolder, cursor: Cursor | None = None) -> tuple[Sequence[LogLine], Cursor]:
    """Lines after a cursor, a few megabytes at a time, and the cursor after them; a gap is told by a line."""
    cursor = cursor or Cursor()
    kept = [_number(path) for path in segments(folder)]
    lines: list[LogLine] = []
    if cursor.segment not in kept:
        later = [segment for segment in kept if segment > cursor.segment]
        if not later:
            return (), cursor
        cursor = Cursor(segment=later[0])
    content = read_evidence(folder.path / f"log.{cursor.segment}", cursor.offset, _MOST_AT_ONCE)
    if content is None:  # dropped since the folder was listed
        return read_log(folder, cursor)
    end = content.rfind(b"\n") + 1
    lines += _lines(content[:end])
    cursor = Cursor(segment=cursor.segment, offset=cursor.offset + end)
    later = [segment for segment in kept if segment > cursor.segment]
    if end == 0 and later:  # a segment that has a successor is complete
        following = Cursor(segment=later[0])
        if later[0] == cursor.segment + 1:
            return read_log(folder, following)
        more, following = read_log(folder, following)
        ms = more[0].ms if more else 0
        gap = LogLine(
            ms=ms,
            text=f"[sm-tuning: {later[0] - cursor.segment - 1} segments of the log were dropped here; it is over its limit]",
        )
        return [gap, *more], following
    return lines, cursor


def read_tail(folder: HostFolder) -> Sequence[LogLine]:
    """The last lines of a log, at most a few tens of kilobytes of each of its last two segments."""
    lines: list[LogLine] = []
    for path in segments(folder)[-2:]:
        skipped = max(path.lstat().st_size - _TAIL, 0)
        content = read_evidence(path, skipped, 2 * _TAIL) or b""
        # The first line may be the rest of one, and the last the beginning of one.
        begin = content.find(b"\n") + 1 if skipped else 0
        lines += _lines(content[begin : content.rfind(b"\n") + 1])
    return lines


def segments(folder: HostFolder) -> Sequence[Path]:
    """The files of a log, the oldest first. The supervisor may remove any but the newest at any time."""
    files = (path for path in folder.path.glob("log.*") if path.is_file() and not path.is_symlink())
    return sorted((path for path in files if _NUMBER.fullmatch(path.name[4:])), key=_number)


def _number(segment: Path) -> int:
    return int(segment.name[4:])


def _lines(content: bytes) -> Sequence[LogLine]:
    """Whole lines; what no supervisor can have written is left out."""
    written = (_WRITTEN.fullmatch(raw) for raw in content.splitlines())
    return [LogLine(ms=int(line[1]), text=line[2].decode("utf-8", "replace")) for line in written if line]
