#!/bin/sh
# Installs MuSyQ Lab from this folder; no network is needed. A folder named after it is where it goes ("venv" if none).
cd "$(dirname "$0")" || exit 1
for python in "python@PYTHON@" python3 python; do
  if "$python" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "@PYTHON@")' 2>/dev/null; then
    exec "$python" install.py "$@"
  fi
done
echo "Python @PYTHON@ is needed, and there is none here. Install it, then run this again." >&2
exit 1
