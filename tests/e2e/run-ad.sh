#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 600
# Real accounts: a Samba domain controller and a joined member of our own (tests/lab), NTLM and Kerberos.
exec /usr/bin/python3 "$(dirname "$0")/ad.py" "$@"
