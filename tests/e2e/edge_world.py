# SPDX-License-Identifier: MIT
"""What the tests of the Edge need around it: certificates, deployments with a configuration of
their own, a Front End that is none, and source addresses."""
import collections, contextlib, ctypes, itertools, json, os, queue, re, shutil, signal, socket, ssl, subprocess, sys, tempfile, threading
import time, traceback

from demo import POSTERN
from sipae import Client, Message

PASSWORD = "edge-Passw0rd"
WEAK = 0x42988255  # SIPE when neither 128 nor 56 bit are offered
OFFER = 'NTLM realm="SIP Communications Service", targetname="fe01.example.com", version=4'

_sources = itertools.count(1)


def fresh_source():
    """An address in a /24 that nobody used before: no budget and no limit knows it."""
    n = next(_sources)
    return "127.%d.%d.7" % (100 + n // 250, n % 250 + 1)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(what, seconds=20, every=0.05):
    """Waits for something to become true; returns it."""
    end = time.monotonic() + seconds
    while True:
        got = what()
        if got:
            return got
        assert time.monotonic() < end, "it did not happen within %d s: %s" % (seconds, what)
        time.sleep(every)


# ---- certificates ----

def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True)


class Authority:
    """A CA in a folder, and what it issues."""

    def __init__(self, folder, name="ca"):
        self.folder, self.file, self.key = folder, "%s/%s.pem" % (folder, name), "%s/%s.key" % (folder, name)
        openssl("req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "30",
                "-subj", "/CN=Postern test " + name, "-keyout", self.key, "-out", self.file)

    def issue(self, file, name, days=30, usage="serverAuth,clientAuth"):
        """FILE.pem and FILE.key for a name; an RSA pair too, FILE-rsa, for old clients.  Returns the words of a configuration."""
        base = "%s/%s" % (self.folder, file)
        for kind, end in ((["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], ""), (["rsa:2048"], "-rsa")):
            openssl("req", "-new", "-nodes", "-newkey", *kind, "-subj", "/CN=" + name, "-keyout", base + end + ".key", "-out", base + ".csr")
            os.chmod(base + end + ".key", 0o600)
            with open(base + ".ext", "w") as f:
                f.write("basicConstraints=CA:FALSE\nsubjectAltName=DNS:%s,DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=%s\n" % (name, usage))
            openssl("x509", "-req", "-in", base + ".csr", "-CA", self.file, "-CAkey", self.key, "-CAcreateserial", "-days", str(days),
                    "-extfile", base + ".ext", "-out", base + end + ".pem")
        return base


@contextlib.contextmanager
def folder():
    name = tempfile.mkdtemp(prefix="postern-edge-")
    try:
        yield name
    finally:
        shutil.rmtree(name)


# ---- deployments ----

def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def read_all(path):
    try:
        with open(path, encoding="utf-8", errors="replace", newline="") as f:
            return f.read()
    except FileNotFoundError:
        return ""


class Deployment:
    """One configuration file and the process that runs it.  `sections` adds lines to sections or replaces keys:
    {"edge": "hide_names = yes"}."""

    def __init__(self, root, name, authority, roles=("front", "edge"), users=(), sections=None, next_hops=None, keep_dir=None, links=1,
                 workers=1):
        self.dir = "%s/%s" % (root, name)
        self.roles, self.config, self.ca = roles, self.dir + "/postern.conf", authority.file
        self.process = None
        for d in ("", "/state", "/run"):
            os.makedirs(self.dir + d, mode=0o700, exist_ok=True)
        self.ports = collections.defaultdict(free_port)
        self.inside, self.inside_tcp, self.outside, self.link = ("127.0.0.1:%d" % self.ports[p] for p in
                                                                 ("inside", "inside_tcp", "outside", "link"))
        fe, edge = authority.folder + "/fe", authority.folder + "/edge"
        if not os.path.exists(fe + ".pem"):
            authority.issue("fe", "fe01.example.com")
            authority.issue("edge", "sip.example.com")
        self.sections = collections.OrderedDict()
        self.set("general", domain="example.com", fqdn="fe01.example.com" if "front" in roles else "edge01.inner.example.com",
                 state=self.dir + "/state", run=self.dir + "/run", workers=workers, user_front="", user_authd="", user_edge="",
                 admin_group="")
        if "front" in roles:
            self.set("front", tls_listen=self.inside, tcp_listen=self.inside_tcp, cert_file=fe + ".pem", key_file=fe + ".key",
                     rsa_cert_file=fe + "-rsa.pem", rsa_key_file=fe + "-rsa.key", edge_listen=self.link,
                     edge_servers="sip.example.com", edge_ca_file=authority.file)
            self.set("directory", source="sqlite", netbios_domain="EXAMPLE")
            self.set("policy", preset="windows-2008r2")
        if "edge" in roles:
            self.set("edge", listen=self.outside, public_name="sip.example.com", cert_file=edge + ".pem", key_file=edge + ".key",
                     rsa_cert_file=edge + "-rsa.pem", rsa_key_file=edge + "-rsa.key", remote_access="yes", links=links,
                     next_hops=next_hops or self.link, front_servers="fe01.example.com", link_cert_file=edge + ".pem",
                     link_key_file=edge + ".key", link_ca_file=authority.file)
        self.set("trace", path=self.dir + "/front.log")
        for section, keys in (sections or {}).items():
            self.set(section, **keys)
        self.write()
        self.users = {}
        if "front" in roles and users:
            self.import_users(users)

    def set(self, section, **keys):
        self.sections.setdefault(section, {}).update(keys)

    def write(self):
        with open(self.config, "w") as f:
            for section, keys in self.sections.items():
                f.write("[%s]\n%s\n" % (section, "".join("%s = %s\n" % k for k in keys.items())))

    def import_users(self, users):
        """Names; one with a minus before it has no remote access."""
        file = self.dir + "/users.csv"
        with open(file, "w") as f:
            f.write("name,uri,display,upn,remote_access,password\n")
            for name in users:
                remote, name = not name.startswith("-"), name.lstrip("-")
                f.write("%s,sip:%s@example.com,,,%s,%s\n" % (name, name, "yes" if remote else "no", PASSWORD))
                self.users[name] = {"uri": "sip:%s@example.com" % name, "login": "EXAMPLE\\" + name, "password": PASSWORD}
        os.chmod(file, 0o600)
        self.run("user", "import", "-c", self.config, file)

    def run(self, *words, stdin=None, check=True):
        done = subprocess.run([POSTERN, *words], input=stdin, capture_output=True, text=True, timeout=60)
        assert not check or done.returncode == 0, "%s: %d %s" % (words, done.returncode, done.stderr)
        return done

    def ctl(self, *words, **kw):
        return self.run("ctl", "-c", self.config, *words, **kw)

    def ask(self, role, **request):
        return ask(self.config, role, **request)

    def start(self, ready=True, words=None):
        role = "serve" if "front" in self.roles else "edge"
        with open(self.dir + "/stderr", "ab") as err:
            self.process = subprocess.Popen([POSTERN, *(words or [role]), "-c", self.config], stdout=err, stderr=err, preexec_fn=die_with_parent)
        if ready:
            try:
                until(self.is_ready)
            except AssertionError:
                print(read_all(self.dir + "/stderr"), self.trace()[-3000:])
                raise
        return self

    def is_ready(self):
        assert self.process.poll() is None, read_all(self.dir + "/stderr")
        return all(self.is_up(role) for role in (("front", "authd") if "front" in self.roles else ()) +
                   (("edge",) if "edge" in self.roles else ()))

    def is_up(self, role):
        try:
            status = self.ask(role, do="status")
        except OSError:
            return False
        return bool(status.get("ok")) and (role != "edge" or status["links_up"] == status["links"])

    def stop(self, kill=signal.SIGTERM):
        if self.process:
            self.process.send_signal(kill)
            code = self.process.wait(20)
            self.process = None
            assert kill != signal.SIGTERM or code in (0, -signal.SIGTERM), (code, read_all(self.dir + "/stderr")[-3000:])

    def __enter__(self):
        return self if self.process else self.start()

    def __exit__(self, *_):
        self.stop()
        errors = read_all(self.dir + "/stderr")
        assert "Sanitizer" not in errors and "runtime error" not in errors, errors[-4000:]

    def trace(self):
        return traces(self)

    def pid_of(self, role):
        return pid_of(role, self.config)


class Workshop:
    """A folder and a CA; each test makes its deployments."""

    users = ["ada", "ben", "-cleo", "dirk"]

    def __enter__(self):
        self.folder = folder()
        self.root = self.folder.__enter__()
        self.authority = Authority(self.root)
        self.config, self.count = os.devnull, 0
        return self

    def __exit__(self, *_):
        self.folder.__exit__(None, None, None)

    def make(self, roles=("front", "edge"), next_hops=None, users=None, **sections):
        self.count += 1
        return Deployment(self.root, "d%d" % self.count, self.authority, roles=roles, next_hops=next_hops,
                          users=self.users if users is None else users, sections=sections)


def ask(config, role, **request):
    """One request to a role's control socket, as `ctl` makes them."""
    with open(config) as f:
        place = re.search(r"(?m)^run\s*=\s*(\S+)", f.read()).group(1)
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect("%s/%s.ctl" % (place, role))
        s.sendall(json.dumps(request).encode() + b"\n")
        text = b""
        while not text.endswith(b"\n"):
            piece = s.recv(65536)
            if not piece:
                raise ConnectionError("the control socket of %s closed" % role)
            text += piece
    return json.loads(text)


def traces(world):
    """What front and Edge recorded up to now."""
    for role in ("front", "edge"):
        with contextlib.suppress(OSError):
            ask(world.config, role, do="flush")
    place = os.path.dirname(world.config)
    return read_all(place + "/front.log") + read_all(place + "/edge.log")


def edge_trace(world):
    with contextlib.suppress(OSError):
        ask(world.config, "edge", do="flush")
    return read_all(os.path.dirname(world.config) + "/edge.log")


def front_trace(world):
    with contextlib.suppress(OSError):
        ask(world.config, "front", do="flush")
    return read_all(os.path.dirname(world.config) + "/front.log")


def pid_of(role, config):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid) as f:
                words = f.read().split("\0")
            with open("/proc/%s/stat" % pid) as f:
                state = f.read().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if len(words) > 3 and words[1] == role and words[3] == config and state != "Z":
            return int(pid)
    return None


def forget_failures(world):
    """All budgets as new, so that tests do not spend each other's."""
    for role in ("authd", "edge"):
        with contextlib.suppress(OSError, AttributeError):
            ask(world.config, role, **{"do": "budget-clear", "all": True})


# ---- clients ----

def outside(world, name="ada", source=None, **kw):
    """A client outside, each from a network of its own unless told otherwise."""
    u = world.users[name]
    kw.setdefault("password", u["password"])
    kw.setdefault("uri", u["uri"])
    kw.setdefault("login", u["login"])
    ready = getattr(world, "ready", None)
    address, ca = (ready["outside"], ready["ca"]) if ready else (world.outside, world.ca)
    return Client(address, ca=ca, source=source or fresh_source(), **kw)


def inside(world, name="ada", **kw):
    u = world.users[name]
    kw.setdefault("password", u["password"])
    kw.setdefault("uri", u["uri"])
    kw.setdefault("login", u["login"])
    ready = getattr(world, "ready", None)
    return Client(ready["inside_tcp"] if ready else world.inside_tcp, **kw)


def signed_in(client):
    answer = client.sign_in()
    assert answer and answer.status == 200 and client.verify(answer), answer and (answer.start, answer.headers)
    return client


def reply(client, request, status="200 OK"):
    """The client's answer to a request of the server."""
    lines = ["SIP/2.0 " + status] + ["Via: " + v for v in request.all("Via")] + ["From: " + request.get("From"),
             "To: %s%s" % (request.get("To"), "" if ";tag=" in request.get("To") else ";tag=%s" % client.tag),
             "Call-ID: " + request.get("Call-ID"), "CSeq: " + request.get("CSeq")]
    client.send(lines)


# ---- a Front End that is none ----

class FakeFront:
    """Takes the Edge's links with mutual TLS, shows what comes over them, and says what a test wants said."""

    def __init__(self, authority, offer=OFFER, port=0):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(authority.folder + "/fe.pem", authority.folder + "/fe.key")
        self.context.load_verify_locations(authority.file)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.listener = socket.create_server(("127.0.0.1", port))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.offer, self.queue, self.gone, self.pings, self.links = offer, queue.Queue(), [], 0, []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(plain,), daemon=True).start()

    def serve(self, plain):
        try:
            link = self.context.wrap_socket(plain, server_side=True)
        except OSError:
            return
        link.lock = threading.Lock()
        self.links.append(link)
        data = b""
        try:
            while True:
                head, mark, rest = data.partition(b"\r\n\r\n")
                m = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", head)
                length = int(m.group(1)) if m else 0
                if mark and len(rest) >= length:
                    data = rest[length:]
                    self.take(link, head, rest[:length])
                    continue
                piece = link.recv(65536)
                if not piece:
                    break
                data += piece
        except OSError:
            pass
        if link in self.links:
            self.links.remove(link)
        link.close()

    def take(self, link, head, body):
        m = Message(head, body)
        m.link = link
        if m.start.startswith("OPTIONS sip:edge-link@"):
            self.pings += 1
            self.reply(m, "401 Unauthorized", ["WWW-Authenticate: " + self.offer])
        elif m.start.startswith("BENOTIFY sip:edge-link@"):
            self.gone += body.decode().split()
        else:
            self.queue.put(m)

    def next(self, timeout=10):
        return self.queue.get(timeout=timeout)

    def is_quiet(self, seconds=0.5):
        try:
            raise AssertionError("the Edge forwarded %s" % self.queue.get(timeout=seconds).start)
        except queue.Empty:
            return True

    def reply(self, m, status="200 OK", extra=(), tag=";tag=FE"):
        lines = ["SIP/2.0 " + status] + ["Via: " + v for v in m.all("Via")] + ["From: " + m.get("From"),
                 "To: %s%s" % (m.get("To"), "" if ";tag=" in m.get("To") else tag), "Call-ID: " + m.get("Call-ID"), "CSeq: " + m.get("CSeq"),
                 *extra, "Content-Length: 0", "", ""]
        self.say(m.link, "\r\n".join(lines))

    def say(self, link, text):
        with link.lock:
            link.sendall(text if isinstance(text, bytes) else text.encode())

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for link in list(self.links):
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Skipped(Exception):
    pass


def tests_of(namespace, helpers=()):
    return [f for name, f in list(namespace.items())
            if callable(f) and getattr(f, "__module__", "") == "__main__" and not isinstance(f, type) and name not in helpers]


def main(tests, world):
    """Runs the functions with one world, entered by `world()`; prints a line for each."""
    names = sys.argv[1:]
    chosen = [t for t in tests if not names or any(n in t.__name__ for n in names)]
    failed = skipped = 0
    with world() as w:
        for test in chosen:
            began = time.monotonic()
            forget_failures(w)
            try:
                test(w)
                word = "ok     "
            except Skipped as why:
                skipped += 1
                word = "skipped (%s)" % why
            except Exception:
                failed += 1
                word = "FAILED "
                traceback.print_exc(file=sys.stdout)
            print("%s %s  %.1f s" % (word, test.__name__, time.monotonic() - began), flush=True)
    print("%d passed, %d failed, %d skipped" % (len(chosen) - failed - skipped, failed, skipped))
    sys.exit(1 if failed else 0)
