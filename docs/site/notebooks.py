"""Notebooks as pages: their cells as Markdown, with the results of the last `make docs` of the same cells.

They are committed without results; what reads them for Sphinx (myst-nb, nbsphinx) brings Jupyter and some forty more distributions.
"""

import base64
import html
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

_MAGIC = "%%writefile "


def as_markdown(notebook: Mapping[str, Any]) -> str:
    """A notebook as MyST's Markdown."""
    return "\n\n".join(text for cell in notebook["cells"] for text in _cell(cell)) + "\n"


def _cell(cell: Mapping[str, Any]) -> Iterator[str]:
    source = _text(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
        return
    first, _, rest = source.partition("\n")
    if first.startswith(_MAGIC):
        yield f"```{{code-block}} python\n:caption: {first.removeprefix(_MAGIC)}\n{rest}\n```"
    else:
        yield f"```python\n{source}\n```"
    yield from (text for output in cell.get("outputs", ()) if (text := _output(output)))


def _output(output: Mapping[str, Any]) -> str:
    """What a cell shows: a picture, else HTML, else text."""
    data = output.get("data", {})
    if "image/svg+xml" in data:
        picture = base64.b64encode(_text(data["image/svg+xml"]).encode()).decode()
        label = html.escape(_text(data.get("text/plain", "chart")))
        return f'```{{raw}} html\n<p class="output"><img src="data:image/svg+xml;base64,{picture}" alt="{label}"></p>\n```'
    if "text/html" in data:
        return f'``````{{raw}} html\n<div class="output">{_text(data["text/html"])}</div>\n``````'
    text = _text(output.get("text", data.get("text/plain", ""))).rstrip("\n")
    return f"```text\n{text}\n```" if text else ""


def _text(lines: str | list[str]) -> str:
    return lines if isinstance(lines, str) else "".join(lines)


def _read(app: Sphinx, name: str, source: list[str]) -> None:
    path = Path(app.env.doc2path(name))
    if path.suffix != ".ipynb":
        return
    notebook = json.loads(source[0])
    run = Path(app.srcdir, "build", path.stem, path.name)
    if run.is_file():
        executed = json.loads(run.read_text(encoding="utf-8"))
        if [_text(cell["source"]) for cell in executed["cells"]] == [_text(cell["source"]) for cell in notebook["cells"]]:
            notebook = executed
    source[0] = as_markdown(notebook)


def setup(app: Sphinx) -> dict[str, Any]:
    """Let pages be notebooks."""
    app.add_source_suffix(".ipynb", "markdown")
    app.connect("source-read", _read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
