"""Where the fields come from: the simulated Earth, or a folder of products; on a longitude-latitude grid in the end."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.analysis.regions import Region, resolve_region
from musyq_lab.applications.carbon.steps import DAYS
from musyq_lab.archive.naming import FileName, parse
from musyq_lab.archive.open import open_product
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.period import whole_period
from musyq_lab.core.registry import html_table

DRIVERS = (
    *("lai", "fpar", "downward_par", "air_temperature", "air_temperature_min", "air_temperature_day"),
    *("vapour_pressure_deficit", "precipitation", "surface_pressure", "carbon_dioxide", "evaporation_ratio"),
    "clear_sky_index",
)
"""Inputs along time that the methods may need, by the names of the nomenclature."""
# Product in a folder -> its layers that are taken, and the names of the inputs they are.
_FROM: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "gpp": {"gpp": "gpp"},
        "npp": {"npp": "npp", "maintenance_respiration": "maintenance_respiration"},
        "lai": {"lai": "lai"},
        "fpar": {"fpar": "fpar"},
        "par": {"par": "downward_par"},
        "sim_weather": {name: name for name in DRIVERS},
    }
)
_STATIC: Mapping[str, str] = MappingProxyType({"sim_cover": "land_cover", "land_cover": "land_cover"})
_TRUTH = ("gpp", "npp")
_SPAN = re.compile(r"(\d{4})\s*-\s*(\d{4})", re.ASCII)
_FEWEST_CELLS = 2


@dataclass(frozen=True, eq=False)
class CarbonData:
    """Fields to make carbon fluxes of."""

    fields: xr.Dataset
    """Inputs by name, dims (time, latitude, longitude), with ``<name>_uncertainty``; ``land_cover`` without time."""
    edition: str
    """Grid in a word: ``2deg``, ``120m``."""
    attribution: str
    """Whose data they are."""
    truth: xr.Dataset | None = None
    """``gpp`` and ``npp`` (g m-2 d-1) of a simulated Earth at the same times and places."""
    annual_truth: xr.Dataset | None = None
    """Sums of the years (g m-2 a-1), dims (year, latitude, longitude)."""
    trend_truth: xr.Dataset | None = None
    """Growth of ``npp`` by greening alone (g m-2 a-2), dims (latitude, longitude)."""
    files: tuple[tuple[str, str], ...] = ()
    """Product files read, with their sha256."""

    @property
    def simulated(self) -> bool:
        """Whether the Earth is a simulated one, whose truth is known."""
        return self.truth is not None

    @property
    def whole(self) -> Region:
        """The place that the grid covers: the globe, or a box."""
        latitude, longitude = (np.sort(self.fields[axis].values) for axis in ("latitude", "longitude"))
        if np.ptp(longitude) > 340 and np.ptp(latitude) > 120:
            return resolve_region("globe")
        half = (abs(latitude[1] - latitude[0]) / 2, abs(longitude[1] - longitude[0]) / 2)
        edges = (longitude[0] - half[1], latitude[0] - half[0], longitude[-1] + half[1], latitude[-1] + half[0])
        return resolve_region(",".join(f"{edge:.4f}" for edge in edges))

    def _repr_html_(self) -> str:
        sizes = " x ".join(str(self.fields.sizes[dim]) for dim in ("time", "latitude", "longitude"))
        rows = [["layer", "units"], *([str(n), str(f.attrs.get("units", ""))] for n, f in self.fields.data_vars.items()
                                      if not str(n).endswith("_uncertainty"))]  # fmt: skip
        known = ", truth beside it" if self.simulated else ""
        return html_table(rows, f"{self.edition}, {sizes}{known}: {self.attribution}")


def parse_years(text: str | Sequence[int]) -> tuple[int, ...]:
    """Return years of a text such as ``"2009-2020"`` or ``"2013,2014"``.

    Raises
    ------
    InputError
        If it names none, or one twice.
    """
    parts = [part.strip() for part in text.split(",")] if isinstance(text, str) else [str(year) for year in text]
    years: list[int] = []
    for part in parts:
        if match := _SPAN.fullmatch(part):
            years += range(int(match[1]), int(match[2]) + 1)
        elif re.fullmatch(r"\d{4}", part, re.ASCII):
            years.append(int(part))
        else:
            raise InputError(f"years={text!r} names no years. Give them as 2009-2020 or 2013,2014.")
    if not years or len(set(years)) < len(years):
        raise InputError(
            f"years={text!r} names {'a year twice' if years else 'no years'}. Give 2009-2020 or 2013,2014."
        )
    return tuple(sorted(years))


def simulated(
    place: str, years: Sequence[int], *, seed: int = 0, error_seed: int | None = None, **options: Any
) -> CarbonData:
    """Return years of the simulated Earth as a user has them from products, the truth beside them.

    Parameters
    ----------
    place : str
        ``"globe"``, or a preset around a station such as ``"heihe"``.
    years : sequence of int
        Calendar years.
    seed, error_seed : int
        Of the Earth, and of the errors of its fields.
    **options
        Further arguments of :func:`musyq_lab.twin.years.carbon_years`.
    """
    from musyq_lab.twin.years import carbon_years

    made = carbon_years(place, tuple(years), seed=seed, error_seed=error_seed, **options)
    annual, trend = made.annual, made.trend
    fields, truth, annual, trend = (geographic(part.compute()) for part in (made.fields, made.truth, annual, trend))
    size = made.world.grid.resolution
    edition = f"{size:g}deg" if made.world.grid.geographic else f"{size:g}m"
    return CarbonData(
        fields, edition.replace(".", "p"), f"MuSyQ Lab, simulated Earth ({place}, seed {seed})", truth, annual, trend
    )


def from_products(folder: Path | str, years: Sequence[int] | None = None, *, edition: str | None = None) -> CarbonData:
    """Return the fields of a folder of product files, of the years that are asked for.

    ``gpp`` and ``npp`` are taken as they are; where they are not there, they can be made from ``lai``, ``fpar``,
    ``par``, weather and land cover. A folder as ``musyq simulate`` leaves it has its truth taken too.

    Parameters
    ----------
    folder : Path or str
        Searched with all folders in it.
    years : sequence of int, optional
        Years to keep; all by default.
    edition : str, optional
        Grid, needed where a product is there in several.

    Raises
    ------
    NotFoundError
        If there is no such folder, no product of use in it, or no date in these years.
    InputError
        If the products are on different grids, or in several editions.
    """
    root = Path(folder).expanduser()
    found = _found(root, edition)
    used = [key for key in (*_FROM, *_STATIC) if key in found]
    if not any(key in found for key in _FROM):
        have = ", ".join(sorted(found)) or "none"
        raise NotFoundError(f"{root} holds no products to make carbon fluxes of; of those there are: {have}. "
                            f"Needed are some of {', '.join(_FROM)}.")  # fmt: skip
    opened = {key: open_product(found[key], key, edition=edition) for key in used}
    fields = _merged({key: _renamed(key, ds) for key, ds in opened.items()})
    fields = _of_years(fields, years)
    truth = None
    if "truth_carbon" in found:
        real = open_product(found["truth_carbon"], "truth_carbon", edition=edition)[list(_TRUTH)]
        truth = geographic(_timed(real).sel(time=fields["time"]).compute())
    first = opened[used[0]].attrs
    files = tuple(sorted(_digest(path) for key in used for path in _names(found[key], key, edition)))
    return CarbonData(geographic(fields.compute()), str(first.get("edition", edition or "")),
                      f"products of {root.name}", truth, files=files)  # fmt: skip


def _found(root: Path, edition: str | None) -> dict[str, Path]:
    """Return the folder of each product, the first by name where it lies in several."""
    if not root.is_dir():
        raise NotFoundError(f"There is no folder {root}. `musyq simulate` and `musyq produce` make such folders.")
    folders: dict[str, Path] = {}
    for path in sorted(root.rglob("MuSyQ.*.h5")):
        name = parse(path.name)
        if name is not None and (edition is None or name.edition == edition):
            folders.setdefault(name.product, path.parent)
    return folders


def _names(folder: Path, key: str, edition: str | None) -> list[Path]:
    names = ((path, parse(path.name)) for path in folder.glob("MuSyQ.*.h5"))
    return [p for p, n in names if n is not None and n.product == key and edition in (None, n.edition)]


def _digest(path: Path) -> tuple[str, str]:
    side = path.with_name(f"{path.name}.sha256")
    return path.name, side.read_text(encoding="utf-8").split()[0] if side.is_file() else ""


def _renamed(key: str, ds: xr.Dataset) -> xr.Dataset:
    """Return the layers of a product that are inputs, by the names of the inputs, with their uncertainties."""
    if key in _STATIC:
        cover = ds[_STATIC[key]]
        first = cover.dims[0] if cover.ndim > 2 else None
        return xr.Dataset({"land_cover": cover.isel({first: -1}, drop=True) if first else cover})
    names = {}
    for theirs, ours in _FROM[key].items():
        for ending in ("", "_uncertainty"):
            if f"{theirs}{ending}" in ds:
                names[f"{theirs}{ending}"] = f"{ours}{ending}"
    return _timed(ds[list(names)].rename(names))


def _timed(ds: xr.Dataset) -> xr.Dataset:
    """Return a Dataset along time with the length of each step; one period alone has its own label to tell."""
    if "time" in ds.dims:
        return ds
    label = str(ds.attrs.get("period", ""))
    start = FileName("any", "any", "any", label or "none", "v1").start
    if start is None:
        raise InputError(f"A product of the period {label!r} names no instant, so it cannot be part of a series.")
    return ds.expand_dims(time=[np.datetime64(start, "ns")]).assign_coords({DAYS: ("time", [_length(label)])})


def _length(label: str) -> float:
    """Return the days of a lone period by the form of its label; a day of the year is taken for five days."""
    if re.fullmatch(r"\d{4}(-\d{2})?", label):
        span = whole_period(label)
        return (span.end - span.start).days * 1.0
    return 5.0


def _merged(parts: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Merge products of one grid; dates that all of them have are kept."""
    try:
        plain = [part.drop_vars("period", errors="ignore") for part in parts.values()]
        spaced = [part.drop_dims("time", errors="ignore") if "time" not in part.dims else part for part in plain]
        times = [part["time"].values for part in spaced if "time" in part.dims]
        common = sorted(set.intersection(*(set(values.tolist()) for values in times)))
        timed = [part.sel(time=np.array(common, times[0].dtype)) if "time" in part.dims else part for part in spaced]
        return xr.merge(timed, join="exact", compat="override", combine_attrs="drop_conflicts")
    except ValueError as error:
        raise InputError(
            f"The products {', '.join(parts)} are not on one grid: {error}. Give edition= or a folder of one edition."
        ) from error


