#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 180
# Our Kerberos acceptor and signatures beside MIT's, with tickets of a KDC of our own: every
# encryption type and set of flags, and every way for a token to be wrong, by its fault's name.
#
# Usage: run-kerberos.sh [SIGNATURES]    per side, flags and encryption type; 1500
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
tool=${POSTERN_BUILD:-${BUILD:-$here/../../build}}/tests/oracle/krb_tool
dir=$(mktemp -d)
# shellcheck source=tests/oracle/kdc.sh
source "$here/kdc.sh"
trap 'kdc_stop; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM

kdc_is_installed || { echo "krb5-kdc, krb5-admin-server or krb5-user is not installed" && exit 77; }
[ -x "$tool" ] || { echo "$tool was not built: set POSTERN_BUILD" >&2 && exit 2; }
[ "$(id -u)" = 0 ] || chmod 700 "$dir"

count=${1:-1500}
keytab=$dir/sip.keytab fe=sip/fe.example.test
failures=0

fail() {
    echo "FAILED: $*" >&2
    failures=$((failures + 1))
}

service() { # NAME [kadmin's words about its keys]
    kdc_admin "addprinc -randkey $2 sip/$1.example.test"
    [ -z "$3" ] || kdc_admin "set_string sip/$1.example.test session_enctypes $3"
    kdc_admin "ktadd -k $keytab -norandkey sip/$1.example.test"
}

kdc_start R.TEST
export ACCEPTOR_CONFIG=$acceptor_conf KRB5CCNAME=FILE:$dir/tickets
kdc_admin 'addprinc -pw Passw0rd.1 ada' 'addprinc -pw Passw0rd.1 ada/admin'
service fe '' ''
service other '' ''
service aes128 '' aes128-cts-hmac-sha1-96
service rc4 '' rc4-hmac
service rc4key '-e rc4-hmac:normal' ''
service sha2 '' aes256-cts-hmac-sha384-192
kinit -f ada <<<Passw0rd.1 >/dev/null

# --- one token after the other, to one acceptor that stays, or to a fresh one each ---

token() { # SERVICE [FLAGS]
    "$tool" token "sip/$1.example.test" "${2:--}" 1
}

rcache=$dir/replay
accept() { # token on standard input; what was said of it stays in $said
    said=$("$tool" accept "$keytab" "${as:-$fe}" "$rcache") || said="krb_tool ended with $?"
}

# expect WHAT FAULT [PATTERN]: about $said, "FAULT|PRINCIPAL|DETAIL"
expect() {
    local what=$1 fault=$2 pattern=${3:-}
    if [ "${said%%|*}" != "$fault" ]; then
        fail "$what: '$said' instead of $fault"
    elif [ -n "$pattern" ] && ! grep -q -e "$pattern" <<<"$said"; then
        fail "$what: '$said' without '$pattern'"
    else
        echo "ok: $what: $said"
    fi
}

resident_start() { # ARGUMENT... of krb_tool accept
    coproc resident { "$tool" accept "$@"; }
    resident_in=${resident[1]} resident_out=${resident[0]}
}

resident_accept() { # token
    echo "$1" >&"$resident_in"
    read -r said <&"$resident_out" || said='the acceptor ended'
}

resident_stop() {
    # shellcheck disable=SC2154 # coproc sets it
    local pid=$resident_PID
    eval "exec $resident_in>&-"
    wait "$pid" || fail "the acceptor ended with $?"
}

# --- signatures ---

signatures() { # SERVICE FLAGS FORM
    local out
    out=$("$tool" signatures "$keytab" "sip/$1.example.test" "$rcache" "$2" "$count" 2>&1) || true
    case "$out" in
    "$3 made="*) echo "ok: signatures $1 $2: $out" ;;
    *) fail "signatures $1 $2: $out" ;;
    esac
}

# With mutual authentication two MIT ends agree on a sub-key, and that one is AES.
for flags in - rs; do
    signatures fe "$flags" rfc4121
    signatures aes128 "$flags" rfc4121
    signatures rc4 "$flags" rfc4757
    signatures rc4key "$flags" rfc4121
done
for flags in m mrs; do
    for name in fe aes128 rc4 rc4key; do
        signatures "$name" "$flags" rfc4121+subkey
    done
done

# --- who it is ---

accept < <(token fe)
expect 'integrity only' accepted '|ada@R.TEST|$'
accept < <(token fe g)
expect 'with a ticket to pass on' accepted '|ada@R.TEST|$'
kinit -c "$dir/admin" ada/admin <<<Passw0rd.1 >/dev/null
accept < <(KRB5CCNAME=FILE:$dir/admin token fe)
expect 'a name of two parts' accepted '|ada/admin@R.TEST|$'

# --- which service, which key ---

accept < <(token other)
expect "another service's ticket" kerberos-no-key 'key of sip/other.example.test@R.TEST opens it, but'
as=- accept < <(token other)
expect "another service's ticket, where any will do" accepted
cp "$keytab" "$dir/all.keytab"
kdc_admin "ktadd -k $dir/other.keytab -norandkey sip/other.example.test"
keytab=$dir/other.keytab accept < <(token fe)
expect 'no key of this service' kerberos-no-key
keytab=$dir/none.keytab accept < <(token fe) 2>"$dir/err"
grep -q 'none.keytab cannot be read' "$dir/err" || fail "no keytab at all: $(cat "$dir/err")"

