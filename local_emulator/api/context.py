"""What every operation is given beside its request."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from local_emulator.documents.hosting import ContainerSpec, ModelData
from local_emulator.domain.functions import FindFunction
from local_emulator.domain.processing import ProcessingSpec
from local_emulator.domain.spec import TrainingSpec
from local_emulator.settings import Settings
from local_emulator.store.base import Store


class ServingChecks(Protocol):
    """What has to be there for a model to be served. Both raise ValidationException."""

    def check(self, container: ContainerSpec) -> None:
        """Check that a program here serves a container's image."""

    def check_data(self, data: ModelData | None) -> None:
        """Check that there is a model where a container's is said to be."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """Store, settings, time and chance of the API.

    `token` makes 32 random hexadecimal digits, `notify` wakes the engine, `check` raises ValidationException or ThrottlingException
    for data, an image or a role that cannot be used in a region; `check_processing` does for a processing job's. `read` returns the
    content of an S3 object and raises ValueError. `operations` are the names of those that are the emulator's own. `serving` checks
    models. `function` finds the functions of AWS Lambda.
    """

    store: Store
    settings: Settings
    now: Callable[[], datetime]
    token: Callable[[], str]
    notify: Callable[[], None]
    check: Callable[[TrainingSpec, str], None]
    read: Callable[[str], bytes]
    operations: Collection[str]
    serving: ServingChecks
    check_processing: Callable[[ProcessingSpec], None]
    function: FindFunction
