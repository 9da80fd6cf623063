"""Archives in and out. What comes in is hostile until shown otherwise; what goes out holds only what lies in its folder.

CPython's tarfile before 3.11.14 can be made to loop for ever by one header, so archives are never read in the server's own process:
`extract_safely` does it in a child that can be killed.
"""

import errno
import gzip
import os
import shutil
import subprocess
import sys
import tarfile
import time
import unicodedata
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from local_emulator.domain.errors import RunError

_CHUNK = 1 << 20
_LONGEST_PART = 255
_LONGEST_NAME = 4096
_LEVEL = 1  # on trained models 1 is 4 to 8 times as fast as 6 and within a few per cent of its size
_TOO_LONG = 124
_MIB = 1 << 20


class ArchiveError(RunError):
    """An archive that cannot be made, or must not be unpacked."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much an archive may bring; sizes in bytes, times in seconds."""

    compressed: int = 2 << 30
    total: int = 8 << 30
    file: int = 4 << 30
    members: int = 50_000
    ratio: int = 200  # counts above 64 MiB only: small archives of zeros are harmless
    seconds: float = 120.0
    free: int = 1 << 30


# --- out ------------------------------------------------------------------------------------------------------------------


def pack(folder: Path, target: Path) -> bool:
    """Put the files of a folder at the root of a gzipped tar archive; False if there are none.

    The target appears whole or not at all. Links are followed where they stay inside the folder and left out where they leave it.
    """
    files = list(_files(folder))
    if not files:
        return False
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        with (
            temporary.open("wb") as raw,
            gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=_LEVEL, mtime=0, filename="") as zipped,
            tarfile.open(fileobj=zipped, mode="w|", format=tarfile.PAX_FORMAT) as tar,
        ):
            for name, path in files:
                _add(tar, name, path)
        temporary.replace(target)
    except (OSError, ValueError, tarfile.TarError) as error:
        temporary.unlink(missing_ok=True)
        raise ArchiveError(f"{target.name} cannot be made: {error}") from error
    return True


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    root = folder.resolve()
    for parent, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(parent) / name
            real = path.resolve()
            if real.is_file() and real.is_relative_to(root):
                yield str(path.relative_to(root)), real


def _add(tar: tarfile.TarFile, name: str, path: Path) -> None:
    with path.open("rb") as file:
        facts = os.fstat(file.fileno())
        member = tarfile.TarInfo(name)
        member.size = facts.st_size
        member.mode = 0o755 if facts.st_mode & 0o100 else 0o644
        tar.addfile(member, file)


# --- in -------------------------------------------------------------------------------------------------------------------


