"""The legend: bars are proportional to areas, breaks stand between classes, and everything fits its room."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from musyq_lab.figures import _legend
from musyq_lab.figures._legend import HEIGHT, draw_legend, keys_height, share_words
from musyq_lab.figures.classes import class_table, class_tables, number
from musyq_lab.figures.style import MM_PER_INCH, SIZES, figure_of, language, texts
from musyq_lab.figures.words import pretty_units, say

KEYS = ("no_data", "uncertain", "outside")


def drawn(table, shares, keys=(), *, width=80.0, code="en", size="column"):
    chosen = SIZES[size]
    with language(code, chosen.scale) as tongue:
        figure = figure_of(chosen.width, 80)
        draw_legend(
            figure,
            table,
            np.asarray(shares, float),
            keys,
            left=4.0,
            top=20.0,
            width=width,
            size=chosen,
            language=tongue,
        )
    return figure


def rectangles(axes):
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]


def parts(figure, table):
    """Return the colour strip and the bars of a scale."""
    patches = [
        p for p in rectangles(figure.axes[0]) if to_hex(p.get_facecolor()) in table.colours and p.get_alpha() is None
    ]
    filled = [p for p in patches if p.get_facecolor()[3] > 0]
    base = max(p.get_y() for p in filled)
    return [p for p in filled if p.get_y() == base], [p for p in filled if p.get_y() < base]


def shares_of(table, *values):
    return [*values, *([0.0] * (len(table) - len(values)))]


class TestShareWords:
    @pytest.mark.parametrize(
        ("share", "words"),
        [
            (0.0, "0"), (1e-12, "< 1"), (0.004, "< 1"), (0.0094, "< 1"), (0.0096, "1"), (0.01, "1"), (0.124, "12"),
            (0.126, "13"), (0.994, "99"), (1.0, "100"),
        ],
    )  # fmt: skip
    def test_percent_without_its_sign(self, share, words):
        assert share_words(share) == words

    def test_only_nothing_is_called_nothing(self):
        assert [share_words(s) == "0" for s in (0.0, 5e-324, 1e-9, 0.5)] == [True, False, False, False]

    def test_whole_percents_are_within_half_a_percent(self):
        for share in np.linspace(0.01, 1.0, 331):
            assert abs(int(share_words(share)) - 100 * share) <= 0.5 + 1e-9


class TestKeysHeight:
    def test_beside_a_wide_scale_they_cost_nothing(self):
        assert keys_height(170.0, 3, 1.0) == 0.0

    def test_below_a_narrow_scale_each_costs_a_row(self):
        one, two, three = (keys_height(80.0, n, 1.0) for n in (1, 2, 3))
        assert two - one == pytest.approx(three - two)
        assert one > 0

    def test_everything_grows_with_the_format(self):
        assert keys_height(160.0, 2, 2.0) == pytest.approx(2 * keys_height(80.0, 2, 1.0))


class TestScale:
    @pytest.mark.parametrize("key", sorted(class_tables()))
    def test_one_swatch_a_class_in_the_order_of_the_table(self, key):
        table = class_table(key)
        strip, _ = parts(drawn(table, shares_of(table, 1.0)), table)
        assert [to_hex(p.get_facecolor()) for p in strip] == list(table.colours)
        lefts = [p.get_x() for p in strip]
        assert np.diff(lefts) == pytest.approx([80.0 / len(table)] * (len(table) - 1))
        assert strip[-1].get_x() + strip[-1].get_width() == pytest.approx(80.0)

    def test_heights_are_in_the_ratio_of_the_shares(self, table):
        _, bars = parts(drawn(table, shares_of(table, 0.5, 0.25, 0.2, 0.05)), table)
        heights = np.array([p.get_height() for p in bars])
        assert heights / heights[0] == pytest.approx([1.0, 0.5, 0.4, 0.1])

    def test_a_class_without_area_has_no_bar(self, table):
        shares = np.zeros(len(table))
        shares[2] = 1.0
        _, bars = parts(drawn(table, shares), table)
        assert [to_hex(p.get_facecolor()) for p in bars] == [table.colours[2]]

    def test_an_empty_field_draws_only_the_strip(self, table):
        strip, bars = parts(drawn(table, np.zeros(len(table))), table)
        assert (len(strip), len(bars)) == (len(table), 0)

    def test_bars_stand_on_the_strip_in_the_middle_of_their_class(self, table):
        strip, bars = parts(drawn(table, np.full(len(table), 1 / len(table))), table)
        for swatch, bar in zip(strip, bars, strict=True):
            assert bar.get_y() + bar.get_height() == pytest.approx(swatch.get_y())
            middle = bar.get_x() + bar.get_width() / 2
            assert middle == pytest.approx(swatch.get_x() + swatch.get_width() / 2)

    def test_bars_and_their_figures_stay_within_the_axes(self, table):
        figure = drawn(table, shares_of(table, 0.9, 0.1))
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        frame = figure.axes[0].get_window_extent()
        for text in texts(figure):
            window = text.get_window_extent(canvas.get_renderer())
            assert window.y1 <= frame.y1 + 1
            assert window.y0 >= frame.y0 - 1

    def test_each_break_stands_between_its_classes(self, table):
        axes = drawn(table, shares_of(table, 1.0)).axes[0]
        found = {text.get_text(): text.get_position()[0] for text in axes.texts}
        step = 80.0 / len(table)
        for index, limit in enumerate(table.breaks, start=1):
            assert found[number(limit)] == pytest.approx(index * step)

    def test_percents_are_written_class_by_class(self, table):
        shares = shares_of(table, 0.5, 0.3, 0.195, 0.005)
        axes = drawn(table, shares).axes[0]
        written = [text.get_text() for text in axes.texts if text.get_text().endswith(" %")]
        assert written == [f"{share_words(share)} %" for share in shares]

    @pytest.mark.parametrize("code", ["en", "zh"])
    def test_the_head_names_the_unit_in_the_language(self, table, code):
        axes = drawn(table, shares_of(table, 1.0), code=code).axes[0]
        assert say("share_of_area", code, unit=pretty_units(table.units)) in [t.get_text() for t in axes.texts]

    def test_shares_of_another_table_are_refused(self, table):
        with pytest.raises(ValueError, match="zip"):
            drawn(table, [0.5, 0.5])


class TestPlace:
    def test_height_on_paper_is_what_a_layout_reserves(self, table):
        figure = drawn(table, shares_of(table, 1.0))
        window = figure.axes[0].get_window_extent()
        assert window.height * MM_PER_INCH / figure.dpi == pytest.approx(HEIGHT)
        assert 80 - window.y1 * MM_PER_INCH / figure.dpi == pytest.approx(20.0)
        assert window.x0 * MM_PER_INCH / figure.dpi == pytest.approx(4.0)

    def test_a_unit_of_the_axes_is_a_millimetre(self, table):
        axes = drawn(table, shares_of(table, 1.0)).axes[0]
        window = axes.get_window_extent()
        x0, x1 = axes.get_xlim()
        assert window.width * MM_PER_INCH / axes.figure.dpi == pytest.approx(x1 - x0)

    def test_keys_go_below_where_there_is_no_room_beside(self, table):
        figure = drawn(table, shares_of(table, 1.0), KEYS)
        scale, *keys = (axes.get_position() for axes in figure.axes)
        assert all(key.y1 < scale.y0 for key in keys)
        assert [key.x0 for key in keys] == pytest.approx([scale.x0] * len(keys))

    def test_keys_go_beside_a_wide_scale(self, table):
        figure = drawn(table, shares_of(table, 1.0), KEYS, width=175.0, size="two-column")
        scale, *keys = (axes.get_position() for axes in figure.axes)
        assert all(key.x0 > scale.x1 for key in keys)
        assert all(key.x1 * 183 <= 4 + 175.0 + 1e-6 for key in keys)

    @pytest.mark.parametrize(("width", "size"), [(80.0, "column"), (175.0, "two-column"), (240.0, "slide")])
    def test_keys_stand_under_each_other_without_touching(self, table, width, size):
        figure = drawn(table, shares_of(table, 1.0), KEYS, width=width, size=size)
        keys = [axes.get_position() for axes in figure.axes[1:]]
        for above, below in pairwise(keys):
            assert below.y1 <= above.y0 + 1e-9


class TestKeys:
    @pytest.mark.parametrize("code", ["en", "zh"])
    @pytest.mark.parametrize("key", KEYS)
    def test_each_key_has_its_words(self, table, key, code):
        axes = drawn(table, shares_of(table, 1.0), (key,), code=code).axes[1]
        shown = (" " if code == "en" else "").join(text.get_text() for text in axes.texts)
        assert shown == say(key, code)

    def test_swatches_can_be_told_apart_without_colour(self):
        looks = {(p.get_hatch(), to_hex(p.get_facecolor())) for p in (_legend._swatch(k, 5, 3, 1) for k in KEYS)}
        assert len(looks) == len(KEYS)
        assert len({hatch for hatch, _ in looks}) == len(KEYS)

    def test_no_keys_no_axes(self, table):
        assert len(drawn(table, shares_of(table, 1.0)).axes) == 1

    def test_an_unknown_key_is_refused(self, table):
        with pytest.raises(LookupError):
            drawn(table, shares_of(table, 1.0), ("secret",))
