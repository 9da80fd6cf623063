"""Programs of others, asked by their command."""

import os
import subprocess
from collections.abc import Mapping, Sequence

from sm_tuning.errors import NotDeployed


def run(name: str, command: Sequence[str], *, text: str | None = None, environment: Mapping[str, str]) -> str:
    """Run a program with `text` as its input and more variables; what it printed. Raises NotDeployed with what it said last."""
    done = subprocess.run(  # noqa: S603 - words of ours
        command, input=text, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()
        raise NotDeployed(f"{name} failed: {said[-1]}")
    return done.stdout
