"""Where the fields come from: the simulated Earth, or a folder of products; on a longitude-latitude grid in the end."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.analysis.regions import Region, resolve_region
from musyq_lab.applications.carbon.grids import FEWEST_CELLS, geographic
from musyq_lab.applications.carbon.steps import DAYS, with_days
from musyq_lab.archive.naming import FileName, parse
from musyq_lab.archive.open import open_product
from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.period import whole_period
from musyq_lab.core.registry import html_table
from musyq_lab.production.folders import product_files, recorded_digest

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
SIMULATED_YEARS = "2009-2016"
"""Years of a simulated Earth where none are asked for."""
_SPAN = re.compile(r"(\d{4})\s*-\s*(\d{4})", re.ASCII)


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
    title: Mapping[str, str] | None = None
    """Name of the place by language, where it has one."""

    @property
    def simulated(self) -> bool:
        """Whether the Earth is a simulated one, whose truth is known."""
        return self.truth is not None

    @property
    def whole(self) -> Region:
        """The place that the grid covers: the globe, or a box."""
        latitude, longitude = (np.sort(self.fields[axis].values) for axis in ("latitude", "longitude"))
        if min(latitude.size, longitude.size) < FEWEST_CELLS:
            raise InputError(
                f"The grid has {latitude.size} x {longitude.size} cells, which do not tell how large a cell is. "
                f"Give {FEWEST_CELLS} x {FEWEST_CELLS} cells or more."
            )
        if np.ptp(longitude) > 340 and np.ptp(latitude) > 120:
            return resolve_region("globe")
        half = (abs(latitude[1] - latitude[0]) / 2, abs(longitude[1] - longitude[0]) / 2)
        edges = (longitude[0] - half[1], latitude[0] - half[0], longitude[-1] + half[1], latitude[-1] + half[0])
        box = resolve_region(",".join(f"{edge:.4f}" for edge in edges))
        return replace(box, name=self.title["en"], name_zh=self.title["zh"]) if self.title else box

    @property
    def about(self) -> dict[str, Any]:
        """What a report says of the data: edition, attribution, whether simulated, box or "globe", names and files."""
        place = self.whole
        box = "globe" if place.key == "globe" else ",".join(map(str, place.box or ()))
        return {"edition": self.edition, "attribution": self.attribution, "simulated": self.simulated, "box": box,
                "name": place.name, "name_zh": place.name_zh, "files": [list(pair) for pair in self.files]}  # fmt: skip

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
            years += _from_to(int(match[1]), int(match[2]), text)
        elif re.fullmatch(r"\d{4}", part, re.ASCII):
            years.append(int(part))
        else:
            raise InputError(f"years={text!r} names no years. Give them as 2009-2020 or 2013,2014.")
    if not years or len(set(years)) < len(years):
        raise InputError(
            f"years={text!r} names {'a year twice' if years else 'no years'}. Give 2009-2020 or 2013,2014."
        )
    return tuple(sorted(years))


def _from_to(first: int, last: int, text: str | Sequence[int]) -> range:
    if last < first:
        raise InputError(f"years={text!r} has {first}-{last}, which names no years. Give the earlier year first.")
    return range(first, last + 1)


def years_of(years: str | None, year: int | None) -> str | None:
    """Return the years that are asked for in words or as one number; None for the default.

    Raises
    ------
    InputError
        If both are given.
    """
    if years and year is not None:
        raise InputError(f"years={years!r} and year={year} are both given. Give one of the two.")
    return years if year is None else str(year)


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
    title = dict(made.world.place.title)
    words = f"MuSyQ Lab, simulated Earth ({title['en'].split(',')[0]}, seed {seed})"
    return CarbonData(fields, edition.replace(".", "p"), words, truth, annual, trend, title=title)


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
        truth = geographic(_at_times(_timed(real), fields["time"]).compute())
    annual = None if truth is None else year_sums(truth)
    first = opened[used[0]].attrs
    files = tuple(
        sorted((path.name, recorded_digest(path)) for key in used for path in _names(found[key], key, edition))
    )
    return CarbonData(geographic(fields.compute()), str(first.get("edition", edition or "")),
                      f"products of {root.name}", truth, annual, files=files)  # fmt: skip


def year_sums(steps: xr.Dataset) -> xr.Dataset:
    """Return the sums over the covered days of each year of fluxes along ``time`` (g m-2 d-1), dims (year, ...)."""
    timed = with_days(steps)
    return (timed * timed[DAYS]).groupby("time.year").sum("time", min_count=1).drop_vars(DAYS, errors="ignore")


def _at_times(truth: xr.Dataset, time: xr.DataArray) -> xr.Dataset:
    lacking = np.setdiff1d(time.values, truth["time"].values)
    if lacking.size:
        raise NotFoundError(
            f"The folder holds a truth (truth_carbon) that lacks {lacking.size} of {time.size} dates of the products, "
            f"the first of them {np.datetime_as_string(lacking[0], 'D')}. Complete the folder, or take the truth out."
        )
    return truth.sel(time=time)


def _found(root: Path, edition: str | None) -> dict[str, Path]:
    """Return the folder of each product, the first by name where it lies in several."""
    if not root.is_dir():
        raise NotFoundError(f"There is no folder {root}. `musyq simulate` and `musyq produce` make such folders.")
    folders: dict[str, Path] = {}
    for path in product_files(root):
        name = parse(path.name)
        if name is not None and (edition is None or name.edition == edition):
            folders.setdefault(name.product, path.parent)
    return folders


def _names(folder: Path, key: str, edition: str | None) -> list[Path]:
    names = ((path, parse(path.name)) for path in folder.glob("MuSyQ.*.h5"))
    return [p for p, n in names if n is not None and n.product == key and edition in (None, n.edition)]


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


def load(
    source: str,
    years: str | Sequence[int] | None = None,
    *,
    products: str | None = None,
    edition: str | None = None,
    seed: int = 0,
) -> CarbonData:
    """Return the fields of a source by its name.

    Parameters
    ----------
    source : {"simulated_globe", "simulated_heihe", "products"}
        Where they come from.
    years : str or sequence of int, optional
        As :func:`parse_years` understands them; by default all of products, :data:`SIMULATED_YEARS` of a simulation.
    products : str, optional
        Folder of the products.
    edition : str, optional
        Grid of the products.
    seed : int
        Of the simulated Earth.

    Raises
    ------
    InputError
        If the source is unknown, or the folder is not given.
    """
    if source in ("simulated_globe", "simulated_heihe"):
        return simulated(source.removeprefix("simulated_"), parse_years(years or SIMULATED_YEARS), seed=seed)
    if source != "products":
        raise InputError(f"source={source!r} is none of simulated_globe, simulated_heihe, products.")
    if not products:
        raise InputError("source='products' needs the folder of the products: products=/path/of/the/folder.")
    return from_products(products, parse_years(years) if years else None, edition=edition)


def place_of(about: Mapping[str, Any], region: str | None = None) -> Region:
    """Return the place of a report: what was asked for, or all that the data cover, by its name.

    Parameters
    ----------
    about : mapping
        Of :attr:`CarbonData.about`.
    region : str, optional
        Region, country or box.
    """
    if region:
        return resolve_region(region)
    box = resolve_region(str(about["box"]))
    return box if box.key == "globe" else replace(box, name=about["name"], name_zh=about["name_zh"])
