"""Records are the file's own bytes, in their order; requests hold as many as fit."""

import io
import itertools
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_emulator.runs.transforming.records import PayloadError, batches, split


def recordio(content: bytes, flag: int = 0) -> bytes:
    return struct.pack("<II", 0xCED7230A, flag << 29 | len(content)) + content + bytes(-len(content) % 4)


@settings(deadline=None)
@given(lines=st.lists(st.binary(max_size=6).map(lambda text: text.replace(b"\n", b"")), max_size=20), limit=st.integers(0, 9))
def test_no_byte_is_lost_nor_moved(lines: list[bytes], limit: int) -> None:
    content = b"\n".join(lines)
    records = list(split(io.BytesIO(content), "Line", 0))
    assert b"".join(records) == content
    assert all(record.count(b"\n") <= 1 for record in records)
    try:
        payloads = list(batches(records, limit, several=True))
    except PayloadError:
        assert 0 < limit < max(map(len, records))
    else:
        assert b"".join(b"".join(batch) for batch in payloads) == content
        assert all(batch and (not limit or sum(map(len, batch)) <= limit) for batch in payloads)
        for batch, after in itertools.pairwise(payloads):
            assert limit
            assert sum(map(len, batch)) + len(after[0]) > limit, "as many as fit"


def test_each_record_is_a_request_of_its_own() -> None:
    assert list(batches([b"a\n", b"b\n"], 0, several=False)) == [[b"a\n"], [b"b\n"]]


def test_a_carriage_return_alone_ends_no_line() -> None:
    assert list(split(io.BytesIO(b"a\rb\r\nc\x0bd\n"), "Line", 0)) == [b"a\rb\r\n", b"c\x0bd\n"]
    assert list(split(io.BytesIO(b"a\x0bb\x1cc\nd"), "Line", 0)) == [b"a\x0bb\x1cc\n", b"d"]


def test_a_record_that_fits_into_no_request() -> None:
    with pytest.raises(PayloadError, match=r"^Too much data for max payload size$"):
        list(batches([b"1", b"123"], 2, several=True))


def test_a_file_is_one_record_without_a_split() -> None:
    assert list(split(io.BytesIO(b"a\nb"), "None", 0)) == [b"a\nb"]


def test_records_of_recordio_keep_their_frames() -> None:
    parts = [recordio(b"abc"), recordio(b""), recordio(b"x" * 9, 1) + recordio(b"y", 3)]
    assert list(split(io.BytesIO(b"".join(parts)), "RecordIO", 0)) == parts


@pytest.mark.parametrize("content", [b"abcdefgh", recordio(b"abcdef")[:-1], recordio(b"abc") + b"\n#", recordio(b"abc", 1)])
def test_what_is_no_recordio(content: bytes) -> None:
    with pytest.raises(PayloadError, match="RecordIO"):
        list(split(io.BytesIO(content), "RecordIO", 0))


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("None", b"x" * 10**6),
        ("Line", b"ab\n" + b"x" * 10**6),
        ("RecordIO", recordio(b"a") + recordio(b"x" * 900, 1) * 1000),
        ("RecordIO", recordio(b"x" * 10**6)),
    ],
)
def test_no_more_is_read_of_a_file_than_a_request_may_have(kind: str, content: bytes) -> None:
    file = io.BytesIO(content)
    with pytest.raises(PayloadError, match="Too much data"):
        list(batches(split(file, kind, 100), 100, several=True))
    assert file.tell() < 2000
