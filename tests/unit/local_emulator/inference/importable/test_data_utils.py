"""Channels as scripts of the XGBoost image read them."""

from pathlib import Path

import numpy as np
import pytest

from local_emulator.inference.importable.sagemaker_xgboost_container.data_utils import get_dmatrix

ROWS = np.array([[1.0, 2.0, 0.5], [0.0, 3.0, 0.25]])


def test_formats(tmp_path: Path) -> None:
    contents = {
        "csv": ("1,2,0.5\n", "0,3,0.25\n"),
        "text/csv; label_size=1": ("1;2;.5\n", "0;3;.25\n"),
        "libsvm": ("1 0:2 1:0.5", "0 0:3 1:0.25"),
    }
    for kind, parts in contents.items():
        folder = tmp_path / kind.replace("/", "-")
        folder.mkdir()
        for number, text in enumerate(parts):
            (folder / f"part-{number}").write_text(text)
        (folder / "_SUCCESS").write_text("")
        matrix = get_dmatrix(str(folder), kind)
        assert matrix is not None
        assert matrix.get_label().tolist() == [1, 0]
        assert matrix.get_data().toarray().tolist() == ROWS[:, 1:].tolist()
    weighted = get_dmatrix(str(tmp_path / "csv"), "text/csv", csv_weights=1)
    assert weighted is not None
    assert (weighted.get_weight().tolist(), weighted.num_col()) == ([2, 3], 1)


def test_no_channel_and_no_files_are_no_data(tmp_path: Path) -> None:
    assert get_dmatrix(None, "csv") is None
    assert get_dmatrix(str(tmp_path), "csv") is None


@pytest.mark.parametrize(("kind", "piped"), [("recordio-protobuf", False), ("parquet", False), ("csv", True)])
def test_what_is_not_read_is_said(tmp_path: Path, kind: str, piped: bool) -> None:  # noqa: FBT001 - a column
    with pytest.raises(NotImplementedError, match=f"csv and libsvm here, not {kind}"):
        get_dmatrix(str(tmp_path), kind, is_pipe=piped)
