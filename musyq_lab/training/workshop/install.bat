@echo off
rem Installs MuSyQ Lab from this folder; no network is needed.
cd /d "%~dp0"
py -@PYTHON@ install.py %* || python install.py %*
