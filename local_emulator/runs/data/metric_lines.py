"""Lines that a program could have printed, so that a job's metric definitions find a given value in them."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from local_emulator.domain.jobs import MetricDefinition
from local_emulator.runs.data.metrics import Matcher, float32

_PARSER: Any = re._parser  # type: ignore[attr-defined] # noqa: SLF001 - the standard library's own, and pure
_FORMS = ("{name}={value}", "{name}={value};", "{name}: {value}", "{name}: {value};", "{name} = {value}")
_CATEGORIES = {
    "CATEGORY_DIGIT": "0",
    "CATEGORY_NOT_DIGIT": "x",
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_SPACE": "x",
    "CATEGORY_WORD": "x",
    "CATEGORY_NOT_WORD": " ",
}
_REPEATS = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}
_SAMPLES = " x0_=:.#"
_VALUE = "\0"


def line_of(definitions: Sequence[MetricDefinition], name: str, value: float) -> str:
    """A line in which the definitions of a metric find its value, and those of others nothing, if that can be.

    A metric without a definition, or with one that finds it in no line tried here, is printed as `name=value`, as a script would.
    """
    own = {definition.regex for definition in definitions if definition.name == name}
    others = {definition.regex for definition in definitions} - own
    finding: str | None = None
    for line in _candidates(name, value, sorted(own)):
        if any(_finds(regex, line) == [float32(value)] for regex in own):
            if not any(_finds(regex, line) for regex in others):
                return line
            finding = finding or line
    return finding or next(_candidates(name, value, ()))


def _candidates(name: str, value: float, regexes: Sequence[str]) -> Iterator[str]:
    texts = (repr(value), f"{value:.12f}", f"{value:.9e}")
    for text in texts:
        yield from (form.format(name=name, value=text) for form in _FORMS)
        for regex in regexes:
            example = _example(regex)
            if example is not None:
                yield example.replace(_VALUE, text)


def _finds(regex: str, line: str) -> Sequence[float]:
    return [value for _, value in _matcher(regex).match(line)]


@lru_cache(maxsize=1000)
def _matcher(regex: str) -> Matcher:
    return Matcher({0: MetricDefinition(name="", regex=regex)}, clock=lambda: 0.0, mark=lambda _: None)


@lru_cache(maxsize=1000)
def _example(regex: str) -> str | None:
    """A text that an expression matches, with its first group's place marked; None if it is not to be told."""
    try:
        return "".join(_parts(_PARSER.parse(regex)))
    except (re.error, RecursionError, OverflowError, LookupError):
        return None


def _parts(parsed: Any) -> Iterator[str]:  # noqa: ANN401 - the parser's own types
    for operation, argument in parsed:
        kind = str(operation)
        if kind == "LITERAL":
            yield chr(argument)
        elif kind in {"NOT_LITERAL", "ANY", "IN"}:
            yield _sample(kind, argument)
        elif kind == "BRANCH":
            yield from _parts(argument[1][0])
        elif kind == "SUBPATTERN":
            yield from [_VALUE] if argument[0] == 1 else _parts(argument[3])
        elif kind in _REPEATS:
            least, _, body = argument
            part = "".join(_parts(body))
            yield part * max(least, _VALUE in part)
        elif kind not in {"AT", "ASSERT", "ASSERT_NOT"}:  # of a group that is referred to, say
            raise LookupError(kind)


def _sample(kind: str, argument: Any) -> str:  # noqa: ANN401 - see above
    """A character that a part of an expression matches."""
    if kind == "ANY":
        return "x"
    if kind == "NOT_LITERAL":
        return next(letter for letter in _SAMPLES if ord(letter) != argument)
    if str(argument[0][0]) == "NEGATE":
        excluded = {chr(part) for operation, part in argument if str(operation) == "LITERAL"}
        return next(letter for letter in reversed(_SAMPLES) if letter not in excluded)
    operation, part = argument[0]
    if str(operation) == "LITERAL":
        return chr(part)
    return chr(part[0]) if str(operation) == "RANGE" else _CATEGORIES[str(part)]
