"""Files of this machine that are sent: links are followed, and what is left out is named with the reason."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

# Made by tools beside code, and of no use to it elsewhere.
CACHES = frozenset({"__pycache__", ".git", ".venv", ".ipynb_checkpoints", ".mypy_cache", ".pytest_cache", ".ruff_cache"})
_MOST_SHOWN = 5


@dataclass(frozen=True)
class Files:
    """Files by their names below a folder (or the one file), and what is not sent by its name, with the reason."""

    files: list[tuple[str, Path]] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def omissions(self, where: str) -> Iterator[str]:
        """A sentence for each reason."""
        for reason in dict.fromkeys(reason for _, reason in self.left_out):
            names = [name for name, why in self.left_out if why == reason]
            more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
            yield f"{where} is sent without {', '.join(names[:_MOST_SHOWN])}{more}: {reason}"


def files_of(root: Path, without: frozenset[str] = frozenset()) -> Files:
    """What would be sent of a folder or a file; folders of the names `without` are left out."""
    files = Files()
    if root.is_dir():
        _walk(root, "", without, frozenset(), files)
    else:
        _add(root, root.name, files)
    return files


def _walk(folder: Path, below: str, without: frozenset[str], above: frozenset[Path], files: Files) -> None:
    above = above | {folder.resolve()}
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        files.left_out.append((f"{below or '.'}/", f"it cannot be read ({error.strerror})"))
        return
    for name in names:
        path, shown = folder / name, f"{below}{name}"
        if not path.is_dir():
            _add(path, shown, files)
        elif name in without:
            files.left_out.append((f"{shown}/", "a cache or an environment of this machine"))
        elif path.resolve() in above:
            files.left_out.append((f"{shown}/", "a link to a folder that holds it"))
        else:
            _walk(path, f"{shown}/", without, above, files)


def _add(path: Path, name: str, files: Files) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        reason = "a link to what does not exist" if path.is_symlink() else f"it cannot be read ({error.strerror})"
        files.left_out.append((name, reason))
        return
    if not stat.S_ISREG(mode):
        files.left_out.append((name, "neither a file nor a folder"))
    elif not os.access(path, os.R_OK):
        files.left_out.append((name, "it cannot be read (Permission denied)"))
    else:
        files.files.append((name, path))
