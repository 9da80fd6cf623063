"""What comes out of a run as an archive: the files of a folder, whole or not at all."""

import gzip
import json
import os
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path

from local_emulator.runs.archive import ArchiveError
from local_emulator.runs.folder import RunFolder

_LEVEL = 1  # on trained models 1 is 4 to 8 times as fast as 6 and within a few per cent of its size


def pack(folder: Path, target: Path, limit: int | None = None) -> bool:
    """Put the files of a folder at the root of a gzipped tar archive; False if there are none.

    The target appears whole or not at all. Links are followed where they stay inside the folder and left out where they leave it.

    Args:
        folder: The folder to pack.
        target: The archive.
        limit: Most bytes that the files may have together; a sparse file counts with its whole size, as it is read and packed.

    Raises:
        ArchiveError: The folder is a link, a link in it leads to itself, the files are over the limit, or writing failed.
    """
    if folder.is_symlink():
        raise ArchiveError(f"/opt/ml/{folder.name} was replaced by a link; it must be a folder")
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        files = list(_files(folder))
        total = sum(path.stat().st_size for _, path in files)
        if limit is not None and total > limit:
            raise ArchiveError(
                f"No space left on device: the files of {target.name} have {total:,} bytes, more than the volume of {limit:,}"
            )
        if not files:
            return False
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
            try:
                real = path.resolve()
            except RuntimeError as error:  # what pathlib raises for a loop before Python 3.13
                raise ArchiveError(f"{str(path.relative_to(root))!r} is a link that leads to itself") from error
            if real.is_file() and real.is_relative_to(root):
                yield str(path.relative_to(root)), real


def _add(tar: tarfile.TarFile, name: str, path: Path) -> None:
    with path.open("rb") as file:
        facts = os.fstat(file.fileno())
        member = tarfile.TarInfo(name)
        member.size = facts.st_size
        member.mode = 0o755 if facts.st_mode & 0o100 else 0o644
        tar.addfile(member, file)


def pack_results(folder: RunFolder, limit: int, answering: int) -> None:
    """Pack a run's model and output; what came of it goes to a descriptor in JSON: which of them there are, or an error."""
    try:
        packed: dict[str, bool | str] = {
            "model": pack(folder.ml / "model", folder.model_archive, limit),
            "output": pack(folder.ml / "output" / "data", folder.output_archive, limit),
        }
    except ArchiveError as error:
        packed = {"error": str(error)}
    os.write(answering, json.dumps(packed).encode())
