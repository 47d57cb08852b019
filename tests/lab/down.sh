#!/bin/bash
# SPDX-License-Identifier: MIT
# Stops what up.sh started, and removes DIR.
#
# Usage: tests/lab/down.sh [--keep] DIR      --keep: the next up.sh DIR takes two seconds
set -euo pipefail
# shellcheck source=tests/lab/lab.sh
. "$(dirname "$0")/lab.sh"
keep=
[ "${1:-}" != --keep ] || { keep=1 && shift; }
[ -d "${1:?usage: down.sh [--keep] DIR}/run" ] || exit 0
dir=$(cd "$1" && pwd)
for host in fe dc int ext edge sw; do
    pid=$(lab_pid "$dir" "$host") && kill -KILL "$pid"
    rm -f "$dir/run/$host.pid"
done
[ -n "$keep" ] || rm -rf "$dir"
