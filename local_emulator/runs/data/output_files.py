"""The files that a program has left below `/opt/ml`, listed without trusting it: it may have left anything."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from local_emulator.domain.errors import RunError, is_passing
from local_emulator.runs.data.links import leads_to_itself


class OutputError(RunError):
    """What a program has left cannot be taken for its output; the text names the file."""


@dataclass(frozen=True)
class OutputFile:
    """A regular file: its name below the folder, and where it is (elsewhere in the folder, if it is a link)."""

    name: str
    path: Path
    link: bool = False


def output_files(folder: Path, omitted: list[str] | None = None) -> Iterator[OutputFile]:
    """Regular files below a folder of a run's `/opt/ml`, and links to such within it; none if it is not there.

    Links to anything else, pipes, sockets and devices are left out; their paths, as the program knows them, are added to `omitted`.

    Raises:
        OutputError: The folder, or one above it, is something else than a folder; a link leads to itself; a name is too long.
    """
    named = _path_in_container(folder)
    if not _is_there(folder):
        return
    root = folder.resolve()
    waiting = [""]
    while waiting:  # not by recursion: the tree may be thousands of folders deep
        below = waiting.pop()
        try:
            with os.scandir(root / below) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
            waiting += [_join(below, entry.name) for entry in reversed(listed) if entry.is_dir(follow_symlinks=False)]
            for entry in listed:
                name = _join(below, entry.name)
                if entry.is_dir(follow_symlinks=False):
                    continue
                file = OutputFile(name, root / name) if entry.is_file(follow_symlinks=False) else _followed(root, entry, name)
                if file is not None:
                    yield file
                elif omitted is not None:
                    omitted.append(f"{named}/{name}")
        except OSError as error:
            if is_passing(error):
                raise
            raise OutputError(f"{shown(f'{named}/{below}')} cannot be read: {error.strerror}") from error


def merged_files(
    folders: Sequence[Path], omitted: list[str] | None = None, *, newest: bool = False
) -> tuple[Sequence[OutputFile], Sequence[str]]:
    """The files of the same folder of several hosts as those of one, and which of them several hosts have left.

    Of such files the last host's counts, or the `newest`. Raises OutputError as `output_files` does, and if one host's file is
    another's folder.
    """
    files: dict[str, OutputFile] = {}
    repeated: dict[str, None] = {}
    for folder in folders:
        for file in output_files(folder, omitted):
            other = files.get(file.name)
            if other is not None:
                repeated[f"{_path_in_container(folder)}/{file.name}"] = None
            if other is None or not newest or _modified(file) >= _modified(other):
                files[file.name] = file
    above = {name[:index] for name in files for index, letter in enumerate(name) if letter == "/"} if len(folders) > 1 else set()
    if both := sorted(above & files.keys()):
        raise OutputError(f"{shown(f'{_path_in_container(folders[0])}/{both[0]}')} is a file of one host and a folder of another")
    return list(files.values()), list(repeated)


def _modified(file: OutputFile) -> int:
    return file.path.stat().st_mtime_ns


def _is_there(folder: Path) -> bool:
    """Whether a folder is there; raises OutputError if it, or one above it, is something else than a folder."""
    for parent in (*_above(folder), folder):
        if parent.is_symlink():
            raise OutputError(f"{_path_in_container(parent)} was replaced by a link; it must be a folder")
        if not parent.exists():
            return False
        if not parent.is_dir():
            raise OutputError(f"{_path_in_container(parent)} was replaced by a file; it must be a folder")
    return True


def _followed(root: Path, entry: "os.DirEntry[str]", name: str) -> OutputFile | None:
    """The file within a folder that a link leads to; None if the entry is no such link."""
    if not entry.is_symlink():
        return None
    if leads_to_itself(root / name):
        raise OutputError(f"{shown(name)} is a link that leads to itself")
    real = (root / name).resolve()
    return OutputFile(name, real, link=True) if real.is_file() and real.is_relative_to(root) else None


def shown(name: str) -> str:
    """A name for messages: in quotation marks, printable, short."""
    text = ascii(name) if not name.isprintable() else repr(name)
    return text if len(text) <= 200 else f"{text[:150]}…{text[-40:]}"  # noqa: PLR2004 - fits into a FailureReason


def _join(below: str, name: str) -> str:
    return f"{below}/{name}" if below else name


def _above(folder: Path) -> list[Path]:
    """The folders from the run's `ml` down to the parent of a folder."""
    names = [parent.name for parent in folder.parents]
    return list(reversed(folder.parents[: names.index("ml") + 1])) if "ml" in names else []


def _path_in_container(folder: Path) -> str:
    """A folder's path as the program knows it."""
    if folder.name == "ml":
        return "/opt/ml"
    above = _above(folder)
    return f"/opt/ml/{folder.relative_to(above[0]) if above else folder.name}"
