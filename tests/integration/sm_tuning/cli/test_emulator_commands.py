"""Starting an emulator where it cannot start."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from sm_tuning.cli.commands import sm_tuning


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda state: state.write_bytes(b""), "cannot be used: File exists; choose another with --state"),
        (
            lambda state: (state / "thesis").mkdir(parents=True),
            "the emulator did not start: the folder .* holds something else .*its log: ",
        ),
    ],
)
def test_a_state_folder_that_cannot_be_used(
    make: Callable[[Path], object], text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    make(tmp_path / "state")
    result = CliRunner().invoke(sm_tuning, ["emulator", "start", "--port", "0", "--state", str(tmp_path / "state")])
    assert result.exit_code == 3
    assert re.search(text, result.output)
    assert len(result.output.splitlines()) == 1
