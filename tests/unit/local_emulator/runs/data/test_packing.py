"""What comes out of a run, packed."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from local_emulator.runs.data.archive import ArchiveError
from local_emulator.runs.data.packing import Notes, pack, pack_results
from local_emulator.runs.folder import RunFolder


def test_pack_keeps_what_lies_inside_only(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "weights").write_bytes(b"w" * 1000)
    (tmp_path / "secret").write_text("secret")
    (folder / "inside").symlink_to(folder / "deep" / "weights")
    (folder / "outside").symlink_to(tmp_path / "secret")
    assert pack([folder], tmp_path / "model.tar.gz")
    first = (tmp_path / "model.tar.gz").read_bytes()
    with tarfile.open(tmp_path / "model.tar.gz") as tar:
        assert sorted(tar.getnames()) == ["deep/weights", "inside"]
    os.utime(folder / "deep" / "weights", (0, 0))
    assert pack([folder], tmp_path / "again.tar.gz")
    assert (tmp_path / "again.tar.gz").read_bytes() == first


@pytest.mark.parametrize("saved", ["checkpoints", "saved/here"])
def test_what_is_left_out_is_told(tmp_path: Path, saved: str) -> None:
    folder = RunFolder(tmp_path / "runs" / "x")
    model, checkpoints = folder.ml / "model", folder.ml / saved
    for path in (model, checkpoints):
        path.mkdir(parents=True)
    (model / "weights").write_text("w")
    (model / "etc").symlink_to("/etc")
    (model / "gone").symlink_to("nowhere")
    folder.make()
    os.mkfifo(model / "pipe")
    os.mkfifo(checkpoints / "pipe")
    omitted = "not uploaded, being neither files nor links to files beside them: "
    omitted += "'/opt/ml/model/etc', '/opt/ml/model/gone', '/opt/ml/model/pipe' and 1 more"
    assert pack_results(folder, [folder], saved, 1 << 20, compress=True) == {"model": True, "output": False, "omitted": omitted}
    assert pack_results(folder, [folder], saved, 1 << 20, compress=False) == {"omitted": omitted}


def test_pack_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "model" / "empty").mkdir(parents=True)
    assert not pack([tmp_path / "model"], tmp_path / "model.tar.gz")
    assert not (tmp_path / "model.tar.gz").exists()


def test_sparse_files_count_with_their_size(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with (tmp_path / "model" / "weights").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ArchiveError, match="1,099,511,627,776 bytes, more than the volume of 1,073,741,824"):
        pack([tmp_path / "model"], tmp_path / "model.tar.gz", limit=1 << 30)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("secret")
    (tmp_path / "model").symlink_to("secret")
    with pytest.raises(ArchiveError, match="/opt/ml/model was replaced by a link"):
        pack([tmp_path / "model"], tmp_path / "model.tar.gz")


def test_a_loop_of_links_is_named(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "loop").symlink_to("loop")
    (tmp_path / "model" / "weights").write_text("w")
    with pytest.raises(ArchiveError, match="'loop' is a link that leads to itself"):
        pack([tmp_path / "model"], tmp_path / "model.tar.gz")


def test_what_several_hosts_have_left_is_one_archive(tmp_path: Path) -> None:
    models = [tmp_path / name / "ml" / "model" for name in ("algo-1", "algo-2", "algo-3")]
    for number, model in enumerate(models):
        (model / "parts").mkdir(parents=True)
        (model / "parts" / str(number)).write_text(str(number))
        (model / "weights").write_text(str(number))
    notes = Notes()
    assert pack(models, tmp_path / "model.tar.gz", notes=notes)
    with tarfile.open(tmp_path / "model.tar.gz") as archive:
        content = {member.name: (archive.extractfile(member) or io.BytesIO()).read().decode() for member in archive.getmembers()}
    assert content == {"parts/0": "0", "parts/1": "1", "parts/2": "2", "weights": "2"}, "of the same file the last host's"
    assert notes.repeated == ["/opt/ml/model/weights"]
    (models[0] / "parts" / "1").mkdir()
    (models[0] / "parts" / "1" / "x").touch()
    with pytest.raises(ArchiveError, match="'/opt/ml/model/parts/1' is a file of one host and a folder of another"):
        pack(models, tmp_path / "again.tar.gz")
