"""A transform run's plan as a file, and what the server may add to it."""

from pathlib import Path
from typing import Any

import pytest

from local_emulator.runs.transforming.plan import TransformPlan

SAID = {"MaxConcurrentTransforms": 8, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 2}


def plan(**members: Any) -> TransformPlan:
    places: Any = dict.fromkeys(("folder", "input", "output", "log", "reason", "location"), "x")
    return TransformPlan(containers=("primary",), **places, **members)


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = plan(join=True, max_payload=0)
    written.write(tmp_path / "plan")
    assert TransformPlan.read(tmp_path / "plan") == written


@pytest.mark.parametrize(
    ("members", "limit", "concurrent", "several"),
    [
        ({}, 2 * 2**20, 8, False),
        ({"max_payload": 0}, 0, 8, False),
        ({"max_payload": 1, "max_concurrent": 3, "strategy": "MultiRecord"}, 2**20, 3, True),
        ({"max_concurrent": 0}, 2 * 2**20, 1, False),
    ],
)
def test_the_server_says_what_the_request_does_not(members: Any, limit: int, concurrent: int, *, several: bool) -> None:
    asked = plan(**members).with_answer(SAID)
    assert (asked.limit, asked.concurrent, asked.several) == (limit, concurrent, several)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (3, "it must be an object, not 3"),
        ({"MaxPayloadInMB": "6"}, "MaxPayloadInMB is '6'; it must be a number from 0"),
        ({"MaxConcurrentTransforms": -1}, "MaxConcurrentTransforms is -1; it must be a number from 0"),
    ],
)
def test_what_no_server_may_say(answer: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        plan().with_answer(answer)


def test_without_either_there_are_defaults() -> None:
    asked = plan().with_answer({})
    assert (asked.limit, asked.concurrent, asked.several) == (6 * 2**20, 1, True)
