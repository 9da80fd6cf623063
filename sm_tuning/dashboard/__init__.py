"""Tuning jobs in a browser, live while they run."""

from sm_tuning.dashboard.app import PORT, Dashboard, serving

__all__ = ["PORT", "Dashboard", "serving"]
