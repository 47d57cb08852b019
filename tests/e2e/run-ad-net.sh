#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 600
# doc/active-directory.md word for word, then inside and outside as separate networks.
exec /usr/bin/python3 "$(dirname "$0")/ad_net.py" "$@"
