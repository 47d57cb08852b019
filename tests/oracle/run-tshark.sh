#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 120
# tshark reads a recorded sign-in: SIP and NTLM.
command -v tshark >/dev/null || { echo "tshark is not installed"; exit 77; }
exec /usr/bin/python3 "$(dirname "$0")/tshark.py" "$@"
