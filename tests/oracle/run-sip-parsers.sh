#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 120
# Our SIP parser beside libosip2 and sofia-sip: messages made up in every spelling, and those in
# files.
set -euo pipefail

cd "$(dirname "$0")/../.."
tool=${POSTERN_BUILD:-build}/tests/oracle/sip_fields

if [ ! -x "$tool" ]; then
    echo "sip_fields was not built: neither libosip2 nor sofia-sip is installed"
    exit 77
fi
exec "$tool" 20000 tests/vectors/torture/*.sip tests/fuzz/corpus/sip_frame_msg/*
