"""Settings come from the environment where nothing is said, and refuse what cannot be."""

from pathlib import Path

import pytest

from local_emulator import settings
from local_emulator.settings import Python, Settings


def test_the_state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("SM_EMULATOR_STATE", raising=False)
    assert settings.default_state() == tmp_path / "sm-tuning"
    monkeypatch.setenv("SM_EMULATOR_STATE", "/elsewhere")
    assert Settings().state == Path("/elsewhere")


def test_the_account_is_motos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOTO_ACCOUNT_ID", raising=False)
    assert (settings.forced_account(), settings.default_account()) == (None, settings.ACCOUNT)
    monkeypatch.setenv("MOTO_ACCOUNT_ID", "210987654321")
    assert Settings().account == "210987654321"


@pytest.mark.parametrize(("text", "gpus"), [("", ()), ("0, 2", ("0", "2")), ("GPU-a,,MIG-b", ("GPU-a", "MIG-b"))])
def test_gpus_that_this_process_may_use(text: str, gpus: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", text)
    assert settings.visible_gpus() == gpus


def test_an_interpreter_or_the_folder_of_its_environment(tmp_path: Path) -> None:
    assert Python(str(tmp_path)).interpreter == str(tmp_path / "bin" / "python")
    assert Python("/usr/bin/python3").interpreter == "/usr/bin/python3"


@pytest.mark.parametrize("scale", [0, -1, 2_000_000, float("nan"), True, "2"])
def test_a_time_scale_that_is_none(scale: float) -> None:
    with pytest.raises(ValueError, match=r"time_scale=.*: it must be a number greater than 0 and at most 1,000,000"):
        Settings(time_scale=scale)
