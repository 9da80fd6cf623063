"""Changes of a training job's request; the parsed form changes with it."""

from dataclasses import replace
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


def updated(job: TrainingJob, request: Document) -> TrainingJob:
    """The job after UpdateTrainingJob."""
    changed = {**job.request, **{name: job.request.get(name, {}) | request[name] for name in _MERGED if name in request}}
    if "ProfilerRuleConfigurations" in request:
        changed["ProfilerRuleConfigurations"] = request["ProfilerRuleConfigurations"]
    return _with_request(job, changed)


def _with_request(job: TrainingJob, request: Document) -> TrainingJob:
    return replace(job, request=request, spec=parse.training(request))
