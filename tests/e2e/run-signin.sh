#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 200
# postern signin as scripts use it: exit codes, JSON, what each profile meets.
exec /usr/bin/python3 "$(dirname "$0")/signin.py" "$@"
