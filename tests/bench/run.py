#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The bench table: Postern beside Debian's Kamailio, server on one core, generator on the other.

usage: run.py [--build DIR] [--repeats N] [--seconds S] [--quick] [--only NAME,...] [--json FILE]

Server CPU per operation is the figure (all processes of the server, user and system time); the
variants are taken in turn within each repetition, and the median over repetitions is printed with
the median of the per-repetition ratios to Kamailio.  Absolute times of a shared machine move by a
quarter from run to run: the ratios are what to quote.
"""
import argparse, json, os, re, shutil, signal, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
TICK = os.sysconf("SC_CLK_TCK")
SERVER_CPU, LOAD_CPU = ("0", "1") if os.cpu_count() > 1 else ("0", "0")
USERS = 10000
PASSWORD = "bench-Passw0rd"
EVERYTHING = "refresh,signin,accept,resume,trace,idle,authd,ramps,kerberos,directory,edge,edge-idle,edge-storm,edge-flood,edge-ramps"


def free_port():
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def descendants(pid):
    found, todo = [], [pid]
    while todo:
        p = todo.pop()
        found.append(p)
        try:
            for task in os.listdir("/proc/%d/task" % p):
                with open("/proc/%d/task/%s/children" % (p, task)) as f:
                    todo += [int(c) for c in f.read().split()]
        except OSError:
            pass
    return found


def cpu_seconds(pids):
    total = 0
    for p in pids:
        try:
            with open("/proc/%d/schedstat" % p):
                pass
            for task in os.listdir("/proc/%d/task" % p):
                with open("/proc/%d/task/%s/schedstat" % (p, task)) as f:
                    total += int(f.read().split()[0])
        except OSError:
            pass
    return total / 1e9


def pss_kb(pids):
    total = 0
    for p in pids:
        try:
            with open("/proc/%d/smaps_rollup" % p) as f:
                total += int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M).group(1))
        except OSError:
            pass
    return total


class Server:
    def __init__(self):
        self.process = None

    def pids(self):
        return descendants(self.process.pid)

    def stop(self):
        if self.process:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            self.process = None

    def wait_for(self, port):
        import socket
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("bench: %s did not start" % type(self).__name__)


class Postern(Server):
    name = "postern"

    def __init__(self, build, folder, trace=False):
        super().__init__()
        self.tls, self.tcp = free_port(), free_port()
        self.dir = os.path.join(folder, "postern" + ("-trace" if trace else ""))
        self.binary = os.path.join(build, "postern")
        for d in ("", "state", "run"):
            os.makedirs(os.path.join(self.dir, d), mode=0o700)
        certificate(self.dir, "ec", "ec")
        certificate(self.dir, "rsa", "rsa")
        self.conf = os.path.join(self.dir, "postern.conf")
        with open(self.conf, "w") as f:
            f.write("""[general]
