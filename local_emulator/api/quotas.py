"""The account's quotas: AWS's defaults unless the settings say otherwise."""

from collections.abc import Iterator

from local_emulator.domain.errors import ResourceLimitExceeded
from local_emulator.domain.jobs import ACTIVE, Document
from local_emulator.domain.names import AwsScope
from local_emulator.settings import Quotas
from local_emulator.store.base import Query, Store

_ASK = (
    "Please use AWS Service Quotas to request an increase for this quota. If AWS Service Quotas is not available, contact AWS "
    "support to request an increase for this quota."
)
_JOBS = "Training Jobs"


def check_tuning_job(request: Document, store: Store, quotas: Quotas, scope: AwsScope) -> None:
    """Raise ResourceLimitExceeded if a tuning job (its request as Describe echoes it) is more than the account may have."""
    config = request["HyperParameterTuningJobConfig"]
    limits = config["ResourceLimits"]
    jobs = quotas.random_training_jobs if config["Strategy"] == "Random" else quotas.training_jobs
    parallel = limits["MaxParallelTrainingJobs"]
    of_a_job = "per hyperparameter tuning job"
    _check(f"Maximum number of training jobs {of_a_job}", jobs, _JOBS, 0, limits["MaxNumberOfTrainingJobs"])
    _check(f"Maximum number of parallel training jobs {of_a_job}", quotas.parallel_training_jobs, _JOBS, 0, parallel)
    active = len(store.tunings.find(Query(scope=scope, statuses=ACTIVE)).items)
    _check("Number of concurrent hyperparameter tuning jobs", quotas.tuning_jobs, "Tuning Jobs", active, 1)
    for definition in request.get("TrainingJobDefinitions") or [request["TrainingJobDefinition"]]:
        _check_instances(definition, parallel, store, quotas, scope)


def check_training_job(request: Document, store: Store, quotas: Quotas, scope: AwsScope) -> None:
    """Raise ResourceLimitExceeded if a training job's instances are more than the account may have."""
    _check_instances(request, 1, store, quotas, scope)


def _check_instances(definition: Document, parallel: int, store: Store, quotas: Quotas, scope: AwsScope) -> None:
    for kind, count in _instances(definition):
        if kind in quotas.instances:
            used = sum(
                n
                for job in store.trainings.find(Query(scope=scope, statuses=ACTIVE)).items
                for k, n in _instances(job.request)
                if k == kind
            )
            _check(f"{kind} for training job usage", quotas.instances[kind], "Instances", used, parallel * count)


def _instances(definition: Document) -> Iterator[tuple[str, int]]:
    """(instance type, count); of several configurations the first is meant, the others are tried when it is short."""
    config = definition.get("ResourceConfig") or definition.get("HyperParameterTuningResourceConfig") or {}
    first = (config.get("InstanceConfigs") or [config])[0]
    if "InstanceType" in first:
        yield first["InstanceType"], first.get("InstanceCount", 1)


def _check(name: str, limit: int, noun: str, used: int, wanted: int) -> None:
    if used + wanted > limit:
        raise ResourceLimitExceeded(
            f"The account-level service limit '{name}' is {limit} {noun}, with current utilization of {used} {noun} and a request "
            f"delta of {wanted} {noun}. {_ASK}"
        )
