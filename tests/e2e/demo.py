# SPDX-License-Identifier: MIT
"""Starts `postern demo --json` for a test, and stops it."""
import json, os, signal, subprocess, sys, traceback

POSTERN = os.environ.get("POSTERN") or os.path.join(os.environ.get("BUILD", "build"), "postern")


def story(inside):
    """The table as it must come out with this scheme inside."""
    rows = [(client, where, policy, inside if where == "inside" else "ntlm")
            for policy in ("windows-2008r2", "windows-2008") for client in ("windows-xp", "windows-7") for where in ("inside", "outside")]
    refused = {("windows-xp", "windows-2008r2", "ntlm"): ("refused", "policy-128bit", True)}
    return [row + refused.get((row[0], row[2], row[3]), ("signed-in", None, True)) for row in rows]


class Demo:
    def __init__(self, *options, env=None, stderr=None):
        self.options, self.env, self.stderr = options, env, stderr

    def __enter__(self):
        self.process = subprocess.Popen([POSTERN, "demo", "--json", *self.options], stdout=subprocess.PIPE, stderr=self.stderr,
                                        text=True, env={**os.environ, **(self.env or {})})
        self.rows, self.ready = [], None
        for line in self.process.stdout:
            row = json.loads(line)
            if row.get("ready"):
                self.ready = row
                break
            self.rows.append(row)
        assert self.ready, "the demo ended without getting ready"
        self.config, self.domain = self.ready["config"], self.ready["domain"]
        self.users = {u["uri"].split(":")[1].split("@")[0]: u for u in self.ready["users"] + self.ready["other_users"]}
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        assert code == 0, "the demo ended with %s" % code
        folder = os.path.dirname(self.config)
        assert not os.path.exists(folder), "the demo left %s behind" % folder

    def table(self):
        return [(r["client"], r["where"], r["policy"], r["scheme"], r["outcome"], r["cause"], r["expected"]) for r in self.rows]

    def run(self, *words, stdin=None, check=True, env=None):
        done = subprocess.run([POSTERN, *words], input=stdin, capture_output=True, text=True, timeout=60,
                              env={**os.environ, **(env or {})})
        assert not check or done.returncode == 0, "%s: %d %s" % (words, done.returncode, done.stderr)
        return done

    def kerberos(self, name=None, rc4=False):
        """An environment for clients of the realm; with a name, tickets of that user in a cache of its own."""
        conf = self.ready["kerberos"]["krb5_conf"]
        env = {"KRB5_CONFIG": conf.replace("krb5.conf", "krb5-xp.conf") if rc4 else conf,
               "KRB5CCNAME": "FILE:%s/tickets-%s%s" % (os.path.dirname(self.config), name or "none", "-rc4" if rc4 else "")}
        if name:
            subprocess.run(["kinit", "%s@%s" % (name, self.ready["kerberos"]["realm"])], input=self.users[name]["password"] + "\n",
                           env={**os.environ, **env}, capture_output=True, text=True, check=True, timeout=30)
        return env

    def ctl(self, *words, **kw):
        return self.run("ctl", "-c", self.config, *words, **kw)

    def policy(self, *words):
        return self.run("policy", "set", "-c", self.config, *words)

    def trace(self):
        self.ctl("trace", check=False)  # flushes, whether authd is up or not
        with open(self.ready["trace"], encoding="utf-8", errors="replace", newline="") as f:
            return f.read()

    def pid_of(self, role):
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/cmdline" % pid) as f:
                    words = f.read().split("\0")
            except OSError:
                continue
            if len(words) > 3 and words[1] == role and words[3] == self.config:
                return int(pid)
        return None


def main(tests):
    """Runs the functions, each with a running demo; prints a line for each."""
    names = sys.argv[1:]
    failed = 0
    chosen = [t for t in tests if not names or any(n in t.__name__ for n in names)]
    with Demo() as demo:
        for test in chosen:
            try:
                test(demo)
                print("ok      %s" % test.__name__, flush=True)
            except Exception:
                failed += 1
                print("FAILED  %s" % test.__name__, flush=True)
                traceback.print_exc()
    print("%d passed, %d failed" % (len(chosen) - failed, failed))
    sys.exit(1 if failed else 0)
