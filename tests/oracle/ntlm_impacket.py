# SPDX-License-Identifier: MIT
"""Our NTLM beside impacket's: responses, keys, MIC and signatures, in both directions.

Usage: ntlm_impacket.py NTLM_TOOL [ROUNDS]"""
import hashlib
import hmac
import struct
import sys

import impacket.ntlm as theirs
from Cryptodome.Cipher import ARC4

from ntlm_tool import (ALWAYS_SIGN, DATAGRAM, ESS, IDENTIFY, KEY_56, KEY_128, KEY_EXCH, KEY_LENGTHS, NTLM, OFFER,
                       REQUEST_TARGET, SIGN, TARGET_INFO, UNICODE, VERSION, Compared, Tool, filetime, octets,
                       random_source, text)

SEQUENCE = 100
BASE = UNICODE | REQUEST_TARGET | SIGN | DATAGRAM | NTLM | ALWAYS_SIGN | IDENTIFY | TARGET_INFO | VERSION | KEY_EXCH
ASCII = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789!$%-"
AV_FLAGS, AV_TIME, MIC_PRESENT = 6, 7, 2


def mac_of(flags, exported, mode, message):
    """SIP's signature out of impacket's parts: RC4 starts anew for each message (datagram mode)."""
    seal = theirs.SEALKEY(flags, exported, mode)
    if flags & ESS:
        seal = hashlib.md5(seal + struct.pack("<I", SEQUENCE)).digest()
    handle = ARC4.new(seal).encrypt
    return theirs.SIGN(flags, theirs.SIGNKEY(flags, exported, mode), message, SEQUENCE, handle).getData()


def mic_of(exported, challenge, authenticate):
    return hmac.new(exported, challenge + authenticate[:72] + bytes(16) + authenticate[88:], "md5").digest()


