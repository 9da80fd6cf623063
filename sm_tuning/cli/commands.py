"""The `sm-tuning` command with all its commands."""

from sm_tuning.cli import doctor, emulate, judge, launch, watch
from sm_tuning.cli.command import sm_tuning

__all__ = ["doctor", "emulate", "judge", "launch", "sm_tuning", "watch"]
