"""What pip does in a layer, for an interpreter with packages of its own."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from local_emulator.runs import layers
from local_emulator.runs.layers import Layer
from tests.integration.local_emulator.runs.wheels import wheel


def facts(python: str | Path, code: str) -> Any:
    """What a program of an interpreter prints, in JSON."""
    asked = subprocess.run([python, "-c", f"import json, sys; {code}"], capture_output=True, text=True, check=True, cwd="/")
    return json.loads(asked.stdout)


@pytest.fixture
def layer(tmp_path: Path) -> Layer:
    below = layers.interpreter(sys.executable)
    assert below is not None
    layer = Layer(tmp_path / "layer", below)
    layer.make()
    return layer


def test_a_layer_has_what_its_interpreter_has(layer: Layer) -> None:
    names = "sys.prefix, sys.executable, packaging.__file__, sys.path.index(packaging.__file__.rsplit('/', 2)[0])"
    prefix, executable, file, where = facts(layer.python, f"import packaging; print(json.dumps([{names}]))")
    import_path = facts(layer.python, "print(json.dumps(sys.path))")
    assert (prefix, executable) == (str(layer.folder), layer.python)
    assert file.startswith(layer.interpreter.sites[0])
    assert import_path.index(str(layer.library)) < where
    assert layer.empty


def test_a_layer_upon_a_layer_has_the_packages_of_both(layer: Layer, tmp_path: Path) -> None:
    (layer.library / "lower.py").write_text("")
    upper = Layer(tmp_path / "upper", layer.as_interpreter)
    upper.make()
    (upper.library / "higher.py").write_text("")
    code = "import higher, lower, packaging; print(json.dumps([sys.prefix, sys.base_prefix]))"
    assert facts(upper.folder / "bin" / "python3", code) == [str(upper.folder), sys.base_prefix]


def test_pip_of_a_run_leaves_the_interpreter_alone(tmp_path: Path) -> None:
    """It is started as scripts do it; what is there already and does, stays, and what does not goes into the run's layer."""
    wheel(tmp_path, "needy", "1.0", requires=["packaging", "iniconfig>=90"])
    wheel(tmp_path, "iniconfig", "99.0")
    below = layers.interpreter(sys.executable)
    assert below is not None
    before = below.fingerprint
    variables = layers.variables(tmp_path / "own", below)
    environment = {**os.environ, **variables, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    command = [sys.executable, "-m", "pip", "install", "needy"]
    printed = subprocess.run(command, env=environment, check=True, text=True, capture_output=True).stdout
    assert "Requirement already satisfied: packaging" in printed
    assert f"Not uninstalling iniconfig at {below.sites[0]}, outside environment {tmp_path / 'own'}" in printed
    code = "import importlib.metadata as m, needy; print(json.dumps([m.version('iniconfig'), m.version('packaging')]))"
    newer = ["99.0", version("packaging")]
    asked = subprocess.run(
        [sys.executable, "-c", f"import json; {code}"], env=environment, check=True, capture_output=True, cwd="/"
    )
    assert json.loads(asked.stdout) == newer
    assert facts(tmp_path / "own" / "bin" / "python", code) == newer
    assert below.fingerprint == before
    assert version("iniconfig") != "99.0"


def test_an_interpreter_without_pip_has_ours(layer: Layer) -> None:
    without = Layer(layer.folder, layers.Interpreter(**{**vars(layer.interpreter), "pip": False}))
    assert layer.install("x") == [layer.python, "-I", "-m", "pip", "install", "x"]
    assert without.install("x") == [sys.executable, "-I", "-m", "pip", "--python", layer.python, "install", "x"]


def test_an_interpreter_that_does_not_start_is_the_programs_own_error() -> None:
    assert layers.interpreter("/bin/false") is None
    assert layers.interpreter("/missing/python") is None
