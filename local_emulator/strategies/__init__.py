"""Strategies: functions of the history. What one keeps is derived state only, so nothing of it has to be saved."""
