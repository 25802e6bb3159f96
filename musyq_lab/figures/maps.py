"""Classed equal-area maps whose legend is the histogram of the area."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cartopy.crs as ccrs
import matplotlib as mpl
import numpy as np
import shapely
import xarray as xr
from cartopy.mpl.geoaxes import GeoAxes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.figures import outlines
from musyq_lab.figures._legend import HEIGHT, NO_DATA_HATCH, draw_legend, keys_height
from musyq_lab.figures._raster import Classed, cells_of_pixels, classed, image
from musyq_lab.figures._shapes import path_of, projected, window_of
from musyq_lab.figures._sheet import Sheet, box, sheet
from musyq_lab.figures.classes import ClassTable
from musyq_lab.figures.regions import CHINA, MapRegion, country, extent_of, projection_of, projection_words
from musyq_lab.figures.style import DPI, FAINT, GREY, LAND, MM_PER_INCH, SEA, figure_of, size_of
from musyq_lab.figures.style import language as style
from musyq_lab.figures.words import Language, say

Extent = tuple[float, float, float, float]
# Height over width of the map's frame, so that figures of a report line up.
_FLATTEST, _TALLEST = 0.42, 0.72
# South China Sea with its islands, and how much of the map's height the inset takes.
_SOUTH_CHINA_SEA = (105.0, 123.0, 2.0, 24.0)
_INSET = 0.3
# Frames wider than this (m) show no figures on the graticule: its lines then leave at steep angles.
_WIDEST_WITH_LABELS = 9e6
_LABEL_LEFT, _LABEL_BELOW = 9.0, 3.6
_LABEL_LEFT_SMALL, _SMALL_FRAME = 12.5, 1e5
_PLAIN = ccrs.PlateCarree()
_DEGREE = 111_000.0  # metres along a meridian, for the fineness of outlines only


@dataclass(frozen=True, slots=True)
class _View:
    """What one map frame shows."""

    data: Classed
    table: ClassTable
    region: MapRegion | None
    projection: ccrs.Projection
    borders: bool
    scale: float


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where a map goes on the sheet (mm from the top left corner) and what it spans."""

    extent: Extent
    left: float
    top: float
    width: float
    height: float
    below: float
    """Room for the figures of the graticule under it."""

    @property
    def box(self) -> tuple[float, float, float, float]:
        return self.left, self.top, self.width, self.height


def draw_map(
    field: xr.DataArray,
    *,
    classes: ClassTable,
    title: str,
    subtitle: str = "",
    region: MapRegion | None = None,
    language: str = "en",
    uncertainty: xr.DataArray | None = None,
    significant: xr.DataArray | None = None,
    borders: bool = False,
    method: str = "",
    attribution: str = "",
    review_number: str = "",
    size: str = "two-column",
) -> Figure:
    """Draw a classed map in an equal-area projection, with shares of the area in its legend.

    Parameters
    ----------
    field : DataArray, dims (latitude, longitude)
        Regular grid with ``units``; NaN is no data.
    classes : ClassTable
        The classes; the field is converted to their units.
    title, subtitle : str
        Theme, region and period; unit, edition and resolution.
    region : MapRegion, optional
        Cut to this region and centred on it; None draws the globe.
    language : {"en", "zh"}
        Of everything the figure says by itself.
    uncertainty : DataArray, optional
        One sigma on the same grid; cells where it exceeds the width of their class are hatched.
    significant : DataArray, optional
        True on the same grid where a trend is; the other cells are hatched. Not together with ``uncertainty``.
    borders : bool
        Draw country lines, with the disclaimer.
    method, attribution : str
        One line each for the caption, without a full stop.
    review_number : str
        Map review number, where one was given.
    size : {"column", "two-column", "slide"}
        89 mm, 183 mm, or 16:9.

    Returns
    -------
    Figure
        Not bound to any window; keep it by :func:`~musyq_lab.figures.bundle.save_figure`.

    Raises
    ------
    InputError
        If the field is no regular grid, its units do not fit, or no cell lies in the region.

    Notes
    -----
    Shares are areas on the WGS 84 ellipsoid over all cells with data whose centre lies in the region; the picture is
    clipped to the outline itself, so that coasts stay smooth.
    """
    data = _hatched(classed(field, classes, region, uncertainty), uncertainty, significant)
    form = size_of(size)
    with style(language, form.scale) as chosen:
        view = _View(data, classes, region, projection_of(region), borders, form.scale)
        keys = _keys(view, "uncertain" if significant is None else "not_significant")
        words = _caption(view, chosen, method, attribution, review_number)
        page = sheet(form, chosen, title, subtitle, words)
        legend = HEIGHT * form.scale + keys_height(page.inner, len(keys), form.scale)
        frame = _frame(view, page, legend)
        end = page.top + frame.height + frame.below
        figure = figure_of(form.width, form.height or end + legend + page.bottom + 3 * form.scale)
        axes = figure.add_axes(box(figure, *frame.box), projection=view.projection)
        _draw(axes, view, frame)
        if region is not None and region.geometry.equals(country(CHINA).geometry):
            _inset(figure, view, chosen, frame)
        draw_legend(
            figure, classes, data.shares(len(classes)), keys, left=page.margin, top=end + 2 * form.scale,
            width=page.inner, size=form, language=chosen,
        )  # fmt: skip
        page.write(figure)
    return figure


