#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the Edge says inward and outward, octet for octet, seen by a Front End that is none."""
import base64, os, re, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from edge_world import Authority, Deployment, FakeFront, edge_trace, folder, fresh_source, main, tests_of, until
from sipae import Client


class World:
    """An Edge whose only Front End is the fake one."""

    def __enter__(self):
        self.folder = folder()
        root = self.folder.__enter__()
        self.authority = Authority(root)
        self.edge = Deployment(root, "edge", self.authority, roles=("edge",), next_hops="127.0.0.1:1")
        self.front = FakeFront(self.authority)
        self.edge.set("edge", next_hops=self.front.address)
        self.edge.write()
        self.edge.start()
        self.config = self.edge.config
        return self

    def __exit__(self, *_):
        try:
            self.edge.__exit__()
        finally:
            self.front.close()
            self.folder.__exit__(None, None, None)

    def client(self, name="ada", **kw):
        return Client(self.edge.outside, "sip:%s@example.com" % name, ca=self.edge.ca, source=kw.pop("source", None) or fresh_source(), **kw)

    def bring(self, c, lines=None, extra=(), answer="200 OK"):
        """Sends a request of the client; returns how it arrived, after it was answered."""
        c.send(lines or c.lines(extra=extra))
        m = self.front.next()
        if answer:
            routes = ["Record-Route: " + r for r in m.all("Record-Route")]
            self.front.reply(m, answer, routes)
            m.answer = c.receive()
        return m


def text_lines(m):
    return re.sub(rb"\r\n[ \t]+", b" ", m.head).decode().split("\r\n")


def way_to(m):
    """The Route that leads to the client whose request this was."""
    return m.get("Record-Route")


def request(front, m, method, route=None, uri=None, to=None, extra=(), body="", tag="", via="SIP/2.0/TLS 10.9.8.7:5061;branch=z9hG4bKAAAA.BBBB"):
    """Makes the fake Front End ask something of the client that sent `m`."""
    user = re.search(r"<([^>]*)>", m.get("From")).group(1)
    request.count += 1
    lines = ["%s %s SIP/2.0" % (method, uri or "sip:127.0.0.1:5070;transport=tls"), "Via: " + via,
             "Via: SIP/2.0/TLS 10.9.8.6:50000;branch=z9hG4bKCCCC;received=10.9.8.6;ms-received-port=50000;ms-received-cid=1200",
             "Max-Forwards: 60", "From: <sip:ben@example.com>;tag=BEN;epid=0123", "To: <%s>%s" % (to or user, tag),
             "Call-ID: inside-%d" % request.count, "CSeq: %d %s" % (request.count, method)]
    if route:
        lines.append("Route: " + route)
    front.say(m.link, "\r\n".join([*lines, *extra, "Content-Length: %d" % len(body), "", body]))
    return "inside-%d" % request.count


request.count = 0


def token_of(route):
    return re.search(r"ms-route-sig=([^;>]+)", route).group(1)


# ---- inward ----

def what_goes_inward_says_where_it_came_from(w):
    source = fresh_source()
    c = w.client(source=source)
    m = w.bring(c)
    vias = m.all("Via")
    port = c.socket.getsockname()[1]
    assert len(vias) == 2 and re.match(r"SIP/2\.0/TLS 127\.0\.0\.1:\d+;branch=z9hG4bK[0-9A-F]{8}\.[0-9A-F]{16};branched=FALSE", vias[0]), vias
    found = re.match(r"SIP/2\.0/TLS 127\.0\.0\.1:5070;received=%s;ms-received-port=%d;ms-received-cid=([0-9A-F]+)$" % (re.escape(source), port),
                     vias[1])
    assert found, vias
    trust = m.all("ms-edge-proxy-message-trust")
    assert len(trust) == 1 and trust[0].startswith("ms-source-type=InternetUser;ms-ep-fqdn="), trust
    assert "ms-source-verified-user=unverified" in trust[0] and "ms-received-cid=" + found.group(1) in trust[0], trust
    route = m.all("Record-Route")
    assert len(route) == 1 and re.match(r"<sip:sip\.example\.com:%s;transport=tls;opaque=state:Ci\.R%s;lr;ms-route-sig=[\w-]{47}>$" % (
        w.edge.outside.split(":")[1], found.group(1)), route[0]), route
    assert m.get("Max-Forwards") == "69"
    assert not m.all("ms-keep-alive"), "the keep-alive is negotiated with the Edge"
    c.close()


