# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What the scripts beside it share.  A host of the lab is a process that does nothing: its mount,
# process and (with --net) network namespaces are the host.  Whatever runs there dies with it.

lab_say() { printf '%s %s\n' "$(date +%T.%3N)" "$*"; }

lab_die() {
    printf 'lab: %s\n' "$*" >&2
    exit 1
}

# What cannot work on this machine at all: the tests say so and are skipped.
lab_skip() {
    printf 'lab: not possible here: %s\n' "$*" >&2
    exit 77
}

# lab_pid DIR HOST: the process that is the host; fails when it is gone.
lab_pid() {
    local pid
    [ -s "$1/run/$2.pid" ] || return 1
    pid=$(<"$1/run/$2.pid")
    grep -qsF -- "$1/run/$2 " "/proc/$pid/mountinfo" || return 1
    echo "$pid"
}

# lab_pids DIR HOST [NAME]: every process of the host but the host itself; NAME: only whose
# command line has it.  Told by the process namespace: Samba's daemons begin sessions of their own.
lab_pids() {
    local host pid
    local -a words
    host=$(lab_pid "$1" "$2") || return 0
    for pid in /proc/[0-9]*; do
        [ "$pid/ns/pid" -ef "/proc/$host/ns/pid" ] || continue
        [ "$pid" != "/proc/$host" ] || continue
        if [ -n "${3:-}" ]; then
            mapfile -d '' words 2>/dev/null <"$pid/cmdline" || continue
            [[ ${words[*]} == *"$3"* ]] || continue
        fi
        echo "${pid#/proc/}"
    done
}

# lab_enter DIR HOST [NSENTER OPTION...] -- COMMAND...: replaces this process.  --root is what keeps
# a lab in a chroot inside the chroot.
lab_enter() {
    local dir=$1 host=$2 pid
    local -a options=()
    shift 2
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    pid=$(lab_pid "$dir" "$host") || lab_die "the host $host of $dir does not run"
    exec nsenter --target "$pid" --mount --root --net "${options[@]}" --wdns="$PWD" "$@"
}

# lab_daemon DIR HOST COMMAND...: starts it there, in the host's process namespace.
lab_daemon() {
    local dir=$1 host=$2
    shift 2
    (
        exec </dev/null >>"$dir/log/$host.out" 2>&1 3<&-
        cd /
        TDB_NO_FSYNC=1 lab_enter "$dir" "$host" --pid -- setsid "$@"
    ) &
}

# lab_wait SECONDS WHAT COMMAND...
lab_wait() {
    local left=$(($1 * 20)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || lab_die "timed out waiting for $what"
        sleep 0.05
    done
}

lab_on() { # DIR HOST COMMAND...
    (lab_enter "$1" "$2" -- "${@:3}")
}

lab_is_open() { # DIR HOST ADDRESS PORT
    # shellcheck disable=SC2016
    lab_on "$1" "$2" bash -c 'exec 4<>"/dev/tcp/$0/$1"' "$3" "$4"
}