def _hatched(data: Classed, uncertainty: xr.DataArray | None, significant: xr.DataArray | None) -> Classed:
    """Return the field with the cells hatched that are not significant, where that is what is asked for."""
    if significant is None:
        return data
    if uncertainty is not None:
        raise InputError("A map is hatched by uncertainty= or by significant=, not by both. Give one of them.")
    if significant.shape != data.classes.shape:
        raise InputError(f"significant= has the shape {significant.shape}, the field {data.classes.shape}.")
    weak = ~significant.transpose("latitude", "longitude").to_numpy().astype(bool)
    return replace(data, uncertain=weak & (data.classes >= 0))


def _keys(view: _View, hatched: str) -> tuple[str, ...]:
    keys = ["no_data"]
    if (view.data.uncertain & view.data.valid).any():
        keys.append(hatched)
    if view.region is not None:
        keys.append("outside")
    return tuple(keys)


def _caption(view: _View, language: Language, method: str, attribution: str, review_number: str) -> str:
    parts = [
        say("method", language, text=method) if method else "",
        say("attribution", language, text=attribution) if attribution else "",
        say("class_source", language, text=view.table.source[language]),
        say("projection", language, name=projection_words(view.region, language)),
        say("no_boundaries" if view.region is None and not view.borders else "disclaimer", language),
        say("review_number", language, number=review_number) if review_number else say("no_review_number", language),
    ]
    return (" " if language == "en" else "").join(part for part in parts if part)


def _frame(view: _View, page: Sheet, legend: float) -> _Frame:
    """Return where the map goes; the extent of a region is widened to fill the frame."""
    x0, x1, y0, y1 = extent_of(view.region, view.projection)
    ratio, scale = (y1 - y0) / (x1 - x0), page.size.scale
    labels = view.region is not None and max(x1 - x0, y1 - y0) < _WIDEST_WITH_LABELS
    # Small frames are labelled to a thousandth of a degree.
    left = _LABEL_LEFT if max(x1 - x0, y1 - y0) > _SMALL_FRAME else _LABEL_LEFT_SMALL
    aside, below = (left * scale, _LABEL_BELOW * scale) if labels else (0.0, 0.0)
    width = page.inner - aside
    if page.size.height:
        height = page.size.height - page.top - page.bottom - legend - below - 3 * scale
    else:
        height = width * (ratio if view.region is None else float(np.clip(ratio, _FLATTEST, _TALLEST)))
    if view.region is None:
        width, height = min(width, height / ratio), min(height, width * ratio)
        return _Frame((x0, x1, y0, y1), page.margin + (page.inner - width) / 2, page.top, width, height, 0.0)
    target = height / width
    wide, tall = max(x1 - x0, (y1 - y0) / target), max(y1 - y0, (x1 - x0) * target)
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    extent = (x - wide / 2, x + wide / 2, y - tall / 2, y + tall / 2)
    return _Frame(extent, page.margin + aside, page.top, width, height, below)