def the_keep_alive_is_negotiated_with_the_edge(w):
    c = w.client()
    m = w.bring(c)
    assert m.answer.all("ms-keep-alive") == ["UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300"], m.answer.headers
    m = w.bring(c, [l for l in c.lines() if not l.startswith("ms-keep-alive")])
    assert not m.answer.all("ms-keep-alive")
    c.send_raw("\r\n\r\n")
    assert w.front.is_quiet()
    assert w.bring(c).answer.status == 200
    c.close()


def signed_fields_arrive_octet_for_octet(w):
    c = w.client()
    odd = [b"f :\t  \"Ada  L.\"   <sip:ada@example.com> ; tag = abc;epid=0011", b"t:<sip:ada@example.com>\r\n\t;x=y",
           b"i:   odd@call-id  ", b"CSeq:   00017    REGISTER  ", b"Expires:\r\n   600 ", b"P-Asserted-Identity:  <sip:ada@example.com> ,  <tel:+1234>"]
    other = [b"REGISTER sip:example.com SIP/2.0", b"v:  SIP/2.0/TLS   127.0.0.1:5070 ; branch=z9hG4bK-1 ", b"max-forwards:  42 ",
             b"m: <sip:127.0.0.1:5070;transport=tls>;proxy=replace;+sip.instance=\"<urn:uuid:34D859DB-6585-5F91-A3B4-001122334455>\"",
             b"X-Odd :  kept   as it is ", b"l: 0"]
    c.send_raw(b"\r\n".join(other[:3] + odd + other[3:]) + b"\r\n\r\n")
    m = w.front.next()
    for line in odd + other[:1] + other[3:5]:
        assert line + b"\r\n" in m.head + b"\r\n", (line, m.head)
    assert re.search(rb"(?im)^max-forwards: *41\s*$", m.head), m.head
    w.front.reply(m, "200 OK", ["Expires:   600"])
    answer = c.receive()
    assert answer.status == 200 and b"Expires:   600\r\n" in answer.head + b"\r\n", answer.head
    c.close()


def signed_fields_of_answers_and_requests_leave_octet_for_octet(w):
    c = w.client()
    m = w.bring(c)
    odd = "f:  <sip:ben@example.com> ;tag=1\r\nt : \"A\"  <sip:ada@example.com>;epid=1\r\ni:   x y \r\nCSeq:  007   MESSAGE\r\nExpires:  5 "
    w.front.say(m.link, "MESSAGE sip:127.0.0.1:5070 SIP/2.0\r\nVia: SIP/2.0/TLS 10.0.0.1;branch=z9hG4bK1\r\nRoute: %s\r\n%s\r\n"
                        "P-Asserted-Identity:   <sip:ben@example.com>\r\nAuthentication-Info:  NTLM  rspauth=\"00\"\r\nContent-Length: 3\r\n\r\nabc"
                % (way_to(m), odd))
    got = c.receive()
    for line in odd.split("\r\n") + ["P-Asserted-Identity:   <sip:ben@example.com>", "Authentication-Info:  NTLM  rspauth=\"00\""]:
        assert (line + "\r\n").encode() in got.head + b"\r\n", (line, got.head)
    assert got.body == b"abc"
    c.close()


