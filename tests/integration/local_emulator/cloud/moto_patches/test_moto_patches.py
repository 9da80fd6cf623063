"""moto has each fault that `PATCHES` names, and with the patches it has none of them."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from local_emulator.cloud.moto_patches import PATCHES

ROOT = Path(__file__).parents[5]
Shown = Mapping[str, bool]


@pytest.fixture(scope="module")
def shown() -> tuple[Shown, Shown]:
    """Which faults moto shows as it is, and patched; in processes of their own, for what is patched stays so."""
    program = "tests.integration.local_emulator.cloud.moto_patches.run_probes"
    running = [
        subprocess.Popen(
            [sys.executable, "-m", program, *mode], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for mode in ([], ["patched"])
    ]
    results = []
    for process in running:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        results.append(json.loads(out))
    return results[0], results[1]


def test_every_patch_has_its_probe(shown: tuple[Shown, Shown]) -> None:
    assert list(shown[0]) == list(PATCHES)


@pytest.mark.parametrize("name", PATCHES)
def test_moto_needs_the_patch(shown: tuple[Shown, Shown], name: str) -> None:
    unpatched, patched = shown
    assert unpatched[name], f"moto no longer has this fault: delete the patch ({PATCHES[name].fault})"
    assert not patched[name], f"the patch does not help: {PATCHES[name].fault}"
