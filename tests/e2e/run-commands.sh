#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 200
# The doors of the commands: help, wrong input, a broken configuration, and the exit codes.
# Needs POSTERN, or build/postern in the current directory.
set -uo pipefail

cd "$(dirname "$0")/../.." || exit 2
POSTERN=${POSTERN:-$PWD/build/postern}
# shellcheck source=scripts/postern.bash
source scripts/postern.bash || exit 1
folder=$(mktemp -d)
demo=
passed=0 failed=0

clean_up() {
    [ -z "$demo" ] || kill "$demo" 2>/dev/null
    rm -rf "$folder"
}
trap clean_up EXIT

# Runs postern; what it says is in $folder/out and $folder/err.
postern() {
    "$POSTERN" "$@" >"$folder/out" 2>"$folder/err"
}

verdict() { # OK-OR-NOT, NAME...
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
        echo "ok      ${*:2}"
    else
        failed=$((failed + 1))
        echo "FAILED  ${*:2}"
        head -n 20 "$folder/out" "$folder/err"
    fi
}

exits() { # CODE, ARGUMENT...: standard input is that of the caller
    local code=$1 status=0
    shift
    postern "$@" || status=$?
    [ "$status" -eq "$code" ]
    verdict $? "exit code $code: postern $* (it was $status)"
}

says() { # FILE, PATTERN
    grep -qE -- "$2" "$folder/$1"
    verdict $? "  and on $1: $2"
}

# "postern: what happened: what to do", and nothing on the standard output.
refuses() { # ARGUMENT...
    exits 2 "$@" </dev/null
    [[ $(head -n 1 "$folder/err") =~ ^postern:\ .+:\ .+ ]] && [ ! -s "$folder/out" ]
    verdict $? "  and says what happened and what to do"
}

every_command_explains_itself() {
    local command
    exits 0 --help
    says out 'usage: postern COMMAND'
    exits 0 --version
    for command in serve front authd demo user directory signin policy ctl; do
        exits 0 "$command" --help
        says out "^usage: postern $command"
    done
    exits 0 serve --explain-config
    says out 'ntlm_min_server_sec'
    exits 0 signin --profile list
    says out '^windows-xp '
    exits 2 </dev/null
    says err 'usage: postern COMMAND'
}

the_man_pages_know_every_option() {
    local command page option
    for command in serve front authd demo user directory signin policy ctl; do
        page=doc/man/postern-$command.1
        [ -e "$page" ] || page=doc/man/postern-serve.1
        while read -r option; do
            # not -q: it would end before sed does, which pipefail takes for a failure
            sed 's/\\//g' "$page" | grep -E -- "$option([^a-z-]|\$)" >/dev/null
            verdict $? "$page has $option"
        done < <("$POSTERN" "$command" --help | grep -oE -- '--[a-z]+(-[a-z]+)*' | sort -u)
    done
}

wrong_input_is_refused_at_every_door() {
    local command conf=$folder/good.conf
    sed "s|^;state = .*|state = $folder/state|; s|^;run = .*|run = $folder/run|
        s|^path = .*|path = $folder/front.log|" conf/postern.conf >"$conf"
    refuses nonsense
    for command in serve front authd demo user directory signin policy ctl; do
        refuses "$command" --nonsense
        refuses "$command" -x
    done
    for command in serve front authd user directory policy ctl; do
        refuses "$command" -c
    done
    refuses serve argument
    refuses front argument
    refuses authd argument
    refuses demo argument
    refuses demo --port-base 70000
    refuses user
    refuses user add -c "$conf"
    refuses user add ada --uri sip:ada@elsewhere.org --password-stdin -c "$conf"
    refuses user set ada -c "$conf"
    refuses user list ada -c "$conf"
    refuses user import "$folder/missing.csv" -c "$conf"
    refuses user import "$folder/missing.csv" --format html -c "$conf"
    refuses user list --dry-run -c "$conf"
    refuses directory
    refuses directory dance
    refuses directory test
    refuses directory test ada bob
    refuses signin
    refuses signin 'not an address'
    refuses signin ada@example.com --transport udp
    refuses signin ada@example.com --scheme digest
    refuses signin ada@example.com --profile windows-95
    refuses signin ada@example.com --timeout 0
    refuses signin ada@example.com --ca "$folder/missing.pem"
    refuses signin ada@example.com --password-stdin
    refuses policy
    refuses policy show argument
    refuses policy set -c "$conf"
    refuses ctl
    refuses ctl nonsense -c "$conf"
    refuses ctl status argument -c "$conf"
    refuses ctl kick -c "$conf"
    refuses ctl trace SIPStack -c "$conf"
    refuses ctl trace secrets perhaps -c "$conf"
}

