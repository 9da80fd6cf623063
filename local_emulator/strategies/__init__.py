"""Minds: history in, advice out. A strategy keeps nothing, so there is nothing of it to save."""
