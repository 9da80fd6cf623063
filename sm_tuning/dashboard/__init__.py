"""Tuning jobs on a page of this machine, live while they run."""

from sm_tuning.dashboard.app import PORT, Dashboard, serving

__all__ = ["PORT", "Dashboard", "serving"]
