"""Input data: each channel is fetched from S3 once per content, and no run can change what another reads.

Where a run has its own mounts, the one copy lies below all of them (`runs.mounts`); else each run gets clones of the files if the file
system can share their content, or copies.
"""

import fcntl
import hashlib
import json
import os
import random
import shutil
import threading
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from local_emulator.domain.errors import RunError, is_passing
from local_emulator.domain.objects import NoSuchBucket, NoSuchKey, Objects, ObjectsUnavailable, parse_s3
from local_emulator.domain.spec import S3DataSource
from local_emulator.runs.data.manifests import Listed, Listing, Manifests, failed, is_marker, listed_file, reason_of

_LONGEST_PART = 255
_MANIFESTS = ("ManifestFile", "AugmentedManifestFile")
_KINDS = ("S3Prefix", *_MANIFESTS)
_FICLONE = 0x40049409  # of ioctl: share a file's content, copied when either is written

_Item = TypeVar("_Item")


class ChannelCache:
    """Channels that have been fetched, by content, below one folder."""

    def __init__(self, root: Path, objects: Objects) -> None:
        self._root = root
        self._objects = objects
        self._manifests = Manifests(root, objects)
        self._guard = threading.Lock()
        self._fetching: dict[str, threading.Lock] = {}

    def fetch(self, source: S3DataSource, shard: tuple[int, int] = (0, 1)) -> Path:
        """The folder with a source's files, which nobody may write to; fetched now if it is not there yet. Raises RunError.

        With a `shard` (which, of how many) only with those, which may be none: every n-th object in the order of the keys.
        """
        return self.stage(in_epoch(self.list(source).files, None, 0, shard))

    def list(self, source: S3DataSource) -> Listing:
        """What a source consists of; raises RunError."""
        try:
            listing = self._list(source)
        except (NoSuchBucket, ObjectsUnavailable) as error:
            raise failed(f"{type(error).__name__}: {error}") from error
        if not listing.items:
            raise failed(f"No objects found under {source.s3_uri}.")
        _check_names([file.name for file in listing.files])
        return listing

    def stage(self, files: Sequence[Listed]) -> Path:
        """The folder with some files, which may be none; fetched now if it is not there yet. Raises RunError."""
        files = sorted(files, key=lambda file: file.name)
        digest = hashlib.sha256(json.dumps([[file.name, file.size, file.etag] for file in files]).encode()).hexdigest()
        with self._guard:
            lock = self._fetching.setdefault(digest, threading.Lock())
        with lock:
            folder = self._root / digest
            if not _untouched(folder):
                if folder.exists():  # somebody has changed it; runs may still read it, so it goes at the next start
                    folder.rename(folder.with_name(f".{digest}.{uuid.uuid4().hex}"))
                self._download(files, folder)
            return folder / "data"

    def missing(self, channel: str, source: S3DataSource, role: str, region: str) -> str | None:
        """Why a channel has no data, in AWS's words where it has any; None if there is some."""
        kind = source.s3_data_type
        if kind not in _KINDS:
            return (
                f"The channel {channel!r} has the S3DataType {kind}, which is not emulated; it must be one of "
                f"{', '.join(_KINDS)}."
            )
        bucket = source.s3_uri.removeprefix("s3://").split("/")[0]
        with suppress(ValueError, NoSuchBucket):
            bucket, prefix = parse_s3(source.s3_uri)
            objects = [listed for listed in self._objects.list(bucket, prefix) if not is_marker(listed)]
            if kind in _MANIFESTS and any(listed.key == prefix for listed in objects):
                return self._broken_manifest(source)
            if kind not in _MANIFESTS and objects:
                return None
        return (
            f'No S3 objects found under S3 URL "{source.s3_uri}" given in input data source. Please ensure that the bucket exists '
            f'in the selected region ({region}), that objects exist under that S3 prefix, and that the role "{role}" has '
            f'"s3:ListBucket" permissions on bucket "{bucket}".'
        )

    def _broken_manifest(self, source: S3DataSource) -> str | None:
        """Why a manifest that is there cannot be used; None if it can."""
        uri = source.s3_uri
        try:
            return None if self._list(source).items else f"The manifest {uri} names no object."
        except RunError as error:
            return reason_of(error)
        except (NoSuchBucket, ObjectsUnavailable) as error:
            return f"The manifest {uri} leads to a bucket that cannot be read: {error}"

    def _list(self, source: S3DataSource) -> Listing:
        if source.s3_data_type == "S3Prefix":
            return Listing.of(sorted(self._below(source.s3_uri), key=lambda file: file.name))
        if source.s3_data_type == "ManifestFile":
            return Listing.of(list(self._manifests.plain(source.s3_uri)))
        if source.s3_data_type == "AugmentedManifestFile":
            return self._manifests.augmented(source.s3_uri, source.attribute_names)
        raise failed(f"S3DataType {source.s3_data_type} is not emulated.")

    def _below(self, uri: str) -> Sequence[Listed]:
        bucket, prefix = parse_s3(uri)
        cut = prefix.rfind("/") + 1
        objects = [listed for listed in self._objects.list(bucket, prefix) if not is_marker(listed)]
        if any(listed.key == prefix for listed in objects):
            objects = [listed for listed in objects if listed.key == prefix]  # the prefix is an object's whole key
        elif prefix and not prefix.endswith("/") and any(listed.key.startswith(prefix + "/") for listed in objects):
            cut = len(prefix) + 1
            objects = [listed for listed in objects if listed.key.startswith(prefix + "/")]
        return [listed_file(bucket, listed, listed.key[cut:]) for listed in objects]

    def _download(self, files: Sequence[Listed], folder: Path) -> None:
        temporary = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
        try:
            (temporary / "data").mkdir(parents=True)
            for file in files:
                target = temporary / "data" / file.name
                target.parent.mkdir(parents=True, exist_ok=True)
                self._objects.download(file.bucket, file.key, target)
            facts = {file.name: _size_and_time(temporary / "data" / file.name) for file in files}
            (temporary / "index.json").write_text(json.dumps(facts))
            temporary.rename(folder)
        except (NoSuchBucket, NoSuchKey, ObjectsUnavailable, OSError) as error:
            if isinstance(error, OSError) and is_passing(error):
                raise
            raise failed(f"{type(error).__name__}: {error}") from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def in_epoch(items: Sequence[_Item], seed: int | None, epoch: int, shard: tuple[int, int]) -> Sequence[_Item]:
    """What a host reads of a channel in an epoch: every n-th item, shuffled before by a seed if there is one.

    `shard` is which part of how many; those of all hosts are the whole in every epoch.
    """
    ordered = list(items)
    if seed is not None:
        random.Random(f"{seed}/{epoch}").shuffle(ordered)  # noqa: S311 - an order of data
    return ordered[shard[0] :: shard[1]]


