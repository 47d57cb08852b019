#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 120
# Our NTLM beside impacket's: responses, keys, MIC and signatures, both directions.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
tool=${POSTERN_BUILD:-${BUILD:-$here/../../build}}/tests/oracle/ntlm_tool

if ! /usr/bin/python3 -c 'import impacket.ntlm' 2>/dev/null; then
    echo "python3-impacket is not installed"
    exit 77
fi
[ -x "$tool" ] || { echo "$tool was not built: set POSTERN_BUILD" >&2 && exit 2; }
PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 "$here/ntlm_impacket.py" "$tool" "${1:-500}"
