# SPDX-License-Identifier: MIT
"""`postern signin` against the demo: exit codes, one JSON object per leg, and causes it can prove."""
import json, os, pty, re, select, signal

import demo as demo_module

LEG_KEYS = {"leg", "status", "reason", "ms_diagnostics", "scheme", "rspauth_ok"}
REALM = "EXAMPLE.COM"


def signin(demo, user="ada", *options, uri=None, password=None, transport="tls", ca=True):
    """Exit code, legs by name, and the last object."""
    who = demo.users[user]
    where = demo.ready["inside" if transport == "tls" else "inside_tcp"]
    words = ["signin", uri or who["uri"], "--login", who["login"], "--password-stdin", "--server", where, "--transport", transport,
             "--json", *(["--ca", demo.ready["ca"]] if ca else []), *options]
    done = demo.run(*words, stdin=(password or who["password"]) + "\n", check=False)
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    legs = {o["leg"]: o for o in objects[:-1]}
    assert all(LEG_KEYS <= set(leg) for leg in legs.values()), objects
    return done.returncode, legs, objects[-1]


def windows_7_signs_in_over_tls_and_tcp(demo):
    for transport, names in (("tls", ["tcp", "tls"]), ("tcp", ["tcp"])):
        code, legs, last = signin(demo, transport=transport)
        assert code == 0 and last["signed_in"] and last["cause"] is None, (legs, last)
        assert list(legs) == names + ["challenge", "negotiate", "authenticate", "leave"], list(legs)
        assert legs["authenticate"]["status"] == 200 and legs["authenticate"]["rspauth_ok"] is True, legs
        assert legs["negotiate"]["scheme"] == "NTLM" and legs["negotiate"]["flags"] == "0x62988255", legs


def windows_xp_is_refused_until_the_policy_is_lowered(demo):
    before = len(demo.trace())
    code, legs, last = signin(demo, "ada", "--profile", "windows-xp")
    assert code == 1 and last == {**last, "signed_in": False, "cause": "sip-refused", "status": 401}, last
    leg = legs["authenticate"]
    assert re.match(r'1000;reason="Final handshake failed";source="[^"]+";HRESULT="0xC3E93EC3\(SIP_E_AUTH_UNAUTHORIZED\)"$',
                    leg["ms_diagnostics"]), leg
    assert leg["flags"] == "0x42008255" and leg["rspauth_ok"] is None, leg
    assert "fault=policy-128bit" in demo.trace()[before:]
    demo.policy("windows-2008")
    try:
        code, legs, last = signin(demo, "ada", "--profile", "windows-xp")
        assert code == 0 and last["signed_in"], (legs, last)
    finally:
        demo.policy("windows-2008r2")


def windows_7_sends_nothing_to_a_server_that_offers_no_128bit(demo):
    demo.policy("ntlm_offer=default -128-bit")
    try:
        before = len(demo.trace())
        code, legs, last = signin(demo)
        assert code == 1 and last["cause"] == "policy-client-128bit", last
        assert list(legs)[-1] == "negotiate" and not legs["negotiate"]["ok"], legs
        assert not re.search(r"Direction: incoming[^$]*?CSeq: 3 REGISTER", demo.trace()[before:])
    finally:
        demo.policy("windows-2008r2")


def a_refusal_after_the_password_is_signed_and_names_its_cause(demo):
    code, legs, last = signin(demo, "ada", uri=demo.users["ben"]["uri"])
    assert code == 1 and last["cause"] == "user-uri-not-theirs" and last["status"] == 403, last
    assert legs["authenticate"]["rspauth_ok"] is True, legs
    code, legs, last = signin(demo, "ines")
    assert code == 1 and last["cause"] == "user-not-sip-enabled" and last["status"] == 404, last


def a_wrong_password_and_a_locked_account_look_the_same(demo):
    strip = lambda leg: {k: v for k, v in leg.items() if k not in ("ms", "flags")}
    _, wrong, _ = signin(demo, "ada", password="not this one")
    code, locked, last = signin(demo, "finn")
    assert code == 1 and last["cause"] == "sip-refused", last
    assert strip(wrong["authenticate"]) == strip(locked["authenticate"]), (wrong, locked)


def an_unknown_ca_is_a_matter_of_tls(demo):
    code, legs, last = signin(demo, ca=False)
    assert code == 1 and last["cause"] in ("tls-certificate", "config-invalid") and list(legs) == ["tcp", "tls"], last


# ---- Kerberos ----

def with_kerberos(demo, user="ada", *options, env=None, password=None, login=None, door="inside", scheme="kerberos", uri=None):
    """Exit code, legs by name, and the last object; tickets come from `env`, or from the password."""
    who = demo.users[user]
    words = ["signin", uri or who["uri"], "--server", demo.ready[door], "--ca", demo.ready["ca"], "--json", "--scheme", scheme, *options]
    if login:
        words += ["--login", login]
    if password:
        words += ["--password-stdin"]
    done = demo.run(*words, stdin=(password or "") + "\n", check=False, env=env or demo.kerberos())
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {o["leg"]: o for o in objects[:-1]}, objects[-1]


