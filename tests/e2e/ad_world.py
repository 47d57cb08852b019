# SPDX-License-Identifier: MIT
"""What the tests with Active Directory need around them: the lab, a deployment whose authd asks it, and clients
that answer with every kind of NTLM response or with a ticket.

The deployment runs in the namespaces of the lab's member `fe`; clients come over loopback."""
import base64, contextlib, hashlib, json, os, random, re, shutil, socket, struct, subprocess, sys, tempfile, time

from Cryptodome.Cipher import DES

from demo import POSTERN
from edge_world import Authority, Deployment, ask, die_with_parent, fresh_source, read_all, until
from sipae import DEFAULT_FLAGS, ESS, Client, hmac_md5, md4, params, rc4

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAB = SOURCE + "/tests/lab/"
BUILD = os.environ.get("POSTERN_BUILD") or os.path.dirname(os.path.abspath(POSTERN))
GSS_TOOL, SIPE_CLIENT = BUILD + "/tests/oracle/gss_tool", BUILD + "/tests/e2e/sipe_client"
XP_FLAGS = 0x42008255
NTLM_SETTINGS = ("yes", "mschapv2-and-ntlmv2-only", "ntlmv2-only", "disabled")
BASE = "DC=ad,DC=example,DC=test"


def free_network():
    """The first three numbers of loopback addresses where no other lab is: several may run on one machine."""
    while True:
        network = "127.%d.%d" % (random.randrange(40, 90), random.randrange(1, 250))
        with contextlib.suppress(OSError), socket.socket() as s:
            s.bind((network + ".10", 389))
            return network


class Person(dict):
    """A row of users.tsv."""


class Lab:
    """An Active Directory of our own; ends with this process, however that ends."""

    def __init__(self, *options):
        self.dir = tempfile.mkdtemp(prefix="postern-ad-")
        if "--net" in options:
            self.dc, self.fe, self.options = "10.77.0.10", "10.77.0.20", options
        else:
            network = free_network()
            self.dc, self.fe = network + ".10", network + ".11"
            self.options = ("--dc", self.dc, "--fe", self.fe) + options

    def __enter__(self):
        began = time.monotonic()
        self.process = subprocess.Popen([LAB + "up.sh", "--attached", *self.options, self.dir], stdin=subprocess.PIPE,
                                        preexec_fn=die_with_parent)
        code = self.process.wait(120)
        if code == 77:
            shutil.rmtree(self.dir)
            sys.exit(77)
        if code:
            shutil.rmtree(self.dir)
            raise AssertionError("the lab did not come up")
        print("        the lab took %.1f s" % (time.monotonic() - began), flush=True)
        self.people = {}
        for line in read_all(self.dir + "/users.tsv").splitlines():
            if not line.startswith("#"):
                row = Person(zip(("name", "login", "password", "uri", "ntstatus", "inside", "outside"), line.split("\t")))
                self.people[row["name"]] = row
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        subprocess.run([LAB + "down.sh", self.dir], check=True)

    def run(self, host, *words, **kw):
        kw.setdefault("check", True)
        kw.setdefault("timeout", 60)
        done = subprocess.run([LAB + "exec.sh", self.dir, host, *words], capture_output=True, text=True, **dict(kw, check=False))
        assert not kw["check"] or done.returncode == 0, (words, done.returncode, done.stdout, done.stderr)
        return done

    def daemons(self, *words):
        """dc.sh: start, kill, stop, continue, ntlm SETTING ..."""
        subprocess.run([LAB + "dc.sh", *words, self.dir], check=True, timeout=60)

    # ---- as an administrator ----

    def ldap(self, program, *words, stdin=None):
        env = dict(os.environ, LDAPTLS_CACERT=self.dir + "/tls/ca.crt")
        done = subprocess.run([LAB + "exec.sh", self.dir, "int", program, "-x", "-H", "ldaps://" + self.dc, "-D", "EXAMPLE\\Administrator", "-y", self.dir + "/admin.password",
                               *words], input=stdin, capture_output=True, text=True, env=env, timeout=30)
        assert done.returncode == 0, (words, stdin, done.stdout, done.stderr)
        return done.stdout

    def dn(self, name):
        text = self.ldap("ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-b", BASE, "(sAMAccountName=%s)" % name, "1.1")
        return re.search(r"(?m)^dn: (.*)$", text).group(1)

    def attribute(self, name, attribute):
        text = self.ldap("ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-b", BASE, "(sAMAccountName=%s)" % name, attribute)
        m = re.search(r"(?mi)^%s: (.*)$" % attribute, text)
        return m.group(1) if m else None

    def set(self, name, **values):
        """Replaces attributes; None removes one."""
        lines = ["dn: " + self.dn(name), "changetype: modify"]
        for attribute, value in values.items():
            attribute = attribute.replace("_", "-")
            lines += ["replace: " + attribute] + (["%s: %s" % (attribute, value)] if value is not None else []) + ["-"]
        self.ldap("ldapmodify", stdin="\n".join(lines) + "\n")

    def bad_passwords(self, name):
        return int(self.attribute(name, "badPwdCount") or 0)

    # ---- tickets ----

    def tickets(self, name, password=None, rc4=False, service=None):
        """A kinit: the environment of somebody who signed in to Windows.  `service`: has asked for a ticket to it already."""
        n = len(os.listdir(self.dir))
        env = dict(os.environ, KRB5_CONFIG=self.dir + ("/krb5-rc4.conf" if rc4 else "/krb5.conf"), LC_ALL="C.UTF-8",
                   KRB5CCNAME="FILE:%s/tickets-%d-%s" % (self.dir, n, hashlib.md5(name.encode()).hexdigest()))
        done = subprocess.run(["kinit", name], input=(password or self.people[name]["password"]) + "\n", capture_output=True, text=True,
                              env=env, timeout=30)
        assert done.returncode == 0, (name, done.stderr)
        if service:
            tool = Tool(env)
            tool.ask("init", service)
            tool.close()
        return env


