"""Each of several hosts has folders of its own, below those of its run."""

from pathlib import Path

from local_emulator.runs.folder import RunFolder, folders_below


def test_the_only_host_has_the_runs_own_folders(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs" / "run")
    folder.make()
    assert folder.host(None) == folder
    assert folder.hosts == [folder]


def test_hosts_are_found_and_removed_with_their_run(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs" / "run")
    folder.make()
    for name in ("algo-10", "algo-2", "algo-1"):
        folder.host(name).make()
    first, second, last = folder.hosts
    assert (first, second, last) == (folder.host("algo-1"), folder.host("algo-2"), folder.host("algo-10"))
    assert (second.ml, second.home) == (tmp_path / "work/run/algo-2/ml", tmp_path / "work/run/algo-2/home")
    assert second.path.stat().st_mode & 0o777 == second.home.stat().st_mode & 0o777 == 0o700
    assert [known.path.name for known in folders_below(tmp_path / "runs")] == ["run"]
    folder.remove_results()
    assert (second.work.exists(), second.path.exists()) == (False, True), "the evidence stays"
