"""Pairs of dots before and after: what is drawn is the table, in both languages and all sizes."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex

from musyq_lab.core.errors import InputError
from musyq_lab.figures import style
from musyq_lab.figures.cross_sensor import describe_cross_sensor, draw_cross_sensor, paired

SENSORS = ("Landsat-8 OLI", "GF-1 WFV4", "FY-4A AGRI")


@pytest.fixture
def table():
    rows = []
    for target, reference, off in (("Crop", 0.90, (0.005, -0.020, -0.180)), ("Bare", 0.26, (0.0, -0.030, -0.050))):
        rows += [
            {"target": target, "sensor": name, "reference": reference, "before": reference + d, "after": reference + e}
            for name, d, e in zip(SENSORS, off, (-0.002, 0.001, 0.008), strict=True)
        ]
    return pd.DataFrame(rows)


def draw(table, **how):
    return draw_cross_sensor(table, **{"quantity": "NDVI", "title": "One target", **how})


def words_of(figure):
    return [text.get_text() for text in style.texts(figure)]


def test_dots_lie_where_the_table_says(table):
    figure = draw(table)
    assert len(figure.axes) == 2
    for axes, (_, rows) in zip(figure.axes, table.groupby("target", sort=False), strict=True):
        before, after = axes.collections[-2].get_offsets(), axes.collections[-1].get_offsets()
        np.testing.assert_allclose(before[:, 0], rows["before"])
        np.testing.assert_allclose(after[:, 0], rows["after"])
        np.testing.assert_array_equal(before[:, 1], [0, 1, 2])
        assert axes.lines[0].get_xdata()[0] == pytest.approx(rows["reference"].iloc[0])


def test_before_is_hollow_and_after_is_full(table):
    hollow, full = draw(table).axes[0].collections[-2:]
    assert to_hex(hollow.get_facecolor()[0]) == "#ffffff"
    assert to_hex(full.get_facecolor()[0]) != "#ffffff"
    assert to_hex(hollow.get_edgecolor()[0]) != to_hex(full.get_facecolor()[0])


def test_the_band_of_the_goal_has_its_width(table):
    band = draw(table, goal=0.02).axes[0].patches[0]
    assert band.get_x() == pytest.approx(0.88)
    assert band.get_width() == pytest.approx(0.04)
    assert "± 0.02" in words_of(draw(table, goal=0.02))


def test_everything_drawn_lies_within_the_frame(table):
    for axes in draw(table).axes:
        low, high = axes.get_xlim()
        numbers = np.concatenate([np.asarray(c.get_offsets())[:, 0] for c in axes.collections[-2:]])
        assert low < numbers.min()
        assert high > numbers.max()


def test_sensors_are_named_once_side_by_side_and_in_each_panel_one_below_the_other(table):
    assert words_of(draw(table)).count("FY-4A AGRI") == 1
    assert words_of(draw(table, size="column")).count("FY-4A AGRI") == 2


@pytest.mark.parametrize("size", ["column", "two-column", "slide"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_words_fit_the_sheet_in_every_size_and_language(table, size, language):
    figure = draw(table, size=size, language=language, subtitle="Simulated Earth", caption="Spectral effect alone.")
    FigureCanvasAgg(figure).draw()
    width, height = figure.bbox.width, figure.bbox.height
    for text in style.texts(figure):
        extent = text.get_window_extent()
        assert extent.x0 >= -0.5, text
        assert extent.x1 <= width + 0.5, text
        assert extent.y0 >= -0.5, text
        assert extent.y1 <= height + 0.5, text
    assert figure.get_figwidth() * style.MM_PER_INCH == pytest.approx(style.SIZES[size].width)
    assert ("原波段" if language == "zh" else "Own bands") in words_of(figure)


@pytest.mark.parametrize("size", ["column", "two-column", "slide"])
def test_panels_do_not_overlap(table, size):
    boxes = [axes.get_position() for axes in draw(table, size=size).axes]
    assert not boxes[0].overlaps(boxes[1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.drop(columns="after"), "lacks the columns after"),
        (lambda d: d.iloc[:0], "nothing to compare"),
        (lambda d: d.iloc[1:], "Crop needs one row for each"),
        (lambda d: d.assign(reference=np.linspace(0, 1, len(d))), "more than one reference"),
        (lambda d: d.assign(after=d["after"].where(d["sensor"] != "GF-1 WFV4")), "Crop has no number"),
        (lambda d: d.assign(reference=np.nan), "Crop has no number"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(table, change, message):
    with pytest.raises(InputError, match=message):
        draw(change(table))


def test_sensors_keep_the_order_of_the_first_target(table):
    shuffled = pd.concat([table.iloc[:3], table.iloc[[5, 3, 4]]])
    for rows in paired(shuffled).values():
        assert rows["sensor"].tolist() == list(SENSORS)


def test_the_text_tells_the_numbers(table):
    text = describe_cross_sensor(table, title="NDVI by sensor")
    assert "Crop: reference 0.900; own bands from 0.720 to 0.905, adjusted from 0.898 to 0.908" in text
    assert "Farthest before is FY-4A AGRI, 0.180 away, and 0.008 after" in text
    assert "相差0.050" in describe_cross_sensor(table, title="NDVI", language="zh")


def test_the_chinese_font_that_ships_has_every_character_drawn(table):
    words = "".join(words_of(draw(table, language="zh")))
    assert style.missing_glyphs(words, "zh") == set()
