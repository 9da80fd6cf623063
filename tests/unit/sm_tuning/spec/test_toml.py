"""Tuning jobs in TOML: every place of a file, and what is said of it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sm_tuning import (
    Categorical,
    Invalid,
    TuningJob,
)

WRONG: Mapping[str, object] = {"a table": {"zz": {"yy": 1}}, "a number": 4.5, "text": "x y", "a truth": True, "a list": ["a", 1]}

DOCUMENT: dict[str, Any] = {
    "name": "a",
    "role": "arn:aws:iam::123456789012:role/r",
    "output": "s3://b/c",
    "script": {"entry": "train.py", "source": "."},
    "strategy": {"name": "Random", "seed": 1, "early_stopping": True},
    "max_jobs": 3,
    "max_parallel": 1,
    "autotune": False,
    "input_mode": "File",
    "image": "1.dkr.ecr.us-east-1.amazonaws.com/x:1",
    "region": "us-east-1",
    "output_compression": "NONE",
    "max_retries": 1,
    "objective": {"metric": "score", "goal": "Maximize", "regex": "(.)", "sample": "1"},
    "metrics": [{"name": "loss", "regex": "(.)", "sample": "1"}],
    "ranges": {
        "learning_rate": {"low": 0.001, "high": 0.1},
        "lr": {"preset": "learning_rate"},
        "units": {"low": 1, "high": 9, "scaling": "Linear", "integer": True},
        "optimizer": {"values": ["adam", "sgd"]},
    },
    "hyperparameters": {"width": 3},
    "environment": {"A": "b"},
    "tags": {"team": "ml"},
    "completion": {"target": 0.5, "not_improving": 3, "on_convergence": True, "max_runtime": 120},
    "network": {"subnets": ["subnet-1"], "security_groups": ["sg-1"], "isolated": True, "encrypted": True},
    "encryption": {"output_key": "k", "volume_key": "k"},
    "warm_start": {"parents": ["b"], "type": "TransferLearning"},
    "resources": {
        "instance_type": "ml.m5.large", "instance_count": 1, "volume_gb": 1, "max_runtime": 60, "max_pending": 7200,
        "spot": True, "max_wait": 60, "checkpoints": "s3://b/c", "checkpoint_path": "/opt/ml/checkpoints", "keep_alive": 60,
        "training_plan": "arn:aws:sagemaker:us-east-1:123456789012:training-plan/p",
        "placement": {"servers": {"u": 1}, "several_jobs": True},
    },
    "channels": [
        {"name": "train", "source": "s3://b/c", "content_type": "text/csv", "input_mode": "Pipe", "distribution": "FullyReplicated",
         "data_type": "S3Prefix", "compression": "Gzip", "record_wrapper": "RecordIO", "shuffle_seed": 1, "attributes": [],
         "groups": [], "accept_eula": True, "hub_content": "arn:aws:sagemaker:us-east-1:123456789012:hub-content/h/Model/m/1"},
        {"name": "files", "source": {"id": "fs-01234567", "path": "/", "kind": "EFS", "access": "ro"}},
        {"name": "set", "source": {"arn": "arn:aws:sagemaker:us-east-1:123456789012:hub-content/h/DataSet/d"}},
    ],
}  # fmt: skip


PREFERENCES = {
    "preferences": [{"type": "ml.m5.large", "count": 1, "training_plans": []}]
}  # neither spot nor a placement beside it


def written(value: object) -> str:
    """A value in TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {written(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value)


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where a value can be replaced by another."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def replaced(value: Any, path: tuple[str | int, ...], new: object) -> Any:
    if not path:
        return new
    first, *rest = path
    if isinstance(value, list):
        return [replaced(item, tuple(rest), new) if index == first else item for index, item in enumerate(value)]
    return {name: replaced(item, tuple(rest), new) if name == first else item for name, item in value.items()}


def said_of(document: Mapping[str, Any], folder: Path) -> str:
    file = folder / "job.toml"
    file.write_text("\n".join(f"{name} = {written(value)}" for name, value in document.items()))
    try:
        report = TuningJob.from_toml(file).dry_run()
    except Invalid as error:
        return str(error)
    return "" if report.ok else str(report)


@pytest.mark.parametrize("kind", WRONG)
def test_every_place_of_a_file(kind: str, tmp_path: Path) -> None:
    (tmp_path / "train.py").touch()
    assert said_of(DOCUMENT, tmp_path) == ""
    preferring = {**DOCUMENT, "resources": PREFERENCES}
    assert said_of(preferring, tmp_path) == ""
    all_places = [(DOCUMENT, path) for path in places(DOCUMENT)]
    assert len(all_places) > 100
    for document, path in [*all_places, *((preferring, ("resources", *path)) for path in places(PREFERENCES))]:
        said = said_of(replaced(document, path, WRONG[kind]), tmp_path)
        if kind == "a table":
            *_, key = (step for step in path if isinstance(step, str))
            assert str(key) in said, path


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('resources = {max_runtime = "60", spot = true}', "resources.max_runtime is '60'; it must be a whole number"),
        ('max_jobs = "4"', "max_jobs is '4'; it must be a whole number"),
        ("channels = 3", "channels is 3; it must be a list"),
        ('channels = [{name = "a"}]', "channels.source is missing; it is required"),
        ('script = {source = "."}', "script.entry is missing; it is required"),
        (
            "ranges = {x = {low = 1, high = 9, scaling = 'log'}}",
            "ranges.x: scaling is 'log'; it must be one of Auto, Linear, Log",
        ),
        ("ranges = {x = {low = '1', high = 9}}", "ranges.x.low is '1'; it must be a number"),
        ("ranges = {x = {values = [1], low = 1}}", "ranges.x has low, which does not go together with values"),
        (
            "ranges = {learning_rate = [1e-4, 1e-1]}",
            "two values or a range; write { values = [0.0001, 0.1] } for the two values, or { low = 0.0001, high = 0.1 } for all",
        ),
        ("objective = {goal = 'Maximize'}", "objective.metric is missing; it is required"),
        ("objective = {metric = 3, goal = 'Maximize'}", "objective.metric is 3; it must be text"),
        ("objective = {metric = 'm'}", "objective.goal is missing; it is required"),
        ("warm_start = {parents = 'a'}", "warm_start.parents is 'a'; it must be a list"),
        ("strategy = 3", "strategy is 3; it must be a table"),
        ("completion = 3", "completion is 3; it must be a table"),
        ("warm_start = 3", "warm_start is 3; it must be a table"),
        ("resources = {placement = 3}", "resources.placement is 3; it must be a table"),
        (
            "resources = {alternatives = [{type = 'ml.m5.large', count = '2'}]}",
            "resources.alternatives[0].count is '2'; it must be a whole",
        ),
        ("resources = {alternatives = [{count = 2}]}", "resources.alternatives.type is missing; it is required"),
        ("resources = {max_runtim = 60}", "resources has an unknown key 'max_runtim'; did you mean 'max_runtime'?"),
        ("hyperparameter = {}", "the file has an unknown key 'hyperparameter'; did you mean 'hyperparameters'?"),
        ("tags = {team = 3}", "tags.team is 3; it must be text"),
    ],
)
def test_what_is_said_of_a_file(line: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "train.py").touch()
    name = line.split(" ", maxsplit=1)[0]
    document = {key: value for key, value in DOCUMENT.items() if key != name}
    file = tmp_path / "job.toml"
    file.write_text("\n".join([line, *(f"{key} = {written(value)}" for key, value in document.items())]))
    with pytest.raises(Invalid) as error:
        TuningJob.from_toml(file)
    assert text in str(error.value)
    assert str(error.value).startswith(f"{file}: ")


def test_values_of_a_preset_can_be_meant_as_values(tmp_path: Path) -> None:
    (tmp_path / "train.py").touch()
    file = tmp_path / "job.toml"
    document = {**DOCUMENT, "ranges": {"learning_rate": {"values": [0.1, 0.2]}, "batch_size": [16, 32, 64]}}
    file.write_text("\n".join(f"{key} = {written(value)}" for key, value in document.items()))
    assert [type(parameter_range) for parameter_range in TuningJob.from_toml(file).definition.ranges] == [
        Categorical,
        Categorical,
    ]