a_broken_configuration_is_told_by_line() {
    local command broken=$folder/broken.conf
    printf '%s\n' '[general]' 'domain = example.com' 'worker = 2' '[policy]' 'lm_compatibility = 9' >"$broken"
    exits 2 serve --check -c "$broken"
    says err '^postern: '
    says err "^$broken:3: .*worker.*: "
    says err "^$broken:5: .*lm_compatibility.*: .*0 to 5"
    for command in serve front authd; do
        exits 2 "$command" -c "$broken"
        says err "^$broken:3: "
    done
    exits 2 serve --check -c "$folder/missing.conf"
    says err "missing\\.conf"
    : >"$folder/empty.conf"
    exits 2 serve --check -c "$folder/empty.conf"
    says err '^postern: .*tls_listen: missing: .+'
    exits 0 serve --check -c conf/postern.conf
    says out 'good'
}

nobody_to_talk_with_is_exit_code_3() {
    exits 3 ctl status -c "$folder/good.conf"
    says err '^postern: .+: .+'
    exits 3 policy set strict -c "$folder/good.conf"
    says err '^postern: .+: .+'
    exits 3 signin ada@example.com --server 127.0.0.1:1 --password-stdin <<<secret
    exits 3 signin ada@example.com --server 127.0.0.1:1 --transport tcp --json --password-stdin <<<secret
    says out '"signed_in":false'
}

start_demo() {
    : >"$folder/demo" # there before the first look
    "$POSTERN" demo --json >"$folder/demo" &
    demo=$!
    for _ in {1..300}; do
        ! grep -q '"ready"' "$folder/demo" || return 0
        kill -0 "$demo" 2>/dev/null || return 1
        sleep 0.2
    done
    return 1
}

of_demo() { # PYTHON-EXPRESSION over the ready object `d`
    tail -n 1 "$folder/demo" | /usr/bin/python3 -c "import json, sys; d = json.load(sys.stdin); print($1)"
}

the_exit_codes_of_a_sign_in() {
    local conf secret where
    conf=$(of_demo 'd["config"]')
    secret=$(of_demo 'd["users"][0]["password"]')
    where=(--server "$(of_demo 'd["inside"]')" --ca "$(of_demo 'd["ca"]')"
        --login "$(of_demo 'd["users"][0]["login"]')" --password-stdin)
    exits 0 signin sip:ada@example.com "${where[@]}" <<<"$secret"
    says out 'Signed in'
    exits 1 signin sip:ada@example.com "${where[@]}" <<<'not this one'
    says out 'Not signed in'
    exits 1 signin sip:ada@example.com "${where[@]}" --profile windows-xp <<<"$secret"
    refuses signin sip:ada@example.com "${where[@]}" --profile windows-95
    exits 0 ctl status -c "$conf"
    exits 1 ctl kick sip:ada@example.com -c "$conf"
    exits 2 ctl trace SIPStack loud -c "$conf"
    says err '^postern: .*levels'
    exits 0 ctl trace Authd warn -c "$conf"
    says out '^Authd +warn '
    exits 2 policy set lm_compatibility=9 -c "$conf"
    says err '^postern: .*0 to 5'
    exits 1 user show nobody -c "$conf"
    exits 1 user add ada --uri sip:ada@example.com --password-stdin -c "$conf" <<<"$secret"
    kill "$demo"
    wait "$demo"
    verdict $? "the demo ends with exit code 0"
    demo=
    [ ! -e "$conf" ]
    verdict $? "and leaves nothing behind"
}

every_command_explains_itself
the_man_pages_know_every_option
wrong_input_is_refused_at_every_door
a_broken_configuration_is_told_by_line
nobody_to_talk_with_is_exit_code_3
if start_demo; then
    the_exit_codes_of_a_sign_in
else
    verdict 1 "a demo runs"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
