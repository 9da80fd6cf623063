"""Makes training jobs from the definitions of a tuning job."""

from datetime import datetime

from local_emulator.documents import parse
from local_emulator.domain.jobs import Document, Secondary, Status, Transition
from local_emulator.domain.names import OBJECTIVE_STATIC, child_name, seeded_token
from local_emulator.domain.space import Point
from local_emulator.domain.training import TrainingJob
from local_emulator.domain.transitions import STARTING
from local_emulator.domain.tuning import Definition, TuningJob

_COPIED = (
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "VpcConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "RetryStrategy",
    "Environment",
)


def new_training_job(
    tuning: TuningJob, definition: Definition, tuned: Point, index: int, token: str, now: datetime, attempt: int = 0
) -> TrainingJob:
    """The index-th training job (from 1) of a tuning job; `token` (32 hexadecimal digits) names its run.

    With a RandomSeed the name is a function of the seed and `attempt`, so it is reproducible; otherwise of the token.
    """
    named = token[:8] if tuning.plan.seed is None else seeded_token(tuning.name, index, tuning.plan.seed, attempt)
    name = child_name(tuning.name, index, named)
    request = _request(definition, tuned, name)
    return TrainingJob(
        name=name,
        arn=tuning.scope.training_arn(name),
        region=tuning.region,
        request=request,
        spec=parse.training(request),
        run=token,
        status=Status.IN_PROGRESS,
        secondary=Secondary.STARTING,
        created=now,
        modified=now,
        transitions=(Transition(status=Secondary.STARTING, start=now, message=STARTING),),
        tuning=tuning.name,
        tuning_arn=tuning.arn,
        definition=definition.name,
        objective=definition.objective.metric,
        tuned=tuned,
        index=index,
        tags=tuning.tags,
    )


def _request(definition: Definition, tuned: Point, name: str) -> Document:
    document = definition.document
    hyperparameters = {**definition.spec.hyperparameters, **tuned, OBJECTIVE_STATIC: definition.objective.metric}
    request = {
        "TrainingJobName": name,
        "HyperParameters": dict(sorted(hyperparameters.items())),
        "AlgorithmSpecification": document["AlgorithmSpecification"],
        **{member: document[member] for member in _COPIED if member in document},
        "ResourceConfig": resources_of(document),
    }
    if "CheckpointConfig" in document:
        # All have the request's location: without a folder for each they would overwrite each other's checkpoints.
        config = document["CheckpointConfig"]
        request["CheckpointConfig"] = {**config, "S3Uri": f"{config['S3Uri'].rstrip('/')}/{name}"}
    return request


def resources_of(document: Document) -> Document:
    """ResourceConfig of a definition's training jobs; the first of several configurations."""
    if "ResourceConfig" in document:
        resources: Document = document["ResourceConfig"]
        return resources
    chosen = document["HyperParameterTuningResourceConfig"]
    first = chosen.get("InstanceConfigs", [chosen])[0]
    kept = ("InstanceType", "InstanceCount", "VolumeSizeInGB")
    named = {member: first[member] for member in kept if member in first}
    return named | ({"VolumeKmsKeyId": chosen["VolumeKmsKeyId"]} if "VolumeKmsKeyId" in chosen else {})
