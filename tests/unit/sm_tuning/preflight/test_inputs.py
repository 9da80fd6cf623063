"""What a check says of what there is in place of what is wanted."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sm_tuning import Channel, Script
from sm_tuning.preflight.inputs import _other_tags, channel, source
from tests.unit.sm_tuning.descriptions import Make


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        ([], "; it has no tag at all"),
        ([{"imageDigest": "sha256:0"}], "; it has no tag at all"),
        ([{"imageTag": "v2"}, {"imageTag": "v1"}], "; there are v1, v2"),
        ([{"imageTag": f"v{number}"} for number in range(7)], "; there are v0, v1, v2, v3, v4 and more"),
    ],
)
def test_other_tags_are_named_in_case_one_was_mistyped(images: Sequence[object], sentence: str) -> None:
    ecr = SimpleNamespace(list_images=lambda **_: {"imageIds": images})
    assert _other_tags(ecr, {}) == sentence


def test_what_is_not_on_this_machine_is_not_said_to_be_uploaded(job: Make, tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    account: Any = None
    for name, states in (("there", ["ok"]), ("missing", [])):
        described = job(channels=[Channel("train", str(tmp_path / name))], script=Script(str(tmp_path / name)))
        assert [finding.state for finding in channel(account, described)] == states
        assert [finding.state for finding in source(account, described)] == states
