"""What `sm-tuning infra init` knows of a job file: which changes have to launch it again."""

from pathlib import Path

import pytest

from sm_tuning.cli.infra_init import reads
from sm_tuning.errors import Invalid
from sm_tuning.infra.init import Pipeline

JOB = """
name = "small"
script = "src/fit.py"
strategy = "Random"
max_jobs = 2
channels = [
  { name = "train", source = "data/train" }, { name = "test", source = "test.csv" }, { name = "far", source = "s3://bucket/far" }
]
[objective]
metric = "validation:accuracy"
goal = "Maximize"
regex = "accuracy=([0-9.]+)"
[ranges]
learning_rate = { low = 1e-3, high = 1e-2 }
"""


@pytest.mark.parametrize(
    ("provider", "workflow", "inside"),
    [("github", ".github/workflows/tuning.yml", "**"), ("gitlab", ".gitlab/tuning.yml", "**/*")],
)
def test_a_change_of_what_the_job_reads_launches_it(tmp_path: Path, provider: str, workflow: str, inside: str) -> None:
    (tmp_path / "test.csv").write_text("1\n")
    (tmp_path / "job.toml").write_text(JOB)
    files, folders = reads(tmp_path / "job.toml", tmp_path)
    pipeline = _pipeline(provider=provider, files_read=files, folders_read=folders)
    assert pipeline.paths() == [f"training/{inside}", "job.toml", f"src/{inside}", f"data/train/{inside}", "test.csv"]
    assert ", ".join(f'"{path}"' for path in pipeline.paths()) in pipeline.files()[workflow]


def test_a_script_at_the_root_may_import_all_that_is_beside_it(tmp_path: Path) -> None:
    (tmp_path / "job.toml").write_text(JOB.replace("src/fit.py", "fit.py"))
    _, folders = reads(tmp_path / "job.toml", tmp_path)
    assert "**" in _pipeline(folders_read=folders).paths()


def test_what_no_pipeline_could_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "job.toml").write_text(JOB.replace("data/train", "../train"))
    with pytest.raises(Invalid, match=r"reads .*train, which is outside of the repository"):
        reads(tmp_path / "job.toml", tmp_path)
    with pytest.raises(Invalid, match="what the job reads is 'my data'; it must be a path"):
        _pipeline(folders_read=["my data"])


def test_without_a_job_file_nothing_is_known(tmp_path: Path) -> None:
    assert reads(tmp_path / "job.toml", tmp_path) == ([], [])


def _pipeline(*, provider: str = "github", files_read: list[str] | None = None, folders_read: list[str]) -> Pipeline:
    return Pipeline(
        project="mine",
        repository="us/digits",
        provider=provider,
        job="job.toml",
        context="training",
        files_read=files_read or [],
        folders_read=folders_read,
    )
