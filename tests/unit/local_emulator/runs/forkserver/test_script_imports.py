"""Which modules a script imports when it begins, read from its text."""
# ruff: noqa: E501 - a script is one line here

from pathlib import Path

from local_emulator.runs.forkserver.script_imports import imports_of


def test_imports_are_read_from_the_text(tmp_path: Path) -> None:
    files = {
        "train.py": "from __future__ import annotations\nimport os, a.b\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import never\n"
        "try:\n    import c\nexcept ImportError:\n    import d\nfrom e.f import g, h\nimport own\nfrom package import part\ndef x():\n    import late\n",
        "own.py": "import numpy",
        "package/__init__.py": "from .part import y",
        "package/part.py": "from . import other\nimport pandas as pd",
        "package/other.py": "import scipy.stats",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    modules = set(imports_of(tmp_path, "train.py"))
    assert modules == {"os", "a.b", "typing:TYPE_CHECKING", "c", "d", "e.f:g,h", "numpy", "pandas", "scipy.stats"}
    (tmp_path / "broken.py").write_text("import os\nthis is no python")
    assert imports_of(tmp_path, "broken.py") == ()
