"""S3's content on disk: objects as blobs by their hash, buckets and keys in a small database of their own.

moto keeps S3 in memory. After each successful write the mirror saves what moto then has, before the answer leaves; the next start
puts it back. Values stay on disk: moto's keys get a buffer that reads the blob when asked. Uploads in parts that were not
completed, and older versions of objects, are not kept.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import threading
import uuid
import weakref
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local_emulator.database import connect, limit_log, unopened, verify
from local_emulator.domain.errors import Damaged, EmulatorError

TABLES = ("buckets", "settings", "objects")
# `sum` is a checksum of all columns before it (local_emulator/database.py).
_SCHEMA = """
CREATE TABLE buckets (
  name TEXT PRIMARY KEY,
  region TEXT NOT NULL,
  account TEXT NOT NULL DEFAULT '',
  sum INTEGER NOT NULL GENERATED ALWAYS AS (checksum(name, region, account)) STORED
) STRICT, WITHOUT ROWID;
CREATE TABLE settings (
  bucket TEXT NOT NULL,
  name TEXT NOT NULL,
  query TEXT NOT NULL,
  headers TEXT NOT NULL,
  body BLOB NOT NULL,
  sum INTEGER NOT NULL GENERATED ALWAYS AS (checksum(bucket, name, query, headers, body)) STORED,
  PRIMARY KEY (bucket, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE objects (
  bucket TEXT NOT NULL,
  key TEXT NOT NULL,
  blob TEXT NOT NULL,
  size INTEGER NOT NULL,
  etag TEXT NOT NULL,
  modified REAL NOT NULL,
  metadata TEXT NOT NULL,
  tags TEXT NOT NULL,
  sum INTEGER NOT NULL GENERATED ALWAYS AS (checksum(bucket, key, blob, size, etag, modified, metadata, tags)) STORED,
  PRIMARY KEY (bucket, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX objects_by_blob ON objects (blob);
"""
_COLUMNS = {
    "buckets": "name, region",
    "settings": "bucket, name, query, headers, body",
    "objects": "bucket, key, blob, size, etag, modified, metadata, tags",
}
_ATTRIBUTES = ""  # their name among the metadata: no header is called so
_VERSION = 1  # of the schema; the first one had no number


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """One object as the mirror knows it; `metadata` are moto's headers of the object, `attributes` what else moto keeps of it."""

    bucket: str
    key: str
    blob: "BlobFile"
    size: int
    etag: str
    modified: datetime
    metadata: Mapping[str, str]
    attributes: Mapping[str, Any]
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The last request that set a sub-resource (policy, versioning, …) of a bucket; without a name the bucket's attributes as JSON."""

    bucket: str
    name: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class BlobFile:
    """A blob as the file that moto's keys expect; it is open only while it is read. As long as one lives, its blob stays."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._position = 0

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        """Move."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}.get(whence, self.path.stat().st_size)
        self._position = base + position
        return self._position

    def tell(self) -> int:
        """The position."""
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Some bytes, or all that are left."""
        with self.path.open("rb") as file:
            file.seek(self._position)
            content = file.read(size)
        self._position += len(content)
        return content

    def close(self) -> None:
        """Nothing is open between reads."""


class Mirror:
    """S3's content on disk. Called under the cloud's lock, but for `store`, which may take long.

    A blob is removed when no object and no BlobFile refers to it any more: the row goes first, so a crash between the two leaves
    a blob too many, which the next start removes.
    """

    def __init__(self, state: Path) -> None:
        self._blobs = state / "blobs"
        self._blobs.mkdir(exist_ok=True, mode=0o700)
        self._lock = threading.RLock()
        self._open_files: Counter[str] = Counter()
        self._released: deque[str] = deque()  # digests whose file or row has gone; finalizers may only append
        path = state / "s3.sqlite"
        verify(path, TABLES, self._blobs)
        self._db = connect(path)
        try:
            self._open()
            limit_log(self._db, path, 1000)
        except sqlite3.Error as error:
            self._db.close()
            raise unopened(path, error) from error
        sizes = sizes_of(self._blobs)
        try:
            self._refuse_missing(path, sizes)
        except EmulatorError:
            self._db.close()
            raise
        self._sweep(sizes.keys())

    def _open(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        if self._db.execute("PRAGMA user_version").fetchone()[0] >= _VERSION:
            return
        old = {row[0] for row in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")} & set(TABLES)
        renamed = "".join(f"ALTER TABLE {table} RENAME TO old_{table};" for table in sorted(old))
        copied = "".join(
            f"INSERT INTO {table} ({_COLUMNS[table]}) SELECT {_COLUMNS[table]} FROM old_{table}; DROP TABLE old_{table};"  # noqa: S608 - our own names
            for table in sorted(old)
        )
        self._db.executescript(f"BEGIN IMMEDIATE; {renamed} {_SCHEMA} {copied} PRAGMA user_version = {_VERSION}; COMMIT;")

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._collect()
            self._db.close()

    # --- blobs ----------------------------------------------------------------------------------------------------------

    def _refuse_missing(self, path: Path, sizes: Mapping[str, int]) -> None:
        """Raise Damaged if the content of an object is not there, or not whole."""
        rows = self._db.execute("SELECT bucket, key, blob, size FROM objects").fetchall()
        gone = [f"s3://{bucket}/{key}" for bucket, key, blob, size in rows if sizes.get(blob) != size]
        if gone:
            raise Damaged(
                f"the content of {len(gone)} objects is missing in {self._blobs} or is not whole (the first is {gone[0]}); "
                f"nothing was changed. Put it back, or leave them out: python -m local_emulator recover --state {path.parent}"
            )

    def _sweep(self, names: AbstractSet[str]) -> None:
        """Remove those blobs that nothing refers to, and files half written."""
        known = {row[0] for row in self._db.execute("SELECT DISTINCT blob FROM objects")}
        for name in names - known:
            self._path(name.lstrip(".")).with_name(name).unlink(missing_ok=True)

    def _file(self, digest: str) -> BlobFile:
        """A blob's file; the blob stays as long as the object lives."""
        file = BlobFile(self._path(digest))
        with self._lock:
            self._open_files[digest] += 1
        weakref.finalize(file, self._released.append, digest).atexit = False
        return file

    def _collect(self) -> None:
        """Remove released blobs that nothing refers to. Call under the lock, outside of transactions."""
        while self._released:
            digest = self._released.popleft()
            self._open_files[digest] -= 1
            if self._open_files[digest] > 0:
                continue
            del self._open_files[digest]
            if not self._db.execute("SELECT 1 FROM objects WHERE blob = ? LIMIT 1", (digest,)).fetchone():
                self._path(digest).unlink(missing_ok=True)

    def store(self, content: bytes | Path) -> BlobFile:
        """Keep some content; the blob that holds it."""
        digest = _digest(content)
        file = self._file(digest)
        blob = file.path
        if not blob.exists():
            blob.parent.mkdir(exist_ok=True, mode=0o700)
            temporary = blob.with_name(f".{digest}.{uuid.uuid4().hex}")
            try:
                if isinstance(content, Path):
                    shutil.copyfile(content, temporary)
                else:
                    temporary.write_bytes(content)
                temporary.replace(blob)
            except OSError:
                temporary.unlink(missing_ok=True)
                raise
        return file

    def _path(self, digest: str) -> Path:
        return self._blobs / digest[:2] / digest

    def clear(self) -> None:
        """Forget all buckets; the blobs go as those of deleted objects do."""
        with self._lock:
            for table in ("buckets", "settings", "objects"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own words

    # --- saving ---------------------------------------------------------------------------------------------------------

    def note_bucket(self, name: str, region: str, account: str) -> None:
        """Save a bucket."""
        with self._lock:
            self._db.execute("INSERT OR IGNORE INTO buckets VALUES (?, ?, ?)", (name, region, account))

    def forget_bucket(self, name: str) -> None:
        """Delete a bucket and its content."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                for statement in ("buckets WHERE name", "settings WHERE bucket", "objects WHERE bucket"):
                    self._db.execute(f"DELETE FROM {statement} = ?", (name,))  # noqa: S608 - our own words
                self._db.execute("COMMIT")
            except sqlite3.Error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            self._collect()

    def note_setting(self, setting: Setting) -> None:
        """Save a sub-resource of a bucket."""
        row = (setting.bucket, setting.name, setting.query, json.dumps(dict(setting.headers)), setting.body)
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?, ?, ?, ?)", row)

    def forget_setting(self, bucket: str, name: str) -> None:
        """Delete a sub-resource of a bucket."""
        with self._lock:
            self._db.execute("DELETE FROM settings WHERE bucket = ? AND name = ?", (bucket, name))

    def note_object(self, stored: StoredObject) -> None:
        """Save an object."""
        row = (
            stored.bucket,
            stored.key,
            stored.blob.path.name,
            stored.blob.path.stat().st_size,
            stored.etag,
            stored.modified.timestamp(),
            json.dumps({**stored.metadata, _ATTRIBUTES: dict(stored.attributes)}),
            json.dumps(dict(stored.tags)),
        )
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            self._collect()

    def forget_object(self, bucket: str, key: str) -> None:
        """Delete an object."""
        with self._lock:
            self._db.execute("DELETE FROM objects WHERE bucket = ? AND key = ?", (bucket, key))
            self._collect()

    # --- reading --------------------------------------------------------------------------------------------------------

    def buckets(self) -> list[tuple[str, str, str]]:
        """(name, region, account) of every bucket; an empty account is that of the settings."""
        return self._db.execute("SELECT name, region, account FROM buckets ORDER BY name").fetchall()

    def settings(self) -> Iterator[Setting]:
        """Every sub-resource that was set."""
        for bucket, name, query, headers, body in self._db.execute(
            "SELECT bucket, name, query, headers, body FROM settings"
        ).fetchall():
            yield Setting(bucket=bucket, name=name, query=query, headers=json.loads(headers), body=body)

    def objects(self, bucket: str | None = None, key: str | None = None) -> Iterator[StoredObject]:
        """Every object; or those of a bucket, or of a key."""
        rows = self._db.execute(
            "SELECT bucket, key, blob, size, etag, modified, metadata, tags FROM objects "
            "WHERE bucket = coalesce(?, bucket) AND key = coalesce(?, key)",
            (bucket, key),
        ).fetchall()
        for of, name, blob, size, etag, modified, kept, tags in rows:
            metadata = json.loads(kept)
            yield StoredObject(
                bucket=of,
                key=name,
                blob=self._file(blob),
                size=size,
                etag=etag,
                modified=datetime.fromtimestamp(modified, UTC),
                attributes=metadata.pop(_ATTRIBUTES, {}),
                metadata=metadata,
                tags=json.loads(tags),
            )

    def contents(self, bucket: str) -> dict[str, tuple[str, float]]:
        """The blob and the time of every object of a bucket, by its key."""
        rows = self._db.execute("SELECT key, blob, modified FROM objects WHERE bucket = ?", (bucket,))
        return {key: (blob, modified) for key, blob, modified in rows}


def create(path: Path) -> None:
    """Make an index that holds nothing."""
    with closing(connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")


def set_aside_missing(state: Path, aside: Path) -> list[str]:
    """Take out of the index the objects without their content, and move content without its object aside; the objects' URIs."""
    blobs = state / "blobs"
    sizes = sizes_of(blobs)
    with closing(connect(state / "s3.sqlite")) as db:
        rows = db.execute("SELECT bucket, key, blob, size FROM objects").fetchall()
        gone = [row for row in rows if sizes.get(row[2]) != row[3]]
        db.executemany("DELETE FROM objects WHERE bucket = ? AND key = ?", [row[:2] for row in gone])
    for name in sizes.keys() - {blob for _, _, blob, size in rows if sizes.get(blob) == size}:
        (aside / "blobs").mkdir(parents=True, exist_ok=True, mode=0o700)
        (blobs / name.lstrip(".")[:2] / name).rename(aside / "blobs" / name)
    return [f"s3://{bucket}/{key}" for bucket, key, _, _ in gone]


def sizes_of(blobs: Path) -> dict[str, int]:
    """The size of each file in a folder of blobs."""
    folders = [folder for folder in os.scandir(blobs) if folder.is_dir(follow_symlinks=False)]
    return {entry.name: entry.stat(follow_symlinks=False).st_size for folder in folders for entry in os.scandir(folder)}


def _digest(content: bytes | Path) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
