"""Checks of a tuning job without AWS: files, expressions, and the rules of requests, in the words that the user typed."""
