#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The Edge with configurations of its own: hidden names, lanes, budgets, and the time an answer takes."""
import base64, contextlib, json, math, os, random, re, subprocess, sys, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from edge_world import (PASSWORD, WEAK, Skipped, Workshop, edge_trace, fresh_source, inside, main, outside, reply, signed_in, tests_of)
from sipae import params

HERE = os.path.dirname(os.path.abspath(__file__))


# ---- names ----

class Ears:
    """Everything a client outside received."""

    def __init__(self, client):
        self.client, self.heard = client, []
        receive = client.receive

        def listen():
            m = receive()
            if m:
                self.heard.append(m)
            return m
        client.receive = listen

    def texts(self):
        for m in self.heard:
            yield m.start, m.head + b"\r\n\r\n" + m.body
            for piece in re.findall(rb'"([A-Za-z0-9+/=_-]{16,})"', m.head):
                with contextlib.suppress(ValueError):
                    url_safe = b"-_" if b"_" in piece or b"-" in piece else None
                    yield m.start + " (decoded)", base64.b64decode(piece + b"=" * (-len(piece) % 4), url_safe)


def assert_hidden(ears, *words):
    tokens = 0
    for what, text in ears.texts():
        low = text.lower()
        tokens += b"ntlmssp" in low
        for word in words:
            assert word.encode() not in low and word.encode("utf-16-le") not in low, (what, word, text)
    return tokens


def with_hidden_names_the_inner_name_is_nowhere(w):
    with w.make(edge=dict(hide_names="yes")) as d:
        inner = ("fe01", "fe01.example.com")
        c = outside(d)
        ears = Ears(c)
        assert c.sign_in().status == 200 and c.sa["target"] == "sip.example.com"
        answer = c.refresh()
        assert answer.status == 200 and c.verify(answer)
        assert params(answer.get("Authentication-Info"))["targetname"] == "sip.example.com"
        for method, target in (("SUBSCRIBE", c.uri), ("MESSAGE", "sip:ben@example.com"), ("FROB", c.uri)):
            answer = c.ask(c.signed(c.lines(method, target=target, event="")))
            assert c.verify(answer), answer.headers
        bad = c.lines(event="presence")
        assert c.ask(c.signed(bad)).status == 489
        d.ctl("kick", c.uri)
        notify = c.receive()
        assert notify.start.startswith("NOTIFY") and c.verify(notify), notify.headers
        reply(c, notify)
        assert assert_hidden(ears, *inner) == 1, "no CHALLENGE was seen"
        c.close()

        d.run("user", "set", "dirk", "--no-sip", "-c", d.config)
        for name, status, how in (("ada", 401, dict(password="wrong")), ("ada", 401, dict(login="EXAMPLE\\nobody")),
                                  ("ada", 401, dict(flags=WEAK)), ("cleo", 403, {}), ("dirk", 404, {}), ("ada", 403, dict(uri="sip:ben@example.com"))):
            c = outside(d, name, **how)
            ears = Ears(c)
            answer = c.sign_in()
            assert answer.status == status, (name, answer.start)
            assert status == 401 or c.verify(answer, c.half), answer.headers
            if status == 401:
                assert 'source="sip.example.com"' in answer.get("ms-diagnostics"), answer.headers
            assert assert_hidden(ears, *inner) == 1
            c.close()
        c = outside(d)  # refused by the Edge itself
        ears = Ears(c)
        opaque, challenge = c.challenge()
        token, exported = c.authenticate(challenge)
        assert 'source="sip.example.com"' in c.finish(opaque, token[:70], exported).get("ms-diagnostics")
        assert_hidden(ears, *inner)
        c.close()
        within = inside(d)
        opaque, challenge = within.challenge()
        assert within.target == "fe01.example.com"  # inside nothing is hidden
        within.close()


def without_hidden_names_the_front_ends_name_is_the_target(w):
    with w.make() as d:
        c = signed_in(outside(d))
        assert c.sa["target"] == "fe01.example.com"
        c.close()


# ---- structural checks ----

def an_answer_made_for_another_service_can_be_refused(w):
    with w.make(edge=dict(foreign_target="refuse")) as d:
        c = outside(d)
        opaque, challenge = c.challenge()
        token, exported = c.authenticate(challenge, service="HTTP/x")
        before = d.ask("authd", do="status")["messages"]
        answer = c.finish(opaque, token, exported)
        assert answer.status == 401 and answer.get("ms-diagnostics").startswith("1000;"), answer.headers
        assert d.ask("authd", do="status")["messages"] == before
        record = [r for r in edge_trace(d).split("$$end_record") if "fault=ntlm-foreign-target" in r]
        assert record and "HTTP/x" in record[0] and "TL_ERROR" in record[0], record
        c.close()
        d2 = outside(d)
        opaque, challenge = d2.challenge()
        token, exported = d2.authenticate(challenge, service="SIP/sip.example.com")
        assert d2.finish(opaque, token, exported).status == 200
        signed_in(outside(d, "ben")).close()
        d2.close()


