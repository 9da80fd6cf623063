"""`python -m sm_tuning` is the `sm-tuning` command, where that is not on the path."""

from sm_tuning.cli import main

main()
