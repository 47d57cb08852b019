#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 120
# authd takes tickets inside its sandbox, in which any socket it wanted to open would end it; and
# goes on when keytab, krb5.conf or state are replaced, taken away or full under its feet.  What
# needs an account to become and a mount is tried by root only.
set -euo pipefail

# root's mounts must not be seen by anybody else
if [ "$(id -u)" = 0 ] && [ -z "${POSTERN_OWN_MOUNTS:-}" ] && unshare -m true 2>/dev/null; then
    POSTERN_OWN_MOUNTS=1 exec unshare -m "$0" "$@"
fi

here=$(cd "$(dirname "$0")" && pwd)
build=${POSTERN_BUILD:-${BUILD:-$here/../../build}}
postern=${POSTERN:-$build/postern}
tool=$build/tests/oracle/krb_tool
dir=$(mktemp -d)
authd_pid=''
# shellcheck source=tests/oracle/kdc.sh
source "$here/kdc.sh"

authd_stop() {
    [ -n "$authd_pid" ] || return 0
    kill "$authd_pid" 2>/dev/null || true
    wait "$authd_pid" 2>/dev/null || true
    authd_pid=''
}

clean_up() {
    authd_stop
    kdc_stop
    umount "$dir/state" 2>/dev/null || true
    rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

kdc_is_installed || { echo "krb5-kdc, krb5-admin-server or krb5-user is not installed" && exit 77; }

fail() {
    echo "FAILED: $*" >&2
    cat "$dir/authd.err" >&2
    exit 1
}

account=''
[ "$(id -u)" != 0 ] || account=nobody
own() { # FILE...: authd's account owns it
    [ -z "$account" ] || chown "$account" "$@"
}

kdc_start R.TEST
kdc_admin 'addprinc -pw Passw0rd.1 ada' 'addprinc -randkey sip/fe.example.test' \
    "ktadd -k $dir/first.keytab -norandkey sip/fe.example.test"
export KRB5CCNAME=FILE:$dir/tickets
kinit ada <<<Passw0rd.1 >/dev/null

chmod 755 "$dir"
mkdir "$dir/state" "$dir/run" "$dir/trace" "$dir/keys" "$dir/etc"
if [ -n "${POSTERN_OWN_MOUNTS:-}" ]; then
    mount -t tmpfs -o size=1m tmpfs "$dir/state"
    # a plug-in that would end authd, if it were loaded
    plugins=$(echo /usr/lib/*/krb5)
    cat >"$dir/plugin.c" <<'C'
#include <errno.h>
#include <string.h>
#include <unistd.h>
__attribute__((constructor)) static void begin(void)
{
    if (strcmp(program_invocation_short_name, "postern") == 0)
        _exit(99);
}
C
    cp -a "$plugins" "$dir/plugins"
    mkdir -p "$dir/plugins/plugins/authdata"
    cc -D_GNU_SOURCE -shared -fPIC -o "$dir/plugins/plugins/authdata/ends.so" "$dir/plugin.c"
    mount --bind "$dir/plugins" "$plugins"
fi
cat >"$dir/postern.conf" <<CONF
[general]
domain = example.test
fqdn = fe.example.test
state = $dir/state
run = $dir/run
user_front =
user_authd = $account
admin_group =
[directory]
source = sqlite
netbios_domain = EXAMPLE
[kerberos]
keytab = $dir/keys/sip.keytab
realm = R.TEST
[trace]
path = $dir/trace/front.log
CONF
"$postern" user add ada -c "$dir/postern.conf" --uri sip:ada@example.test --password-stdin <<<'Passw0rd!' >/dev/null
own -R "$dir/state" "$dir/trace" "$dir/keys"
cp "$acceptor_conf" "$dir/etc/krb5.conf"
echo '# nothing' >"$dir/etc/more.conf"

install_keytab() { # FILE: as an administrator does it
    cp "$1" "$dir/keys/new"
    chmod 600 "$dir/keys/new"
    own "$dir/keys/new"
    mv "$dir/keys/new" "$dir/keys/sip.keytab"
}

authd_start() {
    rm -f "$dir/run/authd.sock" "$dir/trace/authd.log"
    KRB5_CONFIG=$dir/etc/krb5.conf:$dir/etc/more.conf "$postern" authd -c "$dir/postern.conf" \
        2>"$dir/authd.err" &
    authd_pid=$!
    local i
    for ((i = 0; i < 200; i++)); do
        grep -q 'answers for EXAMPLE' "$dir/trace/authd.log" 2>/dev/null && return 0
        kill -0 "$authd_pid" 2>/dev/null || fail 'authd did not start'
        sleep 0.05
    done
    fail 'authd does not get ready'
}

ask() { # WHAT FAULT: a new ticket
    local said
    said=$("$tool" token sip/fe.example.test - 1 2>/dev/null |
        "$tool" ask "$dir/run/authd.sock" sip:ada@example.test 2>&1) || true
    [ "${said%%|*}" = "$2" ] || fail "$1: '$said' instead of $2"
    echo "ok: $1: $said"
}

says() { # WHAT PATTERN
    grep -q -e "$2" "$dir/authd.err" || fail "$1: no '$2' was said"
    echo "ok: $1: $(grep -e "$2" "$dir/authd.err" | tail -n 1)"
}

# --- without a keytab, then with one ---

authd_start
says 'no keytab' 'the keytab .*sip.keytab cannot be read (No such file'
ask 'no keytab' kerberos-keytab
install_keytab "$dir/first.keytab"
ask 'a keytab that came later' accepted
grep -q '^Seccomp:.*2' "/proc/$authd_pid/status" || echo 'this kernel has no seccomp'
[ -s "$dir/state/kerberos.replay" ] || fail 'there is no replay cache in state'
authd_stop

if [ -n "$account" ]; then
    chown 0 "$dir/keys/sip.keytab"
    authd_start
    says "root's keytab" 'the keytab .* cannot be read (Permission denied)'
    ask "root's keytab" kerberos-keytab
    own "$dir/keys/sip.keytab"
    ask 'given to the account' accepted
    authd_stop
fi

# --- what changes while it runs ---

authd_start
ask 'ordinary' accepted
kdc_admin 'cpw -randkey -keepold sip/fe.example.test' \
    "ktadd -k $dir/second.keytab -norandkey sip/fe.example.test"
kinit ada <<<Passw0rd.1 >/dev/null
ask 'a new key' kerberos-no-key
install_keytab "$dir/second.keytab"
ask 'a new keytab' accepted
sleep 1.1 # the library looks once in a second
cp "$acceptor_conf" "$dir/etc/new" && echo '# changed' >>"$dir/etc/new" && mv "$dir/etc/new" "$dir/etc/krb5.conf"
ask 'another krb5.conf' accepted
kill -HUP "$authd_pid"
ask 'after a reload' accepted

once=$("$tool" token sip/fe.example.test - 1)
twice() {
    printf '%s\n' "$@" | "$tool" ask "$dir/run/authd.sock" sip:ada@example.test | cut -d'|' -f1 | tr '\n' ' '
}
[ "$(twice "$once" "$once")" = 'accepted kerberos-replay ' ] || fail 'a replay was not seen'
authd_stop
authd_start
[ "$(twice "$once")" = 'kerberos-replay ' ] || fail 'a replay was not seen after a restart'
echo 'ok: a replay, after a restart too'

if [ -n "${POSTERN_OWN_MOUNTS:-}" ]; then
    ask 'before state is full' accepted
    rm "$dir/state/kerberos.replay" # what is in it has room already
    dd if=/dev/zero of="$dir/state/fill" bs=4k 2>/dev/null || true
    ask 'state is full' kerberos-cache
    rm "$dir/state/fill"
    ask 'room again' accepted
fi
kill -0 "$authd_pid" || fail 'authd ended'
! grep -q 'the sandbox stopped' "$dir/authd.err" || fail 'the sandbox stopped it'
