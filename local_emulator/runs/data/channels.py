"""Input data: each channel is fetched from S3 once per content, and no run can change what another reads.

Where a run has its own mounts, the one copy lies below all of them (`runs.mounts`); else each run gets clones of the files if the file
system can share their content, or copies.
"""

import fcntl
import hashlib
import json
import os
import shutil
import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local_emulator.domain.errors import RunError
from local_emulator.domain.objects import NoSuchBucket, NoSuchKey, ObjectInfo, Objects, ObjectsUnavailable, parse_s3
from local_emulator.domain.spec import Channel, S3DataSource

_LONGEST_PART = 255
_KINDS = ("S3Prefix", "ManifestFile")
_FICLONE = 0x40049409  # of ioctl: share a file's content, copied when either is written


@dataclass(frozen=True, kw_only=True)
class _File:
    """One object of a channel and its name below the channel's folder."""

    name: str
    bucket: str
    key: str
    size: int
    etag: str


def _is_marker(listed: ObjectInfo) -> bool:
    """Whether an object only shows a folder in consoles, and is no data."""
    return listed.size == 0 and listed.key.endswith("/")


def failed(reason: str) -> RunError:
    """The FailureReason of a channel that cannot be fetched."""
    return RunError(f"ClientError: Data download failed:{reason}")


class ChannelCache:
    """Channels that have been fetched, by content, below one folder."""

    def __init__(self, root: Path, objects: Objects) -> None:
        self._root = root
        self._objects = objects
        self._guard = threading.Lock()
        self._fetching: dict[str, threading.Lock] = {}

    def fetch(self, source: S3DataSource, shard: tuple[int, int] = (0, 1)) -> Path:
        """The folder with a source's files, which nobody may write to; fetched now if it is not there yet. Raises RunError.

        With a `shard` (which, of how many) only with those, which may be none: every n-th object in the order of the keys.
        """
        try:
            files = self._list(source)[shard[0] :: shard[1]]
        except (NoSuchBucket, ObjectsUnavailable) as error:
            raise failed(f"{type(error).__name__}: {error}") from error
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

    def missing(self, channel: Channel, role: str, region: str) -> str | None:
        """Why a channel has no data, in AWS's words where it has any; None if there is some."""
        source, kind = channel.source, channel.source.s3_data_type
        if kind not in _KINDS:
            return (
                f"The channel {channel.channel_name!r} has the S3DataType {kind}, which is not emulated; it must be one of "
                f"{', '.join(_KINDS)}."
            )
        try:
            bucket, prefix = parse_s3(source.s3_uri)
            objects = [listed for listed in self._objects.list(bucket, prefix) if not _is_marker(listed)]
            if kind == "ManifestFile" and any(listed.key == prefix for listed in objects):
                return self._broken_manifest(source.s3_uri)
            if kind != "ManifestFile" and objects:
                return None
        except (ValueError, NoSuchBucket):
            bucket = source.s3_uri.removeprefix("s3://").split("/")[0]
        return (
            f'No S3 objects found under S3 URL "{source.s3_uri}" given in input data source. Please ensure that the bucket exists '
            f'in the selected region ({region}), that objects exist under that S3 prefix, and that the role "{role}" has '
            f'"s3:ListBucket" permissions on bucket "{bucket}".'
        )

    def _broken_manifest(self, uri: str) -> str | None:
        """Why a manifest that is there cannot be used; None if it can."""
        try:
            return None if list(self._manifest(uri)) else f"The manifest {uri} names no object."
        except RunError as error:
            return str(error).removeprefix(str(failed("")))
        except (NoSuchBucket, ObjectsUnavailable) as error:
            return f"The manifest {uri} leads to a bucket that cannot be read: {error}"

    def _list(self, source: S3DataSource) -> Sequence[_File]:
        kind = source.s3_data_type
        if kind == "S3Prefix":
            files = list(self._below(source.s3_uri))
        elif kind == "ManifestFile":
            files = list(self._manifest(source.s3_uri))
        else:
            raise failed(f"S3DataType {kind} is not emulated.")
        if not files:
            raise failed(f"No objects found under {source.s3_uri}.")
        _check_names([file.name for file in files])
        return sorted(files, key=lambda file: file.name)

    def _below(self, uri: str) -> Iterable[_File]:
        bucket, prefix = parse_s3(uri)
        cut = prefix.rfind("/") + 1
        objects = [listed for listed in self._objects.list(bucket, prefix) if not _is_marker(listed)]
        if any(listed.key == prefix for listed in objects):
            objects = [listed for listed in objects if listed.key == prefix]  # the prefix is an object's whole key
        elif prefix and not prefix.endswith("/") and any(listed.key.startswith(prefix + "/") for listed in objects):
            cut = len(prefix) + 1
            objects = [listed for listed in objects if listed.key.startswith(prefix + "/")]
        return [_file(bucket, listed, listed.key[cut:]) for listed in objects]

    def _manifest(self, uri: str) -> Iterable[_File]:
        bucket, key = parse_s3(uri)
        temporary = self._root / f".manifest-{uuid.uuid4().hex}"
        self._root.mkdir(parents=True, exist_ok=True)
        try:
            self._objects.download(bucket, key, temporary)
            rows = json.loads(temporary.read_bytes())
            first, names = rows[0]["prefix"], rows[1:]
            target, prefix = parse_s3(first)
            for name in names:
                matches = [listed for listed in self._objects.list(target, prefix + name) if listed.key == prefix + name]
                if not matches:
                    raise failed(f"The manifest {uri} names {first}{name}, which does not exist.")
                yield _file(target, matches[0], name)
        except NoSuchKey as error:
            raise failed(f"The manifest {uri} does not exist.") from error
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise failed(f'The manifest {uri} must be a JSON list of {{"prefix": "s3://…"}} and names below it.') from error
        finally:
            temporary.unlink(missing_ok=True)

    def _download(self, files: Sequence[_File], folder: Path) -> None:
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
            raise failed(f"{type(error).__name__}: {error}") from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def copy_channel(staged: Path, target: Path) -> None:
    """Give a run a folder of its own with the content of another: clones of its files, or copies."""
    target.mkdir(parents=True, exist_ok=True)
    for parent, folders, names in os.walk(staged):
        here = target / Path(parent).relative_to(staged)
        for name in folders:
            (here / name).mkdir(exist_ok=True)
        for name in names:
            _clone(Path(parent) / name, here / name)


def _clone(source: Path, target: Path) -> None:
    try:
        with source.open("rb") as reading, target.open("wb") as writing:
            fcntl.ioctl(writing.fileno(), _FICLONE, reading.fileno())
    except OSError:
        shutil.copyfile(source, target)


def _file(bucket: str, listed: ObjectInfo, name: str) -> _File:
    return _File(name=name or listed.key.rsplit("/", 1)[-1], bucket=bucket, key=listed.key, size=listed.size, etag=listed.etag)


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
