@echo off
rem Opens the notebooks in JupyterLab. What pages need lies in the notebook itself, so no network is needed.
cd /d "%~dp0notebooks"
set PANEL_INLINE=true
..\venv\Scripts\python -m jupyter lab %*
