"""Help while an expression is typed: suggestions and tables."""

from html import unescape

import pytest

from musyq_lab.analysis.expression import CONSTANTS, FUNCTIONS
from musyq_lab.dashboards._compute_help import MOST, completed, functions, suggestions, table


def test_names_that_begin_so_come_before_those_that_hold_it():
    found = [word for word, _ in suggestions("1 + li", ["blink", "light", "lime", "a.li"])]
    assert found[:2] == ["light", "lime"]
    assert found.index("blink") > 1
    assert len(found) <= MOST


@pytest.mark.parametrize("name", [*FUNCTIONS, *CONSTANTS])
def test_every_function_and_constant_is_found_by_its_name(name):
    words = [word for word, _ in suggestions(name[:-1] or name, [])]
    assert any(word.rstrip("(") == name for word in words) or len(words) == MOST
    assert name in unescape(functions()) or name in CONSTANTS


@pytest.mark.parametrize("text", ["", "1 + ", "3", "(", "a +", "mean(x, "])
def test_nothing_is_suggested_where_no_word_is_begun(text):
    assert suggestions(text, ["lai"]) == []
    assert completed(text, "lai") == text + "lai"


@pytest.mark.parametrize(("text", "made"), [("la", "lai"), ("2*la", "2*lai"), ("a.ni", "lai"), ("LA", "lai")])
def test_the_last_word_is_replaced(text, made):
    assert completed(text, "lai") == made


def test_a_word_that_is_whole_is_not_suggested_again():
    assert "lai" not in [word for word, _ in suggestions("lai", ["lai", "lai_max"])]


def test_tables_of_names_are_escaped():
    html = table([("a.<b>", "", "x & <y>"), ("lai", "m2 m-2", "")])
    assert "<b>" not in html
    assert "a.&lt;b&gt;" in html
    assert "x &amp; &lt;y&gt;" in html
    assert "no unit" in html
    assert html.count("<tr>") == 3
    assert "Choose data" in table([])
