#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs a command as seen from a host of the lab; its process is this one.
#
# Usage: tests/lab/exec.sh DIR dc|fe|int|ext|edge COMMAND...
set -euo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/lab.sh"
[ $# -ge 3 ] || lab_die "usage: exec.sh DIR HOST COMMAND..."
dir=$(cd "$1" && pwd)
lab_enter "$dir" "$2" -- "${@:3}"
