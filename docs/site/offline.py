"""The built pages ask no other host for anything: a page that does is warned of, which ends a strict build."""

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util import logging

_LOG = logging.getLogger(__name__)
_LOADED = re.compile(r"""<(?:script|link|img|iframe|source|object)\b[^>]*?\s(?:src|href|data)=["'](?:https?:)?//([^"'/]+)""")
_IMPORTED = re.compile(r"""(?:@import|url\()\s*["']?(?:https?:)?//([^"'/)]+)""")


def _complain(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.format != "html":
        return
    for path in sorted(Path(app.outdir).rglob("*")):
        pattern = {".html": _LOADED, ".css": _IMPORTED}.get(path.suffix)
        for host in pattern.findall(path.read_text(encoding="utf-8")) if pattern else ():
            _LOG.warning("%s loads something from %s", path.relative_to(app.outdir), host)


def setup(app: Sphinx) -> dict[str, Any]:
    """Look at what was built."""
    app.connect("build-finished", _complain)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
