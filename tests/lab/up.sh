#!/bin/bash
# SPDX-License-Identifier: MIT
# Brings up a throw-away Active Directory: Samba as domain controller `dc`, and `fe`, a member of the
# domain with winbindd, where a Front End can run.  All as processes in namespaces of their own, on
# loopback addresses; nothing of the machine's own configuration is read or changed.
#
# Usage: tests/lab/up.sh [OPTION]... DIR
#   --dc ADDRESS, --fe ADDRESS   loopback addresses (127.0.20.10 and 127.0.20.11)
#   --net           a network instead: dc, fe, edge and int (a workstation) on 10.77.0.0/24, edge and
#                   ext (somebody outside) on 10.78.0.0/24, which reaches nothing but the edge
#   --ntlm SETTING  `ntlm auth` of the controller: yes (default), mschapv2-and-ntlmv2-only,
#                   ntlmv2-only, disabled; dc.sh changes it later
#   --bulk N        that many more users, bulk00000...
#   --unprepared    no service account and no keytab, and fe has an /etc, /run, /var/lib and /var/log
#                   of its own: a joined Debian host as one finds it
#   --attached      ends when the standard input does
#
# Afterwards DIR has users.tsv (who there is, and what becomes of them), sip.keytab, ldapread.keytab,
# ldapread.password, admin.password, krb5.conf and krb5-rc4.conf for clients, tls/ca.crt, log/.
# Run again it starts what does not run.  exec.sh runs commands there, down.sh stops all.
# Exit status 77: not possible on this machine, the last line says why.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lab/lab.sh
. "$here/lab.sh"

realm=AD.EXAMPLE.TEST dnsdomain=ad.example.test domain=EXAMPLE sipdomain=example.test
dc=127.0.20.10 fe=127.0.20.11
ntlm='' bulk=0 net='' mode=detached prepared=1
admin_password=Passw0rd.Adm

while [ $# -gt 1 ]; do
    case "$1" in
    --dc) dc=$2 && shift ;;
    --fe) fe=$2 && shift ;;
    --net) net=1 dc=10.77.0.10 fe=10.77.0.20 ;;
    --ntlm) ntlm=$2 && shift ;;
    --bulk) bulk=$2 && shift ;;
    --unprepared) prepared= ;;
    --attached) mode=attached ;;
    *) break ;;
    esac
    shift
done
case "${1:-}" in
"" | -*)
    sed -n '3,23s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac

[ "$(id -u)" = 0 ] || lab_skip "it needs root (ports below 1024, namespaces)"
for program in samba winbindd samba-tool net wbinfo openssl unshare nsenter ip; do
    command -v "$program" >/dev/null || lab_skip "$program is missing: run scripts/install-deps.sh test"
done
/usr/bin/python3 -c 'import samba.samdb' 2>/dev/null ||
    lab_skip "python3-samba is missing: run scripts/install-deps.sh test"
# In a chroot "/" need not be a mount point, and cannot be made private then; host_up looks whether
# what is around the chroot has done that.
propagation=private
unshare --mount --propagation private true 2>/dev/null || propagation=unchanged
why=$(unshare --mount --propagation $propagation --pid --net --fork true 2>&1) || lab_skip "no namespaces: $why"
[ -e /proc/self/ns/pid ] || lab_skip "/proc is not mounted"

mkdir -p "$1"
dir=$(cd "$1" && pwd)
chmod 755 "$dir"
mkdir -p "$dir"/{log,tls,etc/{dc,fe,int,ext,edge,sw},run/{dc,fe,int,ext,edge,sw},dc/run,dc/cache,fe/{private,state,cache,run}}

exec 3<&0
# No holder and no daemon outlives a failed start.
trap '[ $? -eq 0 ] || "$here/down.sh" --keep "$dir"' EXIT

# --- what each host finds in /etc ---

network_files() { # HOST
    printf 'nameserver %s\noptions timeout:2 attempts:1\n' "$dc" >"$dir/etc/$1/resolv.conf"
    {
        echo "127.0.0.1 localhost"
        [ "$1" != dc ] || echo "$dc dc1.$dnsdomain dc1" # the others ask its DNS
        [ "$1" = ext ] || echo "$fe fe.$sipdomain fe"
        [ -z "$net" ] || [ "$1" = ext ] || echo "10.77.0.30 edge.$sipdomain"
        [ "$1" != ext ] || echo "10.78.0.30 edge.$sipdomain"
    } >"$dir/etc/$1/hosts"
    cp "$dir/krb5.conf" "$dir/etc/$1/krb5.conf"
}

