# SPDX-License-Identifier: MIT
# bash completion for postern: source this file, or install it as
# /usr/share/bash-completion/completions/postern

_postern_reply() { # WORDS: those that the word under the cursor begins
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "${COMP_WORDS[COMP_CWORD]}")
}

_postern_also() { # WORDS: beside those that are there
    local others=("${COMPREPLY[@]}")
    _postern_reply "$1"
    COMPREPLY=("${others[@]}" "${COMPREPLY[@]}")
}

_postern_files() {
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
}

# What may follow an option that takes a value; false for other words.
_postern_value() { # PREVIOUS-WORD
    case "$1" in
    -c | --config | --ca) _postern_files ;;
    --dir)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -d -- "${COMP_WORDS[COMP_CWORD]}")
        ;;
    --transport) _postern_reply "tls tcp" ;;
    --scheme) _postern_reply "auto ntlm kerberos" ;;
    --profile) _postern_reply "list windows-xp windows-xp-128 windows-vista windows-7 windows-7-no128 sipe" ;;
    --uri) _postern_reply "sip:" ;;
    --expires) _postern_reply "never" ;;
    --format) _postern_reply "csv ldif" ;;
    --address-attribute) _postern_reply "mail proxyAddresses userPrincipalName" ;;
    --server | --login | --timeout | --port-base | --display | --upn) COMPREPLY=() ;;
    *) return 1 ;;
    esac
}

# The words of the command line that are neither options nor their values, the program's name left
# out: the subcommand, then its arguments.
_postern_plain() {
    local i word
    plain=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case "$word" in
        -c | --config | --ca | --dir | --transport | --scheme | --profile | --uri | --expires | \
            --server | --login | --timeout | --port-base | --display | --upn | --format | \
            --address-attribute) i=$((i + 1)) ;;
        -*) ;;
        *) plain+=("$word") ;;
        esac
    done
}

_postern_user() {
    local accounts="--uri --display --upn --remote-access --no-remote-access --sip-enabled --no-sip \
        --enabled --disabled --must-change --no-must-change --expires --password-stdin"
    case "${plain[1]:-}" in
    "") _postern_reply "add set show list remove import --help" ;;
    add) _postern_reply "$accounts -c --config --help" ;;
    set) _postern_reply "$accounts --unlock -c --config --help" ;;
    show | list) _postern_reply "--json -c --config --help" ;;
    import)
        _postern_files
        _postern_also "--dry-run --partial --format --address-attribute --json -c --config --help"
        ;;
    *) _postern_reply "-c --config --help" ;;
    esac
}

_postern_directory() {
    case "${#plain[@]}" in
    1) _postern_reply "test --help" ;;
    *) _postern_reply "sip: --json -c --config --help" ;;
    esac
}

_postern_policy() {
    local presets="windows-2003 windows-2008 windows-2008r2 strict"
    local keys="ntlm_min_server_sec= ntlm_min_client_sec= ntlm_offer= lm_compatibility= min_sipae_version= mode="
    case "${plain[1]:-}" in
    "") _postern_reply "show set matrix --help" ;;
    set)
        _postern_reply "$presets $keys -c --config --help"
        [[ "${COMPREPLY[*]}" != *= ]] || compopt -o nospace
        ;;
    matrix) _postern_reply "--legacy --json -c --config --help" ;;
    *) _postern_reply "--json -c --config --help" ;;
    esac
}

_postern_ctl_trace() {
    case "${#plain[@]}:${plain[2]:-}" in
    2:*) _postern_reply "all SIPStack UserServices Authd secrets --json -c --config --help" ;;
    3:secrets) _postern_reply "on off" ;;
    3:*) _postern_reply "off fatal error warn info verbose noise" ;;
    4:*) _postern_reply "TF_COMPONENT TF_PROTOCOL TF_CONNECTION TF_SECURITY TF_DIAG" ;;
    esac
}

_postern_ctl_budget() {
    case "${#plain[@]}:${plain[2]:-}" in
    2:*) _postern_reply "list clear --json -c --config --help" ;;
    3:clear) _postern_reply "all --json -c --config --help" ;;
    *) _postern_reply "--json -c --config --help" ;;
    esac
}

_postern_ctl() {
    case "${plain[1]:-}" in
    "") _postern_reply "status sessions kick trace budget reload --json -c --config --help" ;;
    trace) _postern_ctl_trace ;;
    budget) _postern_ctl_budget ;;
    kick) _postern_reply "sip: -c --config --help" ;;
    *) _postern_reply "--json -c --config --help" ;;
    esac
}

_postern() {
    local plain
    COMPREPLY=()
    _postern_plain
    ! _postern_value "${COMP_WORDS[COMP_CWORD - 1]}" || return 0
    case "${plain[0]:-}" in
    "") _postern_reply "serve front edge authd demo user directory signin policy ctl --help --version" ;;
    serve) _postern_reply "-c --config --check --explain-config --help" ;;
    front | edge | authd) _postern_reply "-c --config --help" ;;
    demo) _postern_reply "--once --json --no-kerberos --dir --port-base --help" ;;
    user) _postern_user ;;
    directory) _postern_directory ;;
    signin) _postern_reply "--server --transport --login --password-stdin --profile --scheme --ca \
        --no-verify --timeout --json --help sip:" ;;
    policy) _postern_policy ;;
    ctl) _postern_ctl ;;
    esac
}

complete -F _postern postern
