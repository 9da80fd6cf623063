"""The scripts on what AWS's oldest scikit-learn image that is still rebuilt holds: Python 3.9, scikit-learn 1.2.1 and numpy 1.24.1."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import training_scripts
from tests.integration.training_scripts.conftest import rows_of

FOLDER = Path(training_scripts.__file__).parent
OLDEST = FOLDER.parent / ".venv-oldest" / "bin" / "python"
VERSIONS = "import sys, sklearn, numpy; print(*sys.version_info[:2], sklearn.__version__, numpy.__version__)"

pytestmark = pytest.mark.skipif(not OLDEST.exists(), reason="there is no Python 3.9 for .venv-oldest (make environments)")


def output(python: Path, *words: str | Path) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([python, *words], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def test_it_is_the_oldest() -> None:
    assert output(OLDEST, "-c", VERSIONS) == "3 9 1.2.1 1.24.1\n"


@pytest.mark.parametrize("script", ["minimal.py", "mlp.py", "analytic.py"])
def test_same_numbers_as_on_the_newest(ml: Path, tmp_path: Path, script: str) -> None:
    words: list[str | Path] = [FOLDER / script, "--epochs", "2", "--learning_rate", "0.01"]
    if script == "mlp.py":
        words += ["--augmentation", "0.5", "--early_stopping_patience", "2", "--checkpoints", tmp_path / script]
    oldest, newest = (rows_of(output(python, *words)) for python in (OLDEST, Path(sys.executable)))
    assert len(oldest) == 2
    assert oldest[-1] == pytest.approx(newest[-1], rel=1e-4)
    if script == "mlp.py":
        resumed = output(OLDEST, *words)
        assert "note: resumed after epoch 2" in resumed
        assert rows_of(resumed) == rows_of(resumed)[-1:]
