#!/bin/bash
# SPDX-License-Identifier: MIT
# `postern user` as an administrator and a script use it: what it prints, changes and refuses.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/state"
cat >"$dir/postern.conf" <<CONF
[general]
domain = example.com, example.net
fqdn = fe01.example.com
state = $dir/state
run = $dir
user_front =
user_authd =
[directory]
netbios_domain = EXAMPLE
CONF

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# expect CODE ARGUMENT...: stdout stays in $dir/out, stderr in $dir/err; a password is on stdin.
expect() {
    local wanted=$1 code=0
    shift
    echo "${password-Passw0rd!}" | "$POSTERN" user -c "$dir/postern.conf" "$@" \
        >"$dir/out" 2>"$dir/err" || code=$?
    [ "$code" = "$wanted" ] || fail "user $*: code $code instead of $wanted: $(cat "$dir/err")"
    if [ "$code" != 0 ]; then
        grep -q '^postern: .*' "$dir/err" || fail "user $*: no reason told"
    fi
}

says() { # FILE PATTERN
    grep -q -e "$2" "$dir/$1" || fail "no '$2' in: $(cat "$dir/$1")"
}

json() { # NAME KEY VALUE
    expect 0 show --json "$1"
    says out "\"$2\":$3[,}]"
}

expect 0 --help
says out 'postern user add'
expect 2
expect 2 dance
expect 2 add
expect 2 list --uri sip:x@example.com
expect 2 add ada --password-stdin
says err 'no SIP address'
expect 2 add ada --uri sip:ada@elsewhere.org --password-stdin
says err 'not a domain served here'
expect 2 add 'a/b' --uri sip:ada@example.com --password-stdin
password='' expect 2 add ada --uri sip:ada@example.com --password-stdin
expect 2 add ada --uri sip:ada@example.com
says err '--password-stdin'

expect 0 add ada --uri sip:ada@example.com --display 'Ada L' --upn ada@corp.example \
    --remote-access --password-stdin
expect 1 add ADA --uri sip:ada2@example.com --password-stdin
says err 'exists already'
expect 1 add bob --uri sip:ADA@example.com --password-stdin
says err 'belongs to another account'
expect 0 add bob --uri sip:bob@example.net --password-stdin
expect 0 add robot --no-sip --disabled --password-stdin

json ada sip_enabled true
json 'EXAMPLE\ada' remote_access true
json ada display '"Ada L"'
json robot disabled true
json robot uri null
expect 1 show eve
says err 'no account eve'

expect 2 set ada
expect 2 set ada --enabled --disabled
expect 2 set ada --expires 2027-02-31
expect 0 set ada --expires 2027-02-28 --no-remote-access --must-change
json ada expires '"2027-02-28"'
json ada remote_access false
json ada must_change true
expect 0 set ada --password-stdin --expires never --unlock
json ada must_change false
json ada expires null
expect 0 set robot --enabled --sip-enabled --uri sip:robot@example.com
json robot sip_enabled true
expect 1 set eve --enabled

cat >"$dir/users.csv" <<CSV
# from the old system
name,uri,display,upn,remote_access,password
carol,sip:carol@example.com,"Carol, C",,yes,secret
ada,sip:a2@example.com,,,no,secret
dora,sip:dora@elsewhere.org,,,no,secret
erin,sip:erin@example.com,,,maybe,secret
fay,sip:fay@example.com,,,no,
CSV
expect 2 import "$dir/users.csv"
for line in 4 5 6 7; do
    says err "users.csv:$line: "
done
expect 1 show carol
sed -i '4,$d' "$dir/users.csv"
expect 0 import "$dir/users.csv"
json carol display '"Carol, C"'
expect 2 import "$dir/nothing.csv"
expect 2 import "$dir/users.csv" --format html
expect 2 list --dry-run

cat >"$dir/users.ldif" <<LDIF
version: 1

dn: CN=Grace,DC=example,DC=com
objectClass: user
sAMAccountName: grace
displayName:: R3LDpWNl
msRTCSIP-PrimaryUserAddress: sip:grace@exam
 ple.com
msRTCSIP-UserEnabled: TRUE
msRTCSIP-InternetAccessEnabled: TRUE

dn: CN=PC7,DC=example,DC=com
objectClass: user
objectClass: computer
sAMAccountName: PC7\$

dn: uid=henry,dc=example,dc=com
uid: henry
mail: henry@example.com
userPassword: secret

dn: uid=ida,dc=example,dc=com
uid: ida
proxyAddresses: SIP:ida@elsewhere.org
LDIF
expect 2 import "$dir/users.ldif"
says err "users.ldif:22: "
expect 1 show grace
expect 1 import --partial --dry-run "$dir/users.ldif"
says out '1 account would be imported'
expect 1 show grace
expect 1 import --partial "$dir/users.ldif"
says out '2 entries left out: 1 is no user, 1 has no SIP address'
says err 'only Kerberos lets them in (grace)'
json grace display '"Gråce"'
json grace remote_access true
json grace sip_enabled true
sed -i '/^uid: ida/,$d; 3,11d' "$dir/users.ldif"
expect 0 import --json --address-attribute mail "$dir/users.ldif"
says out '"imported":1'
says out '"without_password":\[\]'
json henry uri '"sip:henry@example.com"'
json henry sip_enabled true
expect 2 import "$dir/users.ldif" --format csv
expect 0 remove grace henry

# Nobody to ask: port 1 refuses.
expect 2 import ldap://127.0.0.1:1
says err 'ad_keytab'
sed -i 's/^netbios_domain.*/&\nad_bind = simple\nad_user = EXAMPLE\\reader\nad_password_file = password/' \
    "$dir/postern.conf"
echo secret >"$dir/password"
sed -i "s|= password|= $dir/password|" "$dir/postern.conf"
chmod 600 "$dir/password"
expect 3 import ldaps://127.0.0.1:1
says err '^ldaps://127.0.0.1:1: '
expect 2 import 'ldaps:///DC=example?x'

expect 0 list
[ "$(wc -l <"$dir/out")" = 4 ] || fail "list: $(cat "$dir/out")"
expect 0 list --json
[ "$(grep -c '^{.*}$' "$dir/out")" = 4 ] || fail "list --json: $(cat "$dir/out")"

expect 1 remove carol eve
expect 1 show carol
expect 0 remove bob robot

for file in users.db users.key; do
    [ "$(stat -c %a "$dir/state/$file")" = 600 ] || fail "$file is open to others"
done
! grep -q 'Passw0rd' "$dir/state/users.db" || fail "a password stands in the database"
chmod 644 "$dir/state/users.key"
expect 2 list
says err 'chmod 600'
echo "postern user: everything as expected"
