"""What is unusual of a script: hyperparameters that it does not take, wherever it takes the others."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sm_tuning import Script, TuningJob, epochs, learning_rate
from tests.conftest import ROOT

Make = Callable[..., TuningJob]
SCRIPTS = ROOT / "training_scripts"


def unmentioned(job: TuningJob) -> list[str]:
    """Names of the hyperparameters that the script is said not to mention."""
    return [text.rsplit("'")[1] for text in job.dry_run().warnings if "does not mention" in text]


@pytest.mark.parametrize("whole_folder", [False, True])
def test_a_script_that_takes_its_hyperparameters_by_contract(whole_folder: bool, job: Make, tmp_path: Path) -> None:  # noqa: FBT001 - a case
    for name in ("minimal.py", "contract.py"):
        shutil.copy(SCRIPTS / name, tmp_path)
    script = Script("minimal.py", source=str(tmp_path)) if whole_folder else Script(str(tmp_path / "minimal.py"))
    members: dict[str, Any] = {"ranges": [learning_rate(), epochs()], "hyperparameters": {"batch_size": 32, "momentum": 0.9}}
    assert unmentioned(job(script=script, **members)) == ["momentum"]


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("parser.add_argument('--learning-rate')", ["width"]),
        ("import options", []),
        ('"""About width."""\nparser.add_argument("--learning_rate")  # and width', ["width"]),
        ("parser.add_argument('--depth')", ["learning_rate", "width"]),
        ("parser.add_argument(", None),
        ("import sys\nprint(sys.argv)", None),
    ],
)
def test_where_a_script_mentions_its_hyperparameters(code: str, names: list[str] | None, job: Make, tmp_path: Path) -> None:
    """None: the script takes them in a way that is not known, so nothing is said."""
    (tmp_path / "train.py").write_text(code)
    (tmp_path / "options.py").write_text("parser.add_argument('--learning_rate')\nparser.add_argument('--width')")
    script = Script(str(tmp_path / "train.py"))
    assert unmentioned(job(script=script, hyperparameters={"width": 3})) == (names or [])