def copy_channel(staged: Path, target: Path) -> None:
    """Give a run a folder of its own with the content of another: clones of its files, or copies."""
    target.mkdir(parents=True, exist_ok=True)
    for parent, folders, names in os.walk(staged, onerror=_raise):  # else a folder that cannot be read would be left out
        here = target / Path(parent).relative_to(staged)
        for name in folders:
            (here / name).mkdir(exist_ok=True)
        for name in names:
            _clone(Path(parent) / name, here / name)


def _raise(error: OSError) -> None:
    raise error


def _clone(source: Path, target: Path) -> None:
    try:
        with source.open("rb") as reading, target.open("wb") as writing:
            fcntl.ioctl(writing.fileno(), _FICLONE, reading.fileno())
    except OSError:
        shutil.copyfile(source, target)


def _size_and_time(path: Path) -> list[int]:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]


def _untouched(folder: Path) -> bool:
    """Whether a staged channel is there and nobody changed its files."""
    try:
        facts: Mapping[str, list[int]] = json.loads((folder / "index.json").read_text())
        return all(_size_and_time(folder / "data" / name) == known for name, known in facts.items())
    except (OSError, ValueError):
        return False


def _check_names(names: Sequence[str]) -> None:
    """Refuse keys that are no safe path, or that cannot be files side by side; raises RunError."""
    files = set(names)
    for name in names:
        parts = name.split("/")
        if any(part in {"", ".", ".."} or "\0" in part or len(part.encode()) > _LONGEST_PART for part in parts):
            raise failed(f"The key {name!r} cannot be a path below the channel's folder.")
        for depth in range(1, len(parts)):
            if "/".join(parts[:depth]) in files:
                raise failed(f"The key {'/'.join(parts[:depth])!r} would have to be both a file and a folder.")
