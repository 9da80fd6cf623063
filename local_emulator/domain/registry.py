"""The model registry: model packages, with versions in groups or a name of their own."""

from dataclasses import dataclass
from datetime import datetime

from local_emulator.domain.jobs import RecordStatus, Resource


class RegistryStatus(RecordStatus):
    """ModelPackageStatus and ModelPackageGroupStatus: nothing has to be done to what is registered."""

    COMPLETED = "Completed"

    @property
    def may_follow(self) -> frozenset["RegistryStatus"]:
        """None: it stays what it is."""
        return frozenset()


@dataclass(frozen=True, kw_only=True)
class ModelPackageGroup(Resource):
    """A group of versions of a model; `versions` counts all that it has ever had."""

    status: RegistryStatus = RegistryStatus.COMPLETED
    versions: int = 0


@dataclass(frozen=True, kw_only=True)
class ModelPackage(Resource):
    """A model package. `request` is CreateModelPackage with the changes of UpdateModelPackage.

    The name of a version is `GROUP/VERSION`. `updated` are the members that the last update has changed, `updates` counts them all.
    """

    status: RegistryStatus = RegistryStatus.COMPLETED
    group: str | None = None
    number: int | None = None
    updated: tuple[str, ...] = ()
    updates: int = 0
    update_time: datetime | None = None

    @property
    def state(self) -> tuple[str, ...]:
        """The state whose changes are sent as events: every update is one."""
        return (self.status, str(self.updates))
