"""The served explorer in a headless Chromium: it draws, a click gives a series, nothing is fetched from elsewhere."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SERVE = """
import sys
from musyq_lab.dashboards.serve import serve
serve(port=int(sys.argv[1]), show=False, prefix=sys.argv[2])
"""


def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        pytest.skip("there is no chromium on this machine")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module", params=["", "/user/someone/proxy"], ids=["root", "prefix"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server in a process of its own (one inside pytest would hang it at exit), stopped whatever happens."""
    chromium()
    port, folder = free_port(), tmp_path_factory.mktemp("serve")
    log = (folder / "log").open("w")
    root = str(Path(__file__).resolve().parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))}
    command = [sys.executable, "-c", SERVE, str(port), request.param]
    server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environment, start_new_session=True)
    url = f"http://127.0.0.1:{port}{request.param}/"
    try:
        wait_for(server, url, folder / "log")
        yield url
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
        log.close()


def wait_for(server: subprocess.Popen, url: str, log: Path) -> None:
    for _ in range(240):
        if server.poll() is not None:
            pytest.fail(f"the server ended: {log.read_text()}")
        try:
            with urllib.request.urlopen(url, timeout=30):
                return
        except OSError:
            time.sleep(0.5)
    pytest.fail("the server did not answer within two minutes")


@pytest.fixture
def page(address: str) -> Iterator:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=chromium(), args=FLAGS)
        opened = browser.new_page(viewport={"width": 1280, "height": 720})
        opened.asked = []
        opened.on("request", lambda request: opened.asked.append(request.url))
        yield opened
        browser.close()


def external(page, address: str) -> list[str]:
    host = address.split("/")[2]
    return [url for url in page.asked if host not in url and not url.startswith(("data:", "blob:"))]


def test_from_the_start_page_to_a_series(page, address):
    page.goto(address, wait_until="commit")
    page.locator("text=Global horizontal irradiance").first.click(timeout=90_000)
    page.wait_for_selector("canvas", timeout=90_000)
    page.wait_for_timeout(2000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280, "no horizontal scroll"
    box = page.locator(".bk-Figure").first.bounding_box()
    assert box["width"] > 900
    for _ in range(3):  # a quick tap can be lost (holoviews#5076)
        page.mouse.click(box["x"] + box["width"] * 0.72, box["y"] + box["height"] * 0.35)
        try:
            page.wait_for_selector("text=/mean .* lowest/", timeout=10_000)
            break
        except Exception:
            box["x"] -= 8
    assert "N," in page.locator("text=/mean .* lowest/").first.inner_text()
    with page.expect_download(timeout=30_000) as download:
        page.locator("text=Series as CSV").first.click()
    rows = Path(download.value.path()).read_text().splitlines()
    assert len(rows) == 13
    assert rows[0].startswith("latitude")
    assert external(page, address) == []


def test_a_second_session_works_after_the_first_has_closed(page, address):
    """Loaders that lived in a served script would fail here: its globals are wiped with the first session."""
    for _ in range(2):
        page.goto(f"{address}explorer?sample=ndvi_endmembers", wait_until="commit")
        page.wait_for_selector("canvas", timeout=90_000)
        page.goto("about:blank")
    assert set(external(page, address)) <= {"about:blank"}


def test_an_unknown_source_is_told_in_words(page, address):
    page.goto(f"{address}explorer?sample=nothing", wait_until="commit")
    page.wait_for_selector("text=There is nothing named", timeout=90_000)
