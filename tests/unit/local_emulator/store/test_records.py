"""Records of jobs: JSON and back, also those of earlier versions."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local_emulator.documents import parse
from local_emulator.domain.jobs import Secondary, Status
from local_emulator.domain.names import Arn
from local_emulator.domain.spec import S3DataSource
from local_emulator.domain.training import PreviousRun, TrainingJob
from local_emulator.domain.tuning import TuningJob
from local_emulator.store.records import from_json, to_json

HERE = Path(__file__).parent
REQUEST = {"HyperParameters": {"earlier": "a", "told": "b"}}
NOW = datetime(2026, 1, 2, 3, 4, 5, 678, UTC)
JOB = TrainingJob(
    name="again",
    arn=Arn("arn:aws:sagemaker:us-east-1:123456789012:training-job/again"),
    region="us-east-1",
    request=REQUEST,
    spec=parse.training(REQUEST),
    run="run-1",
    status=Status.IN_PROGRESS,
    secondary=Secondary.TRAINING,
    created=NOW,
    modified=NOW,
    previous_runs=(PreviousRun(run="run-0", started=NOW),),
    observation_offset=7,
)


def test_a_job_is_read_as_it_was_written() -> None:
    assert from_json(TrainingJob, to_json(JOB)) == JOB


def test_what_is_parsed_of_the_request_is_not_written() -> None:
    text = to_json(JOB)
    assert "spec" not in json.loads(text)
    assert from_json(TrainingJob, text.replace('"told":"b"', '"told":"c"')).spec.hyperparameters == {"earlier": "a", "told": "c"}


def test_members_that_version_0_1_called_otherwise_are_read() -> None:
    facts = json.loads(to_json(JOB))
    old = {"previous_runs": "earlier", "observation_offset": "told"}
    assert old.keys() < facts.keys()
    assert from_json(TrainingJob, json.dumps({old.get(name, name): value for name, value in facts.items()})) == JOB


def test_records_of_version_0_1_are_read() -> None:
    training = from_json(TrainingJob, (HERE / "training_0_1.json").read_text())
    assert training.spec == parse.training(training.request)
    assert training.spec.channels[0].source == S3DataSource(s3_uri="s3://data/training")
    assert training.spec.stopping.max_runtime == 3600
    assert (training.previous_runs, training.observation_offset) == ((PreviousRun(run="a" * 32, started=training.created),), 5)
    tuning = from_json(TuningJob, (HERE / "tuning_0_1.json").read_text())
    assert tuning.plan == parse.tuning(tuning.request)
    assert (tuning.plan.max_jobs, tuning.plan.definitions[0].spec.hyperparameters["epochs"]) == (100, "10")


def test_a_record_of_a_newer_schema_is_refused() -> None:
    with pytest.raises(ValueError, match="schema"):
        from_json(TrainingJob, json.dumps(json.loads(to_json(JOB)) | {"schema": 2}))
