"""A sheet in millimetres: what is written lies where the layout says, and nothing leaves the paper."""

import itertools

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from musyq_lab.figures._sheet import CAPTION, SUBTITLE, TITLE, Block, box, sheet
from musyq_lab.figures.style import (
    GREY,
    INK,
    MM_PER_INCH,
    SIZES,
    Size,
    families,
    figure_of,
    language,
    text_width,
    texts,
)

WORDS = {
    "en": (
        "Annual solar radiation, Belt and Road region, mean of 2011-2015 and every year since then until today",
        "MJ m-2 a-1, 0.25 degree, first edition",
        "Data: MERRA-2. " * 20,
    ),
    "zh": ("太阳年总辐射，“一带一路”区域" * 5, "MJ m⁻² a⁻¹ · 0.25°网格", "方法：MERRA-2辐射，经晴空指数计算。" * 12),
}
POINT = 25.4 / 72  # mm


def extents(figure):
    """Return (left, top, right, bottom) of each text in mm from the top left corner."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    height = figure.get_figheight() * MM_PER_INCH
    found = []
    for text in texts(figure):
        window = text.get_window_extent(canvas.get_renderer())
        left, bottom, right, top = (float(edge) * MM_PER_INCH / figure.dpi for edge in window.extents)
        found.append((left, height - top, right, height - bottom))
    return found


class TestBlock:
    def test_a_point_is_a_72nd_of_an_inch(self):
        # 10 points with a leading of 1.3 are 13 points from line to line.
        assert Block(("a",), 10.0).leading == pytest.approx(13 * POINT)

    @pytest.mark.parametrize("count", [0, 1, 2, 7])
    def test_height_is_lines_times_leading(self, count):
        block = Block(("x",) * count, 8.0)
        assert block.height == pytest.approx(count * block.leading)

    def test_type_is_dark_and_plain_unless_told(self):
        block = Block(("x",), 8.0)
        assert (block.colour, block.weight) == (INK, "normal")


class TestBox:
    def test_the_whole_page_is_the_unit_square(self):
        assert box(figure_of(100, 40), 0, 0, 100, 40) == pytest.approx((0, 0, 1, 1))

    def test_the_top_left_quarter_is_up_and_left(self):
        assert box(figure_of(100, 40), 0, 0, 50, 20) == pytest.approx((0, 0.5, 0.5, 0.5))

    def test_the_bottom_right_corner(self):
        assert box(figure_of(200, 100), 180, 90, 20, 10) == pytest.approx((0.9, 0.0, 0.1, 0.1))

    @pytest.mark.parametrize(("left", "top", "width", "height"), [(3, 4, 50, 9), (0, 30, 7, 1), (60, 0, 1, 70)])
    def test_axes_placed_by_it_have_that_size_on_paper(self, left, top, width, height):
        figure = figure_of(89, 77)
        axes = figure.add_axes(box(figure, left, top, width, height))
        window = axes.get_window_extent()
        millimetres = [edge * MM_PER_INCH / figure.dpi for edge in (window.x0, window.width, window.height, window.y1)]
        assert millimetres == pytest.approx([left, width, height, 77 - top])


class TestSheet:
    @pytest.mark.parametrize("words", ["", "   "])
    def test_empty_words_take_no_room(self, words):
        page = sheet(SIZES["column"], "en", words, words, words)
        assert page.head == ()
        assert page.foot.lines == ()
        assert page.bottom == page.margin
        assert page.top == pytest.approx(page.margin + 1.5)

    def test_a_title_alone_and_a_subtitle_alone(self):
        title = sheet(SIZES["column"], "en", "One", "", "")
        subtitle = sheet(SIZES["column"], "en", "", "One", "")
        assert [block.points for block in title.head] == [TITLE]
        assert [block.points for block in subtitle.head] == [SUBTITLE]
        assert [block.colour for block in (*title.head, *subtitle.head)] == [INK, GREY]

    def test_type_is_between_7_and_9_points_on_paper(self):
        page = sheet(SIZES["two-column"], "en", "One", "Two", "Three")
        points = [block.points for block in (*page.head, page.foot)]
        assert points == [TITLE, SUBTITLE, CAPTION]
        assert all(7 <= size <= 9 for size in points)

    def test_a_slide_is_the_same_layout_larger(self):
        small = sheet(Size(100.0, 0.0), "en", "One", "Two", "Three")
        large = sheet(Size(200.0, 0.0, 2.0), "en", "One", "Two", "Three")
        for name in ("inner", "top", "bottom", "margin"):
            assert getattr(large, name) == pytest.approx(2 * getattr(small, name))

    @pytest.mark.parametrize(("name", "code"), list(itertools.product(SIZES, WORDS)))
    def test_every_line_fits_between_the_margins(self, name, code):
        page = sheet(SIZES[name], code, *WORDS[code])
        for block in (*page.head, page.foot):
            for line in block.lines:
                assert text_width(line, block.points, families(code), block.weight) <= page.inner

    @pytest.mark.parametrize("code", WORDS)
    def test_no_word_is_lost_or_doubled(self, code):
        page = sheet(SIZES["column"], code, *WORDS[code])
        for block, words in zip((*page.head, page.foot), WORDS[code], strict=True):
            assert "".join(block.lines).replace(" ", "") == words.replace(" ", "")

    def test_only_the_english_title_is_bold(self):
        weights = {code: sheet(SIZES["column"], code, *WORDS[code]).head[0].weight for code in WORDS}
        assert weights == {"en": "bold", "zh": "normal"}

    def test_a_narrower_page_takes_no_fewer_lines(self):
        counts = [len(sheet(Size(width, 0.0), "en", *WORDS["en"]).foot.lines) for width in (60.0, 89.0, 120.0, 183.0)]
        assert counts == sorted(counts, reverse=True)
        assert counts[0] > counts[-1]


class TestWriting:
    @pytest.fixture(params=list(WORDS))
    def written(self, request):
        code = request.param
        size = SIZES["column"]
        page = sheet(size, code, *WORDS[code])
        with language(code, size.scale):
            figure = figure_of(size.width, 120)
            page.write(figure)
            return page, figure, extents(figure)

    def test_lines_are_those_of_the_layout(self, written):
        page, figure, _ = written
        assert [text.get_text() for text in texts(figure)] == [
            line for block in (*page.head, page.foot) for line in block.lines
        ]

    def test_nothing_leaves_the_margins(self, written):
        page, _, found = written
        for left, top, right, bottom in found:
            assert left >= page.margin - 0.3
            assert right <= page.size.width - page.margin + 0.8
            assert top >= page.margin - 1.0
            assert bottom <= 120 - page.margin + 1.0

    def test_the_head_ends_above_the_content_and_the_caption_begins_below(self, written):
        page, _, found = written
        count = sum(len(block.lines) for block in page.head)
        assert max(bottom for _, _, _, bottom in found[:count]) <= page.top + 0.5
        assert min(top for _, top, _, _ in found[count:]) >= 120 - page.bottom - 0.5

    def test_baselines_of_a_block_are_a_leading_apart(self, written):
        page, figure, _ = written
        first = 0
        for block in (*page.head, page.foot):
            shown = texts(figure)[first : first + len(block.lines)]
            first += len(block.lines)
            places = [120 * (1 - text.get_position()[1]) for text in shown]
            for above, below in itertools.pairwise(places):
                assert below - above == pytest.approx(block.leading)

    def test_type_has_the_size_and_colour_of_its_block(self, written):
        page, figure, _ = written
        wanted = [(block.points, block.colour) for block in (*page.head, page.foot) for _ in block.lines]
        assert [(text.get_fontsize(), text.get_color()) for text in texts(figure)] == wanted
