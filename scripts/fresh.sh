#!/bin/bash
# SPDX-License-Identifier: MIT
# Proves the README: takes a clean Debian (debootstrap, from this machine's own apt sources), puts
# the committed tree into it, installs make and git, and runs `make run ARGS=--once` and
# `make test` there.  Everything happens in a mount and process namespace of its own, so nothing
# stays mounted or running however it ends.
#
# Usage: scripts/fresh.sh [--keep DIR] [run|test]
#   --keep DIR   build the system in DIR, which must be new or empty, and leave it there
#   run, test    only that command
set -euo pipefail

keep=
commands=(run test)
suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
chroot_env=(env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
    LANG=C.UTF-8 TERM=dumb DEBIAN_FRONTEND=noninteractive)

usage() {
    sed -n '3,11s/^# \{0,1\}//p' "$0"
}

fail() {
    echo "fresh: $1" >&2
    exit 1
}

parse_arguments() {
    while [ $# -gt 0 ]; do
        case "$1" in
        --keep)
            [ $# -ge 2 ] || fail "--keep needs a directory"
            keep=$2
            shift
            ;;
        run | test) commands=("$1") ;;
        -h | --help)
            usage
            exit 0
            ;;
        *)
            usage >&2
            exit 2
            ;;
        esac
        shift
    done
}

# Whether a source is Debian itself and not a third party that serves packages for Debian.
# URI: any mirror whose path ends in debian or debian-security, or a snapshot of those.
debian_filter='
function is_debian(uri, suites, components,    i, n, word) {
    if (uri !~ /\/debian(-security)?(\/[0-9]+T[0-9]+Z)?\/?$/ || " " components " " !~ / main /)
        return 0
    n = split(suites, word, " ")
    for (i = 1; i <= n; i++)
        if (word[i] !~ "^" suite "(-updates|-security|-backports|/updates)?$")
            return 0
    return n > 0
}'

# The one-line format: deb [options] URI SUITE COMPONENT...
debian_lines() {
    awk -v suite="$suite" "$debian_filter"'
    $1 == "deb" {
        line = $0
        sub(/\[[^]]*\]/, "")
        components = ""
        for (i = 4; i <= NF; i++)
            components = components " " $i
        if (is_debian($2, $3, components))
            print line
    }' "$@"
}

# The deb822 format: stanzas of "Field: value"
debian_stanzas() {
    awk -v suite="$suite" "$debian_filter"'
    function finish() {
        if (!off && is_debian(f["uris"], f["suites"], f["components"]))
            printf "%s\n", stanza
        stanza = ""
        off = 0
        split("", f)
    }
    /^#/ { next }
    /^[[:space:]]*$/ { finish(); next }
    {
        stanza = stanza $0 "\n"
        name = tolower($1)
        sub(/:$/, "", name)
        value = $0
        sub(/^[^:]*:[[:space:]]*/, "", value)
        if ($0 !~ /^[[:space:]]/)
            f[name] = value
        if (name == "enabled" && tolower(value) ~ /^(no|false|0|off)/)
            off = 1
    }
    END { finish() }' "$@"
}

# Writes this machine's Debian sources below $1 (a directory like /etc/apt).
copy_sources() {
    local file
    mkdir -p "$1/sources.list.d"
    : >"$1/sources.list"
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ ! -f "$file" ] || debian_lines "$file" >>"$1/sources.list"
    done
    for file in /etc/apt/sources.list.d/*.sources; do
        [ ! -f "$file" ] || debian_stanzas "$file" >"$1/sources.list.d/${file##*/}"
    done
    find "$1/sources.list.d" -type f -empty -delete
    grep -rqs . "$1/sources.list" "$1/sources.list.d" ||
        fail "no Debian $suite source in /etc/apt/sources.list*: add a mirror"
}

