"""The fork server: a program of the standard library alone, run by its path (`start.py`) in the interpreter of the scripts."""