class AdDeployment(Deployment):
    """`postern serve` on the lab's member: front and Edge in one, accounts from the lab."""

    def __init__(self, lab, root, authority, name="ad", sections=None):
        self.lab = lab
        if not os.path.exists(root + "/fe.pem"):
            authority.issue("fe", "fe.example.test")
            authority.issue("edge", "sip.example.test")
        given = {
            "general": dict(domain="example.test", fqdn="fe.example.test"),
            "front": dict(edge_servers="sip.example.test", legacy_networks="127.0.0.0/8"),
            "edge": dict(public_name="sip.example.test", front_servers="fe.example.test", legacy_networks="127.0.0.0/8"),
            "directory": dict(source="ad", netbios_domain="EXAMPLE", ad_domain="ad.example.test",
                              ad_servers="ldap://dc1.ad.example.test", ad_bind="gssapi", ad_user="ldapread",
                              ad_keytab=lab.dir + "/ldapread.keytab", ad_poll="2s"),
            "kerberos": dict(keytab=lab.dir + "/sip.keytab", realm="AD.EXAMPLE.TEST", service="sip/fe.example.test"),
            # the tests guess wrong more often than a person may
            "budget": dict(account_failures=0, ceiling=0, source_failures=0, network_failures=0),
        }
        for section, keys in (sections or {}).items():
            given.setdefault(section, {}).update(keys)
        for keys in given.values():
            for key in [k for k, v in keys.items() if v is None]:
                del keys[key]
        super().__init__(root, name, authority, sections=given)
        self.users = {p["name"]: p for p in lab.people.values()}

    def start(self, ready=True, words=None):
        with open(self.dir + "/stderr", "ab") as err:
            self.process = subprocess.Popen([LAB + "exec.sh", self.lab.dir, "fe", POSTERN, *(words or ["serve"]), "-c", self.config],
                                            stdout=err, stderr=err, preexec_fn=die_with_parent)
        if ready:
            try:
                until(self.is_ready)
            except AssertionError:
                print(read_all(self.dir + "/stderr"), self.trace()[-3000:], self.authd_trace()[-3000:])
                raise
        return self

    def policy(self, *words):
        return self.run("policy", "set", "-c", self.config, *words)

    def authd_trace(self):
        try:
            ask(self.config, "authd", do="flush")
        except OSError:
            pass
        return read_all(self.dir + "/authd.log")

    def faults(self, client):
        """The faults that front and Edge recorded about a client's requests."""
        return re.findall(r"fault=([\w-]+)", "".join(r for r in self.trace().split("$$end_record") if client.call_id in r))

    def judged(self, since):
        """What authd said since it had written so much: (fault, record)."""
        return [(m.group(1), r) for r in self.authd_trace()[since:].splitlines() for m in [re.search(r"Authd,judge:[^()]*\(\d+\)\)([\w-]+)", r)] if m]