def extract_safely(source: Path, target: Path, limits: Limits | None = None) -> None:
    """Unpack an archive into a new folder, in a child process; raises ArchiveError, and then the folder is not there."""
    limits = limits or Limits()
    command = [sys.executable, "-m", "local_emulator.runs.archive", str(source), str(target)]
    environment = {"PATH": os.defpath, "PYTHONPATH": str(Path(__file__).parents[2])}
    try:
        done = subprocess.run(  # noqa: S603 - ourselves
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=limits.seconds,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise ArchiveError(f"the archive took more than {limits.seconds:g} seconds to unpack") from error
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise ArchiveError(said[-1] if said else "the archive cannot be unpacked")


def extract(source: Path, target: Path, limits: Limits | None = None) -> None:
    """Unpack an archive (tar, gzipped or not) into a new folder, which appears whole or not at all; raises ArchiveError."""
    limits = limits or Limits()
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    temporary.mkdir(parents=True, mode=0o700)
    try:
        if source.stat().st_size > limits.compressed:
            raise ArchiveError(f"the archive is larger than {limits.compressed:,} bytes")
        with source.open("rb") as raw:
            _unpack(raw, temporary, limits, source.stat().st_size)
        temporary.rename(target)
    except (OSError, EOFError, ValueError, tarfile.TarError, zlib.error) as error:
        raise ArchiveError(_why(error)) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "No space left on device while unpacking the archive"
    return f"the archive is broken or no tar archive: {error}"


def _unpack(raw: BinaryIO, folder: Path, limits: Limits, compressed: int) -> None:
    zipped = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    content: IO[bytes] = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if zipped else raw
    began = time.monotonic()
    seen: set[str] = set()
    total = 0
    with tarfile.open(fileobj=content, mode="r|") as tar:
        for count, member in enumerate(tar):
            if count >= limits.members:
                raise ArchiveError(f"the archive has more than {limits.members:,} members")
            name = _checked(member, seen)
            total += member.size
            if member.size > limits.file or total > limits.total:
                raise ArchiveError(f"{member.name!r} makes the archive larger than {limits.total:,} bytes when unpacked")
            if total > 64 * _MIB and total > limits.ratio * compressed:
                raise ArchiveError(f"the archive is packed more than {limits.ratio} to 1, which no honest one is")
            if time.monotonic() - began > limits.seconds:
                raise ArchiveError(f"the archive took more than {limits.seconds:g} seconds to unpack")
            if name:
                _write(tar, member, folder, name, limits)
    while content.read(_CHUNK):  # what follows the end mark, and the check sum after it
        if content.tell() > limits.total:
            raise ArchiveError(f"the archive is larger than {limits.total:,} bytes when unpacked")
    if not seen:
        raise ArchiveError("the archive is empty")


def _checked(member: tarfile.TarInfo, seen: set[str]) -> str:
    """The member's name, normalised; empty for the archive's own root folder."""
    said = repr(member.name[:200])
    if not (member.isreg() or member.isdir()) or member.issparse():
        kind = "a link" if member.issym() or member.islnk() else "neither a file nor a folder"
        raise ArchiveError(f"{said} is {kind}; an archive may hold files and folders only")
    parts = [part for part in member.name.split("/") if part != "."]
    if member.isdir() and not "".join(parts):
        seen.add("")
        return ""
    if parts and not parts[-1]:
        parts.pop()
    if member.name.startswith("/") or not parts or not all(parts):
        raise ArchiveError(f"{said} is an absolute or empty name")
    name = "/".join(parts)
    if ".." in parts or "\0" in name or "\\" in name or (len(parts[0]) > 1 and parts[0][1] == ":"):
        raise ArchiveError(f"{said} leads out of the folder")
    raw = name.encode("utf-8", "surrogateescape")
    if len(raw) > _LONGEST_NAME or any(len(part.encode("utf-8", "surrogateescape")) > _LONGEST_PART for part in parts):
        raise ArchiveError(f"{said} is too long a name")
    folded = unicodedata.normalize("NFC", name).casefold()
    if folded in seen and not member.isdir():
        raise ArchiveError(f"{said} is there twice (names that differ in case only count as the same)")
    seen.add(folded)
    return name


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, name: str, limits: Limits) -> None:
    path = folder / name
    if member.isdir():
        path.mkdir(parents=True, exist_ok=True, mode=0o755)
        return
    space = os.statvfs(folder)
    if space.f_bavail * space.f_frsize < limits.free + member.size:
        raise ArchiveError(f"No space left on device: unpacking {name!r} would leave less than {limits.free:,} bytes free")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    content = tar.extractfile(member)
    mode = 0o755 if member.mode & 0o100 else 0o644
    # The folder is new and only files and folders are made in it, so no part of the path can be a link.
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(target, "wb") as file:
        if content is not None:
            shutil.copyfileobj(content, file, _CHUNK)
        if file.tell() != member.size:
            raise ArchiveError(f"the archive ends in the middle of {name!r}")


def main() -> int:
    """`python -m local_emulator.runs.archive SOURCE TARGET`."""
    try:
        extract(Path(sys.argv[1]), Path(sys.argv[2]))
    except ArchiveError as error:
        print(error, file=sys.stderr)  # noqa: T201 - read by `extract_safely`
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
