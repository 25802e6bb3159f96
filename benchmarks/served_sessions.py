"""The served platform with many sessions open: memory of each, whether it stays flat, and how soon a page answers.

    python benchmarks/served_sessions.py [--sessions 50] [--rounds 4] [--data TITLE]

A server runs in a process of its own, on the shipped samples or on the product folders of the working folder. Sessions
are opened as a browser opens them (page, then websocket), moved for some rounds, and closed.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from bokeh.client import pull_session

import musyq_lab.dashboards.explorer  # the models of its pages are decoded here  # noqa: F401

_SERVE = "import sys; from musyq_lab.dashboards.serve import serve; serve(port=int(sys.argv[1]), show=False)"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--data", default="NDVI end members and C4 fraction, 0.25 degree")
    asked = parser.parse_args()
    with _server() as (pid, url):
        page, chosen = f"{url}explorer", {"data": asked.data}
        for _ in range(3):  # warm-up: imports, and what sessions share
            pull_session(url=page, arguments=chosen).close()
        before, sessions, waits = _resident(pid), [], []
        for _ in range(asked.sessions):
            started = time.perf_counter()
            sessions.append(pull_session(url=page, arguments=chosen))
            waits.append(time.perf_counter() - started)
        opened = _resident(pid)
        each = (opened - before) / asked.sessions
        print(f"server {before:.0f} MB, with {asked.sessions} sessions {opened:.0f} MB: {each:.2f} MB each")
        print(f"a session opens in {np.median(waits):.2f} s (median), {np.percentile(waits, 95):.2f} s (p95)")
        for number in range(asked.rounds):
            waits = [_ask(url) for _ in sessions]
            print(f"round {number + 1}: {_resident(pid):.0f} MB, a page in {np.percentile(waits, 95):.3f} s (p95)")
        print(f"growth after the first session set: {100 * (_resident(pid) / opened - 1):+.1f} %")
        for session in sessions:
            session.close()
        print(f"all closed, half a minute later: {_later(pid):.0f} MB")


@contextmanager
def _server() -> Iterator[tuple[int, str]]:
    """Start a server; stop it at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVE, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(url, timeout=30).close()
                break
            except OSError:
                time.sleep(0.5)
        yield server.pid, url
    finally:
        server.terminate()
        server.wait()


def _ask(url: str) -> float:
    started = time.perf_counter()
    urllib.request.urlopen(url, timeout=60).close()
    return time.perf_counter() - started


def _later(pid: int) -> float:
    time.sleep(30)
    return _resident(pid)


def _resident(pid: int) -> float:
    """Memory of a process (MB)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