def a_ticket_signs_in_inside_with_two_registers(demo):
    before = len(demo.trace())
    code, legs, last = with_kerberos(demo, env=demo.kerberos("ada"))
    assert code == 0 and last["signed_in"] and last["scheme"] == "Kerberos", (legs, last)
    assert list(legs) == ["tcp", "tls", "challenge", "ticket", "authenticate", "leave"], list(legs)
    assert set(legs["challenge"]["offered"].split(", ")) == {"Kerberos", "NTLM"}, legs
    assert all(legs[name]["scheme"] == "Kerberos" for name in ("challenge", "ticket", "authenticate", "leave")), legs
    assert legs["authenticate"]["status"] == 200 and legs["authenticate"]["rspauth_ok"] is True, legs
    assert legs["leave"]["rspauth_ok"] is True, legs
    numbers = re.findall(r"Direction: incoming[^$]*?\r?\nCSeq: *(\d+) REGISTER", demo.trace()[before:])
    assert numbers == ["1", "2", "3"], numbers


def windows_xp_signs_in_with_a_ticket_whatever_the_minimum_is(demo):
    demo.policy("strict")
    try:
        # it knows no AES: signatures of RFC 4757
        for env, signature in ((demo.kerberos("ada", rc4=True), "602306092A864886F71201020201011100FFFFFFFF"),
                               (demo.kerberos("ada"), "040401FFFFFFFFFF")):
            before = len(demo.trace())
            code, legs, last = with_kerberos(demo, "ada", "--profile", "windows-xp", env=env)
            assert code == 0 and legs["leave"]["rspauth_ok"] is True, (legs, last)
            assert 'rspauth="' + signature in demo.trace()[before:]
        code, legs, last = signin(demo, "ada", "--profile", "windows-xp", "--scheme", "ntlm")
        assert code == 1, (legs, last)
    finally:
        demo.policy("windows-2008r2")


def a_password_gets_a_ticket_and_a_wrong_one_is_told_by_the_kdc(demo):
    ada = demo.users["ada"]
    code, legs, last = with_kerberos(demo, password=ada["password"], login="ada@" + REALM)
    assert code == 0 and last["scheme"] == "Kerberos", (legs, last)
    code, legs, last = with_kerberos(demo, password=ada["password"])  # the user of the URI, in the default realm
    assert code == 0 and last["scheme"] == "Kerberos", (legs, last)
    for scheme in ("kerberos", "auto"):
        before = len(demo.trace())
        code, legs, last = with_kerberos(demo, password="not this one", login="ada@" + REALM, scheme=scheme)
        assert code == 1 and last["cause"] == "user-wrong-password" and list(legs)[-1] == "ticket", (legs, last)
        assert "gssapi-data" not in demo.trace()[before:], "the server was troubled with it"
    code, legs, last = with_kerberos(demo, password="any", login="nobody@" + REALM)
    assert code == 1 and last["cause"] == "user-unknown", last


def without_a_ticket_the_user_is_told_to_get_one(demo):
    code, legs, last = with_kerberos(demo)
    assert code == 1 and last["cause"] == "kerberos-no-credentials" and list(legs)[-1] == "ticket", (legs, last)
    done = demo.run("signin", demo.users["ada"]["uri"], "--server", demo.ready["inside"], "--ca", demo.ready["ca"], "--scheme", "kerberos",
                    check=False, env=demo.kerberos())
    assert "What to do: run kinit, or give --password-stdin." in done.stdout, done.stdout


def changed_conf(demo, old, new):
    """An environment with no tickets and a krb5.conf like the demo's but for this."""
    conf = os.path.join(os.path.dirname(demo.config), "elsewhere.conf")
    with open(demo.ready["kerberos"]["krb5_conf"]) as f:
        text, count = re.subn(old, new, f.read())
    assert count == 1, text
    with open(conf, "w") as f:
        f.write(text)
    return {**demo.kerberos(), "KRB5_CONFIG": conf}


def a_kdc_that_is_not_there_is_told(demo):
    env = changed_conf(demo, r"kdc = 127.0.0.1:\d+", "kdc = 127.0.0.1:1")
    code, legs, last = with_kerberos(demo, password="any", login="ada@" + REALM, env=env)
    assert code == 1 and last["cause"] == "kerberos-kdc-unreachable", (legs, last)


def outside_no_kerberos_is_offered(demo):
    code, legs, last = with_kerberos(demo, env=demo.kerberos("ada"), door="outside")
    assert code == 1 and last["cause"] == "sip-no-scheme" and legs["challenge"]["offered"] == "NTLM", (legs, last)
    ada = demo.users["ada"]
    code, legs, last = with_kerberos(demo, password=ada["password"], login="ada@" + demo.domain, door="outside", scheme="auto")
    assert code == 0 and last["scheme"] == "NTLM" and "ticket" not in legs, (legs, last)


