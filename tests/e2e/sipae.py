# SPDX-License-Identifier: MIT
"""A second implementation of the client's half, for the tests only: SIP over a socket, NTLM in
datagram mode and the signatures of [MS-SIPAE] versions 2 to 4, written after the specifications and
sharing no code with the server under test."""
import base64, functools, hashlib, hmac, os, re, socket, ssl, struct, zlib

UNICODE, REQ_TARGET, SIGN, DATAGRAM, NTLM, ALWAYS, ESS = 1, 4, 0x10, 0x40, 0x200, 0x8000, 0x80000
IDENTIFY, TARGET_INFO, VERSION, F128, KEY_EXCH = 0x100000, 0x800000, 0x2000000, 0x20000000, 0x40000000
DEFAULT_FLAGS = UNICODE | REQ_TARGET | SIGN | DATAGRAM | NTLM | ALWAYS | ESS | IDENTIFY | TARGET_INFO | VERSION | F128 | KEY_EXCH


@functools.lru_cache(256)
def md4(data):
    mask = 0xFFFFFFFF
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    padded = data + b"\x80" + b"\0" * ((55 - len(data)) % 64) + struct.pack("<Q", len(data) * 8)
    rol = lambda v, n: ((v << n) | (v >> (32 - n))) & mask
    steps = [(lambda x, y, z: (x & y) | (~x & z), 0, list(range(16)), (3, 7, 11, 19)),
             (lambda x, y, z: (x & y) | (x & z) | (y & z), 0x5A827999, [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15], (3, 5, 9, 13)),
             (lambda x, y, z: x ^ y ^ z, 0x6ED9EBA1, [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15], (3, 9, 11, 15))]
    for at in range(0, len(padded), 64):
        words = struct.unpack("<16I", padded[at:at + 64])
        a, b, c, d = state
        for mix, add, order, shifts in steps:
            for i, k in enumerate(order):
                a, b, c, d = d, rol((a + mix(b, c, d) + words[k] + add) & mask, shifts[i % 4]), b, c
        state = [(x + y) & mask for x, y in zip(state, (a, b, c, d))]
    return struct.pack("<4I", *state)


def rc4(key, data):
    s, j, out = list(range(256)), 0, bytearray()
    for i in range(256):
        j = (j + s[i] + key[i % len(key)]) & 255
        s[i], s[j] = s[j], s[i]
    i = j = 0
    for byte in data:
        i = (i + 1) & 255
        j = (j + s[i]) & 255
        s[i], s[j] = s[j], s[i]
        out.append(byte ^ s[(s[i] + s[j]) & 255])
    return bytes(out)


def hmac_md5(key, *parts):
    return hmac.new(key, b"".join(parts), "md5").digest()


class Signer:
    """One direction of an SA; without extended session security both are alike ([MS-NLMP] 3.4.4.1)."""

    def __init__(self, exported, client, flags):
        if not flags & ESS:
            self.sign, self.seal = None, exported[:5] + bytes.fromhex("e538b0")  # datagram, neither 128 nor 56 bit
            return
        strength = 16 if flags & F128 else 7 if flags & 0x80000000 else 5
        way = b"client-to-server" if client else b"server-to-client"
        self.sign = hashlib.md5(exported + b"session key to " + way + b" signing key magic constant\0").digest()
        self.seal = hashlib.md5(exported[:strength] + b"session key to " + way + b" sealing key magic constant\0").digest()

    def mac(self, text):
        seq = struct.pack("<I", 100)
        if not self.sign:
            hidden = rc4(self.seal, b"\0\0\0\0" + struct.pack("<I", zlib.crc32(text)) + seq)
            return struct.pack("<II", 1, 0) + hidden[4:]
        check = hmac_md5(self.sign, seq, text)[:8]
        return struct.pack("<I", 1) + rc4(hashlib.md5(self.seal + seq).digest(), check) + seq

    def check(self, text, signature):
        ours, from_octet = self.mac(text), 0 if self.sign else 8  # octets 4 to 7 carry nothing without it
        return len(signature) == 16 and ours[from_octet:] == signature[from_octet:]


COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length", "c": "content-type", "k": "supported"}


class Message:
    def __init__(self, head, body):
        lines = re.sub(r"\r\n[ \t]+", " ", head.decode("utf-8", "replace")).split("\r\n")
        self.start, self.body, self.headers = lines[0], body, []
        self.head = head  # octet for octet
        for line in lines[1:]:
            if line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                self.headers.append((COMPACT.get(name, name), value.strip()))
        self.status = int(self.start.split()[1]) if self.start.startswith("SIP/2.0") else 0

    def all(self, name):
        return [v for n, v in self.headers if n == name.lower()]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else ""


