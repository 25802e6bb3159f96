"""What can be saved of the Change page: the place and the zones as CSV, the map as PNG and NetCDF."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.dashboards import _change_map, _change_place, _change_zones
from musyq_lab.dashboards._change_kinds import KINDS, LEVEL
from musyq_lab.dashboards._change_work import Outcome
from musyq_lab.dashboards._extension import pn
from musyq_lab.dashboards._page import WIDE
from musyq_lab.figures.bundle import save_figure
from musyq_lab.figures.classes import FEWEST, MOST, ClassTable
from musyq_lab.figures.describe import describe_map
from musyq_lab.figures.maps import draw_map
from musyq_lab.figures.plain import describe_plain, draw_plain
from musyq_lab.figures.regions import MapRegion

if TYPE_CHECKING:
    from musyq_lab.dashboards.change import Change

_WIDTH = 170
_GLOBAL = 300.0  # degrees of longitude from which a map is one of the globe
_ANTIMERIDIAN = -180.0 - 1e-9  # so that a centre on it lies inside, not on the border


class Save:
    """The buttons that save.

    Parameters
    ----------
    page : Change
        Whose view is saved.
    """

    def __init__(self, page: Change) -> None:
        self._page = page
        self.story: _change_place.Story | None = None
        self.png = self._button("Map as PNG", "change.png", lambda: io.BytesIO(self.figure("png")))
        self.svg = self._button("Map as SVG", "change.svg", lambda: io.BytesIO(self.figure("svg")))
        self.netcdf = self._button("Maps as NetCDF", "change.nc", self.maps)
        self.place = self._button("Place as CSV", "place.csv", self.place_csv)
        self.zones = self._button("Zones as CSV", "zones.csv", self.zones_csv)
        rows = [pn.Row(self.png, self.svg, self.netcdf), pn.Row(self.place, self.zones)]
        self.panel = pn.Column(*rows, **WIDE)

    def _button(self, label: str, filename: str, make: Callable[[], Any]) -> Any:
        def told() -> Any:
            made: Any = io.StringIO("")
            with self._page.told():
                made = make()
            return made

        return pn.widgets.FileDownload(callback=told, filename=filename, label=label, width=_WIDTH)

    def update(self) -> None:
        """Offer what there is to save."""
        page = self._page
        for button in (self.png, self.svg, self.netcdf):
            button.disabled = page.outcome is None
        self.place.disabled = self.story is None or self.story.empty
        self.zones.disabled = page.table is None
        stem = f"{page.variable}_{page.ask.kind}"
        for button, name in ((self.png, "png"), (self.svg, "svg"), (self.netcdf, "nc")):
            button.filename = f"{stem}.{name}"
        self.place.filename, self.zones.filename = f"{stem}_place.csv", f"{page.variable}_zones.csv"

    def place_csv(self) -> io.StringIO:
        """Return the series of the place and what was found."""
        if self.story is None:
            raise InputError("No place is chosen. Click the map first.")
        return _change_place.to_csv(self.story)

    def zones_csv(self) -> io.StringIO:
        """Return the table of all zones."""
        if self._page.table is None:
            raise InputError("There is no table yet. Make it first.")
        return _change_zones.table_csv(self._page.table)

    def maps(self) -> io.BytesIO:
        """Return all layers of the result as NetCDF, with how they were made."""
        return _change_place.to_netcdf(self.dataset())

    def dataset(self) -> xr.Dataset:
        """Return all layers of the result with titles, method and code.

        Raises
        ------
        InputError
            If there is no result.
        """
        page, found = self._page, self._result()
        attrs = {"title": f"{KINDS[found.ask.kind].title} of {page.variable}: {page.cube.title}"}
        attrs |= {"summary": KINDS[found.ask.kind].summary, "comment": found.part.said() or "All cells were analysed."}
        source = page.cube.dataset.attrs
        attrs |= {key: str(source[key]) for key in ("attribution", "license", "references") if key in source}
        attrs |= {"source": page.cube.origin, "history": page.code()}
        return found.dataset.assign_attrs(attrs)

    def figure(self, suffix: str) -> bytes:
        """Return the map as a figure of a report: equal-area where the map is one of longitude and latitude.

        Parameters
        ----------
        suffix : {"png", "svg"}
            Kind of image.
        """
        page, found = self._page, self._result()
        field, sure = self._field(found)
        figure, alt = _drawn(page, found, field, sure)
        with tempfile.TemporaryDirectory() as folder:
            caption = (
                f"{KINDS[found.ask.kind].title} of {page.variable}, {page.cube.title}. {found.part.said()}".strip()
            )
            bundle = save_figure(
                figure, folder, "map", data=field.to_dataset(), code=page.code(), caption=caption, alt_text=alt,
                citation=page.cube.title, provenance={"view": page.query()}, formats=[suffix],
            )  # fmt: skip
            return bundle.image(suffix).read_bytes()

    def _result(self) -> Outcome:
        if self._page.outcome is None:
            raise InputError("There is no map yet. Wait until it is there, or choose what the data allow.")
        return self._page.outcome

    def _field(self, found: Outcome) -> tuple[xr.DataArray, xr.DataArray | None]:
        """Return the layer on the map, and where a test says that it is no chance."""
        page = self._page
        chosen = {found.step_dim: page.step} if found.step_dim else {}
        layer = found.dataset[page.layer].isel(chosen, drop=True).transpose(found.cube.y, found.cube.x)
        names = {"lat": "latitude", "lon": "longitude"}
        rename = {old: new for old, new in names.items() if old in layer.dims}
        layer = layer.rename(rename).assign_attrs(units=str(layer.attrs.get("units") or "1")).astype(np.float64)
        if "significant" not in found.dataset or page.layer not in KINDS[found.ask.kind].diverging:
            return layer, None
        sure = found.dataset["p_value"].transpose(found.cube.y, found.cube.x).rename(rename) < LEVEL
        return layer, sure


def _drawn(page: Change, found: Outcome, field: xr.DataArray, sure: xr.DataArray | None) -> tuple[Any, str]:
    """Return the figure and its text for readers who cannot see it."""
    legend = _change_map.legend_of(found, str(page.layer))
    name = KINDS[found.ask.kind].maps[str(page.layer)]
    step = f", {str(found.dataset[found.step_dim].values[page.step])[:10]}" if found.step_dim else ""
    title, subtitle = f"{name}{step}: {page.cube.title}", KINDS[found.ask.kind].summary
    report = (
        found.cube.geographic and not legend.codes and FEWEST <= len(legend.labels) <= MOST and min(field.shape) > 1
    )
    if not report:
        words: dict[str, Any] = {"classes": legend.numbers(field.values).astype(int), "labels": legend.labels}
        words["title"] = title
        figure = draw_plain(field, **words, colours=legend.colours, subtitle=subtitle, source=legend.source)
        return figure, describe_plain(field, **words)
    both = {"en": title, "zh": title}
    source = {"en": legend.source, "zh": legend.source}
    table = ClassTable("change", both, str(field.attrs["units"]), legend.breaks, legend.colour_map, source)
    options: dict[str, Any] = {"classes": table, "title": title, "region": _region(field)}
    figure = draw_map(field, **options, subtitle=subtitle, significant=sure)
    return figure, describe_map(field, **options)


def _region(field: xr.DataArray) -> MapRegion | None:
    """Return what the figure is cut to, the cells at the edges included; None for the globe."""
    (west, east), (south, north) = (_ends(field[axis].values) for axis in ("longitude", "latitude"))
    if east - west > _GLOBAL:
        return None
    left = (west + 180.0) % 360.0 - 180.0
    right = left + east - west
    spans = [(left, min(right, 180.0)), *([(_ANTIMERIDIAN, right - 360.0)] if right > 180.0 else [])]
    boxes = [shapely.box(start, max(south, -90.0), end, min(north, 90.0)) for start, end in spans]
    return MapRegion("view", {"en": "view"}, shapely.union_all(boxes))


def _ends(axis: NDArray[Any]) -> tuple[float, float]:
    """Return the outer edges of cells."""
    low, high = float(axis.min()), float(axis.max())
    half = (high - low) / max(axis.size - 1, 1) / 2
    return low - half, high + half
