#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 300
# The Edge with configurations of its own: hidden names, the old lane, budgets, time.
exec /usr/bin/python3 "$(dirname "$0")/edge_own.py" "$@"
