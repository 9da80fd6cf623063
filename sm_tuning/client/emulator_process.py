"""The emulator as a process: how it is started, and its status."""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sm_tuning import program
from sm_tuning.client.hosts import is_local
from sm_tuning.errors import Invalid, Unreachable

IDLE_EXIT = 600
LOCAL_ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
LOCAL_REGION = "us-east-1"  # of an emulator that is told no other
LOCAL_OUTPUT = "s3://sm-tuning-local"
_READY_WITHIN = 30.0
_VARIABLES = ("AWS_ENDPOINT_URL_SAGEMAKER", "AWS_ENDPOINT_URL")  # the first counts
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open  # what is on this machine needs no proxy


def state_folder() -> Path:
    """Where the emulator that this package starts keeps its state."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(os.environ.get("SM_EMULATOR_STATE") or Path(base) / "sm-tuning")


def call(*words: str, state: Path) -> "subprocess.CompletedProcess[str]":
    """One command of the emulator's own."""
    command = [sys.executable, "-m", "local_emulator", *words, "--state", str(state)]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command


def status(state: Path, *, keep: bool = False) -> Mapping[str, Any]:
    """What `python -m local_emulator status --json` says; with `keep` the emulator does not end by itself from now on."""
    done = call("status", "--json", *(["--keep"] if keep else []), state=state)
    try:
        facts: Mapping[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        said = done.stderr.strip().splitlines()
        raise Unreachable(
            f"the emulator cannot be asked ({said[-1] if said else 'no answer'}); is it installed? pip install 'sm-tuning[emulator]'"
        ) from error
    return facts


def differences(facts: Mapping[str, Any]) -> Sequence[str]:
    """What differs between the installation of a running emulator (of `status`) and this one, a clause for each."""
    theirs, own = facts.get("installation"), facts["asking"]
    if theirs is None:
        return ["does not say what it is, so it is of an earlier version"]
    clauses = {
        "version": "is version {}, this command is {}",
        "code": "runs the code in {}, this command that in {}",
        "interpreter": "runs in {}, this command in {}",
    }
    said = [text.format(theirs.get(name), own[name]) for name, text in clauses.items() if theirs.get(name) != own[name]]
    extras, wanted = set(theirs.get("extras", ())), set(own["extras"])
    for verb, names, here in (("lacks", wanted - extras, "are"), ("has", extras - wanted, "are not")):
        if names:
            said.append(f"{verb} what these extras bring, which {here} installed here: {', '.join(sorted(names))}")
    return said


def state_of(url: str) -> str:
    """The state folder that the emulator at a URL says it has; empty if it does not say."""
    try:
        with _open(f"{url}/_health", timeout=5) as answer:
            return str(json.load(answer).get("state", ""))
    except (OSError, ValueError):
        return ""


@contextmanager
def awake(url: str | None) -> Iterator[None]:
    """Ask the emulator at a URL now and then, so that it does not end by itself meanwhile; nothing without a URL."""
    over = threading.Event()

    def ask() -> None:
        while not over.wait(IDLE_EXIT / 10):
            state_of(str(url))

    if url is not None:
        threading.Thread(target=ask, daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _named() -> tuple[str, str] | None:
    """The variable of the environment that names SageMaker's address, and that; None if there is none."""
    return next(((name, url) for name in _VARIABLES if (url := os.environ.get(name))), None)


def remedy() -> str:
    """What to do where a service does not answer, as a sentence."""
    named = _named()
    if named is None:
        return "Is the address right, and does the service run?"
    name, url = named
    start = program.command("emulator", "start")
    return f"{name} of this shell names {url}: unset it, or start what should answer there (the emulator: {start})."


def configured() -> tuple[str, str] | None:
    """The variable and its address, if that is this machine's or a container's beside this one; raises Invalid for no URL."""
    named = _named()
    if named is None:
        return None
    name, url = named
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        known = None
    if not known:
        raise Invalid(f"{name} is {url!r}; it must be a URL such as http://127.0.0.1:4577")
    return named if is_local(url) else None


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
            process.returncode = 0  # it goes on without this process: Python would warn of one that has not ended
            return facts, True
        if process.poll() is not None and not facts.get("running"):
            break
        time.sleep(0.05)
    with log.open("rb") as file:
        file.seek(begin)
        lines = file.read().decode(errors="replace").strip().splitlines()
    said = lines[-1].removeprefix("local_emulator: ") if lines else "it has said nothing"
    raise Unreachable(f"the emulator did not start: {said} (its log: {log})")
