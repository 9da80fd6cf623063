"""The command line: serve, status, stop, interrupt, reset, recover.

What serves, ends runs or mends files takes half a second to import, which `status` does not need: the others import it where they
need it.
"""

import argparse
import http.client
import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from local_emulator import installation
from local_emulator.console import say
from local_emulator.domain.errors import EmulatorError
from local_emulator.failures import tell
from local_emulator.options import make_parser
from local_emulator.state_folder import KEEP, read_owner

OK, NOT_RUNNING = 0, 3

_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open  # an address of this machine needs no proxy


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code: 0 done, 1 failed, 2 usage, 3 not running or in use."""
    parser = make_parser()
    options = parser.parse_args(argv)
    commands = {
        "serve": _serve,
        "status": _status,
        "stop": _stop,
        "reset": _maintain,
        "interrupt": _interrupt,
        "recover": _maintain,
    }
    try:
        return commands[options.command](options)
    except argparse.ArgumentTypeError as error:
        parser.error(str(error))
    except Exception as error:  # noqa: BLE001 - the one way out: a sentence and an exit code
        return tell(error)


def _ask_health(url: object) -> Mapping[str, object]:
    try:
        with _open(f"{url}/_health", timeout=5) as answer:
            facts = json.load(answer)
    except (http.client.HTTPException, OSError, ValueError, RecursionError) as error:
        return {"status": "unreachable", "reason": str(error)}
    return facts if isinstance(facts, dict) else {"status": "unreachable", "reason": "it answers, but not as the emulator"}


def _status(options: argparse.Namespace) -> int:
    owner = read_owner(options.state)
    facts: dict[str, Any] = {
        "running": owner is not None,
        "state": str(options.state),
        **(owner or {}),
        "asking": installation.describe(),
    }
    if options.keep and owner is not None:
        (options.state / KEEP).touch(mode=0o600)
    if owner and "url" in owner:
        facts["health"] = _ask_health(owner["url"])
    if options.json:
        say(json.dumps(facts))
    elif owner is None:
        say(f"No emulator holds {options.state}.")
    else:
        say(f"Running at {facts.get('url', 'an address not known yet')} (process {facts.get('pid')}), state in {options.state}.")
    if owner is None:
        return NOT_RUNNING
    health = facts.get("health", {})
    if options.healthy and health.get("status") != "ok":
        raise EmulatorError(
            f"the emulator (process {facts.get('pid')}) does not answer: {health.get('reason', 'it has no address yet')}"
        )
    return OK


def _stop(options: argparse.Namespace) -> int:
    owner = read_owner(options.state)
    (options.state / KEEP).unlink(missing_ok=True)
    if owner is None:
        say(f"No emulator holds {options.state}.")
        return _about_runs(options)
    pid = owner.get("pid")
    if isinstance(pid, int):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 30
    while read_owner(options.state) is not None:
        if time.monotonic() > deadline:
            raise EmulatorError(f"the emulator (process {pid}) did not end within 30 seconds")
        time.sleep(0.05)
    say("Stopped.")
    return _about_runs(options)


def _about_runs(options: argparse.Namespace) -> int:
    """Say or end what outlives the emulator, if there have been runs at all."""
    runs = options.state / "runs"
    return _maintain(options) if runs.is_dir() and any(runs.iterdir()) else OK


def _interrupt(options: argparse.Namespace) -> int:
    owner = read_owner(options.state)
    if owner is None or "url" not in owner:
        say(f"No emulator holds {options.state}.")
        return NOT_RUNNING
    request = urllib.request.Request(f"{owner['url']}/_interrupt/{quote(options.job)}", method="POST")  # noqa: S310 - our own address
    try:
        with _open(request, timeout=10):
            say(f"{options.job} is interrupted; it begins anew when its program has ended.")
    except urllib.error.HTTPError as error:
        with error:
            raise EmulatorError(error.read().decode()) from error
    return OK


def _serve(options: argparse.Namespace) -> int:
    from local_emulator.serving import serve  # noqa: PLC0415 - see the head of the module

    serve(options)
    return OK


def _maintain(options: argparse.Namespace) -> int:
    from local_emulator.maintenance import COMMANDS  # noqa: PLC0415 - see the head of the module

    return COMMANDS[options.command](options)
