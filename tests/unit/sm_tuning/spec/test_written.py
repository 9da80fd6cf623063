"""Tuning jobs as text: what is written is read as the same tuning job, in TOML and in Python."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sm_tuning import Categorical, Channel, Completion, Continuous, Integer, Metric, Objective, Script, TuningJob
from sm_tuning.spec.written import as_python, as_toml, members
from tests.unit.sm_tuning.descriptions import FULL, whole

Make = Callable[..., TuningJob]

# Texts that would leave their quotes, their line or their table.
HOSTILE = [
    "it's",
    'say "so"',
    "back\\slash",
    "back\\slash's",
    "two\nlines",
    "tab\there",
    "bell\x07",
    "delete\x7f",
    "[table]",
    "# no comment",
    "1e5",
    "007",
    "nan",
    "True",
    "名前",
    "😀",
    "",
]


def read(text: str, tmp_path: Path) -> TuningJob:
    file = tmp_path / "written.toml"
    file.write_text(text, encoding="utf-8")
    return TuningJob.from_toml(file)


def run(text: str) -> TuningJob:
    names: dict[str, Any] = {}
    exec(text, names)  # noqa: S102 - the program that is tried
    job = names["job"]
    assert isinstance(job, TuningJob)
    return job


@pytest.mark.parametrize("name", FULL)
def test_what_is_written_is_read_again(name: str, job: Make, tmp_path: Path) -> None:
    written = job(**FULL[name])
    assert read(as_toml(written), tmp_path).request() == written.request()
    assert run(as_python(written)).request() == written.request()


def test_all_members_are_written(job: Make, tmp_path: Path) -> None:
    written = whole(job, tmp_path)
    assert read(as_toml(written), tmp_path).request() == written.request()
    assert run(as_python(written)).request() == written.request()


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_stay_texts(text: str, job: Make, tmp_path: Path) -> None:
    written = job(
        hyperparameters={"a": text, text or "b": "1"},
        environment={"A": text},
        tags={"team": text},
        ranges=[Categorical("c", [text, "other"]), Continuous(text or "d", 0.5, 1.5)],
        metrics=[Metric("m", f"({text.replace('[', '').replace(chr(92), '')})")],
        channels=[Channel("c", "s3://b/c", content_type=text)],
    )
    assert read(as_toml(written, {"": [text], f"ranges.{text}": [text]}), tmp_path).request() == written.request()
    assert run(as_python(written, {"": [text], f"ranges.{text}": [text]})).request() == written.request()


def test_presets_names_mean_no_presets(job: Make, tmp_path: Path) -> None:
    ranges = [
        Continuous("learning_rate", 1, 2),
        Integer("batch_size", 5, 7),
        Continuous("epochs", 1, 30),
        Categorical("dropout", [0, 0.5]),
    ]
    assert read(as_toml(job(ranges=ranges)), tmp_path).definition.ranges == ranges


def test_defaults_are_left_out(job: Make) -> None:
    text = as_toml(job(max_parallel=1, metrics=()))
    assert [line for line in text.splitlines() if line and not line.startswith(("script", "["))] == [
        'name = "good"',
        'role = "arn:aws:iam::123456789012:role/SageMakerRole"',
        'output = "s3://bucket/prefix/"',
        'strategy = { name = "Random", seed = 1 }',
        "max_jobs = 2",
        'metric = "score"',
        'goal = "Minimize"',
        'regex = "score=([-+0-9.eE]+)"',
        'sample = "score=1e-05"',
        'learning_rate = { low = 0.0001, high = 0.1, scaling = "Logarithmic" }',
    ]
    assert members(Completion(target=1)) == {"target": 1}
    assert members(Script("a")) == {"entry": "a"}


def test_a_default_that_something_is_said_of_is_written(job: Make) -> None:
    written = job(max_parallel=1)
    for text, line in ((as_toml, "max_parallel = 1"), (as_python, "    max_parallel=1,")):
        lines = text(written, {"max_parallel": ["was 2"]}).splitlines()
        assert lines[[each.strip() for each in lines].index("# was 2") + 1] == line


def test_comments_stand_above_their_members(job: Make) -> None:
    comments = {"": ["head"], "strategy": ["why"], "ranges.learning_rate": ["narrower", "twice"], "objective": ["the same"]}
    toml = as_toml(job(), comments).splitlines()
    assert toml[:1] == ["# head"]
    assert toml[toml.index("# why") + 1].startswith("strategy = ")
    assert toml[toml.index("# narrower") + 1] == "# twice"
    assert toml[toml.index("# narrower") + 2].startswith("learning_rate = ")
    assert toml[toml.index("# the same") + 1 :][:2] == ["", "[objective]"]
    python = as_python(job(), comments).splitlines()
    assert python[python.index("        # twice") + 1].startswith("        Continuous('learning_rate', 0.0001, 0.1")
    assert python[python.index("    # why") + 1].startswith("    strategy=")


def test_long_calls_are_broken(job: Make) -> None:
    text = as_python(job(objective=Objective.minimize("m" * 40, "(" + "x" * 60 + ")")))
    assert max(map(len, text.splitlines())) < 120
    assert run(text).definition.objective == Objective.minimize("m" * 40, "(" + "x" * 60 + ")")
