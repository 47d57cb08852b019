#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 500
# The Front End seen from outside by a client that shares no code with it.
exec /usr/bin/python3 "$(dirname "$0")/front.py" "$@"
