#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The Edge in front of a real Front End: who gets in, who does not, and what nobody can tell apart."""
import json, os, re, struct, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from demo import Demo
from edge_world import (WEAK, Skipped, edge_trace, forget_failures, fresh_source, front_trace, inside, main, outside, reply, signed_in,
                        tests_of, traces, until)
from sipae import Client

NOT_REMOTE = '4003;reason="From URI not enabled for remote access"'


def sessions(demo, name):
    rows = json.loads(demo.ctl("--json", "sessions").stdout)["sessions"]
    return [r for r in rows if r["uri"] == demo.users[name]["uri"]]


def set_edge(demo, **keys):
    """Edits [edge] of the configuration and reloads."""
    with open(demo.config) as f:
        text = f.read()
    for key, value in keys.items():
        text = re.sub(r"(?m)^%s = .*$" % key, "%s = %s" % (key, value), text)
    with open(demo.config, "w") as f:
        f.write(text)
    demo.ctl("reload")


def refused(client):
    """A failed sign-in: unsigned 401 with 1000, and nothing more."""
    answer = client.sign_in()
    assert answer.status == 401 and answer.get("ms-diagnostics").startswith("1000;"), (answer.start, answer.headers)
    assert not answer.get("Authentication-Info"), answer.headers
    return answer


# ---- sign-in ----

def a_remote_user_signs_in_refreshes_and_leaves(demo):
    c = outside(demo)
    answer = c.sign_in()
    assert answer.status == 200 and c.verify(answer), answer.headers
    assert answer.all("ms-user-logon-data") == ["RemoteUser"], answer.headers
    assert answer.get("Expires") == "7200" and 'register-action="added"' in answer.get("presence-state")
    assert len(answer.all("Contact")) == 1 and "gruu=" in answer.get("Contact"), answer.headers
    assert answer.all("ms-keep-alive") == ["UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300"], answer.headers
    assert len(answer.all("Via")) == 1 and not answer.get("ms-edge-proxy-message-trust"), answer.headers
    assert [r["where"] for r in sessions(demo, "ada")] == ["outside"]
    again = c.refresh()
    assert again.status == 200 and c.verify(again) and 'register-action="refreshed"' in again.get("presence-state")
    assert again.get("ms-user-logon-data") == "RemoteUser"
    bye = c.refresh(extra=["Expires: 0"])
    assert bye.status == 200 and c.verify(bye) and bye.get("Expires") == "0" and not bye.all("Contact"), bye.headers
    assert not sessions(demo, "ada")
    c.close()


def kerberos_is_not_offered_outside(demo):
    c = outside(demo)
    first = c.ask(c.lines())
    offers = first.all("WWW-Authenticate")
    assert first.status == 401 and first.get("Date") and not first.get("ms-diagnostics"), first.headers
    assert offers and all(v.startswith("NTLM ") for v in offers), offers
    c.close()


def the_keep_alive_is_the_edges_business(demo):
    c = signed_in(outside(demo))
    before = len(traces(demo))
    c.send_raw("\r\n\r\n" * 3)
    quiet = c.ask(c.signed([l for l in c.lines() if not l.startswith("ms-keep-alive")]))
    assert quiet.status == 200 and not quiet.get("ms-keep-alive"), quiet.headers
    assert c.refresh().get("ms-keep-alive").endswith("timeout=300")
    seen = [r for r in front_trace(demo).split("$$end_record") if c.call_id in r and "ms-keep-alive" in r]
    assert not seen and len(traces(demo)) > before, seen
    c.close()


def everything_after_sign_in_is_answered_and_signed(demo):
    c = signed_in(outside(demo))
    expected = {("SUBSCRIBE", "vnd-microsoft-roaming-contacts"): 200, ("SERVICE", ""): 501, ("OPTIONS", ""): 200, ("MESSAGE", ""): 404}
    for (method, event), status in expected.items():
        target = "sip:ben@example.com" if method == "MESSAGE" else c.uri
        answer = c.ask(c.signed(c.lines(method, target=target, event=event)))
        assert answer.status == status and c.verify(answer), (method, event, answer.start)
    assert c.ask(c.lines("OPTIONS", target=c.uri, event="")).status == 401
    assert c.refresh().status == 200
    c.close()


