#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds with ASan and UBSan and runs every test: the layers, the unit tests, and each executable
# tests/e2e/run-*.sh and tests/oracle/run-*.sh.  A script passes with exit status 0 and is skipped
# with 77; it has 600 seconds unless it contains a line "# timeout: SECONDS".
#
# Usage: scripts/run-tests.sh [NAME...]    only what has NAME in its name, e.g. unit, e2e, run-sipe
#
# The scripts find in their environment: POSTERN, the binary under test; POSTERN_BUILD, its build
# directory; POSTERN_SOURCE, the source tree.  Logs are in build-asan/logs.
set -euo pipefail

cd "$(dirname "$0")/.."
build=$PWD/build-asan
logs=$build/logs
names=("$@")
passed=0 failed=0 skipped=0
failures=()

case "${1:-}" in
-h | --help)
    sed -n '3,11s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac

# Whether the names given on the command line, if any, ask for this test.
wanted() {
    local name
    [ "${#names[@]}" -gt 0 ] || return 0
    for name in "${names[@]}"; do
        [[ $1 != *"$name"* ]] || return 0
    done
    return 1
}

count() { # name, exit status, log
    case "$2" in
    0) passed=$((passed + 1)) && echo "ok       $1" ;;
    77) skipped=$((skipped + 1)) && echo "skipped  $1: $(tail -n 1 "$3")" ;;
    *)
        failed=$((failed + 1))
        failures+=("$3")
        [ "$2" -ne 124 ] || echo "the time is up" >>"$3"
        echo "FAILED   $1 (exit status $2)"
        ;;
    esac
}

run_script() { # name, seconds, command...
    local name=$1 seconds=$2 status=0 log
    shift 2
    log=$logs/${name//\//-}.log
    timeout --kill-after=10 "$seconds" "$@" >"$log" 2>&1 </dev/null || status=$?
    count "$name" "$status" "$log"
}

build_all() {
    [ -e "$build/build.ninja" ] ||
        meson setup "$build" -Db_sanitize=address,undefined -Db_lundef=false -Dtests=enabled
    ninja -C "$build"
    mkdir -p "$logs"
    rm -f "$logs"/*.log
}

# One line per unit test, from meson's own table: "name  OK|FAIL|TIMEOUT|..."
run_units() {
    local name result log
    meson test -C "$build" --suite unit --no-rebuild --print-errorlogs >"$logs/unit.log" 2>&1 || true
    while read -r name result; do
        log=$logs/unit.log
        case "$result" in
        OK) count "unit/$name" 0 "$log" ;;
        SKIP) count "unit/$name" 77 "$log" ;;
        *) count "unit/$name" 1 "$log" ;;
        esac
    done < <(sed -nE 's|^ *[0-9]+/[0-9]+ +([^ ]+ / )?([^ ]+) +([A-Z]+) .*|\2 \3|p' "$logs/unit.log" | awk '!seen[$0]++') # failures are listed twice
    grep -qE '^ *[0-9]+/[0-9]+ ' "$logs/unit.log" || count unit 1 "$logs/unit.log"
}

run_scripts() {
    local script name seconds
    for script in tests/e2e/run-*.sh tests/oracle/run-*.sh; do
        name=${script#tests/}
        name=${name%.sh}
        if [ -x "$script" ] && wanted "$name"; then
            seconds=$(sed -n 's/^# timeout: \([0-9]*\)$/\1/p' "$script" | head -n 1)
            run_script "$name" "${seconds:-600}" "$script"
        fi
    done
}

build_all
export POSTERN=$build/postern POSTERN_BUILD=$build POSTERN_SOURCE=$PWD
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}

! wanted layers || run_script layers 60 tests/check-layers.sh
! wanted unit || run_units
# A sandboxed process cannot look for leaks when it ends; the unit tests do.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}
run_scripts

for log in $(printf '%s\n' "${failures[@]}" | sort -u); do
    echo "--- $log, last 60 lines"
    tail -n 60 "$log"
done
[ -z "${POSTERN_TOTALS:-}" ] || echo "$passed $failed" >>"$POSTERN_TOTALS"
[ "$skipped" -eq 0 ] || echo "$skipped skipped"
echo "tests: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