# ---- lanes ----

def windows_xp_gets_in_only_from_a_named_network(w):
    with w.make(edge=dict(legacy_networks="127.0.0.1/32"), policy=dict(preset="windows-2008")) as d:
        words = ["signin", "sip:ada@example.com", "--login", "EXAMPLE\\ada", "--password-stdin", "--ca", d.ca, "--json"]

        def try_it(profile, server):
            done = d.run(*words, "--profile", profile, "--server", server, stdin=PASSWORD + "\n", check=False)
            return json.loads(done.stdout.splitlines()[-1])

        relay = subprocess.Popen([sys.executable, HERE + "/relay_from.py", "127.0.0.2", d.outside.split(":")[1]],
                                 stdout=subprocess.PIPE, text=True)
        try:
            elsewhere = "127.0.0.1:" + relay.stdout.readline().strip()
            last = try_it("windows-xp", d.outside)
            assert last["signed_in"], last
            last = try_it("windows-7", elsewhere)
            assert last["signed_in"], last
            last = try_it("windows-xp", elsewhere)
            assert not last["signed_in"] and last["cause"].startswith("tls-"), last
        finally:
            relay.kill()
            relay.wait()
        records = [r for r in edge_trace(d).split("$$end_record") if "fault=tls-version" in r or "fault=tls-suite" in r]
        assert records and re.search(r'offer="client offered TLS 1\.0; [^"]*RC4-128-MD5', records[-1]), records
        assert "127.0.0.2" in records[-1]


# ---- time ----

def rank_sum(a, b):
    """z of Mann and Whitney, by the normal approximation."""
    both = sorted([(v, 0) for v in a] + [(v, 1) for v in b])
    ranks = sum(i + 1 for i, (_, which) in enumerate(both) if which == 0)
    n, m = len(a), len(b)
    u = ranks - n * (n + 1) / 2
    return (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)


def rank_sum_is_right_where_it_is_known(w):
    assert abs(rank_sum([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]) + 2.611) < 0.001
    assert abs(rank_sum([1, 4, 5, 8], [2, 3, 6, 7])) < 0.001


OFF = dict(account_failures=0, ceiling=0, source_failures=0, network_failures=0)
TRIES, HANDS = 3000, 60