def negotiate_is_declined_by_the_edge(demo):
    c = outside(demo)
    answer = c.ask(["NEGOTIATE sip:127.0.0.1:5061 SIP/2.0", "Via: SIP/2.0/TLS 127.0.0.1:2616", "CSeq: 1 NEGOTIATE", "Call-ID: n1",
                    "From: <%s>;tag=1" % c.uri, "To: <%s>" % c.uri, "Compression: LZ77-8K", "Max-Forwards: 0"])
    assert answer.status == 488 and not answer.get("Compression") and not answer.get("WWW-Authenticate"), answer.headers
    assert signed_in(c).refresh().status == 200
    c.close()


# ---- the matrix: Edge switch, user flag, where from ----

def the_switch_refuses_everybody_outside_and_nobody_inside(demo):
    stays = signed_in(outside(demo))
    set_edge(demo, remote_access="no")
    try:
        for name in ("ada", "cleo"):
            c = outside(demo, name)
            answer = c.ask(c.lines())
            assert answer.status == 403 and not answer.all("WWW-Authenticate"), (answer.start, answer.headers)
            assert answer.get("ms-diagnostics-public").startswith("1012;"), answer.headers
            c.close()
            signed_in(inside(demo, name)).close()
        assert stays.refresh().status == 403
        assert "fault=remote-access-off" in edge_trace(demo)
    finally:
        set_edge(demo, remote_access="yes")
    assert stays.refresh().status == 200
    signed_in(outside(demo)).close()
    stays.close()


def the_flag_is_ignored_inside(demo):
    for name in ("cleo", "dirk", "ada"):
        c = inside(demo, name)
        answer = c.sign_in()
        assert answer.status == 200 and not answer.get("ms-user-logon-data"), (name, answer.headers)
        assert "inside" in [r["where"] for r in sessions(demo, name)]
        c.close()


def a_weak_client_outside_is_refused_by_policy(demo):
    answer = refused(outside(demo, flags=WEAK))
    assert answer.get("ms-diagnostics") == ('1000;reason="Final handshake failed";source="fe01.example.com";'
                                            'HRESULT="0xC3E93EC3(SIP_E_AUTH_UNAUTHORIZED)"'), answer.headers
    record = front_trace(demo).split("LogType: security")[-1]
    assert "Result-Code: 0x80090302" in record and "fault=policy-128bit" in record, record[:800]
    refused(inside(demo, flags=WEAK))


def a_user_without_remote_access_is_told_so_once_the_password_is_proved(demo):
    for name in ("cleo", "dirk"):
        c = outside(demo, name)
        answer = c.sign_in()
        assert answer.status == 403 and c.verify(answer, c.half), (answer.start, answer.headers)
        assert answer.get("ms-diagnostics-public") == NOT_REMOTE, answer.headers
        assert not [r for r in sessions(demo, name) if r["where"] == "outside"]
        assert c.refresh().status in (401, 403)
        c.close()
    refused(outside(demo, "cleo", password="not this one"))
    assert "fault=remote-access-not-enabled" in front_trace(demo)


def somebody_elses_address_is_a_signed_403(demo):
    c = outside(demo, uri="sip:ben@example.com")
    answer = c.sign_in()
    assert answer.status == 403 and "4004;" in answer.get("ms-diagnostics-public"), (answer.start, answer.headers)
    assert c.verify(answer, c.half)
    c.close()


def an_account_without_sip_is_a_signed_404(demo):
    c = outside(demo, "ines")
    answer = c.sign_in()
    assert answer.status == 404 and "4005;" in answer.get("ms-diagnostics"), (answer.start, answer.headers)
    assert c.verify(answer, c.half)
    c.close()


