"""Files as records, records as payloads of requests. Sizes are in bytes; a limit of 0 is none."""

import struct
from collections.abc import Iterable, Iterator
from io import BufferedIOBase

_MAGIC = 0xCED7230A  # of RecordIO, as MXNet writes it


class PayloadError(ValueError):
    """What cannot be sent, in AWS's words."""


def split(file: BufferedIOBase, kind: str, limit: int) -> Iterator[bytes]:
    """The records of a file, by SplitType. A line keeps its end, a record of RecordIO its frame; joined they are the file.

    Of one that is longer than the limit there is a part that is, and nothing after it: a file may be larger than memory.
    """
    most = limit + 1 if limit else -1
    if kind == "Line":
        while line := file.readline(most):
            yield line
    elif kind == "RecordIO":
        yield from _recordio(file, most)
    else:
        yield file.read(most)


def _recordio(file: BufferedIOBase, most: int) -> Iterator[bytes]:
    """Whole records; one of several parts is of one piece."""
    position, record = 0, b""
    while head := file.read(8):
        if len(head) < 8:  # noqa: PLR2004 - magic and length
            raise PayloadError("The file breaks off inside a record of RecordIO.")
        magic, word = struct.unpack("<II", head)
        if magic != _MAGIC:
            raise PayloadError(f"There is no record of RecordIO at byte {position:,}.")
        flag, size = word >> 29, word & (1 << 29) - 1
        padded = (size + 3) // 4 * 4
        wanted = padded if most < 0 else min(padded, most)
        record += head + (content := file.read(wanted))
        if len(content) < wanted:
            raise PayloadError("The file breaks off inside a record of RecordIO.")
        position += len(head) + wanted
        if flag in {0, 3} or len(record) >= most > 0:  # a whole record, or the last part of one
            yield record
            record = b""
    if record:
        raise PayloadError("The file breaks off inside a record of RecordIO.")


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
