#!/usr/bin/env bash
# The example of an endpoint; `AWS` names the program (forked_cli.py).
aws() { "$AWS" "$@"; }
# shellcheck source=docs/examples/endpoint.sh
source "$(dirname "$0")/../../../docs/examples/endpoint.sh"
