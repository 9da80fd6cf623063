"""What scripts call that after which they print their metrics: an epoch, a round, a tree; or just a value, where nobody knows."""

import re
from collections.abc import Iterable, Mapping

from sm_tuning.analysis.curves import LogLines
from sm_tuning.rules.roles import words

VALUE = "value"
"""The neutral word: each value of a metric is one."""
_BY_WORD: Mapping[str, str] = {
    **dict.fromkeys(("epoch", "epochs"), "epoch"),
    **dict.fromkeys(("round", "rounds", "nrounds"), "round"),
    **dict.fromkeys(("tree", "trees", "estimators"), "tree"),
    **dict.fromkeys(("iteration", "iterations", "iter"), "iteration"),
    **dict.fromkeys(("step", "steps"), "step"),
}
_NUMBERED = re.compile(r"(?i)(?<![\w.-])(epochs?|rounds?|trees?|iterations?|iter|steps?)\b[\s:=#\[(]{0,3}(\d{1,9})(?![\d.])")
_BOOSTER = re.compile(r"\[(\d{1,9})\](?=\s|#011)")  # XGBoost's and LightGBM's lines


def counted(count: int, step: str) -> str:
    """So many of them."""
    return f"{count} {step}{'' if count == 1 else 's'}"


def at_step(step: str, number: int) -> str:
    """One of them in words: `in epoch 3`, `at value 3`."""
    return f"{'at' if step == VALUE else 'in'} {step} {number}"


def named_by(hyperparameter: str) -> str | None:
    """What a hyperparameter's name says that it counts; None for one that says nothing."""
    return next((_BY_WORD[word] for word in reversed(words(hyperparameter)) if word in _BY_WORD), None)


def printed_with(log: LogLines, made: int) -> str | None:
    """What the end of a log says beside the last of so many values, if it counts them so; None where it does not.

    A script that prints a value for each tenth tree has more trees than values: then a value is no tree.
    """
    for lines in ([line for line, matched in log if matched], [line for line, _ in log]):
        last: dict[str, int] = {}
        for line in lines:
            last.update((step, number) for step, number in _numbers(line))
        if steps := [step for step in dict.fromkeys(_BY_WORD.values()) if last.get(step) in {made, made - 1}]:
            return steps[0]
    return None


def _numbers(line: str) -> Iterable[tuple[str, int]]:
    yield from ((_BY_WORD[match[1].lower()], int(match[2])) for match in _NUMBERED.finditer(line))
    if (match := _BOOSTER.search(line)) is not None:
        yield "round", int(match[1])
