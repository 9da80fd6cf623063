"""Changes of a training job's request; the parsed form changes with it."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from local_emulator.documents import parse
from local_emulator.domain.jobs import Document
from local_emulator.domain.spec import InstanceGroup
from local_emulator.domain.training import TrainingJob

_MERGED = ("ResourceConfig", "RemoteDebugConfig", "ProfilerConfig")


def on_instances(job: TrainingJob, instances: InstanceGroup) -> TrainingJob:
    """The job on selected instances: one of the InstancePreferences, or of the tuning job's InstanceConfigs."""
    prefix = "Selected" if job.spec.resources.alternatives else ""
    config: dict[str, Any] = {
        f"{prefix}InstanceType": instances.instance_type,
        f"{prefix}InstanceCount": instances.instance_count,
    }
    if instances.volume_size is not None:
        config["VolumeSizeInGB"] = instances.volume_size
    return _with_request(job, {**job.request, "ResourceConfig": {**job.request["ResourceConfig"], **config}})


def updated(job: TrainingJob, request: Document, now: datetime) -> TrainingJob:
    """The job after UpdateTrainingJob. A job that has had a warm pool shows its end even if KeepAlivePeriodInSeconds becomes 0."""
    changed = {**job.request, **{name: job.request.get(name, {}) | request[name] for name in _MERGED if name in request}}
    if "ProfilerRuleConfigurations" in request:
        changed["ProfilerRuleConfigurations"] = request["ProfilerRuleConfigurations"]
    pooled = job.pooled or job.spec.resources.keep_alive_period > 0
    return replace(_with_request(job, changed), modified=now, pooled=pooled)


def _with_request(job: TrainingJob, request: Document) -> TrainingJob:
    return replace(job, request=request, spec=parse.training(request))
