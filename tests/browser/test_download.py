"""The download page in a browser: a region is drawn, the file that arrives equals the data, its address works once."""

import hashlib
import re
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from browser import stage

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def opened(page, platform: str):
    page.goto(f"{platform}download", wait_until="commit")
    page.wait_for_selector("canvas", timeout=90_000)
    page.wait_for_selector("text=room while it works", timeout=30_000)
    page.wait_for_timeout(1500)
    return page


def make(page) -> None:
    page.get_by_label("Your name").fill("Ada")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Make the files").click()
    page.wait_for_selector("text=Save the data", timeout=60_000)


def test_a_drawn_region_arrives_as_a_file_that_equals_the_data(page, platform, tmp_path):
    opened(page, platform)
    box = page.locator(".bk-Figure").first.bounding_box()
    x, y = ([box[k] + box[size] * share for share in (0.4, 0.5, 0.6)] for k, size in (("x", "width"), ("y", "height")))
    page.mouse.move(x[0], y[0])
    page.mouse.down()
    page.mouse.move(x[1], y[1], steps=4)
    page.mouse.move(x[2], y[2], steps=4)
    page.mouse.up()
    page.wait_for_function("document.location.search.includes('region')", timeout=20_000)
    make(page)
    with page.expect_download(timeout=60_000) as waiting:
        page.locator("text=Save the data").click()
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    page.wait_for_selector(f"text={hashlib.sha256(path.read_bytes()).hexdigest()}", timeout=5000)
    with xr.open_dataset(path) as found:
        whole = stage.lai(0)
        assert 1 < found.sizes["latitude"] < whole.sizes["latitude"]
        same = whole["lai"].sel(latitude=found["latitude"], longitude=found["longitude"], method="nearest")
        np.testing.assert_allclose(found["lai"].isel(time=0), same, atol=0.01)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280, "no horizontal scroll"
    assert stage.external(page, platform) == []
    assert stage.complaints(page) == []


def test_an_address_works_once_and_the_page_gives_another(page, platform):
    opened(page, platform)
    make(page)
    link = page.locator("a", has_text="Save the receipt")
    first = link.get_attribute("href").removeprefix("./")
    with urllib.request.urlopen(platform + first) as answer:
        text = answer.read()
    assert len(text) == int(answer.headers["Content-Length"])
    assert hashlib.sha256(text).hexdigest() == answer.headers["X-SHA256"]
    assert b"Ada" not in text
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(platform + first)
    page.wait_for_timeout(1500)
    second = link.get_attribute("href").removeprefix("./")
    assert second != first
    assert re.fullmatch(r"stream/[\w-]{43}/.*\.receipt\.json", second)


def test_what_cannot_be_had_is_told_and_the_page_lives_on(page, platform):
    page.goto(f"{platform}download?region=atlantis", wait_until="commit")
    page.wait_for_selector("text=/atlantis/", timeout=90_000)
    assert page.get_by_role("button", name="Make the files").is_disabled()
    page.get_by_label("Region").first.fill("103.1,36.0,103.2,36.1")
    page.keyboard.press("Enter")
    page.wait_for_function("document.location.search.includes('103.1')", timeout=20_000)
    assert page.get_by_role("button", name="Make the files").is_enabled()


def test_files_go_with_the_session(page, platform):
    opened(page, platform)
    make(page)
    link = page.locator("a", has_text="Save the data").get_attribute("href").removeprefix("./")
    page.goto("about:blank")
    for _ in range(60):  # Bokeh looks for sessions that nobody uses every 17 s
        if page.request.head(platform + link).status == 404:
            return
        page.wait_for_timeout(1000)
    pytest.fail("the file outlived its page by a minute")


def test_names_of_files_are_those_of_the_data(page, platform):
    opened(page, platform)
    make(page)
    with page.expect_download(timeout=60_000) as waiting:
        page.locator("text=Save how to cite").click()
    assert waiting.value.suggested_filename.endswith(".attribution.txt")
    assert "How to cite" in Path(waiting.value.path()).read_text(encoding="utf-8")