def an_automatic_choice_takes_the_ticket_and_else_ntlm(demo):
    ada = demo.users["ada"]
    code, legs, last = with_kerberos(demo, env=demo.kerberos("ada"), scheme="auto")
    assert code == 0 and last["scheme"] == "Kerberos", (legs, last)
    # a name that no realm has may be a userPrincipalName, which only the KDC of the default realm can tell; NTLM knows it
    for fault, env in (("user-unknown", demo.kerberos()), ("kerberos-kdc-unreachable", changed_conf(demo, r"default_realm = .*", ""))):
        code, legs, last = with_kerberos(demo, password=ada["password"], login="ada@" + demo.domain, scheme="auto", env=env)
        assert code == 0 and last["scheme"] == "NTLM", (legs, last)
        assert not legs["ticket"]["ok"] and legs["ticket"]["fault"] == fault, legs
        assert legs["negotiate"]["ok"] and legs["authenticate"]["scheme"] == "NTLM", legs
    # DOMAIN\\user is a name for NTLM: no ticket is looked for
    code, legs, last = with_kerberos(demo, password=ada["password"], login=ada["login"], env=demo.kerberos("ada"), scheme="auto")
    assert code == 0 and last["scheme"] == "NTLM" and "ticket" not in legs, (legs, last)


def the_ticket_of_another_is_a_signed_403(demo):
    code, legs, last = with_kerberos(demo, "ben", env=demo.kerberos("ada"))
    assert code == 1 and last["cause"] == "user-uri-not-theirs" and last["status"] == 403, last
    assert legs["authenticate"]["rspauth_ok"] is True, legs


def a_ticket_does_not_help_an_account_that_may_not_sign_in(demo):
    """The KDC of the demo gives tickets to everybody, as if the account had changed since."""
    for user, cause in (("eve", "user-disabled"), ("gus", "user-expired"), ("ines", "user-not-sip-enabled")):
        before = len(demo.trace())
        code, legs, last = with_kerberos(demo, user, env=demo.kerberos(user))
        assert code == 1 and list(legs)[-1] == "authenticate", (user, legs, last)
        assert "fault=" + cause in demo.trace()[before:], (user, demo.trace()[before:])
    # a lockout by wrong passwords is no matter for who uses none
    code, legs, last = with_kerberos(demo, "finn", env=demo.kerberos("finn"))
    assert code == 0, (legs, last)


def exit_codes_are_those_of_the_contract(demo):
    assert demo.run("signin", "--help").returncode == 0
    assert "windows-xp-128" in demo.run("signin", "--profile", "list").stdout
    assert demo.run("signin", check=False).returncode == 2
    assert demo.run("signin", "not an address", "--password-stdin", stdin="x\n", check=False).returncode == 2
    assert demo.run("signin", "a@b", "--profile", "windows-95", check=False).returncode == 2
    done = demo.run("signin", "a@b", "--password-stdin", "--server", "127.0.0.1:1", stdin="x\n", check=False)
    assert done.returncode == 3, done
    done = demo.run("signin", "a@nowhere.invalid", "--password-stdin", "--json", stdin="x\n", check=False)
    assert done.returncode == 3 and json.loads(done.stdout.splitlines()[-1])["cause"] == "dns-srv-not-found", done


def the_password_is_asked_for_on_the_terminal_and_not_echoed(demo):
    ada = demo.users["ada"]
    words = [demo_module.POSTERN, "signin", ada["uri"], "--login", ada["login"], "--server", demo.ready["inside"], "--ca",
             demo.ready["ca"]]
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(words[0], words)
    seen, answered = b"", False
    while select.select([fd], [], [], 30)[0]:
        try:
            seen += os.read(fd, 4096)
        except OSError:
            break
        if b"Password: " in seen and not answered:
            answered = True
            os.write(fd, ada["password"].encode() + b"\n")
    else:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    os.close(fd)
    assert os.waitstatus_to_exitcode(status) == 0 and b"Signed in as" in seen, seen
    assert ada["password"].encode() not in seen, seen


if __name__ == "__main__":
    demo_module.main([windows_7_signs_in_over_tls_and_tcp, windows_xp_is_refused_until_the_policy_is_lowered,
                      windows_7_sends_nothing_to_a_server_that_offers_no_128bit,
                      a_refusal_after_the_password_is_signed_and_names_its_cause,
                      a_wrong_password_and_a_locked_account_look_the_same, an_unknown_ca_is_a_matter_of_tls,
                      a_ticket_signs_in_inside_with_two_registers, windows_xp_signs_in_with_a_ticket_whatever_the_minimum_is,
                      a_password_gets_a_ticket_and_a_wrong_one_is_told_by_the_kdc, without_a_ticket_the_user_is_told_to_get_one,
                      a_kdc_that_is_not_there_is_told, outside_no_kerberos_is_offered,
                      an_automatic_choice_takes_the_ticket_and_else_ntlm, the_ticket_of_another_is_a_signed_403,
                      a_ticket_does_not_help_an_account_that_may_not_sign_in,
                      exit_codes_are_those_of_the_contract, the_password_is_asked_for_on_the_terminal_and_not_echoed])
