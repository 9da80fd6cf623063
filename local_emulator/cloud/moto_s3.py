"""moto's S3 as training jobs use it, its content kept on disk."""

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_emulator.cloud import jumpstart
from local_emulator.cloud.environ import bucket_and_key, put_of_setting, sub_resource
from local_emulator.cloud.moto_modules import MotoObject, backend, moto
from local_emulator.cloud.persistence import BlobFile, Mirror, Setting, StoredObject
from local_emulator.domain.errors import ResourceLimitExceeded
from local_emulator.domain.names import AwsScope
from local_emulator.domain.objects import NoSuchBucket, NoSuchKey, ObjectInfo
from local_emulator.settings import Settings

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

# What moto keeps of a bucket and of an object beside what requests set, content, metadata and tags.
_OF_BUCKET = ("object_lock_enabled", "ownership_rule", "versioning_status")
_OF_OBJECT = (
    *("_version_id", "_is_versioned", "_storage_class", "encryption", "kms_key_id", "bucket_key_enabled"),
    *("lock_mode", "lock_legal_status", "lock_until", "checksum_algorithm", "checksum_value", "checksum_type", "checksum_parts"),
)


class MotoS3:
    """Objects in moto's S3, of whatever account and partition.

    Args:
        settings: Whose region and account requests of the emulator itself are made for.
        mirror: Where buckets and objects are kept on disk; None for nowhere.
        lock: Held while moto works.
        start: Brings moto up; it may be called again.
        request: Has moto answer a request.
    """

    def __init__(
        self,
        settings: Settings,
        mirror: Mirror | None,
        *,
        lock: threading.RLock,
        start: Callable[[], None],
        request: Callable[["WSGIEnvironment"], object],
    ) -> None:
        self._settings = settings
        self._mirror = mirror
        self._lock = lock
        self._start = start
        self._request = request

    def close(self) -> None:
        """Close the files. Call under the lock."""
        if self._mirror is not None:
            self._mirror.close()
            self._mirror = None

    # --- objects of training jobs ---------------------------------------------------------------------------------------

    def list(self, bucket: str, prefix: str) -> Sequence[ObjectInfo]:
        """Every object whose key begins with the prefix, in key order."""
        with self._lock:
            self.stock(bucket, prefix)
            keys = self._bucket(bucket).keys
            matching = [(name, keys[name]) for name in sorted(keys.keys()) if name.startswith(prefix)]
            return [ObjectInfo(key=name, size=key.size, etag=key.etag) for name, key in matching if _is_object(key)]

    def download(self, bucket: str, key: str, target: Path) -> None:
        """Write an object's content to a file."""
        with self._lock:
            self.stock(bucket, key)
            stored = self._bucket(bucket).keys.get(key)
            if not _is_object(stored):
                raise NoSuchKey(key)
            blob = stored._value_buffer if isinstance(stored._value_buffer, BlobFile) else None  # noqa: SLF001 - to copy without reading
            content = None if blob else stored.value
        if blob is not None:
            _copy(blob.path, target)
        elif content is not None:
            target.write_bytes(content)

    def upload(self, bucket: str, key: str, source: Path) -> None:
        """Keep a file's content under a key."""
        blob = self._mirror.store(source) if self._mirror is not None else None
        with self._lock:
            self._bucket(bucket)
            # With a blob moto gets an empty value first: the blob takes its place at once.
            stored = self._service(bucket).put_object(bucket, key, source.read_bytes() if blob is None else b"")
            if blob is not None:
                _replace_value(stored, blob, source.stat().st_size)
                _untrack()
                try:
                    self._save_object(bucket, key)
                except (OSError, sqlite3.Error):
                    self._revert(bucket, key)
                    raise

    def stock(self, bucket: str, key: str) -> None:
        """Have a bucket of JumpStart, and what lies under a key of it, before it is asked for. Call under the lock."""
        region = jumpstart.region(bucket)
        if region is None:
            return
        self._start()
        if bucket not in moto("s3.models").s3_backends.bucket_accounts:
            backend("s3", AwsScope(region=region, account=jumpstart.ACCOUNT)).create_bucket(bucket, region)
        content = None if key in self._bucket(bucket).keys else jumpstart.content(region, key)
        if content is not None:
            self._service(bucket).put_object(bucket, key, content)
            _untrack()

    def _service(self, bucket: str) -> MotoObject:
        """Moto's S3 of the account and partition that hold a bucket; raises NoSuchBucket."""
        self._start()
        service = moto("s3.models").s3_backends
        if bucket not in service.bucket_accounts:
            raise NoSuchBucket(bucket)
        partition, account = service.bucket_accounts[bucket]
        return service[account][partition]

    def _bucket(self, name: str) -> MotoObject:
        bucket = self._service(name).buckets.get(name)
        if bucket is None:
            raise NoSuchBucket(name)
        return bucket

    # --- saving: a write is on disk before its answer leaves -------------------------------------------------------------

    def clear(self) -> None:
        """Forget all buckets: moto was reset. Call under the lock."""
        if self._mirror is not None:
            self._mirror.clear()

    def save(self, environ: "WSGIEnvironment", body: bytes) -> None:
        """Save what a successful write has changed. Call under the lock.

        Raises:
            ResourceLimitExceeded: That cannot be; then nothing has changed.
        """
        if self._mirror is None:
            return
        try:
            self._save(self._mirror, environ, body)
        except (OSError, sqlite3.Error) as error:
            self._revert(*bucket_and_key(environ))
            raise ResourceLimitExceeded(f"S3 holds what it held before: the state folder cannot be written ({error})") from error

    def _save(self, mirror: Mirror, environ: "WSGIEnvironment", body: bytes) -> None:
        _untrack()
        name, key = bucket_and_key(environ)
        if not name:
            return
        try:
            bucket = self._bucket(name)
        except NoSuchBucket:
            mirror.forget_bucket(name)
            return
        mirror.note_bucket(name, bucket.region_name, bucket.account_id)
        if key:
            self._save_object(name, key)
            return
        if environ["REQUEST_METHOD"] == "POST":  # many are deleted, or a form names its key
            self._save_changed(mirror, name, bucket.keys)
            return
        self._note_attributes(mirror, bucket)
        setting = sub_resource(environ)
        if setting and environ["REQUEST_METHOD"] == "DELETE":
            mirror.forget_setting(name, setting)
        elif setting:
            headers = {
                header: value for header, value in environ.items() if isinstance(value, str) and header.startswith("HTTP_X_AMZ")
            }
            mirror.note_setting(Setting(bucket=name, name=setting, query=environ["QUERY_STRING"], headers=headers, body=body))

    def _note_attributes(self, mirror: Mirror, bucket: MotoObject) -> None:
        attributes = {"creation_date": bucket.creation_date.isoformat(), **_attributes(bucket, _OF_BUCKET)}
        mirror.note_setting(Setting(bucket=bucket.name, name="", query="", headers={}, body=json.dumps(attributes).encode()))

    def _save_changed(self, mirror: Mirror, bucket: str, keys: MotoObject) -> None:
        """Save those objects of a bucket that are not what is on disk: deleting a version brings back the one before."""
        saved = mirror.contents(bucket)
        present = {key: _content(stored) for key in list(keys) if _is_object(stored := keys.get(key))}
        for key in saved.keys() | present.keys():
            if saved.get(key) != present.get(key):
                self._save_object(bucket, key)

    def save_buckets(self) -> None:
        """Save the buckets that stacks have made, and forget those that they have deleted. Call under the lock."""
        if (mirror := self._mirror) is None:
            return
        known = {name for name, _, _ in mirror.buckets()}
        present = set(moto("s3.models").s3_backends.bucket_accounts)
        for name in present - known:
            bucket = self._bucket(name)
            mirror.note_bucket(name, bucket.region_name, bucket.account_id)
            self._note_attributes(mirror, bucket)
        for deleted in known - present:
            mirror.forget_bucket(deleted)

    def _save_object(self, bucket: str, key: str) -> None:
        if (mirror := self._mirror) is None:
            return
        stored = self._bucket(bucket).keys.get(key)
        if not _is_object(stored):
            mirror.forget_object(bucket, key)
            return
        if not isinstance(stored._value_buffer, BlobFile):  # noqa: SLF001 - the buffer is what is replaced
            etag = stored.etag
            _replace_value(stored, mirror.store(stored.value), stored.size)
            stored._etag = etag.strip('"')  # noqa: SLF001 - it is computed from the buffer only when missing
        mirror.note_object(
            StoredObject(
                bucket=bucket,
                key=key,
                blob=stored._value_buffer,  # noqa: SLF001 - see above
                size=stored.size,
                etag=stored.etag.strip('"'),
                modified=stored.last_modified.replace(tzinfo=UTC),
                metadata={str(name): str(value) for name, value in stored.metadata.items()},
                attributes=_attributes(stored, _OF_OBJECT),
                tags=self._service(bucket).tagger.get_tag_dict_for_resource(stored.arn),
            )
        )

    # --- restoring --------------------------------------------------------------------------------------------------------

    def restore(self, bucket: str | None = None) -> None:
        """Put back into moto what is on disk: all of it, or one bucket. Call under the lock."""
        if (mirror := self._mirror) is None:
            return
        create_failed = moto("core.exceptions").ServiceException
        for name, region, account in mirror.buckets():
            if bucket in {None, name}:
                scope = AwsScope(region=region, account=account or self._settings.account)
                with suppress(create_failed):  # a bucket that this moto refuses must not keep the others away
                    backend("s3", scope).create_bucket(name, region)
        self._restore_objects(mirror.objects(bucket))
        for setting in sorted(mirror.settings(), key=lambda setting: setting.name):  # attributes, which have no name, first
            if bucket not in {None, setting.bucket}:
                continue
            if not setting.name:
                attributes = json.loads(setting.body)
                created = datetime.fromisoformat(attributes.pop("creation_date"))
                with suppress(NoSuchBucket):
                    self._bucket(setting.bucket).__dict__.update(attributes, creation_date=created)
            else:
                self._request(put_of_setting(setting.bucket, setting.query, setting.headers, setting.body, self._settings.region))

    def _restore_objects(self, objects: Iterable[StoredObject]) -> None:
        for saved in objects:
            try:
                service = self._service(saved.bucket)
            except NoSuchBucket:
                continue
            stored = service.put_object(saved.bucket, saved.key, b"", etag=saved.etag, disable_notification=True)
            _replace_value(stored, saved.blob, saved.size)
            stored.last_modified = saved.modified.replace(tzinfo=None)
            stored.set_metadata(dict(saved.metadata), replace=False)
            stored.__dict__.update(saved.attributes)
            if saved.tags:
                service.tagger.tag_resource(stored.arn, [{"Key": key, "Value": value} for key, value in saved.tags.items()])
        _untrack()

    def _revert(self, bucket: str, key: str) -> None:
        """Put back into moto one key, or without a key a whole bucket, as it is on disk."""
        if (mirror := self._mirror) is None:
            return
        if key and any(name == bucket for name, _, _ in mirror.buckets()):
            keys = self._bucket(bucket).keys
            if key in keys:
                keys.pop(key)
            self._restore_objects(mirror.objects(bucket, key))
            return
        with suppress(NoSuchBucket):
            self._service(bucket).buckets.pop(bucket, None)
        moto("s3.models").s3_backends.bucket_accounts.pop(bucket, None)
        self.restore(bucket)


