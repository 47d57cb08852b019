# SPDX-License-Identifier: MIT
"""Our NTLM beside gss-ntlmssp's: sign-ins and signatures between us and them, in both directions.

The plug-in's functions are called directly: the dispatcher hands an acceptor's empty first token
to SPNEGO, so a datagram acceptor cannot be reached through it.

Usage: ntlm_gss.py NTLM_TOOL PLUGIN [ROUNDS]"""
import ctypes
import os
import sys
import tempfile
from ctypes import byref, c_size_t, c_uint32, c_void_p

from ntlm_tool import (ALWAYS_SIGN, DATAGRAM, ESS, IDENTIFY, KEY_56, KEY_128, KEY_EXCH, KEY_LENGTHS, NTLM, OFFER,
                       REQUEST_TARGET, SIGN, TARGET_INFO, UNICODE, VERSION, Compared, Tool, filetime, octets,
                       random_source, text)

BASE = UNICODE | REQUEST_TARGET | SIGN | DATAGRAM | NTLM | ALWAYS_SIGN | IDENTIFY | TARGET_INFO | KEY_EXCH | ESS
COMPLETE, CONTINUE, DEFECTIVE = 0, 1, 0x90000
INITIATE, ACCEPT = 1, 2
INTEGRITY_FLAG, DATAGRAM_FLAG = 0x20, 0x10000
SEQUENCE = 100


class Buffer(ctypes.Structure):
    _fields_ = [("length", c_size_t), ("value", c_void_p)]

    @classmethod
    def of(cls, data):
        b = cls(len(data), None)
        # with a NUL after its end: the plug-in reads passwords and names as C strings
        b.kept = ctypes.create_string_buffer(data) if data else None
        b.value = ctypes.cast(b.kept, c_void_p) if data else None
        return b

    def octets(self):
        return ctypes.string_at(self.value, self.length) if self.length else b""


class Oid(ctypes.Structure):
    _fields_ = [("length", c_uint32), ("elements", c_void_p)]

    @classmethod
    def of(cls, data):
        o = cls(len(data), None)
        o.kept = ctypes.create_string_buffer(data, len(data))
        o.elements = ctypes.cast(o.kept, c_void_p)
        return o


