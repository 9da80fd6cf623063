"""What a script is sent with: its source folder, or the modules beside it that it imports."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from sm_tuning import Script, TuningJob
from sm_tuning.client.source_archive import pack
from tests.conftest import unpack

Make = Callable[..., TuningJob]


def test_the_archive_runs_elsewhere_and_the_plan_says_what_is_left_out(folder: Path, tmp_path: Path, job: Make) -> None:
    (folder / "train.py").write_text("import contract\nprint(contract.NAME)\n")
    (folder / "contract.py").write_text("import layers.dense\nNAME = layers.dense.Dense\n")
    (folder / "helper.py").write_text("")
    script = Script(str(folder / "train.py"))
    unpack(pack(script), tmp_path / "code")
    done = subprocess.run([sys.executable, "train.py"], cwd=tmp_path / "code", capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
    report = job(script=script).dry_run()
    assert report.ok, report
    assert "script.entry is sent without layers/__pycache__/: a cache or an environment of this machine" in report.warnings
