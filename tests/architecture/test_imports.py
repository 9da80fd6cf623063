"""What an import must not load: each of these costs more than everything that is loaded."""

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT

HEAVY = {
    "pandas",
    "numpy",
    "scipy",
    "sklearn",
    "pyarrow",
    "sagemaker",
    "boto3",
    "botocore",
    "moto",
    "flask",
    "cryptography",
    "docker",
}


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("sm_tuning", set()),
        ("sm_tuning.cli", set()),
        ("local_emulator.command", {"botocore"}),  # whose loader finds the model of SageMaker
    ],
)
def test_heavy_modules_are_loaded_when_they_are_needed(module: str, allowed: set[str]) -> None:
    code = f"import {module}, json, sys; print(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert HEAVY & set(json.loads(told)) <= allowed
