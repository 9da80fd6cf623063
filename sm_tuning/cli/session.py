"""Sessions of boto3 for the emulator and for AWS, and what is asked with them."""

import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session as CoreSession

from sm_tuning.boto import Client, Session
from sm_tuning.cli import emulator_process
from sm_tuning.cli.answers import check_answers
from sm_tuning.cli.output import echo
from sm_tuning.client.loopback import no_proxy
from sm_tuning.client.run import TuningRun
from sm_tuning.client.summaries import tuning_jobs
from sm_tuning.errors import Invalid, NotFound
from sm_tuning.preflight.prices import price_list
from sm_tuning.spec.data_scaling import without_scaling_jobs

PATIENCE = "SM_TUNING_TIMEOUT"
_DEFAULT_PATIENCE = 60.0
_REGION = "us-east-1"
_DUMMY = "test"


def local_session(state: Path, region: str | None, parallel: int | None) -> "tuple[LocalSession, bool]":
    """A session for the emulator, and whether that was started now: the environment's, or the one of a state folder.

    Args:
        state: The state folder; an emulator is started on it if none runs.
        region: The region; None for the environment's.
        parallel: Training jobs at a time of an emulator that is started; None for its default.
    """
    url = emulator_process.configured()
    if url is not None:
        return LocalSession(url, region), False
    words = ["--port", "0", "--idle-exit", str(emulator_process.IDLE_EXIT)]
    words += ["--parallel", str(parallel)] if parallel else []
    facts, started = emulator_process.ensure(state, words)
    url = str(facts["url"])
    if not started and (differences := emulator_process.differences(facts)):
        echo(
            f"the emulator at {url} is another than this program's: {'; '.join(differences)}. It is used as it is; "
            "sm-tuning emulator stop ends it, and the next command starts this one",
            error=True,
        )
    return LocalSession(url, region), started


def run_of(session: Session, name: str) -> TuningRun:
    """The tuning job whose name begins like this (if only one does), or the latest; raises NotFound."""
    client = session.client("sagemaker")
    try:
        return TuningRun.attach(name, session, client=client)
    except NotFound:
        names = without_scaling_jobs([job.name for job in tuning_jobs(client)])
        matches = names[:1] if name == "latest" else [known for known in names if known.startswith(name)]
        if len(matches) == 1:
            return TuningRun(matches[0], session=session, client=client)
        known = f"; there are {', '.join(names[:5])}" if names else "; there are none"
        raise NotFound(f"{len(matches) or 'no'} tuning jobs begin with {name!r}{known}") from None


def prices_of(session: Session, instance_types: Iterable[str]) -> Mapping[str, float]:
    """Dollars for an hour of each instance type by AWS's price list; none if it cannot be asked."""
    try:
        return price_list(session, instance_types)
    except (BotoCoreError, ClientError):
        return {}


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


class LocalSession:
    """Makes clients as a boto3 session does; each talks to the emulator, with dummy credentials, whatever the environment holds."""

    def __init__(self, url: str, region: str | None = None) -> None:
        self.url = url
        self._region = region or os.environ.get("AWS_DEFAULT_REGION") or _REGION
        self._session = boto_session(aws_access_key_id="test", aws_secret_access_key=_DUMMY, region_name=self._region)

    def client(self, service: str, region_name: str | None = None, config: Config | None = None) -> Client:
        """A client of the emulator that uses no proxy of the environment."""
        config = no_proxy().merge(config) if config is not None else no_proxy()
        client = self._session.client(service, endpoint_url=self.url, region_name=region_name or self._region, config=config)
        check_answers(client, self.url)
        return client
