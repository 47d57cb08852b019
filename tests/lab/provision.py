#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Fills a freshly provisioned Samba directory, before the domain controller runs: the OCS attributes, the
accounts of the tests, service accounts and keytabs.

usage: provision.py SMB_CONF DIR BULK [unprepared|bulk]     bulk: add those many, and nothing else, also while it runs

DIR/users.tsv afterwards says of every account what a sign-in with the right password and an NTLMv2 response must
lead to: the controller's NTSTATUS, and the fault inside and outside ("signed-in" when there is none)."""
import base64, os, sys, time, uuid

import ldb
import samba.dckeytab  # noqa: F401  (gives Net its export_keytab)
from samba import dsdb
from samba.auth import system_session
from samba.credentials import Credentials
from samba.dcerpc import misc
from samba.ndr import ndr_pack
from samba.net import Net
from samba.param import LoadParm
from samba.samdb import SamDB

PASSWORD, SIP, REALM, FE = "Passw0rd.1", "example.test", "AD.EXAMPLE.TEST", "fe.example.test"
NORMAL, DISABLED, NO_PASSWORD, NO_EXPIRY, SMART_CARD = 0x200, 0x2, 0x20, 0x10000, 0x40000
OK = "0x00000000"
LONG_SAM = "abcdefghijklmnopqrst"                         # the most that Windows lets an account have
LONG_UPN = "l" * (256 - len("@" + SIP)) + "@" + SIP       # winbindd hands on 255, so it signs in by its other name
LONG_URI = "sip:" + "L" * (256 - len("sip:@" + SIP)) + "@" + SIP

BOOLEAN, INTEGER, STRING, DN, SID = ("2.5.5.8", 1), ("2.5.5.9", 2), ("2.5.5.12", 64), ("2.5.5.1", 127), ("2.5.5.17", 4)
ATTRIBUTES = [  # name, last arc of 1.2.840.113556.1.6.24.1, syntax, whether indexed
    ("msRTCSIP-PrimaryUserAddress", 1, STRING, True), ("msRTCSIP-UserEnabled", 6, BOOLEAN, False),
    ("msRTCSIP-TargetHomeServer", 47, DN, False), ("msRTCSIP-OriginatorSid", 50, SID, True),
    ("msRTCSIP-PrimaryHomeServer", 57, DN, False), ("msRTCSIP-UserExtension", 63, STRING, False),
    ("msRTCSIP-FederationEnabled", 67, BOOLEAN, False), ("msRTCSIP-InternetAccessEnabled", 68, BOOLEAN, False),
    ("msRTCSIP-ArchivingEnabled", 80, INTEGER, False), ("msRTCSIP-OptionFlags", 87, INTEGER, False),
    ("msRTCSIP-Line", 88, STRING, True), ("msRTCSIP-LineServer", 89, STRING, False),
]


def file_time(seconds):
    return str(int((seconds + 11644473600) * 10**7))


def octets(text):
    return text.encode("utf-8")


