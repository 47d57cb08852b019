# SPDX-License-Identifier: MIT
"""`postern signin` against the demo: exit codes, one JSON object per leg, and causes it can prove."""
import json, os, pty, re, select, signal

import demo as demo_module

LEG_KEYS = {"leg", "status", "reason", "ms_diagnostics", "scheme", "rspauth_ok"}


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
                      exit_codes_are_those_of_the_contract, the_password_is_asked_for_on_the_terminal_and_not_echoed])
