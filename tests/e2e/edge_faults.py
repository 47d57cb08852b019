#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What happens around the Edge when something dies, hangs, lies about itself or floods."""
import contextlib, os, re, signal, socket, ssl, struct, sys, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from edge_world import (Authority, Workshop, edge_trace, fresh_source, front_trace, main, outside, signed_in, tests_of, until)
from sipae import Client, tls_context


def works(d, name="ben"):
    c = signed_in(outside(d, name))
    assert c.refresh().status == 200
    c.close()


def is_closed_cleanly(c):
    """The server said that it closes (close_notify), instead of just going away."""
    c.socket.suppress_ragged_eofs = False
    while c.socket.recv(65536):
        pass
    return True


def comes_back(world, name="ada", seconds=60):
    """A client that tries again until it is signed in."""
    def try_it():
        c = None
        try:
            c = outside(world, name)
            if c.sign_in().status == 200:
                return c
        except (OSError, AttributeError, AssertionError):
            pass
        if c:
            c.close()
        return None
    return until(try_it, seconds, every=0.5)


class Pair:
    """What outside() needs, of an Edge on one machine and Front Ends on others."""

    def __init__(self, edge, front):
        self.outside, self.ca, self.users, self.config = edge.outside, edge.ca, front.users, edge.config


# ---- death ----

def a_front_that_is_killed_comes_back_and_so_do_its_clients(w):
    with w.make() as d:
        clients, old = [signed_in(outside(d)), signed_in(outside(d, "ben"))], d.pid_of("front")
        os.kill(old, signal.SIGKILL)
        for c in clients:
            assert is_closed_cleanly(c)
            c.close()
        c = comes_back(d)
        assert d.pid_of("front") not in (None, old)
        rows = d.ask("front", do="sessions")["sessions"]
        assert [r["where"] for r in rows if r["epid"] == c.epid] == ["outside"], rows
        assert c.refresh().status == 200
        c.close()
        assert "fault=edge-front-lost" in edge_trace(d)


def the_second_front_takes_over_and_the_first_is_preferred_again(w):
    with w.make(roles=("front",)) as first, w.make(roles=("front",)) as second:
        with w.make(roles=("edge",), next_hops="%s, %s" % (first.link, second.link)) as edge:
            pair = Pair(edge, first)
            where = lambda c: [f for f in (first, second) if c.epid in [r["epid"] for r in f.ask("front", do="sessions")["sessions"]]]
            c = signed_in(outside(pair))
            assert where(c) == [first]
            first.stop()
            assert is_closed_cleanly(c)
            c.close()
            c = comes_back(pair)
            assert where_running(c, second) and c.refresh().status == 200
            first.start()
            until(lambda: edge.is_up("edge"))
            assert c.refresh().status == 200  # who is signed in stays where he is
            fresh = signed_in(outside(pair, "ben"))
            assert where(fresh) == [first] and where(c) == [second]
            for x in (c, fresh):
                x.close()


def where_running(c, front):
    return c.epid in [r["epid"] for r in front.ask("front", do="sessions")["sessions"]]


def an_edge_that_is_killed_keeps_its_counts_and_gets_its_clients_back(w):
    with w.make() as d:
        source = fresh_source()
        bad = outside(d, "ben", source=source, password="wrong")
        assert bad.sign_in().status == 401
        bad.close()
        counts = lambda: {r["source"]: r["failures"] for r in d.ask("edge", do="budget-list")["sources"]}
        assert counts().get(source) == 1, counts()
        c, old = signed_in(outside(d)), d.pid_of("edge")
        os.kill(old, signal.SIGKILL)
        assert c.receive() is None
        c.close()
        comes_back(d).close()
        assert d.pid_of("edge") not in (None, old)
        assert counts().get(source) == 1 and counts().get(source.rsplit(".", 1)[0] + ".0/24") == 1, counts()


def an_authd_that_is_killed_is_not_noticed_by_who_is_signed_in(w):
    with w.make() as d:
        c, old = signed_in(outside(d)), d.pid_of("authd")
        os.kill(old, signal.SIGKILL)
        assert c.refresh().status == 200
        signed_in(outside(d, "ben")).close()
        assert d.pid_of("authd") not in (None, old)
        c.close()


# ---- hanging ----

