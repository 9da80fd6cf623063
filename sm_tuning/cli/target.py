"""Where commands go: the emulator or AWS."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sm_tuning.boto import Session


def state_folder() -> Path:
    """Where the emulator that commands start keeps its state."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(os.environ.get("SM_EMULATOR_STATE") or Path(base) / "sm-tuning")


@dataclass
class Target:
    """The emulator (the default) or AWS; `url` and `started` are those of the emulator, once there is a session."""

    aws: bool
    region: str | None
    profile: str | None
    state: Path
    url: str | None = None
    started: bool = False

    def session(self, parallel: int | None = None) -> Session:
        """A boto3 session; starts an emulator if none runs, for so many training jobs at a time."""
        from sm_tuning.cli.session import boto_session, local_session  # noqa: PLC0415 - boto3: a fifth of a second

        if self.aws:
            return boto_session(region_name=self.region, profile_name=self.profile)
        session, self.started = local_session(self.state, self.region, parallel)
        self.url = session.url
        return session

    def prices(self, instance_types: list[str]) -> Mapping[str, float]:
        """Dollars for an hour of each instance type by AWS's price list; those that it does not tell are left out."""
        from sm_tuning.cli.session import prices_of  # noqa: PLC0415 - see session()

        return prices_of(self.session(), instance_types)
