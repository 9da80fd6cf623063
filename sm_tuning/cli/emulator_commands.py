"""Commands that start, stop and look at the emulator."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from sm_tuning.cli.app import echo, sm_tuning
from sm_tuning.cli.failures import Unreachable
from sm_tuning.printable import printable


@sm_tuning.group()
def emulator() -> None:
    """Start, stop, look at and reset the emulator."""


_STATE = click.option("--state", type=click.Path(path_type=Path), default=None, help="State folder.")


@emulator.command(name="start")
@click.option("--port", type=click.IntRange(0, 65535), default=4577, help="0 picks a free one.", show_default=True)
@click.option("--parallel", type=click.IntRange(1), help="Training jobs at a time (default: number of cores).")
@_STATE
def emulator_start(port: int, parallel: int | None, state: Path | None) -> None:
    """Start it in the background and print the exports for other programs."""
    from sm_tuning.cli import emulator_process as process  # noqa: PLC0415 - see command.py

    words = ["--port", str(port)] + (["--parallel", str(parallel)] if parallel else [])
    folder = state or process.state_folder()
    facts, started = process.ensure(folder, words)
    process.status(folder, keep=True)
    echo(f"# {'started' if started else 'already running'} at {facts['url']}", error=True)
    _print_exports(facts)


def _print_exports(facts: Mapping[str, Any], *, proxy: bool = False) -> None:
    """What `status` tells of the environment, for a shell."""
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
            continue  # it is for hosts beside AWS's too, and the user has said whom to trust for those
        echo(f"export {name}={shlex.quote(value)}")
        if name.endswith("_PROXY") and name.lower() in os.environ:
            echo(f"export {name.lower()}={shlex.quote(value)}")  # programs take the lower-case one first
    if not proxy:
        echo(
            "# For programs that insist on AWS's own addresses, as the SageMaker Python SDK does: sm-tuning emulator env --proxy"
        )


def _listed(variable: str) -> Sequence[str]:
    return [host.strip() for host in os.environ.get(variable, "").split(",") if host.strip()]


def _own(*words: str, state: Path | None) -> None:
    from sm_tuning.cli import emulator_process as process  # noqa: PLC0415 - see command.py

    done = process.call(*words, state=state or process.state_folder())
    click.echo(printable(done.stdout), nl=False)
    click.echo(printable(done.stderr), nl=False, err=True)
    sys.exit(done.returncode)


@emulator.command(name="stop")
@_STATE
def emulator_stop(state: Path | None) -> None:
    """End it; training jobs go on and are picked up at the next start."""
    _own("stop", state=state)


@emulator.command(name="status")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@_STATE
def emulator_status(as_json: bool, state: Path | None) -> None:  # noqa: FBT001 - click's
    """Say whether it runs, and where."""
    _own("status", *(["--json"] if as_json else []), state=state)


@emulator.command(name="reset")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_STATE
def emulator_reset(yes: bool, state: Path | None) -> None:  # noqa: FBT001 - click's
    """Kill all runs and forget all state."""
    from sm_tuning.cli import emulator_process as process  # noqa: PLC0415 - see command.py

    if not yes:
        click.confirm(f"Forget everything in {state or process.state_folder()}?", abort=True)
    _own("reset", "--yes", state=state)


@emulator.command(name="env")
@click.option("--proxy", is_flag=True, help="Also for programs that insist on AWS's own addresses, as the SageMaker SDK does.")
@_STATE
def emulator_env(state: Path | None, proxy: bool) -> None:  # noqa: FBT001 - click's
    """Print the exports for other programs: eval "$(sm-tuning emulator env)"."""
    from sm_tuning.cli import emulator_process as process  # noqa: PLC0415 - see command.py

    facts = process.status(state or process.state_folder(), keep=True)
    if not facts.get("running") or "url" not in facts:
        raise Unreachable("no emulator runs; start one: sm-tuning emulator start")
    _print_exports(facts, proxy=proxy)
