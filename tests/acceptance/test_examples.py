"""The examples of docs/, run as their readers run them: other processes, nothing of ours imported."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.acceptance.sdk import EXAMPLES, PROGRAMS


def test_aws_command_line(server: Any) -> None:
    interpreter = (Path(sys.executable).parent / "aws").read_text().splitlines()[0].removeprefix("#!")
    command: list[str | Path] = [interpreter, PROGRAMS / "forked_cli.py", EXAMPLES / "aws_cli.sh"]
    done = subprocess.run(command, env=server.environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout
    assert "cli-grid: Completed" in said
    assert "cli-random: Completed" in said
    assert "validation:accuracy=" in said
    assert "model." in said.splitlines()[-1]
