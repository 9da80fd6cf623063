"""Which lines of a log a metric is looked for in."""

import pytest

from sm_tuning.client.log_search import LogSearch

HEAD = [
    "2026-01-01 00:00:00,042 sagemaker-training-toolkit INFO     Invoking user script",
    "",
    "Invoking script with the following command:",
    "",
    "python train.py --loss 0.5",
    "",
    "",
]
END = ["2026-01-01 00:00:00,042 sagemaker-training-toolkit INFO     Reporting training SUCCESS"]
FAILURE = [line.replace("INFO     Reporting training SUCCESS", "ERROR    Reporting training FAILURE") for line in END] + [
    "loss 1"
]


# The log, how many lines of the script it has, the nearest of them, and whether one has a number.
LOGS: dict[str, tuple[list[str], int, list[str], bool]] = {
    "nothing": (HEAD, 0, [], False),
    "no number": ([*HEAD, "downloading"], 1, ["downloading"], False),
    "to the end": ([*HEAD, "downloading", "", "loss: 0.5", *END], 3, ["loss: 0.5"], True),
    "failed": ([*HEAD, "started", *FAILURE], 1, ["started"], False),
    "two hosts": ([*HEAD, "loss: 1", *FAILURE, *HEAD, "loss: 2"], 2, ["loss: 1", "loss: 2"], True),
    "environment": ([HEAD[0], "", "Training Env:", '{"a": 1}', "SM_HPS={}", *HEAD[1:], "loss: 3"], 1, ["loss: 3"], True),
    "no toolkit": (["loss: 4", "", "done"], 3, ["loss: 4"], True),
}


@pytest.mark.usefixtures("_log_search_here")
@pytest.mark.parametrize("name", LOGS)
def test_lines_of_the_training_toolkit_are_none_of_the_script_s(name: str) -> None:
    log, count, nearest, promising = LOGS[name]
    with LogSearch() as search:
        matches = search.search(log, {"loss": "loss=(.*)"})
    (check,) = matches.checks
    assert (check.lines, sorted(check.nearest), check.promising) == (count, nearest, promising)
    assert list(matches.tail) == log


@pytest.mark.usefixtures("_log_search_here")
def test_an_optional_metric_is_not_missed() -> None:
    with LogSearch() as search:
        matches = search.search(["auc: 0.5"], {"auc": "auc: (.*)", "mae": "mae: (.*)", "f1": "f1: (.*)"}, optional={"auc", "mae"})
    assert matches.texts["auc"] == ["0.5"]
    assert [check.metric for check in matches.checks if check.lacks_values(ended=True)] == ["f1"]
