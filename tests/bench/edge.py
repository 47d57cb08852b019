# SPDX-License-Identifier: MIT
"""The Edge's part of the bench: what a relayed request and its answer cost beside Kamailio as a TLS-to-TLS
outbound proxy, memory of idle clients, reconnect storms, ramps, and what others notice of a hostile source.

The relay has CPU 0 to itself; the generator and the Front End behind share CPU 1 and are not counted."""
import glob, json, os, re, shutil, statistics, subprocess, sys, time

import run

RELAY_CPU, OTHER_CPU = run.SERVER_CPU, run.LOAD_CPU


class FrontEnd(run.Postern):
    """What stands behind the relay."""

    def __init__(self, build, folder):
        os.makedirs(os.path.join(folder, "behind"))
        super().__init__(build, os.path.join(folder, "behind"))
        self.link = run.free_port()
        with open(self.conf) as f:
            text = f.read()
        with open(self.conf, "w") as f:
            f.write(text.replace("[directory]", "edge_listen = 127.0.0.1:{p}\nedge_servers = fe01.example.com\n"
                                 "edge_ca_file = {d}/ec.pem\n[directory]".format(p=self.link, d=self.dir)))
        users = os.path.join(self.dir, "users.csv")
        with open(users) as f:
            text = f.read().replace(",no,", ",yes,")
        for old in glob.glob(self.dir + "/state/users.db*"):
            os.remove(old)
        with open(users, "w") as f:
            f.write(text)
        subprocess.run([self.binary, "user", "import", "-c", self.conf, users], check=True, stdout=subprocess.DEVNULL)

    def start(self):
        self.process = subprocess.Popen(["taskset", "-c", OTHER_CPU, self.binary, "serve", "-c", self.conf],
                                        start_new_session=True, stdout=subprocess.DEVNULL)
        self.wait_for(self.tls)
        time.sleep(0.5)


class Edge(run.Server):
    name = "edge"

    def __init__(self, front, trusted=True, tag="edge"):
        super().__init__()
        self.front, self.tls = front, run.free_port()
        self.dir = os.path.join(front.dir, tag)
        for d in ("", "state", "run"):
            os.makedirs(os.path.join(self.dir, d), mode=0o700)
        self.conf = os.path.join(self.dir, "edge.conf")
        with open(self.conf, "w") as f:
            f.write("""[general]
domain = example.com
fqdn = edge01.example.com
state = {d}/state
run = {d}/run
workers = 1
user_edge =
admin_group =
[edge]
listen = 127.0.0.1:{tls}
public_name = fe01.example.com
cert_file = {f}/ec.pem
key_file = {f}/ec.key
rsa_cert_file = {f}/rsa.pem
rsa_key_file = {f}/rsa.key
remote_access = yes
{trusted}
next_hops = 127.0.0.1:{link}
front_servers = fe01.example.com
link_cert_file = {f}/ec.pem
link_key_file = {f}/ec.key
link_ca_file = {f}/ec.pem
[limits]
connections_max = 20000
""".format(d=self.dir, f=front.dir, tls=self.tls, link=front.link, trusted="trusted_networks = 127.0.0.0/8" if trusted else ""))

    def start(self):
        self.process = subprocess.Popen(["taskset", "-c", RELAY_CPU, self.front.binary, "edge", "-c", self.conf],
                                        start_new_session=True, stdout=subprocess.DEVNULL)
        self.wait_for(self.tls)
        time.sleep(1)

    def load_options(self):
        return self.front.load_options()


