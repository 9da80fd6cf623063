"""One self-contained HTML page about tuning jobs, and its charts; nothing is loaded from anywhere."""

from sm_tuning.report.page import figures, page, templates, trusted
from sm_tuning.report.svg import png
from sm_tuning.report.view_model import ViewModel, view_model

__all__ = ["ViewModel", "figures", "page", "png", "templates", "trusted", "view_model"]
