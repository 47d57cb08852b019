#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A network: a domain controller, a Front End and a workstation inside, an Edge between, and somebody outside who reaches
nothing but the Edge.  The Front End is set up by doc/active-directory.md, word for word."""
import json, os, re, shutil, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from ad_world import LAB, SIPE_CLIENT, SOURCE, Lab
from edge_world import Authority, Deployment, Skipped, die_with_parent, main, pid_of, read_all, tests_of, until
from demo import POSTERN

ADMINISTRATOR = "Passw0rd.Adm"


def howto():
    return read_all(SOURCE + "/doc/active-directory.md")


def commands(host):
    """Those the how-to gives for a host; a here-document belongs to its command."""
    blocks = re.findall(r"(?ms)^```sh %s\n(.*?)^```" % host, howto())
    assert len(blocks) == 1, (host, blocks)
    found, waits_for = [], None
    for line in blocks[0].splitlines():
        if waits_for:
            found[-1] += "\n" + line
            waits_for = None if line == waits_for else waits_for
            continue
        found.append(line)
        m = re.search(r"<<'(\w+)'", line)
        waits_for = m and m.group(1)
    return found


class Network:
    config = os.devnull

    def __enter__(self):
        self.lab = Lab("--net", "--unprepared").__enter__()
        self.root = tempfile.mkdtemp(prefix="postern-net-")
        self.dc, self.fe = self.lab.dc, self.lab.fe
        self.serving = []
        system = self.lab.dir + "/system/fe/etc"
        for name in ("postern-front", "postern-authd", "postern-edge"):  # as the README has it
            if name + ":" not in read_all(system + "/passwd"):
                self.lab.run("fe", "adduser", "--system", "--group", name)
        return self

    def __exit__(self, *_):
        for process in self.serving:
            process.terminate()
            process.wait(20)
        self.lab.__exit__()
        shutil.rmtree(self.root)

    def shell(self, host, command, stdin="", check=True):
        """As somebody at a terminal of that host would; standard input and PASSWD are where passwords come from."""
        env = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin:" + os.path.dirname(os.path.abspath(POSTERN)), PASSWD=ADMINISTRATOR,
                   KRB5CCNAME="FILE:%s/tickets-%s" % (self.root, host), HOME=self.root)
        done = subprocess.run([LAB + "exec.sh", self.lab.dir, host, "bash", "-c", command], cwd=self.root, input=stdin, env=env,
                              capture_output=True, text=True, timeout=60, start_new_session=True)
        assert not check or done.returncode == 0, (host, command, done.returncode, done.stdout, done.stderr)
        return done

    def serve(self, host, command):
        """A command that goes on running."""
        env = dict(os.environ, PATH=os.environ["PATH"] + ":" + os.path.dirname(os.path.abspath(POSTERN)))
        with open("%s/serve-%s" % (self.root, host), "ab") as out:
            process = subprocess.Popen([LAB + "exec.sh", self.lab.dir, host, "bash", "-c", "exec " + command], cwd=self.root, env=env,
                                       stdout=out, stderr=out, preexec_fn=die_with_parent)
        self.serving.append(process)
        return process

    def stop(self, process):
        process.terminate()
        process.wait(20)
        self.serving.remove(process)

    def signin(self, host, server, scheme="auto", name="ada", profile="windows-7", transport="tcp", more=""):
        person = self.lab.people[name]
        words = "postern signin %s --server %s --transport %s --scheme %s --profile %s --json %s" % (
            person["uri"], server, transport, scheme, profile, more)
        if host == "ext" or scheme == "ntlm":  # else by the ticket alone
            words += " --login '%s' --password-stdin" % person["login"]
        done = self.shell(host, words, stdin=person["password"] + "\n", check=False)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert rows, (done.returncode, done.stderr)
        return rows

    def answers(self, host, address, port):
        return self.shell(host, "timeout 2 bash -c 'exec 3<>/dev/tcp/%s/%d'" % (address, port), check=False).returncode == 0


def scheme_of(rows):
    used = [r["scheme"] for r in rows if r.get("leg") == "authenticate" and r.get("scheme")]
    return used[-1].lower() if used else None


# ---- the how-to ----

def the_how_to_leads_to_a_signed_in_user_in_ten_commands(w):
    on_dc, on_fe, on_int = commands("dc"), commands("fe"), commands("int")
    assert len(on_dc) + len(on_fe) + len(on_int) == 10, (on_dc, on_fe, on_int)
    for command in on_dc:
        w.shell("dc", command)
    for command in on_fe[:-1]:
        w.shell("fe", command)
    w.front = w.serve("fe", on_fe[-1])
    until(lambda: w.answers("int", w.fe, 5060), 20)
    until(lambda: '"ldap_down": false' in w.shell("fe", "postern ctl --json status -c /etc/postern/postern.conf", check=False).stdout
          .replace("\":false", "\": false"), 20)
    done = w.shell("int", on_int[0], stdin=w.lab.people["ada"]["password"] + "\n")
    assert done.stdout.rstrip().endswith("Signed in as sip:ada@example.test with Kerberos."), done.stdout
    assert scheme_of(w.signin("int", "fe.example.test", "ntlm")) == "ntlm"


def authd_has_given_up_its_rights_and_still_asks_winbind(w):
    pid = pid_of("authd", "/etc/postern/postern.conf")
    with open("/proc/%d/status" % pid) as f:
        status = dict(line.split(":\t", 1) for line in f.read().splitlines() if ":\t" in line)
    assert "0" not in status["Uid"].split() and int(status["CapEff"], 16) == 0, status
    assert w.signin("int", "fe.example.test", "ntlm", "ben")[-1]["signed_in"]


def the_how_to_without_the_ocs_attributes(w):
    """Its lines go where they stand in the how-to: after those of before."""
    ini = re.findall(r"(?ms)^```ini\n(\[directory\]\naddress_attribute.*?)^```", howto())[0]
    w.stop(w.front)
    with open(w.lab.dir + "/system/fe/etc/postern/postern.conf", "a") as f:
        f.write("\n" + ini)
    w.front = w.serve("fe", commands("fe")[-1])
    until(lambda: w.answers("int", w.fe, 5060), 20)
    until(lambda: w.signin("int", "fe.example.test", "ntlm")[-1]["signed_in"], 20, 0.3)
    assert w.signin("int", "fe.example.test", "ntlm", "grace")[-1]["signed_in"]
    for name, status in (("ben", 404), ("disabled", 401)):  # no member; a member whose account is disabled
        last = w.signin("int", "fe.example.test", "ntlm", name)[-1]
        assert not last["signed_in"] and last["status"] == status, last
    w.stop(w.front)


def a_keytab_made_from_the_password_has_the_key_that_the_controller_exports(w):
    """With a new password, whose keys are exported beside those of before."""
    w.shell("dc", "samba-tool user setpassword svc-postern --newpassword=N0t.random")
    w.shell("dc", commands("dc")[-1])
    addent = re.findall(r"`(addent [^`]*)`", howto())[0].replace("-k 2", "-k 3")
    commands_of_ktutil = [addent, "N0t.random", addent.replace("-p sip/fe.example.test", "-p svc-postern"), "N0t.random", "wkt by-hand.keytab", ""]
    w.shell("fe", "ktutil", stdin="\n".join(commands_of_ktutil))
    keys = [set(re.findall(r"3 (\S+) \(aes256\S+\) +\((0x\w+)\)", w.shell("fe", "klist -kKe " + file).stdout))
            for file in ("by-hand.keytab", "postern.keytab")]
    assert len(keys[0]) == 2 and keys[0] == keys[1], keys


def every_fault_that_the_how_to_names_exists(w):
    known = set(re.findall(r'FAULT\(\w+, "([\w-]+)"', read_all(SOURCE + "/src/diag/faults.def")))
    named = {n for row in re.findall(r"(?m)^\| (`[^|]*) \|", howto()) for n in re.findall(r"`([a-z]+(?:-[a-z0-9]+)+)`", row)}
    assert len(named) > 25 and named <= known, named - known


# ---- inside and outside ----

def deploy(w):
    """The Front End again, now with an Edge before it; the Edge stands on a machine of its own."""
    if hasattr(w, "edge"):
        return
    if w.front in w.serving:
        w.stop(w.front)
    authority = Authority(w.root)
    authority.issue("fe", "fe.example.test")
    authority.issue("edge", "sip.example.test")
    shutil.copy(w.root + "/postern.keytab", w.root + "/sip.keytab")
    front = {"general": dict(domain="example.test", fqdn="fe.example.test"),
             "front": dict(tls_listen="10.77.0.20:5061", tcp_listen="10.77.0.20:5060", edge_listen="10.77.0.20:5062",
                           edge_servers="sip.example.test", legacy_networks="10.77.0.0/24"),
             "directory": dict(source="ad", netbios_domain="EXAMPLE", ad_domain="ad.example.test", ad_user="svc-postern",
                               ad_keytab=w.root + "/sip.keytab"),
             "kerberos": dict(keytab=w.root + "/sip.keytab")}
    edge = {"general": dict(domain="example.test", fqdn="edge.example.test"),
            "edge": dict(listen="10.78.0.30:443", public_name="sip.example.test", front_servers="fe.example.test",
                         legacy_networks="10.78.0.0/24")}
    w.inner = Deployment(w.root, "inner", authority, roles=("front",), sections=front)
    w.edge = Deployment(w.root, "edge", authority, roles=("edge",), next_hops="10.77.0.20:5062", sections=edge)
    w.serve("fe", "postern serve -c " + w.inner.config)
    w.serve("edge", "postern serve -c " + w.edge.config)
    w.ca = "--ca " + authority.file
    until(lambda: w.inner.is_up("front") and w.inner.is_up("authd") and w.edge.is_up("edge"), 30)
    until(lambda: w.signin("int", "fe.example.test:5061", "ntlm", transport="tls", more=w.ca)[-1]["signed_in"], 20, 0.3)


def outside_nothing_is_reached_but_the_edge(w):
    deploy(w)
    assert w.answers("int", w.dc, 88) and w.answers("int", w.fe, 5060)
    for address, port in ((w.dc, 88), (w.dc, 389), (w.fe, 5060), (w.fe, 5062), ("10.77.0.30", 443)):
        assert not w.answers("ext", address, port), (address, port)
    assert w.answers("ext", "10.78.0.30", 443)
    done = w.shell("ext", "kinit ada", stdin="Passw0rd.1\n", check=False)
    assert done.returncode and "Cannot contact any KDC" in done.stderr, done.stderr


def the_same_client_uses_kerberos_inside_and_ntlm_outside(w):
    deploy(w)
    w.shell("int", "kinit ada", stdin="Passw0rd.1\n")
    for profile in ("windows-xp", "windows-7"):
        inside = w.signin("int", "fe.example.test:5061", "auto", profile=profile, transport="tls", more=w.ca)
        assert inside[-1]["signed_in"] and scheme_of(inside) == "kerberos", inside
    # under the policy of the story
    w.inner.run("policy", "set", "-c", w.inner.config, "windows-2008r2")
    for profile, signed_in in (("windows-xp", False), ("windows-7", True)):
        outside = w.signin("ext", "10.78.0.30:443", "auto", profile=profile, transport="tls", more=w.ca + " --no-verify")
        assert outside[-1]["signed_in"] == signed_in and scheme_of(outside) == "ntlm", outside


def a_ticket_carried_outside_is_of_no_use(w):
    deploy(w)
    w.shell("int", "kinit ada && kvno sip/fe.example.test", stdin="Passw0rd.1\n")
    shutil.copy(w.root + "/tickets-int", w.root + "/tickets-ext")
    rows = w.signin("ext", "10.78.0.30:443", "kerberos", transport="tls", more=w.ca + " --no-verify")
    assert not rows[-1]["signed_in"], rows
    os.unlink(w.root + "/tickets-ext")


def sipe_inside_with_a_ticket_and_outside_with_ntlm(w):
    deploy(w)
    if not os.path.exists(SIPE_CLIENT):
        raise Skipped("sipe_client was not built: install libpurple-dev and pidgin-sipe")
    w.shell("int", "kinit ada", stdin="Passw0rd.1\n")
    words = "--uri sip:ada@example.test --login 'EXAMPLE\\ada' --ca %s/ca.pem --accept-any" % w.root
    for host, server, scheme, password in (("int", "fe.example.test:5061", "krb5 --sso", ""), ("ext", "10.78.0.30:443", "ntlm", "Passw0rd.1")):
        done = w.shell(host, "SIPE_PASSWORD='%s' %s %s --server %s --scheme %s" % (password, SIPE_CLIENT, words, server, scheme), check=False)
        assert done.returncode == 0 and '"signed-on"' in done.stdout, (host, done.stdout, done.stderr)


HELPERS = ("howto", "commands", "scheme_of", "deploy")

if __name__ == "__main__":
    main(tests_of(globals(), HELPERS), Network)
