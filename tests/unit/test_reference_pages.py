"""docs/reference documents every public name: its pages name modules, whose names Sphinx reads when it builds the site."""

import re
from collections import Counter
from importlib import import_module

import sm_tuning
from local_emulator import testing
from tests.conftest import ROOT

REFERENCE = ROOT / "docs" / "reference"
LINES = [
    line
    for page in sorted(REFERENCE.glob("*.md"))
    for block in re.findall(r"^```\{api\}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
]
PUBLIC = {sm_tuning._MODULES[name] for name in sm_tuning.__all__}


def test_every_module_of_a_public_name_is_on_one_page() -> None:
    assert Counter(line for line in LINES if line in PUBLIC) == Counter(PUBLIC)


def test_the_rest_is_there_and_no_second_entry_of_a_public_name() -> None:
    others = [line for line in LINES if line not in PUBLIC and line != testing.__name__]
    public = {id(getattr(sm_tuning, name)) for name in sm_tuning.__all__}
    for line in others:
        module, _, name = line.rpartition(".")
        assert id(getattr(import_module(module), name)) not in public, line
    assert testing.__name__ in LINES
    assert len(set(LINES)) == len(LINES)
