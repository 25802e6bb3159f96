"""The map as a figure of a report, with a text for readers who cannot see it inside."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

import shapely
import xarray as xr

from musyq_lab.dashboards._view import View
from musyq_lab.dashboards._window import Window, window
from musyq_lab.figures.bundle import save_figure
from musyq_lab.figures.classes import FEWEST, MOST, ClassTable
from musyq_lab.figures.describe import describe_map
from musyq_lab.figures.maps import draw_map
from musyq_lab.figures.plain import describe_plain, draw_plain
from musyq_lab.figures.regions import MapRegion

if TYPE_CHECKING:
    from musyq_lab.dashboards.explorer import Explorer

_CELLS = 2_000_000  # a printed map of 183 mm at 300 dpi has 2161 pixels across
_WHOLE = 300  # degrees across beyond which a map is that of the globe


def figure_bytes(page: Explorer, suffix: str) -> bytes:
    """Return the map as a figure: that of the chosen region, or of what is in view.

    Numbers in degrees are drawn in an equal-area projection with the shares of the area in the legend; named classes
    and projected maps on their own grid.

    Parameters
    ----------
    page : Explorer
        Whose map is drawn.
    suffix : {"png", "svg"}
        Kind of image.
    """
    figure, alt, field = drawn(page)
    caption = f"{page.cube.title}. {page.view.said()}"
    citation = str(page.cube.dataset.attrs.get("citation") or page.cube.title)
    with tempfile.TemporaryDirectory() as folder:
        bundle = save_figure(
            figure, folder, "map", data=field.to_dataset(), code=page.code(), caption=caption, alt_text=alt,
            citation=citation, provenance={"view": page.query()}, formats=[suffix],
        )  # fmt: skip
        return bundle.image(suffix).read_bytes()


def drawn(page: Explorer) -> tuple[Any, str, xr.DataArray]:
    """Return the figure, its alternative text and the numbers drawn."""
    view, legend = page.view, page.view.legend
    field = _field(view, _printed(page))
    title, subtitle = page.cube.title, view.said()
    report = view.cube.geographic and not legend.codes and FEWEST <= len(legend.labels) <= MOST and min(field.shape) > 1
    if not report:
        classes = legend.numbers(field.values).astype(int)
        words: dict[str, Any] = {"classes": classes, "labels": legend.labels, "title": title}
        figure = draw_plain(field, **words, colours=legend.colours, subtitle=subtitle, source=legend.source)
        return figure, describe_plain(field, **words), field
    source = {"en": legend.source or "breaks as given", "zh": legend.source or "breaks as given"}
    named = {"en": title, "zh": title}
    units = str(field.attrs.get("units") or "1")
    table = ClassTable("view", named, units, legend.breaks, legend.colour_map or "viridis", source)
    field = field.assign_attrs(units=units)
    options: dict[str, Any] = {"classes": table, "title": title, "region": _region(page, field)}
    attribution = str(view.cube.dataset.attrs.get("attribution", "")).rstrip(".")
    figure = draw_map(field, **options, subtitle=subtitle, attribution=attribution)
    return figure, describe_map(field, **options), field


def _region(page: Explorer, field: xr.DataArray) -> MapRegion | None:
    """Return what the figure is cut to; None for the globe."""
    if page.region is not None:
        return MapRegion("region", {"en": page.region.name}, page.region.geometry)
    (west, east), (south, north) = ((float(field[a].min()), float(field[a].max())) for a in ("longitude", "latitude"))
    if east - west > _WHOLE:
        return None
    return MapRegion("view", {"en": "view"}, shapely.box(west, south, east, north))


def _printed(page: Explorer) -> Window:
    """Return the cells to print: those of the region, of what is in view, or all."""
    view = page.view
    if page.region is not None:
        west, south, east, north = page.region.geometry.bounds
        return window(view.cube, view.variable, (west, east), (south, north), cells=_CELLS)
    ranges = page.figure.ranges
    seen = (ranges.x_range, ranges.y_range) if ranges is not None else (None, None)
    return window(view.cube, view.variable, *seen, cells=_CELLS)


def _field(view: View, part: Window) -> xr.DataArray:
    layer = view.cube.dataset[view.variable]
    names = ("latitude", "longitude") if view.cube.geographic else ("y", "x")
    attrs = {key: layer.attrs[key] for key in ("units", "long_name") if key in layer.attrs}
    values = part.layer(view.variable, view.chosen)
    return xr.DataArray(values, {names[0]: part.down, names[1]: part.across}, names, view.variable, attrs)