class Proxy(run.Server):
    name = "kamailio"

    def __init__(self, front):
        super().__init__()
        self.front, self.tls = front, run.free_port()
        self.dir = os.path.join(front.dir, "kamailio")
        os.makedirs(self.dir)
        with open(os.path.join(run.HERE, "kamailio-proxy.cfg")) as f:
            text = f.read()
        for key, value in (("TLS", self.tls), ("NEXT", front.tls), ("MODULES", run.kamailio_modules()),
                           ("KEY", front.dir + "/rsa.key"), ("CERT", front.dir + "/rsa.pem")):
            text = text.replace("@%s@" % key, str(value))
        self.conf = os.path.join(self.dir, "kamailio.cfg")
        with open(self.conf, "w") as f:
            f.write(text)

    start = run.Kamailio.start

    def load_options(self):
        return self.front.load_options()


def relay(bench, front):
    """CPU of the relay alone, per request and answer: a signed refresh over an open connection."""
    values = {"edge": [], "kamailio": []}
    edge, proxy = Edge(front, tag="relay"), Proxy(front)
    for _ in range(bench.args.repeats):
        for s in (edge, proxy):
            s.start()
            # one client first: an association at the Front End is bound to the connection it was made
            # over, and Kamailio would dial one for each of its workers
            bench.load(s, "refresh", conns=1, seconds=0.5).communicate()
            answer = bench.measure(s, op="refresh", conns=100)
            s.stop()
            if answer and answer["ready"] == 100:
                values[s.name].append(answer["cpu_us"])
    ratios = [a / k for a, k in zip(values["edge"], values["kamailio"])]
    middle = lambda v: statistics.median(v) if v else float("nan")
    bench.results["edge relay"] = {"edge_us": values["edge"], "kamailio_us": values["kamailio"], "ratio": middle(ratios)}
    print("%-34s %8.1f us  K %8.1f us  ratio %.2f (%s)  bound 0.4  %s" % (
        "Edge: relayed request + answer", middle(values["edge"]), middle(values["kamailio"]), middle(ratios),
        "%.2f-%.2f" % (min(ratios), max(ratios)) if ratios else "-",
        "within" if ratios and middle(ratios) <= 0.4 else "ABOVE"), flush=True)


