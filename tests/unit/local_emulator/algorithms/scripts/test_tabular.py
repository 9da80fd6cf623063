"""What the scripts for LightGBM and CatBoost read and answer; the layouts are those of AWS's guide and of its examples."""

import argparse
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from local_emulator.algorithms.scripts import tabular

ROWS = "1,10,0.5\n0,20,0.25\n1,10,\n0,20,1e3\n1,10,2\n"
Channels = Mapping[str, Mapping[str, str]]


def channels(folder: Path, monkeypatch: pytest.MonkeyPatch, files: Channels) -> None:
    for name in ("TRAINING", "TRAIN", "VALIDATION", "MODEL"):
        monkeypatch.delenv(f"SM_CHANNEL_{name}", raising=False)
    for channel, contents in files.items():
        monkeypatch.setenv(f"SM_CHANNEL_{channel.upper()}", str(folder / channel))
        for name, text in contents.items():
            path = folder / channel / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


@pytest.mark.parametrize(
    "files",
    [
        {"training": {"train/data.csv": ROWS, "validation/data.csv": ROWS, "test/data.csv": "x", "categorical_index.json": "{}"}},
        {"train": {"part-1.csv": ROWS[:18], "part-2.csv": ROWS[18:], "_SUCCESS": ""}, "validation": {"held.csv": ROWS}},
        {"train": {"train/data.csv": ROWS}, "validation": {"data.csv": ROWS}},
    ],
    ids=["folders of a channel", "two channels of several files", "both"],
)
def test_layouts_of_the_data(files: Channels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    indices = {
        name: text if name[-4:] != "json" else '{"cat_index_list": [1]}' for name, text in files.get("training", {}).items()
    }
    channels(tmp_path, monkeypatch, {**files, **({"training": indices} if indices else {})})
    tables = tabular.load(classes=True)
    for features, targets in (tables.train, tables.validation):
        assert targets.tolist() == [1, 0, 1, 0, 1]
        assert features[:, 0].tolist() == [10, 20, 10, 20, 10]
        assert np.isnan(features[2, 1])
        assert features[3, 1] == 1000
    assert tables.categorical == ([0] if indices else [])


def test_a_fifth_is_held_out_where_there_is_no_validation_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    channels(tmp_path, monkeypatch, {"train": {"data.csv": "".join(f"{n % 2},{n}\n" for n in range(50))}})
    tables = tabular.load(classes=True)
    seen, held = tables.train[0][:, 0].tolist(), tables.validation[0][:, 0].tolist()
    assert sorted([*seen, *held]) == list(range(50))
    assert len(held) == 10
    assert "10 of 50 rows" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "The channel 'train' or 'training' is required."),
        ({"train": {"readme.json": "{}"}}, "There is no CSV file in"),
        ({"train": {"data.csv": "1\n2\n"}}, "has one column"),
        ({"train": {"a.csv": "1,2\n", "b.csv": "1,2,3\n"}}, "b.csv 3"),
        (
            {"train": {"a.csv": "1,2\n"}, "validation": {"b.csv": "1,2,3\n"}},
            "The training data have 2 columns, and the validation data 3.",
        ),
        ({"train": {"data.csv": "0.5,2\n1,2\n"}}, "The column 0 (the target) holds 0.5"),
        ({"train": {"data.csv": "-1,2\n1,2\n"}}, "The column 0 (the target) holds -1"),
        ({"train": {"data.csv": ROWS, "c.json": '{"cat_index_list": [2]}'}}, "The column 2 (a categorical feature) holds"),
        ({"train": {"data.csv": ROWS, "c.json": '{"cat_index_list": [0]}'}}, "a list of unique columns from 1 to 2"),
        ({"train": {"data.csv": ROWS, "c.json": '{"cat_index_list": [1, 1]}'}}, "a list of unique columns from 1 to 2"),
        ({"train": {"data.csv": ROWS, "c.json": "[1]"}}, "c.json must be"),
        ({"train": {"data.csv": ROWS, "c.json": "{}", "d.json": "{}"}}, "one JSON file at most"),
    ],
)
def test_what_the_user_has_to_mend(files: Channels, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    channels(tmp_path, monkeypatch, files)
    with pytest.raises(tabular.TrainingError) as raised:
        tabular.load(classes=True)
    assert sentence in str(raised.value)


def test_text_is_refused_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    channels(tmp_path, monkeypatch, {"train": {"data.csv": "1,2\n1,yes\n"}})
    with pytest.raises(tabular.TrainingError, match=r"data\.csv is no CSV of numbers without a header: .*'yes'"):
        tabular.load(classes=False)


def test_hyperparameters_have_types_and_defaults_and_others_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = [
        {"name": "num_leaves", "type": "int", "default": "64"},
        {"name": "learning_rate", "type": "float", "default": "0.1"},
        {"name": "metric", "type": "text", "default": "auto"},
    ]
    document = {"title": "LightGBM", "task": "regression", "hyperparameters": entries}
    (tmp_path / "algorithm.json").write_text(json.dumps(document))
    monkeypatch.setattr(tabular, "HERE", tmp_path)
    monkeypatch.setattr("sys.argv", ["transfer_learning.py", "--num_leaves", "8", "--num_leafs", "9"])
    assert tabular.begin() == ({"num_leaves": 8, "learning_rate": 0.1, "metric": "auto"}, "regression")
    said = capsys.readouterr().out
    assert "a local stand-in for AWS's LightGBM" in said
    assert "have no effect: --num_leafs 9" in said
    monkeypatch.setattr("sys.argv", ["transfer_learning.py", "--num_leaves", "many"])
    with pytest.raises(argparse.ArgumentError, match="--num_leaves: invalid int value: 'many'"):
        tabular.begin()


@pytest.mark.parametrize(("current", "alone"), [("algo-1", False), ("algo-2", None)])
def test_the_first_host_trains(current: str, alone: bool | None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 - a column
    monkeypatch.setenv("SM_HOSTS", '["algo-1", "algo-2"]')
    monkeypatch.setenv("SM_CURRENT_HOST", current)
    if alone is None:
        with pytest.raises(SystemExit, match="0"):
            tabular.alone()
    else:
        assert tabular.alone() is alone


def test_training_goes_on_from_the_model_of_a_channel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    channels(tmp_path, monkeypatch, {"model": {"readme": ""}})
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert tabular.earlier("model.pkl") is None
    with tarfile.open(tmp_path / "model" / "model.tar.gz", "w:gz") as archive:
        entry = tarfile.TarInfo("./model.pkl")
        entry.size = 5
        archive.addfile(entry, io.BytesIO(b"model"))
    model = tabular.earlier("model.pkl")
    assert model is not None
    assert model.read_bytes() == b"model"


def test_answers_are_aws_s() -> None:
    assert tabular.request(b"1,2\n3,", "text/csv; charset=utf-8")[0].tolist() == [1, 2]
    assert json.loads(tabular.answer(np.array([1.5, 2]), "*/*")) == {"prediction": [1.5, 2]}
    chances = np.array([[0.75, 0.25], [0.25, 0.75]])
    plain = {"probabilities": chances.tolist(), "probabilities-1d": [[0.25], [0.75]]}
    assert json.loads(tabular.answer(chances, "application/json")) == plain
    assert json.loads(tabular.answer(chances, "application/json;verbose")) == {**plain, "predicted_label": [0, 1]}
    with pytest.raises(ValueError, match="unsupported content type application/json"):
        tabular.request("1,2", "application/json")
    with pytest.raises(ValueError, match="unsupported accept text/csv"):
        tabular.answer(chances, "text/csv")
