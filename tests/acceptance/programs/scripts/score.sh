#!/bin/sh
# Hands its arguments on, as users' launchers do.
echo "arguments: $*"
exec python score.py "$@"
