# SPDX-License-Identifier: MIT
"""What a real SIPE sees: sign-in over TLS and TCP, refusals, refresh, a lost association, leaving."""
import json, os, re, signal, socket, subprocess, time

import demo as demo_module

SIPE_CLIENT = os.environ["SIPE_CLIENT"]


class Sipe:
    """One run of sipe_client: its events and exit code, and what the trace gained meanwhile."""

    def __init__(self, demo, user, transport="tls", password=None, stay=1, door=None, kerberos=None, rc4=False):
        """`kerberos`: "ticket" of a kinit, or "password"; else NTLM."""
        self.demo, who = demo, demo.users[user]
        where = demo.ready[door or ("inside" if transport == "tls" else "inside_tcp")]
        self.uri, self.before = who["uri"], len(demo.trace())
        how = {None: ["--login", who["login"]], "ticket": ["--scheme", "krb5", "--sso"],
               "password": ["--scheme", "krb5", "--login", "%s@EXAMPLE.COM" % user]}[kerberos]
        tickets = demo.kerberos(user if kerberos == "ticket" else None, rc4) if kerberos else {}
        self.process = subprocess.Popen(
            [SIPE_CLIENT, "--uri", who["uri"], *how, "--server", where, "--transport", transport,
             "--ca", demo.ready["ca"], "--stay", str(stay)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, **tickets, "SIPE_PASSWORD": password or who["password"]})

    def end(self, timeout=60):
        out, _ = self.process.communicate(timeout=timeout)
        self.events = [json.loads(line) for line in out.splitlines()]
        self.code = self.process.returncode
        self.trace = self.demo.trace()[self.before:]
        return self

    def event(self, name):
        return next((e for e in self.events if e["event"] == name), None)

    def signed_on(self):
        assert self.code == 0 and self.event("signed-on") and self.event("signed-off"), (self.code, self.events)
        return self

    def refused(self):
        error = self.event("error")
        assert self.code == 1 and not self.event("signed-on"), (self.code, self.events)
        assert error and error["reason"] == "authentication-failed", self.events
        return self

    def registers(self):
        """CSeq numbers of the client's REGISTERs, as the trace has them."""
        return [int(n) for n in re.findall(r"Direction: incoming[^$]*?\r?\nCSeq: *(\d+) REGISTER", self.trace)]


def run(demo, user, **how):
    return Sipe(demo, user, **how).end()


def sessions(demo):
    return demo.ctl("sessions", "--json").stdout


def signs_in_over_tls_and_leaves(demo):
    sipe = run(demo, "ada").signed_on()
    assert sipe.registers()[:4] == [1, 2, 3, 4], sipe.registers()
    assert sipe.uri not in sessions(demo), sessions(demo)


def signs_in_over_tcp_and_leaves(demo):
    sipe = run(demo, "ben", transport="tcp").signed_on()
    assert sipe.uri not in sessions(demo), sessions(demo)


def signs_in_with_the_ticket_of_kinit(demo):
    for transport in ("tls", "tcp"):
        sipe = run(demo, "ada", kerberos="ticket", transport=transport).signed_on()
        # unsigned, with the ticket, leaving
        assert sipe.registers()[:3] == [1, 2, 3], sipe.registers()
        assert "Authentication-Info: Kerberos " in sipe.trace and "Authorization: NTLM" not in sipe.trace
        assert sipe.uri not in sessions(demo), sessions(demo)


def signs_in_with_a_ticket_of_rc4(demo):
    sipe = run(demo, "ada", kerberos="ticket", rc4=True).signed_on()
    assert 'response="602306092A864886F71201020201011100FFFFFFFF' in sipe.trace


def signs_in_with_a_ticket_it_gets_by_password(demo):
    sipe = run(demo, "cleo", kerberos="password").signed_on()
    assert "Authentication-Info: Kerberos " in sipe.trace


