"""Unpacks archives, which may be hostile.

CPython's tarfile before 3.11.14 can be made to loop for ever by one header, and a header may claim gigabytes of memory, so archives
are never read in the server's own process: `extract_safely` does it in a child that has limits and can be killed.
"""

import errno
import gzip
import os
import posixpath
import resource
import shutil
import subprocess
import sys
import tarfile
import time
import unicodedata
import uuid
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from local_emulator.domain.errors import RunError
from local_emulator.runs.data.links import leads_to_itself

_CHUNK = 1 << 20
_LONGEST_PART = 255
_LONGEST_NAME = 4096
_DEEPEST = 100  # folders in one another
_MIB = 1 << 20
_MEMORY = 1 << 30  # address space of the child, in bytes


class ArchiveError(RunError):
    """An archive that cannot be made, or must not be unpacked."""


class DiskFullError(ArchiveError):
    """The disk is too full to unpack an archive; that may pass."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much an archive may bring; sizes in bytes, times in seconds. Members are files, links and folders, named or implied."""

    compressed: int = 2 << 30
    total: int = 8 << 30
    file: int = 4 << 30
    members: int = 50_000
    folders: int = 10_000
    ratio: int = 200  # counts above 64 MiB only: small archives of zeros are harmless
    seconds: float = 120.0
    free: int = 1 << 30


def extract_safely(source: Path, target: Path, seconds: float = Limits.seconds) -> None:
    """Unpack an archive into a new folder, in a child process; raises ArchiveError, and then nothing of it is left.

    The child holds to the usual `Limits`, and is killed after some `seconds`.
    """
    temporary = _beside(target)
    command = [sys.executable, "-P", "-m", "local_emulator.runs.data.archive", str(source), str(target), str(temporary)]
    environment = {"PATH": os.defpath, "PYTHONPATH": str(Path(__file__).parents[3])}
    try:
        done = subprocess.run(  # noqa: S603 - ourselves
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        shutil.rmtree(target, ignore_errors=True)  # a child that was done, but had not ended
        raise ArchiveError(f"the archive took more than {seconds:g} seconds to unpack") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)  # a child that was killed has left it
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        kind = DiskFullError if done.returncode == errno.ENOSPC else ArchiveError
        raise kind(lines[-1] if lines else "the archive cannot be unpacked")


def extract(source: Path, target: Path, limits: Limits | None = None, temporary: Path | None = None) -> None:
    """Unpack an archive (tar, gzipped or not) into a new folder, which appears whole or not at all; raises ArchiveError.

    Links that stay inside the folder are made, hard ones as copies; any other is refused. `temporary` is where the folder grows.
    """
    limits = limits or Limits()
    temporary = temporary or _beside(target)
    temporary.mkdir(parents=True, mode=0o700)
    try:
        size = source.stat().st_size
        if size > limits.compressed:
            raise ArchiveError(f"the archive is larger than {limits.compressed:,} bytes")
        with source.open("rb") as raw:
            _Unpacking(temporary, limits, size).unpack(raw)
        temporary.rename(target)
    except (OSError, EOFError, ValueError, OverflowError, MemoryError, tarfile.TarError, zlib.error) as error:
        kind = DiskFullError if isinstance(error, OSError) and error.errno == errno.ENOSPC else ArchiveError
        raise kind(_why(error)) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.{uuid.uuid4().hex}")


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "No space left on device while unpacking the archive"
    if isinstance(error, MemoryError):
        return "unpacking the archive takes too much memory"
    return f"the archive is broken or no tar archive: {error}"


