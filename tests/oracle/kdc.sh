# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# A throw-away MIT KDC for the scripts that source this: everything lies below $dir, it listens on
# a free port of 127.0.0.1, and kdc_stop (for the script's trap) ends it.
#
#   kdc_start REALM    makes and starts it; sets KRB5_CONFIG for clients, $acceptor_conf for services
#   kdc_admin LINE...  lines for kadmin.local
#   kdc_stop
# shellcheck disable=SC2154 # the sourcing script sets $dir
export PATH=$PATH:/usr/sbin
kdc_pid='' kdc_port=''

kdc_is_installed() {
    command -v krb5kdc >/dev/null && command -v kadmin.local >/dev/null && command -v kinit >/dev/null
}

kdc_free_port() {
    /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# What a client needs goes beyond what an acceptor needs: that one has no KDC, and no RC4 allowed.
kdc_write_conf() { # realm
    cat >"$dir/client.conf" <<CONF
[libdefaults]
  default_realm = $1
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  udp_preference_limit = 1
  allow_rc4 = true
  permitted_enctypes = aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha1-96 rc4-hmac aes256-cts-hmac-sha384-192
[realms]
  $1 = {
    kdc = 127.0.0.1:$kdc_port
  }
[domain_realm]
  .example.test = $1
CONF
    sed 's/^\[libdefaults\]/&\n  clockskew = 100000/' "$dir/client.conf" >"$dir/lenient.conf"
    printf '[libdefaults]\n  default_realm = %s\n' "$1" >"$dir/acceptor.conf"
    cat >"$dir/kdc.conf" <<CONF
[kdcdefaults]
  kdc_listen = 127.0.0.1:$kdc_port
  kdc_tcp_listen = 127.0.0.1:$kdc_port
[realms]
  $1 = {
    database_module = db
    key_stash_file = $dir/stash
    acl_file = $dir/acl
    supported_enctypes = aes256-cts:normal aes128-cts:normal rc4-hmac:normal
  }
[dbmodules]
  db = {
    db_library = db2
    database_name = $dir/principal
  }
[logging]
  kdc = FILE:$dir/kdc.log
CONF
    export KRB5_CONFIG=$dir/client.conf KRB5_KDC_PROFILE=$dir/kdc.conf
    acceptor_conf=$dir/acceptor.conf
    export acceptor_conf
}

kdc_is_ready() {
    local i
    for ((i = 0; i < 100; i++)); do
        grep -q 'commencing operation' "$dir/kdc.log" 2>/dev/null && return 0
        kill -0 "$kdc_pid" 2>/dev/null || return 1
        sleep 0.05
    done
    return 1
}

# Somebody else may take the port between its choice and its use: then another one.
kdc_start() { # realm
    local try
    kdc_realm=$1
    for ((try = 0; try < 5; try++)); do
        kdc_port=$(kdc_free_port)
        kdc_write_conf "$kdc_realm"
        [ -e "$dir/principal" ] || kdb5_util -r "$kdc_realm" create -s -P master >"$dir/create.log" 2>&1
        rm -f "$dir/kdc.log"
        krb5kdc -r "$kdc_realm" -n -P "$dir/kdc.pid" >"$dir/kdc.out" 2>&1 &
        kdc_pid=$!
        kdc_is_ready && return 0
        kdc_stop
    done
    cat "$dir/create.log" "$dir/kdc.out" "$dir/kdc.log" >&2
    return 1
}

kdc_admin() {
    printf '%s\n' "$@" | kadmin.local -r "$kdc_realm" >"$dir/admin.log" 2>&1 || { cat "$dir/admin.log" >&2; return 1; }
}

kdc_stop() {
    [ -n "$kdc_pid" ] || return 0
    kill "$kdc_pid" 2>/dev/null || true
    wait "$kdc_pid" 2>/dev/null || true
    kdc_pid=''
}
