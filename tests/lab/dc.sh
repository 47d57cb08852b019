#!/bin/bash
# SPDX-License-Identifier: MIT
# Daemons of the lab, one at a time.
#
# Usage: tests/lab/dc.sh ACTION [SETTING] DIR
#   start           the domain controller; returns when it answers
#   kill            kills all its processes, as a power cut would
#   ntlm SETTING    changes `ntlm auth` of the controller; it is read at the start, so it is restarted
#   stop, continue  freezes all its processes, and lets them go on
#   stop-smb, continue-smb   the same for SMB and RPC (Netlogon) alone: LDAP and Kerberos answer
#   stop-ldap, continue-ldap  the same for LDAP alone
#   winbind         starts winbindd of fe; returns when it answers
#   winbind-kill    kills that
#   winbind-stop, winbind-continue  freezes it, and lets it go on
#   pids            prints the controller's processes
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lab/lab.sh
. "$here/lab.sh"
action=${1:?usage: dc.sh ACTION [SETTING] DIR}
setting=
[ "$action" != ntlm ] || { setting=${2:?which setting} && shift; }
dir=$(cd "${2:?usage: dc.sh ACTION [SETTING] DIR}" && pwd)

signal() { # SIGNAL HOST [NAME]
    local pid
    for pid in $(lab_pids "$dir" "$2" "${3:-}"); do
        kill "-$1" "$pid" 2>/dev/null || true
    done
}

# Until they are gone: whoever starts children anew may have been quicker.
kill_all() { # HOST NAME...
    local host=$1 name left=1
    shift
    while [ -n "$left" ]; do
        left=
        for name in "$@"; do
            signal KILL "$host" "$name"
            left+=$(lab_pids "$dir" "$host" "$name")
        done
        [ -z "$left" ] || sleep 0.02
    done
}

dc_start() {
    local port address
    address=$(sed -n 's/^ *interfaces = \(.*\)\/8$/\1/p' "$dir/etc/dc/smb.conf")
    mkdir -p "$dir/run/dc/winbindd"
    lab_daemon "$dir" dc samba --foreground --no-process-group
    for port in 88 389 445 636; do
        lab_wait 30 "port $port of the controller; see $dir/log" lab_is_open "$dir" dc "$address" "$port"
    done
    lab_wait 30 "winbindd of the controller; see $dir/log" lab_on "$dir" dc wbinfo --ping
}

dc_kill() {
    kill_all dc samba smbd winbindd
}

winbind() {
    mkdir -p "$dir/run/fe/winbindd" "$dir/fe/state/winbindd_privileged"
    chmod 755 "$dir/run/fe/winbindd"
    # who may ask about challenge and response; winbindd keeps the group that it finds
    chgrp winbindd_priv "$dir/fe/state/winbindd_privileged"
    chmod 750 "$dir/fe/state/winbindd_privileged"
    lab_daemon "$dir" fe winbindd --foreground --no-process-group
    lab_wait 30 "winbindd of fe; see $dir/log" lab_on "$dir" fe wbinfo --ping-dc
}

ntlm() {
    local text
    dc_kill
    # written in place: the file is mounted
    text=$(sed "s/^ *ntlm auth = .*/    ntlm auth = $setting/" "$dir/etc/dc/smb.conf")
    printf '%s\n' "$text" >"$dir/etc/dc/smb.conf"
    dc_start
}

case "$action" in
start) dc_start ;;
kill) dc_kill ;;
ntlm) ntlm ;;
stop) signal STOP dc ;;
continue) signal CONT dc ;;
stop-smb) signal STOP dc smbd && signal STOP dc 'task[rpc]' ;;
continue-smb) signal CONT dc smbd && signal CONT dc 'task[rpc]' ;;
stop-ldap) signal STOP dc 'task[ldap]' ;;
continue-ldap) signal CONT dc 'task[ldap]' ;;
winbind) winbind ;;
winbind-stop) signal STOP fe winbindd ;;
winbind-continue) signal CONT fe winbindd ;;
winbind-kill) kill_all fe winbindd ;;
pids) lab_pids "$dir" dc ;;
*) lab_die "dc.sh: no action '$action'" ;;
esac
