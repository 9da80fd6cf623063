"""The `sm-tuning` command with all its commands."""

from sm_tuning.cli import analysis, doctor, emulator_commands, follow, launch
from sm_tuning.cli.app import sm_tuning

__all__ = ["analysis", "doctor", "emulator_commands", "follow", "launch", "sm_tuning"]