def _of_years(fields: xr.Dataset, years: Sequence[int] | None) -> xr.Dataset:
    have = sorted({int(year) for year in fields["time"].dt.year.values})
    if not have:
        raise NotFoundError("The products have no date in common, so no fluxes can be made of them.")
    if years is None:
        return fields
    if not set(years) & set(have):
        raise NotFoundError(f"The products cover {', '.join(map(str, have))}, none of the years {list(years)}.")
    return fields.sel(time=np.isin(fields["time"].dt.year.values, list(years)))


def geographic(ds: xr.Dataset) -> xr.Dataset:
    """Return fields of a metric grid (y, x) on longitude and latitude, each cell that of the nearest centre.

    Cells keep about their size, so that the area of each class stays to about one cell in the edge of the grid; values
    are not averaged. A grid of longitude and latitude is returned as it is, north up.

    Raises
    ------
    InputError
        If the grid is neither, or does not say its coordinate reference system.
    """
    if {"latitude", "longitude"} <= set(ds.dims):
        return ds.sortby("latitude", ascending=False) if ds["latitude"][0] < ds["latitude"][-1] else ds
    mapping = next((str(name) for name, field in ds.coords.items() if "crs_wkt" in field.attrs), "")
    if not {"y", "x"} <= set(ds.dims) or not mapping:
        raise InputError(f"The fields have the dims {tuple(map(str, ds.dims))}; latitude and longitude are needed, or "
                         "y, x and the grid mapping (crs_wkt) as a coordinate.")  # fmt: skip
    import pyproj

    crs = pyproj.CRS(ds[mapping].attrs["crs_wkt"])
    to_plane = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    latitude, longitude = _axes(ds, to_plane)
    x, y = to_plane.transform(*np.meshgrid(longitude, latitude))
    index = {axis: _nearest(ds[axis].values, place) for axis, place in (("y", y), ("x", x))}
    inside = xr.DataArray((index["y"] >= 0) & (index["x"] >= 0), dims=("latitude", "longitude"))
    picked = ds.drop_vars([mapping, "y", "x"]).isel(
        {axis: xr.DataArray(np.maximum(number, 0), dims=("latitude", "longitude")) for axis, number in index.items()}
    )
    kept = {name: field.where(inside) if field.dims[-1:] == ("longitude",) else field for name, field in picked.items()}
    out = xr.Dataset(kept, attrs=ds.attrs).assign_coords(latitude=latitude, longitude=longitude)
    out["latitude"].attrs, out["longitude"].attrs = {"units": "degrees_north"}, {"units": "degrees_east"}
    return out


