"""mlp.py interrupted: checkpoints, SIGTERM."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import contract
import numpy as np
import pytest
from network import unpacked
from numpy.typing import NDArray

from tests.integration.training_scripts.script import MLP
from training_scripts import METRICS, mlp

if TYPE_CHECKING:
    from tests.integration.training_scripts.conftest import Outcome


SCRIPT = Path(mlp.__file__)
Run = Callable[..., "Outcome"]
BASICS = ("--train_fraction", 0.9, "--batch_size", 50, "--hidden", "16,8", "--checkpoints", "kept")


def numbers(rows: list[dict[str, float]]) -> list[list[float]]:
    return [[row[name] for name in METRICS] for row in rows]


def arrays(path: str) -> dict[str, bytes]:
    with np.load(path) as held:
        return {name: held[name].tobytes() for name in held.files}


def forget() -> None:
    Path("kept/checkpoint").unlink()


def stop_after(pieces: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM while the so-manieth piece is trained."""
    fit = mlp.Training.fit
    left = [pieces]

    def counted(self: mlp.Training, x: NDArray[np.float32], y: NDArray[np.int64]) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        fit(self, x, y)

    monkeypatch.setattr(mlp.Training, "fit", counted)


@pytest.mark.parametrize("asked", [(), ("--solver", "sgd", "--learning_rate", 0.1), ("--augmentation", 0.5)])
def test_resumed_equals_uninterrupted_bit_for_bit(run: Run, asked: tuple[object, ...]) -> None:
    whole = run(MLP, *BASICS, *asked, "--epochs", 6, "--model-dir", "whole")
    forget()
    first = run(MLP, *BASICS, *asked, "--epochs", 3, "--model-dir", "parts")
    second = run(MLP, *BASICS, *asked, "--epochs", 6, "--model-dir", "parts")
    assert "resumed after epoch 3" in second.out
    assert numbers(first.rows) + numbers(second.rows) == numbers(whole.rows)
    assert arrays("parts/model.npz") == arrays("whole/model.npz")


@pytest.mark.parametrize("pieces", [1, 2, 5, 6])
def test_stopped_within_an_epoch_resumes_there(run: Run, monkeypatch: pytest.MonkeyPatch, pieces: int) -> None:
    asked = (*BASICS, "--epochs", 4, "--augmentation", 0.3, "--early_stopping_patience", 3)
    whole = run(MLP, *asked, "--model-dir", "whole")
    forget()
    with monkeypatch.context() as patch:
        stop_after(pieces, patch)
        first = run(MLP, *asked, "--model-dir", "parts")
    assert first.code == 0
    assert not first.failure
    assert f"stopped by SIGTERM after epoch {pieces // 3} of 4" in first.out
    assert Path("parts/model.npz").exists()
    second = run(MLP, *asked, "--model-dir", "parts")
    assert numbers(first.rows) + numbers(second.rows) == numbers(whole.rows)
    assert arrays("parts/model.npz") == arrays("whole/model.npz")
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_resumed_early_stopping_remembers_the_best(run: Run) -> None:
    asked = (*BASICS, "--train_fraction", 0.2, "--learning_rate", 0.05, "--early_stopping_patience", 5)
    whole = run(MLP, *asked, "--epochs", 100, "--model-dir", "whole")
    assert len(whole.rows) < 100
    forget()
    run(MLP, *asked, "--epochs", len(whole.rows) - 2)
    second = run(MLP, *asked, "--epochs", 100, "--model-dir", "parts")
    assert numbers(second.rows) == numbers(whole.rows[-2:])
    assert arrays("parts/model.npz") == arrays("whole/model.npz")


def test_nothing_left_to_train_tells_the_metrics_again(run: Run) -> None:
    first = run(MLP, *BASICS, "--epochs", 2)
    again = run(MLP, *BASICS, "--epochs", 2, "--model-dir", "model")
    assert numbers(again.rows) == numbers(first.rows[-1:])
    assert Path("model/model.npz").exists()


def damage(content: bytes, how: str) -> bytes:
    middle = content.index(b"coef_0.npy") + 1000  # among the weights
    return {
        "empty": b"",
        "cut": content[:middle],
        "garbage": b"\x93NUMPY garbage",
        "flipped": content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :],
    }[how]


@pytest.mark.parametrize("how", ["empty", "cut", "garbage", "flipped"])
def test_broken_checkpoint_is_told_and_left_aside(run: Run, how: str) -> None:
    fresh = run(MLP, *BASICS, "--epochs", 3)
    path = Path("kept/checkpoint")
    path.write_bytes(damage(path.read_bytes(), how))
    again = run(MLP, *BASICS, "--epochs", 3)
    assert again.code == 0
    assert "checkpoint is broken" in again.out
    assert numbers(again.rows) == numbers(fresh.rows)
    assert [path.name for path in Path("kept").iterdir()] == ["checkpoint"]


def test_checkpoint_of_another_training_is_left_aside(run: Run) -> None:
    run(MLP, *BASICS, "--epochs", 2)
    other = run(MLP, *BASICS, "--epochs", 2, "--learning_rate", 0.01)
    assert "is of another training (learning_rate=0.003); starting anew" in other.out
    assert len(other.rows) == 2


def test_checkpoints_are_as_rare_as_asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[int] = []
    monkeypatch.setattr(contract.Checkpoint, "save", lambda _, content: saved.append(unpacked(content)[0]["epoch"]))
    run(MLP, *BASICS, "--epochs", 3)
    run(MLP, *BASICS, "--epochs", 3, "--checkpoint_seconds", 1000)
    assert saved == [1, 2, 3, 3, 3]


def test_container_checkpoints_by_itself(run: Run, ml: Path) -> None:
    (ml / "checkpoints").mkdir()
    run(MLP, "train", "--epochs", 1, "--train_fraction", 0.1)
    assert (ml / "checkpoints" / "checkpoint").exists()


def processor_seconds(pid: int) -> float:
    """Processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_sigterm_ends_a_process_soon_with_its_model(ml: Path, tmp_path: Path) -> None:
    """Soon in processor time: a machine that does other work takes longer by the clock."""
    (ml / "checkpoints").mkdir()
    command = [sys.executable, str(SCRIPT), "--epochs", "1000000", "--model-dir", "model"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        next(line for line in process.stdout if line.startswith("epoch=3 "))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        sent = processor_seconds(process.pid)
        process.send_signal(signal.SIGTERM)
        out, err = process.stdout.read(), process.stderr.read()
        assert process.wait(timeout=30) == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime - sent < 5
    assert "stopped by SIGTERM" in out
    assert err == ""
    assert (tmp_path / "model" / "model.json").exists()
    assert (ml / "checkpoints" / "checkpoint").exists()
    assert not (ml / "output" / "failure").exists()


def test_sigterm_before_training_ends_at_once(run: Run, monkeypatch: pytest.MonkeyPatch, ml: Path) -> None:
    monkeypatch.setattr(mlp, "load_data", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(SystemExit) as left:
        run(MLP, "--epochs", 3)
    assert left.value.code == 0
    assert not (ml / "output" / "failure").exists()
