"""Removes the values of environment variables from the text of a failure."""

import re
from collections.abc import Mapping

_SECRET = re.compile(r"secret|token|passw|key|credential|auth", re.IGNORECASE)
_SHORTEST, _SHORTEST_SECRET = 8, 4  # shorter values are words and numbers that any text may hold


def without_environment(text: str, environment: Mapping[str, str]) -> str:
    """Replace the values of a job's environment variables in a text, line by line, by their names."""
    values = {
        line: name
        for name, value in environment.items()
        for line in value.splitlines()
        if len(line) >= (_SHORTEST_SECRET if _SECRET.search(name) else _SHORTEST)
    }
    for value in sorted(values, key=len, reverse=True):  # the longer first: one may be part of another
        text = text.replace(value, f"(the value of {values[value]})")
    return text