def a_front_that_hangs_means_503_and_it_is_used_again_when_it_goes_on(w):
    with w.make() as d:
        stays, pid = signed_in(outside(d)), d.pid_of("front")
        os.kill(pid, signal.SIGSTOP)
        try:
            def answer():
                c = outside(d, "ben")
                c.socket.settimeout(1)
                try:
                    return c.ask(c.lines())
                except TimeoutError:
                    return None
                finally:
                    c.close()
            got = until(answer, 25)
            assert got.status == 503 and 0 < int(got.get("Retry-After")) < 60, (got.start, got.headers)
            assert got.get("ms-diagnostics").startswith("1007;") and 'source="sip.example.com"' in got.get("ms-diagnostics"), got.headers
            assert is_closed_cleanly(stays)
        finally:
            os.kill(pid, signal.SIGCONT)
        stays.close()
        c = comes_back(d)
        assert c.refresh().status == 200
        c.close()
        assert "fault=edge-front-silent" in edge_trace(d)


def an_authd_that_hangs_means_503_outside_too(w):
    with w.make(limits=dict(authd_timeout="1s")) as d:
        c, pid = signed_in(outside(d)), d.pid_of("authd")
        os.kill(pid, signal.SIGSTOP)
        try:
            late = outside(d, "ben")
            answer = late.sign_in()
            assert answer.status == 503 and answer.get("ms-diagnostics").startswith("1007;"), (answer.start, answer.headers)
            assert c.refresh().status == 200
            late.close()
        finally:
            os.kill(pid, signal.SIGCONT)
        works(d)
        c.close()


def without_any_front_everybody_gets_503(w):
    with contextlib.ExitStack() as stack:
        edge = w.make(roles=("edge",), next_hops="127.0.0.1:1", users=())
        edge.start(ready=False)
        stack.callback(edge.__exit__)
        until(lambda: os.path.exists(edge.dir + "/run/edge.ctl"))
        c = Client(edge.outside, "sip:ada@example.com", ca=edge.ca, source=fresh_source())
        answer = c.ask(c.lines())
        assert answer.status == 503 and answer.get("Retry-After") and answer.get("ms-diagnostics").startswith("1007;"), answer.headers
        assert edge.ask("edge", do="status")["links_up"] == 0
        until(lambda: "fault=route-unreachable" in edge_trace(edge))
        c.close()


# ---- certificates between Edge and Front End ----

def faults_of(text):
    return set(re.findall(r"fault=([a-z0-9-]+)", text))


def certificates_that_do_not_fit_are_refused_and_both_sides_say_why(w):
    other = Authority(w.root, "other")
    issue = w.authority.issue
    cases = [
        # whose, its certificate, what the Edge records, what the Front End records
        ("edge", "expired", issue("x1", "sip.example.com", days=-1), "tls-expired", "tls-expired"),
        ("edge", "wrong name", issue("x2", "evil.example.com"), "edge-refused", "edge-unknown"),
        ("edge", "unknown CA", other.issue("x3", "sip.example.com"), "tls-certificate", "tls-certificate"),
        ("edge", "server only", issue("x4", "sip.example.com", usage="serverAuth"), "tls-usage", "tls-usage"),
        ("front", "expired", issue("y1", "fe01.example.com", days=-1), "tls-expired", "tls-expired"),
        ("front", "wrong name", issue("y2", "evil.example.com"), "edge-front-unknown", "edge-refused"),
        ("front", "unknown CA", other.issue("y3", "fe01.example.com"), "tls-certificate", "tls-certificate"),
        ("front", "client only", issue("y4", "fe01.example.com", usage="clientAuth"), "tls-usage", "tls-usage"),
    ]
    wrong = []
    for whose, what, cert, of_edge, of_front in cases:
        front, edge = w.make(roles=("front",)), w.make(roles=("edge",), users=())
        edge.set("edge", next_hops=front.link)
        if whose == "edge":
            edge.set("edge", link_cert_file=cert + ".pem", link_key_file=cert + ".key")
        else:
            # only for this: clients inside do not look at its purpose
            front.set("front", cert_file=cert + ".pem", key_file=cert + ".key", rsa_cert_file=cert + "-rsa.pem",
                      rsa_key_file=cert + "-rsa.key")
        edge.write()
        front.write()
        with front:
            edge.start(ready=False)
            try:
                with contextlib.suppress(AssertionError):
                    until(lambda: of_edge in faults_of(edge_trace(edge)) and of_front in faults_of(front_trace(front)), 5)
                got = faults_of(edge_trace(edge)), faults_of(front_trace(front))
                if got != ({of_edge}, {of_front}):
                    wrong.append("%s of the %s: the Edge says %s instead of %s, the Front End %s instead of %s" % (
                        what, whose, sorted(got[0]), of_edge, sorted(got[1]), of_front))
                assert edge.ask("edge", do="status")["links_up"] == 0
                c = Client(edge.outside, "sip:ada@example.com", ca=edge.ca, source=fresh_source())
                assert c.ask(c.lines()).status == 503
                c.close()
            finally:
                edge.__exit__()
    assert not wrong, "\n".join(wrong)


