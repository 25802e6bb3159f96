"""Keys, shares and strips of legends: room, order, hatches and labels on any scale and in both languages."""

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from musyq_lab.figures import style
from musyq_lab.figures._legend import (
    _SWATCH,
    HEIGHT,
    NO_DATA_HATCH,
    _keys,
    _scale,
    _swatch,
    draw_legend,
    keys_height,
    share_words,
)
from musyq_lab.figures.classes import class_table, number
from musyq_lab.figures.style import figure_of, size_of
from musyq_lab.figures.words import say

KEYS = ("no_data", "uncertain", "not_significant", "outside")


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, "0"), (1e-9, "< 1"), (0.0094, "< 1"), (0.0095, "1"), (0.014, "1"), (0.016, "2"), (0.5, "50"), (1.0, "100")],
)
def test_shares_in_words(share, words):
    assert share_words(share) == words


def test_a_share_in_words_is_never_farther_than_a_percent():
    for share in np.linspace(0.0095, 1, 500):
        assert abs(int(share_words(share)) - 100 * share) <= 0.5 + 1e-9


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("entries", [0, 1, 4])
def test_keys_need_room_below_where_the_page_is_narrow(scale, entries):
    assert keys_height(121 * scale, entries, scale) == 0.0
    below = keys_height(119 * scale, entries, scale)
    assert below == pytest.approx(scale * keys_height(119, entries, 1.0))
    assert below >= entries * _SWATCH[1] * scale


@pytest.mark.parametrize("key", KEYS)
def test_swatches_are_told_apart_without_colour_or_by_it(key):
    patch = _swatch(key, 5.0, 2.8, 1.0)
    others = [_swatch(other, 5.0, 2.8, 1.0) for other in KEYS if other != key]
    looks = {(other.get_facecolor(), other.get_hatch()) for other in others}
    assert (patch.get_facecolor(), patch.get_hatch()) not in looks
    assert (patch.get_width(), patch.get_height()) == (5.0, 2.8)
    if key == "no_data":
        assert patch.get_hatch() == NO_DATA_HATCH


def test_a_key_that_is_none_is_an_error():
    with pytest.raises(KeyError, match="unknown"):
        _swatch("unknown", 1.0, 1.0, 1.0)


def strip(shares, name="dsr_annual", language="en", width=150.0):
    figure = figure_of(180, 60)
    axes = figure.add_axes((0.05, 0.1, 0.9, 0.8))
    _scale(axes, class_table(name), np.asarray(shares, float), width, 1.0, language)
    return axes


def shares_of(name, **given):
    shares = np.zeros(len(class_table(name)))
    for index, share in given.items():
        shares[int(index.removeprefix("c"))] = share
    return shares


@pytest.mark.parametrize("name", ["dsr_annual", "npp_trend"])
def test_bars_are_as_tall_as_their_shares(name):
    shares = shares_of(name, c0=0.1, c2=0.4, c3=0.5)
    axes = strip(shares, name)
    step = 150.0 / len(shares)
    bars = {round(p.get_x() / step - 0.15): p.get_height() for p in axes.patches
            if isinstance(p, Rectangle) and p.get_width() == pytest.approx(0.7 * step)}  # fmt: skip
    assert set(bars) == {0, 2, 3}
    assert bars[2] / bars[0] == pytest.approx(4.0)
    assert bars[3] / bars[0] == pytest.approx(5.0)
    assert max(bars.values()) < HEIGHT


@pytest.mark.parametrize("name", ["dsr_annual", "npp_trend"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_strip_has_every_colour_break_and_the_unit(name, language):
    table = class_table(name)
    axes = strip(shares_of(name, c1=1.0), name, language)
    words = [text.get_text() for text in axes.texts]
    assert [number(limit) for limit in table.breaks] == [w for w in words if not w.endswith("%")][: len(table.breaks)]
    assert sum(word.endswith(" %") for word in words) == len(table)
    places = [text.get_position()[0] for text in axes.texts if text.get_text() in set(map(number, table.breaks))]
    assert places == sorted(places)
    np.testing.assert_allclose(np.diff(places), 150.0 / len(table))


def test_a_map_without_any_value_has_no_bar_and_shares_of_nothing():
    axes = strip(shares_of("dsr_annual"))
    step = 150.0 / len(class_table("dsr_annual"))
    assert not [p for p in axes.patches if p.get_width() == pytest.approx(0.7 * step)]
    assert {text.get_text() for text in axes.texts if text.get_text().endswith("%")} == {"0 %"}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [25.0, 60.0])
def test_keys_stand_one_below_the_other_and_none_runs_into_the_next(language, width):
    figure = figure_of(180, 80)
    with style.language(language, 1.0) as chosen:
        _keys(figure, KEYS, 5.0, 5.0, width, 1.0, chosen)
        wanted = [say(key, chosen) for key in KEYS]
    assert len(figure.axes) == len(KEYS)
    tops = [80 * (1 - axes.get_position().y1) for axes in figure.axes]
    for axes, top, below in zip(figure.axes, tops, tops[1:], strict=False):
        assert top + _SWATCH[1] + 3.2 * (len(axes.texts) - 1) <= below + 1e-6
    said = ["".join(t.get_text() for t in axes.texts).replace(" ", "") for axes in figure.axes]
    assert said == [text.replace(" ", "") for text in wanted]


@pytest.mark.parametrize("size", ["two-column", "column", "slide"])
def test_a_legend_keeps_within_its_width(size):
    keys = ("no_data", "uncertain", "outside")  # a map hatches what is uncertain or what is not significant
    form = size_of(size)
    figure = figure_of(form.width, 120 * form.scale)
    width = form.width - 10 * form.scale
    shares = shares_of("dsr_annual", c0=0.3, c1=0.7)
    with style.language("en", form.scale) as chosen:
        draw_legend(figure, class_table("dsr_annual"), shares, keys, left=5 * form.scale, top=5 * form.scale,
                    width=width, size=form, language=chosen)  # fmt: skip
    beside = keys_height(width, len(keys), form.scale) == 0.0
    places = [axes.get_position() for axes in figure.axes]
    assert len(places) == 1 + len(keys)
    assert max(place.x1 for place in places) <= (5 * form.scale + width) / form.width + 1e-9
    assert all((place.x0 > places[0].x1) == beside for place in places[1:])
    assert all((place.y1 <= places[0].y0 + 1e-9) != beside for place in places[1:])
