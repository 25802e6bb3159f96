"""The compute page in a browser: unit while typing, preview, a job that finishes and its result in the explorer."""

from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
from browser import stage

from musyq_lab.dashboards._jobs_owner import COOKIE
from musyq_lab.dashboards._shelf import Shelf

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SOON = 90_000
EXPRESSION = "lai - mean(lai, 'time')"


def opened(page, platform: str, demo: Path, **query: str) -> str:
    """Open the page with the leaf-area cube and an expression; return the title of the cube."""
    title = next(iter(Shelf([demo / "musyq-products"]).archives()))
    asked = {"data0": title, "text": EXPRESSION, **query}
    page.goto(f"{platform}compute?{urlencode(asked)}", wait_until="commit")
    page.wait_for_selector("text=/Gives 12 time . 60 latitude . 80 longitude/", timeout=SOON)
    return title


def button(page, name: str):
    return page.get_by_role("button", name=name, exact=True)


def typed(page, text: str) -> None:
    """Type an expression and leave the box by the keyboard."""
    box = page.get_by_label("Expression", exact=True)
    box.fill(text)
    box.press("Tab")


def test_from_an_expression_to_a_result_in_the_explorer(page, platform, demo):
    opened(page, platform, demo, result="lai_browser")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280, "no horizontal scroll"
    button(page, "Preview").click()
    page.wait_for_selector("text=/60 . 80 cells.*hold a value/", timeout=SOON)
    page.wait_for_selector("text=/It fits: the whole takes about/", timeout=SOON)
    page.wait_for_selector("canvas", timeout=SOON)
    button(page, "Compute all of it").click()
    page.wait_for_selector("text=/has joined the catalog/", timeout=SOON)
    (folder,) = (archive for archive in Shelf([demo / "musyq-results"]).archives().values())
    values = np.stack([stage.lai(step).lai for step in range(12)])
    np.testing.assert_allclose(folder.open().lai_browser, values - values.mean(0), atol=2e-3)
    assert stage.external(page, platform) == []
    assert stage.complaints(page) == []
    page.locator("text=Open it in the Explorer").click()
    page.wait_for_url("**/explorer**", timeout=SOON)
    page.wait_for_selector("canvas", timeout=SOON)
    assert stage.complaints(page) == []


def test_hostile_text_is_answered_and_the_session_lives_on(page, platform, demo):
    opened(page, platform, demo)
    page.get_by_label("Expression", exact=True).fill("lai + 1 + me")
    page.wait_for_selector("text=/mean.x, 'time'/", timeout=SOON)
    for text, words in (("__import__('os')", "underscores"), ("nothing + 1", "There is no 'nothing' here")):
        typed(page, text)
        button(page, "Preview").click()
        page.wait_for_selector(f"text=/{words}/", timeout=SOON)
    typed(page, "lai * 2")
    button(page, "Preview").click()
    page.wait_for_selector("text=/hold a value/", timeout=SOON)
    assert stage.complaints(page) == []


def test_a_browser_keeps_one_secret_and_another_has_its_own(page, chrome, platform, demo):
    def secret(of) -> str:
        of.wait_for_function(f"document.cookie.includes('{COOKIE}=')", timeout=SOON)
        return next(c["value"] for c in of.context.cookies() if c["name"] == COOKIE)

    opened(page, platform, demo)
    first = secret(page)
    page.reload(wait_until="commit")
    page.wait_for_selector("text=/Gives 12 time/", timeout=SOON)
    assert secret(page) == first
    context = chrome.new_context()
    other = context.new_page()
    opened(other, platform, demo)
    assert secret(other) != first
    context.close()
