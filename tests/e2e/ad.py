#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Sign-in with the accounts of a real Active Directory (Samba), by NTLM and Kerberos, inside and outside."""
import base64, contextlib, json, os, re, subprocess, sys, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import directory_ad
from ad_world import NTLM_SETTINGS, SIPE_CLIENT, AdDeployment, AdWorkshop, plain_401, target_info
from demo import POSTERN
from edge_world import Skipped, front_trace, main, signed_in, tests_of, until

SERVICE = "sip/fe.example.test"
NOT_REMOTE = '4003;reason="From URI not enabled for remote access"'
GROUPS = dict(enabled_attribute="", remote_attribute="", enabled_group="CN=SIP Users,CN=Users,DC=ad,DC=example,DC=test",
              remote_group="CN=SIP Remote,CN=Users,DC=ad,DC=example,DC=test")
STATUS = {"signed-in": 200, "user-not-sip-enabled": 404, "user-uri-shared": 403, "remote-access-not-enabled": 403,
          "user-uri-not-theirs": 403}  # whatever comes before the proof of the password is 401


def judge(w, client):
    """Signs in: status, the fault in authd's record, and the answer."""
    before = len(w.d.authd_trace())
    answer = client.sign_in()
    told = w.d.judged(before)
    client.close()
    assert answer, "the connection ended"
    return answer.status, told[-1][0] if told else None, answer, told[-1][1] if told else ""


def expect(w, client, fault, what=""):
    status, told, answer, record = judge(w, client)
    assert told == fault and status == STATUS.get(fault, 401), (what, told, fault, status, answer.headers, record)
    if status == 200:
        assert client.verify(answer, client.sa), what
    return answer, record


