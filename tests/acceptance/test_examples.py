"""The examples of docs/, run as their readers run them: other processes, nothing of ours imported."""

import subprocess
import sys
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def _run(server: Any, *command: str) -> str:
    environment = server.environment
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_aws_command_line(server: Any) -> None:
    said = _run(server, "bash", str(EXAMPLES / "aws_cli.sh"))
    assert "cli-grid: Completed" in said
    assert "cli-random: Completed" in said
    assert "validation:accuracy=" in said
    assert "model." in said.splitlines()[-1]
