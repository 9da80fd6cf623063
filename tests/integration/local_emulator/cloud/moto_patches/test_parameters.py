"""The AllowedPattern of a template's parameter, which is its writer's; `test_moto_patches` has the other rules."""

import time

import pytest

from local_emulator.cloud.moto_patches import parameters


def test_values_are_matched_whole() -> None:
    assert parameters._matches("Name", "[a-z]+", "abc")
    assert not parameters._matches("Name", "[a-z]+", "abc1")


@pytest.mark.parametrize(("pattern", "why"), [("(a|aa)+", "timed out"), ("(", "missing")])
def test_a_pattern_that_cannot_be_matched_is_refused(pattern: str, why: str) -> None:
    began = time.process_time()
    with pytest.raises(Exception, match=f"'Name' cannot be matched with its pattern.*({why})"):
        parameters._matches("Name", pattern, "a" * 60 + "!")
    assert time.process_time() - began < 20
