#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds the server and the load generator with optimisation and prints the bench table.
#
# Usage: tests/bench/run.sh [--quick] [--only refresh,signin,...] [--repeats N] [--json FILE]
set -euo pipefail
cd "$(dirname "$0")/../.."
build=build-bench
[ -e "$build/build.ninja" ] ||
    meson setup "$build" --buildtype=release -Dtests=disabled -Dbench=true
ninja -C "$build"
for bench in "$build"/tests/bench/bench_*; do
    if [ -x "$bench" ] && [ -f "$bench" ]; then
        "$bench"
    fi
done
exec /usr/bin/python3 tests/bench/run.py --build "$build" "$@"
