"""Our numbers beside others': three stations, MuSyQ's own figures, the Joule 2019 study, the Global Solar Atlas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from musyq_lab.analysis.area import cell_area
from musyq_lab.analysis.regions import resolve_region
from musyq_lab.analysis.zonal import region_mask
from musyq_lab.applications.solar.constants import DAYS_OF_YEAR, table
from musyq_lab.applications.solar.irradiance import ghi_climatology
from musyq_lab.applications.solar.potential import KWH_PER_MJ, annual_sum
from musyq_lab.applications.solar.tables import region_table

_STATIONS = (("703165TY.csv", "tmy3"), ("723170TYA.CSV", "tmy3"), ("12839.tm2", "tmy2"))
_ASIA_AND_RUSSIA = ("west_asia", "south_asia", "east_asia", "southeast_asia", "central_asia", "russia")


def station_comparison(dsr_annual: xr.DataArray | None = None) -> pd.DataFrame:
    """Return annual GHI of the stations in the pvlib package beside the source cell and our grid.

    Parameters
    ----------
    dsr_annual : DataArray, dims (latitude, longitude), optional
        Our annual GHI, MJ m-2 a-1.

    Returns
    -------
    DataFrame
        ``station``, ``latitude``, ``longitude``, ``station_kwh_m2``, ``source_kwh_m2``, ``source_error`` (relative);
        with ``dsr_annual`` also ``ours_kwh_m2`` and ``ours_error``. ``attrs["relative_sigma"]`` is the root mean square
        of ``source_error``: three stations bound the common error from below rather than measure it. Typical
        meteorological years are not the years of the source; that difference is in the figure.
    """
    source = annual_sum(ghi_climatology()["ghi"]) * KWH_PER_MJ
    rows: list[dict[str, Any]] = []
    for file, kind in _STATIONS:
        row = _station(file, kind)
        place = {"latitude": row["latitude"], "longitude": row["longitude"], "method": "nearest"}
        row["source_kwh_m2"] = float(source.sel(**place))
        row["source_error"] = row["source_kwh_m2"] / row["station_kwh_m2"] - 1.0
        if dsr_annual is not None and _holds(dsr_annual, row):
            row["ours_kwh_m2"] = float(dsr_annual.sel(**place)) * KWH_PER_MJ
            row["ours_error"] = row["ours_kwh_m2"] / row["station_kwh_m2"] - 1.0
        rows.append(row)
    out = pd.DataFrame(rows)
    out.attrs["relative_sigma"] = float(np.sqrt(np.mean(out["source_error"] ** 2)))
    return out


def _station(file: str, kind: str) -> dict[str, Any]:
    import pvlib
    from pvlib import iotools

    path = Path(pvlib.__file__).parent / "data" / file
    if kind == "tmy2":
        data, facts = iotools.read_tmy2(path)
        name, ghi = f"{facts['City'].title()}, TMY2 {facts['WBAN']}", data["GHI"]
    else:
        data, facts = iotools.read_tmy3(path, map_variables=True)
        town = str(facts["Name"]).strip().strip('"').title()
        name, ghi = f"{town}, TMY3 {facts['USAF']}", data["ghi"]
    return {
        "station": name,
        "latitude": float(facts["latitude"]),
        "longitude": float(facts["longitude"]),
        "station_kwh_m2": float(ghi.sum()) / 1000.0,
    }


def _holds(field: xr.DataArray, row: dict[str, Any]) -> bool:
    return all(
        float(field[axis].min()) - 0.2 <= row[axis] <= float(field[axis].max()) + 0.2
        for axis in ("latitude", "longitude")
    )


def published_comparison(dsr: xr.Dataset, potential: xr.Dataset, shares: xr.Dataset) -> pd.DataFrame:
    """Return the published numbers beside ours, with a sentence on each difference.

    Parameters
    ----------
    dsr, potential, shares : Dataset
        Results of ``climatology``, ``technical_potential`` and ``suitable_shares`` for the globe.

    Returns
    -------
    DataFrame
        ``quantity``, ``units``, ``published``, ``ours``, ``ratio``, ``source``, ``remark``.
    """
    published = {row["name"]: row for row in table()["published"]}
    ours = _ours(dsr, potential, shares)
    rows = [_row(published[name], value, remark) for name, (value, remark) in ours.items()]
    for station in station_comparison(dsr["dsr_annual"]).to_dict("records"):
        if "ours_kwh_m2" in station:
            fact = {"quantity": f"annual GHI, {station['station']}", "units": "kWh m-2 a-1",
                    "value": station["station_kwh_m2"], "source": "file of the pvlib package"}  # fmt: skip
            rows.append(_row(fact, station["ours_kwh_m2"], _station_remark(station)))
    return pd.DataFrame(rows)


def _row(fact: dict[str, Any], ours: float, remark: str) -> dict[str, Any]:
    source = f"doi:{fact['doi']}" if fact.get("doi") else fact.get("source", "")
    return {"quantity": fact["quantity"], "units": fact["units"], "published": fact["value"], "ours": ours,
            "ratio": ours / fact["value"], "source": source, "remark": remark}  # fmt: skip


def _station_remark(station: Any) -> str:
    error = round(100.0 * float(station["source_error"])) + 0  # no minus sign before a zero
    return (
        f"The source cell (3 degrees) differs by {error:+d} %: a cell of 300 km holds sea, coast and hills, MERRA-2 "
        "has too little cloud over land, and a typical year is not 2011-2015."
    )


def _ours(dsr: xr.Dataset, potential: xr.Dataset, shares: xr.Dataset) -> dict[str, tuple[float, str]]:
    regions = region_table(dsr, potential, shares).set_index("key")
    whole: Any = regions.loc["belt_and_road"]
    energy = float(whole.potential_twh) / 1000.0
    asia = float(regions.loc[list(_ASIA_AND_RUSSIA), "potential_twh"].sum()) / 1000.0
    low, high = _extremes(dsr["dsr_annual"])
    return {
        "musyq_mean": (
            float(whole.mean_ghi_mj_m2),
            "Ours is the mean of 2011-2015 from MERRA-2, theirs 2015 from geostationary images at 5 km; the region of "
            "the data set is drawn otherwise, and MERRA-2 is too bright under cloud and haze.",
        ),
        "musyq_minimum": (
            low,
            "Ours includes the Arctic coast of Russia and Svalbard, beyond the view of geostationary satellites.",
        ),
        "musyq_maximum": (
            high,
            "Cells of 0.25 degree over high plateaus; ours carries the altitude of each cell but clouds of 300 km.",
        ),
        "joule_potential": (
            energy,
            f"Their region is the smaller one, the countries of the initiative: over Asia and Russia alone we find "
            f"{asia:.0f} PWh. Terrain, land-cover year and irradiance differ as well.",
        ),
        "gsa_namibia": (_mean_yield(potential, "NAM"), "The atlas has satellite irradiance and real air temperature."),
        "gsa_china": (
            _mean_yield(potential, "CHN"),
            "MERRA-2 lacks haze and cloud of eastern China: of five data sets it deviates most from Chinese stations "
            "(doi:10.3390/rs17071317), so ours is too high there by more than the common error.",
        ),
    }


def _extremes(annual: xr.DataArray) -> tuple[float, float]:
    inside = region_mask("belt_and_road", annual) > 0.5
    return float(annual.where(inside).min()), float(annual.where(inside).max())


def _mean_yield(potential: xr.Dataset, country: str) -> float:
    """Return the area-weighted mean yield of a country, kWh kWp-1 d-1."""
    weight = region_mask(resolve_region(country), potential["pv_yield"]) * cell_area(potential["pv_yield"]).values
    valid = potential["pv_yield"].notnull()
    mean = (potential["pv_yield"] * weight).sum() / (weight * valid).sum()
    return float(mean) / DAYS_OF_YEAR
