#!/bin/bash
# SPDX-License-Identifier: MIT
# Holds the arrows between the areas of src/: who may include whom.
#
#     base <- diag <- sip, ntlm, kerberos, tls, users <- conf <- auth, net, ad <- client, front, edge, authd <- cmd
#
# Neighbours on one step do not know each other.  Beyond the steps: what talks SIP never sees
# stored secrets, what holds secrets never sees SIP, and each library stands behind its own files.
#
# Usage: tests/check-layers.sh [SOURCE_ROOT]
set -euo pipefail

case "${1:-}" in
-h | --help)
    sed -n '3,10s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac
cd "${1:-$(dirname "$0")/..}"
[ -d src ] || { echo "check-layers: no src directory in $PWD: name the source root" >&2 && exit 2; }

# file:line:included, from every #include of src/
includes() {
    grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include' src |
        sed -nE 's/^(src\/[^:]*):([0-9]+):[^"<]*(["<][^">]*[">]).*/\1 \2 \3/p'
}

includes | awk '
BEGIN {
    steps = "base|diag|sip ntlm kerberos tls users|conf|auth net ad|client front edge authd|cmd"
    count = split(steps, step, "|")
    for (i = 1; i <= count; i++) {
        n = split(step[i], areas, " ")
        for (j = 1; j <= n; j++)
            rank[areas[j]] = i
    }
    # area, forbidden header, why
    forbid("front", "^users/store|^ntlm/verify|^kerberos/accept|^ad/", "code that reads hostile bytes sees no stored secrets")
    forbid("edge", "^users/|^auth/|^ntlm/verify|^kerberos/", "the Edge authenticates nobody")
    forbid("authd", "^(sip|auth|net)/", "code that holds secrets never sees SIP")
    # library header, the only files that may include it
    only("^gnutls/", "^src/tls/")
    only("^uv\\.h$", "^src/base/loop\\.c$")
    # the Edge makes routing tokens and hides Via lines;
    # users seals hashes at rest; the client derives its instance id from the epid with SHA-1
    only("^nettle/", "^src/(ntlm/crypt[^/]*|kerberos/mic|users/[^/]*|client/message|edge/token|edge/hide)\\.[ch]$")
    # ad/ldap_creds gets the LDAP library its ticket
    only("^(gssapi/|krb5)", "^src/(kerberos/(accept|initiate|lucid|key_list|keytab)|ad/ldap_creds)\\.[ch]$")
    only("^(ldap|lber|sasl/|wbclient)", "^src/ad/")
    only("^sqlite3\\.h$", "^src/users/")
    only("^ini\\.h$", "^src/conf/")
}
function forbid(area, header, why) {
    forbidden[++rules] = header
    forbidden_in[rules] = area
    reason[rules] = why
}
function only(header, files) {
    library[++libraries] = header
    library_files[libraries] = files
}
function complain(text) {
    printf "%s:%s: includes %s: %s\n", $1, $2, $3, text
    bad++
}
{
    checked++
    name = substr($3, 2, length($3) - 2)
    split($1, path, "/")
    area = path[2]
    if (!(area in rank))
        complain("src/" area " has no place among the layers: add it to tests/check-layers.sh")
}
$3 ~ /^</ {
    for (i = 1; i <= libraries; i++)
        if (name ~ library[i] && $1 !~ library_files[i])
            complain("only " library_files[i] " may")
    next
}
{
    if (split(name, target, "/") != 2 || !(target[1] in rank)) {
        complain("write it as \"area/file.h\"")
        next
    }
    other = target[1]
    if (other != area && rank[other] == rank[area])
        complain(area " and " other " are neighbours: the step above introduces them")
    else if (rank[other] > rank[area])
        complain(other " lies above " area)
    for (i = 1; i <= rules; i++)
        if (area == forbidden_in[i] && name ~ forbidden[i])
            complain(reason[i])
}
END {
    if (checked == 0) {
        print "check-layers: found no #include at all"
        exit 1
    }
    printf "check-layers: %d includes, %d against the layers\n", checked, bad
    exit bad > 0
}'
