"""Sessions of boto3: for the emulator, which is started if none runs, and for AWS."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session as CoreSession

from sm_tuning.boto import Client, Session
from sm_tuning.client import emulator_process
from sm_tuning.client.answers import check_answers
from sm_tuning.client.loopback import no_proxy
from sm_tuning.errors import Invalid
from sm_tuning.spec.s3 import split_uri

PATIENCE = "SM_TUNING_TIMEOUT"
_DEFAULT_PATIENCE = 60.0
_DUMMY = "test"


def boto_session(**words: Any) -> Session:  # noqa: ANN401 - boto3.Session's
    """A boto3 session whose clients wait for an answer as long as $SM_TUNING_TIMEOUT says, 60 seconds by default."""
    text = os.environ.get(PATIENCE)
    try:
        seconds = float(text) if text else _DEFAULT_PATIENCE
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise Invalid(f"{PATIENCE} is {text!r}; it must be a number of seconds above 0")
    core = CoreSession(profile=words.pop("profile_name", None))
    core.set_default_client_config(Config(connect_timeout=min(seconds, 10.0), read_timeout=seconds))
    return boto3.Session(botocore_session=core, **words)


@dataclass(frozen=True)
class Emulator:
    """An emulator that runs on this machine.

    Attributes:
        url: Its address.
        started: Whether it was started just now.
        differences: What differs between its installation and this one, a clause for each; of one that the environment names, nothing.
    """

    url: str
    started: bool = False
    differences: Sequence[str] = ()


class LocalSession:
    """Makes clients as a boto3 session does; each talks to the emulator, with dummy credentials, whatever the environment holds.

    Args:
        emulator: The emulator.
        region: The region of its clients; None for the environment's.
    """

    def __init__(self, emulator: Emulator, region: str | None = None) -> None:
        self.emulator = emulator
        self.region_name = region or os.environ.get("AWS_DEFAULT_REGION") or emulator_process.LOCAL_REGION
        self._session = boto_session(aws_access_key_id="test", aws_secret_access_key=_DUMMY, region_name=self.region_name)

    def __repr__(self) -> str:
        return f"<LocalSession of the emulator at {self.emulator.url}, {self.region_name}>"

    def client(self, service: str, region_name: str | None = None, config: Config | None = None) -> Client:
        """A client of the emulator that uses no proxy of the environment."""
        config = no_proxy().merge(config) if config is not None else no_proxy()
        region, url = region_name or self.region_name, self.emulator.url
        client = self._session.client(service, endpoint_url=url, region_name=region, config=config)
        check_answers(client, url)
        return client


def local_session(state: str | Path | None = None, *, region: str | None = None, parallel: int | None = None) -> LocalSession:
    """A session for the emulator of this machine: the environment's (AWS_ENDPOINT_URL), or the one of a state folder.

    An emulator that is started here ends by itself after ten minutes in which nobody asks it anything and no job runs.

    Args:
        state: The state folder, on which an emulator is started if none runs; None for $SM_EMULATOR_STATE or the usual one.
        region: The region; None for the environment's.
        parallel: Training jobs at a time of an emulator that is started; None for its default.

    Raises:
        Unreachable: There is no emulator, and none can be started; the text says why.
    """
    configured = emulator_process.configured()
    if configured is not None:
        return LocalSession(Emulator(configured[1]), region)
    words = ["--port", "0", "--idle-exit", str(emulator_process.IDLE_EXIT)]
    words += ["--parallel", str(parallel)] if parallel else []
    facts, started = emulator_process.ensure(Path(state) if state is not None else emulator_process.state_folder(), words)
    differences = () if started else emulator_process.differences(facts)
    return LocalSession(Emulator(str(facts["url"]), started, differences), region)


def make_bucket(session: LocalSession, uri: str) -> None:
    """Make the bucket of an S3 URI on the emulator, unless it is there."""
    s3 = session.client("s3", region_name=emulator_process.LOCAL_REGION)
    bucket, _ = split_uri(uri)
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError:
        s3.create_bucket(Bucket=bucket)
