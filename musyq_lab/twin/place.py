"""Where a simulated world lies, and what is known of it before anything is simulated.

Presets are read from ``catalogs/places.yml``. Any other place on Earth is described by the maps that ship with the
package: MCD12C1 land cover, Koeppen-Geiger zones and MERRA-2 irradiance, and by pvlib's altitude and turbidity.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
import yaml

from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.core.registry import html_table
from musyq_lab.core.resources import resource
from musyq_lab.twin import _earth, _zonal
from musyq_lab.twin.grid import WorldGrid, local_grid

ZERO_CELSIUS = 273.15
_WINDOW = 0.35  # half the edge of the window (deg) a free place takes its cover and relief from
_LEAST_SHARE = 0.004  # smaller classes are left out


@dataclass(frozen=True)
class Climate:
    """Long-term means at the mean elevation of a place."""

    temperature_mean: float
    """Annual mean air temperature (K)."""
    temperature_amplitude: float
    """Half the range of the monthly means (K)."""
    diurnal_amplitude: float
    """Half the mean daily range (K)."""
    humidity_mean: float
    """Relative humidity (1)."""
    cloud_fraction_mean: float
    """Cloud fraction (1)."""
    precipitation: float
    """Annual sum (mm)."""
    aod_mean: float
    """Aerosol optical depth at 550 nm (1)."""


@dataclass(frozen=True)
class Place:
    """A place a world can be made at."""

    key: str
    """Name in :data:`PLACES`, or the coordinates."""
    title: Mapping[str, str]
    """English and Chinese name."""
    kind: str
    """``"local"`` (a square of metric cells), ``"transect"`` or ``"globe"`` (longitude-latitude cells)."""
    longitude: float
    """Centre (deg)."""
    latitude: float
    """Centre (deg)."""
    resolution: float
    """Default edge of a cell: m where local, else deg."""
    size: float = 0.0
    """Default edge of the square (km); 0 unless local."""
    bounds: tuple[float, float, float, float] | None = None
    """West, south, east, north (deg); None where local."""
    elevation: float = 0.0
    """Mean elevation (m)."""
    spread: float = 0.0
    """Standard deviation of the elevation over the default square (m)."""
    field_size: float = 120.0
    """Typical short side of a farm field (m)."""
    cover: Mapping[int, float] = field(default_factory=dict)
    """Share of each IGBP class (17 = water); empty unless local."""
    climate: Climate | None = None
    """Climate; None where every cell has its own."""
    sources: str = ""
    """Where the numbers come from."""

    def __str__(self) -> str:
        """Return the English title."""
        return self.title["en"]


def _from_row(key: str, row: Mapping[str, Any]) -> Place:
    known = {
        name: row[name] for name in ("kind", "resolution", "size", "elevation", "spread", "field_size") if name in row
    }
    common: dict[str, Any] = {
        "key": key,
        "title": MappingProxyType(dict(row["title"])),
        "sources": row["sources"].strip(),
        **known,
    }
    if "bounds" in row:
        west, south, east, north = (float(value) for value in row["bounds"])
        middle = (west + east) / 2, (south + north) / 2
        return Place(**common, longitude=middle[0], latitude=middle[1], bounds=(west, south, east, north))
    numbers = dict(row["climate"]) | {"temperature_mean": row["climate"]["temperature_mean"] + ZERO_CELSIUS}
    shares = MappingProxyType({int(name): float(share) for name, share in row["cover"].items()})
    centre = float(row["longitude"]), float(row["latitude"])
    return Place(**common, longitude=centre[0], latitude=centre[1], cover=shares, climate=Climate(**numbers))


class Places(Mapping[str, Place]):
    """The places that ship, as a mapping that shows as a table."""

    @cached_property
    def _places(self) -> dict[str, Place]:
        rows = yaml.safe_load(resource("catalogs/places.yml").read_text(encoding="utf-8"))["places"]
        return {key: _from_row(key, row) for key, row in rows.items()}

    def __getitem__(self, key: str) -> Place:
        """Return a place."""
        if key in self._places:
            return self._places[key]
        raise NotFoundError(
            f"There is no place {key!r}.{closest(key, self._places)} "
            "Any place on Earth works as (longitude, latitude) in degrees."
        )

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names in the order of the catalog."""
        return iter(self._places)

    def __len__(self) -> int:
        """Count the places."""
        return len(self._places)

    def table(self) -> list[list[str]]:
        """Return header and rows as text."""
        rows = [[p.key, str(p), p.kind, _extent(p), _cell(p), p.sources] for p in self._places.values()]
        return [["place", "title", "kind", "where", "cells", "sources"], *rows]

    def __repr__(self) -> str:
        """Show the names."""
        return f"<{len(self)} places: {', '.join(self)}>"

    def _repr_html_(self) -> str:
        return html_table(self.table(), f"{len(self)} places")


def _extent(place: Place) -> str:
    if place.bounds:
        return "{:g} to {:g} E, {:g} to {:g} N".format(*(place.bounds[i] for i in (0, 2, 1, 3)))
    return f"{place.longitude:g} E, {place.latitude:g} N"