def _axes(ds: xr.Dataset, to_plane: Any) -> tuple[Any, Any]:
    """Return latitudes and longitudes that cover the inside of a metric grid with cells of about its size."""
    x, y = ds["x"].values.astype(float), ds["y"].values.astype(float)
    if min(x.size, y.size) < _FEWEST_CELLS:
        raise InputError(
            f"The grid has {y.size} x {x.size} cells; at least {_FEWEST_CELLS} x {_FEWEST_CELLS} are needed."
        )
    half = abs(x[1] - x[0]) / 2
    rim_x, rim_y = np.linspace(x.min() - half, x.max() + half, 33), np.linspace(y.min() - half, y.max() + half, 33)
    inverse = {"direction": "INVERSE"}
    west = max(to_plane.transform(np.full(33, rim_x[0]), rim_y, **inverse)[0])
    east = min(to_plane.transform(np.full(33, rim_x[-1]), rim_y, **inverse)[0])
    south = max(to_plane.transform(rim_x, np.full(33, rim_y[0]), **inverse)[1])
    north = min(to_plane.transform(rim_x, np.full(33, rim_y[-1]), **inverse)[1])
    rows, columns = y.size, x.size
    latitude = north - (np.arange(rows) + 0.5) * (north - south) / rows
    longitude = west + (np.arange(columns) + 0.5) * (east - west) / columns
    return latitude, longitude


def _nearest(centres: Any, places: Any) -> Any:
    """Return the number of the cell around each place along one axis, -1 outside."""
    step = (centres[-1] - centres[0]) / (centres.size - 1)
    number = np.floor((places - centres[0]) / step + 0.5).astype(np.int64)
    return np.where((number >= 0) & (number < centres.size), number, -1)
