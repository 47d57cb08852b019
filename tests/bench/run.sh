#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds the server and the load generator with optimisation and prints the bench table.
#
# Usage: tests/bench/run.sh [--quick] [--only refresh,signin,...] [--repeats N] [--json FILE]
set -euo pipefail
cd "$(dirname "$0")/../.."
build=build-bench
[ -e "$build/build.ninja" ] ||
    meson setup "$build" --buildtype=release -Ddebug=true -Db_lto=true -Dtests=disabled -Dbench=true \
        "-Dc_link_args=-Wno-free-nonheap-object -Wno-stringop-overflow"
ninja -C "$build"
for bench in "$build"/tests/bench/bench_*; do
    if [ -x "$bench" ] && [ -f "$bench" ]; then
        "$bench"
    fi
done
exec /usr/bin/python3 tests/bench/run.py --build "$build" "$@"
