"""The start page: lines lead where they say, and what is missing is told with the command that makes it."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from musyq_lab.dashboards._shelf import Shelf
from musyq_lab.dashboards._start import _MOST, start_page

MENU = {"explorer": ("Explorer", "Maps & series."), "change": ("Change", "Trends."), "granules": ("Granules", "Raw.")}


def html_of(shelf: Shelf, **options) -> str:
    return start_page(shelf, MENU, **options)[0].object


def links(html: str) -> list[tuple[str, dict]]:
    """Page and arguments of each link."""
    found = [urlsplit(unescape(link)) for link in re.findall(r"<a href='([^']*)'", html)]
    return [(part.path, {k: v[0] for k, v in parse_qs(part.query).items()}) for part in found]


@pytest.fixture
def shelf(tmp_path):
    for day in (1, 6):
        (tmp_path / f"MuSyQ.LAI.1km.demo.2019{day:03d}.v1.h5").touch()
    return Shelf([tmp_path], tmp_path / "results")


def test_each_page_with_what_one_does_there(shelf):
    html = html_of(shelf)
    assert [path for path, asked in links(html) if not asked] == ["./explorer", "./change", "./granules"]
    assert "Maps &amp; series." in html


def test_a_product_leads_to_the_pages_that_are_there(shelf):
    (title,) = shelf.archives()
    to = [path for path, asked in links(html_of(shelf)) if asked.get("data") == title]
    assert to == ["./explorer", "./explorer", "./change"]
    assert "2 periods" in html_of(shelf)


def test_titles_of_links_are_titles_of_the_shelf(shelf):
    asked = {query["data"] for _, query in links(html_of(shelf)) if "data" in query}
    assert asked == set(shelf.maps())


def test_what_is_missing_is_told_with_the_command_that_makes_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    html = html_of(Shelf())
    assert "musyq produce lai" in html
    assert "musyq-products" in html


def test_results_stand_apart(shelf):
    assert "Computed here" not in html_of(shelf)
    shelf.results.mkdir()
    (shelf.results / "MuSyQ.GLOW.1km.here.2019001.v1.h5").touch()
    html = html_of(shelf)
    assert html.index("Leaf area index") < html.index("Computed here") < html.index("glow")


def test_in_a_notebook_nothing_is_a_link(shelf):
    assert links(html_of(shelf, links=False)) == []
    assert "Leaf area index" in html_of(shelf, links=False)


def test_a_long_list_is_cut_and_says_so(tmp_path):
    for number in range(_MOST + 3):
        (tmp_path / f"MuSyQ.LAI.1km.t{number:03d}.2019001.v1.h5").touch()
    assert "3 more" in html_of(Shelf([tmp_path], tmp_path / "r"))


def test_names_hold_no_markup(tmp_path):
    folder = tmp_path / "<b>bold"
    folder.mkdir()
    (folder / "MuSyQ.LAI.1km.demo.2019001.v1.h5").touch()
    assert "<b>bold" not in html_of(Shelf([folder], tmp_path / "r"))
