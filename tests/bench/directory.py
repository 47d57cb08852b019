# SPDX-License-Identifier: MIT
"""Active Directory: what authd's children give of the rate that winbind itself gives, and what a look-up costs that
the cache answers.  Against the domain controller and the joined member of tests/lab."""
import os, re, subprocess, sys

E2E = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e")
AT_A_TIME = 4, 8
LOOKUPS = 200000


def ask(lab, tool, config, *commands):
    done = subprocess.run([os.path.join(E2E, "..", "lab", "exec.sh"), lab.dir, "fe", tool, config], check=True, text=True,
                          input="".join(c + "\n" for c in commands), capture_output=True, timeout=600)
    return done.stdout


def number(pattern, text):
    found = re.search(pattern, text)
    if not found:
        sys.exit("bench: the directory said something else: " + text)
    return float(found.group(1))


def run(bench, args):
    sys.path.insert(0, E2E)
    from ad_world import Lab
    tool = os.path.join(os.path.abspath(args.build), "tests", "bench", "ad_tool")
    with Lab() as lab:
        config = lab.dir + "/bench.conf"
        with open(config, "w") as f:
            f.write("[general]\ndomain = example.test\nuser_authd =\n[directory]\nsource = ad\nnetbios_domain = EXAMPLE\n"
                    "ad_domain = ad.example.test\nad_servers = ldap://dc1.ad.example.test\nad_user = ldapread\n"
                    "ad_keytab = %s/ldapread.keytab\n" % lab.dir)
        person = lab.people["ada"]
        for at_a_time in AT_A_TIME:
            text = ask(lab, tool, config, "sleep 1000", "compare %s %s %d %d" % (
                person["login"], person["password"], max(3, args.repeats), at_a_time))
            raw, ours, ratio = (number(p, text) for p in (r"the library ([\d.]+)/s", r"children ([\d.]+)/s", r"ratio ([\d.]+)"))
            bench.results["winbind, %d at a time" % at_a_time] = {"raw": raw, "ours": ours, "ratio": ratio}
            print("%-34s %8.0f/s  winbind %6.0f/s  ratio %.2f  bound 0.9  %s" % (
                "NTLM by a controller, %d at a time" % at_a_time, ours, raw, ratio, "within" if ratio >= 0.9 else "BELOW"), flush=True)
        text = ask(lab, tool, config, "sleep 1000", "uri " + person["uri"], "again %s %d" % (person["uri"], LOOKUPS))
        us = number(r"([\d.]+) us each", text)
        bench.results["look-up from cache"] = {"us": us}
        print("%-34s %8.2f us  bound 5 us  %s" % ("look-up from the cache", us, "within" if us < 5 else "ABOVE"), flush=True)
