"""What feedback looks like: as text, in a notebook, as a condition."""

import pytest

from musyq_lab.training._feedback import Feedback


def test_it_is_true_if_the_answer_is_right():
    assert Feedback("x-1", True, "it is")
    assert not Feedback("x-1", False, "it is not")


def test_its_text_has_a_line_for_each_thing_said():
    heard = Feedback("x-1", False, "too low.", hint="Look up.", next="Go on.")
    assert repr(heard) == "not yet: too low.\nHint: Look up.\nNext: Go on."
    assert repr(Feedback("x-1", True, "3 K.")) == "right: 3 K."
    assert repr(Feedback("x-1", True, "3 K。", next="继续。", language="zh")) == "正确: 3 K。\n下一步: 继续。"


@pytest.mark.parametrize("passed", [True, False])
def test_what_it_shows_is_escaped_and_says_it_without_colour(passed):
    html = Feedback("x-1", passed, "a < b & <script>", hint="<i>")._repr_html_()
    assert "<script>" not in html
    assert "a &lt; b &amp;" in html
    assert "&lt;i&gt;" in html
    assert ("right" if passed else "not yet") in html
    assert 'role="status"' in html
