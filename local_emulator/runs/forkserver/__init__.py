"""Forks a training script from a Python process that has imported its modules already."""