def finds_no_kerberos_outside(demo):
    sipe = run(demo, "ada", kerberos="ticket", door="outside")
    error = sipe.event("error")
    assert sipe.code == 1 and error["reason"] == "authentication-impossible", (sipe.code, sipe.events)
    # it asked once, without credentials, and was offered NTLM alone
    assert sipe.registers() == [1] and "Authorization:" not in sipe.trace, sipe.trace
    assert re.search(r"\n(WWW|Proxy)-Authenticate: NTLM ", sipe.trace) and "Authenticate: Kerberos" not in sipe.trace, sipe.trace
    assert sipe.uri not in sessions(demo), sessions(demo)


def is_thrown_out_by_a_notify_that_kerberos_signed(demo):
    sipe = Sipe(demo, "ben", stay=20, kerberos="ticket")
    for _ in range(200):
        if rows_of(demo, sipe.uri):
            break
        time.sleep(0.1)
    time.sleep(1)  # its subscriptions
    assert demo.ctl("kick", sipe.uri).stdout == "1 endpoint thrown out\n"
    sipe.end()
    # it checked the signature, else it would not have answered
    notify = re.search(r"NOTIFY sip:ben@[^$]*?Call-ID: *(\S+)", sipe.trace)
    answers = [r for r in sipe.trace.split("$$end_record") if "Direction: incoming" in r and notify.group(1) in r]
    assert answers and "SIP/2.0 200 OK" in answers[0], answers


def a_wrong_password_is_an_authentication_failure(demo):
    sipe = run(demo, "ada", password="not this one").refused()
    assert "0x8009030C" in sipe.trace and "fault=user-wrong-password" in sipe.trace


def two_started_in_the_same_second_both_sign_in(demo):
    """Their generator is seeded with the clock: Call-ID, tags and branches are the same."""
    time.sleep(1.05 - time.time() % 1)
    pair = [Sipe(demo, "ada"), Sipe(demo, "ben")]
    for sipe in pair:
        sipe.end().signed_on()
    ids = [set(re.findall(r"From: *<%s>[^$]*?Call-ID: *(\S+)" % re.escape(sipe.uri), pair[0].trace)) for sipe in pair]
    assert ids[0] and ids[0] & ids[1], "not the hard case: %s" % ids


def plays_windows_xp_when_neither_128_nor_56_bit_are_offered(demo):
    demo.policy("ntlm_offer=default -128-bit -56-bit")
    try:
        sipe = run(demo, "ada").refused()
        assert "0x80090302" in sipe.trace and "fault=policy-128bit" in sipe.trace, sipe.trace
        assert "0x42988255" in sipe.trace.lower(), sipe.trace
    finally:
        demo.policy("windows-2008r2")
    run(demo, "ada").signed_on()


def restart_front(demo, text):
    """The front reads lifetimes when it starts: end it, and the supervisor brings another."""
    before = demo.pid_of("front")
    with open(demo.config, "w") as f:
        f.write(text)
    os.kill(before, signal.SIGKILL)
    host, port = demo.ready["inside_tcp"].rsplit(":", 1)
    for _ in range(200):
        time.sleep(0.1)
        if demo.pid_of("front") not in (None, before):
            try:
                return socket.create_connection((host, int(port)), 5).close()
            except OSError:
                pass
    raise AssertionError("the front did not come back")


def refreshes_and_signs_in_anew_when_its_association_is_gone(demo):
    with open(demo.config) as f:
        before = f.read()
    text = re.sub(r"(?m)^(register_expires|sa_life)\b.*\n", "", before)
    restart_front(demo, text.replace("[front]", "[front]\nregister_expires = 60\nsa_life = 60", 1))
    try:
        # it refreshes 30 s before the end; the second or third finds the association expired
        sipe = Sipe(demo, "ada", stay=95).end(timeout=130).signed_on()
    finally:
        restart_front(demo, before)
    assert len(sipe.registers()) >= 3 + 1 + 3, sipe.registers()
    handshakes = len(re.findall(r'Direction: incoming[^$]*?gssapi-data="TlRM', sipe.trace))
    assert handshakes >= 2, (handshakes, sipe.registers())
    assert sipe.uri not in sessions(demo), sessions(demo)


