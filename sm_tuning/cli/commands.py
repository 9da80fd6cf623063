"""The `sm-tuning` command with all its commands."""

from sm_tuning.cli import analysis as judge
from sm_tuning.cli import doctor, launch
from sm_tuning.cli import emulator_commands as emulate
from sm_tuning.cli import follow as watch
from sm_tuning.cli.app import sm_tuning

__all__ = ["doctor", "emulate", "judge", "launch", "sm_tuning", "watch"]
