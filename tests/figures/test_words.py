"""One table of strings, complete in both languages."""

import string

import pytest

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.figures import words
from musyq_lab.figures.classes import class_tables
from musyq_lab.figures.style import missing_glyphs

# Only in alternative texts and headings of text files, never drawn.
_NOT_DRAWN = {key for key in words.WORDS if key.startswith("alt_")} | {"in_place", "at_place", "caption", "citation"}


def placeholders(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("key", words.WORDS)
def test_every_string_has_both_languages_with_the_same_placeholders(key):
    english, chinese = words.WORDS[key]
    assert english.strip()
    assert chinese.strip()
    assert placeholders(english) == placeholders(chinese)


def test_months_are_twelve_in_each_language():
    assert set(words.MONTHS) == set(words.LANGUAGES)
    assert all(len(set(names)) == 12 for names in words.MONTHS.values())


@pytest.mark.parametrize("key", sorted(set(words.WORDS) - _NOT_DRAWN))
def test_a_font_has_every_chinese_glyph_that_is_drawn(key):
    assert missing_glyphs(words.WORDS[key][1], "zh") == set()


@pytest.mark.parametrize("table", class_tables().values(), ids=lambda t: t.key)
def test_a_font_has_every_glyph_of_the_class_tables(table):
    text = "".join(
        [*table.source.values(), *table.title.values(), *table.labels("zh"), words.pretty_units(table.units)]
    )
    assert missing_glyphs(text, "zh") == set()


def test_a_glyph_that_no_font_has_is_told():
    assert missing_glyphs("a\U0001f9ff", "en") == {"\U0001f9ff"}


def test_say_fills_placeholders():
    assert words.say("title", "en", theme="T", region="R", period="P") == "T, R, P"
    assert words.say("title", "zh", theme="T", region="R", period="P") == "RT（P）"


def test_an_unknown_key_names_the_near_one():
    with pytest.raises(NotFoundError, match="no_data"):
        words.say("no_dat")


def test_an_unknown_language_is_refused():
    with pytest.raises(InputError, match="'fr'"):
        words.say("no_data", "fr")


@pytest.mark.parametrize(
    ("units", "written"),
    [
        ("kWh m-2 a-1", "kWh m⁻² a⁻¹"),
        ("km2", "km²"),
        ("TWh a-1", "TWh a⁻¹"),
        ("kWh kWp-1 a-1", "kWh kWp⁻¹ a⁻¹"),
        ("1", ""),
        ("%", "%"),
    ],
)
def test_units_are_written_with_superscripts(units, written):
    assert words.pretty_units(units) == written


@pytest.mark.parametrize(
    ("place", "language", "expected"),
    [
        ((18.125, 15.375), "en", ("18.1°\u00a0N", "15.4°\u00a0E")),
        ((-17.75, 182.0), "en", ("17.8°\u00a0S", "178.0°\u00a0W")),
        ((-17.75, -179.5), "zh", ("南纬17.8°", "西经179.5°")),
    ],
)
def test_places_are_written_with_their_quarter(place, language, expected):
    assert words.degrees(*place, language) == expected
