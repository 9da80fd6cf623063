import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sm_tuning.cli import simulate as command
from sm_tuning.cli.commands import sm_tuning
from sm_tuning.errors import Invalid
from sm_tuning.simulation.settings import Setting
from tests.unit.sm_tuning.made_examples import examples


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_results", lambda *_: examples(14))
    monkeypatch.setattr("os.cpu_count", lambda: 1)


def asked(*words: str) -> Any:
    return CliRunner().invoke(sm_tuning, words)


SMALL = ("--strategies", "Random,Bayesian", "--jobs", "5,14", "--parallel", "2", "--early-stopping", "off", "--seeds", "3")


@pytest.mark.usefixtures("results")
def test_a_simulation_is_printed_with_the_command_that_writes_it() -> None:
    answer = asked("simulate", "made", *SMALL, "--budget", "1", "--price-per-hour", "2")
    assert answer.exit_code == 0, answer.output
    assert "Simulation of made" in answer.output
    assert "dollars" in answer.output
    assert "sm-tuning next made --strategy " in answer.output


@pytest.mark.usefixtures("results")
def test_a_simulation_is_one_json_document(tmp_path: Path) -> None:
    answer = asked("simulate", "made", *SMALL, "--json", "--chart", str(tmp_path / "chart.json"))
    document = json.loads(answer.output)
    assert document["today"] == "Random, 14 training jobs, 2 at a time"
    assert {row["Strategy"] for row in document["settings"]} == {"Random", "Bayesian"}
    assert document["recommendation"]["sentences"]
    assert (tmp_path / "chart.json").exists()


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--jobs", "many"), "--jobs is 'many'; it must be whole numbers with commas between, as 10,20,50"),
        (("--budget", "20x"), "--budget is '20x'; it must be dollars as in 30, or instance-hours as in 20h"),
        (("--budget", "$20h"), "--budget is '$20h'; it must be"),
        (
            ("--budget", "30"),
            "--budget is 30, but no price of an instance-hour is known: give --price-per-hour, or hours as in 20h",
        ),
        (("--budget", "30", "--price-per-hour", "0"), "--budget is 30, but an instance-hour costs nothing: leave it out"),
        (("--strategies", "Best"), "strategies is Best; it must be some of Random, Bayesian, Hyperband, Grid"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(words: tuple[str, ...], sentence: str) -> None:
    answer = asked("simulate", "made", *SMALL[4:], *words)
    assert answer.exit_code == 2
    assert sentence in " ".join(answer.output.split()).replace("- ", "-")


@pytest.mark.usefixtures("results")
def test_a_budget_in_hours_is_kept() -> None:
    answer = asked("simulate", "made", *SMALL, "--budget", "0.5h")
    assert "into 0.5 instance-hours" in " ".join(answer.output.split()).replace("- ", "-")


@pytest.mark.usefixtures("results")
def test_a_replay_is_printed() -> None:
    answer = asked("replay", "made", "--strategy", "Random", "--seeds", "2")
    assert answer.exit_code == 0, answer.output
    assert "really the best was" in answer.output


def test_budgets() -> None:
    assert command._budget("$30") == command._budget("30") == ("money", 30.0)
    assert command._budget("1.5h") == ("hours", 1.5)
    with pytest.raises(Invalid):
        command._budget("-1")


def test_options_take_a_setting_over() -> None:
    hyperband = Setting(strategy="Hyperband", jobs=60, parallel=4, min_resource=3, max_resource=27)
    assert (
        " ".join(command.options(hyperband)) == "--strategy Hyperband --jobs 60 --parallel 4 --min-resource 3 --max-resource 27"
    )
    bayesian = Setting(strategy="Bayesian", jobs=30, parallel=2, early_stopping=True)
    assert " ".join(command.options(bayesian)) == "--strategy Bayesian --jobs 30 --parallel 2 --early-stopping"
