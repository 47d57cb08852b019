#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 200
# The Edge before a Front End made for the test, which sees every octet and says what it likes.
exec /usr/bin/python3 "$(dirname "$0")/edge_wire.py" "$@"
