#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`postern directory test` and `postern user import ldap://` against a real Active Directory.  CASES are for a script that
has an AdWorkshop; alone they bring up a lab of their own."""
import json, os, shutil, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from ad_world import AdWorkshop
from demo import POSTERN
from edge_world import main

SIGNED_IN = "signed-in"


def look(w, who, config=None, code=None):
    """The JSON object of `directory test`, after a look at the exit code."""
    done = w.lab.run("fe", POSTERN, "directory", "test", who, "--json", "-c", config or w.config, check=False)
    assert done.stdout, (who, done.returncode, done.stderr)
    d = json.loads(done.stdout)
    expected = 3 if not d["reachable"] else 0 if d["inside"]["possible"] and d["outside"]["possible"] else 1
    assert done.returncode == expected and code in (None, expected), (who, done.returncode, done.stdout, done.stderr)
    return d


def wait_for(w, condition):
    """What is said of ada, once it is so: winbindd takes its time to see a controller again."""
    deadline = time.monotonic() + 90
    while True:
        d = look(w, "ada")
        if condition(d):
            return d
        assert time.monotonic() < deadline, d
        time.sleep(0.5)


def variant_of(w, folder, name, **changes):
    """The deployment's configuration with other values: (old line's key) = value."""
    lines, left = [], dict(changes)
    with open(w.config) as f:
        for line in f.read().splitlines():
            key = line.split("=")[0].strip()
            lines.append("%s = %s" % (key, left.pop(key)) if key in left else line)
    assert not left, left
    path = "%s/%s.conf" % (folder, name)
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")
    return path


def the_test_says_what_a_sign_in_says(w):
    # a workstation depends on where one sits; a smart card shows as a wrong password to who types one
    other = {"wksonly": SIGNED_IN, "smartcard": "user-smart-card"}
    for name, person in sorted(w.lab.people.items()):
        d = look(w, name)
        assert len(d["accounts"]) >= 1, name
        for side in ("inside", "outside"):
            assert (d[side]["ntlm"]["fault"] or SIGNED_IN) == other.get(name, person[side]), (name, side, person, d)
        assert d["outside"]["kerberos"] is None and d["inside"]["kerberos"] is not None, d
    assert look(w, "wksonly")["accounts"][0]["workstations"] == "ALLOWEDPC"


def somebody_is_found_by_every_name(w):
    ada = w.lab.people["ada"]
    upn = w.lab.attribute("ada", "userPrincipalName")
    for who in ("ada", "ADA", "EXAMPLE\\ada", "ad.example.test\\ada", upn, "ada@ad.example.test", ada["uri"], ada["uri"].upper()):
        d = look(w, who, code=0)
        assert [a["name"] for a in d["accounts"]] == ["ada"] and d["server"] == "dc1.ad.example.test", (who, d)
    assert look(w, "ELSEWHERE\\ada", code=1)["inside"]["fault"] == "user-unknown"
    assert look(w, "sip:nobody@example.test", code=1)["accounts"] == []
    assert look(w, "*", code=1)["accounts"] == []


def all_who_share_an_address_are_named(w):
    for who in ("twin1", w.lab.people["twin1"]["uri"]):
        d = look(w, who, code=1)
        assert sorted(a["name"] for a in d["accounts"]) == ["twin1", "twin2"], d
        assert all(a["address_shared"] for a in d["accounts"]), d
        assert d["inside"]["fault"] == d["outside"]["fault"] == "user-uri-shared", d


def who_may_not_use_ntlm_comes_in_with_a_ticket(w):
    for name, fault in (("protected", "user-restricted"), ("smartcard", "user-smart-card")):
        d = look(w, name, code=1)
        assert d["inside"]["possible"] and d["inside"]["kerberos"]["possible"], d
        assert d["inside"]["ntlm"]["fault"] == d["outside"]["fault"] == fault and d["outside"]["advice"], d
    assert look(w, "protected")["accounts"][0]["protected_user"] is True
    assert look(w, "ada")["accounts"][0]["protected_user"] is False


def winbind_and_keytab_are_looked_at(w):
    d = look(w, "ada", code=0)
    winbind, keytab = d["winbind"], d["keytab"]
    assert winbind["computer"] == "FE" and winbind["domain"] == "EXAMPLE" and winbind["dns_domain"] == "ad.example.test", d
    assert winbind["privileged_pipe"] and winbind["domain_controller"] and winbind["fault"] is None, d
    assert keytab["fault"] is None and keytab["service"] == "sip/fe.example.test", d
    keys = {(k["principal"].split("@")[0], k["kind"]) for k in keytab["keys"]}
    assert ("sip/fe.example.test", "aes256-cts-hmac-sha1-96") in keys, keys
    assert all(k["version"] >= 1 for k in keytab["keys"]), keytab


def authds_account_is_asked_for_not_root(w):
    # an account that may read the keytabs, but not use the privileged pipe
    folder = tempfile.mkdtemp(prefix="postern-directory-")
    try:
        os.chmod(folder, 0o755)
        for name in ("sip.keytab", "ldapread.keytab"):
            shutil.copy(w.lab.dir + "/" + name, folder)
            shutil.chown(folder + "/" + name, "nobody")
            os.chmod(folder + "/" + name, 0o600)
        config = variant_of(w, folder, "nobody", ad_keytab=folder + "/ldapread.keytab", keytab=folder + "/sip.keytab")
        with open(config) as f:
            text = f.read()
        with open(config, "w") as f:
            f.write(text.replace("[general]", "[general]\nuser_authd = nobody", 1) if "user_authd" not in text
                    else "\n".join("user_authd = nobody" if l.startswith("user_authd") else l for l in text.splitlines()))
        d = look(w, "ada", config, code=1)
        assert d["winbind"]["answers"] and not d["winbind"]["privileged_pipe"], d
        assert d["inside"]["ntlm"]["fault"] == d["outside"]["fault"] == "directory-winbind", d
        assert d["inside"]["possible"] and d["inside"]["kerberos"]["possible"], d
        shutil.chown(folder + "/sip.keytab", "root")
        d = look(w, "ada", config, code=1)
        assert d["keytab"]["fault"] == d["inside"]["kerberos"]["fault"] == "kerberos-keytab", d
    finally:
        shutil.rmtree(folder)


def a_keytab_of_another_service_is_told(w):
    folder = tempfile.mkdtemp(prefix="postern-directory-")
    try:
        d = look(w, "ada", variant_of(w, folder, "other", keytab=w.lab.dir + "/ldapread.keytab"), code=0)
        assert d["keytab"]["fault"] == d["inside"]["kerberos"]["fault"] == "kerberos-no-key", d
        assert d["inside"]["possible"] and d["keytab"]["keys"], d
    finally:
        shutil.rmtree(folder)


def each_controller_that_is_no_help_is_told(w):
    folder = tempfile.mkdtemp(prefix="postern-directory-")
    try:
        servers = "ldap://dc7.ad.example.test, ldap://127.0.0.1:1"
        d = look(w, "ada", variant_of(w, folder, "none", ad_servers=servers), code=3)
        assert len(d["tried"]) == 2 and d["tried"][0].startswith("ldap://dc7.ad.example.test: "), d
        assert d["inside"]["fault"] == d["outside"]["fault"] == "directory-ldap", d
        d = look(w, "ada", variant_of(w, folder, "last", ad_servers=servers + ", ldap://dc1.ad.example.test"), code=0)
        assert len(d["tried"]) == 2 and d["server"] == "dc1.ad.example.test", d
    finally:
        shutil.rmtree(folder)


def a_frozen_controller_is_told_in_time(w):
    w.lab.daemons("stop")
    try:
        began = time.monotonic()
        d = look(w, "ada", code=3)
        print("        %.1f s: %s" % (time.monotonic() - began, d["tried"]), flush=True)
        assert d["tried"] and d["inside"]["fault"].startswith("directory-"), d
    finally:
        w.lab.daemons("continue")
    wait_for(w, lambda d: d["outside"]["possible"])


def winbindd_that_is_gone_is_told(w):
    w.lab.daemons("winbind-kill")
    try:
        d = look(w, "ada", code=1)
        assert not d["winbind"]["answers"] and d["outside"]["fault"] == "directory-winbind", d
        assert d["inside"]["possible"] and d["inside"]["ntlm"]["fault"] == "directory-winbind", d
    finally:
        w.lab.daemons("winbind")
    wait_for(w, lambda d: d["outside"]["possible"])


def everybody_enabled_is_imported(w):
    folder = tempfile.mkdtemp(prefix="postern-directory-")
    try:
        config = folder + "/import.conf"
        with open(config, "w") as f:
            f.write("[general]\ndomain = example.test\nstate = %s\nrun = %s\nuser_front =\nuser_authd =\n[directory]\n"
                    "netbios_domain = EXAMPLE\nad_domain = ad.example.test\nad_user = ldapread\nad_keytab = %s/ldapread.keytab\n"
                    % (folder, folder, w.lab.dir))

        def user(*words, code=0):
            done = w.lab.run("fe", POSTERN, "user", *words, "-c", config, check=False)
            assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
            return done
        uri = "ldap://dc1.ad.example.test"
        # two have the same address, so not all can be taken
        assert "every account needs its own" in user("import", uri, code=2).stderr
        assert not user("list").stdout
        told = json.loads(user("import", uri, "--partial", "--json", code=1).stdout)
        have = {}
        for line in user("list", "--json").stdout.splitlines():
            row = json.loads(line)
            have[row["name"]] = row
        assert told["imported"] == len(have) == len(told["without_password"]) and told["problems"] >= 1, (told, len(have))
        assert told["left_out"]["not_enabled"] >= 1 and "linus" not in have and "nosip" not in have, told
        assert have["ada"]["uri"] == "sip:ada@example.test" and have["ada"]["remote_access"] and not have["grace"]["remote_access"]
        assert have["disabled"]["disabled"] and have["mustchange"]["must_change"] and have["expired"]["expires"]
        assert not have["locked"]["locked"] and ("twin1" in have) != ("twin2" in have)
        again = json.loads(user("import", uri, "--partial", "--json", code=1).stdout)
        assert again["imported"] == 0 and again["problems"] >= told["imported"], again
        done = user("import", "ldap://dc7.ad.example.test", code=3)
        assert "ldap://dc7.ad.example.test: " in done.stderr, done.stderr
    finally:
        shutil.rmtree(folder)


CASES = [f for name, f in list(globals().items())
         if getattr(f, "__module__", "") == __name__ and name not in ("look", "wait_for", "variant_of")]


if __name__ == "__main__":
    main(CASES, AdWorkshop)
