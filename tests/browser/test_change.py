"""The served Change page in a headless Chromium: a map, a click, a table, a download, an address; nothing fetched."""

import csv
import re

import pytest
from browser import stage

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def opened(page, platform: str, query: str = ""):
    page.goto(f"{platform}change{query}", wait_until="commit")
    page.wait_for_selector("canvas", timeout=90_000)
    page.get_by_text("All cells were analysed").wait_for(timeout=60_000)
    return page


def middle(page) -> tuple[float, float]:
    boxes = [item.bounding_box() for item in page.locator("canvas").all()]
    big = max((box for box in boxes if box), key=lambda box: box["width"] * box["height"])
    return big["x"] + 0.45 * big["width"], big["y"] + 0.4 * big["height"]


def test_a_trend_a_click_a_table_and_its_download(page, platform, tmp_path):
    opened(page, platform)
    page.mouse.click(*middle(page))
    page.get_by_text(re.compile("Slope \\+")).wait_for(timeout=30_000)
    page.locator(".bk-tab", has_text="Zones").click()
    page.get_by_role("button", name="Make the table").click()
    page.get_by_role("cell", name="China").first.wait_for(timeout=60_000)
    page.locator(".bk-tab", has_text="Save").click()
    with page.expect_download() as arrived:
        page.get_by_text("Zones as CSV").click()
    arrived.value.save_as(tmp_path / "zones.csv")
    rows = list(csv.DictReader((tmp_path / "zones.csv").open(encoding="utf-8")))
    assert rows[0]["country"] == "China"
    assert float(rows[0]["area (km2)"]) > 4000
    assert "x=" in page.url
    assert not stage.external(page, platform)
    assert not stage.complaints(page)


def test_the_address_restores_the_view_and_the_keyboard_chooses(page, platform):
    opened(page, platform)
    page.get_by_label("Place or region").fill("103.4, 36.1")
    page.keyboard.press("Enter")
    page.get_by_text("36.10° N, 103.40° E").first.wait_for(timeout=30_000)
    again = page.context.new_page()
    again.goto(page.url, wait_until="commit")
    again.get_by_text("36.10° N, 103.40° E").first.wait_for(timeout=60_000)


def test_what_the_data_do_not_allow_is_explained(page, platform):
    opened(page, platform)
    page.get_by_label("Analysis").select_option("Before and after")
    page.get_by_text("It covers one year only").wait_for(timeout=30_000)
    page.get_by_label("Analysis").select_option("Trend")
    page.wait_for_selector("canvas", timeout=30_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert not stage.complaints(page)