def another_domain_is_nobodys_business_here(demo):
    c = outside(demo, uri="sip:ada@elsewhere.example.net")
    answer = c.ask(c.lines())
    assert answer.status in (403, 404) and not answer.all("WWW-Authenticate"), (answer.start, answer.headers)
    c.close()


# ---- associations and their doors ----

def an_association_is_good_only_at_its_own_door(demo):
    within, without, other = signed_in(inside(demo)), signed_in(outside(demo)), signed_in(outside(demo))
    for owner, stranger in ((within, without), (without, within), (without, other), (other, without)):
        owner.cnum += 1
        lines = owner.signed(owner.lines(), cnum=owner.cnum)
        answer = stranger.ask(lines)
        assert answer.status == 401 and not answer.get("Authentication-Info"), (answer.start, answer.headers)
        # not even by somebody who knows its keys and writes the request anew
        answer = stranger.ask(stranger.signed(stranger.lines(), sa=owner.sa, cnum=owner.cnum + 50))
        assert answer.status == 401, answer.start
    for c in (within, without, other):
        assert c.refresh().status == 200
        c.close()


def a_challenge_is_good_only_on_its_own_connection(demo):
    a, b = outside(demo), outside(demo)
    opaque, challenge = a.challenge()
    b.challenge()
    token, exported = a.authenticate(challenge)
    answer = b.finish(opaque, token, exported)
    assert answer.status == 401 and answer.get("ms-diagnostics").startswith("1000;"), answer.headers
    assert a.finish(opaque, token, exported).status == 200
    a.close()
    b.close()


def replayed_numbers_and_wrong_signatures_are_challenged(demo):
    c = signed_in(outside(demo))
    assert c.refresh().status == 200
    assert c.ask(c.signed(c.lines(), cnum=c.cnum)).status == 401
    lines = c.signed(c.lines())
    lines[-1] = re.sub(r'(response=".{10})(..)', lambda m: "%s%02x" % (m.group(1), int(m.group(2), 16) ^ 1), lines[-1])
    assert c.ask(lines).status == 401
    assert c.refresh().status == 200
    c.close()


# ---- thrown out ----

def next_notify(c, seconds=45):
    """Refreshes until the server throws the endpoint out."""
    end = time.monotonic() + seconds
    c.socket.settimeout(1.2)
    try:
        while time.monotonic() < end:
            c.send(c.signed(c.lines()))
            for _ in range(3):
                try:
                    m = c.receive()
                except TimeoutError:
                    break
                assert m, "the connection ended"
                if m.start.startswith("NOTIFY"):
                    return m
                assert m.status in (200, 401), m.start
    finally:
        c.socket.settimeout(10)
    raise AssertionError("nobody was thrown out")


def a_kick_reaches_the_right_connection_signed_and_shows_no_inside(demo):
    c, other, within = signed_in(outside(demo, "ben")), signed_in(outside(demo, "ben")), signed_in(inside(demo, "ben"))
    demo.ctl("kick", "sip:ben@example.com", c.epid)
    m = c.receive()
    assert m.start.startswith("NOTIFY sip:") and c.verify(m), (m.start, m.headers)
    assert m.get("Event") == "registration-notify" and b"deregistered;event=rejected" in m.body or b"unregistered" in m.body, m.body
    assert len(m.all("Via")) == 1 and m.get("Via").startswith("SIP/2.0/TLS sip.example.com:"), m.all("Via")
    for name in ("Record-Route", "Route", "Path", "ms-edge-proxy-message-trust"):
        assert not m.all(name), m.headers
    link = re.search(r"(?m)^edge_listen = 127\.0\.0\.1:(\d+)", open(demo.config).read()).group(1)
    assert (":" + link).encode() not in m.head, m.head
    reply(c, m)
    until(lambda: re.search(r"Direction: incoming[^$]*SIP/2\.0 200 OK[^$]*" + re.escape(m.get("Call-ID")), front_trace(demo)))
    answer = [r for r in front_trace(demo).split("$$end_record") if m.get("Call-ID") in r and "SIP/2.0 200 OK" in r][-1]
    assert "ms-internal-info" not in answer and "sip.example.com:" not in re.sub(r"(?m)^(Peer|From|To).*$", "", answer), answer
    assert other.refresh().status == 200 and within.refresh().status == 200  # and nobody else heard of it
    assert c.refresh().status == 401
    for x in (c, other, within):
        x.close()


