"""Maps: size, words, projection, legend, and honest behaviour at the edges."""

import time
import warnings

import numpy as np
import pytest
import shapely
from cartopy import crs as ccrs
from figures.fields import make_field
from matplotlib.text import Text

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.figures import style
from musyq_lab.figures._legend import share_words
from musyq_lab.figures._raster import classed
from musyq_lab.figures._shapes import path_of, projected, window_of
from musyq_lab.figures.maps import draw_map
from musyq_lab.figures.regions import MapRegion, country, extent_of, named_region, projection_of


def words_of(figure):
    return [text.get_text() for text in style.texts(figure)]


def map_axes(figure):
    return [axes for axes in figure.axes if hasattr(axes, "projection")]


def draw(field, table, **how):
    return draw_map(field, **{"classes": table, "title": "Theme, place, period", **how})


@pytest.mark.parametrize(("size", "width"), [("column", 89.0), ("two-column", 183.0), ("slide", 254.0)])
def test_sizes_are_in_millimetres(field, table, size, width):
    figure = draw(field, table, size=size)
    assert figure.get_figwidth() * 25.4 == pytest.approx(width)
    if size == "slide":
        assert figure.get_figwidth() / figure.get_figheight() == pytest.approx(16 / 9)


def test_an_unknown_size_is_refused(field, table):
    with pytest.raises(NotFoundError, match="two-column"):
        draw(field, table, size="two-columns")


@pytest.mark.parametrize("size", ["column", "two-column", "slide"])
@pytest.mark.parametrize("region", [None, "FJI"])
def test_no_text_leaves_the_figure_or_overlaps(field, table, size, region):
    figure = draw(field, table, size=size, region=country(region) if region else None)
    figure.draw_without_rendering()
    boxes = [(text.get_text(), text.get_window_extent()) for text in style.texts(figure)]
    for words, box in boxes:
        assert box.x0 >= -1, words
        assert box.x1 <= figure.bbox.width + 1, words
        assert box.y0 >= -1, words
        assert box.y1 <= figure.bbox.height + 1, words
    for i, (words, box) in enumerate(boxes):
        for other, next_box in boxes[i + 1 :]:
            both = [
                min(box.x1, next_box.x1) - max(box.x0, next_box.x0),
                min(box.y1, next_box.y1) - max(box.y0, next_box.y0),
            ]
            assert min(both) < 1.5, (words, other)


def test_text_is_seven_to_nine_points(field, table):
    figure = draw(field, table, region=named_region("west_asia"), method="m", attribution="a")
    figure.draw_without_rendering()
    sizes = {text.get_fontsize() for text in style.texts(figure)}
    assert min(sizes) >= 7.0
    assert max(sizes) <= 9.0


def test_the_legend_says_breaks_shares_and_unit(field, table):
    figure = draw(field, table)
    words = words_of(figure)
    shares = classed(field, table, None, None).shares(len(table))
    assert [w for w in words if w.endswith(" %")] == [f"{share_words(s)} %" for s in shares]
    assert {"1,050", "2,275", "kWh m⁻² a⁻¹, share of area", "No data"} <= set(words)


@pytest.mark.parametrize(
    ("share", "words"), [(0.0, "0"), (0.001, "< 1"), (0.0094, "< 1"), (0.0096, "1"), (0.995, "100"), (1.0, "100")]
)
def test_shares_in_words(share, words):
    assert share_words(share) == words


def test_the_caption_says_what_stands_behind(field, table):
    figure = draw(field, table, method="the method", attribution="the source", review_number="GS 1")
    caption = " ".join(words_of(figure))
    for part in ("Method: the method.", "Data: the source.", "GB/T 31155", "Equal Earth", "Map review number: GS 1."):
        assert part in caption
    assert "no political boundaries" in caption
    assert "legal status" not in caption


@pytest.mark.parametrize("how", [{"borders": True}, {"region": "FJI"}])
def test_boundaries_bring_their_disclaimer(field, table, how):
    how = {key: country(value) if key == "region" else value for key, value in how.items()}
    assert "legal status" in " ".join(words_of(draw(field, table, **how)))


def test_borders_are_drawn_only_on_request(field, table):
    count = {b: len(map_axes(draw(field, table, borders=b))[0].collections) for b in (False, True)}
    assert count[True] == count[False] + 1


def test_hatching_is_explained_only_where_there_is_any(field, table):
    sigma = field.copy(data=np.full(field.shape, 1.0))
    assert not any("uncertainty" in w for w in words_of(draw(field, table, uncertainty=sigma)))
    assert any("uncertainty" in w for w in words_of(draw(field, table, uncertainty=sigma.copy(data=sigma * 1000))))


def test_chinese_glyphs_show(field, table):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph")
        figure = draw(
            field, table, language="zh", title="中国太阳年总辐射（2011–2015）", region=country("CHN"), borders=True
        )
        figure.draw_without_rendering()
    text = "".join(words_of(figure))
    assert style.missing_glyphs(text, "zh") == set()
    assert "面积" in text
    for item in style.texts(figure):
        assert item.get_fontfamily()[0] == style.families("zh")[0], item.get_text()


