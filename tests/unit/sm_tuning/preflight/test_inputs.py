"""What a check says of what there is in place of what is wanted."""

from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from sm_tuning.preflight.inputs import _other_tags


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