def remote_access_taken_away_throws_out_outside_only(demo):
    c, within = signed_in(outside(demo, "ben")), signed_in(inside(demo, "ben"))
    demo.run("user", "set", "ben", "--no-remote-access", "-c", demo.config)
    try:
        m = next_notify(c)
        assert m.get("Event") == "registration-notify" and b"deregistered;event=rejected" in m.body, (m.headers, m.body)
        assert m.get("ms-diagnostics-public") == NOT_REMOTE and c.verify(m), m.headers
        assert c.refresh().status == 401
        again = outside(demo, "ben")
        answer = again.sign_in()
        assert answer.status == 403 and answer.get("ms-diagnostics-public") == NOT_REMOTE, (answer.start, answer.headers)
        again.close()
        for _ in range(3):
            assert within.refresh().status == 200
            time.sleep(1.1)
        assert {r["where"] for r in sessions(demo, "ben") if r["epid"] in (c.epid, within.epid)} == {"inside"}
    finally:
        demo.run("user", "set", "ben", "--remote-access", "-c", demo.config)
    signed_in(outside(demo, "ben")).close()
    c.close()
    within.close()


def a_disabled_user_outside_is_thrown_out_at_the_next_refresh(demo):
    c = signed_in(outside(demo, "ben"))
    demo.run("user", "set", "ben", "--disabled", "-c", demo.config)
    try:
        m = next_notify(c)
        assert "4141" in m.get("ms-diagnostics-public") and c.verify(m), m.headers
        refused(outside(demo, "ben"))
    finally:
        demo.run("user", "set", "ben", "--enabled", "-c", demo.config)
    c.close()


# ---- hiding ----

def other_endpoints_are_not_shown_outside(demo):
    within, first, second = signed_in(inside(demo)), signed_in(outside(demo)), signed_in(outside(demo))
    assert len(sessions(demo, "ada")) >= 3
    for c in (first, second):
        answer = c.refresh()
        assert len(answer.all("Contact")) == 1 and c.epid in answer.get("Contact").lower(), answer.all("Contact")
    shown = " ".join(within.refresh().all("Contact")).lower()
    assert all(x.epid in shown for x in (within, first, second)), shown  # inside they are
    for c in (within, first, second):
        c.close()


# ---- headers nobody outside may send ----

FORGED = ["ms-edge-proxy-message-trust: ms-source-type=InternetUser;ms-ep-fqdn=sip.example.com;ms-source-verified-user=verified",
          "ms-user-logon-data: RemoteUser"]


def an_edges_headers_at_the_inside_doors_count_for_nothing_and_are_traced(demo):
    for address, ca in ((demo.ready["inside_tcp"], None), (demo.ready["inside"], demo.ready["ca"])):
        u = demo.users["cleo"]  # who may not come from outside
        c = Client(address, u["uri"], u["login"], u["password"], ca=ca)
        answer = c.sign_in(extra=FORGED)
        assert answer.status == 200 and not answer.get("ms-user-logon-data"), (answer.start, answer.headers)
        assert [r["where"] for r in sessions(demo, "cleo") if r["epid"] == c.epid] == ["inside"]
        told = [r for r in front_trace(demo).split("$$end_record") if "fault=edge-header-forged" in r and c.call_id in r]
        assert told, "no record of the forgery"
        c.close()