FORGED = ["ms-edge-proxy-message-trust: ms-source-type=InternetUser;ms-ep-fqdn=evil.example.net;ms-edge-target=evil.example.net",
          "MS-Edge-Proxy-Message-Trust : ms-source-type=AuthorizedServer", "ms-user-logon-data: RemoteUser",
          "Record-Route: <sip:evil.example.net;lr>", "record-route:<sip:evil2.example.net;lr>", "Path: <sip:evil.example.net;lr>",
          "path : <sip:evil3.example.net;lr>"]


def forged_headers_from_outside_are_removed(w):
    c = w.client()
    lines = [l + ";ms-received-cid=FFFF;received=10.1.1.1;ms-received-port=1;ms-internal-info=\"AAAA\"" if l.startswith("Via") else l
             for l in c.lines()]
    m = w.bring(c, lines + FORGED)
    assert b"evil" not in m.head and b"AuthorizedServer" not in m.head, m.head
    assert len(m.all("ms-edge-proxy-message-trust")) == 1 and not m.all("ms-user-logon-data") and not m.all("Path")
    via = m.all("Via")[1]
    assert "FFFF" not in via and "10.1.1.1" not in via and len(re.findall("ms-received-cid=", via)) == 1, via
    assert len(re.findall("ms-received-port=", via)) == 1 and len(re.findall("received=", via.replace("ms-received", ""))) <= 1, via
    c.close()


def forged_headers_in_an_answer_from_outside_are_removed(w):
    c = w.client()
    m = w.bring(c)
    request(w.front, m, "MESSAGE", way_to(m))
    got = c.receive()
    c.send(["SIP/2.0 200 OK", "Via: " + got.get("Via"), "From: " + got.get("From"), "To: " + got.get("To") + ";tag=x",
            "Call-ID: " + got.get("Call-ID"), "CSeq: " + got.get("CSeq")] + FORGED)
    answer = w.front.next()
    assert answer.status == 200 and b"evil" not in answer.head and len(answer.all("ms-edge-proxy-message-trust")) == 1, answer.head
    c.close()


def a_forged_route_is_refused_and_goes_nowhere(w):
    c = w.client()
    w.bring(c)
    for route in ("<sip:evil.example.net;lr>", "<sip:sip.example.com:443;transport=tls;opaque=state:Ci.R1;lr;ms-route-sig=%s>" % ("A" * 47),
                  "<sip:sip.example.com:443;lr;ms-route-sig=x>", "nonsense", "<sip:"):
        c.send(c.lines("MESSAGE", target="sip:ben@example.com", event="") + ["Route: " + route])
        answer = c.receive()
        assert answer.status == 403 and answer.get("ms-diagnostics").startswith("1004;"), (route, answer.start, answer.headers)
    assert w.front.is_quiet()
    assert "fault=route-token" in edge_trace(w)
    c.close()


# ---- outward ----

def the_inside_is_not_seen_in_answers(w):
    c = w.client()
    c.send(c.lines())
    m = w.front.next()
    own = [l.split(": ", 1)[1] for l in c.lines() if l.startswith("Contact")][0].split(";proxy")[0]
    instance = re.search(r'\+sip\.instance="<urn:uuid:([^>]*)>"', m.get("Contact")).group(1).lower()
    others = ["Contact: <sip:10.7.7.7:5060;ms-received-cid=99>;expires=70;+sip.instance=\"<urn:uuid:11111111-2222-3333-4444-555555555555>\"",
              "Contact: <sip:10.7.7.8:5060>;expires=70;+sip.instance=\"<urn:uuid:a1111111-2222-3333-4444-555555555555>\", "
              "%s;expires=7200;+sip.instance=\"<urn:uuid:%s>\";gruu=\"sip:ada@example.com;gruu\", <sip:10.7.7.9>;expires=1" % (own, instance)]
    w.front.reply(m, "200 OK", others + ["Record-Route: <sip:fe01.example.com:5061;transport=tls;ms-fe=fe01.example.com;lr;ms-route-sig=X>",
                                         "Path: <sip:fe01.example.com;lr>", "Route: <sip:fe01.example.com>",
                                         "ms-edge-proxy-message-trust: ms-source-type=InternetUser"])
    answer = c.receive()
    assert answer.status == 200 and b"10.7.7" not in answer.head and b"fe01" not in answer.head, answer.head
    assert len(answer.all("Contact")) == 1 and instance in answer.get("Contact"), answer.all("Contact")
    assert len(answer.all("Via")) == 1 and "branched" not in answer.get("Via") and not answer.all("Path"), answer.headers
    assert not answer.all("ms-edge-proxy-message-trust")
    assert re.match(r"<sip:sip\.example\.com:", answer.get("Record-Route")) and len(answer.all("Record-Route")) == 1, answer.all("Record-Route")
    c.close()


