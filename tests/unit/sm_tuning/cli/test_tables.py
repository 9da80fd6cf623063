"""Tables fit the terminal: titles are broken, then what is least is left out and named; no value is cut."""

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("rich", reason="the command needs rich: pip install 'sm-tuning[cli]'")

from rich.console import Console, RenderableType

from sm_tuning.cli.display import status_lines, trainings_table
from sm_tuning.cli.documents import training_document
from sm_tuning.cli.tables import table_of
from sm_tuning.client.status import RunStatus, Training

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
VALUES = {"batch_size": "16", "epochs": "9", "learning_rate": "0.00042123456", "regularization": "3.2731e-06"}


def lines(shown: RenderableType, width: int) -> Sequence[str]:
    file = io.StringIO()
    Console(file=file, width=width, markup=False, highlight=False).print(shown)
    return file.getvalue().splitlines()


def trainings(statuses: Sequence[str] = ("Completed", "Completed"), **more: str) -> list[Training]:
    return [
        Training(
            name=f"digits-1126-055958-ea87-{number:03d}-2cb2bebc",
            status=status,
            hyperparameters={**VALUES, **more, "epochs": str(number)},
            value=0.97772,
            started=BEGIN,
            ended=BEGIN + timedelta(seconds=7),
        )
        for number, status in enumerate(statuses, start=1)
    ]


@pytest.mark.parametrize("width", [240, 120, 80, 60, 40])
def test_training_jobs_fit_and_no_value_is_cut(width: int) -> None:
    rows = trainings()
    shown = lines(trainings_table(rows, "validation:accuracy", best=rows[0].name), width)
    assert all(len(line) <= width for line in shown)
    assert "…" not in "".join(shown)
    row = next(line for line in shown if "001-2cb2bebc *" in line)
    text = " ".join(shown)
    for name, value in (("batch_size", "16"), ("learning_rate", "0.0004212"), ("regularization", "3.273e-06"), ("time", "7 s")):
        assert value in row or (name in text.partition("not shown: ")[2]), (name, shown)
    assert "0.97772" in row
    if width >= 80:
        assert "not shown" not in text, "this is what the demo's tuning job looks like"


def test_what_all_have_in_common_goes_first_and_is_told() -> None:
    shown = lines(trainings_table(trainings(), "score"), 64)
    assert shown[-1] == "not shown: status (Completed in all)"
    shown = lines(trainings_table(trainings(["Completed", "Failed"]), "score"), 60)
    assert any("Failed" in line for line in shown), "a status that differs stays"
    assert "not shown: regularization (3.273e-06 in all), time" in " ".join(shown)


def test_a_definition_is_named_where_there_are_several() -> None:
    rows = [replace(row, definition=name) for row, name in zip(trainings(), ("forest", "network"), strict=True)]
    shown = lines(trainings_table(rows, "score"), 240)
    assert [line.split()[1] for line in shown[1:]] == ["forest", "network"]
    assert [document["TrainingJobDefinitionName"] for row in rows if (document := training_document(row))] == [
        "forest",
        "network",
    ]
    assert "definition" not in lines(trainings_table(trainings(), "score"), 240)[0]


def test_rows_of_other_keys_have_empty_cells() -> None:
    assert [line.split() for line in lines(table_of([{"a": 1}, {"b": 2}]), 80)] == [["a", "b"], ["1"], ["2"]]


def test_a_long_title_is_broken_where_words_end() -> None:
    shown = lines(table_of([{"validation:accuracy": "0.5", "learning_rate": "0.1"}]), 24)
    assert [line.split() for line in shown] == [["validation:", "learning_"], ["accuracy", "rate"], ["0.5", "0.1"]]


def test_an_empty_table_has_no_lines_of_values() -> None:
    assert lines(table_of([]), 80) in ([], [""])
    assert len(lines(trainings_table([], "score"), 80)) == 1


@pytest.mark.parametrize("width", [240, 80, 50])
def test_the_bar_fits_with_the_time_left(width: int) -> None:
    now = RunStatus(
        name="digits-1126-055958-ea87",
        status="InProgress",
        counters={"Completed": 3, "InProgress": 2},
        objectives={},
        max_jobs=12,
        created=datetime.now(UTC) - timedelta(hours=1),
        ended=None,
        best=trainings()[0],
        failure_reason=None,
        objective="validation:accuracy",
        goal="Maximize",
    )
    shown = lines(status_lines(now), width)
    assert all(len(line) <= width for line in shown)
    assert any("1 h 00 min elapsed, about 3 h 00 min left" in line for line in shown)
    assert any("best so far validation:accuracy 0.97772" in line for line in shown)
    assert "0.97772 by 001-2cb2bebc" in " ".join(" ".join(shown).split())
