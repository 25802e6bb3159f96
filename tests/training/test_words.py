"""The table of words: complete in both languages, with the same placeholders."""

import string

import pytest

from musyq_lab.core.errors import InputError
from musyq_lab.training._mistakes import mistakes
from musyq_lab.training._words import WORDS, say, word


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", WORDS)
def test_both_languages_say_the_same_things(key):
    english, chinese = WORDS[key]
    assert places(english) == places(chinese)
    assert english != chinese or key == "within"
    assert chinese.isascii() is (key == "within")


def test_every_common_mistake_has_words_without_placeholders():
    for units in ("K", "1", "degree"):
        for mistake in mistakes(units):
            assert say(mistake.name)
            assert say(mistake.name, "zh")


def test_a_text_may_be_of_one_language():
    assert word("plain", "zh") == "plain"
    assert word({"en": "plain"}, "zh") == "plain"
    assert word({"en": "plain", "zh": "平"}, "zh") == "平"
    with pytest.raises(InputError):
        word("plain", "fr")
