"""Training jobs of a tuning job, made of its definitions."""

from datetime import datetime

from local_emulator.documents import parse
from local_emulator.domain.jobs import Document, Secondary, Status, Transition
from local_emulator.domain.names import OBJECTIVE_METRIC, OBJECTIVE_STATIC, child_name, seeded_token
from local_emulator.domain.space import Point
from local_emulator.domain.training import TrainingJob
from local_emulator.domain.transitions import STARTING
from local_emulator.domain.tuning import Definition, TuningJob
from sm_tuning.rules import catalogue

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

    With a RandomSeed its name follows from that and from `attempt`, so that it is the same each time; else from the token.
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
    hyperparameters = {**definition.training.hyperparameters, **tuned, OBJECTIVE_STATIC: definition.objective.metric}
    request = {
        "TrainingJobName": name,
        "HyperParameters": dict(sorted(hyperparameters.items())),
        "AlgorithmSpecification": document["AlgorithmSpecification"],
        **{member: document[member] for member in _COPIED if member in document},
        "ResourceConfig": resources_of(document),
    }
    if "CheckpointConfig" in document:
        # Children share the request's location; each gets a folder of its own, or they would overwrite one another.
        config = document["CheckpointConfig"]
        request["CheckpointConfig"] = {**config, "S3Uri": f"{config['S3Uri'].rstrip('/')}/{name}"}
    return request


def resources_of(document: Document) -> Document:
    """ResourceConfig of a definition's training jobs; of several configurations the first."""
    if "ResourceConfig" in document:
        resources: Document = document["ResourceConfig"]
        return resources
    chosen = document["HyperParameterTuningResourceConfig"]
    first = chosen.get("InstanceConfigs", [chosen])[0]
    kept = ("InstanceType", "InstanceCount", "VolumeSizeInGB")
    named = {member: first[member] for member in kept if member in first}
    return named | ({"VolumeKmsKeyId": chosen["VolumeKmsKeyId"]} if "VolumeKmsKeyId" in chosen else {})


def with_stock_metrics(document: Document, objective: str | None = None) -> Document:
    """A request for training with the metric definitions that AWS has for its algorithm; as it is if the algorithm is not AWS's."""
    specification = document["AlgorithmSpecification"]
    algorithm = catalogue.find(specification.get("TrainingImage", ""))
    if algorithm is None:
        return document
    hyperparameters = document.get("HyperParameters", document.get("StaticHyperParameters", {}))
    metrics = [{"Name": name, "Regex": regex} for name, regex in algorithm.metrics_of(hyperparameters, objective).items()]
    return {**document, "AlgorithmSpecification": {**specification, "MetricDefinitions": metrics}}


def with_objective_metric(document: Document, metric: str) -> Document:
    """A training job definition whose metric definitions end with `ObjectiveMetric`, as AWS echoes it."""
    algorithm = document["AlgorithmSpecification"]
    metrics = [one for one in algorithm.get("MetricDefinitions", ()) if one["Name"] != OBJECTIVE_METRIC]
    regex = next((one["Regex"] for one in metrics if one["Name"] == metric), None)
    if regex is None:
        return document
    extended = [*metrics, {"Name": OBJECTIVE_METRIC, "Regex": regex}]
    return {**document, "AlgorithmSpecification": {**algorithm, "MetricDefinitions": extended}}
