#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 120
# gnutls-cli as Windows XP (TLS 1.0 with RC4 or 3DES) against a listener whose legacy lane is for
# one address: let in from there, refused from elsewhere and where there is no lane; modern clients
# get TLS 1.3 on both.
set -euo pipefail

command -v gnutls-cli >/dev/null || { echo "gnutls-cli is not installed"; exit 77; }
echo_server=${POSTERN_BUILD:-build}/tests/e2e/tls_echo
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d /tmp/postern-tls-xp-XXXXXX)
started=()
failures=0

clean_up() {
    local pid
    for pid in "${started[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$dir"
}
trap clean_up EXIT

# Starts a program in the background and waits for its first line.  $line is what it said.
start() { # name, command...
    local name=$1
    shift
    : >"$dir/$name" # it is read before the program may have made it
    "$@" >"$dir/$name" 2>&1 &
    started+=($!)
    for _ in $(seq 200); do
        line=$(head -n 1 "$dir/$name")
        [ -z "$line" ] || return 0
        sleep 0.1
    done
    echo "$name does not start" >&2
    exit 1
}

# The server closes after its answer, which ends gnutls-cli; its standard input stays open.
ask() { # port, priorities
    mkfifo "$dir/input"
    exec 3<>"$dir/input"
    rm "$dir/input"
    printf 'OPTIONS sip:127.0.0.1 SIP/2.0\r\nContent-Length: 0\r\n\r\n' >&3
    timeout 20 gnutls-cli --x509cafile "$dir/certs/ca.pem" --priority "$2" --port "$1" \
        --verify-hostname 127.0.0.1 127.0.0.1 <&3 >"$dir/answer" 2>&1 || true
    exec 3>&-
}

check() { # what, expected text in gnutls-cli's output
    if grep -qF -- "$2" "$dir/answer"; then
        echo "ok: $1"
        return
    fi
    echo "FAILED: $1: no '$2' in:"
    sed 's/^/    /' "$dir/answer"
    failures=$((failures + 1))
}

let_in() { # what, port, priorities, description
    ask "$2" "$3"
    check "$1" "Description: $4"
    check "$1, answered" "SIP/2.0 200 OK"
}

refused() { # what, port, priorities
    ask "$2" "$3"
    check "$1" "Received alert [70]: Error in protocol version"
}

xp() { # cipher and MAC
    echo "NONE:+VERS-TLS1.0:+RSA:$1:+COMP-NULL:+SIGN-ALL:%COMPAT:%NO_EXTENSIONS"
}
rc4_md5=$(xp +ARCFOUR-128:+MD5)
rc4_sha=$(xp +ARCFOUR-128:+SHA1)
triple_des=$(xp +3DES-CBC:+SHA1)
all=$(xp +ARCFOUR-128:+3DES-CBC:+MD5:+SHA1)

mkdir "$dir/certs"
start lane "$echo_server" serve "$dir/certs" 127.0.0.1
lane=${line#port }
start relay python3 "$here/relay_from.py" 127.0.0.2 "$lane"
elsewhere=$line

let_in "RC4-MD5 from the named network" "$lane" "$rc4_md5" "(TLS1.0-X.509)-(RSA)-(ARCFOUR-128)-(MD5)"
let_in "RC4-SHA from the named network" "$lane" "$rc4_sha" "(TLS1.0-X.509)-(RSA)-(ARCFOUR-128)-(SHA1)"
let_in "3DES-SHA from the named network" "$lane" "$triple_des" "(TLS1.0-X.509)-(RSA)-(3DES-CBC)-(SHA1)"
let_in "everything XP has from the named network" "$lane" "$all" "(TLS1.0-X.509)-(RSA)-(ARCFOUR-128)-(MD5)"
let_in "a modern client from the named network" "$lane" NORMAL "(TLS1.3"
for suites in "$rc4_md5" "$triple_des"; do
    refused "XP from elsewhere" "$elsewhere" "$suites"
done
let_in "a modern client from elsewhere" "$elsewhere" NORMAL "(TLS1.3"
refused "TLS 1.1 from elsewhere" "$elsewhere" "NORMAL:-VERS-ALL:+VERS-TLS1.1"

if grep -q "refused tls-version .*: client offered TLS 1.0; RC4-128-MD5; no SNI" "$dir/lane"; then
    echo "ok: the server says what XP offered"
else
    echo "FAILED: the server does not say what XP offered:"
    cat "$dir/lane"
    failures=$((failures + 1))
fi

start modern "$echo_server" serve "$dir/certs" none
modern=${line#port }
refused "XP at a listener without a lane" "$modern" "$all"
let_in "a TLS 1.2 client at a listener without a lane" "$modern" "NORMAL:-VERS-ALL:+VERS-TLS1.2" \
    "(TLS1.2-X.509)-(ECDHE"
[ "$failures" -eq 0 ]