def writes(bench, front):
    """System calls that write, per message that leaves."""
    if not shutil.which("strace"):
        print("%-34s skipped: strace is not installed" % "Edge: writes per message", flush=True)
        return
    edge = Edge(front, tag="writes")
    edge.start()
    process = bench.load(edge, "refresh", conns=100, seconds=4)
    process.stderr.readline()
    out = os.path.join(edge.dir, "strace")
    before = status(edge)
    tracer = subprocess.Popen(["strace", "-f", "-c", "-o", out, "-e", "trace=sendto,sendmsg,write,writev", "-p", str(edge.process.pid)],
                              stderr=subprocess.DEVNULL)
    process.communicate()
    tracer.terminate()
    tracer.wait()
    after = status(edge)
    edge.stop()
    messages = sum(after[k] - before[k] for k in ("requests", "responses"))
    with open(out) as f:
        calls = sum(int(m.group(1)) for m in re.finditer(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s.*(?:sendto|sendmsg|writev)$", f.read(), re.M))
    bench.results["edge writes"] = {"calls": calls, "messages": messages}
    print("%-34s %8.2f per message (%d calls, %d messages)  bound 1  %s" % (
        "Edge: writes", calls / max(messages, 1), calls, messages, "within" if calls <= messages * 1.01 else "ABOVE"), flush=True)


def status(edge):
    out = subprocess.run([edge.front.binary, "ctl", "--json", "-c", edge.conf, "status"], capture_output=True, text=True).stdout
    return next(r for r in map(json.loads, out.splitlines()) if r["role"] == "edge")


def idle(bench, front, conns):
    edge = Edge(front, tag="idle%d" % conns)
    edge.start()
    bench.load(edge, "refresh", conns=50, seconds=1).communicate()
    before, behind = run.pss_kb(edge.pids()), run.pss_kb(front.pids())
    process = bench.load(edge, "idle", conns=conns, seconds=3)
    ready = process.stderr.readline()
    time.sleep(1.5)
    grown, behind = run.pss_kb(edge.pids()) - before, run.pss_kb(front.pids()) - behind
    process.communicate()
    edge.stop()
    count = int(ready.split()[1]) if ready else 0
    value = grown / max(count, 1)
    bench.results["edge idle %d" % conns] = {"kb": value, "front_kb": behind / max(count, 1), "connections": count}
    print("%-34s %8.1f KB per connection (%d signed in; %.1f KB in the front)  bound 16  %s" % (
        "Edge: idle client at %d" % conns, value, count, behind / max(count, 1),
        "within" if value <= 16 and count == conns else "ABOVE"), flush=True)


def storm(bench, front):
    """Everybody is cut off at once and comes back with a TLS ticket: until all are signed in again."""
    edge, curve = Edge(front, tag="storm"), []
    for conns in (500, 1000) if bench.args.quick else (500, 1000, 2000, 5000):
        times = []
        for _ in range(1 if bench.args.quick else 3):
            edge.start()
            answer = json.loads(bench.load(edge, "storm", conns=conns, seconds=100).communicate()[0])
            edge.stop()
            if answer["storm_back"] == conns:
                times.append(answer["storm_s"])
            else:
                print("bench: storm of %d: %s" % (conns, answer), file=sys.stderr)
        each = statistics.median(times) / conns * 1000 if times else float("nan")
        curve.append((conns, each))
        print("%-34s %8.2f s until all are back, %.3f ms each (%d resumed)" % (
            "Edge: storm of %d clients" % conns, statistics.median(times) if times else float("nan"), each, answer["storm_resumed"]), flush=True)
    bench.results["edge storm"] = curve
    ratio = curve[-1][1] / curve[0][1]
    print("%-34s %8.2f times the cost each of the smallest  bound 1.5  %s" % (
        "Edge: storm, linear", ratio, "within" if ratio <= 1.5 else "ABOVE"), flush=True)


def flood(bench, front):
    """Sign-in latency of somebody, in quiet and while another network does its worst.  The hostile generator
    shares the generator's CPU at the lowest priority: what is measured is the Edge, not who is scheduled."""
    edge = Edge(front, trusted=False, tag="flood")
    edge.start()
    honest = lambda: json.loads(bench.load(edge, "signin", conns=1, seconds=bench.args.seconds, rate=20, source="127.1.1.1:0").communicate()[0])
    quiet = honest()
    rows = {}
    for what, op, conns in (("connections", "accept", 50), ("messages", "signin", 40)):
        hostile = bench.load(edge, op, conns=conns, seconds=bench.args.seconds + 4, source="127.9.9.9:0", first_user=5000, polite=True)
        time.sleep(1)
        rows[what] = honest()
        hostile.terminate()
        hostile.communicate()
    edge.stop()
    for what, loud in rows.items():
        ratio = loud["p95_us"] / quiet["p95_us"]
        bench.results["edge flood " + what] = {"quiet": quiet, "loud": loud, "ratio": ratio}
        print("%-34s %8.0f us  quiet %8.0f us  ratio %.2f (median %.2f)  bound 2.0  %s" % (
            "Edge: sign-in p95, hostile " + what, loud["p95_us"], quiet["p95_us"], ratio, loud["p50_us"] / quiet["p50_us"],
            "within" if ratio <= 2 else "ABOVE"), flush=True)


def run_all(bench, args, folder, wanted):
    front = FrontEnd(args.build, folder)
    front.start()
    try:
        if "edge" in wanted:
            relay(bench, front)
            writes(bench, front)
        if "edge-idle" in wanted:
            for conns in (2000,) if args.quick else (2000, 10000):
                idle(bench, front, conns)
        if "edge-storm" in wanted:
            storm(bench, front)
        if "edge-flood" in wanted:
            flood(bench, front)
        if "edge-ramps" in wanted:
            bench.ramps(Edge(front, tag="ramps"), 2000, 2 if args.quick else 10, "Edge: ")
    finally:
        front.stop()
