"""What can be saved of a view: the map as a figure, series as CSV and NetCDF, the values of a region."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.dashboards import _series, _zones
from musyq_lab.dashboards._extension import pn
from musyq_lab.dashboards._page import WIDE, text
from musyq_lab.dashboards._view import View

if TYPE_CHECKING:
    from musyq_lab.dashboards.explorer import Explorer

_WIDTH = 170
_WORDS = "<p>The map is drawn anew by the figures of reports, with a text for readers who cannot see it inside.</p>"


class Save:
    """The buttons that save.

    Parameters
    ----------
    page : Explorer
        Whose view is saved.
    """

    def __init__(self, page: Explorer) -> None:
        self._page = page
        self.png = self._button("Map as PNG", "map.png", lambda: self._figure("png"))
        self.svg = self._button("Map as SVG", "map.svg", lambda: self._figure("svg"))
        self.series = self._button("Series as CSV", "series.csv", self.series_csv)
        self.region = self._button("Region as CSV", "region.csv", self.region_csv)
        self.netcdf = self._button("Series as NetCDF", "series.nc", self.series_netcdf)
        self.cells = self._button("Region as NetCDF", "region.nc", self.region_netcdf)
        rows = [pn.Row(self.png, self.svg), pn.Row(self.series, self.netcdf), pn.Row(self.region, self.cells)]
        words = text(**WIDE)
        words.value = _WORDS
        self.panel = pn.Column(words, *rows, **WIDE)

    def _button(self, label: str, filename: str, make: Any) -> Any:
        def told() -> Any:
            made: Any = io.StringIO("")
            with self._page.told():
                made = make()
            return made

        return pn.widgets.FileDownload(callback=told, filename=filename, label=label, width=_WIDTH)

    def update(self) -> None:
        """Offer what there is to save."""
        page = self._page
        series = page.series
        none = series is None or series.empty
        self.series.disabled = self.netcdf.disabled = none
        self.region.disabled = page.region is None or bool(page.legend.codes)
        self.cells.disabled = page.region is None
        name = page.view.variable
        if series is not None:
            self.series.filename = f"{name}_{series.y:.2f}_{series.x:.2f}.csv"
            self.netcdf.filename = f"{name}_{series.y:.2f}_{series.x:.2f}.nc"
        for button in (self.png, self.svg):
            button.filename = f"{name}_map{Path(button.filename).suffix}"
        self.region.filename, self.cells.filename = f"{name}_region.csv", f"{name}_region.nc"

    def series_csv(self) -> io.StringIO:
        """Return the series of all chosen places."""
        return _series.to_csv(*self._page.all_series)

    def region_csv(self) -> io.StringIO:
        """Return mean, spread and count of the region.

        Raises
        ------
        InputError
            If none is chosen.
        """
        series = self._page.region_series
        if series is None:
            raise InputError("No region is chosen. Draw a box on the map, or type a country.")
        return _series.to_csv(series)

    def series_netcdf(self) -> io.BytesIO:
        """Return the series of all chosen places, and of the region, as a Dataset along their steps."""
        return netcdf(series_dataset(self._page))

    def region_netcdf(self) -> io.BytesIO:
        """Return the cells of the region at the step of the map, with their companions."""
        page = self._page
        if page.region is None:
            raise InputError("No region is chosen. Draw a box on the map, or type a country.")
        return netcdf(region_dataset(page.view, page.region))

    def _figure(self, suffix: str) -> io.BytesIO:
        from musyq_lab.dashboards._print import figure_bytes

        return io.BytesIO(figure_bytes(self._page, suffix))


def netcdf(dataset: xr.Dataset) -> io.BytesIO:
    """Return a Dataset as the bytes of a NetCDF file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.nc"
        dataset.to_netcdf(path, engine="h5netcdf")
        return io.BytesIO(path.read_bytes())


def series_dataset(page: Explorer) -> xr.Dataset:
    """Return the chosen series: dims (place, step), place as words, numbers and WKT."""
    shown = page.all_series
    first = shown[0]
    dim = first.dim or "step"
    name, units = first.variable, {"units": first.units or "1"}
    layers: dict[str, Any] = {name: (("place", dim), _rows(shown, "values"), {**units, "long_name": first.long_name})}
    if first.sigma is not None:
        layers[f"{name}_sigma"] = (("place", dim), _rows(shown, "sigma"), {**units, "long_name": first.sigma_is})
    layers[f"{name}_quality"] = (("place", dim), np.array([series.quality for series in shown], dtype=object))
    axes = ("latitude", "longitude") if first.geographic else ("y", "x")
    steps = page.cube.dataset[name][first.dim].values if first.dim else np.array([0])
    coords = {
        dim: steps,
        "place": [series.place for series in shown],
        "geometry": ("place", [series.geometry for series in shown]),
        axes[0]: ("place", [series.y for series in shown]),
        axes[1]: ("place", [series.x for series in shown]),
    }
    return xr.Dataset(layers, coords, {"title": page.cube.title, "source": page.cube.origin})


def _rows(shown: list[_series.Series], field: str) -> Any:
    return np.stack([getattr(series, field) for series in shown])


def region_dataset(view: View, area: Any) -> xr.Dataset:
    """Return the cells of a region at a step: the variable with its companions, NaN outside, and the share inside."""
    part = _zones.region_window(view.cube, view.variable, area)
    weight = _zones.weights(part, area)
    names = [view.variable]
    spread, quality = part.cube.spread(view.variable)[0], part.cube.quality(view.variable)
    names += [str(layer.name) for layer in (spread, quality) if layer is not None]
    dims = (part.cube.y, part.cube.x)
    inside = xr.DataArray(weight > 0, dims=dims)
    position = {dim: at for dim, at in view.chosen.items() if dim in part.cube.dataset.dims}
    cut = part.cube.dataset[names].isel({**position, **part.pieces})
    kept = (
        cut.where(inside) if quality is None else cut.where(inside).assign({str(quality.name): cut[quality.name]})
    )  # bits have no NaN: outside they are those of their cells
    unit = "m2" if part.cube.geographic else "square of the unit of x and y"
    kept["area_inside"] = (dims, weight, {"units": unit, "long_name": "area of the cell in the region"})
    kept.attrs = {"title": view.cube.title, "region": area.name, "geometry": area.wkt, "source": view.cube.origin}
    return kept.drop_encoding()
