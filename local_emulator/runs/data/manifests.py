"""What a channel consists of: its objects, and what one pass over it brings a program that reads it from a FIFO."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_emulator.domain.errors import RunError
from local_emulator.domain.objects import NoSuchKey, ObjectInfo, Objects, parse_s3

_REFERENCE = "-ref"  # end of the names of attributes whose value is an object's URI

Item = tuple[Mapping[str, str], ...]
"""What belongs together in a channel: an object, or the attributes of a line of an augmented manifest.

Each part is `{"file": NAME}`, the content of one of the channel's files, or `{"text": TEXT}`.
"""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One object of a channel and its name below the channel's folder."""

    name: str
    bucket: str
    key: str
    size: int
    etag: str


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The objects of a channel, and its items in their order."""

    files: Sequence[Listed]
    items: Sequence[Item]

    @classmethod
    def of(cls, files: Sequence[Listed]) -> "Listing":
        """Of a channel whose items are its objects."""
        return cls(files=files, items=[({"file": file.name},) for file in files])


def failed(reason: str) -> RunError:
    """The FailureReason of a channel that cannot be fetched."""
    return RunError(f"ClientError: Data download failed:{reason}")


def reason_of(error: RunError) -> str:
    """The reason that `failed` was given."""
    return str(error).removeprefix(str(failed("")))


def not_downloaded(error: RunError) -> RunError:
    """A failure of `failed`, as processing and transform jobs tell it."""
    return RunError(f"ClientError: Failed to download data. {reason_of(error)}")


def is_marker(listed: ObjectInfo) -> bool:
    """Whether an object only shows a folder in consoles, and is no data."""
    return listed.size == 0 and listed.key.endswith("/")


def listed_file(bucket: str, listed: ObjectInfo, name: str) -> Listed:
    """An object with its name below the channel's folder; its own if that is empty."""
    return Listed(name=name or listed.key.rsplit("/", 1)[-1], bucket=bucket, key=listed.key, size=listed.size, etag=listed.etag)


class _Lookup:
    """Finds objects by their keys, with one request for all below a folder."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._folders: dict[tuple[str, str], Mapping[str, ObjectInfo]] = {}

    def find(self, uri: str, bucket: str, key: str, name: str) -> Listed:
        """An object that the manifest at `uri` names; raises RunError."""
        folder = key[: key.rfind("/") + 1]
        if (bucket, folder) not in self._folders:
            self._folders[bucket, folder] = {listed.key: listed for listed in self._objects.list(bucket, folder)}
        listed = self._folders[bucket, folder].get(key)
        if listed is None:
            raise failed(f"The manifest {uri} names s3://{bucket}/{key}, which does not exist.")
        return listed_file(bucket, listed, name)


class Manifests:
    """Reads manifests, which it keeps in a folder meanwhile."""

    def __init__(self, folder: Path, objects: Objects) -> None:
        self._folder = folder
        self._objects = objects

    def plain(self, uri: str) -> Iterator[Listed]:
        """The objects of a manifest, a JSON list of a prefix and of names below it; raises RunError."""
        try:
            with self._content(uri) as manifest:
                rows = json.loads(manifest.read_bytes())
            first, names = rows[0]["prefix"], rows[1:]
            target, prefix = parse_s3(first)
            lookup = _Lookup(self._objects)
            for name in names:
                yield lookup.find(uri, target, prefix + name, name)
        except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
            raise failed(f'The manifest {uri} must be a JSON list of {{"prefix": "s3://…"}} and names below it.') from error

    def augmented(self, uri: str, attributes: Sequence[str]) -> Listing:
        """The attributes of an augmented manifest, JSON objects line by line; raises RunError.

        The value of an attribute is an object's content if its name ends in `-ref`, else a text as it is, or JSON.
        """
        lookup, files = _Lookup(self._objects), dict[str, Listed]()
        items: list[Item] = []
        with self._content(uri) as manifest, manifest.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    values = _values(uri, number, line, attributes)
                    items.append(tuple(_part(uri, name, value, files, lookup) for name, value in values.items()))
        return Listing(files=list(files.values()), items=items)

    @contextmanager
    def _content(self, uri: str) -> Iterator[Path]:
        bucket, key = parse_s3(uri)
        temporary = self._folder / f".manifest-{uuid.uuid4().hex}"
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._objects.download(bucket, key, temporary)
            yield temporary
        except NoSuchKey as error:
            raise failed(f"The manifest {uri} does not exist.") from error
        finally:
            temporary.unlink(missing_ok=True)


def _values(uri: str, number: int, line: bytes, attributes: Sequence[str]) -> Mapping[str, Any]:
    try:
        values = json.loads(line)
        return {name: values[name] for name in attributes}
    except KeyError as error:
        raise failed(f"Line {number} of the manifest {uri} has no attribute {error}.") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise failed(f"Line {number} of the manifest {uri} must be a JSON object.") from error


def _part(uri: str, attribute: str, value: Any, files: dict[str, Listed], lookup: _Lookup) -> Mapping[str, str]:  # noqa: ANN401 - JSON
    if not attribute.endswith(_REFERENCE):
        return {"text": value if isinstance(value, str) else json.dumps(value)}
    try:
        target, key = parse_s3(value)
    except (ValueError, AttributeError, TypeError) as error:
        raise failed(f"The manifest {uri} has {value!r} as {attribute}, which must be an S3 URI.") from error
    if value not in files:
        files[value] = lookup.find(uri, target, key, str(len(files)))
    return {"file": files[value].name}
