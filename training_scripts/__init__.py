"""Container-ready training scripts that print their metrics, and the regular expressions that find them."""

NUMBER = r"([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)"

METRICS = {name: f"{name}={NUMBER}" for name in ("train:loss", "train:accuracy", "validation:loss", "validation:accuracy")}
"""Metric name -> regular expression; they fit every script of this package."""
