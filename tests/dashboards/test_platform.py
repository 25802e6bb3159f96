"""All pages in one notebook cell: made when they are first asked for, and never twice."""

import pytest

from musyq_lab.dashboards._page import Page
from musyq_lab.dashboards._shelf import Shelf
from musyq_lab.dashboards.platform import menu, navigation, opened, page_classes, platform


def test_each_page_has_a_name_a_sentence_and_an_address():
    for address, page in page_classes().items():
        assert issubclass(page, Page)
        assert page.address == address
        assert page.title
        assert page.summary.endswith(".")


def test_the_menu_says_the_same():
    assert list(menu()) == list(page_classes())
    assert menu()["explorer"][0] == "Explorer"


def test_links_to_the_other_pages(tmp_path):
    html = navigation("change").object
    assert "./explorer" in html
    assert "./change" not in html


def test_a_page_is_made_when_its_tab_is_opened(tmp_path):
    view = platform([tmp_path], tmp_path / "r")
    assert [len(place) for place in view.tabs[1:]] == [0] * len(page_classes())
    view.tabs.active = 1
    first = view.tabs[1][0]
    view.tabs.active = 0
    view.tabs.active = 1
    assert view.tabs[1][0] is first
    assert len(view.tabs[2]) == 0


@pytest.mark.parametrize("address", ["explorer", "change", "compute", "download", "granules"])
def test_every_page_opens_on_an_empty_shelf(tmp_path, address):
    """Samples ship with the package, so that there is always something to look at."""
    shown = opened(address, Shelf([tmp_path], tmp_path / "r"), {})
    assert isinstance(shown, Page), getattr(shown, "object", "")


@pytest.mark.parametrize("address", ["explorer", "change", "compute", "download", "granules"])
def test_every_page_restores_itself_from_its_address(tmp_path, address):
    shelf = Shelf([tmp_path], tmp_path / "r")
    first = opened(address, shelf, {})
    again = opened(address, shelf, first.query())
    assert isinstance(again, Page), getattr(again, "object", "")
    assert again.query() == first.query()
    assert again.code() == first.code()


def test_a_fault_in_an_address_is_told(tmp_path):
    shown = opened("explorer", Shelf([tmp_path]), {"data": "<nothing>"})
    assert "&lt;nothing&gt;" in shown.object
