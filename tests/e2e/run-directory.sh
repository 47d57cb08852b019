#!/bin/bash
# SPDX-License-Identifier: MIT
# `postern directory test` with the embedded directory: each fact that decides, its fault and the
# exit code.  Active Directory is asked by directory_ad.py.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/state"
cat >"$dir/postern.conf" <<CONF
[general]
domain = example.com
fqdn = fe01.example.com
state = $dir/state
run = $dir
user_front =
user_authd =
[front]
tcp_listen = 127.0.0.1:5060
[directory]
netbios_domain = EXAMPLE
lockout_threshold = 0
[policy]
preset = strict
[policy "old phones"]
preset = windows-2003
networks = 10.1.0.0/16
users = sip:bob@*
CONF

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

user() {
    echo Passw0rd! | "$POSTERN" user -c "$dir/postern.conf" "$@" || fail "user $*"
}

# expect CODE NAME [OPTION...]: stdout stays in $dir/out, stderr in $dir/err.
expect() {
    local wanted=$1 code=0
    shift
    "$POSTERN" directory test -c "$dir/postern.conf" "$@" >"$dir/out" 2>"$dir/err" || code=$?
    [ "$code" = "$wanted" ] ||
        fail "directory test $*: code $code instead of $wanted: $(cat "$dir/out" "$dir/err")"
}

says() { # FILE PATTERN
    grep -qE -e "$2" "$dir/$1" || fail "no '$2' in: $(cat "$dir/$1")"
}

# of PYTHON-EXPRESSION over the JSON object `d`
of() {
    /usr/bin/python3 -c "import json, sys; d = json.load(sys.stdin); sys.exit(not ($1))" <"$dir/out" ||
        fail "not so: $1: $(cat "$dir/out")"
}

# The database is not made by looking.
expect 3 ada
says err '^postern: .*: '
says err 'users.db cannot be read'
[ ! -e "$dir/state/users.db" ] || fail "the database was made"

user add ada --uri sip:ada@example.com --display 'Ada L' --upn ada@corp.example --remote-access --password-stdin
user add bob --uri sip:bob@example.com --password-stdin
user add robot --no-sip --password-stdin

for name in sip:ada@example.com SIP:ADA@example.com ada 'EXAMPLE\ada' ada@corp.example ada@example.com; do
    expect 0 "$name"
    says out '^account +EXAMPLE\\ada$'
    says out '^inside +could sign in, with NTLM$'
    says out '^outside +could sign in, with NTLM$'
done
says out '^directory +embedded: '
says out '^address +sip:ada@example.com: one account has it'
says out '^policy +strict: of NTLM 128-bit, ntlmv2-session'
! grep -q 'old phones' "$dir/out" || fail "the policy of others is shown"

expect 1 bob
says out '^  remote access +no$'
says out '^ +from 10\.1\.0\.0/16: "old phones"$'
says out '^inside +could sign in'
says out '^outside +could not sign in, because .*\(remote-access-not-enabled\): .*--remote-access'
expect 1 bob --json
of 'd["inside"]["possible"] and not d["outside"]["possible"]'
of 'd["outside"]["fault"] == "remote-access-not-enabled" and d["outside"]["advice"]'
of 'd["policy"]["elsewhere"] == [{"network": "10.1.0.0/16", "name": "old phones"}]'
of 'd["accounts"][0]["uri"] == "sip:bob@example.com" and d["winbind"] is None'

expect 1 robot
says out '^inside .*\(user-not-sip-enabled\)'
expect 1 nobody
says out '^account +nobody is called nobody$'
says out '^inside .*\(user-unknown\)'
expect 1 sip:nobody@example.com --json
of 'd["accounts"] == [] and d["inside"]["fault"] == "user-unknown"'

# state OPTION FAULT: bob with the option of `user set`
state() {
    user set ada "$1"
    expect 1 ada --json
    of "d['inside']['fault'] == d['outside']['fault'] == '$2'"
    expect 1 sip:ada@example.com
    says out "^inside .*\($2\): .+"
}
state --must-change user-must-change
state --expires=2020-01-31 user-expired
state --disabled user-disabled
user set ada --enabled --expires never --no-must-change
expect 0 ada

# A keytab: one that is none, and none at all.
printf '[kerberos]\nkeytab = %s/keytab\n' "$dir" >>"$dir/postern.conf"
expect 0 ada
says out '^keytab +.*/keytab cannot be read'
says out '^inside +could sign in, with NTLM; not with Kerberos: .*\(kerberos-keytab\)'
says out '^outside +could sign in, with NTLM$'

# An Edge that is closed.
cat >>"$dir/postern.conf" <<CONF
[edge]
listen = 127.0.0.1:5061
next_hops = 127.0.0.1:5070
cert_file = c
key_file = k
link_ca_file = a
front_servers = fe01.example.com
link_cert_file = c
link_key_file = k
CONF
expect 1 ada
says out '^outside .*\(remote-access-off\): '

# A directory that nobody serves.
sed -i 's/^lockout_threshold.*/source = ad\nad_domain = ad.example.com\nad_servers = ldap:\/\/127.0.0.1:1, ldap:\/\/127.0.0.1:2\nad_user = reader\nad_keytab = \/nonexistent/' \
    "$dir/postern.conf"
expect 3 ada
says err '^postern: no domain controller .*: see that '
says err '^ldap://127.0.0.1:1: '
says err '^ldap://127.0.0.1:2: '
[ ! -s "$dir/out" ] || fail "something is said of nobody: $(cat "$dir/out")"
expect 3 ada --json
of 'not d["reachable"] and len(d["tried"]) == 2 and d["inside"]["fault"] == "directory-ldap"'
echo "postern directory: everything as expected"