def together(count, work, hands=40):
    """work(i) for each i, so many at a time; returns the results."""
    results, left, lock = [], list(range(count)), threading.Lock()

    def hand():
        while True:
            with lock:
                if not left:
                    return
                i = left.pop(0)
            try:
                got = work(i)
            except Exception as e:
                got = e
            with lock:
                results.append(got)
    threads = [threading.Thread(target=hand) for _ in range(hands)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    broken = [r for r in results if isinstance(r, Exception)]
    assert not broken, broken[:3]
    return results


# ---- names in the CHALLENGE ----

def the_challenge_carries_the_names_of_the_joined_machine(w):
    for outside in (False, True):
        c = w.ntlm(outside=outside)
        _, challenge = c.challenge()
        pairs = target_info(challenge)
        assert pairs.get(1) == "FE" and pairs.get(2) == "EXAMPLE" and pairs.get(4) == "ad.example.test", pairs
        c.close()


def a_response_made_for_another_machine_is_refused(w):
    c = w.ntlm("ben")
    opaque, challenge = c.challenge()
    foreign = challenge.replace("FE".encode("utf-16-le") + b"\x04\0", "XX".encode("utf-16-le") + b"\x04\0")
    if foreign == challenge:
        at = challenge.index(b"\x01\0\x04\0" + "FE".encode("utf-16-le"))
        foreign = challenge[:at + 4] + "XX".encode("utf-16-le") + challenge[at + 8:]
    before = len(w.d.authd_trace())
    token, exported = c.authenticate(foreign)
    answer = c.finish(opaque, token, exported)
    assert answer.status == 401, answer.start
    assert w.d.judged(before)[-1][0] == "ntlm-target-info", w.d.judged(before)
    c.close()


# ---- accounts ----

def every_state_of_an_account_has_its_fault_and_the_client_sees_one_answer(w):
    for outside in (False, True):
        heads = {}
        for p in w.lab.people.values():
            fault = p["outside" if outside else "inside"]
            answer, record = expect(w, w.ntlm(p["name"], outside, workstation="FE"), fault, p["name"])
            assert p["uri"].lower() in record.lower(), (p["name"], record)
            if answer.status == 401:
                heads[fault] = plain_401(answer)
            if fault == "remote-access-not-enabled":
                assert answer.get("ms-diagnostics-public") == NOT_REMOTE, answer.headers
        for name, how in {"wrong password": dict(password="wrong"), "nobody": dict(login="EXAMPLE\\nobody"),
                          "another's address": dict(uri="sip:ben@example.test", password="wrong")}.items():
            status, told, answer, _ = judge(w, w.ntlm("ada", outside, **how))
            assert told == ("user-unknown" if name == "nobody" else "user-wrong-password"), (name, told)
            heads[name] = plain_401(answer)
        assert len(heads) >= 12, heads.keys()
        for what, head in heads.items():
            assert head == heads["wrong password"], "%s can be told:\n%s\nfrom\n%s" % (what, head, heads["wrong password"])
    for name in ("ada",):
        expect(w, w.ntlm(name), "signed-in")  # which forgets its wrong passwords


def the_password_is_looked_at_before_the_state_of_the_account_is_told(w):
    for name in ("disabled", "expired", "nohours", "mustchange", "pwexpired"):
        expect(w, w.ntlm(name, password="wrong"), "user-wrong-password", name)
    expect(w, w.ntlm("locked", password="wrong"), "user-locked")


def names_are_taken_in_all_forms_that_windows_takes(w):
    for login in ("EXAMPLE\\ada", "example\\ada", "ad.example.test\\ada", "AD.EXAMPLE.TEST\\Ada", "ada", "ADA", "ada@ad.example.test",
                  "ada@EXAMPLE", "ada@example.test", "EXAMPLE\\ada@ad.example.test"):
        expect(w, w.ntlm("ada", login=login), "signed-in", login)
    expect(w, w.ntlm("upnuser", login="EXAMPLE\\another.name@example.test"), "signed-in")
    expect(w, w.ntlm("upnuser", login="EXAMPLE\\upnuser"), "signed-in")
    expect(w, w.ntlm("upnother", login="EXAMPLE\\upnother"), "signed-in")
    for login, faults in (("NOWHERE\\ada", ("user-domain-unknown",)), ("ada@nowhere.test", ("user-unknown", "user-domain-unknown")),
                          ("FE\\ada", ("user-unknown", "user-domain-unknown"))):
        status, told, answer, record = judge(w, w.ntlm("ada", login=login))
        assert status == 401 and told in faults, (login, told, record)
    too_long = "l" * 243 + "@example.test"
    status, told, answer, record = judge(w, w.ntlm("ada", login=too_long))
    assert status in (200, 401), (status, told, record)


def another_users_address_in_from_is_refused(w):
    for c in (w.ntlm("ada", uri="sip:ben@example.test"), w.ntlm("ada", True, uri="sip:ben@example.test"),
              w.kerberos("ada", uri="sip:ben@example.test")):
        answer, _ = expect(w, c, "user-uri-not-theirs")
        assert "4004;" in answer.get("ms-diagnostics-public"), answer.headers


# ---- the story: client, place, policy of the front, policy of the controller ----

def settle(w):
    """Until the controller is found again."""
    until(lambda: judge(w, w.ntlm("dora"))[0] != 503, 40, 0.3)


def story_says(profile, preset, setting):
    """What must come of it outside: (fault, whether the controller was asked)."""
    if profile == "windows-xp" and preset != "windows-2008":
        return "policy-128bit", False
    if setting == "disabled":
        return "ntlm-blocked", True
    if profile == "windows-xp" and setting != "yes":
        return "ntlm-dc-policy", True
    return "signed-in", True


def kind_says(kind, setting):
    if setting == "disabled":
        return "ntlm-blocked"
    return "signed-in" if kind == "v2" or setting == "yes" else "ntlm-dc-policy"


def the_story_comes_out_as_it_does_with_windows(w):
    print("        ntlm auth                  front policy    client       inside, Kerberos   outside, NTLM", flush=True)
    try:
        for setting in NTLM_SETTINGS:
            w.lab.daemons("ntlm", setting)
            settle(w)
            for preset in ("windows-2008r2", "windows-2008", "strict"):
                w.d.policy(preset)
                for profile in ("windows-xp", "windows-7"):
                    inside = w.signin("barksda", profile, "inside", "kerberos")
                    assert inside[-1]["signed_in"] and inside[-1].get("scheme", "Kerberos").lower() == "kerberos", inside
                    before, front = len(w.d.authd_trace()), len(front_trace(w.d))
                    outside = w.signin("barksda", profile, "outside", "ntlm")
                    fault, asked = story_says(profile, preset, setting)
                    told = [f for f, _ in w.d.judged(before)]
                    faults = re.findall(r"Text: Failed to validate user credentials[^$]*fault=([\w-]+)", front_trace(w.d)[front:])
                    print("        %-26s %-15s %-12s %-18s %s" % (setting, preset, profile, "signed-in", fault), flush=True)
                    assert outside[-1]["signed_in"] == (fault == "signed-in"), (setting, preset, profile, outside)
                    assert told[-1:] == ([fault] if asked else []), (setting, preset, profile, told)
                    assert faults == ([] if fault == "signed-in" else [fault]), (setting, preset, profile, faults)
            w.d.policy("windows-2003")
            for kind in ("v1", "ntlm2", "v2"):
                for outside in (False, True):
                    expect(w, w.ntlm("ben", outside, kind=kind), kind_says(kind, setting), (setting, kind, outside))
                expect_clean(w, "ben", setting)
    finally:
        w.lab.daemons("ntlm", "yes")
        w.d.policy("windows-2008r2")
        settle(w)


def expect_clean(w, name, setting):
    """Forgets the wrong passwords that a refusing controller has counted."""
    if setting == "disabled":
        w.lab.set(name, badPwdCount=0) if w.lab.bad_passwords(name) else None
    elif w.lab.bad_passwords(name):
        expect(w, w.ntlm(name), "signed-in", setting)
        assert w.lab.bad_passwords(name) == 0


def a_refusal_by_our_policy_is_no_wrong_password_for_the_controller(w):
    w.lab.daemons("ntlm", "ntlmv2-only")
    try:
        settle(w)
        w.d.policy("windows-2008r2")
        assert w.lab.bad_passwords("emil") == 0
        for _ in range(6):  # one more than locks an account
            status, told, answer, _ = judge(w, w.ntlm("emil", kind="v1"))
            assert status == 401 and told is None, told
        w.d.policy("windows-2008", "lm_compatibility=5")
        for kind in ("v1", "ntlm2") * 3:
            expect(w, w.ntlm("emil", kind=kind), "policy-lm-compatibility")
        assert w.lab.bad_passwords("emil") == 0
        w.d.policy("windows-2008", "lm_compatibility=3")  # laxer than the controller: it counts, and the record says what it may be
        _, record = expect(w, w.ntlm("emil", kind="v1"), "ntlm-dc-policy")
        assert w.lab.bad_passwords("emil") == 1
        expect(w, w.ntlm("emil"), "signed-in")
        assert w.lab.bad_passwords("emil") == 0
    finally:
        w.lab.daemons("ntlm", "yes")
        w.d.policy("windows-2008r2")
        settle(w)


# ---- Kerberos ----

def sessions(w, name):
    rows = json.loads(w.d.ctl("--json", "sessions").stdout)["sessions"]
    return [r for r in rows if r["uri"].lower() == w.lab.people[name]["uri"].lower()]


def kerberos_is_offered_inside_only(w):
    c = w.kerberos()
    offer = c.offer()
    assert offer["targetname"] == "sip/fe.example.test" and offer["version"] == "4", offer
    c.close()
    c = w.ntlm(outside=True)
    first = c.ask(c.lines())
    assert [v for v in first.all("WWW-Authenticate") if v.startswith("NTLM ")], first.headers
    assert not [v for v in first.all("WWW-Authenticate") if v.startswith("Kerberos ")], first.headers
    c.close()


def a_ticket_signs_in_refreshes_and_leaves(w):
    before = len(w.d.authd_trace())
    c = signed_in(w.kerberos("ada"))
    assert w.d.judged(before)[-1][0] == "signed-in"
    assert [r["scheme"] for r in sessions(w, "ada") if "scheme" in r and r["epid"] == c.epid] in ([], ["Kerberos"])
    for _ in range(3):
        again = c.refresh()
        assert again.status == 200 and c.verify(again) and 'register-action="refreshed"' in again.get("presence-state"), again.headers
    bye = c.refresh(extra=["Expires: 0"])
    assert bye.status == 200 and c.verify(bye), bye.headers
    assert not [r for r in sessions(w, "ada") if r["epid"] == c.epid]
    c.close()


def older_versions_of_the_signature_are_taken_if_the_policy_takes_them(w):
    w.d.policy("windows-2008r2", "min_sipae_version=2")
    try:
        for version in (2, 3, 4):
            c = signed_in(w.kerberos("ben", version=version))
            again = c.refresh()
            assert again.status == 200 and c.verify(again), (version, again.start)
            c.close()
    finally:
        w.d.policy("windows-2008r2")
    c = w.kerberos("ben", version=3)
    answer = c.sign_in()
    assert answer.status == 401 and "policy-sipae-version" in w.d.faults(c), (answer.start, w.d.faults(c))
    c.close()


def what_else_an_initiator_asks_for_does_not_matter(w):
    for want in (("replay",), ("sequence",), ("replay", "sequence")):
        c = signed_in(w.kerberos("ada", want=want))
        first, second = c.signed(c.lines()), c.signed(c.lines())
        for lines in (second, first):  # in another order than they were signed in
            answer = c.ask(lines)
            assert answer.status == 200 and c.verify(answer), want
        c.close()


def rc4_tickets_sign_too(w):
    c = signed_in(w.kerberos("barksda", env=w.lab.tickets("barksda", rc4=True)))
    assert len(c.tool.mac(b"text")) == 37, "no RC4 session key: the test tests nothing"
    again = c.refresh()
    assert again.status == 200 and c.verify(again)
    c.close()


def every_name_signs_in_with_a_ticket_too(w):
    for name in ("jürgen", "ωμέγα", "upnuser", "upnother", "otheruri", "abcdefghijklmnopqrst", "grace", "protected"):
        signed_in(w.kerberos(name)).close()
    for name, fault in (("linus", "user-not-sip-enabled"), ("nosip", "user-not-sip-enabled"), ("twin1", "user-uri-shared")):
        expect(w, w.kerberos(name), fault, name)


def a_ticket_of_somebody_disabled_since_is_refused(w):
    env = w.lab.tickets("dora")
    signed_in(w.kerberos("dora", env=env)).close()
    w.lab.set("dora", userAccountControl=514)
    try:
        until(lambda: judge(w, w.kerberos("dora", env=env))[1] == "user-disabled", 15, 0.5)
    finally:
        w.lab.set("dora", userAccountControl=512 | 0x10000)
    until(lambda: judge(w, w.kerberos("dora", env=env))[0] == 200, 15, 0.5)


def a_signature_over_the_request_with_the_ticket_is_demanded(w):
    for how in ("altered", "missing"):
        c = w.kerberos("ada")
        c.offer()
        token = c.token()
        plain = c.sign
        c.sign = lambda lines, **kw: plain([l.replace("CSeq: ", "CSeq: 1") for l in lines], **kw) if how == "altered" else 'crand="0"'
        answer = c.present(token)
        assert answer.status == 401, (how, answer.start)
        c.close()


def a_token_is_taken_once(w):
    c = w.kerberos("ada")
    c.offer()
    token = c.token()
    assert c.present(token).status == 200
    d = w.kerberos("ada")
    d.offer()
    d.tool = c.tool
    before = len(w.d.authd_trace())
    answer = d.present(token)
    assert answer.status == 401, answer.start
    assert w.d.judged(before)[-1][0] == "kerberos-replay", w.d.judged(before)
    d.tool = None
    d.close()
    c.close()


def tokens_that_are_none_are_refused_alike(w):
    heads = {}
    ntlm = w.ntlm()
    opaque, challenge = ntlm.challenge()
    spnego = bytes.fromhex("602806062b0601050502")
    for what, token in (("random", os.urandom(300)), ("empty", b""), ("ntlm", ntlm.authenticate(challenge)[0]), ("spnego", spnego + os.urandom(32))):
        c = w.kerberos("ada")
        c.offer()
        c.token()
        answer = c.present(token)
        assert answer.status == 401, (what, answer.start)
        if what != "empty":
            heads[what] = plain_401(answer)
            assert "kerberos-token" in w.d.faults(c) or "kerberos-token" in w.d.authd_trace()[-3000:], what
        c.close()
    ntlm.close()
    c = w.kerberos("ada")  # a ticket for another service
    c.offer()
    target, c.target = c.target, "ldap/dc1.ad.example.test"
    token = c.token()
    c.target = target
    before = len(w.d.authd_trace())
    heads["other service"] = plain_401(c.present(token))
    assert w.d.judged(before)[-1][0] in ("kerberos-no-key", "kerberos-wrong-key"), w.d.judged(before)
    c.close()
    assert len(set(heads.values())) == 1, heads


def a_ticket_does_not_come_in_through_the_edge(w):
    c = w.kerberos("ada")
    c.offer()
    token = c.token()
    out = w.ntlm("ada", True)
    out.ask(out.lines())
    lines = out.lines()
    answer = out.ask(lines + ['Authorization: Kerberos qop="auth", realm="%s", targetname="%s", gssapi-data="%s", version=4, crand="00000001", '
                              'cnum="1", response="00"' % (c.realm, c.target, base64.b64encode(token).decode())])
    assert answer.status == 401 and not answer.get("Authentication-Info"), answer.headers
    for x in (c, out):
        x.close()


# ---- other ways to ask, and other attributes ----

@contextlib.contextmanager
def variant(w, **directory):
    """A second deployment beside the first."""
    w.variants = getattr(w, "variants", 0) + 1
    d = AdDeployment(w.lab, w.root, w.authority, "variant%d" % w.variants, sections={"directory": directory, "edge": dict(links=1)})
    first, w.d = w.d, d
    try:
        d.start()
        until(w.names, 20)
        yield d
    finally:
        d.__exit__()
        w.d = first


def simply(w, **keys):
    return dict(dict(ad_bind="simple", ad_user="EXAMPLE\\ldapread", ad_password_file=w.lab.dir + "/ldapread.password",
                     ad_ca_file=w.lab.dir + "/tls/ca.crt", ad_keytab=None), **keys)


def ldap_is_asked_in_every_way_that_a_controller_allows(w):
    dc = "dc1.ad.example.test"
    for how in (dict(ad_servers=None),                                                   # found in DNS
                dict(ad_servers="ldap://127.0.0.99, ldap://" + dc),                     # the first is not there
                dict(ad_user=SERVICE, ad_keytab=w.lab.dir + "/sip.keytab"),              # one account with one key, as of ktpass
                simply(w, ad_servers="ldaps://" + dc), simply(w, ad_servers="ldap://" + dc),  # the latter with StartTLS
                simply(w, ad_servers="ldaps://" + dc, ad_user="CN=ldapread,CN=Users,DC=ad,DC=example,DC=test")):
        with variant(w, **how):
            for c in (w.ntlm("ada"), w.ntlm("jürgen", True), w.kerberos("ben")):
                signed_in(c).close()
            expect(w, w.ntlm("linus"), "user-not-sip-enabled", how)


def what_ldap_lacks_is_told(w):
    with open(w.lab.dir + "/wrong.password", "w") as f:
        f.write("not this")
    os.chmod(w.lab.dir + "/wrong.password", 0o600)
    dc = "ldaps://dc1.ad.example.test"
    for how, said in ((simply(w, ad_servers=dc, ad_password_file=w.lab.dir + "/wrong.password"), "nvalid credentials"),
                      (simply(w, ad_servers=dc, ad_ca_file=w.authority.file), "dc1.ad.example.test"),
                      (dict(ad_keytab=w.lab.dir + "/sip.keytab"), "ldapread")):
        with variant(w, **how) as d:
            c = w.ntlm("ada")
            answer = c.sign_in()
            assert answer.status == 503 and answer.get("ms-diagnostics").startswith("1007;"), (how, answer.start)
            assert "directory-ldap" in d.faults(c) and said in d.authd_trace(), (how, d.faults(c), d.authd_trace()[-2000:])
            c.close()


def addresses_may_stand_in_other_attributes_and_groups_say_who_may(w):
    for attribute in ("mail", "proxyAddresses", "userPrincipalName"):
        with variant(w, address_attribute=attribute, **GROUPS):
            for c in (w.ntlm("ada"), w.ntlm("ada", True), w.kerberos("grace")):
                signed_in(c).close()
            expect(w, w.ntlm("grace", True), "remote-access-not-enabled", attribute)
            expect(w, w.ntlm("ben"), "user-not-sip-enabled", attribute)
            expect(w, w.ntlm("disabled"), "user-disabled", attribute)
    with variant(w, address_attribute="mail", enabled_attribute=""):  # whoever has an address
        expect(w, w.ntlm("linus"), "signed-in")
        expect(w, w.ntlm("twin1"), "user-uri-shared")
        expect(w, w.ntlm("nosip"), "user-not-sip-enabled")


def directory_test_foretells_every_sign_in(w):
    """Without a password and without asking the controller for a verdict; what depends on the client's computer it cannot know."""
    other = {"wksonly": "signed-in", "smartcard": "user-smart-card"}
    people = list(w.lab.people.values())

    def foretell(i):
        p = people[i]
        done = w.lab.run("fe", POSTERN, "directory", "test", "EXAMPLE\\" + p["name"], "-c", w.config, "--json", check=False)
        assert done.stdout, (p["name"], done.returncode, done.stderr)
        said = json.loads(done.stdout)
        for where in ("inside", "outside"):
            expected = other.get(p["name"], p[where])
            assert (said[where]["ntlm"]["fault"] or "signed-in") == expected, (p["name"], where, said[where], expected)
        assert done.returncode == (0 if said["inside"]["possible"] and said["outside"]["possible"] else 1), (p["name"], done.returncode)
    together(len(people), foretell, hands=4)
    done = w.lab.run("fe", POSTERN, "directory", "test", "sip:twins@example.test", "-c", w.config, check=False)
    assert done.returncode == 1 and "CN=twin1," in done.stdout and "CN=twin2," in done.stdout, done.stdout


# ---- while signed in ----

def thrown_out(c, seconds=45):
    """Refreshes until the server throws the endpoint out; the NOTIFY."""
    end = time.monotonic() + seconds
    c.socket.settimeout(1.0)
    try:
        while time.monotonic() < end:
            c.send(c.signed(c.lines()))
            for _ in range(2):
                try:
                    m = c.receive()
                except TimeoutError:
                    break
                assert m, "the connection ended"
                if m.start.startswith("NOTIFY"):
                    return m
    finally:
        c.socket.settimeout(10)
    raise AssertionError("nobody was thrown out")


def is_thrown_out(w, clients, diagnostics):
    for c in clients:
        m = thrown_out(c)
        assert m.get("Event") == "registration-notify" and b"deregistered;event=rejected" in m.body, (m.headers, m.body)
        assert re.match(diagnostics, m.get("ms-diagnostics-public")) and c.verify(m), m.headers
        assert c.refresh().status == 401
        c.close()


def who_is_disabled_while_signed_in_is_thrown_out(w):
    clients = [signed_in(w.ntlm("dora")), signed_in(w.ntlm("dora", True)), signed_in(w.kerberos("dora"))]
    w.lab.set("dora", userAccountControl=514)
    try:
        is_thrown_out(w, clients, "4141;")
        expect(w, w.ntlm("dora"), "user-disabled")
    finally:
        w.lab.set("dora", userAccountControl=512 | 0x10000)


def who_is_no_longer_enabled_for_sip_is_thrown_out(w):
    clients = [signed_in(w.ntlm("dora")), signed_in(w.ntlm("dora", True))]
    w.lab.set("dora", msRTCSIP_UserEnabled="FALSE")
    try:
        is_thrown_out(w, clients, "4141;")
    finally:
        w.lab.set("dora", msRTCSIP_UserEnabled="TRUE")


def who_loses_remote_access_is_thrown_out_outside_only(w):
    within, out = signed_in(w.kerberos("emil")), signed_in(w.ntlm("emil", True))
    w.lab.set("emil", msRTCSIP_InternetAccessEnabled="FALSE")
    try:
        is_thrown_out(w, [out], "4003;|4141;")
        again = w.ntlm("emil", True)
        answer = again.sign_in()
        assert answer.status == 403 and answer.get("ms-diagnostics-public") == NOT_REMOTE, (answer.start, answer.headers)
        again.close()
        for _ in range(3):
            assert within.refresh().status == 200
            time.sleep(1.1)
        within.close()
    finally:
        w.lab.set("emil", msRTCSIP_InternetAccessEnabled="TRUE")


def newcomer(w, name):
    w.lab.run("dc", "samba-tool", "user", "create", name, "Passw0rd.1")
    person = dict(name=name, login="EXAMPLE\\" + name, password="Passw0rd.1", uri="sip:%s@example.test" % name)
    w.lab.set(name, msRTCSIP_PrimaryUserAddress=person["uri"], msRTCSIP_UserEnabled="TRUE", msRTCSIP_InternetAccessEnabled="TRUE")
    return [signed_in(w.ntlm(person=person)), signed_in(w.ntlm(person=person, outside=True))]


def whose_address_changes_is_thrown_out(w):
    clients = newcomer(w, "moved")
    w.lab.set("moved", msRTCSIP_PrimaryUserAddress="sip:elsewhere@example.test")
    is_thrown_out(w, clients, "4141;")


def who_is_deleted_is_thrown_out_when_the_account_is_looked_up_again(w):
    """A deletion cannot be seen by an account without rights; that there is nobody can."""
    with variant(w, ad_cache_time="3s"):
        clients = newcomer(w, "gone")
        w.lab.run("dc", "samba-tool", "user", "delete", "gone")
        is_thrown_out(w, clients, "4141;")


def who_leaves_the_group_is_thrown_out(w):
    """Leaving a group changes the group's entry and not the member's own."""
    group = "dn: CN=%s,CN=Users,DC=ad,DC=example,DC=test\nchangetype: modify\n%s: member\nmember: " + w.lab.dn("ada") + "\n"
    with variant(w, address_attribute="mail", **GROUPS):
        within, out = signed_in(w.ntlm("ada")), signed_in(w.ntlm("ada", True))
        w.lab.ldap("ldapmodify", stdin=group % ("SIP Remote", "delete"))
        try:
            is_thrown_out(w, [out], "4003;|4141;")
            assert within.refresh().status == 200
            w.lab.ldap("ldapmodify", stdin=group % ("SIP Users", "delete"))
            try:
                is_thrown_out(w, [within], "4141;")
                expect(w, w.ntlm("ada"), "user-not-sip-enabled")
            finally:
                w.lab.ldap("ldapmodify", stdin=group % ("SIP Users", "add"))
        finally:
            w.lab.ldap("ldapmodify", stdin=group % ("SIP Remote", "add"))
        until(lambda: judge(w, w.ntlm("ada", True))[0] == 200, 20, 0.5)


# ---- a real client ----

def sipe(w, name, door="inside", scheme="ntlm", stay=1, password=None):
    if not os.path.exists(SIPE_CLIENT):
        raise Skipped("sipe_client was not built: install libpurple-dev and pidgin-sipe")
    person = w.lab.people[name]
    env = w.lab.tickets(name) if scheme == "krb5" else dict(os.environ)
    env["SIPE_PASSWORD"] = password or ("" if scheme == "krb5" else person["password"])
    done = subprocess.run([SIPE_CLIENT, "--uri", person["uri"], "--login", person["login"], "--server", getattr(w.d, door), "--transport",
                           "tls", "--ca", w.d.ca, "--scheme", scheme, "--stay", str(stay), *(["--sso"] if scheme == "krb5" else [])], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, env=env, timeout=90)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def sipe_signs_in_with_ntlm(w):
    for door in ("inside", "outside"):
        code, events = sipe(w, "ada", door)
        assert code == 0 and any(e["event"] == "signed-on" for e in events), (door, events)
    code, events = sipe(w, "disabled")
    error = [e for e in events if e["event"] == "error"]
    assert code == 1 and error and error[0]["reason"] == "authentication-failed", events


def sipe_signs_in_with_a_ticket(w):
    before = len(front_trace(w.d))
    code, events = sipe(w, "ada", scheme="krb5")
    traced = front_trace(w.d)[before:]
    assert code == 0 and any(e["event"] == "signed-on" for e in events), (events, traced[-4000:])
    assert len(re.findall(r"(?m)^Authentication-Info: Kerberos ", traced)) > 3, "it signed in with something else"


HELPERS = ("judge", "expect", "settle", "story_says", "kind_says", "expect_clean", "sessions", "thrown_out", "is_thrown_out", "sipe", "variant", "simply", "together", "newcomer")

if __name__ == "__main__":
    main(tests_of(globals(), HELPERS) + directory_ad.CASES, AdWorkshop)