def an_edges_headers_from_outside_do_not_help(demo):
    c = outside(demo, "cleo")
    answer = c.sign_in(extra=FORGED)
    assert answer.status == 403 and answer.get("ms-diagnostics-public") == NOT_REMOTE, (answer.start, answer.headers)
    c.close()


# ---- what nobody can tell apart ----

def failure(demo, name="ada", how=None, status=(401,), **kw):
    """One failed sign-in: its 401's octets with the echo made alike, and how long it took."""
    c = outside(demo, name, **kw)
    opaque, challenge = c.challenge()
    token, exported = c.authenticate(challenge)
    if how == "garbage":
        token = os.urandom(len(token))
    if how == "cut":
        token = token[:80]
    if how == "replay":
        assert c.finish(opaque, token, exported).status in (200, 401)
    began = time.monotonic()
    answer = c.finish(opaque, token, exported)
    took = time.monotonic() - began
    assert answer and answer.status in status, (name, how, answer and answer.start)
    head = answer.head.decode()
    for header in ("Via", "From", "To", "Call-ID", "CSeq"):
        assert len(re.findall(r"(?m)^%s: " % header, head)) == 1, head
        head = re.sub(r"(?m)^%s: .*$" % header, header + ": *", head)
    assert re.search(r";tag=[0-9A-F]{32}$", answer.get("To")), answer.get("To")
    head = re.sub(r"(?m)^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", "Date: *", head)
    c.close()
    return head, took


def every_failure_before_the_password_is_proved_looks_the_same(demo):
    cases = {"wrong password": dict(password="wrong"), "of cleo": dict(name="cleo", password="wrong"),
             "of somebody not SIP enabled": dict(name="ines", password="wrong"),
             "for another's address": dict(uri="sip:ben@example.com", password="wrong"),
             "unknown user": dict(login="EXAMPLE\\nobody"), "unknown domain": dict(login="ELSEWHERE\\nobody"),
             "locked": dict(name="finn"), "disabled": dict(name="eve"), "expired": dict(name="gus"), "must change": dict(name="hana"),
             "policy": dict(flags=WEAK), "garbage": dict(how="garbage"), "cut short": dict(how="cut"), "replayed": dict(how="replay")}
    seen = {}
    for what, how in cases.items():
        forget_failures(demo)
        seen[what], took = failure(demo, **how)
        assert took > 0.240, (what, took)
    reference = seen["wrong password"]
    assert "1000;reason=" in reference and "WWW-Authenticate: NTLM realm=" in reference, reference
    for what, head in seen.items():
        assert head == reference, "%s can be told:\n%s\nfrom\n%s" % (what, head, reference)
    traced = traces(demo)
    for cause in ("user-wrong-password", "user-unknown", "user-locked", "user-disabled", "user-expired", "user-must-change", "policy-128bit",
                  "ntlm-replay"):
        assert "fault=" + cause in traced, cause


def has_budgets(demo):
    if "directory_lookups" not in demo_status(demo, "authd"):
        raise Skipped("authd keeps no budgets of accounts")


def demo_status(demo, role):
    return next(r for r in map(json.loads, demo.ctl("--json", "status").stdout.splitlines()) if r["role"] == role)


def a_spent_budget_looks_the_same_whether_the_account_exists_or_not(demo):
    has_budgets(demo)
    cases = {"a user": dict(name="ben"), "nobody": dict(login="EXAMPLE\\nobody"), "disabled": dict(name="eve"),
             "no remote access": dict(name="cleo"), "not SIP enabled": dict(name="ines")}
    seen = {}
    for what, how in cases.items():
        forget_failures(demo)
        heads = [failure(demo, **dict(how, password="wrong"), status=(401, 403)) for _ in range(6)]
        assert all(took > 0.240 for _, took in heads), heads
        heads.append(failure(demo, **how, status=(401, 403)))  # not even the right password
        seen[what] = [head for head, _ in heads]
    for what, heads in seen.items():
        assert heads == seen["a user"], (what, heads)
    assert len(set(seen["a user"])) == 2 and "1020;" in seen["a user"][-1], seen


