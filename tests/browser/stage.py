"""A served platform with a few small products, and a headless Chromium to look at it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SERVE = """
import json, sys
from musyq_lab.dashboards.serve import serve
serve(show=False, **json.loads(sys.argv[1]))
"""
HARMLESS = ("GPU stall", "GL Driver Message", "WebGL")
"""What Chromium says of a machine without graphics."""


def chromium() -> str:
    """Path of the browser, or a skip."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        pytest.skip("there is no chromium on this machine")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(**more: str) -> dict[str, str]:
    """The environment of a process that imports the package from the tree."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path, **more}


@contextmanager
def process(command: list[str], url: str, folder: Path, **more: str) -> Iterator[str]:
    """A server in a process of its own (one inside pytest would hang it at exit), stopped whatever happens."""
    log = folder / "server.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            command, cwd=folder, stdout=out, stderr=out, env=environment(**more), start_new_session=True
        )
        try:
            _wait_for(server, url, log)
            yield url
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def served(folder: Path, **options: object):
    """Serve the platform from a folder; ``options`` are those of ``serve``."""
    import json

    port = free_port()
    url = f"http://127.0.0.1:{port}{options.get('prefix', '')}/"
    return process([sys.executable, "-c", SERVE, json.dumps({"port": port, **options})], url, folder)


def _wait_for(server: subprocess.Popen, url: str, log: Path) -> None:
    for _ in range(240):
        if server.poll() is not None:
            pytest.fail(f"the server ended: {log.read_text()}")
        try:
            with urllib.request.urlopen(url, timeout=30):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail("the server did not answer within two minutes")


def field(step: int, shape: tuple[int, int]) -> np.ndarray:
    """Leaf area index whose value tells its place and time: rising northward and with time."""
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    return (1.0 + 0.01 * step + 3.0 * (1 - rows / shape[0]) + 0.5 * np.sin(columns / 9)).astype(np.float32)


def lai(step: int, shape: tuple[int, int] = (60, 80)) -> xr.Dataset:
    """One period of a leaf-area product round 36 N, 103 E."""
    latitude = 36.3 - 0.01 * np.arange(shape[0])
    longitude = 103.0 + 0.01 * np.arange(shape[1])
    values = field(step, shape)
    values[:3, :3] = np.nan
    return xr.Dataset(
        {
            "lai": (("latitude", "longitude"), values, {"units": "1", "long_name": "leaf area index"}),
            "lai_uncertainty": (("latitude", "longitude"), 0.1 * values, {"units": "1"}),
            "lai_qa": (("latitude", "longitude"), np.where(np.isnan(values), 1, 0).astype(np.uint16), {"units": "1"}),
        },
        {"latitude": latitude, "longitude": longitude},
        {"product": "lai"},
    )


def products(folder: Path, periods: int = 12) -> Path:
    """Write a cube of leaf area (five-day periods of 2019) with overviews into ``folder/musyq-products``."""
    from musyq_lab.archive.write import write_product

    root = folder / "musyq-products"
    root.mkdir()
    for step in range(periods):
        write_product(lai(step), root, edition="1km", tile="demo", period=f"2019{1 + 5 * step:03d}", overviews=(2, 4))
    return root


def watched(page):
    """Let a page remember what it asks for and what its console complains of."""
    page.asked, page.errors = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    return page


def external(page, address: str) -> list[str]:
    """Requests to any other host."""
    host = address.split("/")[2]
    inside = ("data:", "blob:", "about:")
    return [url for url in page.asked if host not in url.split("/")[2:3] and not url.startswith(inside)]


def complaints(page) -> list[str]:
    """Errors of the console that are not about the machine's graphics."""
    return [text for text in page.errors if not any(word in text for word in HARMLESS)]