class _Unpacking:
    """One archive on its way into a new folder. Symbolic links are made last, so that nothing is written through one."""

    def __init__(self, folder: Path, limits: Limits, compressed: int) -> None:
        self.folder = folder
        self.limits = limits
        self.compressed = compressed
        self.began = time.monotonic()
        self.seen: dict[str, bool] = {}  # by folded name: whether it is a folder
        self.links: dict[str, str] = {}
        self.total = self.folders = 0

    def unpack(self, raw: BinaryIO) -> None:
        zipped = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        content: IO[bytes] = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if zipped else raw
        with tarfile.open(fileobj=content, mode="r|") as tar:
            for count, member in enumerate(tar):
                if count >= self.limits.members:
                    raise ArchiveError(f"the archive has more than {self.limits.members:,} members")
                self._check_kind(member)
                self._add(tar, member)
        while content.read(_CHUNK):  # what follows the end mark, and the check sum after it
            if content.tell() > self.limits.total:
                raise ArchiveError(f"the archive is larger than {self.limits.total:,} bytes when unpacked")
        if not self.seen:
            raise ArchiveError("the archive is empty")
        self._make_links()

    def _add(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        name = _name(member)
        self._grow(member.size, name)
        if not name:
            self.seen[""] = True
            return
        self._note(name, folder=member.isdir())
        path = self.folder / name
        if member.isdir():
            path.mkdir(parents=True, exist_ok=True, mode=0o755)
            return
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
        if member.issym():
            self.links[name] = member.linkname
        elif member.islnk():
            self._copy(member, path)
        else:
            self._write(path, member, tar.extractfile(member))

    @staticmethod
    def _check_kind(member: tarfile.TarInfo) -> None:
        if not (member.isreg() or member.isdir() or member.issym() or member.islnk()) or member.issparse():
            raise ArchiveError(f"{member.name[:200]!r} is neither a file nor a folder nor a link")

    def _grow(self, size: int, name: str) -> None:
        """Count bytes that are about to be written."""
        limits = self.limits
        self.total += size
        if size > limits.file or self.total > limits.total:
            raise ArchiveError(f"{name!r} makes the archive larger than {limits.total:,} bytes when unpacked")
        if self.total > 64 * _MIB and self.total > limits.ratio * self.compressed:
            raise ArchiveError(f"the archive is packed more than {limits.ratio} to 1, which no honest one is")
        if time.monotonic() - self.began > limits.seconds:
            raise ArchiveError(f"the archive took more than {limits.seconds:g} seconds to unpack")

    def _note(self, name: str, *, folder: bool) -> None:
        """Count a member and the folders that its name implies; each name once, whatever its case."""
        folded = unicodedata.normalize("NFC", name).casefold()
        if folded in self.seen and not (folder and self.seen[folded]):
            raise ArchiveError(f"{name[:200]!r} is there twice (names that differ in case only count as the same)")
        self.folders += folder and folded not in self.seen
        self.seen[folded] = folder
        parent = posixpath.dirname(folded)
        while parent and parent not in self.seen:
            self.folders += 1
            self.seen[parent] = True
            parent = posixpath.dirname(parent)
        if parent and not self.seen[parent]:
            raise ArchiveError(f"{name[:200]!r} lies below {parent[:200]!r}, which is a file or a link")
        if len(self.seen) > self.limits.members:
            raise ArchiveError(f"the archive has more than {self.limits.members:,} members, counting folders")
        if self.folders > self.limits.folders:
            raise ArchiveError(f"the archive has more than {self.limits.folders:,} folders")

    def _copy(self, member: tarfile.TarInfo, path: Path) -> None:
        """A hard link: the file that it names must be there already, as tar writes them."""
        source = self.folder / _inner(member, member.linkname)
        try:
            descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise ArchiveError(
                f"{member.name[:200]!r} is a link to {member.linkname[:200]!r}, which is no file before it"
            ) from error
        with os.fdopen(descriptor, "rb") as file:
            facts = os.fstat(descriptor)
            member.size, member.mode = facts.st_size, facts.st_mode
            self._grow(member.size, member.name[:200])
            self._write(path, member, file)

    def _write(self, path: Path, member: tarfile.TarInfo, content: IO[bytes] | None) -> None:
        space = os.statvfs(self.folder)
        if space.f_bavail * space.f_frsize < self.limits.free + member.size:
            raise DiskFullError(
                f"No space left on device: unpacking {member.name!r} would leave less than {self.limits.free:,} bytes free"
            )
        mode = 0o755 if member.mode & 0o100 else 0o644
        # The folder is new and holds only files and folders so far, so no part of the path can be a link.
        target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        with os.fdopen(target, "wb") as file:
            if content is not None:
                shutil.copyfileobj(content, file, _CHUNK)
            if file.tell() != member.size:
                raise ArchiveError(f"the archive ends in the middle of {member.name!r}")

    def _make_links(self) -> None:
        """Make the symbolic links, then see where each really leads: through others it may lead elsewhere than it reads."""
        for name, to in self.links.items():
            (self.folder / name).symlink_to(to)
        root = self.folder.resolve()
        for name, to in self.links.items():
            said = f"{name[:200]!r} is a link to {to[:200]!r}"
            if leads_to_itself(self.folder / name):
                raise ArchiveError(f"{said}, which leads to itself")
            if not (self.folder / name).resolve().is_relative_to(root):
                raise ArchiveError(f"{said}, which leads out of the folder")


def _name(member: tarfile.TarInfo) -> str:
    """The member's name, normalised; empty for the archive's own root folder."""
    said = repr(member.name[:200])
    parts = [part for part in member.name.split("/") if part != "."]
    if member.isdir() and not "".join(parts) and not member.name.startswith("/"):
        return ""
    if parts and not parts[-1]:
        parts.pop()
    if member.name.startswith("/") or not parts or not all(parts):
        raise ArchiveError(f"{said} is an absolute or empty name")
    name = "/".join(parts)
    if ".." in parts or "\0" in name or "\\" in name or (len(parts[0]) > 1 and parts[0][1] == ":"):
        raise ArchiveError(f"{said} leads out of the folder")
    lengths = [len(part.encode("utf-8", "surrogateescape")) for part in parts]
    if max(lengths) > _LONGEST_PART or sum(lengths) + len(lengths) > _LONGEST_NAME or len(parts) > _DEEPEST:
        raise ArchiveError(f"{said} is too long or too deep a name")
    if member.issym():
        _inner(member, posixpath.join(posixpath.dirname(name), member.linkname))
    return name


def _inner(member: tarfile.TarInfo, path: str) -> str:
    """What a link of the archive names, as a path inside the folder; refused if it reads as one outside."""
    to = member.linkname
    if not to or to.startswith("/") or "\0" in to or "\\" in to or len(to) > _LONGEST_NAME:
        raise ArchiveError(f"{member.name[:200]!r} is a link to {to[:200]!r}, which is no relative path")
    inside = posixpath.normpath(path)
    if inside.split("/")[0] == "..":
        raise ArchiveError(f"{member.name[:200]!r} is a link to {to[:200]!r}, which leads out of the folder")
    return inside


def main() -> int:
    """`python -m local_emulator.runs.data.archive SOURCE TARGET TEMPORARY`."""
    limits = Limits()
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.file, limits.file))
    source, target, temporary = map(Path, sys.argv[1:])
    try:
        extract(source, target, limits, temporary)
    except ArchiveError as error:
        print(error, file=sys.stderr)  # noqa: T201 - read by `extract_safely`
        return errno.ENOSPC if isinstance(error, DiskFullError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