# The SIP domain is not the realm's, so it is mapped; RC4 has been off by default since 2025.
kerberos_files() {
    cat >"$dir/krb5.conf" <<CONF
[libdefaults]
    default_realm = $realm
    dns_lookup_kdc = false
    dns_canonicalize_hostname = false
    rdns = false
    udp_preference_limit = 0
[realms]
    $realm = {
        kdc = $dc
        kpasswd_server = $dc
        admin_server = $dc
    }
[domain_realm]
    .$dnsdomain = $realm
    $dnsdomain = $realm
    .$sipdomain = $realm
    $sipdomain = $realm
CONF
    sed 's/^\[libdefaults\]/&\n    allow_weak_crypto = true\n    allow_rc4 = true\n    permitted_enctypes = rc4-hmac/' \
        "$dir/krb5.conf" >"$dir/krb5-rc4.conf"
}

dc_config() {
    cat >"$dir/etc/dc/smb.conf" <<CONF
[global]
    realm = $realm
    workgroup = $domain
    netbios name = DC1
    server role = active directory domain controller
    interfaces = $dc/8
    bind interfaces only = yes
    # what a sign-in needs, and no more
    server services = s3fs, rpc, ldap, cldap, kdc, winbindd, dns
    prefork children = 2
    private dir = $dir/dc/private
    state directory = $dir/dc/state
    cache directory = $dir/dc/cache
    lock directory = $dir/dc
    pid directory = $dir/dc/run
    ncalrpc dir = $dir/dc/run/ncalrpc
    binddns dir = $dir/dc/bind-dns
    ntp signd socket directory = $dir/dc/run/ntp_signd
    log file = $dir/log/dc.%m.log
    logging = file
    ntlm auth = ${ntlm:-yes}
    ldap server require strong auth = yes
    tls enabled = yes
    tls keyfile = $dir/tls/dc1.key
    tls certfile = $dir/tls/dc1.crt
    tls cafile = $dir/tls/ca.crt
    dns forwarder =
    allow dns updates = disabled
    load printers = no
    disable spoolss = yes
    printcap name = /dev/null
[sysvol]
    path = $dir/dc/state/sysvol
    read only = no
[netlogon]
    path = $dir/dc/state/sysvol/$dnsdomain/scripts
    read only = no
CONF
}

fe_config() {
    cat >"$dir/etc/fe/smb.conf" <<CONF
[global]
    realm = $realm
    workgroup = $domain
    netbios name = FE
    security = ads
    server role = member server
    interfaces = $fe/8
    bind interfaces only = yes
    private dir = $dir/fe/private
    state directory = $dir/fe/state
    cache directory = $dir/fe/cache
    lock directory = $dir/fe
    pid directory = $dir/fe/run
    ncalrpc dir = $dir/fe/run/ncalrpc
    log file = $dir/log/fe.%m.log
    logging = file
    winbind max domain connections = 4
    winbind cache time = 0
    idmap config * : backend = tdb
    idmap config * : range = 100000-999999
    load printers = no
    disable spoolss = yes
    machine password timeout = 0
CONF
}

# --- the domain, once ---

certificates() {
    cd "$dir/tls"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=Postern lab CA" \
        -addext basicConstraints=critical,CA:TRUE -keyout ca.key -out ca.crt
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=dc1.$dnsdomain" \
        -keyout dc1.key -out dc1.csr
    openssl x509 -req -in dc1.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -out dc1.crt \
        -extfile <(echo "subjectAltName=DNS:dc1.$dnsdomain,DNS:$dnsdomain,IP:$dc")
    chmod 600 ca.key dc1.key
}

logged() { # NAME COMMAND...
    local name=$1
    shift
    "$@" >"$dir/log/$name.log" 2>&1 || {
        tail -n 20 "$dir/log/$name.log" >&2
        lab_die "$name failed"
    }
}

