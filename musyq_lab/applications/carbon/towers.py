"""Production beside flux towers: real records where the files are at hand, the truth at towers' places otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from musyq_lab.applications.carbon.constants import constant, entry
from musyq_lab.applications.carbon.fluxes import step_fluxes
from musyq_lab.applications.carbon.steps import monthly, with_days
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError
from musyq_lab.core.resources import resource

COLUMNS = (
    *("site", "latitude", "longitude", "land_cover", "method", "step", "count", "r", "rmse", "bias"),
    *("ours_mean", "tower_mean", "source"),
)
"""Columns of the comparison; fluxes in g C m-2 d-1."""
_LEAST = 12  # pairs, fewer say nothing about a season
_WHOLE_MONTH = 25.0  # days with a measurement that stand for a month
# Column of the record -> input, unit of ours, factor and offset that make it.
_RECORD: Mapping[str, tuple[str, str, float, float]] = {
    "fapar": ("fpar", "1", 1.0, 0.0),
    "ppfd": ("photon_flux", "umol m-2 s-1", 1e6, 0.0),
    "temp": ("air_temperature", "K", 1.0, 273.15),
    "tmin": ("air_temperature_min", "K", 1.0, 273.15),
    "vpd": ("vapour_pressure_deficit", "Pa", 1.0, 0.0),
    "patm": ("surface_pressure", "Pa", 1.0, 0.0),
    "co2": ("carbon_dioxide", "1e-6", 1.0, 0.0),
    "rain": ("precipitation", "mm d-1", 86400.0, 0.0),
}


def site_record(site: str, data_root: Path | str | None) -> xr.Dataset:
    """Return the daily record of a tower: weather, FPAR seen from space, and its gross primary production.

    Parameters
    ----------
    site : str
        Row of ``sites`` in ``catalogs/carbon.yml``.
    data_root : Path or str
        Folder that holds the files which that row names.

    Returns
    -------
    Dataset, dims (time, latitude, longitude), one place
        Inputs of the products by name, ``lai`` from FPAR by Beer's law, ``land_cover``, ``tower_gpp`` and
        ``tower_gpp_uncertainty`` (g m-2 d-1); ``attrs`` hold ``site``, ``title`` and ``source``.

    Raises
    ------
    InputError
        If no folder is given.
    NotFoundError
        If there is no such site or the files are not there.
    ArchiveError
        If a file is not what it should be.
    """
    row = entry("sites", site)
    if not data_root:
        raise InputError(
            f"The record of {site!r} is not part of the package. Give data_root=, the folder that holds it."
        )
    weather, tower, place = (_table(Path(data_root) / row["files"][key], site) for key in ("drivers", "tower", "place"))
    both = _by_date(weather, tower)
    layers = {ours: (_numbers(both, theirs) * factor + offset, units)
              for theirs, (ours, units, factor, offset) in _RECORD.items()}  # fmt: skip
    fpar = np.clip(layers["fpar"][0], 0.0, 0.95)
    layers["lai"] = (-np.log(1.0 - fpar) / constant("extinction").value, "1")
    layers["tower_gpp"] = (_numbers(both, "gpp"), "g m-2 d-1")
    layers["tower_gpp_uncertainty"] = (_numbers(both, "gpp_unc"), "g m-2 d-1")
    dims = ("time", "latitude", "longitude")
    record = xr.Dataset(
        {name: (dims, values[:, None, None], {"units": units}) for name, (values, units) in layers.items()},
        coords={
            "time": both["date"].to_numpy(),
            "latitude": _numbers(place, "lat")[:1],
            "longitude": _numbers(place, "lon")[:1],
        },
        attrs={"site": row["code"], "title": row["name"], "source": row["source"]},
    )
    return record.assign(land_cover=(dims[1:], [[float(row["land_cover"])]], {"units": "1"}))


def _table(path: Path, site: str) -> pd.DataFrame:
    if not path.is_file():
        raise NotFoundError(
            f"The record of {site!r} needs the file {path.parent.name}/{path.name}, which is not in the folder given. "
            "Give data_root= the folder that holds it."
        )
    try:
        return pd.read_csv(path)
    except (ValueError, UnicodeDecodeError) as error:
        raise ArchiveError(f"{path.name} is no table of comma-separated values: {error}. Fetch it again.") from error


def _by_date(weather: pd.DataFrame, tower: pd.DataFrame) -> pd.DataFrame:
    """Return the weather with what the tower measured on the same day."""
    dated = []
    for name, data in (("drivers", weather), ("tower", tower)):
        dates = pd.to_datetime(_column(data, "date"), format="ISO8601", errors="coerce")
        if dates.isna().any() or dates.duplicated().any():
            row = int(np.argmax(dates.isna() | dates.duplicated()))
            raise ArchiveError(
                f"Dates of the record ({name}) must be days, each once; row {row + 1} has {data['date'].iloc[row]!r}. "
                "Fetch it again."
            )
        dated.append(data.assign(date=dates))
    return dated[0].merge(dated[1], on="date", how="left").sort_values("date", ignore_index=True)


def _column(data: pd.DataFrame, column: str) -> pd.Series:
    if column not in data or data.empty:
        have = ", ".join(map(str, data.columns))
        lacks = f"has no column {column!r}" if column not in data else "has no rows"
        raise ArchiveError(f"The record of the tower {lacks}. Its columns are {have}. Fetch it again.")
    return data[column]


def _numbers(data: pd.DataFrame, column: str) -> Any:
    return pd.to_numeric(_column(data, column), errors="coerce").to_numpy(float)


def site_comparison(record: xr.Dataset, methods: tuple[str, ...] = ("mod17", "pmodel")) -> pd.DataFrame:
    """Return the scores of our production at a tower, day by day and month by month.

    Parameters
    ----------
    record : Dataset
        Result of :func:`site_record`.
    methods : tuple of str
        Methods of the job.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`.
    """
    rows = []
    for method in methods:
        days = with_days(_production(record, method))
        cover = float(record["land_cover"].values.ravel()[0])
        where = {"site": record.attrs["site"], "latitude": float(record["latitude"][0]),
                 "longitude": float(record["longitude"][0]), "land_cover": cover, "method": method,
                 "source": record.attrs["source"]}  # fmt: skip
        months = _whole_months(days)
        rows.append({**where, "step": "day", **_scores(days["ours"], days["tower"])})
        rows.append({**where, "step": "month", **_scores(months["ours"], months["tower"])})
    return pd.DataFrame([row for row in rows if row["count"] >= _LEAST], columns=list(COLUMNS))


def _production(record: xr.Dataset, method: str) -> xr.Dataset:
    made = step_fluxes(record.drop_vars(["tower_gpp", "tower_gpp_uncertainty"]), method=method)
    return xr.Dataset({"ours": made["gpp"], "tower": record["tower_gpp"]})


def site_series(record: xr.Dataset, methods: tuple[str, ...] = ("mod17", "pmodel")) -> pd.DataFrame:
    """Return the mean of each calendar month at a tower, ours by each method and the tower's.

    Months with fewer than 25 days of measurements are left out.

    Returns
    -------
    DataFrame
        ``date``, ``tower``, one column a method (g C m-2 d-1).
    """
    out: dict[str, Any] = {}
    for method in methods:
        months = _whole_months(with_days(_production(record, method)))
        ours, tower = (months[name].values.ravel() for name in ("ours", "tower"))
        out = {"date": months["time"].values, "tower": tower, **out, method: ours}
    return pd.DataFrame(out).dropna().reset_index(drop=True)


def _whole_months(days: xr.Dataset) -> xr.Dataset:
    """Return means of the calendar months of which at least 25 days have a measurement, over those days."""
    known = days["tower"].notnull() & days["ours"].notnull()
    months = monthly(days.where(known))
    number = monthly(xr.Dataset({"share": known.astype(float)}))
    return months.where(number["share"] * number["days"] >= _WHOLE_MONTH)


def _scores(ours: xr.DataArray, tower: xr.DataArray) -> dict[str, float]:
    ours_values, values = (np.asarray(field, float).ravel() for field in (ours, tower))
    known = np.isfinite(ours_values) & np.isfinite(values)
    count = int(known.sum())
    if count < 2:
        return {"count": count}
    made, seen = ours_values[known], values[known]
    varies = made.std() > 0 and seen.std() > 0
    return {
        "count": count,
        "r": float(np.corrcoef(made, seen)[0, 1]) if varies else np.nan,
        "rmse": float(np.sqrt(np.mean((made - seen) ** 2))),
        "bias": float(np.mean(made - seen)),
        "ours_mean": float(made.mean()),
        "tower_mean": float(seen.mean()),
    }


def tower_pairs(months: xr.Dataset, truth: xr.Dataset, *, most: int = 60) -> pd.DataFrame:
    """Return our production and the truth of the simulated Earth, month by month, at the places of real towers.

    Parameters
    ----------
    months : Dataset
        Result of :func:`~musyq_lab.applications.carbon.fluxes.monthly_fluxes`, dims (time, latitude, longitude).
    truth : Dataset
        ``gpp`` of the simulated Earth at the same months, g m-2 d-1.
    most : int
        Towers, one a cell; of the 115 sites that ship those that lie on cells with values, by name. Where none does,
        the cell with values nearest to the middle of the grid stands for one, ``middle``.

    Returns
    -------
    DataFrame
        ``site``, ``latitude``, ``longitude``, ``land_cover``, ``date``, ``ours``, ``tower`` (g C m-2 d-1).
    """
    if months["gpp"].shape != truth["gpp"].shape:
        raise InputError(
            f"Ours has the shape {months['gpp'].shape}, the truth {truth['gpp'].shape}. Give one grid and months."
        )
    number = (months["gpp"].notnull() & truth["gpp"].notnull()).sum("time").transpose("latitude", "longitude").values
    places = _tower_cells(months, number)[:most] or _middle(months, number)
    tables = []
    for site, row, column in places:
        cell = {"latitude": row, "longitude": column}
        cover = months.get("land_cover")
        tables.append(
            pd.DataFrame(
                {
                    "site": site,
                    "latitude": float(months["latitude"][row]),
                    "longitude": float(months["longitude"][column]),
                    "land_cover": np.nan if cover is None else float(cover.isel(cell)),
                    "date": months["time"].values,
                    "ours": months["gpp"].isel(cell).values,
                    "tower": truth["gpp"].isel(cell).values,
                }
            )
        )
    names = ["site", "latitude", "longitude", "land_cover", "date", "ours", "tower"]
    return pd.concat(tables, ignore_index=True).dropna() if tables else pd.DataFrame(columns=names)


def _tower_cells(months: xr.Dataset, number: Any) -> list[tuple[str, int, int]]:
    sites = pd.read_csv(resource("catalogs/samples/towers.csv")).sort_values("site")
    found: dict[tuple[int, int], str] = {}
    for site in sites.to_dict("records"):
        cell = _cell(months, float(site["latitude"]), float(site["longitude"]))
        if cell is not None and number[cell] >= _LEAST:
            found.setdefault(cell, str(site["site"]))
    return [(name, *cell) for cell, name in found.items()]


def _middle(months: xr.Dataset, number: Any) -> list[tuple[str, int, int]]:
    rows, columns = np.nonzero(number >= 1)
    if not rows.size:
        return []
    nearest = np.argmin((rows - number.shape[0] / 2) ** 2 + (columns - number.shape[1] / 2) ** 2)
    return [("middle", int(rows[nearest]), int(columns[nearest]))]


def simulated_towers(pairs: pd.DataFrame, *, method: str = "mod17") -> pd.DataFrame:
    """Return the scores of our monthly production at each place.

    Parameters
    ----------
    pairs : DataFrame
        Result of :func:`tower_pairs`.
    method : str
        Written into the table.

    Returns
    -------
    DataFrame
        :data:`COLUMNS`.
    """
    rows = []
    for site, pair in pairs.groupby("site", sort=False):
        where = {key: float(pair[key].iloc[0]) for key in ("latitude", "longitude", "land_cover")}
        scores = _scores(xr.DataArray(pair["ours"].to_numpy()), xr.DataArray(pair["tower"].to_numpy()))
        rows.append({"site": site, **where, "method": method, "step": "month", **scores,
                     "source": "truth of the simulated Earth at the tower's place"})  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def mean_year(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs averaged over the years, one row a site and calendar month."""
    kept = pairs.assign(month=pd.DatetimeIndex(pairs["date"]).month)
    return kept.groupby(["site", "land_cover", "month"], as_index=False, sort=True)[["ours", "tower"]].mean()


def _cell(fields: xr.Dataset, latitude: float, longitude: float) -> tuple[int, int] | None:
    """Return row and column of the cell around a place, None off the grid."""
    found = []
    for axis, place, turn in (("latitude", latitude, 0.0), ("longitude", longitude, 360.0)):
        centres = fields[axis].values.astype(float)
        apart = np.abs(centres - place)
        apart = np.minimum(apart, np.abs(turn - apart)) if turn else apart
        half = abs(float(centres[1] - centres[0])) / 2 if centres.size > 1 else 0.5
        if not apart.min() <= half + 1e-9:  # off the grid, or a place that is not known
            return None
        found.append(int(apart.argmin()))
    return found[0], found[1]


def cover_group(land_cover: float) -> str:
    """Return the group of a class of the IGBP legend: ``forest``, ``shrubs``, ``grass``, ``crops``, ``other``."""
    groups = {"forest": range(1, 6), "shrubs": range(6, 10), "grass": (10, 11), "crops": (12, 14)}
    return next((name for name, classes in groups.items() if land_cover in classes), "other")
