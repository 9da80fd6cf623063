"""One self-contained HTML page about tuning jobs, and its charts; nothing is loaded from anywhere."""

from sm_tuning.report.page import Trusted, figures, page, templates
from sm_tuning.report.svg import png
from sm_tuning.report.view_model import ViewModel, view_model

__all__ = ["Trusted", "ViewModel", "figures", "page", "png", "templates", "view_model"]
