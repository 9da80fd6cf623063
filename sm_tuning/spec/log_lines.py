"""How AWS reads a line that a script prints: control characters, and the number that a regular expression matches."""

import re
from collections.abc import Iterator, Sequence

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# A number as people and programs write it. A sign behind a word or a digit is a hyphen.
_NUMBER = re.compile(
    r"(?:(?<!\w)[-+])?(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|(?:(?<!\w)[-+])?\b(?:inf|infinity|nan)\b",
    re.IGNORECASE,
)
_PROBES = ("0.5", "-0.5", "7.1e-05")


def shown(text: str) -> Sequence[str]:
    """Printed text as the lines of the log, which the expressions are tried on: control characters are `#` and three octal digits."""
    lines = text.removesuffix("\n").split("\n")
    return [_CONTROL.sub(lambda match: f"#{ord(match[0]):03o}", line.removesuffix("\r")) for line in lines]


def whole_number(line: str, start: int, end: int) -> str | None:
    """The number of which `line[start:end]` is only a part; None if it is whole."""
    for match in _NUMBER.finditer(line):
        if match.start() <= start < end <= match.end() and match[0] != line[start:end].strip():
            return match[0]
    return None


def cut_numbers(regex: str) -> Iterator[tuple[str, str | None]]:
    """Numbers that the first group of an expression cannot hold, and what it holds of each; None for nothing."""
    group = _first_group(regex)
    try:
        pattern = re.compile(group or "")
    except re.error:  # it refers to something outside
        return
    for number in _PROBES if group else ():
        if not pattern.fullmatch(number):
            match = pattern.match(number)
            yield number, (match[0] if match else "") or None


def _first_group(regex: str) -> str | None:
    """The pattern inside the first capturing group."""
    begun, depth = -1, 0
    for index in _meaningful(regex):
        if regex[index] == "(" and begun < 0 and (not regex.startswith("(?", index) or re.match(r"\(\?P<\w+>", regex[index:])):
            begun, depth = index, 0
        elif regex[index] == "(":
            depth += 1
        elif begun >= 0 and depth == 0:
            return re.sub(r"^\(\?P<\w+>|^\(", "", regex[begun:index])
        else:
            depth -= 1
    return None


def _meaningful(regex: str) -> Iterator[int]:
    """Positions of parentheses that group: neither escaped nor in a set."""
    in_set, index = -1, 0
    while index < len(regex):
        letter = regex[index]
        if letter == "\\":
            index += 1
        elif in_set >= 0:
            if letter == "]" and index > in_set:  # the first one in a set is itself
                in_set = -1
        elif letter == "[":
            in_set = index + 1 + regex.startswith("^", index + 1)
        elif letter in "()":
            yield index
        index += 1