def the_front_ends_door_for_clients_is_no_door_for_an_edge(w):
    with w.make(roles=("front",)) as front:
        edge = w.make(roles=("edge",), users=(), next_hops=front.inside)
        edge.start(ready=False)
        try:
            until(lambda: "edge-not-mutual" in faults_of(edge_trace(edge)))
            c = Client(edge.outside, "sip:ada@example.com", ca=edge.ca, source=fresh_source())
            assert c.ask(c.lines()).status == 503
            c.close()
        finally:
            edge.__exit__()
        assert "An Edge connected" not in front_trace(front)


def the_door_for_edges_takes_no_client(w):
    with w.make() as d:
        user = d.users["cleo"]  # who may come from inside only
        for cert in (None, w.authority.issue("z1", "ada.example.com", usage="clientAuth")):
            context = ssl.create_default_context(cafile=d.ca)
            if cert:
                context.load_cert_chain(cert + ".pem", cert + ".key")
            host, port = d.link.split(":")
            s = socket.create_connection((host, int(port)), 5)
            try:
                s = context.wrap_socket(s, server_hostname=host)
                s.sendall(b"OPTIONS sip:example.com SIP/2.0\r\n\r\n")
                got = s.recv(1000)
            except OSError:
                got = b""
            assert got == b"", got
            s.close()
        assert {"tls-certificate", "edge-unknown"} <= faults_of(front_trace(d)), faults_of(front_trace(d))
        assert user and d.is_up("edge")


# ---- clients that misbehave on the wire ----

def plain(d, source=None, **options):
    host, port = d.outside.split(":")
    s = socket.socket()
    for option, value in options.items():
        s.setsockopt(socket.SOL_SOCKET, getattr(socket, option), value)
    s.settimeout(10)
    s.bind((source or fresh_source(), 0))
    s.connect((host, int(port)))
    return s


def gone(s, seconds=20):
    s.settimeout(seconds)
    try:
        while s.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


def who_does_not_finish_in_time_is_closed(w):
    with w.make(limits=dict(handshake_time="2s")) as d:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        hello = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="x")
        with contextlib.suppress(ssl.SSLWantReadError):
            hello.do_handshake()
        hello = outgoing.read()
        silent, half, slow, loris = plain(d), plain(d), plain(d), outside(d)
        half.sendall(hello[:100])
        stop = threading.Event()

        def drip(send, data):
            with contextlib.suppress(OSError):
                for octet in data:
                    if stop.wait(0.3):
                        return
                    send(bytes([octet]))
        drips = [threading.Thread(target=drip, args=(slow.send, hello)),
                 threading.Thread(target=drip, args=(loris.send_raw, "\r\n".join(loris.lines()).encode()))]
        for t in drips:
            t.start()
        try:
            works(d)
            for what, s in (("silent", silent), ("half a hello", half), ("slow handshake", slow), ("slow request", loris.socket)):
                assert gone(s), what + " was not closed"
        finally:
            stop.set()
            for t in drips:
                t.join()
        assert "fault=route-handshake-time" in edge_trace(d)
        for s in (silent, half, slow, loris):
            s.close()


def a_connection_on_which_nothing_comes_is_closed(w):
    """What a half-open one looks like from here: the client is gone, and nobody said so."""
    with w.make(limits=dict(idle_time="10s")) as d:
        c, lives = signed_in(outside(d)), signed_in(outside(d, "ben"))
        end = time.monotonic() + 20
        while not gone(c.socket, 1):
            lives.send_raw("\r\n\r\n")
            assert time.monotonic() < end, "it was not closed"
        assert lives.refresh().status == 200
        until(lambda: "fault=route-idle" in edge_trace(d))
        until(lambda: c.epid not in [r["epid"] for r in d.ask("front", do="sessions")["sessions"]], 20)
        c.close()
        lives.close()