# Prints the mirror that debootstrap starts from: the first that has the suite itself.
first_mirror() {
    {
        sed 's/\[[^]]*\]//' "$1/sources.list" | awk -v suite="$suite" '$3 == suite { print $2 }'
        cat /dev/null "$1"/sources.list.d/* 2>/dev/null | awk -v suite="$suite" '
            /^URIs:/ { uri = $2 }
            /^Suites:/ { found = (" " $0 " ") ~ (" " suite " ") }
            uri && found { print uri; uri = ""; found = 0 }
            /^[[:space:]]*$/ { uri = ""; found = 0 }'
    } | sed -n '1p'
}

# How this machine reaches its mirror, and keys that are not Debian's own.
copy_apt_settings() {
    apt-config dump |
        grep -E '^(Acquire::(http|https|Retries|ForceIPv|Check-)|APT::Sandbox)[^ ]* "[^"]+";$' \
            >"$1/etc/apt/apt.conf.d/90host" || true
    grep -rhoiE 'signed-by[:=] *[^] ]+' "$1/etc/apt/sources.list" "$1/etc/apt/sources.list.d" |
        sed 's/^[^/]*//' |
        while read -r key; do
            [ -e "$1$key" ] || install -D -m 644 "$key" "$1$key"
        done
    cp -L /etc/resolv.conf /etc/hosts "$1/etc/"
}

use_apt_proxy() {
    local http https
    eval "$(apt-config shell http Acquire::http::Proxy https Acquire::https::Proxy)"
    [ -z "${http:-}" ] || export http_proxy=$http
    [ -z "${https:-}" ] || export https_proxy=$https
}

mount_all() { # root
    mount -t proc proc "$1/proc"
    mkdir -p "$1/dev/pts" "$1/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$1/dev/pts"
    mount -t tmpfs -o mode=1777 shm "$1/dev/shm"
}

make_system() { # root
    local staging mirror
    staging=$(mktemp -d)
    copy_sources "$staging"
    mirror=$(first_mirror "$staging")
    [ -n "$mirror" ] || fail "no source names the suite $suite itself"
    echo "fresh: $suite from $mirror in $1"
    use_apt_proxy
    debootstrap --variant=minbase "$suite" "$1" "$mirror" >"$1.log" 2>&1 ||
        { tail -n 20 "$1.log" && fail "debootstrap failed: see $1.log"; }
    cp -a "$staging/." "$1/etc/apt/"
    rm -rf "$staging" "$1.log"
    copy_apt_settings "$1"
    mount_all "$1"
    chroot "$1" "${chroot_env[@]}" sh -c \
        'apt-get -q update && apt-get -q install -y make git ca-certificates'
}

remove_system() {
    cd /
    umount -R "$root/proc" "$root/dev/pts" "$root/dev/shm" 2>/dev/null || true
    [ -n "$keep" ] || rm -rf --one-file-system "$root" "$root.log"
}

run_command() { # run|test
    local line="make $1" status=0
    [ "$1" != run ] || line='make run ARGS=--once'
    echo "fresh: $line"
    chroot "$root" "${chroot_env[@]}" sh -c "cd /root/postern && $line" </dev/null || status=$?
    [ "$status" -eq 0 ] || fail "'$line' ended with $status in the clean system"
}

parse_arguments "$@"
cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || fail "debootstrap and chroot need root: run 'sudo make fresh'"
command -v debootstrap >/dev/null || fail "debootstrap is missing: run scripts/install-deps.sh fresh"
if [ -z "${POSTERN_FRESH_INSIDE:-}" ]; then
    POSTERN_FRESH_INSIDE=1 exec unshare --mount --propagation private --pid --fork --kill-child \
        "$0" "$@"
fi
if [ -n "$keep" ]; then
    mkdir -p "$keep"
    root=$(cd "$keep" && pwd)
    [ -z "$(ls -A "$root")" ] || fail "$root is not empty: name a new directory"
else
    root=$(mktemp -d "${TMPDIR:-/var/tmp}/postern-fresh.XXXXXX")
    chmod 755 "$root" # a root that others may enter, as on every system
fi
trap remove_system EXIT
trap 'exit 130' INT TERM HUP

make_system "$root"
mkdir -p "$root/root/postern"
git archive HEAD | tar -x -C "$root/root/postern"
for command in "${commands[@]}"; do
    run_command "$command"
done
echo "fresh: passed: ${commands[*]}"
