"""Each of several hosts has folders of its own, below those of its run."""

from pathlib import Path

import pytest

from local_emulator.runs.folder import EvidenceError, RunFolder, folders_below
from local_emulator.runs.run import Command, HostProgram, Run


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


def test_the_part_of_a_run_on_a_host(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs" / "run")
    run = Run(id="run", folder=folder.path, program=Command(argv=("a",)))
    folder.save_run(run)
    assert folder.load_part(None) == run
    programs = {"algo-1": Command(argv=("a",)), "algo-2": Command(argv=("b",))}
    hosts = tuple(HostProgram(name=name, program=program, env={"NAME": name}) for name, program in programs.items())
    folder.save_run(Run(id="run", folder=folder.path, program=programs["algo-1"], hosts=hosts))
    part = folder.load_part("algo-2")
    assert (part.host, part.program, part.env, part.hosts) == ("algo-2", programs["algo-2"], {"NAME": "algo-2"}, ())
    for name in ("algo-3", None):
        with pytest.raises(EvidenceError, match="has no host"):
            folder.load_part(name)