def test_a_map_of_china_has_the_south_china_sea_and_hides_nothing(table):
    field = make_field(4)
    figure = draw(field, table, region=country("CHN"))
    main, inset = map_axes(figure)
    assert isinstance(main.projection, ccrs.AlbersEqualArea)
    assert any("South China Sea" in text.get_text() for text in inset.texts)
    plain = ccrs.PlateCarree()
    lon, lat = inset.projection.transform_point(113.0, 10.0, plain)
    assert inset.get_xlim()[0] < lon < inset.get_xlim()[1]
    assert inset.get_ylim()[0] < lat < inset.get_ylim()[1]
    # No part of the country lies under the inset.
    outline = projected(country("CHN").geometry, main.projection)
    points = main.transData.transform(shapely.get_coordinates(outline))
    assert not inset.bbox.contains(*points.mean(axis=0))
    assert not any(inset.bbox.contains(x, y) for x, y in points)


@pytest.mark.parametrize("code", ["RUS", "FJI", "NZL"])
def test_a_country_at_the_antimeridian_is_one_piece(code):
    region = country(code)
    projection = projection_of(region)
    whole = projected(region.geometry, projection)
    cut = shapely.get_num_geometries(region.geometry)
    assert whole.is_valid
    assert shapely.get_num_geometries(whole) <= cut
    x0, x1, *_ = extent_of(region, projection)
    assert x1 - x0 < 9e6
    lon, lat = (180.0, 68.0) if code == "RUS" else (180.0, -16.83) if code == "FJI" else (175.5, -39.0)
    assert whole.contains(shapely.points(projection.transform_point(lon, lat, ccrs.PlateCarree())))


def test_seas_and_lands_are_not_swapped():
    """Polygons around the pole once came out inside out."""
    from musyq_lab.figures import outlines

    region = country("RUS")
    projection = projection_of(region)
    extent = extent_of(region, projection)
    land = projected(
        shapely.intersection(shapely.simplify(outlines.land("50m"), 0.05), window_of(projection, extent)), projection
    )
    for lon, lat, dry in (
        (150.0, 78.0, False),
        (-170.0, 62.0, False),
        (100.0, 60.0, True),
        (100.0, 45.0, True),
        (40.0, 74.0, False),
    ):
        point = shapely.points(projection.transform_point(lon, lat, ccrs.PlateCarree()))
        assert land.contains(point) == dry, (lon, lat)
    assert path_of(land).vertices.shape[0] > 1000


@pytest.mark.parametrize("region", [None, "FJI", "RUS"])
def test_what_the_printed_pixels_show(table, region):
    """A field that is its own latitude is drawn in the right place."""
    chosen = country(region) if region else None
    field = make_field(4, value=lambda lat, lon: 1400 + 100.0 * (lat + 90) / 10)
    axes = map_axes(draw(field, table, region=chosen))[0]
    picture = axes.images[0]
    x0, x1, y0, y1 = picture.get_extent()
    pixels = np.asarray(picture.get_array())
    where = {None: (20.0, 10.0), "FJI": (178.0, -17.8), "RUS": (-175.0, 66.0)}[region]
    x, y = axes.projection.transform_point(*where, ccrs.PlateCarree())
    row, column = int((y1 - y) / (y1 - y0) * pixels.shape[0]), int((x - x0) / (x1 - x0) * pixels.shape[1])
    value = 1400 + 100.0 * (where[1] + 90) / 10
    assert "#" + bytes(pixels[row, column, :3]).hex() == table.colours[int(table.classify(value))]


def test_print_resolution(field, table):
    axes = map_axes(draw(field, table))[0]
    width = axes.get_position().width * 183.0 / 25.4 * 300
    assert axes.images[0].get_array().shape[1] == pytest.approx(width, abs=2)


def test_a_field_without_data_gives_an_honest_empty_map(field, table):
    figure = draw(field.copy(data=np.full(field.shape, np.nan)), table)
    assert [w for w in words_of(figure) if w.endswith(" %")] == ["0 %"] * 8
    assert not np.asarray(map_axes(figure)[0].images[0].get_array())[..., 3].any()


def test_a_region_of_one_cell_is_drawn(field, table):
    region = MapRegion("one", {"en": "One", "zh": "一"}, shapely.box(20.1, 10.1, 20.9, 10.9))
    figure = draw(field, table, region=region)
    assert "100 %" in words_of(figure)


def test_a_region_without_a_cell_is_a_plain_error(field, table):
    with pytest.raises(InputError, match="No cell of the field has its centre in Singapore"):
        draw(field, table, region=country("SGP"))


def test_the_input_is_left_alone(field, table):
    before = field.copy(deep=True)
    draw(field, table, region=country("FJI"))
    assert field.identical(before)


@pytest.mark.slow
def test_a_global_quarter_degree_map_takes_seconds(table):
    field = make_field(4)
    draw(field, table)  # outlines are read once
    start = time.process_time()
    draw(field, table)
    assert time.process_time() - start < 10.0


def test_style_leaves_matplotlib_as_it_was(field, table):
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    draw(field, table, language="zh")
    assert dict(mpl.rcParams) == before
    assert isinstance(draw(field, table).findobj(Text)[0], Text)
