"""Type, wrapping and the light import of the package."""

import subprocess
import sys

import matplotlib as mpl
import pytest

import musyq_lab.figures as figures
from musyq_lab.core.errors import InputError, MusyqWarning
from musyq_lab.figures import style


@pytest.mark.parametrize("name", figures.__all__)
def test_public_names_resolve(name):
    assert getattr(figures, name) is not None
    assert name in dir(figures)


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="draw_map"):
        figures.draw_maps  # noqa: B018


def test_importing_the_package_stays_light():
    code = (
        "import sys, musyq_lab.figures; print(sorted({'matplotlib', 'cartopy', 'xarray', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_the_style_holds_only_inside_its_context():
    before = dict(mpl.rcParams)
    with style.language("en", 2.0):
        assert mpl.rcParams["svg.fonttype"] == "none"
        assert mpl.rcParams["font.size"] == 15.0
    assert dict(mpl.rcParams) == before


def test_chinese_has_a_font_of_its_own_before_the_latin_one():
    chosen = style.families("zh")
    assert chosen[-1] == style.LATIN_FAMILY
    assert len(chosen) > 1
    assert style.missing_glyphs("太阳能", "zh") == set()


def test_no_chinese_font_is_told(monkeypatch):
    monkeypatch.setattr(style, "_shipped_fonts", lambda: ())
    monkeypatch.setattr(style, "_CHINESE_FAMILIES", ())
    style.families.cache_clear()
    with pytest.warns(MusyqWarning, match="No Chinese font"):
        assert style.families("zh") == (style.LATIN_FAMILY,)
    style.families.cache_clear()


def test_an_installed_font_stands_in_for_the_shipped_one(monkeypatch):
    monkeypatch.setattr(style, "_shipped_fonts", lambda: ())
    monkeypatch.setattr(style, "_CHINESE_FAMILIES", ("No Such Font", "DejaVu Serif"))
    style.families.cache_clear()
    assert style.families("zh") == ("DejaVu Serif", style.LATIN_FAMILY)
    style.families.cache_clear()


TEXTS = {
    "en": "Boundaries and names shown do not imply any opinion on the legal status of any territory at 105°\u00a0E.",
    "zh": "图中边界与名称不代表对任何领土法律地位的立场。投影（保持面积）：Albers，北纬25°。审图号：无。",
}


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("width", [25.0, 40.0, 120.0])
def test_lines_fit_and_nothing_is_lost(language, width):
    family = style.families(language)
    lines = style.wrap(TEXTS[language], width, 7.0, family)
    assert "".join(lines).replace(" ", "") == TEXTS[language].replace(" ", "")
    for line in lines:
        assert style.text_width(line, 7.0, family) <= width
        assert line[0] not in "，。：）、"
        assert line[-1] not in "（"
        assert not line.startswith("E.")


def test_a_word_wider_than_the_line_stands_alone():
    assert style.wrap("a Donaudampfschifffahrt b", 10.0, 7.0, style.families("en")) == [
        "a",
        "Donaudampfschifffahrt",
        "b",
    ]


def test_nothing_takes_no_line():
    assert style.wrap("", 10.0, 7.0, style.families("en")) == []


def test_width_grows_with_type():
    one, two = (style.text_width("kWh m⁻²", points, style.families("en")) for points in (7.0, 14.0))
    assert two == pytest.approx(2 * one, rel=0.01)


def test_a_figure_needs_a_size():
    with pytest.raises(InputError, match="cannot be drawn"):
        style.figure_of(183.0, 0.0)
