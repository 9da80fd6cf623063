"""Which modules a script imports when it begins, read from its text."""

import ast
import threading
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

_MOST_FILES = 200
_PARSING = threading.Lock()  # CPython counts the depth of all threads in one number, and raises SystemError (gh-106905)


@lru_cache(maxsize=256)
def imports_of(code: Path, entry: str) -> tuple[str, ...]:
    """What an entry point and the modules beside it import at their top level, as `module` or `module:name,name`.

    The script's own modules are looked into, not named. Code that cannot be parsed imports nothing; so does what stands in a function,
    or behind `if TYPE_CHECKING`. Results are cached: the folder must not change.
    """
    modules: dict[str, None] = {}
    waiting, seen = [code / entry], set[Path]()
    while waiting and len(seen) < _MOST_FILES:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        try:
            with _PARSING:
                tree = ast.parse(path.read_bytes())
        except (OSError, SyntaxError, ValueError, RecursionError):
            continue
        for module, names, level in _imports(tree.body):
            own = _own((path.parents[level - 1],) if level else (path.parent, code), module, names if level else [])
            if own is not None:
                waiting += own
            elif not level:
                modules[f"{module}:{','.join(names)}" if names else module] = None
    return tuple(modules)


def _imports(body: list[ast.stmt]) -> Iterator[tuple[str, list[str], int]]:
    for statement in body:
        if isinstance(statement, ast.Import):
            yield from ((alias.name, [], 0) for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            if statement.module != "__future__":
                yield statement.module or "", [alias.name for alias in statement.names if alias.name != "*"], statement.level
        elif isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test):
            yield from _imports(statement.orelse)
        elif isinstance(statement, ast.If | ast.Try | ast.With):
            for name in ("body", "orelse", "finalbody"):
                yield from _imports(getattr(statement, name, []))
            for handler in getattr(statement, "handlers", []):
                yield from _imports(handler.body)


def _own(folders: tuple[Path, ...], module: str, names: list[str]) -> list[Path] | None:
    """Files of a module that lies beside the script, and of names that may be its submodules; None if none does."""
    parts = module.split(".") if module else []
    for folder in folders:
        if not parts or (folder / parts[0]).is_dir():
            inside = folder.joinpath(*parts)
            candidates = [inside.with_suffix(".py"), inside / "__init__.py", *(inside / f"{name}.py" for name in names)]
            return [path for path in candidates if path.is_file()]
        if (folder / f"{parts[0]}.py").is_file():
            return [folder / f"{parts[0]}.py"]
    return None
