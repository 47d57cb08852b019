#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 300
# The Edge when something around it dies, hangs, lies about itself or floods.
exec /usr/bin/python3 "$(dirname "$0")/edge_faults.py" "$@"
