"""The granule page in a browser: picture, click, tabs, and a granule that is handed in."""

import numpy as np
import pytest
from browser import stage

from musyq_lab.core.resources import resource

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAME = "LC08_L1TP_195025_20130707_20170503_01_T1"


def opened(page, platform: str, query: str = ""):
    page.goto(f"{platform}granules{query}", wait_until="commit")
    page.wait_for_selector("canvas", timeout=90_000)
    page.wait_for_timeout(1500)
    return page


def test_from_the_picture_to_a_pixel_and_its_quality(page, platform):
    opened(page, platform)
    box = page.locator(".bk-Figure").first.bounding_box()
    for shift in range(3):  # a quick tap can be lost (holoviews#5076)
        page.mouse.click(box["x"] + box["width"] * 0.5 + 9 * shift, box["y"] + box["height"] * 0.5)
        try:
            page.wait_for_selector("text=/Pixel in row/", timeout=10_000)
            break
        except Exception:
            continue
    assert page.locator("text=/nir, 0.86/").count()
    page.get_by_label("Picture").select_option("nir")
    page.wait_for_function("document.location.search.includes('band=nir')", timeout=20_000)
    for tab, words in (("Histograms", "evenly spread"), ("Quality", "All is well"), ("Response", "measured")):
        page.locator(f".bk-tab:has-text('{tab}')").click()
        page.wait_for_selector(f"text=/{words}|super-Gaussian/", timeout=30_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280, "no horizontal scroll"
    assert stage.external(page, platform) == []
    assert stage.complaints(page) == []


def test_an_address_shows_the_same_again(page, platform):
    opened(page, platform, f"?granule={NAME}&band=swir1&row=3&column=7")
    page.wait_for_selector("text=/Pixel in row 3, column 7/", timeout=20_000)


def test_a_granule_is_handed_in(page, platform):
    opened(page, platform)
    page.get_by_role("button", name="Hand in a granule").click()
    field = page.locator("input[type=file]").first
    files = sorted(resource(f"catalogs/samples/landsat/{NAME}").iterdir())
    field.set_input_files([str(file) for file in files])
    page.wait_for_selector(f"text=/{len(files)} files, .* are here/", timeout=60_000)
    page.get_by_role("button", name="Look at these files").click()
    page.wait_for_selector("text=/2013-07-07/", timeout=30_000)
    assert stage.external(page, platform) == []


def test_what_is_too_large_is_told(page, platform, tmp_path):
    opened(page, platform)
    page.get_by_role("button", name="Hand in a granule").click()
    large = tmp_path / f"{NAME}_B1.TIF"
    large.write_bytes(np.zeros(21_000_000, np.uint8).tobytes())
    page.locator("input[type=file]").first.set_input_files(str(large))
    page.wait_for_selector("text=/too large/i", timeout=20_000)
