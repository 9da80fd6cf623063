"""What an import must not load: each of these costs more than everything that is loaded."""

import json
import subprocess
import sys
from pathlib import Path

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
    "click",
}


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("sm_tuning", set()),
        ("sm_tuning.cli", {"click"}),
        ("local_emulator.command", set()),
        ("local_emulator.serving", {"botocore", "cryptography"}),  # the model of SageMaker, the certificates of the proxy
    ],
)
def test_heavy_modules_are_loaded_when_they_are_needed(module: str, allowed: set[str]) -> None:
    code = f"import {module}, json, sys; print(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    printed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert HEAVY & set(json.loads(printed)) <= allowed


def test_the_emulator_loads_the_rules_alone() -> None:
    code = "import json, sys, local_emulator.assembly; print(json.dumps([name for name in sys.modules if 'sm_tuning.' in name]))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {".".join(name.split(".")[:2]) for name in json.loads(loaded)} == {"sm_tuning.rules"}


def test_help_loads_nothing_that_carries_a_command_out() -> None:
    code = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from sm_tuning.cli.commands import sm_tuning\n"
        "for words in (['--help'], ['run', '--help'], ['emulator', 'env', '--help']):\n"
        "    assert CliRunner().invoke(sm_tuning, words).exit_code == 0, words\n"
        "print([name for name in ('boto3', 'botocore', 'rich', 'sm_tuning.tuning_job', 'sm_tuning.spec') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_plan_loads_no_boto3(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from sm_tuning.cli.commands import sm_tuning\n"
        f"result = CliRunner().invoke(sm_tuning, ['plan', 'docs/examples/digits.toml', '--state', {str(tmp_path)!r}])\n"
        "assert 'digits: ' in result.output, result.output\n"
        "print([name for name in ('boto3', 'pandas', 'jinja2', 'sklearn') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout == "[]\n"