def requests_find_their_client_by_route_and_show_nothing_of_the_inside(w):
    clients = [w.client("ada"), w.client("ada"), w.client("ben")]
    ways = [w.bring(c) for c in clients]
    for method in ("INVITE", "MESSAGE", "NOTIFY"):
        for c, m in zip(clients, ways):
            call = request(w.front, m, method, way_to(m), extra=["Record-Route: <sip:fe01.example.com:5061;lr>", "Path: <sip:fe01.example.com>"],
                           body="hello")
            got = c.receive()
            assert got.start.startswith(method) and got.get("Call-ID") == call and got.body == b"hello", got.start
            assert got.get("Max-Forwards") == "59" and not got.all("Route") and not got.all("Path"), got.headers
            assert b"10.9.8" not in got.head and b"fe01" not in got.head, got.head
            assert len(got.all("Via")) == 1 and got.get("Via").startswith("SIP/2.0/TLS sip.example.com:" + w.edge.outside.split(":")[1]), got.all("Via")
            hidden = re.search(r'ms-internal-info="([^"]*)"', got.get("Via")).group(1)
            assert b"10.9.8" not in base64.b64decode(hidden)
            assert len(got.all("Record-Route")) == (1 if method == "INVITE" else 0), got.all("Record-Route")
            reply_lines = ["SIP/2.0 200 OK", "Via: " + got.get("Via"), "From: " + got.get("From"), "To: " + got.get("To") + ";tag=T",
                           "Call-ID: " + call, "CSeq: " + got.get("CSeq")] + ["Record-Route: " + r for r in got.all("Record-Route")]
            c.send(reply_lines)
            answer = w.front.next()
            assert answer.status == 200 and answer.get("Call-ID") == call, answer.start
            assert answer.all("Via") == ["SIP/2.0/TLS 10.9.8.7:5061;branch=z9hG4bKAAAA.BBBB",
                                         "SIP/2.0/TLS 10.9.8.6:50000;branch=z9hG4bKCCCC;received=10.9.8.6;ms-received-port=50000;"
                                         "ms-received-cid=1200"], answer.all("Via")
            assert b"ms-internal-info" not in answer.head
            assert answer.link is m.link, "the answer came over another link"
    for c in clients:
        c.close()


def requests_find_their_client_by_the_number_of_its_connection(w):
    clients = [w.client("ada"), w.client("ben")]
    for c, m in [(c, w.bring(c)) for c in clients]:
        cid = re.search(r"ms-received-cid=([0-9A-F]+)", m.all("Via")[1]).group(1)
        for method in ("INVITE", "MESSAGE", "NOTIFY"):
            call = request(w.front, m, method, uri="sip:127.0.0.1:5070;transport=tls;ms-received-cid=" + cid)
            got = c.receive()
            assert got.start.startswith(method) and got.get("Call-ID") == call and b"10.9.8" not in got.head, got.head
    for c in clients:
        c.close()


