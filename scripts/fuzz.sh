#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds the libFuzzer targets with ASan and UBSan and runs each for FUZZ_TIME seconds (600),
# as many at once as there are processors.  What they find is in build-fuzz/findings/NAME; new
# inputs gather in build-fuzz/corpus/NAME, the seeds are in tests/fuzz/corpus/NAME.
#
# Usage: [FUZZ_TIME=SECONDS] scripts/fuzz.sh [NAME...]
set -euo pipefail

cd "$(dirname "$0")/.."
build=$PWD/build-fuzz
export FUZZ_TIME=${FUZZ_TIME:-600}
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

case "${1:-}" in
-h | --help)
    sed -n '3,7s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac

# Runs one target; its last line says how it went.
fuzz_one() {
    local name=$1 corpus=$build/corpus/$1 findings=$build/findings/$1 log=$build/logs/$1.log
    local seeds=tests/fuzz/corpus/$1 options=()
    mkdir -p "$corpus" "$findings"
    [ ! -e "tests/fuzz/$name.dict" ] || options+=("-dict=tests/fuzz/$name.dict")
    [ ! -d "$seeds" ] || options+=("$seeds")
    if "$build/tests/fuzz_$name" -max_total_time="$FUZZ_TIME" -timeout=20 -print_final_stats=1 \
        -artifact_prefix="$findings/" "$corpus" "${options[@]}" >"$log" 2>&1; then
        echo "ok       fuzz/$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs"
    else
        tail -n 40 "$log"
        echo "FAILED   fuzz/$name: see $log and $findings"
    fi
}

if [ "${1:-}" = --one ]; then
    fuzz_one "$2"
    exit
fi

[ -e "$build/build.ninja" ] ||
    CC=clang meson setup "$build" -Dfuzz=true -Dtests=disabled -Db_lundef=false \
        -Db_sanitize=address,undefined -Dc_args=-fsanitize=fuzzer-no-link
ninja -C "$build"
mkdir -p "$build/logs"

names=("$@")
if [ $# -eq 0 ]; then
    for target in "$build"/tests/fuzz_*; do
        [ -x "$target" ] && [ -f "$target" ] && names+=("${target##*/fuzz_}")
    done
fi
for name in "${names[@]}"; do
    [ -x "$build/tests/fuzz_$name" ] || { echo "fuzz: there is no target $name" >&2 && exit 2; }
done

printf '%s\n' "${names[@]}" | xargs -P "$(nproc)" -I '{}' "$0" --one '{}' | tee "$build/logs/summary"
passed=$(grep -c '^ok ' "$build/logs/summary" || true)
failed=$((${#names[@]} - passed))
[ -z "${POSTERN_TOTALS:-}" ] || echo "$passed $failed" >>"$POSTERN_TOTALS"
echo "fuzz: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
