#!/bin/bash
# SPDX-License-Identifier: MIT
# One host of the lab: process 1 of its namespaces.  Gives the host its own files below /etc and
# /run, says which process it is, and waits; `attached`: until its standard input ends.
#
# Usage: host.sh DIR HOST attached|detached     (up.sh runs it, in new namespaces)
set -euo pipefail
dir=$1 host=$2

# A file that a minimal system lacks is made first: something must be there to mount on.
own() { # SOURCE TARGET
    [ -e "$2" ] || { mkdir -p "$(dirname "$2")" && touch "$2"; }
    mount --bind "$1" "$2"
}

ip link set lo up 2>/dev/null || true # of a network of its own
system=$dir/system/$host
if [ -d "$system" ]; then
    for folder in etc run var/lib var/log; do
        mount --bind "$system/$folder" "/$folder"
    done
else
    for file in hosts resolv.conf krb5.conf; do
        own "$dir/etc/$host/$file" "/etc/$file"
    done
    [ ! -e "$dir/etc/$host/smb.conf" ] || own "$dir/etc/$host/smb.conf" /etc/samba/smb.conf
    mkdir -p /run/samba
fi
mount --bind "$dir/run/$host" /run/samba

# /proc shows the processes by the numbers that the rest of the machine knows.
read -r pid _ </proc/self/stat
echo "$pid" >"$dir/run/$host.pid.new"
mv "$dir/run/$host.pid.new" "$dir/run/$host.pid"

if [ "$3" = attached ]; then
    while read -r _; do :; done
else
    while :; do
        sleep 3600 &
        wait $! || true
    done
fi
