#!/bin/sh
# Opens the notebooks in JupyterLab. What pages need lies in the notebook itself, so no network is needed.
cd "$(dirname "$0")/notebooks" || exit 1
export PANEL_INLINE=true
exec ../venv/bin/python -m jupyter lab "$@"
