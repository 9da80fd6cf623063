"""Checks whether a user's regular expression can be used, without risk to the caller.

Small ones are compiled here. One whose repeats unroll to much more than it reads, or that Python's own parser does not know, is
compiled in a process with limits: `(a{9999}){9999}` takes gigabytes.
"""

import json
import os
import re
import resource
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import regex

_PARSER: Any = re._parser  # type: ignore[attr-defined] # noqa: SLF001 - the standard library's own, and pure
_REPEATS = {getattr(_PARSER, name) for name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT") if hasattr(_PARSER, name)}
_LARGEST = 5_000  # parts, all repeats unrolled: some milliseconds
_LARGEST_TOGETHER = 20_000
_MEMORY = 1 << 28  # bytes of address space
_SECONDS = 2  # of processor time for all expressions of a request
_TOO_LARGE = "it takes too much memory or time to compile"
_SIMPLE = 500  # parts
_UNBOUNDED = 3  # repeats: `([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)`
_LOOKS_AROUND = {"ASSERT", "ASSERT_NOT", "GROUPREF", "GROUPREF_EXISTS", "GROUPREF_IGNORE"}
_ONE_AT_A_TIME = threading.Lock()


def errors(expressions: Sequence[str]) -> Sequence[str | None]:
    """For each expression why it cannot be used; None if it can."""
    sizes = [size(expression) for expression in expressions]
    small = sum(parts or 0 for parts in sizes) <= _LARGEST_TOGETHER
    guarded = [not small or parts is None or parts > _LARGEST for parts in sizes]
    guarded_errors = iter(_compile_guarded([text for text, far in zip(expressions, guarded, strict=True) if far]))
    return [next(guarded_errors) if far else _problem(text) for text, far in zip(expressions, guarded, strict=True)]


@lru_cache(maxsize=1000)  # the same expressions come with every job
def size(expression: str) -> int | None:
    """Number of parts of an expression with its counted repeats unrolled; None if Python's `re` has another syntax."""
    try:
        return _parts(_PARSER.parse(expression))
    except (re.error, RecursionError, OverflowError, TypeError, Warning):
        return None


def _parts(items: Any) -> int:  # noqa: ANN401 - the parser's trees have no types
    """Parts of a parsed pattern, or of anything inside one."""
    if isinstance(items, _PARSER.SubPattern):
        return 1 + sum(_parts(item) for item in items)
    if isinstance(items, tuple) and len(items) == 2 and items[0] in _REPEATS:  # noqa: PLR2004 - a code and its arguments
        low, high, body = items[1]
        return cast("int", max(low, 1 if high is _PARSER.MAXREPEAT else high, 1)) * _parts(body)
    if isinstance(items, list | tuple):
        return 1 + sum(_parts(item) for item in items)
    return 1


@lru_cache(maxsize=1000)
def simple(expression: str) -> bool:
    """Whether an expression is small and has few repeats, none in another: it may be slow on odd lines, but never for long."""
    parts = size(expression)
    if parts is None or parts > _SIMPLE:
        return False
    try:
        return _unbounded(_PARSER.parse(expression)) <= _UNBOUNDED
    except _NotSimpleError:
        return False


class _NotSimpleError(Exception):
    pass


def _unbounded(items: Any, *, repeated: bool = False) -> int:  # noqa: ANN401 - see _parts
    """Number of repeats; those of at most one count as what they hold."""
    if isinstance(items, tuple) and len(items) == 2 and items[0] in _REPEATS:  # noqa: PLR2004 - see _parts
        _, high, body = items[1]
        if high == 1:
            return _unbounded(body, repeated=repeated)
        if repeated:
            raise _NotSimpleError
        return 1 + _unbounded(body, repeated=True)
    if isinstance(items, tuple) and items and str(items[0]) in _LOOKS_AROUND:
        raise _NotSimpleError
    if isinstance(items, list | tuple | _PARSER.SubPattern):
        return sum(_unbounded(item, repeated=repeated) for item in items)
    return 0


def _problem(expression: str) -> str | None:
    try:
        return _compile(expression)
    except MemoryError:
        return _TOO_LARGE


@lru_cache(maxsize=1000)
def _compile(expression: str) -> str | None:
    try:
        regex.compile(expression, cache_pattern=False)
    except (regex.error, OverflowError, RecursionError) as error:
        return str(error)
    return None


def _compile_guarded(expressions: Sequence[str]) -> Sequence[str | None]:
    """The same in a process of its own. Whatever ends that is the fault of the expression it was at; those after it are not tried."""
    if not expressions:
        return ()
    command = [sys.executable, "-P", "-m", "local_emulator.runs.data.expressions"]
    environment = {"PATH": os.defpath, "PYTHONPATH": str(Path(__file__).parents[3])}
    with _ONE_AT_A_TIME:
        done = subprocess.run(  # noqa: S603 - ourselves
            command, input=json.dumps(expressions), capture_output=True, text=True, check=False, env=environment
        )
    errors: list[str | None] = [json.loads(line) for line in done.stdout.splitlines()]
    return [*errors, _TOO_LARGE, *[None] * len(expressions)][: len(expressions)]


def main() -> None:
    """`python -m local_emulator.runs.data.expressions`: a JSON list in, a line of JSON for each of its expressions out."""
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for expression in json.load(sys.stdin):
        print(json.dumps(_problem(expression)), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