def _cell(place: Place) -> str:
    return f"{place.resolution:g} deg" if place.bounds else f"{place.resolution:g} m, {place.size:g} km across"


PLACES = Places()
"""The places that ship with the package."""


def place(where: str | tuple[float, float] | Place) -> Place:
    """Return a place by name, or describe any point on Earth.

    Parameters
    ----------
    where
        Name in :data:`PLACES`, or longitude and latitude (deg) of a point: its climate and land cover then come from
        the maps that ship, within about 0.35 degrees. A :class:`Place` is returned as it is.

    Raises
    ------
    NotFoundError
        If there is no place of that name.
    InputError
        If the coordinates are none.
    """
    if isinstance(where, Place):
        return where
    if isinstance(where, str):
        return PLACES[where]
    try:
        longitude, latitude = (float(value) for value in where)
    except (TypeError, ValueError):
        raise InputError(f"Place {where!r}: expected a name such as 'huailai', or (longitude, latitude).") from None
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise InputError(f"Place {longitude}, {latitude}: expected -180 to 180 degrees east and -90 to 90 north.")
    return _anywhere(longitude, latitude)


@lru_cache(maxsize=32)
def _anywhere(longitude: float, latitude: float) -> Place:
    lon, lat = _window(longitude, latitude)
    heights = _earth.altitude(lon, lat)
    # the window is some 70 km wide, the default square 15 km: relief grows about as the square root of the distance
    # (profiles with a spectral exponent of 2; Huang & Turcotte 1989, doi 10.1029/JB094iB06p07491)
    spread = float(heights.std()) * math.sqrt(15.36 / (2 * _WINDOW * 111.2))
    shares = _shares(_earth.land_cover(lon, lat))
    elevation = float(heights.mean())
    if shares.get(_earth.WATER, 0.0) == 1.0:
        elevation, spread = float(np.clip(elevation, -430.0, None)), 0.0
    numbers = _zonal.climate_at(np.array([longitude]), np.array([latitude]), np.array([elevation]))
    climate = Climate(**{name: float(value[0]) for name, value in numbers.items()})
    title = (
        f"{abs(longitude):.3f} {'E' if longitude >= 0 else 'W'}, {abs(latitude):.3f} {'N' if latitude >= 0 else 'S'}"
    )
    return Place(
        key=f"{longitude:.3f}_{latitude:.3f}",
        title=MappingProxyType({"en": title, "zh": title}),
        kind="local",
        longitude=longitude,
        latitude=latitude,
        resolution=20.0,
        size=15.36,
        elevation=elevation,
        spread=max(spread, 0.0 if shares.get(_earth.WATER, 0.0) == 1.0 else 5.0),
        cover=MappingProxyType(shares),
        climate=climate,
        sources="MCD12C1 2019, Koeppen-Geiger 1980-2016, MERRA-2 2011-2015, altitude and turbidity of pvlib.",
    )


def _window(longitude: float, latitude: float) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return points around a place, about as far apart as the cells of the land cover map; all round at a pole."""
    steps = np.linspace(-_WINDOW, _WINDOW, 15)
    widening = 1 / max(math.cos(math.radians(latitude)), 0.02)
    lon, lat = np.meshgrid(longitude + steps * min(widening, 180 / _WINDOW), np.clip(latitude + steps, -89.99, 89.99))
    return (lon + 180) % 360 - 180, lat


def _shares(classes: np.ndarray[Any, Any]) -> dict[int, float]:
    count = np.bincount(classes.ravel(), minlength=18) / classes.size
    kept = {number: float(share) for number, share in enumerate(count) if share >= _LEAST_SHARE}
    total = sum(kept.values())
    return {number: share / total for number, share in kept.items()}


def world_grid(where: Place, size: float | None = None, resolution: float | None = None) -> WorldGrid:
    """Return the cells of a world at a place.

    Parameters
    ----------
    where
        The place.
    size
        Edge of the square (km), for local places only.
    resolution
        Edge of a cell: m where the place is local, else deg.

    Raises
    ------
    InputError
        If a size is given for a strip or the globe, or the cells do not fill its bounds.
    """
    edge = float(where.resolution if resolution is None else resolution)
    if where.bounds is None:
        return local_grid(where.longitude, where.latitude, float(where.size if size is None else size), edge)
    if size is not None:
        raise InputError(f"Place {where.key!r} is a {where.kind} with fixed bounds. Leave size out, or name a station.")
    west, south, east, north = where.bounds
    columns, rows = (round(extent / edge) if edge > 0 else 0 for extent in (east - west, north - south))
    if min(columns, rows) < 8 or max(abs(columns * edge - east + west), abs(rows * edge - north + south)) > 1e-6:
        raise InputError(
            f"Place {where.key!r}: cells of {edge:g} deg do not fill {east - west:g} x {north - south:g} deg. "
            f"Its own resolution is {where.resolution:g} deg."
        )
    return WorldGrid("EPSG:4326", edge, west, north, columns, rows)