class Directory:
    def __init__(self, config):
        self.lp = LoadParm()
        self.lp.load(config)
        self.lp.set("dsdb:schema update allowed", "yes")
        self.db = SamDB(url=self.lp.private_path("sam.ldb"), session_info=system_session(), lp=self.lp)
        self.base, self.schema = str(self.db.domain_dn()), str(self.db.get_schema_basedn())
        self.home = "CN=LC Services,CN=Microsoft,CN=fe,CN=Pools,CN=RTC Service,CN=Microsoft,CN=System," + self.base
        self.rows = []

    def modify(self, dn, how=ldb.FLAG_MOD_REPLACE, controls=None, **values):
        m = ldb.Message()
        m.dn = ldb.Dn(self.db, dn)
        for name, value in values.items():
            name = name.replace("_", "-")
            m[name] = ldb.MessageElement(value, how, name)
        self.db.modify(m, controls=controls or [])

    def sid_of(self, dn):
        return self.db.search(base=dn, scope=ldb.SCOPE_BASE, attrs=["objectSid"])[0]["objectSid"][0]

    # ---- schema ----

    def extend_schema(self):
        for name, arc, (syntax, om), indexed in ATTRIBUTES:
            guid = uuid.uuid5(uuid.UUID("00000000-0000-0000-0000-706f73746572"), name)
            m = {"dn": "CN=%s,%s" % (name, self.schema), "objectClass": ["top", "attributeSchema"],
                 "attributeID": "1.2.840.113556.1.6.24.1.%d" % arc, "lDAPDisplayName": name, "adminDisplayName": name,
                 "attributeSyntax": syntax, "oMSyntax": str(om), "searchFlags": "1" if indexed else "0",
                 "isSingleValued": "FALSE" if name.endswith("UserExtension") else "TRUE",
                 "isMemberOfPartialAttributeSet": "TRUE", "showInAdvancedViewOnly": "TRUE",
                 "schemaIDGUID": ndr_pack(misc.GUID(str(guid)))}
            if syntax == DN[0]:  # 1.3.12.2.1011.28.0.714, the class of a plain DN
                m["oMObjectClass"] = base64.b64decode("KwwCh3McAIVK")
            self.db.add(m)
        self.db.set_schema_update_now()
        for name in ("User", "Contact"):
            self.modify("CN=%s,%s" % (name, self.schema), ldb.FLAG_MOD_ADD, mayContain=[a[0] for a in ATTRIBUTES])
        self.db.set_schema_update_now()

    def make_home_server(self):
        """Where OCS keeps the pool that a user is homed on."""
        for i in range(5, -1, -1):
            self.db.add({"dn": self.home.split(",", i)[-1], "objectClass": ["top", "container"]})

    # ---- accounts ----

    def account(self, name, password=PASSWORD, flags=NORMAL | NO_EXPIRY, upn=None, display=None, cn=None, **more):
        dn = "CN=%s,CN=Users,%s" % (cn or name, self.base)
        if password:
            more["unicodePwd"] = ('"%s"' % password).encode("utf-16-le")
        self.db.add({"dn": dn, "objectClass": ["top", "person", "organizationalPerson", "user"], "sAMAccountName": name,
                     "displayName": display or name, "userPrincipalName": upn or "%s@%s" % (name, SIP),
                     "userAccountControl": str(flags), **{k.replace("_", "-"): v for k, v in more.items()}})
        return dn

    def sip(self, uri, enabled=True, remote=True, option_flags=256):
        yes_no = lambda v: "TRUE" if v else "FALSE"
        return {"msRTCSIP_PrimaryUserAddress": uri, "proxyAddresses": [uri, "SMTP:" + uri[4:]], "mail": uri[4:],
                "msRTCSIP_UserEnabled": yes_no(enabled), "msRTCSIP_OptionFlags": str(option_flags),
                "msRTCSIP_PrimaryHomeServer": self.home, "msRTCSIP_InternetAccessEnabled": yes_no(remote),
                "msRTCSIP_FederationEnabled": "TRUE"}

    def person(self, name, inside="signed-in", outside=None, status=OK, uri=None, enabled=True, remote=True, login=None,
               password=PASSWORD, option_flags=256, attributes=None, **more):
        uri = uri or "sip:%s@%s" % (name, SIP)
        attributes = self.sip(uri, enabled, remote, option_flags) if attributes is None else attributes
        dn = self.account(name, password=password, **more, **attributes)
        self.rows.append((name, login or "EXAMPLE\\" + name, password, uri, status, inside, outside or inside))
        return dn

    def people(self):
        person, now = self.person, time.time()
        for name in ("ada", "ben", "barksda", "dora", "emil"):
            person(name)
        person("grace", remote=False, outside="remote-access-not-enabled")
        person("linus", enabled=False, inside="user-not-sip-enabled")
        person("nosip", attributes={}, inside="user-not-sip-enabled")  # nobody ever gave it an address
        person("nopresence", option_flags=0)
        person("otheruri", uri="sip:First.Last@" + SIP)
        # names
        person("upnuser", upn="another.name@" + SIP, login="another.name@" + SIP)
        person("upnrealm", upn="upnrealm@" + REALM.lower(), login="upnrealm@" + REALM.lower())
        person("upnother", upn="upn.other@elsewhere.test", login="upn.other@elsewhere.test")  # a suffix of CN=Partitions
        person("jürgen", password="Pässw0rd.€1", uri="sip:juergen@" + SIP)
        person("ωμέγα", password="Пароль.1日本", uri="sip:omega@" + SIP)
        person(LONG_SAM, upn=LONG_UPN, uri=LONG_URI, display="D" * 256, cn="C" * 64)
        person("s" * 255, upn="longsam@" + SIP, uri="sip:longsam@" + SIP, cn="long sam", display="long sam")
        # states of an account
        person("disabled", flags=NORMAL | NO_EXPIRY | DISABLED, status="0xC0000072", inside="user-disabled")
        self.modify(person("locked", status="0xC0000234", inside="user-locked"), lockoutTime=file_time(now))
        self.modify(person("mustchange", flags=NORMAL, status="0xC0000224", inside="user-must-change"), pwdLastSet="0")
        self.too_old(person("pwexpired", flags=NORMAL, status="0xC0000071", inside="user-password-expired"))
        person("expired", accountExpires=file_time(now - 86400), status="0xC0000193", inside="user-expired")
        person("nohours", logonHours=b"\0" * 21, status="0xC000006F", inside="user-logon-hours")
        person("wksonly", userWorkstations="ALLOWEDPC", status="0xC0000070", inside="user-workstation")
        person("protected", status="0xC000006E", inside="user-restricted")
        self.db.add_remove_group_members("Protected Users", ["protected"], add_members_operation=True)
        # the controller gives it a random password, so that the right one does not exist
        person("smartcard", flags=NORMAL | NO_EXPIRY | SMART_CARD, status="0xC000006A", inside="user-wrong-password")
        # two with one address, and one beside whom a contact has the SIP data: that is for accounts of other forests
        person("twin1", uri="sip:twins@" + SIP, inside="user-uri-shared")
        person("twin2", uri="sip:twins@" + SIP, inside="user-uri-shared")
        self.contact("central", self.sid_of(person("forest", attributes={}, uri="sip:central@" + SIP, inside="user-not-sip-enabled")))

    def too_old(self, dn):
        """pwdLastSet takes only 0 and -1; bypassing the password module lets a date of the past in."""
        self.modify(dn, pwdLastSet=file_time(time.time() - 100 * 86400),
                    controls=["local_oid:%s:0" % dsdb.DSDB_CONTROL_BYPASS_PASSWORD_HASH_OID])

    def contact(self, name, sid):
        attributes = {k.replace("_", "-"): v for k, v in self.sip("sip:%s@%s" % (name, SIP)).items()}
        self.db.add({"dn": "CN=%s,CN=Users,%s" % (name, self.base), "objectClass": ["top", "person", "organizationalPerson", "contact"],
                     "msRTCSIP-OriginatorSid": sid, **attributes})

    def groups(self):
        """For those who have no OCS attributes: membership says who may sign in, and from where."""
        for name, members in (("SIP Users", ("ada", "grace", "disabled")), ("SIP Remote", ("ada",))):
            self.db.newgroup(name)
            self.db.add_remove_group_members(name, list(members), add_members_operation=True)

    def suffixes(self):
        self.modify("CN=Partitions," + str(self.db.get_config_basedn()), ldb.FLAG_MOD_ADD, uPNSuffixes=[SIP, "elsewhere.test"])

    def domain_policy(self):
        half_an_hour = str(-30 * 60 * 10**7)
        self.modify(self.base, lockoutThreshold="5", lockoutDuration=half_an_hour, lockOutObservationWindow=half_an_hour, minPwdAge="0",
                    pwdHistoryLength="0", pwdProperties="0", maxPwdAge=str(-42 * 86400 * 10**7))

    def controller_names(self):
        """What the service `dnsupdate` would add, which the lab does not run: without these no GSSAPI bind."""
        dn = self.db.search(base=self.base, expression="(sAMAccountName=DC1$)", attrs=[])[0].dn
        host, realm = "dc1." + REALM.lower(), REALM.lower()
        self.modify(str(dn), ldb.FLAG_MOD_ADD, servicePrincipalName=["ldap/" + host, "ldap/dc1", "ldap/%s/%s" % (host, realm),
                                                                     "GC/%s/%s" % (host, realm)])

    def service_accounts(self):
        """The one that tickets are for, with RC4 and AES keys, and a reader with no right but its own sign-in."""
        dn = self.account("rtcservice", upn="sip/%s@%s" % (FE, REALM))  # as ktpass leaves it
        self.modify(dn, ldb.FLAG_MOD_ADD, servicePrincipalName=["sip/" + FE, "sip/" + FE.split(".")[0]])
        self.modify(dn, msDS_SupportedEncryptionTypes="28")
        self.account("ldapread", password="Read3r.only")

    def keytab(self, file, principal):
        anonymous = Credentials()
        anonymous.set_anonymous()
        Net(anonymous, self.lp).export_keytab(keytab=file, principal=principal)
        os.chmod(file, 0o600)


