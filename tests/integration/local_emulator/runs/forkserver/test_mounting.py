"""A process has its own `/opt/ml`, with layers below it that nobody else sees."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from local_emulator.runs import mounts
from local_emulator.runs.forkserver.server.mounting import OPT_ML, layers_of
from tests.conftest import ROOT

SCRIPT = """
import os, sys
from pathlib import Path
from local_emulator.runs.forkserver.server.mounting import bind_opt_ml
bind_opt_ml(sys.argv[1])
os.chdir("/opt/ml/input/data/train")
with open("file", "a") as file:
    file.write(sys.argv[2])
os.utime("file", (0, 0))
os.rename("deep/other", "renamed")
open("new", "w").close()
print(open("file").read(), *sorted(os.listdir()))
"""


def as_nobody() -> Sequence[str]:
    return ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def own(folder: Path) -> None:
    """Let everybody reach a folder of pytest's, and nobody own what is in it."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 65534, 65534)
    for path in list(folder.parents)[:-2]:
        path.chmod(path.stat().st_mode | 0o055)


@pytest.mark.parametrize("root", [True, False])
def test_layers_are_a_runs_own(root: bool, shared: Path, tmp_path: Path) -> None:  # noqa: FBT001 - parametrized
    if mounts.available(tmp_path) != mounts.Support(why_not_private=None, layers=True):
        pytest.skip("no layers here")
    if os.geteuid() != 0 and root:
        pytest.skip("not root")
    if os.geteuid() == 0 and not root and subprocess.run([*as_nobody(), sys.executable, "-c", ""], check=False).returncode:
        pytest.skip("this Python lies in a folder that is closed to others")
    runs = [tmp_path / name / "ml" for name in ("one", "two")]
    for ml in runs:
        ml.mkdir(parents=True)
        mounts.lay(ml, {"input/data/train": mounts.Layer(shared)})
    if not root and os.geteuid() == 0:
        own(tmp_path)
    for ml, word in zip(runs, ("1", "2"), strict=True):
        command = [*(() if root or os.geteuid() else as_nobody()), sys.executable, "-c", SCRIPT, str(ml), word]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.stdout, done.stderr) == (f"good{word} deep file new renamed\n", "")


def in_own_mounts(code: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run code of a process that mounts."""
    start = "import os, sys\nfrom local_emulator.runs.forkserver.server.mounting import OPT_ML, bind_opt_ml\n"
    command = [sys.executable, "-c", start + code, *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def test_opt_ml_is_the_runs_own_and_of_nobody_else(tmp_path: Path) -> None:
    if not mounts.available(tmp_path).private:
        pytest.skip("no private mounts here")
    ml = tmp_path / "a,b:c" / "ml"
    ml.mkdir(parents=True)
    (ml / "mine").touch()
    before = os.listdir(OPT_ML) if os.path.isdir(OPT_ML) else None  # noqa: PTH112, PTH208 - names alone
    write_and_list = "open(OPT_ML + '/written', 'w').close()\nprint(sorted(os.listdir(OPT_ML)))"
    done = in_own_mounts(f"bind_opt_ml(sys.argv[1])\n{write_and_list}", str(ml))
    assert (done.stdout, done.stderr) == ("['mine', 'written']\n", "")
    assert (ml / "written").exists(), "what it writes stays"
    if before is not None:
        assert os.listdir(OPT_ML) == before  # noqa: PTH208 - see above


def test_what_cannot_be_mounted_says_which_call_failed(tmp_path: Path) -> None:
    if not mounts.available(tmp_path).private:
        pytest.skip("no private mounts here")
    done = in_own_mounts("bind_opt_ml(sys.argv[1])", str(tmp_path / "missing" / "ml"))
    assert "mount: No such file or directory" in done.stderr
    assert done.returncode == 1


def test_layers_lie_beside_ml() -> None:
    assert layers_of("state/runs/1/ml") == "state/runs/1/layers"
