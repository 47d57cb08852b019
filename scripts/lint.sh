#!/bin/bash
# SPDX-License-Identifier: MIT
# Checks form and substance without running anything: clang-format, clang-tidy, cppcheck,
# whether every header compiles alone, and the shell scripts.
#
# Usage: scripts/lint.sh [format|headers|tidy|cppcheck|shell ...]    all without arguments
set -euo pipefail

cd "$(dirname "$0")/.."
build=$PWD/build-lint
passed=0 failed=0

# Sources that belong to the project, tracked or new.
sources() { # suffix...
    local suffix
    for suffix in "$@"; do
        find src tests -name "*.$suffix" -type f
    done | sort
}

check_format() {
    sources c h | xargs clang-format --dry-run -Werror
}

check_headers() {
    local header failed=0
    while read -r header; do
        clang -std=gnu11 -D_GNU_SOURCE -Isrc -fsyntax-only -Wall -Wextra -Werror -x c \
            -Wno-pragma-once-outside-header -Wno-unused-function "$header" || failed=1
    done < <(find src -name '*.h' | sort)
    return $failed
}

# clang's view of how each file is compiled; nothing is built.
compile_commands() {
    local options=(-Dfuzz=true -Dbench=true -Dtests=enabled -Db_lundef=false)
    [ ! -e "$build/build.ninja" ] || options+=(--reconfigure)
    CC=clang meson setup "${options[@]}" "$build" >/dev/null
}

# One file per process: clang-tidy 14 sees uninitialised va_lists from the second file on.
check_tidy() {
    compile_commands
    sed -n 's/^ *"file": "\(.*\)",*$/\1/p' "$build/compile_commands.json" | sort -u |
        (cd "$build" && xargs -P "$(nproc)" -n 1 clang-tidy -p "$build" --quiet 2>&1) |
        { grep -v -E '^[0-9]+ warnings? generated|^Suppressed |^Use -header-filter' || true; } |
        tee "$build/tidy.log"
    ! grep -qE '(warning|error):' "$build/tidy.log"
}

# The look-ups of users and groups happen while there is one thread; library macros that loop
# are in scripts/cppcheck.h; a test that tries forbidden calls drops what they return.
check_cppcheck() {
    mkdir -p "$build/cppcheck"
    cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
        --inline-suppr --library=posix --suppress=getpwnamCalled --suppress=getgrnamCalled \
        --suppress=getpwuidCalled --suppress=getgrgidCalled --suppress=varFuncNullUB \
        --suppress='leakReturnValNotUsed:tests/*' --suppress='invalidFunctionArg:tests/*' \
        -D_GNU_SOURCE -DPOSTERN_VERSION='"0"' -DPOSTERN_SOURCE_ROOT='"."' \
        --include=scripts/cppcheck.h \
        -Isrc -Itests --cppcheck-build-dir="$build/cppcheck" -j "$(nproc)" src tests
}

check_shell() {
    local file shell_files=()
    while read -r file; do
        if head -n 1 "$file" | grep -qE '^#!/bin/(ba)?sh|^#!/usr/bin/env bash'; then
            shell_files+=("$file")
        fi
    done < <(find scripts tests .ci -type f | sort)
    shellcheck --external-sources "${shell_files[@]}"
}

case "${1:-}" in
-h | --help)
    sed -n '3,6s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac
[ $# -gt 0 ] || set -- format headers tidy cppcheck shell
for check in "$@"; do
    declare -F "check_$check" >/dev/null || { echo "lint: there is no check '$check'" >&2 && exit 2; }
    # not the condition of an if: errexit would be off inside
    set +e
    (
        set -e
        "check_$check"
    )
    status=$?
    set -e
    if [ "$status" -eq 0 ]; then
        passed=$((passed + 1))
        echo "ok       lint/$check"
    else
        failed=$((failed + 1))
        echo "FAILED   lint/$check"
    fi
done
[ -z "${POSTERN_TOTALS:-}" ] || echo "$passed $failed" >>"$POSTERN_TOTALS"
echo "lint: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
