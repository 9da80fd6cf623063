"""Options that several commands share."""

from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner

from sm_tuning.cli.options import job_file_options, target_options


def test_options_become_a_target_and_a_job_file() -> None:
    seen: dict[str, Any] = {}

    @click.command()
    @job_file_options
    @target_options
    def command(**arguments: object) -> None:
        seen.update(arguments)

    words = [
        "a.toml",
        "--stack",
        "s",
        "--image",
        "i",
        "--price-per-hour",
        "2",
        "--aws",
        "--region",
        "r",
        "--state",
        "/x",
        "--json",
    ]
    assert CliRunner().invoke(command, words, catch_exceptions=False).exit_code == 0
    job_file, target = seen["job_file"], seen["target"]
    assert (job_file.file, job_file.stack, job_file.image, job_file.price_per_hour) == (Path("a.toml"), "s", "i", 2)
    assert (target.aws, target.region, target.profile, target.state) == (True, "r", None, Path("/x"))
    assert set(seen) == {"job_file", "target", "as_json"}
    assert CliRunner().invoke(command, ["a.toml", "--price-per-hour", "-1"]).exit_code == 2
