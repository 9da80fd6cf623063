"""Commands that start, stop and look at the emulator."""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from sm_tuning.cli.command import echo, sm_tuning
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
    from sm_tuning.cli import emulator as process  # noqa: PLC0415 - see command.py

    words = ["--port", str(port)] + (["--parallel", str(parallel)] if parallel else [])
    facts, started = process.ensure(state or process.state_folder(), words)
    echo(f"# {'started' if started else 'already running'} at {facts['url']}", error=True)
    _print_exports(facts)


def _print_exports(facts: Mapping[str, Any], *, proxy: bool = False) -> None:
    """What `status` tells of the environment, for a shell."""
    for name, value in {**facts["environment"], **(facts["proxy"] if proxy else {})}.items():
        mine = os.environ.get(name)
        if name == "REQUESTS_CA_BUNDLE" and mine and Path(mine).name != Path(value).name:
            continue  # it is for hosts beside AWS's too, and the user has said whom to trust for those
        echo(f"export {name}={shlex.quote(value)}")
    if not proxy:
        echo(
            "# For programs that insist on AWS's own addresses, as the SageMaker Python SDK does: sm-tuning emulator env --proxy"
        )


def _own(*words: str, state: Path | None) -> None:
    from sm_tuning.cli import emulator as process  # noqa: PLC0415 - see command.py

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
    from sm_tuning.cli import emulator as process  # noqa: PLC0415 - see command.py

    if not yes:
        click.confirm(f"Forget everything in {state or process.state_folder()}?", abort=True)
    _own("reset", "--yes", state=state)


@emulator.command(name="env")
@click.option("--proxy", is_flag=True, help="Also for programs that insist on AWS's own addresses, as the SageMaker SDK does.")
@_STATE
def emulator_env(state: Path | None, proxy: bool) -> None:  # noqa: FBT001 - click's
    """Print the exports for other programs: eval "$(sm-tuning emulator env)"."""
    from sm_tuning.cli import emulator as process  # noqa: PLC0415 - see command.py

    facts = process.status(state or process.state_folder())
    if not facts.get("running") or "url" not in facts:
        raise Unreachable("no emulator runs; start one: sm-tuning emulator start")
    _print_exports(facts, proxy=proxy)
