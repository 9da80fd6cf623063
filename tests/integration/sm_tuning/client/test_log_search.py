"""What expressions find in a log, and what becomes of a bad one."""

import time

import pytest

from sm_tuning.client.log_search import LogSearch

LINES = ["loss=0.5 acc=0.1", "nothing", "loss=0.25 loss=0.125", "acc=1e-1"]


def test_texts_are_in_the_order_of_the_lines_and_lines_are_marked() -> None:
    expressions = {"loss": r"loss=([0-9.]+)", "acc": r"acc=(\S+)", "whole": r"^nothing$", "silent": "none=(.*)"}
    with LogSearch() as search:
        matches = search.search(iter(LINES), expressions)
    assert matches.texts == {"loss": ["0.5", "0.25", "0.125"], "acc": ["0.1", "1e-1"], "whole": ["nothing"], "silent": []}
    assert matches.tail == LINES
    assert matches.matched == [True, True, True, True]
    assert [(check.metric, check.matches, check.lines) for check in matches.checks] == [
        ("loss", 3, 4), ("acc", 2, 4), ("whole", 0, 4), ("silent", 0, 4)
    ]  # fmt: skip


def test_only_the_end_is_kept_of_a_log_of_which_all_is_searched() -> None:
    with LogSearch() as search:
        matches = search.search((f"step {number} of \ud800" for number in range(12_000)), {"step": "step ([0-9]*5) "}, tail=3)
    assert len(matches.texts["step"]) == 1200
    assert matches.texts["step"][-1] == "11995"
    assert [line.split()[1] for line in matches.tail] == ["11997", "11998", "11999"]
    assert matches.matched == [False, False, False]


def test_without_an_expression_no_process_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.Popen", None)
    with LogSearch() as search:
        assert search.search(["a"], {}).tail == ["a"]


@pytest.mark.parametrize("expression", ["(", r"(a+)+$"])
def test_a_bad_expression_finds_nothing_and_the_others_their_values(expression: str) -> None:
    """None at all, and one that takes for ever."""
    lines = ["a" * 60 + "!", "loss=1"]
    with LogSearch() as search:
        begun = time.process_time()
        for _ in range(2):
            matches = search.search(lines, {"bad": expression, "loss": "loss=([0-9.]+)"})
            assert matches.texts == {"bad": [], "loss": ["1"]}
            assert matches.matched == [False, True]
            assert "is none, or takes too long" in matches.checks[0].sentence
        assert time.process_time() - begun < 2, "it was tried here"
