"""A repository of a user's: a job, a training image's folder, and what `sm-tuning infra init` writes."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from sm_tuning.infra.init import Pipeline
from tests.infra.conftest import JOB


def make_repository(folder: Path, pipeline: Pipeline, files: Mapping[str, str]) -> Path:
    """Make it, with one commit on the branch main."""
    for path, text in {"training/Dockerfile": "FROM scratch\n", "job.toml": JOB, **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    pipeline.write(folder)
    for words in (["init", "--quiet", "--initial-branch=main"], ["add", "."], ["commit", "--quiet", "--message=x"]):
        subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x", *words], cwd=folder, check=True)
    return folder
