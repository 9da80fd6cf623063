"""The emulator as a process: found, started, asked, stopped."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sm_tuning.cli.answers import check_answers
from sm_tuning.cli.command import boto_session
from sm_tuning.cli.failures import Unreachable
from sm_tuning.errors import Invalid

IDLE_EXIT = 600
REGION = "us-east-1"
DUMMY = "test"
_READY_WITHIN = 30.0
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def state_folder() -> Path:
    """Where the emulator that this command starts keeps its state."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(os.environ.get("SM_EMULATOR_STATE") or Path(base) / "sm-tuning")


def call(*words: str, state: Path) -> "subprocess.CompletedProcess[str]":
    """One command of the emulator's own."""
    command = [sys.executable, "-m", "local_emulator", *words, "--state", str(state)]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command


def status(state: Path) -> Mapping[str, Any]:
    """What `python -m local_emulator status --json` says."""
    done = call("status", "--json", state=state)
    try:
        facts: Mapping[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        said = done.stderr.strip().splitlines()
        raise Unreachable(
            f"the emulator cannot be asked ({said[-1] if said else 'no answer'}); is it installed? pip install 'sm-tuning[emulator]'"
        ) from error
    return facts


def configured() -> str | None:
    """AWS_ENDPOINT_URL_SAGEMAKER or AWS_ENDPOINT_URL, if it points at this machine."""
    url = os.environ.get("AWS_ENDPOINT_URL_SAGEMAKER") or os.environ.get("AWS_ENDPOINT_URL")
    if not url:
        return None
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        known = None
    if not known:
        raise Invalid(f"AWS_ENDPOINT_URL is {url!r}; it must be a URL such as http://127.0.0.1:4577")
    return url if parts.hostname in _LOOPBACK else None


def ensure(state: Path, arguments: Sequence[str] = ()) -> tuple[Mapping[str, Any], bool]:
    """(status, whether it was started now) of an emulator on a state folder; raises Unreachable."""
    facts = status(state)
    if facts.get("running") and facts.get("health", {}).get("status") == "ok":
        return facts, False
    log = state / "emulator.log"
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        begin = log.stat().st_size if log.exists() else 0
        output = log.open("ab")
    except OSError as error:
        raise Unreachable(f"the state folder {state} cannot be used: {error.strerror}; choose another with --state") from error
    command = [sys.executable, "-m", "local_emulator", "serve", "--state", str(state), *arguments]
    with output:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline:
        facts = status(state)
        if facts.get("health", {}).get("status") == "ok":
            return facts, True
        if process.poll() is not None and not facts.get("running"):
            break
        time.sleep(0.05)
    with log.open("rb") as file:
        file.seek(begin)
        lines = file.read().decode(errors="replace").strip().splitlines()
    said = lines[-1].removeprefix("local_emulator: ") if lines else "it has said nothing"
    raise Unreachable(f"the emulator did not start: {said} (its log: {log})")


class LocalSession:
    """Makes clients as a boto3 session does; each talks to the emulator, with dummy credentials, whatever the environment holds."""

    def __init__(self, url: str, region: str | None = None) -> None:
        self._url = url
        self._region = region or os.environ.get("AWS_DEFAULT_REGION") or REGION
        self._session = boto_session(aws_access_key_id="test", aws_secret_access_key=DUMMY, region_name=self._region)

    def client(self, service: Any, region_name: str | None = None, config: Any = None) -> Any:  # noqa: ANN401 - boto3 makes its classes at run time
        """A client of the emulator."""
        client = self._session.client(service, endpoint_url=self._url, region_name=region_name or self._region, config=config)
        check_answers(client, self._url)
        return client
