"""One training job that is tried before a tuning job has a history."""

import re

import pytest

from tests.integration.sm_tuning.cli.conftest import TOML, Cli


def test_one_training_job_is_tried(cli: Cli) -> None:
    cli.write(line="kept = bytearray(300 << 20); [print('score=' + value) for epoch in range(3)]")
    tried = cli.json("plan", "job.toml", "--try-one", "--price-per-hour", "3600")["tried"]
    assert tried["epochs"] == 3
    assert tried["trainingJob"].startswith("try-"), "else the tuning job's name, cut short as users do, would mean this one too"
    assert 300 << 20 < tried["memory"]["bytes"] < 600 << 20
    assert tried["memory"]["smallest"] == "ml.m5.large"
    own, *others = tried["strategies"]
    assert own["setting"] == "Random, 3 training jobs, 2 at a time"
    assert own["instanceHours"] == pytest.approx(3 * tried["seconds"] / 3600)
    assert own["cost"] == pytest.approx(3 * tried["seconds"])
    assert "Hyperband with MaxResource 3, 3 training jobs, 2 at a time" in {entry["setting"] for entry in others}
    assert (
        "--try-one runs a training job on the emulator; leave --aws out"
        in cli("plan", "job.toml", "--try-one", "--aws", code=2)[1]
    )
    cli.write(line="print('nothing')")
    shown = cli("plan", "job.toml", "--try-one")[0]
    assert "for no values of the objective" in shown
    assert re.search(r"it took \d+ MiB of memory at most; ml\.m5\.\w+ has \d+ GiB, which is enough", shown)
    assert re.search(
        r"warning: score: the regex .* has matched none of 2 lines of the log of try-cli-\S+; the nearest:\n    ", shown
    )
    assert shown.count("warning: ") == 2, "the other is that of a training metric, which it lacks"
    cli.write(line="print('score=1 score=2')")
    assert (
        "warning: the regex of score finds 2 values in the line 'score=1 score=2': 1, 2."
        in cli("plan", "job.toml", "--try-one")[0]
    )
    cli.write(line="sys.exit(3)")
    assert "the training job failed, so its time says nothing" in cli("plan", "job.toml", "--try-one", code=1)[1]


def test_other_metrics_that_its_log_lacks_are_told(cli: Cli) -> None:
    metrics = {"train:score": "train=(.*)", "f1": "f1: (.*)", "auc": "auc (.*)"}
    toml = TOML + "".join(f"[[metrics]]\nname = '{name}'\nregex = '{regex}'\n" for name, regex in metrics.items())
    cli.write(toml, line="print('score=1 train=2', 'F1: 3', 'auc high', sep=chr(10))")
    warnings = cli.json("plan", "job.toml", "--try-one")["tried"]["warnings"]
    assert [warning.partition(" of the log of try-cli-")[0] for warning in warnings] == [
        "f1: the regex 'f1: (.*)' has matched none of 4 lines",
        "auc: the regex 'auc (.*)' has caught 'high' and no number in 4 lines",
    ]