# ---- through the Edge ----

def rows_of(demo, uri):
    return [r for r in json.loads(sessions(demo))["sessions"] if r["uri"] == uri]


def signs_in_from_outside_and_leaves(demo):
    sipe = run(demo, "ada", door="outside").signed_on()
    assert sipe.registers()[:4] == [1, 2, 3, 4], sipe.registers()
    assert "ms-user-logon-data: RemoteUser" in sipe.trace
    assert sipe.uri not in sessions(demo), sessions(demo)


def is_told_outside_why_it_may_not_come_in(demo):
    sipe = run(demo, "cleo", door="outside")
    error = sipe.event("error")
    assert sipe.code == 1 and not sipe.event("signed-on"), (sipe.code, sipe.events)
    assert error and "From URI not enabled for remote access" in error["text"], sipe.events
    run(demo, "cleo").signed_on()


def a_wrong_password_outside_is_an_authentication_failure(demo):
    run(demo, "cleo", password="not this one", door="outside").refused()


def is_thrown_out_outside_by_a_signed_notify(demo):
    sipe = Sipe(demo, "ben", stay=20, door="outside")
    for _ in range(200):
        if rows_of(demo, sipe.uri):
            break
        time.sleep(0.1)
    assert [r["where"] for r in rows_of(demo, sipe.uri)] == ["outside"]
    time.sleep(1)  # its subscriptions
    assert demo.ctl("kick", sipe.uri).stdout == "1 endpoint thrown out\n"
    sipe.end()
    # it checked the signature, else it would not have answered
    notify = re.search(r"NOTIFY sip:ben@[^$]*?Call-ID: *(\S+)", sipe.trace)
    answers = [r for r in sipe.trace.split("$$end_record") if "Direction: incoming" in r and notify.group(1) in r]
    assert answers and "SIP/2.0 200 OK" in answers[0], answers
    assert sipe.event("error") or sipe.event("signed-off"), sipe.events


def refreshes_from_outside(demo):
    with open(demo.config) as f:
        before = f.read()
    text = re.sub(r"(?m)^register_expires\b.*\n", "", before)
    restart_front(demo, text.replace("[front]", "[front]\nregister_expires = 60", 1))
    try:
        for _ in range(100):
            edge = json.loads(demo.ctl("status", "--json").stdout.splitlines()[-1])
            if edge["links_up"] == edge["links"]:
                break
            time.sleep(0.1)
        sipe = Sipe(demo, "ada", stay=40, door="outside").end(timeout=90).signed_on()
    finally:
        restart_front(demo, before)
    # challenge, handshake, sign-in, a refresh after half a minute, and the end
    assert len(sipe.registers()) >= 5, sipe.registers()
    assert 'register-action="refreshed"' in sipe.trace


if __name__ == "__main__":
    demo_module.main([signs_in_over_tls_and_leaves, signs_in_over_tcp_and_leaves, signs_in_with_the_ticket_of_kinit,
                      signs_in_with_a_ticket_of_rc4, signs_in_with_a_ticket_it_gets_by_password, finds_no_kerberos_outside,
                      is_thrown_out_by_a_notify_that_kerberos_signed, a_wrong_password_is_an_authentication_failure,
                      two_started_in_the_same_second_both_sign_in, plays_windows_xp_when_neither_128_nor_56_bit_are_offered,
                      signs_in_from_outside_and_leaves, is_told_outside_why_it_may_not_come_in,
                      a_wrong_password_outside_is_an_authentication_failure, is_thrown_out_outside_by_a_signed_notify,
                      refreshes_from_outside, refreshes_and_signs_in_anew_when_its_association_is_gone])
