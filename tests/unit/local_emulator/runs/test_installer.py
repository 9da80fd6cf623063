"""The line of pip's that says why comes first in a FailureReason."""

import pytest

from local_emulator.runs.installer import explained

VERSIONS = "ERROR: Could not find a version that satisfies the requirement numpy>=99 (from versions: 1.3.0, 1.4.1)\n"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            ["ERROR: Ignored the following versions\n", VERSIONS, "ERROR: No matching distribution found for numpy>=99\n", "\n"],
            f"ERROR: No matching distribution found for numpy>=99\nERROR: Ignored the following versions\n{VERSIONS.strip()}",
        ),
        (
            [
                "ERROR: Exception:\n",
                "Traceback (most recent call last):\n",
                '  File "x.py"\n',
                "InvalidMarker: Invalid marker: ';'\n",
            ],
            "InvalidMarker: Invalid marker: ';'",
        ),
        (
            ["  error: subprocess-exited-with-error\n", "  gcc: no\n", "ERROR: Failed to build x\n", "[notice] new pip\n"],
            "ERROR: Failed to build x\n  error: subprocess-exited-with-error\n  gcc: no",
        ),
        (
            ["ERROR: Cannot install a==1 and b==2\n", "\n", "ERROR: ResolutionImpossible: for help visit https://pip\n"],
            "ERROR: Cannot install a==1 and b==2\nERROR: ResolutionImpossible: for help visit https://pip",
        ),
        (["/python: No module named pip\n"], "/python: No module named pip"),
        ([], ""),
    ],
)
def test_the_line_that_says_why_comes_first(written: list[str], said: str) -> None:
    assert explained(written) == said
