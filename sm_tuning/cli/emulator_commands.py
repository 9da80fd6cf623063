"""Commands that start, stop and look at the emulator."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from sm_tuning.cli.output import echo
from sm_tuning.cli.target import Target
from sm_tuning.client import emulator_process as process
from sm_tuning.errors import Unreachable
from sm_tuning.printable import printable


def start(*, port: int, parallel: int | None, state: Path, options: Sequence[str]) -> None:
    """Start it in the background and print the exports for other programs; `options` are those of `local_emulator serve`."""
    if "--help" in options:
        _call("serve", "--help", state=state)
    options = [*(["--parallel", str(parallel)] if parallel else []), *options]
    facts, started = process.ensure(state, ["--port", str(port), *options])
    if port and urlsplit(str(facts["url"])).port != port:
        options = ["--port", str(port), *options]
    if options and not started:
        unheard = f"the emulator runs already, and these options do not change it: {shlex.join(options)}"
        echo(f"{unheard}. First: {_command('stop', state)}", error=True)
    process.status(state, keep=True)
    echo(f"# {'started' if started else 'already running'} at {facts['url']}", error=True)
    _print_exports(facts, state)


def _print_exports(facts: Mapping[str, Any], state: Path, *, proxy: bool = False) -> None:
    """Print the environment that `status` names, as exports for a shell."""
    exports = {**facts["environment"], **(facts["proxy"] if proxy else {})}
    proxied = any(
        os.environ.get(name) for scheme in ("HTTP", "HTTPS", "ALL") for name in (f"{scheme}_PROXY", f"{scheme}_proxy".lower())
    )
    if proxied or proxy:
        exports["NO_PROXY"] = ",".join(
            dict.fromkeys([*_listed("NO_PROXY"), *_listed("no_proxy"), "localhost", "127.0.0.1", "::1"])
        )
    for name, value in exports.items():
        mine = os.environ.get(name)
        if name == "REQUESTS_CA_BUNDLE" and mine and Path(mine).name != Path(value).name:
            # It is for hosts beside AWS's too, and the user has said whom to trust for those.
            echo(
                f"# {name} stays yours: the SageMaker SDK's telemetry, which then does not trust the emulator, logs that and goes on. "
                f"To be rid of it: export {name}={shlex.quote(value)}",
                error=True,
            )
            continue
        echo(f"export {name}={shlex.quote(value)}")
        if name.endswith("_PROXY") and name.lower() in os.environ:
            echo(f"export {name.lower()}={shlex.quote(value)}")  # programs take the lower-case one first
    if not proxy:
        echo(
            "# For programs that insist on AWS's own addresses, as the SageMaker Python SDK does: "
            f'eval "$({_command("env", state)} --proxy)"'
        )


def _command(word: str, state: Path) -> str:
    """A command to paste for the emulator of a state folder."""
    return Target(aws=False, region=None, profile=None, state=state).command("emulator", word)


def _listed(variable: str) -> Sequence[str]:
    return [host.strip() for host in os.environ.get(variable, "").split(",") if host.strip()]


def _call(*words: str, state: Path) -> None:
    """Run a command of the emulator's own, print what it prints and exit as it exits."""
    done = process.call(*words, state=state)
    click.echo(printable(done.stdout), nl=False)
    click.echo(printable(done.stderr), nl=False, err=True)
    sys.exit(done.returncode)


def stop(*, everything: bool, state: Path) -> None:
    """End it; jobs and endpoints go on and are picked up at the next start, unless `everything` is to end."""
    _call("stop", *(["--all"] if everything else []), state=state)


def status(*, as_json: bool, state: Path) -> None:
    """Say whether it runs, and where."""
    _call("status", *(["--json"] if as_json else []), state=state)


def reset(*, yes: bool, state: Path) -> None:
    """Kill all runs and forget all state."""
    if not yes:
        click.confirm(f"Forget everything in {state}?", abort=True)
    _call("reset", "--yes", state=state)


def env(*, state: Path, proxy: bool) -> None:
    """Print the exports for other programs: eval "$(sm-tuning emulator env)"."""
    facts = process.status(state, keep=True)
    if not facts.get("running") or "url" not in facts:
        raise Unreachable(f"no emulator runs; start one: {_command('start', state)}")
    _print_exports(facts, state, proxy=proxy)
