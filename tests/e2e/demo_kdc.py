# SPDX-License-Identifier: MIT
"""The demo with its KDC, without one, and where none is installed."""
import os, signal, socket, subprocess, sys, tempfile, time, traceback

from demo import POSTERN, Demo, story


def folder_of(demo):
    return os.path.dirname(demo.config)


def processes_of(folder):
    """Process ids whose command line or environment names the folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            texts = [open("/proc/%s/%s" % (pid, name), "rb").read() for name in ("cmdline", "environ")]
        except OSError:
            continue
        if any(folder.encode() in text for text in texts) and int(pid) != os.getpid():
            found.append(int(pid))
    return found


def kdc_of(folder):
    for pid in processes_of(folder):
        with open("/proc/%d/comm" % pid) as f:
            if f.read().strip() == "krb5kdc":
                return pid
    return None


def inside_uses_kerberos_and_windows_xp_gets_in():
    with Demo() as demo:
        assert demo.table() == story("kerberos"), demo.rows
        kerberos, folder = demo.ready["kerberos"], folder_of(demo)
        assert kerberos["realm"] == "EXAMPLE.COM" and kerberos["krb5_conf"].startswith(folder + "/"), kerberos
        assert os.stat(folder + "/kdc/sip.keytab").st_mode & 0o077 == 0 and os.stat(folder + "/kdc").st_mode & 0o077 == 0
        # kinit as the screen says it: the tickets stay in the folder
        env = {**os.environ, "KRB5_CONFIG": kerberos["krb5_conf"]}
        env.pop("KRB5CCNAME", None)
        subprocess.run(["kinit", "ada@EXAMPLE.COM"], input=demo.users["ada"]["password"] + "\n", env=env, check=True, text=True,
                       capture_output=True, timeout=30)
        assert os.path.exists(folder + "/kdc/tickets")
        assert kdc_of(folder), "no KDC runs"
    assert not processes_of(folder), "something still runs"


def without_kerberos_inside_is_ntlm():
    with Demo("--no-kerberos") as demo:
        assert demo.table() == story("ntlm") and demo.ready["kerberos"] is None, (demo.rows, demo.ready)
        assert not kdc_of(folder_of(demo)) and not os.path.exists(folder_of(demo) + "/kdc")


def where_no_kdc_is_installed_it_is_said_and_inside_is_ntlm():
    with tempfile.TemporaryDirectory() as empty, tempfile.TemporaryFile("w+") as said:
        with Demo(env={"POSTERN_KDC_DIR": empty}, stderr=said) as demo:
            assert demo.table() == story("ntlm") and demo.ready["kerberos"] is None, (demo.rows, demo.ready)
        said.seek(0)
        lines = said.read().splitlines()
    assert len(lines) == 1 and lines[0].startswith("postern: no Kerberos in this demo: krb5kdc is not installed"), lines


def a_kdc_that_cannot_work_is_told():
    with tempfile.TemporaryDirectory() as broken:
        for name in ("krb5kdc", "kdb5_util", "kadmin.local"):
            os.symlink("/bin/false", os.path.join(broken, name))
        done = subprocess.run([POSTERN, "demo", "--once"], capture_output=True, text=True, timeout=60,
                              env={**os.environ, "POSTERN_KDC_DIR": broken})
    assert done.returncode == 2 and "kdb5_util made no database" in done.stderr, done


def a_kdc_whose_port_is_taken_is_told():
    """The folder with its log is removed: what the log says has to be on the screen."""
    for _ in range(5):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            done = subprocess.run([POSTERN, "demo", "--once", "--port-base", str(port - 4)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 2, done
        if "krb5kdc" in done.stderr:  # else one of the four ports below was taken too
            break
    assert "krb5kdc does not answer on port %d: " % port in done.stderr and "Address already in use" in done.stderr, done
    assert "/kdc/" not in done.stderr, done


def the_screen_tells_the_three_facts():
    done = subprocess.run([POSTERN, "demo", "--once"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "windows-xp inside Kerberos windows-2008r2 signed in" in lines, done.stdout
    assert "windows-xp outside NTLM windows-2008r2 REFUSED 401 policy-128bit" in lines, done.stdout
    assert "Inside, Windows XP signs in whatever the minimum is" in done.stdout, done.stdout


def killed_it_takes_the_kdc_along():
    demo = Demo().__enter__()
    folder, pid = folder_of(demo), kdc_of(folder_of(demo))
    assert pid
    demo.process.send_signal(signal.SIGKILL)
    demo.process.wait(10)
    for _ in range(100):
        if not processes_of(folder):
            break
        time.sleep(0.1)
    left = processes_of(folder)
    subprocess.run(["rm", "-rf", folder], check=True)
    assert not left, left


def main(tests):
    failed = 0
    chosen = [t for t in tests if len(sys.argv) < 2 or any(n in t.__name__ for n in sys.argv[1:])]
    for test in chosen:
        try:
            test()
            print("ok      %s" % test.__name__, flush=True)
        except Exception:
            failed += 1
            print("FAILED  %s" % test.__name__, flush=True)
            traceback.print_exc()
    print("%d passed, %d failed" % (len(chosen) - failed, failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main([inside_uses_kerberos_and_windows_xp_gets_in, without_kerberos_inside_is_ntlm,
          where_no_kdc_is_installed_it_is_said_and_inside_is_ntlm, a_kdc_that_cannot_work_is_told, a_kdc_whose_port_is_taken_is_told,
          the_screen_tells_the_three_facts,
          killed_it_takes_the_kdc_along])