def params(value):
    return {n.lower(): q if q or not b else b
            for n, q, b in re.findall(r'([\w-]+)\s*=\s*(?:"([^"]*)"|([^\s,"]*))', value)}


def part(value, name):
    m = re.search(r";\s*%s=([^;>\s]+)" % name, value.split(">")[-1])
    return m.group(1) if m else ""


def uri_of(value):
    m = re.search(r"<([^>]*)>", value)
    return m.group(1) if m else value.split(";")[0].strip()


def signed_text(scheme, rand, num, realm, target, m, version=4):
    cseq = m.get("CSeq").split()
    fields = [scheme, rand, num, realm, target, m.get("Call-ID"), cseq[0], cseq[1], uri_of(m.get("From")),
              part(m.get("From"), "tag")]
    if version < 3:
        fields += [part(m.get("To"), "tag"), m.get("Expires")]
    else:
        fields += [uri_of(m.get("To")), part(m.get("To"), "tag"), "", "", m.get("Expires")]
    text = "".join("<%s>" % f for f in fields)
    if m.status:
        text += "<%d>" % m.status
    return text.encode()


@functools.lru_cache
def tls_context(ca):
    return ssl.create_default_context(cafile=ca)


class Client:
    scheme = "NTLM"

    def __init__(self, address, uri, login="", password="", ca=None, tls=None, epid=None, source=None, flags=DEFAULT_FLAGS,
                 version=4, session=None):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), 10, source_address=(source, 0) if source else None)
        self.socket.settimeout(10)
        if tls if tls is not None else ca:
            self.socket = tls_context(ca).wrap_socket(self.socket, server_hostname=host, session=session)
        self.uri, self.password, self.flags, self.version = uri, password, flags, version
        self.domain, _, self.user = login.rpartition("\\")
        self.sip_domain = uri.split("@")[1]
        self.epid = epid or os.urandom(5).hex()
        self.tag, self.call_id = os.urandom(5).hex(), os.urandom(16).hex()
        self.cseq = self.cnum = 0
        self.buffer = b""
        self.sa = None

    def close(self):
        self.socket.close()

    def send_raw(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def receive(self):
        """The next message, or None when the server closed."""
        while True:
            self.buffer = self.buffer.lstrip(b"\r\n")
            head, mark, rest = self.buffer.partition(b"\r\n\r\n")
            if mark:
                m = re.search(rb"(?im)^content-length:\s*(\d+)", head)
                length = int(m.group(1)) if m else 0
                if len(rest) >= length:
                    self.buffer = rest[length:]
                    return Message(head, rest[:length])
            try:
                chunk = self.socket.recv(65536)
            except (ConnectionError, ssl.SSLError):
                chunk = b""
            if not chunk:
                return None
            self.buffer += chunk

    def lines(self, method="REGISTER", extra=(), target=None, event="registration", to=None):
        self.cseq += 1
        lines = ["%s %s SIP/2.0" % (method, target or "sip:" + self.sip_domain), "Via: SIP/2.0/TLS 127.0.0.1:5070",
                 "Max-Forwards: 70", "From: <%s>;tag=%s;epid=%s" % (self.uri, self.tag, self.epid),
                 "To: <%s>" % (to or self.uri), "Call-ID: " + self.call_id, "CSeq: %d %s" % (self.cseq, method)]
        if method == "REGISTER":
            lines += ["Contact: <sip:127.0.0.1:5070;transport=tls;ms-opaque=x>;proxy=replace;+sip.instance="
                      "\"<urn:uuid:34D859DB-6585-5F91-A3B4-%s>\"" % (self.epid + "00")[:12].upper(),
                      "Supported: gruu-10, adhoclist, msrtc-event-categories", "ms-keep-alive: UAC;hop-hop=yes"]
        if event:
            lines.append("Event: " + event)
        return lines + list(extra)

    def send(self, lines, body=""):
        self.send_raw("\r\n".join(lines + ["Content-Length: %d" % len(body), "", ""]) + body)

    def ask(self, lines, body=""):
        self.send(lines, body)
        return self.receive()

    def sign(self, lines, cnum=None, crand=None, sa=None):
        """The signature parameters for a request of these lines."""
        sa = sa or self.sa
        if cnum is None:
            self.cnum += 1
            cnum = self.cnum
        crand = crand or os.urandom(4).hex()
        m = Message("\r\n".join(lines).encode(), b"")
        text = signed_text(self.scheme, crand, str(cnum), sa["realm"], sa["target"], m, self.version)
        return 'crand="%s", cnum="%d", response="%s"' % (crand, cnum, sa["client"].mac(text).hex())

    def signed(self, lines, cnum=None, sa=None, opaque=None):
        sa = sa or self.sa
        at = 'Authorization: %s qop="auth", opaque="%s", realm="%s", targetname="%s", ' % (
            self.scheme, opaque or sa["opaque"], sa["realm"], sa["target"])
        return lines + [at + self.sign(lines, cnum, sa=sa)]

    def verify(self, m, sa=None):
        """Whether the message carries a right signature of the server."""
        sa = sa or self.sa
        p = params(m.get("Authentication-Info"))
        if "rspauth" not in p:
            return False
        text = signed_text(self.scheme, p["srand"], p["snum"], sa["realm"], sa["target"], m, self.version)
        return sa["server"].check(text, bytes.fromhex(p["rspauth"]))

    def authenticate(self, challenge, flags=None, service=None):
        """AUTHENTICATE for a CHALLENGE and the keys it agrees on; `service`: the TargetName it is made for."""
        length, _, offset = struct.unpack_from("<HHI", challenge, 40)
        info, server = challenge[offset:offset + length], challenge[24:32]
        if service:
            name = service.encode("utf-16-le")
            info = info[:-4] + struct.pack("<HH", 9, len(name)) + name + info[-4:]
        flags = self.flags if flags is None else flags
        u16 = lambda s: s.encode("utf-16-le")
        nt = md4(u16(self.password))
        v2 = hmac_md5(nt, u16(self.user.upper()), u16(self.domain))
        nonce, stamp = os.urandom(8), struct.pack("<Q", int((__import__("time").time() + 11644473600) * 1e7))
        temp = b"\x01\x01" + b"\0" * 6 + stamp + nonce + b"\0" * 4 + info + b"\0" * 4
        proof = hmac_md5(v2, server, temp)
        base, exported = hmac_md5(v2, proof), os.urandom(16)
        parts = [hmac_md5(v2, server, nonce) + nonce, proof + temp, u16(self.domain), u16(self.user), u16("TEST"),
                 rc4(base, exported)]
        fields, payload = b"", b""
        for p in parts:
            fields += struct.pack("<HHI", len(p), len(p), 72 + len(payload))
            payload += p
        token = b"NTLMSSP\0" + struct.pack("<I", 3) + fields + struct.pack("<I", flags) + bytes([6, 1, 0xB1, 0x1D, 0, 0, 0, 15]) + payload
        return token, exported

    def challenge(self):
        """Two REGISTERs: what the server offers, then its CHALLENGE.  Leaves the half-open SA."""
        first = self.ask(self.lines())
        assert first.status == 401, first.start
        p = params([v for v in first.all("WWW-Authenticate") if v.startswith("NTLM ")][0])
        self.realm, self.target = p["realm"], p["targetname"]
        lines = self.lines()
        second = self.ask(lines + ['Authorization: NTLM qop="auth", realm="%s", targetname="%s", gssapi-data="", version=%d'
                                   % (self.realm, self.target, self.version)])
        assert second.status == 401, second.start
        p = params(second.get("WWW-Authenticate"))
        return p["opaque"], base64.b64decode(p["gssapi-data"])

    def finish(self, opaque, token, exported, sign=True, extra=()):
        """The third REGISTER."""
        self.half = {"opaque": opaque, "realm": self.realm, "target": self.target,
                     "client": Signer(exported, True, self.flags), "server": Signer(exported, False, self.flags)}
        lines = self.lines(extra=extra)
        at = 'Authorization: NTLM qop="auth", opaque="%s", realm="%s", targetname="%s", gssapi-data="%s", version=%d' % (
            opaque, self.realm, self.target, base64.b64encode(token).decode(), self.version)
        if sign:
            at += ", " + self.sign(lines, sa=self.half)
        return self.ask(lines + [at])

    def sign_in(self, extra=()):
        opaque, challenge = self.challenge()
        token, exported = self.authenticate(challenge)
        answer = self.finish(opaque, token, exported, extra=extra)
        if answer and answer.status != 401 and answer.status != 503:
            self.sa = self.half
        return answer

    def refresh(self, extra=()):
        return self.ask(self.signed(self.lines(extra=extra)))
