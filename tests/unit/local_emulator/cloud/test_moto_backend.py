"""The end of an emulator does not wait for what a client has asked of moto."""

import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest

from local_emulator.cloud import moto_backend
from local_emulator.settings import Settings
from tests.made_jobs import performs_nothing


def test_a_request_that_takes_long_does_not_hold_up_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moto_backend, "_CLOSES_WITHIN", 0.01)
    cloud = moto_backend.MotoBackend(Settings(state=tmp_path), tmp_path, performs_nothing)
    asked, answered = threading.Event(), threading.Event()

    def ask() -> None:
        with cloud.lock:
            asked.set()
            answered.wait(60)

    request = threading.Thread(target=ask)
    request.start()
    assert asked.wait(60)
    closing = threading.Thread(target=cloud.close)
    closing.start()
    closing.join(30)
    still_waiting = closing.is_alive()
    answered.set()
    request.join()
    assert not still_waiting
    cloud.close()


def test_no_account_is_asked_of_a_module_that_is_being_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    half = ModuleType("moto.iam.models")
    exec("def get_account_id_from(key): return iam_backends[key]", half.__dict__)  # noqa: S102 - as far as the import has come
    monkeypatch.setitem(sys.modules, "moto.iam.models", half)
    settings = Settings(state=tmp_path)
    assert moto_backend.MotoBackend(settings, None, performs_nothing).account_of("AKIAIOSFODNN7EXAMPLE") == settings.account