def crowd(d, count):
    """Many accounts at once, every other one with the same address; the first and last few have a password, whose keys
    take most of the time."""
    d.db.transaction_start()
    for i in range(count):
        few = i < 4 or i >= count - 4
        d.person("bulk%05d" % i, uri="sip:crowd@" + SIP if i % 2 else None, password=PASSWORD if few else None,
                 flags=NORMAL | NO_EXPIRY | (0 if few else NO_PASSWORD))
    d.db.transaction_commit()


def main(config, folder, bulk, how=""):
    began = time.time()
    d = Directory(config)
    if how == "bulk":
        return crowd(d, int(bulk))
    d.extend_schema()
    d.make_home_server()
    schema = time.time()
    d.suffixes()
    d.domain_policy()
    d.people()
    d.groups()
    d.controller_names()
    crowd(d, int(bulk))
    if not how:
        d.service_accounts()
        d.keytab(folder + "/sip.keytab", "sip/" + FE)
        d.keytab(folder + "/ldapread.keytab", "ldapread")
        with open(folder + "/ldapread.password", "w") as f:
            f.write("Read3r.only")
        os.chmod(folder + "/ldapread.password", 0o600)
    with open(folder + "/users.tsv", "w", encoding="utf-8") as f:
        f.write("#name\tlogin\tpassword\turi\tntstatus\tinside\toutside\n")
        f.writelines("\t".join(row) + "\n" for row in d.rows if not row[0].startswith("bulk"))
    print("schema %.1f s, accounts and keytabs %.1f s" % (schema - began, time.time() - schema))


main(*sys.argv[1:])
