#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs the Debian packages that a purpose needs, and only those that are missing.
# Daemons among them are kept from starting.
#
# Usage: scripts/install-deps.sh run|test|bench|lint|fuzz|fresh
set -euo pipefail

policy=/usr/sbin/policy-rc.d
aside=$policy.before-postern

packages_for() { # purpose
    local run=(meson ninja-build gcc libc6-dev pkg-config libuv1-dev libgnutls28-dev nettle-dev
        libsqlite3-dev libinih-dev libjansson-dev libseccomp-dev libkrb5-dev libldap-dev libwbclient-dev
        libsasl2-modules-gssapi-mit krb5-kdc krb5-admin-server)
    local lab=(krb5-user samba samba-ad-dc samba-ad-provision samba-dsdb-modules samba-vfs-modules
        winbind python3-samba ldap-utils iproute2 procps util-linux)
    local test=("${run[@]}" "${lab[@]}" libcmocka-dev libpurple-dev libpurple0 pidgin-sipe libglib2.0-dev
        libxml2-dev gss-ntlmssp gss-ntlmssp-dev openssl python3 python3-impacket libosip2-dev
        libsofia-sip-ua-dev gnutls-bin tshark)

    case "$1" in
    run) echo "${run[@]}" ;;
    test) echo "${test[@]}" ;;
    bench) echo "${run[@]}" "${lab[@]}" kamailio kamailio-tls-modules openssl python3 \
        python3-pycryptodome strace ;;
    fuzz) echo "${run[@]}" clang llvm libclang-rt-14-dev ;;
    lint) echo "${test[@]}" clang clang-tidy clang-format cppcheck shellcheck ;;
    fresh) echo debootstrap debian-archive-keyring git ca-certificates ;;
    *) return 1 ;;
    esac
}

usage() {
    sed -n '3,6s/^# \{0,1\}//p' "$0"
}

fail() {
    echo "install-deps: $1" >&2
    exit 1
}

# Prints those of the named packages that are not installed.
missing() {
    local package
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' ||
            echo "$package"
    done
}

# Whether the machine's own policy already forbids that an installation starts daemons.
starts_forbidden() {
    local answer=0
    [ -x "$policy" ] && { "$policy" kamailio start >/dev/null 2>&1 || answer=$?; }
    [ "$answer" -eq 101 ]
}

# An administrator's own policy is set aside, not overwritten, and comes back whatever happens.
restore_policy() {
    rm -f "$policy"
    [ ! -e "$aside" ] || mv "$aside" "$policy"
}

forbid_starts() {
    [ ! -e "$aside" ] || restore_policy # left by a run that was killed
    if starts_forbidden; then
        return
    fi
    trap restore_policy EXIT
    trap 'exit 130' INT TERM HUP
    [ ! -e "$policy" ] || mv "$policy" "$aside"
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
}

install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    local apt=(apt-get -q -o DPkg::Lock::Timeout=600)
    "${apt[@]}" update || fail "apt-get update failed: is there a network and a Debian mirror?"
    "${apt[@]}" install -y --no-install-recommends "$@" ||
        fail "apt-get could not install: $*"
}

case "${1:-}" in
-h | --help)
    usage
    exit 0
    ;;
esac
purpose=${1:-}
if [ $# -ne 1 ] || ! packages=$(packages_for "$purpose"); then
    usage >&2
    exit 2
fi
command -v dpkg-query >/dev/null ||
    fail "this is not Debian: install yourself what these packages hold: $packages"
read -ra wanted <<<"$packages"
mapfile -t needed < <(missing "${wanted[@]}")
[ "${#needed[@]}" -gt 0 ] || exit 0
[ "$(id -u)" -eq 0 ] ||
    fail "missing: ${needed[*]}: run 'sudo scripts/install-deps.sh $purpose', then try again"

exec 9>/run/lock/postern-install-deps
flock 9
forbid_starts
install_packages "${needed[@]}"
