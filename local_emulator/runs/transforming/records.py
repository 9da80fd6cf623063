"""Files as records, records as payloads of requests. Sizes are in bytes; a limit of 0 is none."""

import struct
from collections.abc import Iterable, Iterator

_MAGIC = 0xCED7230A  # of RecordIO, as MXNet writes it


class PayloadError(ValueError):
    """What cannot be sent, in AWS's words."""


def split(content: bytes, kind: str) -> Iterator[bytes]:
    """The records of a file, by SplitType. A line keeps its end, a record of RecordIO its frame; joined they are the file."""
    if kind == "Line":
        yield from content.splitlines(keepends=True) if b"\r" not in content else _lines(content)
    elif kind == "RecordIO":
        yield from _recordio(content)
    else:
        yield content


def _lines(content: bytes) -> Iterator[bytes]:
    """Lines that end with a line feed alone, or a carriage return before it."""
    begin = 0
    while begin < len(content):
        end = content.find(b"\n", begin) + 1 or len(content)
        yield content[begin:end]
        begin = end


def _recordio(content: bytes) -> Iterator[bytes]:
    """Whole records; one of several parts is of one piece."""
    begin = position = 0
    while position < len(content):
        if len(content) - position < 8:  # noqa: PLR2004 - magic and length
            raise PayloadError("The file breaks off inside a record of RecordIO.")
        magic, word = struct.unpack_from("<II", content, position)
        if magic != _MAGIC:
            raise PayloadError(f"There is no record of RecordIO at byte {position:,}.")
        flag, size = word >> 29, word & (1 << 29) - 1
        position += 8 + (size + 3) // 4 * 4
        if position > len(content):
            raise PayloadError("The file breaks off inside a record of RecordIO.")
        if flag in {0, 3}:  # a whole record, or the last part of one
            yield content[begin:position]
            begin = position


def batches(records: Iterable[bytes], limit: int, *, several: bool) -> Iterator[list[bytes]]:
    """Records by request: one each, or with `several` as many as fit. Raises PayloadError for one that fits into none."""
    batch: list[bytes] = []
    size = 0
    for record in records:
        if limit and len(record) > limit:
            raise PayloadError("Too much data for max payload size")
        if batch and (not several or (limit and size + len(record) > limit)):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += len(record)
    if batch:
        yield batch
