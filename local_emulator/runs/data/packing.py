"""Packs a run's results into archives, whole or not at all."""

import gzip
import os
import tarfile
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from local_emulator.runs.data.archive import ArchiveError
from local_emulator.runs.data.output_files import OutputError, OutputFile, merged_files, output_files, shown
from local_emulator.runs.folder import RunFolder
from local_emulator.runs.host_folder import HostFolder

_LEVEL = 1  # on trained models 1 is 4 to 8 times as fast as 6 and within a few per cent of its size
_FEW, _SMALL = 100, 1 << 20  # files, bytes
_SHOWN = 3  # paths of what is left out


@dataclass(frozen=True)
class Notes:
    """What is to be said of files: the paths of those left out, and of those that several hosts have left."""

    omitted: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)


def pack(folders: Sequence[Path], target: Path, limit: int | None = None, notes: Notes | None = None) -> bool:
    """Put the files of a folder of each host at the root of a gzipped tar archive; False if there are none.

    The target appears whole or not at all. Links are followed where they stay inside the folder and left out where they leave it.

    Args:
        folders: What to pack: of files with the same name the last folder's.
        target: The archive.
        limit: Most bytes that the files may have together; a sparse file counts with its whole size, as it is read and packed.
        notes: Gets what is to be said of the files.

    Raises:
        ArchiveError: The folder is a link, a link in it leads to itself, the files are over the limit, or writing failed.
    """
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        notes = notes or Notes()
        files, repeated = merged_files(folders, notes.omitted)
        notes.repeated.extend(repeated)
        total = sum(file.path.stat().st_size for file in files)
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
            for file in files:
                _add(tar, file)
        temporary.replace(target)
    except OutputError as error:
        raise ArchiveError(str(error)) from error
    except (OSError, ValueError, tarfile.TarError) as error:
        temporary.unlink(missing_ok=True)
        raise ArchiveError(f"{target.name} cannot be made: {error}") from error
    return True


def _add(tar: tarfile.TarFile, left: OutputFile) -> None:
    try:
        with left.path.open("rb") as file:
            facts = os.fstat(file.fileno())
            member = tarfile.TarInfo(left.name)
            member.size = facts.st_size
            member.mode = 0o755 if facts.st_mode & 0o100 else 0o644
            tar.addfile(member, file)
    except PermissionError as error:
        raise ArchiveError(f"{shown(left.name)} cannot be read: {error.strerror}") from error


def has_results(hosts: Sequence[HostFolder], checkpoints: str) -> bool:
    """Whether there may be something to pack, or a reason to refuse it; `checkpoints` is the path of their folder below `ml`."""
    return any(_has_results(host, checkpoints) for host in hosts)


def _has_results(folder: HostFolder, checkpoints: str) -> bool:
    model, output = folder.ml / "model", folder.ml / "output"
    if any(path.is_symlink() or path.is_file() for path in (model, output, output / "data")):
        return True
    try:
        return any(path.is_dir() and any(path.iterdir()) for path in _results(folder, checkpoints))
    except OSError:
        return True


def _results(folder: HostFolder, checkpoints: str) -> Sequence[Path]:
    return folder.ml / "model", folder.ml / "output" / "data", folder.ml / checkpoints


def small(hosts: Sequence[HostFolder], checkpoints: str) -> bool:
    """Whether a run's results are packed in no time."""
    files = size = 0
    for results in [path for host in hosts for path in _results(host, checkpoints)]:
        for parent, folders, names in os.walk(results):
            files += len(folders) + len(names)
            if files > _FEW or any(os.path.islink(os.path.join(parent, name)) for name in names):  # noqa: PTH114, PTH118 - cheaper
                return False
            size += sum(os.lstat(os.path.join(parent, name)).st_size for name in names)  # noqa: PTH118 - see above
    return size <= _SMALL


def pack_results(
    folder: RunFolder, hosts: Sequence[HostFolder], checkpoints: str, limit: int, *, compress: bool
) -> Mapping[str, bool | str]:
    """Pack what all hosts of a run have left as model and output, at most `limit` bytes of each host.

    Which of them there are, or an `error`; what of them and of the checkpoints is `omitted`, which files of several hosts are
    `repeated`. Without `compress` no archives are made: somebody else uploads the files one by one.
    """
    models, outputs, saved = zip(*(_results(host, checkpoints) for host in hosts), strict=True)
    notes = Notes()
    packed: dict[str, bool | str] = {}
    try:
        for name, results, archive in (("model", models, folder.model_archive), ("output", outputs, folder.output_archive)):
            if compress:
                packed[name] = pack(results, archive, limit * len(hosts), notes)
            else:
                notes.repeated.extend(merged_files(results, notes.omitted)[1])
    except ArchiveError as error:
        return {"error": str(error)}
    except (OutputError, OSError):
        return {}  # the upload of the files reports it
    with suppress(OutputError, OSError):
        for checkpoint in saved:
            deque(output_files(checkpoint, notes.omitted), maxlen=0)
    omitted = _note("not uploaded, being neither files nor links to files beside them", notes.omitted)
    repeated = _note("written by several hosts, of which the last one's are uploaded", notes.repeated)
    return {**packed, **({"omitted": omitted} if omitted else {}), **({"repeated": repeated} if repeated else {})}


def _note(sentence: str, paths: Sequence[str]) -> str | None:
    first = ", ".join(shown(path) for path in paths[:_SHOWN])
    more = f" and {len(paths) - _SHOWN:,} more" if len(paths) > _SHOWN else ""
    return f"{sentence}: {first}{more}" if paths else None
