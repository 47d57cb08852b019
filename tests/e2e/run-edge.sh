#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 300
# The Edge before a real Front End: who gets in, and who does not, hiding, doors, no oracle.
exec /usr/bin/python3 "$(dirname "$0")/edge.py" "$@"