class Round:
    """One made-up sign-in."""

    def __init__(self, source, tool, done):
        self.source, self.tool, self.done = source, tool, done
        self.v2 = source.random() < 0.5
        self.ess = source.random() < 0.6
        self.mic = self.v2 and source.random() < 0.5
        self.length = source.choice(KEY_LENGTHS)
        self.user, self.domain = text(source, 1, 20), text(source, 0, 15)
        self.password = text(source, 0, 30) if self.v2 else text(source, 1, 14, ASCII)
        self.server_challenge, self.cc = octets(source, 8), octets(source, 8)
        self.exported = octets(source, 16)
        self.flags = BASE | self.length | (ESS if self.ess else 0)
        self.time = filetime()
        self.message = text(source, 0, 400).encode()
        out = tool.call("challenge", server_challenge=self.server_challenge, offer=OFFER, time=self.time,
                        domain=text(source, 0, 15), computer=text(source, 1, 15))
        self.challenge = bytes.fromhex(out["challenge"])
        self.target_info = theirs.NTLMAuthChallenge().fromString(self.challenge)["TargetInfoFields"]

    def __str__(self):
        return (f"user={self.user!r} domain={self.domain!r} password={self.password!r} flags={self.flags:08x} "
                f"v2={self.v2} mic={self.mic} challenge={self.challenge.hex()}")

    def same(self, kind, ours, others):
        self.done.same(kind, ours, others, self)

    def keys_and_signatures(self, exported, flags):
        client, server = self.tool.sign(exported, flags, 15, self.message)
        form = f"signature, {'ESS' if flags & ESS else 'plain'} {128 if flags & KEY_128 else 56 if flags & KEY_56 else 40} bit"
        for signer, ours, mode in (("client", client, "Client"), ("server", server, "Server")):
            other = mac_of(flags, exported, mode, self.message)
            self.same(f"{form}, {signer}", ours, other)
            self.same("acceptance of their signature",
                      self.tool.accepts(exported, flags, 15, self.message, other, signer), True)


    def our_client(self):
        """We answer; impacket takes the answer apart and does a server's work."""
        level = 3 if self.v2 else self.source.choice((1, 1, 0) if not self.ess else (1, 2))
        out = self.tool.call("initiate", challenge=self.challenge, flags=self.flags, level=level, lmv2=not self.mic,
                             mic=self.mic, revision=15, cc=self.cc, session_key=self.exported, time=self.time,
                             user=self.user, domain=self.domain, workstation="WS", password=self.password)
        self.same("fault of our client", out["fault"], "none")
        raw = bytes.fromhex(out["authenticate"])
        a = theirs.NTLMAuthChallengeResponse()
        a.fromString(raw)
        offset = struct.unpack_from("<I", raw, 56)[0]
        key = raw[offset:offset + 16]
        self.same("user", self.user.encode("utf-16le"), a["user_name"])
        self.same("domain", self.domain.encode("utf-16le"), a["domain_name"])
        self.same("flags", int(out["flags"], 16), a["flags"])
        self.same("flags concluded", a["flags"], self.flags)
        if self.v2:
            response_key = theirs.NTOWFv2(self.user, self.password, self.domain)
            proof, temp = a["ntlm"][:16], a["ntlm"][16:]
            self.same("NTLMv2 proof", proof, theirs.hmac_md5(response_key, self.server_challenge + temp))
            base = theirs.hmac_md5(response_key, proof)
            if not self.mic:
                self.same("LMv2 response", a["lanman"],
                          theirs.hmac_md5(response_key, self.server_challenge + self.cc) + self.cc)
            pairs = theirs.AV_PAIRS(temp[28:])
            self.same("claim of a MIC", self.mic, pairs[AV_FLAGS] is not None and bool(pairs[AV_FLAGS][1][0] & MIC_PRESENT))
            self.same("server's time repeated", pairs[AV_TIME][1], temp[8:16])
        else:
            nt, lm, base = theirs.computeResponseNTLMv1(self.flags, self.server_challenge, self.cc, b"", self.domain,
                                                        self.user, self.password)
            kind = "NTLM2 session" if self.ess else "NTLMv1"
            self.same(f"{kind} NT response", a["ntlm"], nt)
            self.same(f"{kind} LM response", a["lanman"], lm)
        kxk = theirs.KXKEY(self.flags, base, a["lanman"], self.server_challenge, self.password, "", "", self.v2)
        exported = ARC4.new(kxk).decrypt(key)
        self.same("exported session key of our client", self.exported, exported)
        if self.mic:
            self.same("MIC of our client", raw[72:88], mic_of(exported, self.challenge, raw))
        self.keys_and_signatures(exported, a["flags"])

    def their_answer(self):
        if not self.v2:
            return theirs.computeResponseNTLMv1(self.flags, self.server_challenge, self.cc, b"", self.domain,
                                                self.user, self.password)
        pairs = theirs.AV_PAIRS(self.target_info)
        if self.mic:
            pairs[AV_FLAGS] = struct.pack("<I", MIC_PRESENT)
        return theirs.computeResponseNTLMv2(self.flags, self.server_challenge, self.cc, pairs.getData(), self.domain,
                                            self.user, self.password)

    def their_client(self):
        """impacket answers; we check."""
        nt, lm, base = self.their_answer()
        a = theirs.NTLMAuthChallengeResponse()
        a["flags"], a["domain_name"], a["host_name"] = self.flags, self.domain.encode("utf-16le"), b"W\0"
        a["user_name"], a["lanman"], a["ntlm"] = self.user.encode("utf-16le"), lm, nt
        kxk = theirs.KXKEY(self.flags, base, lm, self.server_challenge, self.password, "", "", self.v2)
        a["session_key"] = theirs.generateEncryptedSessionKey(kxk, self.exported)
        a["Version"], a["VersionLen"] = struct.pack("<BBHxxxB", 6, 1, 7601, 15), 8
        a["MIC"], a["MICLen"] = bytes(16), 16
        raw = a.getData()
        if self.mic:
            raw = raw[:72] + mic_of(self.exported, self.challenge, raw) + raw[88:]
        out = self.tool.call("verify", challenge=self.challenge, authenticate=raw, time=self.time,
                             password=self.password)
        self.same("verdict on their client", out["fault"], "none")
        kind = "ntlmv2" if self.v2 else "ntlm2-session" if self.ess else "ntlmv1"
        self.same(f"kind of their response: {kind}", out["kind"], kind)
        self.same("their claim of a MIC", out["mic"], str(int(self.mic)))
        self.same("exported session key of their client", bytes.fromhex(out["exported"]), self.exported)
        self.refusals(raw)

    def refusals(self, raw):
        out = self.tool.call("verify", challenge=self.challenge, authenticate=raw, time=self.time,
                             password=self.password + "x")
        self.same("refusal of a wrong password", out["fault"], "user-wrong-password")
        if self.mic:
            wrong = raw[:72] + bytes([raw[72] ^ 1]) + raw[73:]
            out = self.tool.call("verify", challenge=self.challenge, authenticate=wrong, time=self.time,
                                 password=self.password)
            self.same("refusal of a wrong MIC", out["fault"], "ntlm-mic")


def main():
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    tool, done, source = Tool(sys.argv[1]), Compared(), random_source()
    # otherwise impacket adds its own name and clock to the pairs
    theirs.TEST_CASE = False
    for _ in range(rounds):
        Round(source, tool, done).our_client()
        Round(source, tool, done).their_client()
    print(f"impacket {theirs.__file__}: {rounds} rounds in each direction")
    done.report()


if __name__ == "__main__":
    main()
