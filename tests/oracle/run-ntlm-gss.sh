#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 120
# Our NTLM beside gss-ntlmssp's: sign-ins and signatures between us and them, both directions.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
tool=${POSTERN_BUILD:-${BUILD:-$here/../../build}}/tests/oracle/ntlm_tool
plugin=$(find /usr/lib -name gssntlmssp.so 2>/dev/null | head -n 1)

if [ -z "$plugin" ]; then
    echo "gss-ntlmssp is not installed"
    exit 77
fi
[ -x "$tool" ] || { echo "$tool was not built: set POSTERN_BUILD" >&2 && exit 2; }
PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 "$here/ntlm_gss.py" "$tool" "$plugin" "${1:-150}"
