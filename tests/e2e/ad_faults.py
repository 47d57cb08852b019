#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Active Directory breaks in every way that it can: callers are told, the signed-in do not notice, and what comes back is
found again.  Times are printed, not asserted."""
import os, re, signal, sys, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from ad_world import LAB, AdWorkshop
from edge_world import main, signed_in, tests_of, until


SERVICE = "sip/fe.example.test"


class Refreshing:
    """Somebody signed in who goes on refreshing meanwhile; every answer must be a 200."""

    def __init__(self, w, what):
        until(lambda: works(w, w.ntlm("ada")), 90, 0.3)  # whatever the test before has left
        self.client, self.what, self.stop, self.failure = signed_in(w.ntlm("ada")), what, False, None
        self.times = {"before": [], what: []}
        self.phase = "before"
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        try:
            while not self.stop:
                began = time.perf_counter()
                answer = self.client.refresh()
                self.times[self.phase].append(time.perf_counter() - began)
                assert answer.status == 200 and self.client.verify(answer), answer.start
                time.sleep(0.02)
        except Exception as e:
            self.failure = e

    def __enter__(self):
        self.thread.start()
        time.sleep(1)
        self.phase = self.what
        return self

    def __exit__(self, *_):
        self.stop = True
        self.thread.join(15)
        self.client.close()
        assert not self.failure, self.failure
        for phase, times in self.times.items():
            times.sort()
            assert times, phase
            print("        %-22s %4d refreshes, median %.1f ms, 99%% %.1f ms, most %.1f ms" % (
                phase, len(times), 1e3 * times[len(times) // 2], 1e3 * times[len(times) * 99 // 100], 1e3 * times[-1]), flush=True)


def attempt(w, client):
    """Status, the fault that was recorded for it, seconds."""
    began = time.monotonic()
    answer = client.sign_in()
    took = time.monotonic() - began
    faults = w.d.faults(client)
    client.close()
    assert answer, "the connection ended"
    return answer, faults[-1] if faults else None, took


def told_why(w, client, *faults):
    """503 with the reason."""
    client.socket.settimeout(30)
    answer, fault, took = attempt(w, client)
    assert answer.status == 503 and answer.get("ms-diagnostics").startswith("1007;"), (answer.start, answer.headers, fault)
    assert fault in faults, (fault, w.d.authd_trace()[-1500:])
    print("        503 %-22s after %.2f s" % (fault, took), flush=True)
    return answer


def works(w, client):
    answer, _, _ = attempt(w, client)
    return answer.status == 200


def comes_back(w, seconds=60):
    """Until passwords are checked again."""
    began = time.monotonic()
    until(lambda: works(w, w.ntlm("ben")) and works(w, w.ntlm("ben", True)), seconds, 0.2)
    print("        found again after %.1f s" % (time.monotonic() - began), flush=True)


def authd(w):
    return w.d.ask("authd", do="status")


# ---- the controller ----

def a_killed_controller_and_its_return(w):
    signed_in(w.ntlm("ben")).close()
    with Refreshing(w, "controller dead"):
        w.lab.daemons("kill")
        for outside in (False, True):
            told_why(w, w.ntlm("ben", outside), "directory-no-dc", "directory-ldap")
        told_why(w, w.ntlm("wksonly"), "directory-no-dc", "directory-ldap")  # whom nobody has looked up yet
        w.lab.daemons("start")
        comes_back(w)


def a_frozen_controller(w):
    """It takes connections and never answers: winbind alone would wait a minute."""
    signed_in(w.ntlm("ben")).close()
    env = w.lab.tickets("ben", service=SERVICE)
    with Refreshing(w, "controller frozen"):
        w.lab.daemons("stop")
        try:
            for outside in (False, True):
                told_why(w, w.ntlm("ben", outside), "directory-slow", "directory-ldap", "directory-no-dc")
            answers = []
            crowd = [threading.Thread(target=lambda: answers.append(attempt(w, w.ntlm("ben")))) for _ in range(16)]
            for t in crowd:
                t.start()
            for t in crowd:
                t.join(60)
            assert len(answers) == 16 and {a.status for a, _, _ in answers} == {503}, [(a.start, f) for a, f, _ in answers]
            print("        16 more: 503 after %.2f to %.2f s" % (min(t for _, _, t in answers), max(t for _, _, t in answers)))
            told_why(w, w.ntlm("ben"), "directory-slow", "directory-ldap", "directory-no-dc")  # the breaker: at once
            assert works(w, w.kerberos("ben", env=env)), "a ticket needs no controller, and the account is remembered"
        finally:
            w.lab.daemons("continue")
        comes_back(w, 90)


def ldap_answers_but_netlogon_does_not(w):
    env = w.lab.tickets("grace")
    with Refreshing(w, "Netlogon frozen"):
        w.lab.daemons("stop-smb")
        try:
            told_why(w, w.ntlm("ben"), "directory-slow", "directory-no-dc")
            assert works(w, w.kerberos("grace", env=env)), "LDAP answers, and nothing else is asked"
        finally:
            w.lab.daemons("continue-smb")
        comes_back(w, 90)


def a_killed_winbindd(w):
    env = w.lab.tickets("dora")
    with Refreshing(w, "winbindd dead"):
        w.lab.daemons("winbind-kill")
        told_why(w, w.ntlm("ben"), "directory-winbind")
        assert works(w, w.kerberos("dora", env=env))
        w.lab.daemons("winbind")
        comes_back(w)


def a_frozen_winbindd(w):
    env = w.lab.tickets("dora")
    with Refreshing(w, "winbindd frozen"):
        w.lab.daemons("winbind-stop")
        try:
            told_why(w, w.ntlm("ben"), "directory-slow", "directory-winbind")
            assert works(w, w.kerberos("dora", env=env))
        finally:
            w.lab.daemons("winbind-continue")
        comes_back(w)


def netlogon_answers_but_ldap_does_not(w):
    assert works(w, w.ntlm("ben"))
    with Refreshing(w, "LDAP frozen"):
        w.lab.daemons("stop-ldap")
        try:
            assert works(w, w.ntlm("ben")), "the account is remembered"
            told_why(w, w.ntlm("barksda"), "directory-slow", "directory-ldap")  # whom nobody has looked up yet
        finally:
            w.lab.daemons("continue-ldap")
        comes_back(w)
        until(lambda: works(w, w.ntlm("barksda")), 30, 0.3)


def dns_is_gone(w):
    """What is connected stays so; a new authd says what it lacks."""
    file = w.lab.dir + "/etc/fe/resolv.conf"
    with open(file) as f:
        before = f.read()

    def resolv(text):
        with open(file, "r+") as f:  # the file is mounted: written in place
            f.truncate()
            f.write(text)
    with Refreshing(w, "no DNS"):
        resolv("nameserver 127.0.0.99\noptions timeout:1 attempts:1\n")
        try:
            assert works(w, w.ntlm("ben")) and works(w, w.ntlm("emil", True))
            restart_authd(w)
            answer, fault, took = attempt(w, w.ntlm("ben"))
            print("        a new authd: %d %s after %.2f s" % (answer.status, fault, took))
            assert answer.status == 503 and fault.startswith("directory-"), (answer.start, fault)
        finally:
            resolv(before)
        comes_back(w)


def restart_authd(w):
    before = w.d.pid_of("authd")
    os.kill(before, signal.SIGKILL)
    until(lambda: w.d.pid_of("authd") not in (None, before) and w.d.is_up("authd"))


# ---- tickets ----

def export_keytab(w):
    """Adds the keys of today to those that the file has."""
    w.lab.run("dc", "samba-tool", "domain", "exportkeytab", w.lab.dir + "/sip.keytab", "--principal=sip/fe.example.test")


def versions(w):
    return set(re.findall(r"(?m)^ *(\d+) sip/fe", w.lab.run("dc", "klist", "-k", w.lab.dir + "/sip.keytab").stdout))


def old_and_new_keys_of_the_keytab_are_taken(w):
    old = w.lab.tickets("ben")
    assert works(w, w.kerberos("ben", env=old))
    known = versions(w)
    w.lab.run("dc", "samba-tool", "user", "setpassword", "rtcservice", "--newpassword=An0ther.one")
    new = w.lab.tickets("ben")
    before = len(w.d.authd_trace())
    c = w.kerberos("ben", env=new)  # the keytab does not know the new keys yet
    assert attempt(w, c)[0].status == 401
    assert w.d.judged(before)[-1][0] == "kerberos-no-key", w.d.judged(before)
    export_keytab(w)
    assert len(versions(w)) == len(known) + 1, versions(w)
    for env in (old, new):
        assert works(w, w.kerberos("ben", env=env))


def a_clock_ten_minutes_off(w):
    env = w.lab.tickets("ben", service=SERVICE)  # the KDC gives none to a clock that is wrong
    before = len(w.d.authd_trace())
    answer, _, _ = attempt(w, w.kerberos("ben", env=env, clock=600))
    assert answer.status == 401 and answer.get("ms-diagnostics").startswith("1013;"), (answer.start, answer.headers)
    fault, record = w.d.judged(before)[-1]
    said = re.search(r"kerberos-clock-skew (.*)", record).group(1)
    assert fault == "kerberos-clock-skew" and re.search(r"\b(59[5-9]|60[0-5])\b", said) and "ahead" in said, record
    assert works(w, w.kerberos("ben", env=env, clock=200))


def a_token_is_not_taken_again_by_a_new_authd(w):
    c = w.kerberos("ben")
    c.offer()
    token = c.token()
    assert c.present(token).status == 200
    restart_authd(w)
    d = w.kerberos("ben")
    d.offer()
    d.tool = c.tool
    before = len(w.d.authd_trace())
    until(lambda: works(w, w.kerberos("ada")), 20)
    answer = d.present(token)
    assert answer.status == 401, answer.start
    assert w.d.judged(before)[-1][0] == "kerberos-replay", w.d.judged(before)
    d.tool = None
    for x in (c, d):
        x.close()


# ---- many entries ----

def thousands_of_entries(w):
    """2,000 accounts appear at once, 1,000 of them with one address."""
    with Refreshing(w, "2,000 new accounts"):
        began = time.monotonic()
        w.lab.run("dc", "/usr/bin/python3", LAB + "provision.py", w.lab.dir + "/etc/dc/smb.conf", w.lab.dir, "2000", "bulk", timeout=120)
        print("        made in %.1f s" % (time.monotonic() - began), flush=True)
        for name, uri, fault in (("bulk01998", None, None), ("bulk00001", "sip:crowd@example.test", "user-uri-shared")):
            person = dict(name=name, login="EXAMPLE\\" + name, password="Passw0rd.1", uri=uri or "sip:%s@example.test" % name)
            until(lambda: attempt(w, w.ntlm(person=person))[0].status == (200 if not fault else 403), 30, 0.5)
        assert works(w, w.ntlm("ben")) and works(w, w.kerberos("ben"))
    status = authd(w)
    print("        authd: %s" % {k: v for k, v in status.items() if k.startswith(("ad_", "directory"))})


HELPERS = ("attempt", "told_why", "works", "comes_back", "authd", "restart_authd", "export_keytab", "versions")

if __name__ == "__main__":
    main(tests_of(globals(), HELPERS), AdWorkshop)
