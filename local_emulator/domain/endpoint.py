"""An endpoint: the deployment that serves, the one that is to take its place, and the runs that have yet to be ended.

Creating -> InService | Failed. InService -> Updating -> InService, through RollingBack if the new deployment does not come up.
Deleting follows InService and Failed, and ends with the record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from local_emulator.domain.jobs import Document, RecordStatus, Resource


class EndpointStatus(RecordStatus):
    """EndpointStatus; no endpoint here comes to the last three."""

    CREATING = "Creating"
    UPDATING = "Updating"
    ROLLING_BACK = "RollingBack"
    IN_SERVICE = "InService"
    DELETING = "Deleting"
    FAILED = "Failed"
    SYSTEM_UPDATING = "SystemUpdating"
    OUT_OF_SERVICE = "OutOfService"
    UPDATE_ROLLBACK_FAILED = "UpdateRollbackFailed"

    @property
    def may_follow(self) -> frozenset["EndpointStatus"]:
        """The statuses to which an endpoint may go from this one."""
        return _MAY_FOLLOW.get(self, frozenset())

    @property
    def terminal(self) -> bool:
        """Whether nothing serves, or is to serve: an endpoint in service is looked after for as long as it is there."""
        return self is EndpointStatus.FAILED

    @property
    def changing(self) -> bool:
        """Whether a change is under way, so that no other may begin."""
        return self not in {EndpointStatus.IN_SERVICE, EndpointStatus.FAILED}


_MAY_FOLLOW: Mapping[EndpointStatus, frozenset[EndpointStatus]] = {
    EndpointStatus.CREATING: frozenset({EndpointStatus.IN_SERVICE, EndpointStatus.FAILED}),
    EndpointStatus.UPDATING: frozenset({EndpointStatus.IN_SERVICE, EndpointStatus.ROLLING_BACK}),
    EndpointStatus.ROLLING_BACK: frozenset({EndpointStatus.IN_SERVICE}),
    EndpointStatus.IN_SERVICE: frozenset({EndpointStatus.UPDATING, EndpointStatus.DELETING}),
    EndpointStatus.FAILED: frozenset({EndpointStatus.DELETING}),
}


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One serving run: when it was started, and the ports of this machine where its containers listen, as soon as those are known.

    `healthy` once its `/ping` has been answered. `restarts` counts the runs before it that ended soon; it waits until `not_before`.
    """

    run: str
    started: datetime | None = None
    ports: tuple[int, ...] = ()
    healthy: bool = False
    restarts: int = 0
    not_before: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class RetiredRun:
    """A run that serves no more, and the name of its variant."""

    run: str
    variant: str


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A production variant: `config` of the endpoint configuration and `model` as Describe showed them when it was made."""

    name: str
    config: Document
    model: Document
    weight: float
    instances: tuple[Instance, ...]


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """What an endpoint configuration, as DescribeEndpointConfig showed it, becomes: variants with instances."""

    config: Document
    variants: tuple[Variant, ...]
    created: datetime
    policy: Document | None = None  # DeploymentConfig

    @property
    def instances(self) -> Sequence[tuple[Variant, Instance]]:
        """The instances of all variants."""
        return [(variant, instance) for variant in self.variants for instance in variant.instances]

    @property
    def runs(self) -> Sequence[RetiredRun]:
        """The runs of all instances."""
        return [RetiredRun(run=instance.run, variant=variant.name) for variant, instance in self.instances]

    def with_instance(self, run: str, new: Instance) -> "Deployment":
        """The same with another instance in place of the one of that run."""
        variants = tuple(
            replace(variant, instances=tuple(new if old.run == run else old for old in variant.instances))
            for variant in self.variants
        )
        return replace(self, variants=variants)


@dataclass(frozen=True, kw_only=True)
class Endpoint(Resource):
    """An endpoint.

    `serving` answers invocations, `pending` is to do so next. `retiring` are runs that have to be ended before a change is over,
    `past` the last that are, whose logs are still there.
    """

    status: EndpointStatus
    serving: Deployment | None = None
    pending: Deployment | None = None
    retiring: tuple[RetiredRun, ...] = ()
    past: tuple[RetiredRun, ...] = ()

    @property
    def all_runs(self) -> Sequence[RetiredRun]:
        """All its runs that have anything left, the oldest first."""
        deployed = [run for deployment in (self.serving, self.pending) if deployment for run in deployment.runs]
        return list(dict.fromkeys([*self.past, *self.retiring, *deployed]))

    @property
    def runs(self) -> tuple[str, ...]:
        """The ids of all its runs."""
        return tuple(run.run for run in self.all_runs)

    def with_instance(self, run: str, new: Instance) -> "Endpoint":
        """The same with another instance in place of the one of that run, wherever it stands."""
        return replace(
            self,
            serving=self.serving and self.serving.with_instance(run, new),
            pending=self.pending and self.pending.with_instance(run, new),
        )
