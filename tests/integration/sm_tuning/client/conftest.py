"""The fixtures of commands."""

from tests.integration.sm_tuning.cli.conftest import alone, cli

__all__ = ["alone", "cli"]
