#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 200
# The demo itself: its table with and without Kerberos, its KDC, and that nothing is left behind.
exec /usr/bin/python3 "$(dirname "$0")/demo_kdc.py" "$@"
