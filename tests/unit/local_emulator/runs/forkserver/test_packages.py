"""A server notices that packages have changed, with inotify and without."""

import importlib
import os
from pathlib import Path
from unittest.mock import Mock

import pytest

from local_emulator.runs.forkserver.server import packages


@pytest.mark.parametrize("inotify", [True, False])
def test_a_changed_file_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, inotify: bool) -> None:
    name = f"watched_{inotify}"
    (tmp_path / f"{name}.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module(name)
    if not inotify:
        monkeypatch.setattr(packages, "_libc", Mock(inotify_init1=Mock(return_value=-1)))
    monkeypatch.setattr(packages, "_QUIET", 0.05)
    watch = packages.PackageWatch()
    try:
        before = watch.changed
        os.utime(tmp_path / f"{name}.py", ns=(1, 1))
        assert (before, watch.changed) == (False, True)
        watch.wait_until_quiet()
    finally:
        watch.close()
