#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 600
# A domain controller that is killed, frozen or half there, winbindd and DNS gone, keys and clocks that changed.
exec /usr/bin/python3 "$(dirname "$0")/ad_faults.py" "$@"