def who_never_reads_is_closed_and_nobody_waits(w):
    with w.make(limits=dict(send_max="64K"), edge=dict(trusted_networks="127.66.0.0/16")) as d:
        s = tls_context(d.ca).wrap_socket(plain(d, "127.66.0.7", SO_RCVBUF=4096), server_hostname="127.0.0.1")
        c = outside(d)
        request = "\r\n".join(c.lines() + ["Content-Length: 0", "", ""]).encode() * 20
        s.settimeout(3)
        with contextlib.suppress(OSError):
            for _ in range(2000):
                s.sendall(request)
            raise AssertionError("the Edge took all from a client that reads nothing")
        works(d)
        until(lambda: "fault=route-slow-reader" in edge_trace(d))
        s.close()
        c.close()


def a_reset_in_the_middle_of_a_message_harms_nobody(w):
    with w.make(limits=dict(network_handshakes=0)) as d:
        other = signed_in(outside(d, "ben"))
        for i in range(30):
            c = outside(d)
            if i % 3 == 0:
                signed_in(c)
            text = "\r\n".join(c.lines() + ["Content-Length: 5000", "", ""]) + "x" * 100
            c.send_raw(text[:len(text) * (i + 1) // 31])
            c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            c.close()
        assert other.refresh().status == 200
        other.close()
        until(lambda: d.ask("edge", do="status")["connections"] == d.ask("edge", do="status")["links"])
        works(d)


def a_reset_while_an_answer_is_kept_for_the_clock_harms_nobody(w):
    with w.make(edge=dict(failure_clock="2s")) as d:
        for _ in range(10):
            c = outside(d, password="wrong")
            opaque, challenge = c.challenge()
            token, exported = c.authenticate(challenge)
            c.receive = lambda: None
            c.finish(opaque, token, exported)
            c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            c.close()
        time.sleep(2.2)  # the clock strikes
        works(d)
        until(lambda: d.ask("edge", do="status")["connections"] == d.ask("edge", do="status")["links"])


# ---- floods ----

def is_taken(d, source):
    """Whether a TLS handshake from there comes to an end."""
    s = plain(d, source)
    try:
        return tls_context(d.ca).wrap_socket(s, server_hostname="127.0.0.1")
    except OSError:
        s.close()
        return None


def connections_of_one_network_are_limited_and_others_get_in(w):
    with w.make(limits=dict(network_connections=20, network_handshakes=0)) as d:
        taken = [is_taken(d, "127.77.0.%d" % (1 + i)) for i in range(30)]
        assert [bool(s) for s in taken] == [True] * 20 + [False] * 10, [bool(s) for s in taken]
        works(d)
        assert "fault=route-network-full" in edge_trace(d)
        for s in taken[:5]:
            s.close()
        until(lambda: is_taken(d, "127.77.0.99"))  # a place is free again
        for s in taken[5:20]:
            s.close()


def new_connections_a_second_of_one_network_are_limited_and_others_get_in(w):
    with w.make(limits=dict(network_handshakes=5)) as d:
        taken = [is_taken(d, "127.78.0.%d" % (1 + i)) for i in range(40)]
        assert taken[0] and not all(taken), [bool(s) for s in taken]
        works(d)
        assert "fault=route-handshake-rate" in edge_trace(d)
        until(lambda: is_taken(d, "127.78.0.99"))
        for s in taken:
            if s:
                s.close()


def a_flood_of_messages_loses_nothing_and_keeps_nobody_out(w):
    with w.make() as d:
        stop, sent, source = threading.Event(), [0], fresh_source()
        flood = outside(d, source=source)

        def send():
            while not stop.is_set() and sent[0] < 150:
                flood.send(flood.lines())
                sent[0] += 1
        sender = threading.Thread(target=send)
        sender.start()
        for name in ("ben", "ada", "ben"):
            works(d, name)
        stop.set()
        sender.join()
        answers = [flood.receive() for _ in range(sent[0])]
        assert [a.get("CSeq") for a in answers] == ["%d REGISTER" % (i + 1) for i in range(sent[0])]
        flood.close()


if __name__ == "__main__":
    main(tests_of(globals(), ("works", "is_closed_cleanly", "comes_back", "where_running", "faults_of", "plain", "gone", "is_taken")), Workshop)