domain = example.com
fqdn = fe01.example.com
state = {d}/state
run = {d}/run
workers = 1
user_front =
user_authd =
user_edge =
admin_group =
[front]
tls_listen = 127.0.0.1:{tls}
tcp_listen = 127.0.0.1:{tcp}
cert_file = {d}/ec.pem
key_file = {d}/ec.key
rsa_cert_file = {d}/rsa.pem
rsa_key_file = {d}/rsa.key
[directory]
source = sqlite
netbios_domain = EXAMPLE
[limits]
connections_max = 20000
{trace}
""".format(d=self.dir, tls=self.tls, tcp=self.tcp,
           trace="[trace]\npath = %s/front.log\n" % self.dir if trace else ""))
        users = os.path.join(self.dir, "users.csv")
        with open(users, "w") as f:
            f.write("name,uri,display,upn,remote_access,password\n")
            for i in range(USERS):
                f.write("bench%05u,sip:bench%05u@example.com,,,no,%s\n" % (i, i, PASSWORD))
        os.chmod(users, 0o600)
        subprocess.run([self.binary, "user", "import", "-c", self.conf, users], check=True,
                       stdout=subprocess.DEVNULL)

    def start(self):
        self.process = subprocess.Popen(["taskset", "-c", SERVER_CPU, self.binary, "serve", "-c", self.conf],
                                        start_new_session=True, stdout=subprocess.DEVNULL)
        self.wait_for(self.tls)
        time.sleep(0.5)

    def load_options(self):
        return ["--password", PASSWORD]

    def authd_pid(self):
        for p in self.pids():
            with open("/proc/%d/cmdline" % p) as f:
                if f.read().split("\0")[1:2] == ["authd"]:
                    return p
        raise SystemExit("bench: no authd")


def kamailio_modules():
    if not shutil.which("dpkg-architecture"):
        return "/usr/lib/x86_64-linux-gnu/kamailio/modules/"
    words = subprocess.run(["dpkg-architecture", "-qDEB_HOST_MULTIARCH"], capture_output=True, text=True)
    return "/usr/lib/%s/kamailio/modules/" % words.stdout.strip()


class Kamailio(Server):
    name = "kamailio"

    def __init__(self, folder):
        super().__init__()
        self.tls, self.tcp = free_port(), free_port()
        self.dir = os.path.join(folder, "kamailio")
        os.makedirs(self.dir)
        certificate(self.dir, "rsa", "rsa")
        with open(os.path.join(HERE, "kamailio.cfg")) as f:
            text = f.read()
        for key, value in (("TLS", self.tls), ("TCP", self.tcp), ("MODULES", kamailio_modules()), ("PASSWORD", PASSWORD),
                           ("KEY", self.dir + "/rsa.key"), ("CERT", self.dir + "/rsa.pem")):
            text = text.replace("@%s@" % key, str(value))
        self.conf = os.path.join(self.dir, "kamailio.cfg")
        with open(self.conf, "w") as f:
            f.write(text)

    def start(self):
        self.process = subprocess.Popen(
            ["taskset", "-c", SERVER_CPU, "kamailio", "-f", self.conf, "-DD", "-E", "-x", "tlsf", "-m", "1024", "-M", "16",
             "-Y", self.dir, "-P", self.dir + "/pid"],
            start_new_session=True, stdout=subprocess.DEVNULL, stderr=open(self.dir + "/log", "w"))
        self.wait_for(self.tls)
        time.sleep(1)

    def load_options(self):
        return ["--password", PASSWORD, "--digest"]


def certificate(folder, name, kind):
    key = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else ["rsa:2048"]
    subprocess.run(["openssl", "req", "-x509", "-nodes", "-newkey", *key, "-days", "30", "-subj", "/CN=fe01.example.com",
                    "-addext", "subjectAltName=DNS:fe01.example.com,IP:127.0.0.1",
                    "-keyout", "%s/%s.key" % (folder, name), "-out", "%s/%s.pem" % (folder, name)],
                   check=True, stderr=subprocess.DEVNULL)
    os.chmod("%s/%s.key" % (folder, name), 0o600)


class Bench:
    def __init__(self, args):
        self.args = args
        self.load_binary = os.path.join(args.build, "tests", "bench", "load")
        self.results = {}

    def load(self, server, op, tcp=False, tls12=False, conns=100, seconds=None, rate=None, source=None,
             first_user=None, polite=False):
        command = (["nice", "-n", "19"] if polite else []) + ["taskset", "-c", LOAD_CPU, self.load_binary, "--op", op, "--target",
                   "127.0.0.1:%d" % (server.tcp if tcp else server.tls), "--conns", str(conns),
                   "--seconds", str(seconds or self.args.seconds), *server.load_options()]
        command += ["--tcp"] if tcp else []
        command += ["--tls12"] if tls12 else []
        command += ["--rate", str(rate)] if rate else []
        command += ["--source", source] if source else []
        command += ["--first-user", str(first_user)] if first_user else []
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def measure(self, server, **kw):
        """Server CPU in us per operation; None when anything went wrong."""
        process = self.load(server, **kw)
        process.stderr.readline()  # "ready"
        before, pids = cpu_seconds(server.pids()), server.pids()
        out, _ = process.communicate()
        used = cpu_seconds(pids) - before
        answer = json.loads(out)
        wrong = answer["wrong_signatures"] + answer["unexpected"]
        if wrong or answer["errors"] > answer["ops"] // 1000 + 1 or not answer["ops"]:
            print("bench: %s %s: %s" % (server.name, kw, out.strip()), file=sys.stderr)
            if wrong or not answer["ops"]:
                return None
        answer["cpu_us"] = used / answer["ops"] * 1e6
        return answer

    def compare(self, title, bound, servers, ours, theirs):
        values = {"postern": [], "kamailio": []}
        for _ in range(self.args.repeats):
            for s in servers:
                s.start()
                kw = ours if s.name == "postern" else theirs
                answer = self.measure(s, **kw) if kw else None
                if answer:
                    values[s.name].append(answer["cpu_us"])
                s.stop()
        a, k = values["postern"], values["kamailio"]
        ratios = [x / y for x, y in zip(a, k)]
        row = {"postern_us": statistics.median(a) if a else None, "kamailio_us": statistics.median(k) if k else None,
               "ratio": statistics.median(ratios) if ratios else None,
               "range": [min(ratios), max(ratios)] if ratios else None, "bound": bound, "repeats": len(ratios)}
        self.results[title] = row
        fmt = lambda v: "-" if v is None else "%.1f" % v
        verdict = "" if not ratios else "within" if row["ratio"] <= bound else "ABOVE"
        print("%-34s %8s us  K %8s us  ratio %-5s (%s)  bound %.1f  %s" % (
            title, fmt(row["postern_us"]), fmt(row["kamailio_us"]), "-" if not ratios else "%.2f" % row["ratio"],
            "-" if not ratios else "%.2f-%.2f" % tuple(row["range"]), bound, verdict), flush=True)

    def idle(self, server, conns):
        server.start()
        warm = self.load(server, "refresh", conns=50, seconds=1)
        warm.communicate()
        before = pss_kb(server.pids())
        process = self.load(server, "idle", conns=conns, seconds=3)
        ready = process.stderr.readline()
        time.sleep(1.5)
        after = pss_kb(server.pids())
        process.communicate()
        server.stop()
        count = int(ready.split()[1]) if ready else 0
        value = (after - before) / max(count, 1)
        self.results["idle %d %s" % (conns, server.name)] = {"kb": value, "connections": count}
        print("%-34s %8.1f KB per connection (%s, %d signed in)%s" % (
            "idle TLS connection at %d" % conns, value, server.name, count,
            "  bound 16  %s" % ("within" if value <= 16 else "ABOVE") if server.name == "postern" else ""), flush=True)

    def stopped_authd(self, server):
        values = {"normal": [], "stopped": []}
        for _ in range(self.args.repeats):
            for how in ("normal", "stopped"):
                server.start()
                process = self.load(server, "refresh", conns=200, rate=3000)
                process.stderr.readline()
                pid = server.authd_pid()
                if how == "stopped":
                    os.kill(pid, signal.SIGSTOP)
                out, _ = process.communicate()
                if how == "stopped":
                    os.kill(pid, signal.SIGCONT)
                answer = json.loads(out)
                if answer["wrong_signatures"] or answer["unexpected"]:
                    print("bench: authd %s: %s" % (how, out), file=sys.stderr)
                values[how].append(answer["p99_us"])
                server.stop()
        ratio = statistics.median(b / a for a, b in zip(values["normal"], values["stopped"]))
        self.results["authd stopped"] = {"p99_normal_us": values["normal"], "p99_stopped_us": values["stopped"], "ratio": ratio}
        print("%-34s %8.0f us  stopped %8.0f us  ratio %.2f  bound 1.2  %s" % (
            "refresh p99, authd stopped", statistics.median(values["normal"]), statistics.median(values["stopped"]),
            ratio, "within" if ratio <= 1.2 else "ABOVE"), flush=True)

    def kerberos(self):
        """What authd does for a ticket, and the front for a message signed with its keys."""
        program = os.path.join(self.args.build, "tests", "bench", "bench_kerberos")
        rounds = [json.loads(subprocess.run(["taskset", "-c", SERVER_CPU, program, "--table"], check=True,
                                            capture_output=True, text=True).stdout) for _ in range(self.args.repeats)]
        for kind in ("AES256", "RC4"):
            row = {key: statistics.median(r[kind][key] for r in rounds) for key in rounds[0][kind]}
            rate = 1e6 / row["accept_us"]
            self.results["Kerberos " + kind] = dict(row, accepts_per_second=rate)
            print("%-34s %8.1f us  %d/s  bound 8000/s  %s  signing %.2f us, checking %.2f us" % (
                "ticket accepted, " + kind, row["accept_us"], rate, "within" if rate >= 8000 else "BELOW",
                row["make_us"], row["check_us"]), flush=True)

    def ramps(self, server, conns, count=10, whose=""):
        server.start()
        sizes = []
        for _ in range(count):
            process = self.load(server, "idle", conns=conns, seconds=1)
            process.communicate()
            time.sleep(12)  # the grace of lost connections
            sizes.append(pss_kb(server.pids()))
        alive = server.process.poll() is None
        server.stop()
        growth = sizes[-1] / sizes[0] - 1
        self.results[whose + "ramps"] = {"pss_kb": sizes, "growth": growth, "alive": alive}
        print("%-34s %s KB after each, growth %.1f %%  bound 10 %%  %s" % (
            whose + "%d ramps to %d TLS sign-ins" % (count, conns), sizes, growth * 100,
            "within" if alive and growth <= 0.1 else "ABOVE"), flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", default="build-bench")
    p.add_argument("--repeats", type=int, default=5)
    p.add_argument("--seconds", type=float, default=4)
    p.add_argument("--quick", action="store_true", help="one short repetition of everything")
    p.add_argument("--only", default="", help="comma separated: " + EVERYTHING)
    p.add_argument("--json", default="")
    args = p.parse_args()
    if args.quick:
        args.repeats, args.seconds = 1, 1.5
    wanted = set(args.only.split(",")) if args.only else set(EVERYTHING.split(","))
    folder = tempfile.mkdtemp(prefix="postern-bench-")
    bench = Bench(args)
    try:
        subprocess.run([bench.load_binary, "--self-check"], check=True, stdout=subprocess.DEVNULL)
        ours, theirs = Postern(args.build, folder), Kamailio(folder)
        both = (ours, theirs)
        print("server on CPU %s, generator on CPU %s, %d repetitions of %.1f s, medians" % (
            SERVER_CPU, LOAD_CPU, args.repeats, args.seconds))
        if "refresh" in wanted:
            for title, tcp in (("signed refresh over TLS", False), ("signed refresh over TCP", True)):
                bench.compare(title, 1.0, both, dict(op="refresh", tcp=tcp), dict(op="refresh", tcp=tcp))
        if "signin" in wanted:
            bench.compare("NTLM sign-in over open TLS", 1.3, both, dict(op="signin"), dict(op="signin"))
        if "accept" in wanted:
            bench.compare("TLS accept, 1.3", 0.6, both, dict(op="accept", conns=8), dict(op="accept", conns=8))
        if "resume" in wanted:
            for title, bound, tls12 in (("TLS accept, resumed, 1.2", 0.2, True), ("TLS accept, resumed, 1.3", 0.5, False)):
                bench.compare(title, bound, both, dict(op="resume", conns=8, tls12=tls12),
                              dict(op="accept", conns=8, tls12=tls12))
        if "trace" in wanted:
            traced = Postern(args.build, folder, trace=True)
            plain, with_trace = [], []
            for _ in range(args.repeats):
                for s, values in ((ours, plain), (traced, with_trace)):
                    s.start()
                    answer = bench.measure(s, op="refresh")
                    if answer:
                        values.append(answer["cpu_us"])
                    s.stop()
            ratio = statistics.median(b / a for a, b in zip(plain, with_trace)) if plain and with_trace else float("nan")
            bench.results["trace"] = {"ratio": ratio}
            print("%-34s %8.1f us  plain %8.1f us  ratio %.2f  bound 1.5  %s" % (
                "refresh with all traces on", statistics.median(with_trace), statistics.median(plain), ratio,
                "within" if ratio <= 1.5 else "ABOVE"), flush=True)
        if "idle" in wanted:
            bench.idle(ours, 2000)
            bench.idle(ours, 10000)
            bench.idle(theirs, 2000)
        if "authd" in wanted:
            bench.stopped_authd(ours)
        if "kerberos" in wanted:
            bench.kerberos()
        if "directory" in wanted:
            import directory
            directory.run(bench, args)
        if "ramps" in wanted:
            bench.ramps(ours, 2000, 2 if args.quick else 10)
        if any(w.startswith("edge") for w in wanted):
            import edge
            edge.run_all(bench, args, folder, wanted)
    finally:
        for s in (locals().get("ours"), locals().get("theirs"), locals().get("traced")):
            if s:
                s.stop()
        shutil.rmtree(folder, ignore_errors=True)
    if args.json:
        with open(args.json, "w") as f:
            json.dump(bench.results, f, indent=1)


if __name__ == "__main__":
    sys.modules["run"] = sys.modules["__main__"]  # for edge.py
    main()