provision() {
    lab_say "provision $realm"
    rm -rf "$dir/dc" "$dir/fe/.joined"
    mkdir -p "$dir/dc/etc"
    TDB_NO_FSYNC=1 logged provision samba-tool domain provision --configfile=/dev/null --targetdir="$dir/dc" \
        --realm="$realm" --domain="$domain" --adminpass="$admin_password" --server-role=dc --dns-backend=SAMBA_INTERNAL \
        --host-name=dc1 --host-ip="$dc" --option="interfaces=$dc/8" --option="bind interfaces only=yes" \
        --option="dns forwarder="
    mkdir -p "$dir"/dc/{run,cache}
    dc_config
    logged certificates certificates
    printf '%s' "$admin_password" >"$dir/admin.password"
    chmod 600 "$dir/admin.password"
    lab_say "schema, accounts, keytabs"
    local -a words=("$dir/etc/dc/smb.conf" "$dir" "$bulk")
    [ -n "$prepared" ] || words+=(unprepared)
    TDB_NO_FSYNC=1 logged accounts /usr/bin/python3 "$here/provision.py" "${words[@]}"
    touch "$dir/dc/.provisioned"
}

# --- hosts ---

host_up() { # HOST
    local -a spaces=(--mount --propagation "$propagation" --pid --fork --kill-child=KILL)
    lab_pid "$dir" "$1" >/dev/null && return
    rm -f "$dir/run/$1.pid"
    [ -z "$net" ] || spaces+=(--net)
    unshare "${spaces[@]}" "$here/host.sh" "$dir" "$1" "$mode" <&3 >"$dir/log/$1.host" 2>&1 3<&- &
    disown
    lab_wait 10 "the host $1 (see $dir/log)" lab_pid "$dir" "$1"
    ! grep -qF -- "$dir/run/$1 " /proc/self/mountinfo ||
        lab_skip "mounts do not stay in their namespace: mount this chroot on itself (mount --bind X X) and make it private"
}

plug() { # HOST SWITCH ADDRESS
    local host
    host=$(lab_pid "$dir" "$1")
    lab_on "$dir" sw ip link add "$1-$2" type veth peer name "$2" netns "$host"
    lab_on "$dir" sw ip link set "$1-$2" master "$2" up
    lab_on "$dir" "$1" ip addr add "$3/24" dev "$2"
    lab_on "$dir" "$1" ip link set "$2" up
}

network_up() {
    local network
    lab_on "$dir" sw ip link show inside >/dev/null 2>&1 && return
    for network in inside outside; do
        lab_on "$dir" sw ip link add "$network" type bridge
        lab_on "$dir" sw ip link set "$network" up
    done
    plug dc inside 10.77.0.10
    plug fe inside 10.77.0.20
    plug edge inside 10.77.0.30
    plug int inside 10.77.0.100
    plug edge outside 10.78.0.30
    plug ext outside 10.78.0.100
}

dc_up() {
    [ -z "$(lab_pids "$dir" dc 'samba: root')" ] || return 0
    ! lab_is_open "$dir" dc "$dc" 389 2>/dev/null ||
        lab_die "somebody else answers on $dc: another lab? Choose other addresses with --dc and --fe"
    lab_say "start the domain controller on $dc"
    "$here/dc.sh" start "$dir"
}

fe_up() {
    [ -z "$(lab_pids "$dir" fe winbindd)" ] || return 0
    if [ ! -e "$dir/fe/.joined" ]; then
        lab_say "join fe to the domain"
        TDB_NO_FSYNC=1 logged join lab_on "$dir" fe net ads join --no-dns-updates -S "dc1.$dnsdomain" -U "Administrator%$admin_password"
        touch "$dir/fe/.joined"
    fi
    lab_say "start winbindd of fe on $fe"
    "$here/dc.sh" winbind "$dir"
}

# A host whose administrator may change what is in /etc.
own_system() { # HOST
    local system=$dir/system/$1 folder
    [ ! -d "$system" ] || return 0
    mkdir -p "$system"/{run/samba,var/lib,var/log}
    cp -a /etc "$system/etc"
    for folder in hosts resolv.conf krb5.conf; do
        rm -f "$system/etc/$folder"
        cp "$dir/etc/$1/$folder" "$system/etc/$folder"
    done
    cp "$dir/etc/$1/smb.conf" "$system/etc/samba/smb.conf"
}

kerberos_files
for host in dc fe int ext edge sw; do
    network_files "$host"
done
[ -e "$dir/dc/.provisioned" ] || provision
[ -z "$ntlm" ] || [ -n "$(lab_pids "$dir" dc 'samba: root')" ] || dc_config
fe_config
[ -n "$prepared" ] || own_system fe
hosts=(dc fe int)
[ -z "$net" ] || hosts+=(ext edge sw)
for host in "${hosts[@]}"; do
    host_up "$host"
done
[ -z "$net" ] || network_up
dc_up
fe_up
lab_say "ready: realm $realm, controller $dc, member $fe, files in $dir"