MECHANISM = Oid.of(b"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a")
USER_NAME = Oid.of(b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x01")
HOST_SERVICE = Oid.of(b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04")
SET_SEQUENCE = Oid.of(b"\x2b\x06\x01\x04\x01\xb7\x7d\x85\x0f\x01\x01")


class Plugin:
    def __init__(self, path):
        self.library = ctypes.CDLL(path)

    def call(self, name, *arguments, expect=(COMPLETE,)):
        minor = c_uint32()
        function = getattr(self.library, name)
        function.restype = c_uint32
        major = function(byref(minor), *arguments)
        if major not in expect:
            raise SystemExit(f"MISMATCH {name} says {major:08x} {minor.value:08x}")
        return major

    def name(self, octets_, kind):
        name = c_void_p()
        self.call("gss_import_name", byref(Buffer.of(octets_)), byref(kind), byref(name))
        return name

    def release(self, name, handle):
        self.call(name, byref(handle))


class Context:
    """A security context of theirs."""

    def __init__(self, plugin):
        self.plugin, self.handle = plugin, c_void_p()

    def accept(self, credential, token, expect):
        out = Buffer()
        self.plugin.call("gss_accept_sec_context", byref(self.handle), credential, byref(Buffer.of(token)), None, None,
                         None, byref(out), None, None, None, expect=(expect,))
        return out.octets()

    def initiate(self, credential, target, token, expect):
        out = Buffer()
        self.plugin.call("gss_init_sec_context", credential, byref(self.handle), target, byref(MECHANISM),
                         c_uint32(INTEGRITY_FLAG | DATAGRAM_FLAG), c_uint32(0), None, byref(Buffer.of(token)), None,
                         byref(out), None, None, expect=(expect,))
        return out.octets()

    def set_sequence(self):
        value = (SEQUENCE).to_bytes(4, sys.byteorder)
        self.plugin.call("gss_set_sec_context_option", byref(self.handle), byref(SET_SEQUENCE), byref(Buffer.of(value)))

    def mic(self, message):
        out = Buffer()
        self.set_sequence()
        self.plugin.call("gss_get_mic", self.handle, c_uint32(0), byref(Buffer.of(message)), byref(out))
        return out.octets()

    def accepts(self, message, mic):
        self.set_sequence()
        self.plugin.call("gss_verify_mic", self.handle, byref(Buffer.of(message)), byref(Buffer.of(mic)), None)
        return True

    def delete(self):
        self.plugin.call("gss_delete_sec_context", byref(self.handle), None)


class Round:
    def __init__(self, source, tool, plugin, done):
        self.source, self.tool, self.plugin, self.done = source, tool, plugin, done
        # ':' ends a field of their user file, '\' a domain in a name
        self.user, self.domain = text(source, 1, 20), text(source, 1, 15)
        self.password = text(source, 1, 30)
        self.length = source.choice(KEY_LENGTHS)
        self.exported = octets(source, 16)
        self.time = filetime()

    def __str__(self):
        return f"user={self.user!r} domain={self.domain!r} password={self.password!r} length={self.length:08x}"

    def same(self, kind, ours, others):
        self.done.same(kind, ours, others, self)

    def signatures(self, context, exported, flags, revision, we_are):
        """Several messages: each starts RC4 anew, so order must not matter."""
        they_are = "server" if we_are == "client" else "client"
        bits = 128 if flags & KEY_128 else 56 if flags & KEY_56 else 40
        for _ in range(3):
            message = text(self.source, 1, 400).encode()
            ours = dict(zip(("client", "server"), self.tool.sign(exported, flags, revision, message)))
            self.same(f"signature of ours taken by them, {we_are}, {bits} bit",
                      context.accepts(message, ours[we_are]), True)
            theirs = context.mic(message)
            self.same(f"signature, {they_are}, {bits} bit", ours[they_are], theirs)
            self.same("acceptance of their signature",
                      self.tool.accepts(exported, flags, revision, message, theirs, they_are), True)

    def answer(self, challenge, mic, version):
        out = self.tool.call("initiate", challenge=challenge, flags=BASE | version | KEY_128, level=3,
                             lmv2=self.source.random() < 0.5, mic=mic, revision=15, cc=octets(self.source, 8),
                             session_key=self.exported, time=self.time, user=self.user, domain=self.domain,
                             workstation="WS", password=self.password)
        self.same("fault of our client", out["fault"], "none")
        return bytes.fromhex(out["authenticate"]), int(out["flags"], 16)

    def our_client(self, user_file):
        """They make the CHALLENGE and check our answer.  Their acceptor goes by the key length it offered,
        whatever the client concluded, so this direction has 128 bits only."""
        with open(user_file, "w", encoding="utf-8") as file:
            file.write(f"{self.domain}:{self.user}:{self.password}\n")
        credential, context = c_void_p(), Context(self.plugin)
        self.plugin.call("gss_acquire_cred", None, c_uint32(0), None, ACCEPT, byref(credential), None, None)
        mic, version = self.source.random() < 0.5, self.source.choice((0, VERSION))
        token, flags = self.answer(context.accept(credential, b"", CONTINUE), mic, version)
        context.accept(credential, token, COMPLETE)
        self.done.seen("verdict of theirs on our client" + (", with MIC" if mic else ""))
        self.signatures(context, self.exported, flags, 15 if version else 0, "client")
        context.delete()
        if mic:
            self.altered(credential, version)
        self.plugin.release("gss_release_cred", credential)

    def altered(self, credential, version):
        """That they check the MIC at all, and by the same rule: one bit of it turned."""
        context = Context(self.plugin)
        token, _ = self.answer(context.accept(credential, b"", CONTINUE), True, version)
        context.accept(credential, token[:80] + bytes([token[80] ^ 1]) + token[81:], DEFECTIVE)
        self.done.seen("refusal of theirs of an altered MIC")

    def their_client(self):
        """We make the CHALLENGE and check their answer."""
        credential, context = c_void_p(), Context(self.plugin)
        name = self.plugin.name(f"{self.domain}\\{self.user}".encode(), USER_NAME)
        target = self.plugin.name(b"sip@fe01.example.com", HOST_SERVICE)
        self.plugin.call("gssspi_acquire_cred_with_password", name, byref(Buffer.of(self.password.encode())),
                         c_uint32(0), None, INITIATE, byref(credential), None, None)
        offer = (OFFER & ~(KEY_128 | KEY_56)) | self.length
        out = self.tool.call("challenge", server_challenge=octets(self.source, 8), offer=offer,
                             time=self.time if self.source.random() < 0.5 else 0, domain="EXAMPLE", computer="FE01")
        challenge = bytes.fromhex(out["challenge"])
        self.same("first token of their client", b"", context.initiate(credential, target, b"", CONTINUE))
        token = context.initiate(credential, target, challenge, COMPLETE)
        verify = dict(challenge=challenge, authenticate=token, time=self.time)
        out = self.tool.call("verify", password=self.password, **verify)
        self.same("verdict on their client", out["fault"], "none")
        self.same("kind of their response", out["kind"], "ntlmv2")
        wrong = self.tool.call("verify", password=self.password + "x", **verify)
        self.same("refusal of a wrong password", wrong["fault"], "user-wrong-password")
        self.signatures(context, bytes.fromhex(out["exported"]), int(out["flags"], 16), int(out["revision"]), "server")
        context.delete()
        self.plugin.release("gss_release_cred", credential)
        self.plugin.release("gss_release_name", name)
        self.plugin.release("gss_release_name", target)


def main():
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 150
    with tempfile.TemporaryDirectory() as directory:
        user_file = os.path.join(directory, "users")
        os.environ["NTLM_USER_FILE"] = user_file
        tool, plugin, done, source = Tool(sys.argv[1]), Plugin(sys.argv[2]), Compared(), random_source()
        for _ in range(rounds):
            Round(source, tool, plugin, done).our_client(user_file)
            Round(source, tool, plugin, done).their_client()
    print(f"gss-ntlmssp {sys.argv[2]}: {rounds} rounds in each direction")
    done.report()


if __name__ == "__main__":
    main()
