"""S3's content on disk: objects as blobs by their hash, buckets and keys in a small database of their own.

moto keeps S3 in memory. After each successful write the mirror notes what moto then has, before the answer leaves; at the next start
it puts it back. Values stay on disk: moto's keys get a buffer that reads the blob when asked. Uploads in parts that were not
completed, and older versions of objects, are not kept.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from local_emulator.domain.errors import EmulatorError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS buckets (
  name TEXT PRIMARY KEY, region TEXT NOT NULL, account TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settings (
  bucket TEXT NOT NULL, name TEXT NOT NULL, query TEXT NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (bucket, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
  bucket TEXT NOT NULL, key TEXT NOT NULL, blob TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL, modified REAL NOT NULL,
  metadata TEXT NOT NULL, tags TEXT NOT NULL, PRIMARY KEY (bucket, key)
) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True, kw_only=True)
class StoredObject:
    """One object as the mirror knows it; `metadata` are moto's headers of the object."""

    bucket: str
    key: str
    blob: Path
    size: int
    etag: str
    modified: datetime
    metadata: Mapping[str, str]
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The last request that set a sub-resource (policy, versioning, …) of a bucket."""

    bucket: str
    name: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class BlobFile:
    """A blob as the file that moto's keys expect; it is open only while it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._position = 0

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        """Move."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}.get(whence, self.path.stat().st_size)
        self._position = base + position
        return self._position

    def tell(self) -> int:
        """Where we are."""
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
    """What S3 holds, on disk. Called under the cloud's lock, but for `store`, which may take long."""

    def __init__(self, state: Path) -> None:
        self._blobs = state / "blobs"
        self._blobs.mkdir(exist_ok=True, mode=0o700)
        path = state / "s3.sqlite"
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_SCHEMA)
            if "account" not in [row[1] for row in self._db.execute("PRAGMA table_info(buckets)")]:  # of version 0.1
                self._db.execute("ALTER TABLE buckets ADD COLUMN account TEXT NOT NULL DEFAULT ''")
        except sqlite3.Error as error:
            self._db.close()
            raise EmulatorError(f"{path} is damaged or not a database of this program ({error}); it was left as it is") from error
        self._sweep()

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    def _sweep(self) -> None:
        """Remove blobs that nothing refers to, and files half written."""
        known = {row[0] for row in self._db.execute("SELECT DISTINCT blob FROM objects")}
        for path in self._blobs.glob("*/*"):
            if path.name not in known:
                path.unlink()

    def store(self, content: bytes | Path) -> Path:
        """Keep some content; the blob that holds it."""
        digest = _digest(content)
        blob = self._path(digest)
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
        return blob

    def _path(self, digest: str) -> Path:
        return self._blobs / digest[:2] / digest

    # --- noting ---------------------------------------------------------------------------------------------------------

    def note_bucket(self, name: str, region: str, account: str) -> None:
        """A bucket is there."""
        with self._lock:
            self._db.execute("INSERT OR IGNORE INTO buckets VALUES (?, ?, ?)", (name, region, account))

    def forget_bucket(self, name: str) -> None:
        """A bucket is gone, with all that was in it."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            for statement in ("buckets WHERE name", "settings WHERE bucket", "objects WHERE bucket"):
                self._db.execute(f"DELETE FROM {statement} = ?", (name,))  # noqa: S608 - our own words
            self._db.execute("COMMIT")

    def note_setting(self, setting: Setting) -> None:
        """A sub-resource of a bucket was set."""
        row = (setting.bucket, setting.name, setting.query, json.dumps(dict(setting.headers)), setting.body)
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?, ?, ?, ?)", row)

    def forget_setting(self, bucket: str, name: str) -> None:
        """A sub-resource of a bucket was deleted."""
        with self._lock:
            self._db.execute("DELETE FROM settings WHERE bucket = ? AND name = ?", (bucket, name))

    def note_object(self, one: StoredObject) -> None:
        """An object is there."""
        row = (
            one.bucket,
            one.key,
            one.blob.name,
            one.size,
            one.etag,
            one.modified.timestamp(),
            json.dumps(dict(one.metadata)),
            json.dumps(dict(one.tags)),
        )
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def forget_object(self, bucket: str, key: str) -> None:
        """An object is gone."""
        with self._lock:
            self._db.execute("DELETE FROM objects WHERE bucket = ? AND key = ?", (bucket, key))

    # --- recalling ------------------------------------------------------------------------------------------------------

    def buckets(self) -> list[tuple[str, str, str]]:
        """(name, region, account) of every bucket; an empty account is that of the settings."""
        return self._db.execute("SELECT name, region, account FROM buckets ORDER BY name").fetchall()

    def settings(self) -> Iterator[Setting]:
        """Every sub-resource that was set."""
        for bucket, name, query, headers, body in self._db.execute("SELECT * FROM settings").fetchall():
            yield Setting(bucket=bucket, name=name, query=query, headers=json.loads(headers), body=body)

    def objects(self) -> Iterator[StoredObject]:
        """Every object whose content is there."""
        for bucket, key, blob, size, etag, modified, metadata, tags in self._db.execute("SELECT * FROM objects").fetchall():
            if self._path(blob).exists():
                yield StoredObject(
                    bucket=bucket,
                    key=key,
                    blob=self._path(blob),
                    size=size,
                    etag=etag,
                    modified=datetime.fromtimestamp(modified, UTC),
                    metadata=json.loads(metadata),
                    tags=json.loads(tags),
                )

    def keys(self, bucket: str) -> set[str]:
        """Every key of a bucket."""
        return {row[0] for row in self._db.execute("SELECT key FROM objects WHERE bucket = ?", (bucket,))}


def _digest(content: bytes | Path) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