def _draw(axes: GeoAxes, view: _View, frame: _Frame) -> None:
    """Draw sea, land, no data, classes, coast, country lines and graticule."""
    if view.region is not None:
        axes.set_xlim(*frame.extent[:2])
        axes.set_ylim(*frame.extent[2:])
    axes.set_facecolor(SEA)
    axes.spines["geo"].set(linewidth=0.4 * view.scale, edgecolor=GREY)
    scale: outlines.Scale = "110m" if view.region is None else "50m"
    window = window_of(view.projection, frame.extent)
    # Details finer than a printed dot only cost time.
    dot = min((frame.extent[1] - frame.extent[0]) / (frame.width / MM_PER_INCH * DPI) / _DEGREE, 0.2)

    def seen(geometry: shapely.Geometry) -> shapely.Geometry:
        return projected(shapely.intersection(shapely.simplify(geometry, dot), window), view.projection)

    # add_artist, because add_patch would measure every curve again for limits that are set already.
    if view.region is not None:
        axes.add_artist(PathPatch(path_of(seen(outlines.land(scale))), facecolor=LAND, edgecolor="none", zorder=1))
    shape = path_of(seen(view.region.geometry if view.region is not None else outlines.land(scale)))
    axes.add_artist(
        PathPatch(shape, facecolor="white", edgecolor=FAINT, linewidth=0.0, hatch=NO_DATA_HATCH, zorder=1.5)
    )
    pixels = axes.imshow(
        _pixels(view, frame), extent=frame.extent, origin="upper", transform=view.projection, interpolation="none",
        zorder=2,
    )  # fmt: skip
    if view.region is not None:
        pixels.set_clip_path(shape, axes.transData)
    lines = [outlines.coast_lines(scale)]
    if view.borders:
        lines.append(outlines.border_lines([outline.geometry for outline in outlines.countries(scale)]))
    for line in lines:
        segments = [shapely.get_coordinates(part) for part in shapely.get_parts(seen(line))]
        axes.add_collection(LineCollection(segments, colors=GREY, linewidths=0.4 * view.scale, zorder=3), autolim=False)
    _graticule(axes, view, labels=frame.below > 0)


def _pixels(view: _View, frame: _Frame) -> NDArray[np.uint8]:
    columns, rows = (max(2, round(edge / MM_PER_INCH * DPI)) for edge in (frame.width, frame.height))
    cells = cells_of_pixels(view.data.field, view.projection, frame.extent, (rows, columns))
    return image(view.data, view.table, cells)


def _graticule(axes: GeoAxes, view: _View, *, labels: bool) -> None:
    lines = axes.gridlines(
        draw_labels={"left": "y", "bottom": "x"} if labels else False,
        linewidth=0.4 * view.scale, color=GREY, alpha=0.25, zorder=2.5, x_inline=False, y_inline=False,
    )  # fmt: skip
    if view.region is None:
        lines.xlocator, lines.ylocator = _fixed(range(-180, 181, 30)), _fixed(range(-60, 61, 30))
    elif labels:
        lines.xpadding = lines.ypadding = 2.5 * view.scale
        lines.xlabel_style = lines.ylabel_style = {
            "size": 7.0 * view.scale, "color": GREY, "family": list(mpl.rcParams["font.family"]),
        }  # fmt: skip
        lines.rotate_labels = False


def _fixed(values: range) -> object:
    from matplotlib.ticker import FixedLocator

    return FixedLocator(list(values))


def _inset(figure: Figure, view: _View, language: Language, frame: _Frame) -> None:
    """Draw the South China Sea with its islands in the lower left corner of a map of China, where it hides nothing."""
    west, east, south, north = _SOUTH_CHINA_SEA
    edge = shapely.segmentize(shapely.box(west, south, east, north), 1.0)
    lon, lat = shapely.get_coordinates(edge).T
    xy = view.projection.transform_points(_PLAIN, lon, lat)[:, :2]
    (x0, y0), (x1, y1) = xy.min(axis=0), xy.max(axis=0)
    height = _INSET * frame.height
    width = height * (x1 - x0) / (y1 - y0)
    extent = (float(x0), float(x1), float(y0), float(y1))
    inner = _Frame(extent, frame.left, frame.top + frame.height - height, width, height, 0.0)
    axes = figure.add_axes(box(figure, *inner.box), projection=view.projection)
    _draw(axes, view, inner)
    plate = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
    axes.text(
        0.5, 0.02, say("south_china_sea", language), transform=axes.transAxes, ha="center", va="bottom",
        fontsize=7.0 * view.scale, zorder=5, bbox=plate,
    )  # fmt: skip
