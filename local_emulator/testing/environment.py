"""The environment variables that AWS clients read, as they are inside a test."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from local_emulator.settings import ACCOUNT, Settings

_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
}
_PROFILES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")


def configured_region() -> str | None:
    """The region that the environment names; None if it names none."""
    return os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION") or None


@contextmanager
def dummy_environment(settings: Settings) -> Iterator[None]:
    """Dummy credentials, no profile, no endpoints, and a region; everything else stays.

    A variable that somebody else changes meanwhile is not put back: it is theirs.
    """
    values: dict[str, str | None] = {**_CREDENTIALS, "AWS_DEFAULT_REGION": settings.region}
    if settings.account != ACCOUNT:  # moto would go by the access key
        values["MOTO_ACCOUNT_ID"] = settings.account
    values |= dict.fromkeys([*_PROFILES, *(name for name in os.environ if name.startswith("AWS_ENDPOINT_URL"))])
    previous = {name: os.environ.get(name) for name in values}
    _set(values)
    try:
        yield
    finally:
        _set({name: previous[name] for name, value in values.items() if os.environ.get(name) == value})


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
