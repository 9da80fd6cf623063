"""Tuning jobs on a page of this machine, live while they run."""

from sm_tuning.dashboard.app import Dashboard, serve

__all__ = ["Dashboard", "serve"]
