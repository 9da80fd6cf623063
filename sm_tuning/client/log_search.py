"""What the regular expressions of metrics find in a log. They are anybody's: each is tried in a process that ends over a bad one."""

import contextlib
import itertools
import json
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sm_tuning.client.status import MetricCheck, metric_check

_PROGRAM = Path(__file__).with_name("log_search_program.py")
_TOOLKIT = " sagemaker-training-toolkit "
_BEGIN, _COMMAND, _FAILURE = "Invoking user script", "Invoking script with the following command:", "Reporting training FAILURE"
_LINES = 5000  # in one question
TAIL = 1000  # lines of a log that are kept


@dataclass(frozen=True, kw_only=True)
class LogMatches:
    """What was found in a log.

    Attributes:
        texts: What each metric's expression caught, in the order of the log: its first group, or all that it matched.
        tail: The last lines of the log.
        matched: Whether an expression matches each of them.
        checks: For each metric, how many values were found in how many lines of the script.
    """

    texts: Mapping[str, Sequence[str]]
    tail: Sequence[str]
    matched: Sequence[bool]
    checks: Sequence[MetricCheck]


class _Toolkit:
    """Tells which lines of a log AWS's training toolkit has written around the script's own."""

    def __init__(self) -> None:
        self._waits_for = ""  # a line that it writes, or `command`: any that is not blank; `script`: the script's first
        self._failed = False

    def wrote(self, line: str) -> bool:
        """Whether the next line of the log is the toolkit's."""
        if _TOOLKIT in line:
            self._waits_for = _COMMAND if _BEGIN in line else ""
            self._failed = _FAILURE in line or (self._failed and _BEGIN not in line)
            return True
        if self._failed:  # it repeats the error
            return True
        if self._waits_for == _COMMAND:
            self._waits_for = "command" if line.strip() == _COMMAND else _COMMAND
        elif line.strip() and self._waits_for == "command":
            self._waits_for = "script"
        elif line.strip():
            self._waits_for = ""
        return bool(self._waits_for)


class LogSearch:
    """Tries expressions on lines in another process, which is started when it is needed. Use it in a `with` statement.

    Threads may share one. An expression that is none, or takes too long, is not tried again.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._unusable: set[str] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._end()

    def search(
        self, lines: Iterable[str], expressions: Mapping[str, str], *, optional: Collection[str] = (), tail: int = TAIL
    ) -> LogMatches:
        """What the expressions of metrics, by their names, find in the lines of a log; so many of the last lines are kept.

        Nothing is missed where an optional metric is not printed.
        """
        texts: dict[str, list[str]] = {name: [] for name in expressions}
        kept: deque[tuple[str, bool]] = deque(maxlen=tail)
        remaining, toolkit, count = iter(lines), _Toolkit(), 0
        scripts: deque[str] = deque(maxlen=tail)
        while chunk := list(itertools.islice(remaining, _LINES)):
            own = [line for line in chunk if not toolkit.wrote(line)]
            scripts.extend(own)
            count += len(own)
            hits: set[int] = set()
            for name, expression in expressions.items():
                matches = self._find(expression, chunk)
                texts[name] += [text for _, text in matches]
                hits.update(index for index, _ in matches)
            kept.extend((line, index in hits) for index, line in enumerate(chunk))
        last = [line for line, _ in kept]
        checks = [
            metric_check(
                name,
                expression,
                texts[name],
                list(scripts),
                count,
                usable=expression not in self._unusable,
                expected=name not in optional,
            )
            for name, expression in expressions.items()
        ]
        return LogMatches(texts=texts, tail=last, matched=[matched for _, matched in kept], checks=checks)

    def _find(self, expression: str, lines: Sequence[str]) -> Sequence[tuple[int, str]]:
        with self._lock:
            if expression in self._unusable:
                return ()
            matches = self._ask(json.dumps([expression, lines]))
            if matches is None:
                self._unusable.add(expression)
        return matches or ()

    def _ask(self, question: str) -> Sequence[tuple[int, str]] | None:
        if self._process is None:
            # Its own interpreter without site-packages: it starts in a few hundredths of a second.
            command = [sys.executable, "-I", "-S", str(_PROGRAM)]
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="ascii"
            )
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise ValueError("its pipes were asked for")
        answer = ""
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(f"{question}\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        if not answer:
            self._end()
            return None
        matches: Sequence[tuple[int, str]] | None = json.loads(answer)
        return matches

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()
