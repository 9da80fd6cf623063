"""Folders that many runs read: what one writes there reaches neither another nor the folder itself."""

import os
import queue
import sys
from pathlib import Path

import pytest

from local_emulator.assembly import Emulator
from local_emulator.runs import mounts
from local_emulator.runs.data.channels import copy_channel
from local_emulator.settings import Settings
from tests.integration.local_emulator.runs.forkserver.running import Runs
from tests.integration.local_emulator.runs.forkserver.running import lines as log_lines

pytestmark = pytest.mark.really_starts  # of this program


def test_copies_are_a_runs_own(shared: Path, tmp_path: Path) -> None:
    copy_channel(shared, tmp_path / "run")
    assert (tmp_path / "run" / "deep" / "other").read_text() == "other"
    with (tmp_path / "run" / "file").open("a") as file:
        file.write("bad")


def test_what_is_tried_is_removed(tmp_path: Path) -> None:
    mounts.available(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_trial_may_have_been_removed(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "channels"
    mounts.Trial(folder)()
    assert folder.is_dir()


def test_a_trial_that_cannot_tell_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts.Trial, "_known", {})
    trial = mounts.Trial(tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(sys, "executable", "/bin/false")
        with pytest.raises(OSError, match="cannot be found out"):
            trial()
    assert trial() == mounts.available(tmp_path)


def test_a_trial_is_not_swept_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a start, what an emulator that was killed has left in the caches is removed: a trial has to come later."""
    with Emulator(Settings(state=tmp_path), in_memory=True):
        left = tmp_path / "cache" / "channels" / ".left"
        left.mkdir()
    there: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def tried(_: mounts.Trial) -> mounts.Support:
        there.put(left.exists())
        return mounts.not_wanted()

    monkeypatch.setattr(mounts.Trial, "__call__", tried)
    with Emulator(Settings(state=tmp_path)):
        assert there.get(timeout=60) is False


@pytest.mark.parametrize("forked", [True, False])
@pytest.mark.parametrize(
    ("target", "hidden"),
    [("/opt/ml/model", ["/opt/ml/model"]), ("/opt/ml", ["/opt/ml"]), ("/opt/ml/input", []), ("/opt/ml/output/data/deep", None)],
)
def test_what_a_script_mounts_over_its_results_is_named_in_the_log(
    tmp_path: Path, target: str, hidden: list[str] | None, *, forked: bool
) -> None:
    if os.geteuid() != 0 or not mounts.available(tmp_path).private:
        pytest.skip("only root's scripts can mount anything, and only where they have an /opt/ml of their own")
    runs = Runs(tmp_path, tmp_path)
    script = (
        f"import os, subprocess\nos.makedirs({target!r}, exist_ok=True)\nos.mkdir('/opt/ml/elsewhere')\n"
        f"subprocess.run(['mount', '--bind', '/opt/ml/elsewhere', {target!r}], check=True)\n"
        f"open({target!r} + '/weights', 'w').write('w')"
    )
    try:
        lines = log_lines(runs.start(script, forked=forked))
    finally:
        runs.executor.close()
    paths = [target] if hidden is None else hidden
    text = "[sm-tuning: not uploaded: what the program wrote to {}, over which it has mounted something]"
    assert lines == [text.format(path) for path in paths]
