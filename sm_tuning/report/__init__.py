"""One self-contained HTML page about tuning jobs, and its charts; nothing is loaded from anywhere."""

from sm_tuning.report.figures import png, specifications, svg
from sm_tuning.report.page import Trusted, page, page_data, templates
from sm_tuning.report.view_model import ViewModel, view_model

__all__ = ["Trusted", "ViewModel", "page", "page_data", "png", "specifications", "svg", "templates", "view_model"]
