#!/bin/bash
# SPDX-License-Identifier: MIT
# bash completion offers every subcommand, and every option that a subcommand's --help names.
set -euo pipefail

: "${POSTERN:?the binary under test}" "${POSTERN_SOURCE:?the source tree}"
# shellcheck source=scripts/postern.bash
source "$POSTERN_SOURCE/scripts/postern.bash"
compopt() { :; } # exists only while readline completes
failed=0

is_offered() { # WORD, WORDS...: the first behind the others
    local word=$1
    shift
    COMP_WORDS=(postern "$@" "")
    COMP_CWORD=$(($# + 1))
    _postern
    [[ " ${COMPREPLY[*]} " == *" $word "* ]]
}

expect() {
    is_offered "$@" || {
        echo "not offered after 'postern ${*:2}': $1"
        failed=1
    }
}

commands=$("$POSTERN" --help | sed -n 's/^  \([a-z]\{1,\}\) .*/\1/p')
[ -n "$commands" ] || failed=1
for command in $commands; do
    expect "$command"
done

for command in serve front authd demo signin; do
    while read -r option; do
        expect "$option" "$command"
    done < <("$POSTERN" "$command" --help | grep -oE -- '--[a-z]+(-[a-z]+)*' | sort -u)
done
for verb in add set show list remove import; do
    expect "$verb" user
done
while read -r option; do
    is_offered "$option" user set || is_offered "$option" user import || expect "$option" user show
done < <("$POSTERN" user --help | grep -oE -- '--[a-z]+(-[a-z]+)*' | sort -u)
for word in status sessions kick trace; do
    expect "$word" ctl
done
expect test directory
while read -r option; do
    expect "$option" directory test
done < <("$POSTERN" directory --help | grep -oE -- '--[a-z]+(-[a-z]+)*' | sort -u)
for word in show set matrix; do
    expect "$word" policy
done
expect windows-2008r2 policy set
expect TF_SECURITY ctl trace SIPStack info
while read -r profile _; do
    expect "$profile" signin --profile
done < <("$POSTERN" signin --profile list)

[ "$failed" -eq 0 ] && echo "completion knows every word"
