"""The machines of a training job, and for how long it has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sm_tuning.errors import Invalid
from sm_tuning.spec.request import given
from sm_tuning.spec.value_types import integral


@dataclass(frozen=True)
class Instance:
    """Machines of one type, for `Resources.alternatives` and `Resources.preferences`.

    Args:
        type: The instance type, as `ml.m5.large`.
        count: How many of them.
        volume_gb: Disk of each in GB; for `alternatives` only.
        training_plans: ARNs of training plans whose capacity is taken; for `preferences` only.
    """

    type: str
    count: int = 1
    volume_gb: int = 30
    training_plans: Sequence[str] = ()


@dataclass(frozen=True)
class InstanceGroup:
    """Machines of one type in a cluster of several types.

    Args:
        name: By which channels and scripts know the group.
        type: The instance type, as `ml.m5.large`.
        count: How many of them.
    """

    name: str
    type: str
    count: int = 1


@dataclass(frozen=True, kw_only=True)
class Placement:
    """On which UltraServers instances are placed.

    Args:
        servers: The number of instances on each UltraServer, by its id.
        several_jobs: Whether several training jobs may share an UltraServer.
    """

    servers: Mapping[str, int] = field(default_factory=dict)
    several_jobs: bool = False

    def request(self) -> Mapping[str, Any]:
        """InstancePlacementConfig in AWS's form."""
        specifications = [{"UltraServerId": server, "InstanceCount": count} for server, count in self.servers.items()]
        return {"EnableMultipleJobs": self.several_jobs} | given(PlacementSpecifications=specifications or None)


@dataclass(frozen=True, kw_only=True)
class Resources:
    """The machine of each training job, and for how long.

    Args:
        instance_type: The machine.
        instance_count: How many of them.
        volume_gb: Disk of each, in GB.
        max_runtime: Seconds that a training job may run.
        max_pending: Seconds that a training job may wait for capacity of a training plan.
        spot: Whether to take spare capacity, which is cheaper and may be taken back.
        max_wait: Seconds that waiting and training may take together, with `spot`; twice `max_runtime` unless given.
        checkpoints: `s3://` prefix that the script's checkpoints are kept in; without it an interrupted job begins anew.
        checkpoint_path: Where the script writes them; None for `/opt/ml/checkpoints`.
        keep_alive: Seconds that an instance is kept warm for the next training job.
        alternatives: Machines to try, in this order, when there is no capacity for the first.
        groups: A cluster of several types, in place of `instance_type` and `instance_count`.
        training_plan: ARN of the training plan whose capacity is taken.
        placement: On which UltraServers.
        preferences: Machines to choose from, in place of `instance_type` and `instance_count`.

    Raises:
        Invalid: Two of those that exclude one another are given: `alternatives` and `keep_alive`, `groups`, `training_plan`,
            `placement` or `preferences`; `groups` and `preferences`.
    """

    instance_type: str = "ml.m5.large"
    instance_count: int = 1
    volume_gb: int = 30
    max_runtime: int = 3600
    max_pending: int | None = None
    spot: bool = False
    max_wait: int | None = None
    checkpoints: str | None = None
    checkpoint_path: str | None = None
    keep_alive: int | None = None
    alternatives: Sequence[Instance] = ()
    groups: Sequence[InstanceGroup] = ()
    training_plan: str | None = None
    placement: Placement | None = None
    preferences: Sequence[Instance] = ()

    def __post_init__(self) -> None:
        if self.spot is True and self.max_wait is None and integral(self.max_runtime):
            object.__setattr__(self, "max_wait", 2 * self.max_runtime)
        only_without = {
            name: getattr(self, name) for name in ("keep_alive", "groups", "training_plan", "placement", "preferences")
        }
        clash = [name for name, value in only_without.items() if value] if self.alternatives else []
        if clash:
            raise Invalid(f"alternatives and {clash[0]} are both given; AWS has no request for the two together")
        if self.groups and self.preferences:
            raise Invalid("groups and preferences are both given; AWS takes one of them")

    def request(self, volume_key: str | None) -> Mapping[str, Any]:
        """ResourceConfig, or HyperParameterTuningResourceConfig if there are alternatives, with the member's name."""
        if self.alternatives:
            first = Instance(self.instance_type, self.instance_count, self.volume_gb)
            several = [
                {"InstanceType": machine.type, "InstanceCount": machine.count, "VolumeSizeInGB": machine.volume_gb}
                for machine in (first, *self.alternatives)
            ]
            config = {"AllocationStrategy": "Prioritized", "InstanceConfigs": several} | given(VolumeKmsKeyId=volume_key)
            return {"HyperParameterTuningResourceConfig": config}
        single = {"InstanceType": self.instance_type, "InstanceCount": self.instance_count}
        groups = [
            {"InstanceGroupName": group.name, "InstanceType": group.type, "InstanceCount": group.count} for group in self.groups
        ]
        preferences = [
            {"InstanceType": machine.type, "InstanceCount": machine.count}
            | given(TrainingPlanArns=list(machine.training_plans) or None)
            for machine in self.preferences
        ]
        return {
            "ResourceConfig": ({} if groups or preferences else single)
            | {"VolumeSizeInGB": self.volume_gb}
            | given(
                VolumeKmsKeyId=volume_key,
                KeepAlivePeriodInSeconds=self.keep_alive,
                InstanceGroups=groups or None,
                TrainingPlanArn=self.training_plan,
                InstancePlacementConfig=None if self.placement is None else dict(self.placement.request()),
                InstancePreferences=preferences or None,
            )
        }