def a_locked_account_cannot_be_told_by_its_budget(demo):
    has_budgets(demo)
    seen = {}
    for what, how in {"a user": dict(name="ben"), "locked": dict(name="finn")}.items():
        forget_failures(demo)
        seen[what] = [failure(demo, **how, password="wrong", status=(401, 403))[0] for _ in range(6)]
    assert seen["locked"] == seen["a user"], [h.split("\r\n")[0] for h in seen["locked"]]


# ---- structural checks at the Edge ----

def asked_of_authd(demo):
    """Questions of sign-ins: now and then the Front End asks anew about users who are signed in."""
    status = demo_status(demo, "authd")
    return status["messages"] - status["lookups"]


def what_cannot_be_an_answer_reaches_nobody_inside(demo):
    good = outside(demo, "ben")
    for damage in (lambda t: t[:60], lambda t: t[:20] + b"\xff\xff\xff\xff" + t[24:], lambda t: os.urandom(300),
                   lambda t: t[:8] + struct.pack("<I", 1) + t[12:],  # a NEGOTIATE
                   lambda t: t[:20] + b"\0\0\0\0" + t[24:],          # no NT response
                   lambda t: t[:60] + b"\xff\xff\xff\xff" + t[64:],  # flags that were not offered
                   lambda t: b"NTLMSSP\0\3"):
        c = outside(demo)
        opaque, challenge = c.challenge()
        token, exported = c.authenticate(challenge)
        before = asked_of_authd(demo)
        answer = c.finish(opaque, damage(token), exported)
        assert answer.status == 401 and answer.get("ms-diagnostics").startswith("1000;"), answer.headers
        assert asked_of_authd(demo) == before, "authd was asked"
        seen = [r for r in front_trace(demo).split("$$end_record") if c.call_id in r and "CSeq: %d REGISTER" % c.cseq in r]
        assert not seen, "the Front End was asked: %s" % seen
        mine = [r for r in edge_trace(demo).split("$$end_record") if c.call_id in r and "LogType: security" in r]
        assert mine and "fault=ntlm-" in mine[-1], mine
        c.close()
    signed_in(good).close()


def a_replayed_answer_reaches_nobody_inside(demo):
    c = outside(demo)
    opaque, challenge = c.challenge()
    token, exported = c.authenticate(challenge)
    assert c.finish(opaque, token, exported).status == 200
    before = asked_of_authd(demo)
    assert c.finish(opaque, token, exported).status == 401
    d = outside(demo)
    d.realm, d.target = c.realm, c.target
    assert d.finish(opaque, token, exported).status == 401
    assert asked_of_authd(demo) == before
    assert "fault=ntlm-replay" in edge_trace(demo)
    c.close()
    d.close()


def an_answer_made_for_another_service_is_recorded(demo):
    c = outside(demo)
    opaque, challenge = c.challenge()
    token, exported = c.authenticate(challenge, service="HTTP/intranet.example.com")
    assert c.finish(opaque, token, exported).status == 200
    record = [r for r in edge_trace(demo).split("$$end_record") if "fault=ntlm-foreign-target" in r and c.call_id in r]
    assert record and "HTTP/intranet.example.com" in record[0] and "TL_WARN" in record[0], record
    c.close()
    d = outside(demo)
    opaque, challenge = d.challenge()
    token, exported = d.authenticate(challenge, service="sip/fe01.example.com")
    assert d.finish(opaque, token, exported).status == 200
    assert not [r for r in edge_trace(demo).split("$$end_record") if "ntlm-foreign-target" in r and d.call_id in r]
    d.close()


# ---- hostile SIP ----