def a_dialog_goes_both_ways(w):
    c = w.client()
    m = w.bring(c)
    call = request(w.front, m, "INVITE", way_to(m))
    got = c.receive()
    c.send(["SIP/2.0 200 OK", "Via: " + got.get("Via"), "From: " + got.get("From"), "To: " + got.get("To") + ";tag=T", "Call-ID: " + call,
            "CSeq: " + got.get("CSeq"), "Record-Route: " + got.get("Record-Route")])
    assert w.front.next().status == 200
    request(w.front, m, "ACK", way_to(m), tag=";tag=T")
    assert c.receive().start.startswith("ACK")
    c.send(["BYE sip:ben@example.com SIP/2.0", "Via: SIP/2.0/TLS 127.0.0.1:5070", "Max-Forwards: 70", "From: <sip:ada@example.com>;tag=T",
            "To: <sip:ben@example.com>;tag=BEN", "Call-ID: " + call, "CSeq: 1 BYE", "Route: " + got.get("Record-Route")])
    bye = w.front.next()
    assert bye.start.startswith("BYE") and not bye.all("Route"), bye.headers
    w.front.reply(bye)
    assert c.receive().status == 200
    c.close()


def refused(w, m, status, **kw):
    call = request(w.front, m, "MESSAGE", **kw)
    answer = w.front.next()
    assert answer.status == status and answer.get("Call-ID") == call, (status, answer.start)
    return answer


def a_token_of_another_user_or_a_forged_one_is_refused(w):
    a, b = w.client("ada"), w.client("ben")
    to_a, to_b = w.bring(a), w.bring(b)
    for route in (way_to(to_a).replace(token_of(way_to(to_a)), "A" * 47), way_to(to_a).replace(token_of(way_to(to_a)), token_of(way_to(to_a))[:-1]),
                  re.sub(r"(ms-route-sig=.{20})(.)", lambda m: m.group(1) + ("B" if m.group(2) != "B" else "C"), way_to(to_a)),
                  re.sub(r";ms-route-sig=[^;>]*", "", way_to(to_a)), "<sip:evil.example.net;lr>"):
        answer = refused(w, to_a, 403, route=route)
        assert answer.get("ms-diagnostics").startswith("1004;"), answer.headers
    refused(w, to_a, 403, route=way_to(to_a), to="sip:ben@example.com")
    refused(w, to_b, 403, route=way_to(to_a))
    # a token that leads out is none that leads in, and the other way round
    for c, m in ((a, to_a), (b, to_b)):
        c.send(c.lines("MESSAGE", target="sip:ben@example.com", event="") + ["Route: " + way_to(m)])
        assert c.receive().status == 403
    refused(w, to_a, 403, route=to_a.answer.get("Record-Route"))
    # the other user's token from outside
    b.send(b.lines("MESSAGE", target="sip:ada@example.com", event="") + ["Route: " + to_a.answer.get("Record-Route")])
    assert b.receive().status == 403
    a.send(a.lines("MESSAGE", target="sip:ben@example.com", event="") + ["Route: " + to_a.answer.get("Record-Route")])
    assert w.front.next().start.startswith("MESSAGE")
    a.close()
    b.close()


def a_token_of_an_ended_connection_is_480_and_481_in_a_dialog(w):
    c, other = w.client("ada"), w.client("ada")
    m, m2 = w.bring(c), w.bring(other)
    way, number = m.answer.get("Record-Route"), re.search(r"ms-received-cid=([0-9A-F]+)", m.all("Via")[1]).group(1)
    c.close()
    until(lambda: number in w.front.gone)
    refused(w, m, 480, route=way_to(m))
    answer = refused(w, m, 481, route=way_to(m), tag=";tag=DIALOG")
    assert answer.get("ms-diagnostics").startswith("1004;")
    refused(w, m, 480, uri="sip:127.0.0.1:5070;transport=tls;ms-received-cid=" + number)
    lines = other.lines("MESSAGE", target="sip:ben@example.com", event="")
    assert other.ask(lines + ["Route: " + way]).status == 480
    assert other.ask([l + ";tag=D" if l.startswith("To") else l for l in lines] + ["Route: " + way]).status == 481
    again = w.bring(other, other.lines(extra=["Route: " + way]))  # a REGISTER begins anew
    assert again.answer.status == 200 and not again.all("Route")
    other.close()


