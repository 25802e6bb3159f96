"""Which data can be downloaded: found by words, product, period and region, with only names and coordinates read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.archive.naming import FileName
from musyq_lab.core.errors import InputError, MusyqError
from musyq_lab.core.period import Period, whole_period
from musyq_lab.dashboards._shelf import Archive, Shelf
from musyq_lab.production.download.place import Grid, on_map
from musyq_lab.production.download.region import Area
from musyq_lab.products._registry import PRODUCTS

ALL = "all products"
"""Stands for no choice of a product."""
SAMPLES = "samples"
"""Stands for the data that ship with MuSyQ Lab."""

_YEARS = re.compile(r"(?<!\d)(19\d\d|20\d\d)(?!\d)")
_SIDE = 33  # points on each side of a map's outline


@dataclass(frozen=True)
class Stock:
    """One data set that can be downloaded."""

    title: str
    """What it is."""
    item: Any
    """An :class:`Archive` or a catalog entry."""

    @property
    def product(self) -> str:
        """Product key, ``samples`` for what ships."""
        return self.item.product if isinstance(self.item, Archive) else SAMPLES

    @property
    def code(self) -> str:
        """The line of Python that opens it."""
        return self.item.code if isinstance(self.item, Archive) else f'data = ml.open_catalog()["{self.item.name}"]'

    @property
    def words(self) -> str:
        """Every text that a search looks at, in lower case."""
        if not isinstance(self.item, Archive):
            return f"{self.title.lower()} {self.item.words()}"
        spec = PRODUCTS.get(self.item.product)
        named = [v for variable in spec.variables for v in (variable.name, variable.long_name)] if spec else []
        texts = [self.title, self.item.product, self.item.edition, self.item.tile, *self.item.periods, *named]
        return re.sub(r"[_\s]+", " ", " ".join(texts)).lower()

    def at(self, period: Period) -> bool:
        """Return whether it has times in a period; what names no times has them at any."""
        if isinstance(self.item, Archive):
            starts = [start for label in self.item.periods if (start := _start(label))]
            return not starts or any(period.start <= start < period.end for start in starts)
        years = [int(year) for year in _YEARS.findall(str(self.item.metadata.get("period", "")))]
        return not years or (min(years) < period.end.year + (period.end.month > 1) and max(years) >= period.start.year)

    def open(self) -> Any:
        """Return it lazily in the form that a download takes."""
        return opened(self.item) if isinstance(self.item, Archive) else self.item

    def dataset(self) -> xr.Dataset:
        """Return it as a lazy Dataset."""
        return opened(self.item) if isinstance(self.item, Archive) else self.item.to_dask()

    def covers(self, area: Area) -> bool:
        """Return whether it has cells in the surroundings of a region; what cannot be opened has none."""
        if isinstance(self.item, Archive) and self.item.tile == "global":
            return True
        try:
            import shapely

            region = area.polygon()
            return any(
                shapely.intersects(shapely.transform(region, lambda p, s=shift: p + np.array([s, 0.0])), _outline(self))
                for shift in (-360.0, 0.0, 360.0)
            )
        except (MusyqError, OSError):
            return False


@lru_cache(maxsize=64)
def opened(archive: Archive) -> xr.Dataset:
    """Return the lazy cube of an archive; archives with the same files share it."""
    return archive.open()


def _start(label: str) -> datetime | None:
    try:
        return FileName("any", "any", "any", label, "v1").start
    except MusyqError:
        return None


def stock(shelf: Shelf) -> dict[str, Stock]:
    """Return all that a shelf has to download: title -> data set, products first."""
    return {title: Stock(title, item) for title, item in shelf.maps().items()}


def search(
    found: Mapping[str, Stock], text: str = "", product: str = ALL, period: str = "", area: Area | None = None
) -> dict[str, Stock]:
    """Return the data sets that match all that is asked.

    Parameters
    ----------
    found : mapping of str to Stock
        Where to look.
    text : str
        Words that must all occur in what a data set says of itself.
    product : str
        Product key, ``samples`` or ``all products``.
    period : str
        As :func:`musyq_lab.core.period.whole_period` takes it, or a part of a label; empty for any.
    area : Area, optional
        Region with which it must overlap.

    Raises
    ------
    InputError
        If the period is none.
    """
    words = text.lower().replace("_", " ").split()
    kept = [s for s in found.values() if product in (ALL, s.product) and all(word in s.words for word in words)]
    if period.strip():
        kept = _at(kept, period.strip())
    return {s.title: s for s in kept if area is None or s.covers(area)}


def _at(found: Iterable[Stock], period: str) -> list[Stock]:
    found = list(found)
    labelled = [s for s in found if isinstance(s.item, Archive) and period in s.item.periods]
    try:
        asked = whole_period(period)
    except InputError:
        if labelled:
            return labelled
        raise
    return [s for s in found if s in labelled or s.at(asked)]


def products(found: Iterable[Stock]) -> dict[str, str]:
    """Return what one can choose among: words for people -> product key."""
    keys = sorted({s.product for s in found} - {SAMPLES})
    named = {PRODUCTS[key].title if key in PRODUCTS else key: key for key in keys}
    return {"All": ALL, **named, "Samples that ship": SAMPLES}


@lru_cache(maxsize=256)
def _outline(one: Stock) -> Any:
    return outline(one.dataset())


def variables(ds: xr.Dataset) -> list[str]:
    """Return the variables one chooses among; uncertainty and quality come along with theirs."""
    names = [str(name) for name in ds.data_vars if ds[name].ndim >= 2]
    follow = {word for name in names for word in str(ds[name].attrs.get("ancillary_variables", "")).split()}
    main = [n for n in names if n not in follow and not n.endswith(("_uncertainty", "_qa", "_standard_deviation"))]
    return main or names


def outline(ds: xr.Dataset) -> Any:
    """Return the outline of a map in longitude and latitude, as a shapely polygon.

    Parameters
    ----------
    ds : xarray.Dataset
        On latitude and longitude, or on y and x with a CRS.

    Raises
    ------
    InputError
        If it is no map.
    """
    import shapely

    ds, grid = on_map(ds)
    y, x = (np.linspace(*_limits(ds, name, step), _SIDE) for name, step in zip(_names(grid), grid.steps, strict=True))
    around_y = np.concatenate([np.full(_SIDE, y[0]), y, np.full(_SIDE, y[-1]), y[::-1]])
    around_x = np.concatenate([x, np.full(_SIDE, x[-1]), x[::-1], np.full(_SIDE, x[0])])
    longitude, latitude = grid.lonlat(around_y, around_x)
    if not grid.wkt:
        return shapely.box(longitude.min(), latitude.min(), longitude.max(), latitude.max())
    return shapely.Polygon(np.column_stack([longitude, latitude])).buffer(0)


def _names(grid: Grid) -> tuple[str, str]:
    return grid.rows, grid.columns


def _limits(ds: xr.Dataset, name: str, step: float) -> tuple[float, float]:
    axis = np.asarray(ds[name].values, float)
    half = step / 2 or 0.5 * (name in ("latitude", "longitude"))
    return float(axis.min()) - half, float(axis.max()) + half