# ---- clients ----

def des(key7, block):
    bits = int.from_bytes(key7, "big")
    key = bytes((bits >> (49 - 7 * i) & 0x7F) << 1 for i in range(8))
    return DES.new(key, DES.MODE_ECB).encrypt(block)


def desl(key, block):
    padded = key + b"\0" * 5
    return b"".join(des(padded[i:i + 7], block) for i in (0, 7, 14))


class NtlmClient(Client):
    """Answers with a response of the kind asked for: v1, ntlm2 (the session form) or v2."""

    def __init__(self, address, person, kind="v2", login=None, **kw):
        kw.setdefault("password", person["password"])
        self.kind, self.workstation = kind, kw.pop("workstation", "TEST")
        flags = kw.pop("flags", {"v1": XP_FLAGS, "ntlm2": DEFAULT_FLAGS, "v2": DEFAULT_FLAGS}[kind])
        super().__init__(address, kw.pop("uri", person["uri"]), login if login is not None else person["login"], flags=flags, **kw)

    def authenticate(self, challenge, flags=None, service=None):
        if self.kind == "v2":
            return super().authenticate(challenge, flags, service)
        flags, server, u16 = self.flags if flags is None else flags, challenge[24:32], lambda s: s.encode("utf-16-le")
        nt, nonce, exported = md4(u16(self.password)), os.urandom(8), os.urandom(16)
        base = md4(nt)
        if flags & ESS:
            lm, answer = nonce + b"\0" * 16, desl(nt, hashlib.md5(server + nonce).digest()[:8])
            base = hmac_md5(base, server, nonce)
        else:
            lm = answer = desl(nt, server)
        parts = [lm, answer, u16(self.domain), u16(self.user), u16(self.workstation), rc4(base, exported)]
        fields, payload = b"", b""
        for p in parts:
            fields += struct.pack("<HHI", len(p), len(p), 72 + len(payload))
            payload += p
        return b"NTLMSSP\0" + struct.pack("<I", 3) + fields + struct.pack("<I", flags) + bytes([5, 1, 0x28, 0xA, 0, 0, 0, 15]) + payload, exported


