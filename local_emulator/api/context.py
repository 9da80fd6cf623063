"""What every operation is given beside its request."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from local_emulator.domain.spec import TrainingSpec
from local_emulator.settings import Settings
from local_emulator.store.base import Store


@dataclass(frozen=True, kw_only=True)
class Context:
    """Store, settings, time and chance of the API.

    `token` makes 32 random hexadecimal digits, `notify` wakes the engine, `check` raises ValidationException or ThrottlingException
    for data, an image or a role that cannot be used in a region.
    """

    store: Store
    settings: Settings
    now: Callable[[], datetime]
    token: Callable[[], str]
    notify: Callable[[], None]
    check: Callable[[TrainingSpec, str], None]
