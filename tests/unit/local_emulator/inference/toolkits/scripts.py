"""Scripts of users, loaded by a toolkit in this process."""

import itertools
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local_emulator.inference.serving.messages import Request, Response
from local_emulator.inference.toolkits.code import Source

_numbers = itertools.count()

NPY = "application/x-npy"


def source(folder: Path, text: str, patch: pytest.MonkeyPatch) -> Source:
    """A script in the path of modules."""
    (folder / "model").mkdir(exist_ok=True)
    name = f"inference_{next(_numbers)}"
    (folder / f"{name}.py").write_text(text)
    patch.syspath_prepend(folder)
    patch.delitem(sys.modules, name, raising=False)
    return Source(folder / "model", folder, name)


def invoke(answer: Callable[[Request], Response], body: bytes, kind: str | None = "text/csv", accept: str = "*/*") -> Response:
    headers = {"accept": accept} | ({} if kind is None else {"content-type": kind})
    return answer(Request("POST", "/invocations", body, headers))
