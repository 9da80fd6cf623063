"""S3's content on disk: damage is noticed before anything is removed, and what nothing refers to is removed."""

import random
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local_emulator.cloud.persistence import Mirror, Setting, StoredObject
from local_emulator.domain.errors import Damaged, EmulatorError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
COUNT = 60


def put(mirror: Mirror, key: str, content: bytes) -> None:
    blob = mirror.store(content)
    metadata = {"content-type": "text/plain", "x": key * 9}
    mirror.note_object(
        StoredObject(
            bucket="b",
            key=key,
            blob=blob,
            size=len(content),
            etag="e",
            modified=NOW,
            metadata=metadata,
            attributes={"storage": key},
            tags={},
        )
    )


def fill(state: Path) -> None:
    state.mkdir(exist_ok=True)
    mirror = Mirror(state)
    mirror.note_bucket("b", "us-east-1", "123456789012")
    for number in range(COUNT):
        put(mirror, f"key/{number}", b"content %d" % number)
    mirror.note_setting(Setting(bucket="b", name="policy", query="policy", headers={"a": "b"}, body=b"body"))
    mirror.close()


def content(state: Path) -> tuple[object, ...]:
    mirror = Mirror(state)
    try:
        contents = {
            stored.key: (
                stored.blob.path.read_bytes(),
                stored.size,
                stored.etag,
                stored.modified,
                dict(stored.metadata),
                dict(stored.attributes),
            )
            for stored in mirror.objects()
        }
        return mirror.buckets(), list(mirror.settings()), contents
    finally:
        mirror.close()


def blobs(state: Path) -> set[Path]:
    return set((state / "blobs").glob("*/*"))


@pytest.mark.parametrize("size", [0, 100, 4096, 8192, 20000])
def test_a_truncated_index_is_refused_and_nothing_is_removed(tmp_path: Path, size: int) -> None:
    fill(tmp_path)
    index = tmp_path / "s3.sqlite"
    whole, there = index.read_bytes(), blobs(tmp_path)
    index.write_bytes(whole[:size])
    with pytest.raises(Damaged, match=r"left as it is\..* python -m local_emulator recover --state"):
        Mirror(tmp_path)
    assert index.read_bytes() == whole[:size]
    assert blobs(tmp_path) == there
    index.unlink()
    with pytest.raises(Damaged, match="empty, though its content is there"):
        Mirror(tmp_path)
    assert blobs(tmp_path) == there
    index.write_bytes(whole)
    assert len(content(tmp_path)[2]) == COUNT  # type: ignore[arg-type]


def test_no_turned_bit_changes_anything_unseen(tmp_path: Path) -> None:
    fill(tmp_path)
    index = tmp_path / "s3.sqlite"
    whole, before = index.read_bytes(), content(tmp_path)
    whole = index.read_bytes()
    rng = random.Random(14)
    refused = 0
    for _ in range(150):
        damaged = bytearray(whole)
        position = rng.randrange(len(damaged))
        damaged[position] ^= 1 << rng.randrange(8)
        index.write_bytes(damaged)
        there = blobs(tmp_path)
        try:
            assert content(tmp_path) == before, position
        except EmulatorError:
            refused += 1
            assert index.read_bytes() == damaged
        assert blobs(tmp_path) == there
    assert refused > 30  # what is left lay in free space


def test_content_that_is_missing_is_told(tmp_path: Path) -> None:
    fill(tmp_path)
    first, second = sorted(blobs(tmp_path))[:2]
    first.write_bytes(b"short")
    with pytest.raises(Damaged, match=r"the content of 1 objects is missing in .* or is not whole \(the first is s3://b/key/"):
        Mirror(tmp_path)
    second.unlink()
    with pytest.raises(Damaged, match="the content of 2 objects"):
        Mirror(tmp_path)


def test_blobs_go_with_the_last_that_refers_to_them(tmp_path: Path) -> None:
    mirror = Mirror(tmp_path)
    for number in range(60):
        put(mirror, "same", b"x" * 1000 + b"%d" % number)
    assert len(blobs(tmp_path)) <= 2  # the last one, and the one before, whose file was just let go of
    put(mirror, "other", b"x" * 1000 + b"59")
    mirror.forget_object("b", "same")
    assert len(blobs(tmp_path)) == 1
    reading = next(iter(mirror.objects())).blob
    mirror.forget_object("b", "other")
    assert reading.read(3) == b"xxx"
    mirror.forget_bucket("b")
    assert reading.path.exists()
    del reading
    mirror.close()
    assert blobs(tmp_path) == set()


def test_content_stored_again_while_it_goes_is_kept(tmp_path: Path) -> None:
    mirror = Mirror(tmp_path)
    put(mirror, "a", b"same")
    waiting = mirror.store(b"same")  # an upload that has not been noted yet
    mirror.forget_object("b", "a")
    mirror.forget_object("b", "a")
    assert waiting.read() == b"same"
    mirror.close()


def test_what_a_crash_leaves_goes_at_the_next_start(tmp_path: Path) -> None:
    fill(tmp_path)
    (folder := tmp_path / "blobs" / "ab").mkdir(exist_ok=True)
    (folder / ("ab" + "0" * 62)).write_bytes(b"of nobody")
    (folder / (".ab" + "0" * 62 + ".1234")).write_bytes(b"half")
    content(tmp_path)
    assert len(blobs(tmp_path)) == COUNT


OLD = """
CREATE TABLE buckets (name TEXT PRIMARY KEY, region TEXT NOT NULL{account}) STRICT, WITHOUT ROWID;
CREATE TABLE settings (
  bucket TEXT NOT NULL, name TEXT NOT NULL, query TEXT NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (bucket, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE objects (
  bucket TEXT NOT NULL, key TEXT NOT NULL, blob TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL, modified REAL NOT NULL,
  metadata TEXT NOT NULL, tags TEXT NOT NULL, PRIMARY KEY (bucket, key)
) STRICT, WITHOUT ROWID;
INSERT INTO buckets (name, region) VALUES ('b', 'us-east-1');
"""


@pytest.mark.parametrize("account", ["", ", account TEXT NOT NULL DEFAULT ''"])
def test_an_index_of_an_earlier_version_is_brought_up(tmp_path: Path, account: str) -> None:
    fill(tmp_path / "new")
    expected = content(tmp_path / "new")
    (tmp_path / "new" / "s3.sqlite").rename(tmp_path / "rows")
    with sqlite3.connect(tmp_path / "new" / "s3.sqlite", isolation_level=None) as db:
        db.executescript(OLD.format(account=account))
        db.execute("ATTACH ? AS rows", (str(tmp_path / "rows"),))
        for table, columns in (
            ("settings", "bucket, name, query, headers, body"),
            ("objects", "bucket, key, blob, size, etag, modified, metadata, tags"),
        ):
            db.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM rows.{table}")  # noqa: S608 - the test's own
    db.close()
    buckets, settings, objects = content(tmp_path / "new")
    assert buckets == [("b", "us-east-1", "")]
    assert (settings, objects) == expected[1:]
