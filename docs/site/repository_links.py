"""Links to folders, which GitHub shows and a site has not: they lead to the page about the folder, its README if it has one."""

from pathlib import Path, PurePosixPath
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

_PAGES = {
    "sm_tuning": "docs/reference/python",
    "local_emulator": "docs/emulator",
    "training_scripts": "docs/training_scripts",
    "infra": "docs/deploy",
}


def _to_pages(app: Sphinx, doctree: nodes.document) -> None:
    """Let the links to folders of a page lead to pages; those that lead nowhere stay, and are warned of."""
    name = app.env.docname
    for link in doctree.findall(pending_xref):
        if link["reftype"] != "myst" or "#" in link["reftarget"]:
            continue
        folder = (Path(app.srcdir) / name).parent.joinpath(link["reftarget"]).resolve()
        if not folder.is_dir() or not folder.is_relative_to(app.srcdir):
            continue
        inside = PurePosixPath(folder.relative_to(app.srcdir)).as_posix()
        link.attributes |= {"refdomain": "doc", "reftarget": _PAGES.get(inside, f"{inside}/README"), "reftargetid": None}


def setup(app: Sphinx) -> dict[str, Any]:
    """Register it."""
    app.connect("doctree-read", _to_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
