"""Fixtures of the browser tests: one served platform, and pages that remember what they asked for and complained of."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import stage


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with products and one simulated Landsat granule."""
    stage.chromium()
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    from musyq_lab.twin.simulate import simulate

    folder = tmp_path_factory.mktemp("platform")
    stage.products(folder)
    simulate(folder / "musyq-simulation", size=3, days=1, sensors=["landsat_oli"])
    return folder


@pytest.fixture(scope="session")
def platform(demo: Path) -> Iterator[str]:
    """Address of the served platform."""
    with stage.served(demo) as url:
        yield url


@pytest.fixture(scope="module")
def chrome() -> Iterator:
    """One browser for a module: a longer life would leave Playwright's loop running under other tests."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=stage.chromium(), args=stage.FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chrome) -> Iterator:
    """A page of 1280 x 720 that remembers requests (``asked``) and errors of the console (``errors``)."""
    context = chrome.new_context(viewport={"width": 1280, "height": 720}, accept_downloads=True)
    yield stage.watched(context.new_page())
    context.close()