def _is_object(stored: MotoObject) -> bool:
    """Whether what moto has under a key is an object: neither None nor a delete marker."""
    return hasattr(stored, "size")


def _attributes(thing: MotoObject, names: Sequence[str]) -> Mapping[str, Any]:
    """The attributes of something of moto's that are set; older versions of moto lack some."""
    return {name: value for name in names if (value := getattr(thing, name, None)) is not None}


def _content(stored: MotoObject) -> tuple[str, float]:
    """By what an object on disk is known: its blob and when it was written. One that is not yet there has no blob."""
    buffer = stored._value_buffer  # noqa: SLF001 - it tells
    return (buffer.path.name, stored.last_modified.replace(tzinfo=UTC).timestamp()) if isinstance(buffer, BlobFile) else ("", 0.0)


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as reading, target.open("wb") as writing:
        while os.copy_file_range(reading.fileno(), writing.fileno(), 1 << 30):
            pass


def _untrack() -> None:
    """Let moto forget the keys and uploads that it keeps to dispose of them at a reset: overwritten ones would never go."""
    models = moto("s3.models")
    models.FakeKey.instances_tracked.clear()
    models.FakeMultipart.instances_tracked.clear()


def _replace_value(stored: MotoObject, blob: BlobFile, size: int) -> None:
    """Let a key of moto's read its value from a blob."""
    stored._value_buffer.close()  # noqa: SLF001 - the buffer is what is replaced
    stored._value_buffer = blob  # noqa: SLF001 - see above
    stored.contentsize = size
