#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 120
# Our Kerberos initiator before MIT's acceptor, with a KDC of our own: tickets by password and from
# a credential cache, signatures both ways, and what is said when there is no ticket to be had.
#
# Usage: run-kerberos-initiate.sh [SIGNATURES]    per sign-in and side; 1000
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
tool=${POSTERN_BUILD:-${BUILD:-$here/../../build}}/tests/oracle/krb_initiate_tool
dir=$(mktemp -d)
# shellcheck source=tests/oracle/kdc.sh
source "$here/kdc.sh"
trap 'kdc_stop; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM

kdc_is_installed || { echo "krb5-kdc, krb5-admin-server or krb5-user is not installed" && exit 77; }
[ -x "$tool" ] || { echo "$tool was not built: set POSTERN_BUILD" >&2 && exit 2; }

count=${1:-1000}
keytab=$dir/sip.keytab fe=sip/fe.example.test
cache=FILE:$dir/tickets
failures=0

# expect WANTED SERVICE PRINCIPAL FLAGS [PASSWORD]: WANTED begins the line that the tool prints
expect() {
    local said
    said=$("$tool" "$keytab" "$2" "$3" "$4" "$count" <<<"${5:-}" 2>&1) || said="exit status $?: $said"
    if [ "${said#"$1"}" = "$said" ]; then
        echo "FAILED: $2 as $3: '$said' instead of '$1'" >&2
        failures=$((failures + 1))
    else
        echo "ok: $2 as $3 ($4): $said"
    fi
}

conf_without() { # PATTERN FILE
    sed "/$1/d" "$dir/client.conf" >"$dir/$2"
}

kdc_start R.TEST
export KRB5CCNAME=$cache
for name in fe aes128 rc4; do
    kdc_admin "addprinc -randkey sip/$name.example.test" \
        "ktadd -k $keytab -norandkey sip/$name.example.test"
done
kdc_admin 'set_string sip/aes128.example.test session_enctypes aes128-cts-hmac-sha1-96' \
    'set_string sip/rc4.example.test session_enctypes rc4-hmac' \
    'addprinc -randkey -allow_svr sip/nobody.example.test' \
    'addprinc -randkey sip/sha2.example.test' \
    'set_string sip/sha2.example.test session_enctypes aes256-cts-hmac-sha384-192'
kdc_admin 'addprinc -pw Passw0rd.1 ada' 'addprinc -pw Passw0rd.1 +requires_preauth careful' \
    'addprinc -pw Passw0rd.1 +needchange fresh' 'addprinc -pw Passw0rd.1 -pwexpire yesterday stale' \
    'addprinc -pw Passw0rd.1 -expire yesterday gone' 'addprinc -pw Passw0rd.1 -allow_tix disabled' \
    'addpol -maxfailure 2 two' 'addprinc -pw Passw0rd.1 +requires_preauth -policy two clumsy'

# --- by password, and without a credential cache ---

both='ada@R.TEST|sip/fe.example.test@R.TEST'
for flags in - r s rs; do
    expect "signed|rfc4121-256|$both" "$fe" ada "$flags" Passw0rd.1
done
expect "signed|rfc4121-256|$both" "$fe" ada@R.TEST - Passw0rd.1
expect 'signed|rfc4121-128|ada@R.TEST|' sip/aes128.example.test ada - Passw0rd.1
expect 'signed|rfc4757-128|ada@R.TEST|' sip/rc4.example.test ada rs Passw0rd.1
[ ! -e "${cache#FILE:}" ] || { echo "FAILED: a password left tickets behind" >&2 && exit 1; }

# --- from the cache ---

