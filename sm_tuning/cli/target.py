"""Where commands go: the emulator or AWS."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sm_tuning import program
from sm_tuning.boto import Session
from sm_tuning.cli.output import echo
from sm_tuning.client.emulator_process import state_folder


@dataclass
class Target:
    """The emulator (the default) or AWS; `url` and `started` are those of the emulator, once there is a session."""

    aws: bool
    region: str | None
    profile: str | None
    state: Path
    url: str | None = None
    started: bool = False
    _session: Session | None = field(default=None, init=False)

    def session(self, parallel: int | None = None) -> Session:
        """The boto3 session, made once; starts an emulator if none runs, for so many training jobs at a time."""
        if self._session is None:
            self._session = self._made(parallel)
        return self._session

    def _made(self, parallel: int | None) -> Session:
        from sm_tuning.client.local_session import boto_session, local_session  # noqa: PLC0415 - boto3: a fifth of a second

        if self.aws:
            return boto_session(region_name=self.region, profile_name=self.profile)
        session = local_session(self.state, region=self.region, parallel=parallel)
        emulator = session.emulator
        self.url, self.started = emulator.url, emulator.started
        if emulator.differences:
            echo(
                f"the emulator at {emulator.url} {'; '.join(emulator.differences)}. It is used as it is; "
                f"{self.command('emulator', 'stop')} ends it, and the next command starts it anew",
                error=True,
            )
        return session

    def command(self, *words: str) -> str:
        """A command to paste that reaches the same emulator, or the same account of AWS."""
        of_emulator = words[0] == "emulator"
        given = {} if of_emulator else {"--profile": self.profile, "--region": self.region}
        options = [word for option, value in given.items() if value for word in (option, value)]
        if self.aws and not of_emulator:
            options.insert(0, "--aws")
        elif not self.aws and self.state != state_folder():
            options += ["--state", str(self.state)]
        return program.command(*words, *options)

    def prices(self, instance_types: list[str]) -> Mapping[str, float]:
        """Dollars for an hour of each instance type by AWS's price list; those that it does not tell are left out."""
        from sm_tuning.cli.session import prices_of  # noqa: PLC0415 - see session()

        return prices_of(self.session(), instance_types)
