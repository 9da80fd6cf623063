"""Strategies: functions of the history. They keep derived state only, so nothing has to be saved."""
