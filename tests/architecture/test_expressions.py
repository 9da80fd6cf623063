"""Every regular expression of ours takes time in proportion to the text, whatever the text is: others choose it."""

import importlib
import inspect
import math
import pkgutil
import re
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import local_emulator
import sm_tuning
from sm_tuning.errors import MissingExtra

SIZE, MOST = 400, 25_600  # characters
SOON, LONG = 0.001, 0.1  # seconds: what takes less is no harm, and what takes more need not grow further
STEEPEST = 1.5  # power of the size; 1 is linear, and measurements would have to be wrong by a factor of 8 to confuse it with 2
METHODS = ("search", "match", "fullmatch", "finditer", "findall", "sub", "split")
PIECES = (
    *(
        "a",
        "0",
        " ",
        "-",
        ".",
        "/",
        ":",
        "\n",
        "_",
        "aA",
        "a-",
        "0.",
        "0e",
        "+",
        "a.",
        "a/",
        '"',
        "Command ",
        'Command "',
        "Credential=",
    ),
    *(
        "Credential=a/1/",
        "123456789012.dkr.ecr.",
        "arn:aws:",
        "arn:aws:sagemaker:",
        "ModuleNotFoundError: No module named '",
        "ms",
        "mse",
    ),
    *(
        "parallel training jobs ",
        "number of instances across ",
        "diverge",
        "loss",
        "assumed-role/",
        "sha256:",
        "%",
        "\\",
        "[",
        "{{",
        "x\r\n",
        "0x",
    ),
)
ENDS = ("", "!", "/")


def modules() -> Iterator[ModuleType]:
    for package in (local_emulator, sm_tuning):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if "__main__" in module.name or module.name.startswith("local_emulator.algorithms."):
                continue
            try:
                yield importlib.import_module(module.name)
            except (ModuleNotFoundError, MissingExtra):
                continue


def uses(module: ModuleType, name: str) -> list[str]:
    """The methods by which a module applies an expression."""
    source = inspect.getsource(module)
    return [method for method in METHODS if f"{name}.{method}(" in source]


EXPRESSIONS = {
    f"{module.__name__}.{name}.{method}": (value, method)
    for module in modules()
    for name, value in vars(module).items()
    if isinstance(value, re.Pattern) and name.startswith("_")
    for method in uses(module, name)
}


def seconds(expression: Any, method: str, text: str) -> float:
    """The best of some tries, or one that is not short; of this thread alone, whatever else the machine does."""
    content = text.encode() if isinstance(expression.pattern, bytes) else text
    empty = content[:0]
    best, began_all = float("inf"), time.thread_time()
    for _ in range(20):
        began = time.thread_time()
        if method == "sub":
            expression.sub(empty, content)
        elif method == "finditer":
            list(expression.finditer(content))
        else:
            getattr(expression, method)(content)
        ended = time.thread_time()
        best = min(best, ended - began)
        if ended - began_all > SOON / 20:
            break
    return best


def test_there_are_some() -> None:
    assert len(EXPRESSIONS) > 20
    assert "local_emulator.api.guard._PORT.fullmatch" in EXPRESSIONS


def test_one_that_is_not_linear_is_noticed() -> None:
    with pytest.raises(AssertionError):
        check(re.compile(r"Credential=[^/]*/\d+/([a-z]+)"), "search")
    with pytest.raises(AssertionError):
        check(re.compile(r"(\d+\.?\d*)"), "fullmatch")


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_time_grows_with_the_text_and_no_faster(name: str) -> None:
    check(*EXPRESSIONS[name])


def check(expression: Any, method: str) -> None:
    """Fail if the time grows faster than the text does, each time that it is measured."""
    for piece in PIECES:
        for end in ENDS:
            tries = (growth(expression, method, piece, end) for _ in range(5))
            assert any(power < STEEPEST for power in tries), (expression.pattern, piece, end)


def growth(expression: Any, method: str, piece: str, end: str) -> float:
    """The power of the text's size with which the time grows; 0 if it takes none that matters.

    The text grows until it is long, or the time is.
    """
    took: dict[int, float] = {}  # seconds by size
    size = SIZE
    while size <= MOST and took.get(size // 4, 0.0) < LONG:
        took[size] = seconds(expression, method, piece * (size // len(piece)) + end)
        size *= 4
    least, most = min(took), max(took)
    return math.log(took[most] / took[least]) / math.log(most / least) if took[most] > SOON else 0.0