expect 'kerberos-no-credentials|No Kerberos credentials available' "$fe" - -
kinit ada <<<Passw0rd.1 >/dev/null
expect "signed|rfc4121-256|$both" "$fe" - rs
expect "signed|rfc4121-256|$both" "$fe" ada -
expect 'signed|rfc4757-128|ada@R.TEST|' sip/rc4.example.test - -
expect 'kerberos-no-credentials|' "$fe" careful -
kinit -l 1s -c "$dir/short" ada <<<Passw0rd.1 >/dev/null
sleep 2
KRB5CCNAME=FILE:$dir/short expect 'kerberos-no-credentials|Ticket expired' "$fe" - -

# --- whatever realm the machine says it is in ---

sed 's/default_realm = .*/default_realm = ELSE.TEST/' "$dir/client.conf" >"$dir/else.conf"
KRB5_CONFIG=$dir/else.conf expect "signed|rfc4121-256|$both" "$fe" - -
KRB5_CONFIG=$dir/else.conf expect "signed|rfc4121-256|$both" "$fe" ada@R.TEST - Passw0rd.1
conf_without 'example.test' referred.conf # the KDC says which realm
KRB5_CONFIG=$dir/referred.conf expect "signed|rfc4121-256|$both" "$fe" - -
conf_without 'default_realm\|example.test' bare.conf
KRB5_CONFIG=$dir/bare.conf expect "signed|rfc4121-256|$both" "$fe" ada@R.TEST - Passw0rd.1
KRB5_CONFIG=$dir/bare.conf expect 'kerberos-service-unknown|' sip/none.example.test - -
expect "signed|rfc4121-256|$both" "$fe@R.TEST" ada - Passw0rd.1

# --- a userPrincipalName: to be asked of the default realm's KDC ---

kdc_admin 'addprinc -pw Passw0rd.1 upn\@mail.test'
expect 'signed|rfc4121-256|upn\@mail.test@R.TEST|' "$fe" upn@mail.test - Passw0rd.1
expect 'user-wrong-password|Cannot find KDC for realm "mail.test"; ' "$fe" upn@mail.test - wrong
expect 'user-unknown|Cannot find KDC for realm "OTHER.TEST"; Client' "$fe" ada@OTHER.TEST - Passw0rd.1

# --- what the KDC says of the account ---

expect 'signed|rfc4121-256|careful@R.TEST|' "$fe" careful - Passw0rd.1
expect 'user-wrong-password|Decrypt integrity check failed' "$fe" ada - wrong
expect 'user-wrong-password|' "$fe" careful - wrong
expect 'user-unknown|Client '"'nobody@R.TEST'"' not found' "$fe" nobody - Passw0rd.1
expect 'user-password-expired|' "$fe" fresh - Passw0rd.1
expect 'user-password-expired|' "$fe" stale - Passw0rd.1
expect 'user-expired|' "$fe" gone - Passw0rd.1
expect 'user-disabled|' "$fe" disabled - Passw0rd.1
expect 'user-wrong-password|' "$fe" clumsy - wrong
expect 'user-wrong-password|' "$fe" clumsy - wrong
expect 'user-disabled|' "$fe" clumsy - Passw0rd.1 # locked: the KDC has one word for both
expect 'kerberos-no-credentials|there is a password, but no name' "$fe" - - Passw0rd.1

# --- what it says of the service, and when it says nothing ---

expect 'kerberos-service-unknown|' sip/none.example.test - -
expect 'kerberos-service-unknown|' sip/nobody.example.test - -
expect 'kerberos-encryption|' sip/sha2.example.test - -
KRB5_CONFIG=$dir/bare.conf expect 'kerberos-kdc-unreachable|Cannot find KDC for realm "OTHER.TEST"' "$fe" \
    ada@OTHER.TEST - Passw0rd.1
kdc_stop
expect 'kerberos-kdc-unreachable|' "$fe" ada - Passw0rd.1
expect "signed|rfc4121-256|$both" "$fe" - -
expect 'kerberos-kdc-unreachable|' sip/aes128.example.test - -

[ "$failures" -eq 0 ] || { echo "$failures failures" >&2 && exit 1; }
