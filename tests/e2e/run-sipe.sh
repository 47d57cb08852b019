#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 560
# A real SIPE (libpurple without a window) against the demo.
build=${POSTERN_BUILD:-${BUILD:-build}}
if [ ! -x "$build/tests/e2e/sipe_client" ]; then
    echo "sipe_client was not built: install libpurple-dev and pidgin-sipe"
    exit 77
fi
export SIPE_CLIENT=$build/tests/e2e/sipe_client
exec /usr/bin/python3 "$(dirname "$0")/sipe.py" "$@"