# The same number, another key: the ticket is still of the old one.
old=$(token fe)
kdc_admin "delprinc -force $fe" "addprinc -randkey $fe"
kdc_admin "ktadd -k $dir/fresh.keytab -norandkey $fe"
keytab=$dir/fresh.keytab accept <<<"$old"
expect 'another key of the same number' kerberos-wrong-key
accept <<<"$old"
expect 'the key that it was' accepted

# --- a keytab that is replaced under a running acceptor ---

kinit -f ada <<<Passw0rd.1 >/dev/null
cp "$dir/fresh.keytab" "$dir/live.keytab"
resident_start "$dir/live.keytab" "$fe" "$rcache"
before=$(token fe) later=$(token fe)
resident_accept "$before"
expect 'before the key changed' accepted
kdc_admin "cpw -randkey -keepold $fe" "ktadd -k $dir/fresh.keytab -norandkey $fe"
kinit -f ada <<<Passw0rd.1 >/dev/null
after=$(token fe)
resident_accept "$after"
expect 'a new key that the keytab lacks' kerberos-no-key
cp "$dir/fresh.keytab" "$dir/next.keytab"
mv "$dir/next.keytab" "$dir/live.keytab"
resident_accept "$after"
expect 'a new key, replaced by rename' accepted
resident_accept "$later"
expect 'the old key beside the new one' accepted
mv "$dir/live.keytab" "$dir/away.keytab"
resident_accept "$(token fe)"
expect 'the keytab has gone' kerberos-keytab
cat "$dir/away.keytab" >"$dir/live.keytab"
resident_accept "$(token fe)"
expect 'the keytab is back' accepted
: >"$dir/live.keytab"
resident_accept "$(token fe)"
expect 'the keytab is empty' kerberos-keytab
cat "$dir/away.keytab" >"$dir/live.keytab"
resident_accept "$(token fe)"
expect 'the keytab is back again' accepted

# --- replay ---

once=$(token fe)
resident_accept "$once"
expect 'once' accepted
resident_accept "$once"
expect 'twice' kerberos-replay
resident_stop
keytab=$dir/fresh.keytab
accept <<<"$once"
expect 'thrice, by another process' kerberos-replay

# --- clocks ---

forged() { # SECONDS OCTETS
    KRB5_CONFIG=$dir/lenient.conf "$tool" forged "$fe" "$@"
}

accept < <(forged 0 0)
expect 'below the GSS layer' accepted
accept < <(forged 600 0)
expect 'ten minutes ahead' kerberos-clock-skew "the client's clock is \(599\|600\) seconds ahead of ours"
accept < <(forged -600 0)
expect 'ten minutes behind' kerberos-clock-skew "the client's clock is 60[0-9] seconds behind ours"
accept < <(forged 240 0)
expect 'four minutes ahead' accepted

# Once accepted tickets end; the library is told to bear a second.
kinit -l 3s -c "$dir/short" ada <<<Passw0rd.1 >/dev/null
short=$(KRB5CCNAME=FILE:$dir/short token fe)
sed 's/^\[libdefaults\]/&\n  clockskew = 1/' "$acceptor_conf" >"$dir/strict.conf"
sleep 6
ACCEPTOR_CONFIG=$dir/strict.conf accept <<<"$short"
expect 'a ticket that has ended' kerberos-expired

# --- encryption ---

keytab=$dir/all.keytab
as=sip/sha2.example.test accept < <(token sha2)
expect 'a session key of AES with SHA-2' kerberos-encryption
as=sip/sha2.example.test accept < <(token sha2 m)
expect 'the same, and a sub-key' accepted
keytab=$dir/fresh.keytab
printf '%s\n' "rkt $keytab" 'delent 1' 'delent 1' 'delent 2' 'delent 2' "wkt $dir/rc4.keytab" |
    ktutil >/dev/null
keytab=$dir/rc4.keytab accept < <(token fe)
expect 'a keytab without the kind of the ticket' kerberos-encryption 'not with enctype aes256'
# the first enctype in a token is the ticket's
for etype in 03 14 7f; do
    accept < <(token fe | sed "s/a003020112/a0030201$etype/")
    expect "a ticket of encryption type 0x$etype" kerberos-encryption
done

# --- what is no token ---

accept < <(token fe n)
expect 'SPNEGO' kerberos-token
accept < <(token fe d)
expect 'DCE style' kerberos-token
accept <<<4e544c4d53535000010000000000000000000000
expect 'NTLM' kerberos-token
accept <<<''
expect 'nothing' kerberos-token
accept < <(printf '60820010%032d\n' 0)
expect 'another mechanism' kerberos-token
accept < <(forged 0 40000)
expect '40 KB' accepted
accept < <(printf '608300ea6006092a864886f7120102020100%0120000d\n' 0)
expect '60 KB of nothing' kerberos-token

damage() { # SERVICE
    local out
    out=$("$tool" damage "$dir/all.keytab" "sip/$1.example.test" "$rcache" 3000 2>&1) || true
    # once accepted, as it was or with harmless damage; never as anybody else
    grep -q '^accepted=1 .*principal=ada@R.TEST$' <<<"$out" || fail "damaged tokens of $1: $out"
    echo "ok: damaged tokens of $1: $out"
}
damage other
damage rc4
damage rc4key

[ "$failures" -eq 0 ] || { echo "$failures failures" >&2 && exit 1; }
