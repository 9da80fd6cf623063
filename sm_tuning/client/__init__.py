"""Calls to AWS or the emulator, which look the same."""
