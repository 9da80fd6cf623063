"""The files that are sent for a training script."""

import ast
import warnings
from collections.abc import Iterator
from pathlib import Path

from sm_tuning.spec.script import Script
from sm_tuning.validation.local_files import CACHES, Files, files_of


def script_files(script: Script) -> Files:
    """The whole source folder; without one the entry and what it imports from beside itself, as a run by hand would find it."""
    if script.source is not None:
        return files_of(Path(script.source), CACHES)
    entry = Path(script.entry)
    files: dict[str, Path] = {entry.name: entry}
    left_out: dict[str, str] = {}
    waiting = [entry]
    while waiting:
        for name in _imported(waiting.pop()):
            module = files_of(path, CACHES) if (path := _beside(entry.parent, name)) else Files()
            prefix = f"{name}/" if path and path.is_dir() else ""
            new = {f"{prefix}{below}": file for below, file in module.files if f"{prefix}{below}" not in files}
            files |= new
            waiting += new.values()
            left_out |= {f"{prefix}{below}": reason for below, reason in module.left_out}
    return Files([*sorted(files.items())], [*left_out.items()])


def parsed(path: Path) -> ast.Module:
    """The code of a file; empty if it is no Python."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of the script's text, such as an invalid escape
            return ast.parse(path.read_bytes()) if path.suffix == ".py" else ast.Module([], [])
    except (OSError, SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])


def syntax_error(path: Path) -> SyntaxError | None:
    """Why Python cannot run a file at all; None if it can, or if the file is not called `.py`."""
    if path.suffix != ".py":
        return None
    try:
        with warnings.catch_warnings(action="ignore"):
            compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        return error
    except (OSError, ValueError, RecursionError, MemoryError):  # nothing certain: what is nested deeply depends on the machine
        return None
    return None


def _imported(path: Path) -> Iterator[str]:
    """Top-level names of the modules that a file imports, wherever it does; none if it is no Python."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def _beside(folder: Path, name: str) -> Path | None:
    """The package or module of a name in a folder, in Python's order."""
    if (folder / name / "__init__.py").is_file():
        return folder / name
    return path if (path := folder / f"{name}.py").is_file() else None
