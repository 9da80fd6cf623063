"""Quotas of the account: AWS's defaults, or the settings'."""

from collections import Counter
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from local_emulator.documents import hosting
from local_emulator.domain.endpoint import Deployment
from local_emulator.domain.errors import ResourceLimitExceeded
from local_emulator.domain.jobs import ACTIVE
from local_emulator.domain.names import AwsScope
from local_emulator.domain.processing import ProcessingSpec
from local_emulator.domain.spec import TrainingSpec
from local_emulator.domain.transform import TransformSpec
from local_emulator.domain.tuning import Plan
from local_emulator.settings import Quotas
from local_emulator.store.base import Query, Store, Table

_ASK = (
    "Please use AWS Service Quotas to request an increase for this quota. If AWS Service Quotas is not available, contact AWS "
    "support to request an increase for this quota."
)
_JOBS = "Training Jobs"
# In botocore's enum, but for notebooks, processing and hosting only. Recorded: ml.t3.medium.
_NOT_FOR_TRAINING = ("ml.t2.*", "ml.t3.*")
_NOT_IN_REGION = {"us-west-1": ("ml.p2.*",)}  # recorded


def check_tuning_job(plan: Plan, store: Store, quotas: Quotas, scope: AwsScope) -> None:
    """Raise ResourceLimitExceeded if a tuning job exceeds a quota."""
    jobs = quotas.random_training_jobs if plan.strategy == "Random" else quotas.training_jobs
    parallel = plan.max_parallel
    of_a_job = "per hyperparameter tuning job"
    _check(f"Maximum number of training jobs {of_a_job}", jobs, _JOBS, 0, plan.max_jobs or 0)
    _check(f"Maximum number of parallel training jobs {of_a_job}", quotas.parallel_training_jobs, _JOBS, 0, parallel)
    active = len(store.tunings.find(Query(scope=scope, statuses=ACTIVE)).items)
    _check("Number of concurrent hyperparameter tuning jobs", quotas.tuning_jobs, "Tuning Jobs", active, 1)
    for definition in plan.definitions:
        _check_instances(definition.spec, parallel, store, quotas, scope)


def check_training_job(spec: TrainingSpec, store: Store, quotas: Quotas, scope: AwsScope) -> None:
    """Raise ResourceLimitExceeded if a training job's instances exceed a quota."""
    _check_instances(spec, 1, store, quotas, scope)


def check_processing_job(spec: ProcessingSpec, store: Store, quotas: Quotas, scope: AwsScope) -> None:
    """Raise ResourceLimitExceeded if a processing job's instances exceed a quota."""
    _check_job("processing", spec, store.processings, quotas, scope)


def check_transform_job(spec: TransformSpec, store: Store, quotas: Quotas, scope: AwsScope) -> None:
    """Raise ResourceLimitExceeded if a transform job's instances exceed a quota."""
    _check_job("transform", spec, store.transforms, quotas, scope)


def _check_job(what: str, spec: ProcessingSpec | TransformSpec, table: Table[Any], quotas: Quotas, scope: AwsScope) -> None:
    kind = spec.instance_type
    if kind in quotas.instances:
        active = table.find(Query(scope=scope, statuses=ACTIVE)).items
        used = sum(job.spec.instance_count for job in active if job.spec.instance_type == kind)
        _check(f"{kind} for {what} job usage", quotas.instances[kind], "Instances", used, spec.instance_count)


def check_endpoint(deployment: Deployment, name: str, store: Store, quotas: Quotas, scope: AwsScope) -> None:
    """Raise ResourceLimitExceeded if a new deployment of an endpoint, beside all other endpoints, exceeds a quota of instances."""
    wanted = _instance_counts(deployment)
    if not wanted.keys() & quotas.instances.keys():
        return
    others = [endpoint for endpoint in store.endpoints.find(Query(scope=scope)).items if endpoint.name != name]
    used = sum((_instance_counts(endpoint.serving, endpoint.pending) for endpoint in others), Counter[str]())
    for kind, count in wanted.items():
        if kind in quotas.instances:
            _check(f"{kind} for endpoint usage", quotas.instances[kind], "Instances", used[kind], count)


def _instance_counts(*deployments: Deployment | None) -> Counter[str]:
    """How many instances deployments have together of each type: one may go on in the next; serverless variants have none."""
    kinds = {
        instance.run: kind
        for deployment in deployments
        if deployment is not None
        for variant in deployment.variants
        if (kind := hosting.instance_type(variant.config)) is not None
        for instance in variant.instances
    }
    return Counter(kinds.values())


def _check_instances(spec: TrainingSpec, parallel: int, store: Store, quotas: Quotas, scope: AwsScope) -> None:
    for kind in [group.instance_type for group in (*spec.resources.groups, *spec.resources.alternatives)]:
        if not _offered(kind, scope.region):
            raise ResourceLimitExceeded(f"The requested resource training-job/{kind} is not available in this region")
    for usage, (kind, count) in _usages(spec).items():
        if kind in quotas.instances:
            active = store.trainings.find(Query(scope=scope, statuses=ACTIVE)).items
            used = sum(_usages(job.spec).get(usage, ("", 0))[1] for job in active)
            _check(usage, quotas.instances[kind], "Instances", used, parallel * count)


def _offered(kind: str, region: str) -> bool:
    patterns = (*_NOT_FOR_TRAINING, *_NOT_IN_REGION.get(region, ()))
    return not any(fnmatchcase(kind, pattern) for pattern in patterns)


def _usages(spec: TrainingSpec) -> Mapping[str, tuple[str, int]]:
    """(instance type, count) by quota name. Of alternatives the first counts: the others are used only without capacity."""
    spot = "spot " if spec.managed_spot else ""
    usages: dict[str, tuple[str, int]] = {}
    for group in spec.resources.groups or spec.resources.alternatives[:1]:
        kind = group.instance_type
        usage = f"{kind} for {spot}training job usage"
        usages[usage] = kind, usages.get(usage, (kind, 0))[1] + group.instance_count
    return usages


def _check(name: str, limit: int, noun: str, used: int, wanted: int) -> None:
    if used + wanted > limit:
        raise ResourceLimitExceeded(
            f"The account-level service limit '{name}' is {limit} {noun}, with current utilization of {used} {noun} and a request "
            f"delta of {wanted} {noun}. {_ASK}"
        )
