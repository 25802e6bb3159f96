"""The served explorer in a headless Chromium: it draws, answers clicks, drawn boxes and keys, and fetches nothing."""

import csv
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from browser import stage

from musyq_lab.archive.open import open_product

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE = 90_000  # ms; machines of CI are slow


@pytest.fixture
def opened(page, platform) -> Iterator:
    page.goto(f"{platform}explorer", wait_until="commit")
    page.wait_for_selector("canvas", timeout=PATIENCE)
    page.wait_for_timeout(1500)
    yield page
    assert stage.external(page, platform) == []
    assert stage.complaints(page) == []


def query(page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def until(page, key: str, wanted) -> str:
    """Wait until a part of the address is as wanted."""
    for _ in range(120):
        if key in query(page) and wanted(query(page)[key]):
            return query(page)[key]
        page.wait_for_timeout(250)
    pytest.fail(f"{key} is {query(page).get(key)!r} in {page.url}")


def click_map(page, across: float, down: float) -> None:
    box = page.locator(".bk-Figure").first.bounding_box()
    for attempt in range(3):  # a quick tap can be lost (holoviews#5076)
        before = query(page).get("places")
        page.mouse.click(box["x"] + box["width"] * across + attempt, box["y"] + box["height"] * down)
        for _ in range(40):
            if query(page).get("places") != before:
                return
            page.wait_for_timeout(250)
    pytest.fail("three clicks were lost")


def test_clicks_give_series_that_arrive_as_csv_and_equal_the_files(opened, demo):
    assert opened.evaluate("document.documentElement.scrollWidth") <= 1280, "no horizontal scroll"
    click_map(opened, 0.6, 0.4)
    click_map(opened, 0.4, 0.5)
    opened.get_by_text("Save", exact=True).click()
    with opened.expect_download(timeout=PATIENCE) as download:
        opened.get_by_text("Series as CSV").first.click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text("utf-8").splitlines()))
    cube = open_product(demo / "musyq-products", "lai")
    assert len(rows) == 2 * cube.sizes["time"]
    name = next(column for column in rows[0] if column.startswith("lai ("))
    for row in rows:
        at = {axis: float(row[f"{axis} ({unit})"]) for axis, unit in UNITS.items()}
        value = cube["lai"].sel(time=row["time"]).sel(at, method="nearest")
        assert float(row[name]) == pytest.approx(float(value), rel=1e-5)


UNITS = {"latitude": "degrees_north", "longitude": "degrees_east"}


def test_keys_step_and_space_plays(opened):
    first = query(opened).get("step.time")
    opened.keyboard.press("ArrowRight")
    second = until(opened, "step.time", lambda text: text != first)
    opened.keyboard.press("Space")
    until(opened, "step.time", lambda text: text not in (first, second))
    opened.get_by_text("Pause").first.wait_for(timeout=PATIENCE)
    opened.keyboard.press("Space")
    opened.get_by_text("Play").first.wait_for(timeout=PATIENCE)


def test_a_drawn_box_gives_the_mean_of_the_region(opened):
    opened.locator(".bk-tool-icon-box-select").first.click()
    box = opened.locator(".bk-Figure").first.bounding_box()
    opened.mouse.move(box["x"] + 300, box["y"] + 90)
    opened.mouse.down()
    opened.mouse.move(box["x"] + 600, box["y"] + 220, steps=6)
    opened.mouse.up()
    until(opened, "region", lambda text: text.count(",") == 3)
    opened.get_by_text("Share of the area with data in box").first.wait_for(timeout=PATIENCE)


def test_an_address_restores_the_view_and_a_bad_one_is_told(opened, platform):
    click_map(opened, 0.6, 0.4)
    opened.keyboard.press("ArrowRight")
    until(opened, "step.time", lambda text: True)
    time.sleep(1)
    wanted = query(opened)
    opened.goto(opened.url, wait_until="commit")
    opened.wait_for_selector("canvas", timeout=PATIENCE)
    opened.get_by_text("mean").first.wait_for(timeout=PATIENCE)
    assert query(opened) == wanted
    opened.goto(f"{platform}explorer?data=nothing", wait_until="commit")
    opened.get_by_text("There is nothing named").first.wait_for(timeout=PATIENCE)


def test_two_maps_side_by_side_pan_together(opened):
    opened.get_by_label("Compare").select_option("Side by side")
    until(opened, "compared", lambda text: text == "Side by side")
    opened.wait_for_function("() => window.Bokeh.documents[0]._all_models.size > 0")
    opened.wait_for_timeout(3000)
    # The figures of the single map and of the curves came before them.
    starts = """() => [...window.Bokeh.documents[0]._all_models.values()]
        .filter((m) => m.type === 'Figure' && m.toolbar.tools.length > 4).map((m) => m.x_range.start).slice(-2)"""
    before = opened.evaluate(starts)
    box = opened.locator(".bk-Figure").first.bounding_box()
    opened.mouse.move(box["x"] + 200, box["y"] + 150)
    opened.mouse.down()
    opened.mouse.move(box["x"] + 300, box["y"] + 170, steps=5)
    opened.mouse.up()
    opened.wait_for_timeout(1500)
    after = opened.evaluate(starts)
    assert len(after) == 2
    assert after[0] == pytest.approx(after[1])
    assert after[0] != pytest.approx(before[0])
