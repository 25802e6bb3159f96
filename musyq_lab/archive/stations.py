r"""Ground measurements of radiation: SURFRAD's daily files, and longwave radiation at the towers of OzFlux.

Both readers return canonical names and units, times in UTC, longitudes positive eastward, and NaN for what is missing
or what its own flag doubts. Each has a trap that is taken care of here: SURFRAD writes longitudes positive westward,
OzFlux times are local standard time.

A pair of longwave irradiances holds the temperature of the surface,

.. math:: T_s = \left[\frac{L_\uparrow - (1 - \varepsilon) L_\downarrow}{\varepsilon \sigma}\right]^{1/4}

(:func:`skin_temperature`): what a satellite's is compared with at such sites. An error of 0.01 of the emissivity makes
0.1 to 0.25 K by day, little at night under a cloud, and 1 % of the upward irradiance 0.7 K.

References
----------
Augustine et al. 2000, doi:10.1175/1520-0477(2000)081<2341:SANSRB>2.3.CO;2 for SURFRAD (columns as in pvlib's reader,
BSD-3). Beringer et al. 2016, doi:10.5194/bg-13-5895-2016 for OzFlux. Papers not re-read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.kernels.longwave import STEFAN_BOLTZMANN
from musyq_lab.kernels.weather import FREEZING

__all__ = ["open_ozflux_longwave", "open_surfrad", "skin_temperature"]

Floats = npt.NDArray[np.float64]

# Columns of a daily file after year, day of year, month, day, hour, minute, decimal hour and zenith angle, each with a
# flag behind it: name here (empty: of the instrument, not kept), unit, factor, offset.
_SURFRAD: tuple[tuple[str, str, float, float], ...] = (
    ("downward_shortwave", "W m-2", 1.0, 0.0),
    ("upward_shortwave", "W m-2", 1.0, 0.0),
    ("direct_normal", "W m-2", 1.0, 0.0),
    ("diffuse_shortwave", "W m-2", 1.0, 0.0),
    ("downward_longwave", "W m-2", 1.0, 0.0),
    ("", "K", 1.0, 0.0),
    ("", "K", 1.0, 0.0),
    ("upward_longwave", "W m-2", 1.0, 0.0),
    ("", "K", 1.0, 0.0),
    ("", "K", 1.0, 0.0),
    ("", "mW m-2", 1.0, 0.0),
    ("downward_par", "W m-2", 1.0, 0.0),
    ("net_shortwave", "W m-2", 1.0, 0.0),
    ("net_longwave", "W m-2", 1.0, 0.0),
    ("net_radiation", "W m-2", 1.0, 0.0),
    ("air_temperature", "K", 1.0, FREEZING),
    ("relative_humidity", "1", 0.01, 0.0),
    ("wind_speed", "m s-1", 1.0, 0.0),
    ("wind_direction", "degree", 1.0, 0.0),
    ("surface_pressure", "Pa", 100.0, 0.0),
)
_LEADING = 8
_SURFRAD_MISSING = -9990.0
_GOOD = 0

_OZFLUX_MISSING = -9990.0
_OZFLUX_EPOCH = np.datetime64("1800-01-01", "ns")
_OZFLUX_SITES = "OzFluxSites_LatLon.csv"
_OZFLUX_ENDING = "_longwaveRad"
_RANGES = {"downward_longwave": (30.0, 700.0), "upward_longwave": (50.0, 1100.0)}  # W m-2
_MINUTE = np.timedelta64(60, "s").astype("timedelta64[ns]")


def open_surfrad(path: str | Path) -> pd.DataFrame:
    """Open a daily file of SURFRAD.

    Parameters
    ----------
    path : str or Path
        Text file of one station and one day, means of one or three minutes.

    Returns
    -------
    pandas.DataFrame
        One row for a time: ``station``, ``time`` (UTC), ``latitude``, ``longitude`` (degrees, positive eastward),
        ``altitude`` (m), ``sun_zenith`` (degree), and the columns of the file under canonical names and units
        (``attrs["units"]``), NaN where missing or where the station's flag is not 0; ``attrs["flagged"]`` counts these.

    Raises
    ------
    NotFoundError
        If there is no such file.
    InputError
        If it is no daily file of SURFRAD.
    """
    path = _existing(path)
    lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    station, (latitude, longitude, altitude) = _surfrad_head(path, lines)
    width = _LEADING + 2 * len(_SURFRAD)
    try:
        rows = np.array([line.split() for line in lines[2:] if line.strip()], np.float64).reshape(-1, width)
    except ValueError as error:
        raise InputError(f"{path} is no daily file of SURFRAD: its rows need {width} numbers each ({error}).") from None
    year, _, month, day, hour, minute, _, zenith = rows[:, :_LEADING].T
    parts = pd.DataFrame({"year": year, "month": month, "day": day, "hour": hour, "minute": minute})
    table = pd.DataFrame({"station": station, "time": pd.to_datetime(parts).astype("datetime64[ns]")})
    table["latitude"], table["longitude"], table["altitude"] = latitude, -longitude, altitude
    table["sun_zenith"] = zenith
    flagged = {}
    for order, (name, _, factor, offset) in enumerate(_SURFRAD):
        values, flags = rows[:, _LEADING + 2 * order], rows[:, _LEADING + 2 * order + 1]
        if name:
            missing = values < _SURFRAD_MISSING
            flagged[name] = int(((flags != _GOOD) & ~missing).sum())
            table[name] = np.where(missing | (flags != _GOOD), np.nan, values * factor + offset)
    units = {name: unit for name, unit, _, _ in _SURFRAD if name} | {"altitude": "m", "sun_zenith": "degree"}
    table.attrs = {"source": path.name, "units": units, "flagged": flagged}
    return table


def open_ozflux_longwave(
    path: str | Path, *, sites: str | Path | None = None, site: str = "", timezone: str = ""
) -> pd.DataFrame:
    """Open a table of longwave radiation at a tower of OzFlux, such as ``Ridgefield_longwaveRad.csv.gz``.

    Parameters
    ----------
    path : str or Path
        Columns ``time_x`` (days since 1800-01-01, local standard time), ``LW_u`` and ``LW_d`` (W m-2).
    sites : str or Path, optional
        Table with ``sitename``, ``lat``, ``lon`` and ``standard_timezone``; that beside the file by default.
    site : str, optional
        Name in that table; the beginning of the file's name by default.
    timezone : str, optional
        Zone of the standard time, such as ``"Etc/GMT-10"``, in place of that of the table.

    Returns
    -------
    pandas.DataFrame
        One row for a half hour: ``station``, ``time`` (UTC), ``local_time``, ``latitude``, ``longitude`` (degrees),
        ``upward_longwave``, ``downward_longwave`` (W m-2), NaN where missing or outside any possible range. Whether a
        time is the beginning or the end of its half hour, the file does not say.

    Raises
    ------
    NotFoundError
        If there is no such file or site.
    InputError
        If a column is missing, or the times are not those of this century.
    """
    path = _existing(path)
    raw = _table(path, ("time_x", "LW_u", "LW_d"))
    where = _site(path, Path(sites) if sites is not None else path.parent / _OZFLUX_SITES, site)
    table = pd.DataFrame({"station": where["sitename"], "local_time": _local_time(path, raw["time_x"].to_numpy(float))})
    zone = timezone or str(where["standard_timezone"])
    try:
        table["time"] = table["local_time"].dt.tz_localize(zone).dt.tz_convert("UTC").dt.tz_localize(None)
    except (KeyError, ValueError) as error:
        raise InputError(f"{zone!r} is no zone of a standard time ({error}). Give one such as 'Etc/GMT-10'.") from None
    table["latitude"], table["longitude"] = float(where["lat"]), float(where["lon"])
    removed = {}
    for name, column in (("upward_longwave", "LW_u"), ("downward_longwave", "LW_d")):
        values = raw[column].to_numpy(float)
        low, high = _RANGES[name]
        good = (values >= low) & (values <= high)
        removed[name] = int((~good & (values > _OZFLUX_MISSING)).sum())
        table[name] = np.where(good, values, np.nan)
    units = dict.fromkeys(_RANGES, "W m-2") | {"latitude": "degrees_north", "longitude": "degrees_east"}
    table.attrs = {"source": path.name, "units": units, "timezone": zone, "removed": removed}
    return table


def skin_temperature(upward: npt.ArrayLike, downward: npt.ArrayLike, emissivity: npt.ArrayLike) -> Floats:
    """Return the surface temperature (K) that goes with a pair of longwave irradiances; see the module.

    Parameters
    ----------
    upward, downward : array_like
        Longwave irradiance (W m-2), broadcastable.
    emissivity : array_like
        Broadband emissivity (1).
    """
    up, down, e = (np.asarray(x, np.float64) for x in (upward, downward, emissivity))
    emitted = up - (1.0 - e) * down
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = np.where(emitted > 0, emitted / (e * STEFAN_BOLTZMANN), np.nan) ** 0.25
    return found


def _existing(path: str | Path) -> Path:
    path = Path(path)
    if not path.is_file():
        raise NotFoundError(f"There is no file {path}. Give the path of a station's measurements.")
    return path


def _surfrad_head(path: Path, lines: list[str]) -> tuple[str, tuple[float, float, float]]:
    """Return the name of the station, and latitude, longitude (positive westward) and altitude."""
    try:
        numbers = [float(text) for text in lines[1].split()[:3]]
        latitude, longitude, altitude = numbers
    except (IndexError, ValueError):
        raise InputError(
            f"{path} is no daily file of SURFRAD: its second line should be latitude, longitude and altitude."
        ) from None
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise InputError(f"{path}: the place {latitude:g}, {longitude:g} is none on Earth.")
    return lines[0].strip(), (latitude, longitude, altitude)


def _table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    try:
        raw = pd.read_csv(path)
    except (UnicodeDecodeError, EOFError, OSError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(f"{path} cannot be read as a table: {error}. Fetch the file again.") from None
    for column in columns:
        if column not in raw:
            raise InputError(f"{path} has no column {column!r}.{closest(column, raw.columns)}")
    return raw


def _site(path: Path, sites: Path, name: str) -> pd.Series[Any]:
    """Return the row of a site."""
    table = _table(_existing(sites), ("sitename", "lat", "lon", "standard_timezone"))
    wanted = name or path.name.split(_OZFLUX_ENDING)[0]
    rows = table[table["sitename"] == wanted]
    if rows.empty:
        raise NotFoundError(f"{sites.name} has no site {wanted!r}.{closest(wanted, table['sitename'])}")
    row: pd.Series[Any] = rows.iloc[0]
    return row


def _local_time(path: Path, days: Floats) -> npt.NDArray[np.datetime64]:
    """Return local times to the minute: the file writes thirds of a day with ten decimals."""
    if not (np.isfinite(days).all() and (np.diff(days) > 0).all()):
        raise InputError(f"{path}: its times are missing, or do not rise. Fetch the file again.")
    minutes = np.rint(days * 1440.0).astype(np.int64)
    times: npt.NDArray[np.datetime64] = _OZFLUX_EPOCH + minutes * _MINUTE
    return times
