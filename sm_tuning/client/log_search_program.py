"""Program: tries regular expressions on lines, and ends by itself over one that takes too long. For `log_search`, which starts it.

A question is a line of JSON, `[expression, lines]`; so is its answer: `[index of the line, text]` for each match, or null if the
expression is none. It uses the standard library alone, and is started as a file.
"""

import json
import re
import signal
import sys
from collections.abc import Sequence

_SECONDS = 5.0  # of processor time for a question: the system ends the process, whatever `re` is busy with


def matches(expression: str, lines: Sequence[str]) -> list[tuple[int, str]] | None:
    """The first group of each match, or all of it where there is no group, with the index of its line."""
    try:
        compiled = re.compile(expression)
        return [
            (index, match[1 if compiled.groups else 0] or "")
            for index, line in enumerate(lines)
            for match in compiled.finditer(line)
        ]
    except (re.error, RecursionError, OverflowError):
        return None


def main() -> None:
    """Answer questions until there are no more."""
    for question in sys.stdin:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_PROF, _SECONDS)
        expression, lines = json.loads(question)
        sys.stdout.write(f"{json.dumps(matches(expression, lines))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
