"""One self-contained HTML page that says what a tuning job found; nothing is loaded from anywhere."""

from sm_tuning.report.page import figures, page, templates
from sm_tuning.report.svg import png

__all__ = ["figures", "page", "png", "templates"]