class Tool:
    """MIT's initiator, one context."""

    def __init__(self, env, clock=0):
        self.process = subprocess.Popen([GSS_TOOL, *(["--clock", str(clock)] if clock else [])], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env=env)

    def ask(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        what, _, rest = self.process.stdout.readline().strip().partition(" ")
        assert what != "error", (words[0], rest)
        return what, rest

    def mac(self, text):
        return bytes.fromhex(self.ask("mic", text.hex())[1])

    def check(self, text, signature):
        return self.ask("verify", text.hex(), signature.hex())[0] == "ok"

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class KerberosClient(Client):
    """Signs in with a ticket.  `want`: what else the initiator asks for: replay, sequence."""

    scheme = "Kerberos"

    def __init__(self, address, person, env, clock=0, want=(), **kw):
        self.env, self.clock, self.want, self.tool = env, clock, want, None
        super().__init__(address, kw.pop("uri", person["uri"]), person["login"], "", **kw)

    def close(self):
        super().close()
        if self.tool:
            self.tool.close()

    def offer(self):
        first = self.ask(self.lines())
        assert first.status == 401, first.start
        offers = [params(v) for v in first.all("WWW-Authenticate") if v.startswith("Kerberos ")]
        assert offers, first.headers
        self.realm, self.target = offers[0]["realm"], offers[0]["targetname"]
        return offers[0]

    def token(self):
        if self.tool:
            self.tool.close()
        self.tool = Tool(self.env, self.clock)
        what, token = self.tool.ask("init", self.target, *self.want)
        return bytes.fromhex(token)

    def present(self, token, extra=()):
        """The REGISTER with the token; signed itself in version 4."""
        self.half = {"opaque": None, "realm": self.realm, "target": self.target, "client": self.tool, "server": self.tool}
        lines = self.lines(extra=extra)
        at = 'Authorization: Kerberos qop="auth", realm="%s", targetname="%s", gssapi-data="%s"' % (
            self.realm, self.target, base64.b64encode(token).decode())
        if self.version >= 3:
            at += ", version=%d" % self.version
        if self.version >= 4:
            at += ", " + self.sign(lines, sa=self.half)
        return self.ask(lines + [at])

    def sign_in(self, extra=()):
        self.offer()
        answer = self.present(self.token(), extra)
        if answer and answer.status not in (401, 503):
            self.sa = dict(self.half, opaque=params(answer.get("Authentication-Info")).get("opaque"))
        return answer


class AdWorkshop:
    """The lab, one deployment, and a door to each side."""

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.lab = stack.enter_context(Lab())
            self.root = tempfile.mkdtemp(prefix="postern-edge-")
            stack.callback(shutil.rmtree, self.root)
            self.authority = Authority(self.root)
            self.d = AdDeployment(self.lab, self.root, self.authority)
            self.config = self.d.config
            stack.enter_context(self.d)
            until(self.names, 20)
            self.stack = stack.pop_all()
        return self

    def names(self):
        """Whether authd knows what the machine is called: the first sign-ins wait for that."""
        c = self.ntlm("ada")
        try:
            _, challenge = c.challenge()
            return target_info(challenge).get(1) == "FE"
        finally:
            c.close()

    def __exit__(self, *_):
        self.stack.close()

    def ntlm(self, name="ada", outside=False, **kw):
        person = kw.pop("person", None) or self.lab.people[name]
        if outside:
            return NtlmClient(self.d.outside, person, ca=self.d.ca, source=kw.pop("source", None) or fresh_source(), **kw)
        return NtlmClient(self.d.inside_tcp, person, **kw)

    def kerberos(self, name="ada", env=None, **kw):
        return KerberosClient(self.d.inside_tcp, self.lab.people[name], env or self.lab.tickets(name), **kw)

    def signin(self, name, profile, where="inside", scheme="ntlm"):
        """`postern signin`: its last line."""
        person = self.lab.people[name]
        server = self.d.inside if where == "inside" else self.d.outside
        env = self.lab.tickets(name) if scheme == "kerberos" else os.environ
        done = subprocess.run([POSTERN, "signin", person["uri"], "--login", person["login"], "--server", server, "--ca", self.d.ca,
                               "--profile", profile, "--scheme", scheme, "--json", "--timeout", "20",
                               *(["--password-stdin"] if scheme == "ntlm" else [])],
                              input=person["password"] + "\n", capture_output=True, text=True, timeout=120, env=env)
        assert done.stdout, (done.returncode, done.stderr)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        return rows


def target_info(challenge):
    """AV pairs of a CHALLENGE: number to text."""
    length, _, offset = struct.unpack_from("<HHI", challenge, 40)
    at, end, pairs = offset, offset + length, {}
    while at + 4 <= end:
        what, size = struct.unpack_from("<HH", challenge, at)
        if what == 0:
            break
        value = challenge[at + 4:at + 4 + size]
        pairs[what] = value.decode("utf-16-le") if what in (1, 2, 3, 4, 5, 9) else value
        at += 4 + size
    return pairs


def plain_401(answer):
    """A refusal's head with what differs by nature made alike: the client's own values, tag and date."""
    head = answer.head.decode()
    assert answer.status == 401 and "Authentication-Info" not in head, head
    for header in ("Via", "From", "To", "Call-ID", "CSeq"):
        assert len(re.findall(r"(?m)^%s: " % header, head)) == 1, head
        head = re.sub(r"(?m)^%s: .*$" % header, header + ": *", head)
    return re.sub(r"(?m)^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", "Date: *", head)