def malformed_requests_get_400_or_the_connection_ends(demo):
    text = "\r\n".join(outside(demo).lines())
    cases = {
        "no call-id": text.replace("Call-ID", "X-Call-ID"), "bad cseq": re.sub(r"CSeq: .*", "CSeq: x REGISTER", text),
        "cseq method": re.sub(r"CSeq: .*", "CSeq: 1 INVITE", text), "negative length": text + "\r\nContent-Length: -5",
        "huge length": text + "\r\nContent-Length: 99999999999999999999", "too large": text + "\r\nContent-Length: 100000000",
        "two lengths": text + "\r\nContent-Length: 0\r\nContent-Length: 7", "no colon": text + "\r\nthis is no header",
        "header flood": text + "\r\nX: y" * 5000, "version": text.replace("SIP/2.0\r\n", "SIP/9.7\r\n", 1), "nul": text + "\r\nX: a\0b",
        "no from": re.sub(r"From: .*\r\n", "", text), "not sip": "GET / HTTP/1.1\r\nHost: x", "no via": re.sub(r"Via: .*\r\n", "", text),
    }
    for name, case in cases.items():
        c = outside(demo)
        c.send_raw(case + "\r\n\r\n")
        answer = c.receive()
        assert answer is None or answer.status in (400, 413, 505, 513), (name, answer.start)
        c.close()
    signed_in(outside(demo)).close()


def one_octet_at_a_time_and_pipelined(demo):
    c = outside(demo)
    for octet in ("\r\n".join(c.lines() + ["Content-Length: 0", "", ""])).encode():
        c.send_raw(bytes([octet]))
    assert c.receive().status == 401
    c.send_raw("".join("\r\n".join(c.lines() + ["Content-Length: 0", "", ""]) for _ in range(15)))
    answers = [c.receive() for _ in range(15)]
    assert [a.get("CSeq") for a in answers] == ["%d REGISTER" % (i + 2) for i in range(15)]
    c.close()


def the_edge_is_locked_down(demo):
    with open("/proc/%d/status" % demo.pid_of("edge")) as f:
        status = dict(l.split(":", 1) for l in f.read().splitlines() if ":" in l)
    assert status["NoNewPrivs"].strip() == "1"
    sandbox = json.loads(demo.ctl("--json", "status").stdout.splitlines()[-1])["sandbox"]
    assert sandbox, "the Edge does not say how it is locked down"


def control_knows_the_edge(demo):
    edge = json.loads(demo.ctl("--json", "status").stdout.splitlines()[-1])
    assert edge["role"] == "edge" and edge["ok"] and edge["links_up"] == edge["links"] > 0, edge
    assert edge["remote_access"] and not edge["hide_names"] and edge["listeners"][0]["address"] == demo.ready["outside"], edge


def a_failed_guess_is_counted_by_the_edge_against_its_source(demo):
    source = fresh_source()
    refused(outside(demo, "ben", password="wrong", source=source))
    listed = demo.ctl("--json", "budget", "list")
    rows = {r["source"]: r["failures"] for line in listed.stdout.splitlines() for r in json.loads(line).get("sources", [])}
    assert rows.get(source) == 1 and rows.get(source.rsplit(".", 1)[0] + ".0/24") == 1, rows
    demo.ctl("budget", "clear", source)
    again = {r["source"] for line in demo.ctl("--json", "budget", "list").stdout.splitlines() for r in json.loads(line).get("sources", [])
             if r["failures"]}
    assert source not in again, again


def postern_signin_comes_in_through_the_edge(demo):
    u = demo.users["ada"]
    done = demo.run("signin", u["uri"], "--login", u["login"], "--password-stdin", "--server", demo.ready["outside"], "--ca",
                    demo.ready["ca"], "--profile", "windows-7", "--json", stdin=u["password"] + "\n")
    assert json.loads(done.stdout.splitlines()[-1])["signed_in"], done.stdout


if __name__ == "__main__":
    main(tests_of(globals(), ("sessions", "set_edge", "refused", "next_notify", "failure", "asked_of_authd", "has_budgets", "demo_status")), Demo)
