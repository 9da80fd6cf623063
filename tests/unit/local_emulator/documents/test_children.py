"""Training jobs of a tuning job."""

from dataclasses import replace

from local_emulator.documents import parse
from local_emulator.documents.children import new_training_job, resources_of
from local_emulator.domain.jobs import Secondary, Status
from local_emulator.domain.training import TrainingJob
from tests.made_jobs import NOW, SCOPE
from tests.unit.local_emulator.documents.conftest import child, tuning_job


def test_a_training_job_of_a_tuning_job(job: TrainingJob) -> None:
    assert job.request == {
        "TrainingJobName": "Tune-001-ffffffff",
        "HyperParameters": {"_tuning_objective_metric": "score", "a": "2", "x": "0.5", "z": "1"},
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://box/out/"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    assert list(job.request["HyperParameters"]) == ["_tuning_objective_metric", "a", "x", "z"]
    assert job.spec == parse.training(job.request)
    assert (job.name, job.arn, job.run) == ("Tune-001-ffffffff", SCOPE.training_arn("Tune-001-ffffffff"), "f" * 32)
    assert (job.status, job.secondary) == (Status.IN_PROGRESS, Secondary.STARTING)
    assert (job.tuning, job.tuning_arn, job.definition, job.objective) == ("Tune", SCOPE.tuning_arn("Tune"), "d", "score")
    assert (job.tuned, job.index, job.tags) == ({"x": "0.5"}, 1, {"team": "blue"})


def test_each_has_a_folder_of_its_own_for_checkpoints() -> None:
    job = child(tuning_job(CheckpointConfig={"S3Uri": "s3://box/c/", "LocalPath": "/opt/ml/c"}))
    assert job.request["CheckpointConfig"] == {"S3Uri": "s3://box/c/Tune-001-ffffffff", "LocalPath": "/opt/ml/c"}
    assert job.spec.checkpoints is not None
    assert job.spec.checkpoints.s3_uri == "s3://box/c/Tune-001-ffffffff"


def test_with_a_seed_names_follow_from_it_and_from_the_attempt() -> None:
    job = tuning_job()
    seeded = replace(job, plan=replace(job.plan, seed=7))
    (definition,) = seeded.plan.definitions
    tokens = (("f" * 32, 0), ("e" * 32, 0), ("f" * 32, 1))
    names = [new_training_job(seeded, definition, {}, 1, token, NOW, attempt).name for token, attempt in tokens]
    assert names[0] == names[1] != names[2]
    assert "ffffffff" not in names[0]


def test_the_first_of_several_configurations_is_taken() -> None:
    config = {"InstanceType": "ml.c5.large", "InstanceCount": 1, "VolumeSizeInGB": 5}
    chosen = {"InstanceConfigs": [config, {**config, "InstanceType": "ml.m5.large"}], "VolumeKmsKeyId": "key"}
    assert resources_of({"HyperParameterTuningResourceConfig": chosen}) == {**config, "VolumeKmsKeyId": "key"}
    assert resources_of({"HyperParameterTuningResourceConfig": {**config, "AllocationStrategy": "Prioritized"}}) == config
