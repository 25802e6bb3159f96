"""The frame of all pages: messages in words, code and address of a view, numbers of addresses."""

from types import SimpleNamespace

import pytest

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.dashboards import _page
from musyq_lab.dashboards._page import Page, number_of, text


class Small(Page):
    """A page with one number."""

    title, summary, address = "Small", "Shows a number.", "small"
    number = 1

    @classmethod
    def open(cls, shelf, query):
        return cls()

    def query(self):
        return {"number": str(self.number)} if self.number else {}

    def code(self):
        return f"number = {self.number}"

    def __panel__(self):
        return self.framed(text(), self.code_tab())


@pytest.mark.parametrize("error", [InputError("Give a number."), NotFoundError("Not here."), OSError("Disk full.")])
def test_what_a_person_does_wrong_is_told_on_the_page(error):
    page = Small()
    with page.told():
        raise error
    assert page.alert.visible
    assert str(error) in page.alert.object


def test_a_message_goes_with_the_next_deed():
    page = Small()
    page.fail("Something.")
    with page.told():
        pass
    assert not page.alert.visible


def test_a_fault_of_ours_is_not_hidden():
    with pytest.raises(ZeroDivisionError), Small().told():
        1 / 0  # noqa: B018


def test_memory_that_is_not_there_is_told():
    page = Small()
    with page.told():
        raise MemoryError
    assert page.alert.object == "MemoryError"


def test_messages_hold_no_markup():
    page = Small()
    page.fail("<img src=x onerror=alert(1)>")
    assert "<img" not in page.alert.object


def test_code_follows_the_view():
    page = Small()
    page.number = 7
    page.changed()
    assert page.code_box.value == "number = 7"


def test_the_address_follows_the_view(monkeypatch):
    location = SimpleNamespace(search="")
    monkeypatch.setattr(_page.pn, "state", SimpleNamespace(location=location, curdoc=object()), raising=True)
    page = Small()
    page.number = 7
    page.changed()
    assert location.search == "?number=7"
    page.number = 0
    page.changed()
    assert location.search == ""


def test_header_choices_body_and_footer_in_this_order():
    page = Small()
    layout = page.__panel__()
    assert layout[0] is page.header
    assert layout[-1] is page.footer
    assert layout[1][0].width == _page.COLUMN


def test_a_page_must_say_how_it_is_opened_and_what_its_code_is():
    class Bare(Page):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Bare()


def test_a_page_without_choices_needs_no_address():
    class Plain(Small):
        query = Page.query

    assert Plain().query() == {}


@pytest.mark.parametrize(("words", "value"), [("1.5", 1.5), ("-7", -7.0), ("1e3", 1000.0)])
def test_numbers_of_an_address(words, value):
    assert number_of({"x": words}, "x") == value


@pytest.mark.parametrize("words", ["", "one", "nan", "inf", "-inf", "1,5", "0x10"])
def test_what_is_no_number_is_told(words):
    with pytest.raises(InputError, match="no number"):
        number_of({"x": words}, "x")


def test_a_number_that_is_not_asked_for():
    assert number_of({}, "x") is None
