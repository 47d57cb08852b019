#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 300
# User-space memory of an idle TLS connection that has had one request answered: the growth of the
# server's proportional set size.  COUNT=10000 by default; under a sanitizer, whose own memory would
# be measured, a smaller crowd only has to be served.
set -euo pipefail

echo_server=${POSTERN_BUILD:-build}/tests/e2e/tls_echo
dir=$(mktemp -d /tmp/postern-tls-idle-XXXXXX)
most_kb=13
sanitized=no
server="" crowd=""

clean_up() {
    kill $crowd $server 2>/dev/null || true
    wait
    rm -rf "$dir"
}
trap clean_up EXIT

pss_kb() {
    awk '/^Pss:/ { print $2 }' "/proc/$server/smaps_rollup"
}

wait_for() { # text, file
    for _ in $(seq 2400); do
        grep -qs "$1" "$2" && return
        kill -0 "$server" $crowd || break
        sleep 0.1
    done
    cat "$dir"/*.txt >&2
    exit 1
}

! grep -q __asan_init "$echo_server" || sanitized=yes
[ "$sanitized" = no ] && count=${COUNT:-10000} || count=${COUNT:-1000}
[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -gt $((count + 100)) ] || {
    echo "not enough descriptors for $count connections"
    exit 77
}
ulimit -n "$(ulimit -Hn)"

"$echo_server" serve "$dir" none >"$dir/server.txt" 2>&1 &
server=$!
wait_for '^port' "$dir/server.txt"
before=$(pss_kb)
"$echo_server" crowd "$dir" "$(sed -n 's/^port //p' "$dir/server.txt")" "$count" >"$dir/crowd.txt" 2>&1 &
crowd=$!
wait_for '^ready' "$dir/crowd.txt"
after=$(pss_kb)

if [ "$sanitized" = yes ]; then
    echo "$count idle TLS connections served; not measured under a sanitizer"
    exit 0
fi
per_connection=$(awk "BEGIN { printf \"%.1f\", ($after - $before) / $count }")
echo "$count idle TLS connections: $per_connection KB each"
awk "BEGIN { exit !($per_connection <= $most_kb) }"