def a_token_of_an_earlier_boot_is_480_and_481_in_a_dialog(w):
    c = w.client("ada")
    m = w.bring(c)
    way = m.answer.get("Record-Route")
    w.edge.stop()
    assert c.receive() is None, "the client was not closed"
    c.close()
    w.edge.start()
    c = w.client("ada")
    now = w.bring(c)
    refused(w, now, 480, route=way_to(m))
    refused(w, now, 481, route=way_to(m), tag=";tag=DIALOG")
    lines = c.lines("MESSAGE", target="sip:ben@example.com", event="")
    assert c.ask(lines + ["Route: " + way]).status == 480
    assert c.ask([l + ";tag=D" if l.startswith("To") else l for l in lines] + ["Route: " + way]).status == 481
    assert w.bring(c, c.lines(extra=["Route: " + way])).answer.status == 200
    c.close()


def an_answer_that_nobody_asked_for_goes_nowhere(w):
    c, other = w.client("ada"), w.client("ada")
    m = w.bring(c)
    w.bring(other)
    request(w.front, m, "MESSAGE", way_to(m))
    got = c.receive()
    lines = ["SIP/2.0 200 OK", "Via: " + got.get("Via"), "From: " + got.get("From"), "To: " + got.get("To") + ";tag=x",
             "Call-ID: " + got.get("Call-ID"), "CSeq: " + got.get("CSeq")]
    other.send(lines)  # of another connection
    flip = lambda v: re.sub(r'(ms-internal-info=".{30})(.)', lambda m: m.group(1) + ("A" if m.group(2) != "A" else "B"), v)
    c.send([flip(l) for l in lines])
    c.send([l if not l.startswith("Via") else "Via: SIP/2.0/TLS sip.example.com:443;branch=z9hG4bK1" for l in lines])
    assert w.front.is_quiet()
    c.send(lines)
    assert w.front.next().status == 200
    c.close()
    other.close()


def max_forwards_ends_a_loop(w):
    c = w.client()
    lines = [l if not l.startswith("Max-Forwards") else "Max-Forwards: 0" for l in c.lines("MESSAGE", target="sip:ben@example.com", event="")]
    assert c.ask(lines).status == 483
    assert w.front.is_quiet()
    c.close()


def the_end_of_a_client_is_told_inward(w):
    c = w.client()
    number = re.search(r"ms-received-cid=([0-9A-F]+)", w.bring(c).all("Via")[1]).group(1)
    c.close()
    until(lambda: number in w.front.gone)


def bodies_and_large_messages_pass_unchanged(w):
    c = w.client()
    for size in (1, 1000, 40000):
        body = "".join(chr(33 + (i * 7) % 90) for i in range(size))
        c.send(c.lines("SERVICE", target="sip:ada@example.com", event="") + ["Content-Type: text/plain"], body)
        m = w.front.next()
        assert m.body.decode() == body
        w.front.reply(m)
        assert c.receive().status == 200
    c.send(c.lines("SERVICE", target="sip:ada@example.com", event=""), "x" * 64000)
    assert c.receive().status == 513
    c.close()


def two_users_over_one_link_get_their_own_answers(w):
    clients = [w.client("user%d" % i) for i in range(10)]
    for c in clients:
        c.send(c.lines())
    asked = [w.front.next() for _ in clients]
    for m in reversed(asked):
        w.front.reply(m, "200 OK", ["X-For: " + m.get("Call-ID")])
    for c in clients:
        answer = c.receive()
        assert answer.get("X-For") == c.call_id == answer.get("Call-ID"), answer.headers
        c.close()


if __name__ == "__main__":
    main(tests_of(globals(), ("text_lines", "way_to", "request", "token_of", "refused")), World)