def the_time_of_a_refusal_does_not_tell_whether_the_account_exists(w):
    """Names are drawn at random; every tenth try is measured with a wait of our own on top, which has to be found."""
    known = ["known%02d" % i for i in range(20)]
    times, lock = {"known": [], "unknown": [], "control": []}, threading.Lock()
    left = [TRIES + TRIES // 10]
    failures = []

    def hand(d, seed):
        draw = random.Random(seed)
        c = outside(d, known[0], password="wrong")
        try:
            while True:
                with lock:
                    left[0] -= 1
                    if left[0] < 0:
                        return
                which = "control" if draw.random() < 1 / 11 else draw.choice(("known", "unknown"))
                c.user = "%s%02d" % ("nobod" if which == "unknown" else "known", draw.randrange(20))
                opaque, challenge = c.challenge()
                token, exported = c.authenticate(challenge)
                began = time.perf_counter()
                answer = c.finish(opaque, token, exported)
                if which == "control":
                    time.sleep(0.003)
                took = time.perf_counter() - began
                assert answer.status == 401 and took > 0.240, (answer.start, took)
                with lock:
                    times[which].append(took)
        except Exception as e:
            failures.append(e)
        finally:
            c.close()

    with w.make(users=known, budget=OFF, edge=dict(trusted_networks="127.0.0.0/8")) as d:
        hands = [threading.Thread(target=hand, args=(d, i)) for i in range(HANDS)]
        for t in hands:
            t.start()
        for t in hands:
            t.join()
        assert not failures, failures[:3]
        asked = d.ask("authd", do="status")["refused"]
        assert asked.get("user-unknown", 0) > TRIES / 3 and asked.get("user-wrong-password", 0) > TRIES / 3, asked
    z = rank_sum(times["known"], times["unknown"])
    control = rank_sum(times["known"], times["control"])
    print("        known %d, unknown %d: z = %.2f; control %d: z = %.2f" % (len(times["known"]), len(times["unknown"]), z,
                                                                            len(times["control"]), control))
    assert abs(control) > 4, "a difference of 3 ms was not found: %f" % control
    assert abs(z) < 4, z


# ---- budgets ----

def lookups(d):
    status = d.ask("authd", do="status")
    if "directory_lookups" not in status:
        raise Skipped("authd keeps no budgets of accounts")
    return status["directory_lookups"]


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


def guess(d, name, source=None, **kw):
    c = outside(d, name, source=source, password="wrong", **kw)
    c.socket.settimeout(40)  # the Edge keeps back who failed lately
    try:
        answer = c.sign_in()
        return answer.status if answer else None
    finally:
        c.close()


def a_spray_at_one_account_is_stopped_and_its_own_device_gets_in_meanwhile(w):
    with w.make(directory=dict(source="sqlite", netbios_domain="EXAMPLE", lockout_threshold=10)) as d:
        lookups(d)
        home = fresh_source()
        own = signed_in(outside(d, source=home, epid="0123456789"))
        own.close()
        before, statuses, signed = lookups(d), [], []
        attack = threading.Thread(target=lambda: statuses.extend(together(200, lambda i: guess(d, "ada"))))
        attack.start()
        while attack.is_alive():
            c = outside(d, source=home, epid="0123456789")
            signed.append(c.sign_in().status)
            c.close()
            time.sleep(0.2)
        attack.join()
        assert len(statuses) == 200 and set(statuses) <= {401, 403}, statuses
        assert len(signed) > 2 and set(signed) == {200}, signed
        assert lookups(d) - before - len(signed) <= 4, (lookups(d), before, len(signed))
        user = json.loads(d.run("user", "show", "ada", "--json", "-c", d.config).stdout)
        assert not user["locked"] and user["wrong_passwords"] <= 4, user
        signed_in(inside(d)).close()  # inside nothing was noticed
        stranger = outside(d)
        assert stranger.sign_in().status in (401, 403)
        stranger.close()


def guess_and_leave(d, name, source):
    """A guess whose answer is not waited for: the Edge keeps back the answers to who failed lately."""
    c = outside(d, "ada", source=source, login="EXAMPLE\\" + name, password="wrong")
    opaque, challenge = c.challenge()
    token, exported = c.authenticate(challenge)
    c.ask = c.send
    c.finish(opaque, token, exported)
    c.close()


def one_attacker_against_many_accounts_is_stopped_by_the_source_budget(w):
    """Who asks for all CHALLENGEs first and then answers all at once; and who never waits for what became of a guess."""
    names = ["u%04d" % i for i in range(5000)]
    first, rest = names[::25], [n for i, n in enumerate(names) if i % 25]
    with w.make(users=w.users + names[::50] + names[1::50],
                limits=dict(network_handshakes=0, network_connections=0)) as d:
        before, source, ready = lookups(d), fresh_source(), threading.Barrier(len(first))

        def at_once(i):
            c = outside(d, "ada", source=source, login="EXAMPLE\\" + first[i], password="wrong")
            c.socket.settimeout(40)  # the Edge keeps back who failed lately
            opaque, challenge = c.challenge()
            token, exported = c.authenticate(challenge)
            ready.wait(30)
            statuses = [c.finish(opaque, token, exported).status, c.sign_in().status]
            c.close()
            return statuses
        statuses = {s for both in together(len(first), at_once, hands=len(first)) for s in both}
        assert statuses <= {401, 403}, statuses
        rows = {r["source"]: r for r in d.ask("edge", do="budget-list")["sources"]}
        assert rows[source]["over_budget"], rows
        together(len(rest), lambda i: guess_and_leave(d, rest[i], source))
        signed_in(outside(d, "ben")).close()
        asked = lookups(d) - before - 1
        assert asked <= 20, "the source budget is 20, the directory was asked %d times" % asked


def somebody_behind_the_attackers_address_gets_in_with_a_known_device_only(w):
    with w.make(budget=dict(source_failures=1)) as d:
        lookups(d)
        source = fresh_source()
        signed_in(outside(d, "ben", source=source, epid="00aa00aa00")).close()
        guess(d, "ada", source=source)
        rows = {r["source"]: r for r in d.ask("edge", do="budget-list")["sources"]}
        assert rows[source]["over_budget"], rows
        signed_in(outside(d, "ben", source=source, epid="00aa00aa00")).close()
        stranger = outside(d, "dirk", source=source)
        assert stranger.sign_in().status in (401, 403)
        stranger.close()
        d.ctl("budget", "clear", source)
        signed_in(outside(d, "dirk", source=source)).close()


def a_device_that_resumes_its_session_does_not_wait_for_what_others_at_its_address_did(w):
    with w.make() as d:
        source = fresh_source()
        first = signed_in(outside(d, "ben", source=source))
        session = first.socket.session
        first.close()
        for _ in range(2):  # the next one is kept back for four seconds
            guess(d, "ada", source=source)
        answers, stranger = [], outside(d, "dirk", source=source)
        waits = threading.Thread(target=lambda: answers.append(stranger.sign_in()))
        waits.start()
        again = outside(d, "ben", source=source, session=session)
        assert again.socket.session_reused and again.sign_in().status == 200
        assert not answers, "the stranger was not kept back"
        waits.join()
        assert answers[0].status == 200
        for c in (again, stranger):
            c.close()


if __name__ == "__main__":
    main(tests_of(globals(), ("assert_hidden", "rank_sum", "lookups", "together", "guess", "guess_and_leave")), Workshop)
