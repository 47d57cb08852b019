#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Wireshark's dissectors read what we send: a whole sign-in as SIP, and its NTLM messages.

A client of the tests signs in to a running demo; what went over the connection is written as a
capture file (no sniffing, so no privileges), and tshark must decode every message, find nothing
malformed, and read the same fields out of the NTLM messages as we put in."""
import base64, os, re, struct, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from demo import Demo
from sipae import Client

SIP_PORT, HTTP_PORT = 5060, 80


class Recorder(Client):
    """Keeps what was said: (from the client?, octets)."""

    def __init__(self, *args, **kw):
        self.said = []
        super().__init__(*args, **kw)
        inner = self.socket
        said = self.said

        class Tap:
            def sendall(self, data):
                said.append((True, data))
                inner.sendall(data)

            def recv(self, n):
                data = inner.recv(n)
                said.append((False, data))
                return data

            def __getattr__(self, name):
                return getattr(inner, name)

        self.socket = Tap()


def capture(path, port, said):
    """A capture file of raw IPv4 packets (link type 101) with one TCP connection in it."""
    seq = {True: 1, False: 1}
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for number, (client, data) in enumerate(said):
            for at in range(0, len(data), 1400):
                part = data[at:at + 1400]
                ports = (40000, port) if client else (port, 40000)
                tcp = struct.pack(">HHIIBBHHH", *ports, seq[client], seq[not client], 0x50, 0x18, 65535, 0, 0)
                ends = (b"\x7f\0\0\x01", b"\x7f\0\0\x02") if client else (b"\x7f\0\0\x02", b"\x7f\0\0\x01")
                ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(part), 0, 0, 64, 6, 0, *ends)
                packet = ip + tcp + part
                f.write(struct.pack("<IIII", number, 0, len(packet), len(packet)) + packet)
                seq[client] += len(part)


def tshark(path, *options):
    done = subprocess.run(["tshark", "-n", "-r", path, *options], capture_output=True, text=True, timeout=120,
                          env=dict(os.environ, HOME=tempfile.gettempdir()))
    assert done.returncode == 0, done.stderr
    return done.stdout


def complaints(path, *options):
    return tshark(path, *options, "-Y", "_ws.malformed || _ws.expert.severity == error", "-V")


def main():
    with Demo() as demo, tempfile.TemporaryDirectory() as folder:
        ada = demo.users["ada"]
        c = Recorder(demo.ready["inside_tcp"], ada["uri"], ada["login"], ada["password"])
        assert c.sign_in().status == 200
        assert c.refresh().status == 200
        assert c.ask(c.signed(c.lines("SUBSCRIBE", target=c.uri, event="vnd-microsoft-roaming-self"))).status == 200
        assert c.refresh(extra=["Expires: 0"]).status == 200
        c.close()

        sip = os.path.join(folder, "sip.pcap")
        capture(sip, SIP_PORT, c.said)
        options = ("-d", "tcp.port==%d,sip" % SIP_PORT)
        rows = tshark(sip, *options, "-Y", "sip", "-T", "fields", "-e", "sip.Status-Code", "-e", "sip.CSeq.seq", "-e", "sip.CSeq.method")
        seen = [tuple(r.split("\t")) for r in rows.splitlines()]
        expected = [(status, str(cseq), method) for cseq, (method, answer) in
                    enumerate([("REGISTER", "401"), ("REGISTER", "401"), ("REGISTER", "200"), ("REGISTER", "200"), ("SUBSCRIBE", "200"),
                               ("REGISTER", "200")], 1) for status in ("", answer)]
        assert seen == expected, seen
        assert not complaints(sip, *options), complaints(sip, *options)
        print("ok: %d SIP messages decoded, none malformed" % len(seen))

        # the SIP dissector does not look into gssapi-data; the HTTP one hands its tokens on
        text = b"".join(data for _, data in c.said).decode("latin-1")
        tokens = re.findall(r'gssapi-data="([A-Za-z0-9+/=]+)"', text)
        assert len(tokens) == 2, tokens
        http = os.path.join(folder, "http.pcap")
        capture(http, HTTP_PORT, [
            (False, b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM %s\r\nContent-Length: 0\r\n\r\n" % tokens[0].encode()),
            (True, b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: NTLM %s\r\n\r\n" % tokens[1].encode())])
        rows = tshark(http, "-Y", "ntlmssp", "-T", "fields", "-e", "ntlmssp.messagetype", "-e", "ntlmssp.negotiateflags", "-e",
                      "ntlmssp.auth.username", "-e", "ntlmssp.auth.domain", "-e", "ntlmssp.challenge.target_info.dns_computer_name")
        challenge, authenticate = [r.split("\t") for r in rows.splitlines()]
        flags = struct.unpack_from("<I", base64.b64decode(tokens[0]), 20)[0]
        assert int(challenge[0], 16) == 2 and int(challenge[1], 16) == flags, challenge
        assert challenge[4] == "fe01.example.com", challenge
        assert int(authenticate[0], 16) == 3 and authenticate[2:4] == ["ada", "EXAMPLE"], authenticate
        assert not complaints(http), complaints(http)
        print("ok: CHALLENGE 0x%08x and AUTHENTICATE read, none malformed" % flags)


main()
