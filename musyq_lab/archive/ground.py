r"""Ground measurements of vegetation: the tables of Copernicus GBOV (Ground-Based Observations for Validation).

GBOV turns hemispherical photographs of plots of 20 m into reference measurements: RM7 leaf area index, effective leaf
area index and clumping index, RM6 the fraction of intercepted PAR (FIPAR). Photographs upwards see the overstorey,
photographs downwards the understorey, and most plots of grass have only the latter.

:func:`open_gbov` adds the layers up as a satellite sees them,

.. math::
   L = L_\uparrow + L_\downarrow, \quad L_e = L_{e\uparrow} + L_{e\downarrow}, \quad \Omega = L_e / L, \quad
   f = 1 - (1 - f_\uparrow) (1 - f_\downarrow),

with errors in quadrature; the column ``layers`` says which were measured. Where the understorey of a forest was not,
the sum is a lower bound. Two estimates of the leaf area exist: Miller's integral over all zenith angles, which assumes
nothing about leaf angles, and that of Warren Wilson, from the ring about 57.5 degrees, where leaf angles hardly matter.
Both stand in the table. The first is the default, for it uses the whole picture; over trees it is 16 % higher
(median of RM7 as of March 2021).

What to know before use: photographs upwards do not tell wood from leaves, so that leafless trees have an area. In the
export for Google Earth Engine all plots of a site bear one pair of coordinates, that of the site, though they may lie
kilometres apart: good for a pixel of 1 km at best, and said in ``attrs["coordinates"]``.
The class of the IGBP legend is that of the site on a map, not of the plot: many plots of "cropland" bear trees.

Of the flags this is what source code of others says that reads these files, quoting page 22 of the ATBD of RM4, RM6 and
RM7, version 2.0 (not re-read): 16 and above tell of faults of high impact. Such rows, and those that hold values but no
flag, are kept and marked as not usable. The stated errors are taken as one sigma (not re-read).

References
----------
Miller 1967, doi:10.1071/BT9670141. Warren Wilson 1963, doi:10.1071/BT9630095 (both recalled). Data: Copernicus Global
Land Service, https://gbov.copernicus.acri.fr, whose terms ask to cite GBOV and the network that measured.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.products._legends import legend

__all__ = ["open_gbov", "summarize"]

Floats = npt.NDArray[np.float64]
Estimate = Literal["miller", "warren"]

_MISSING = -999.0
_GZIP = b"\x1f\x8b"
_HIGH_IMPACT = 16
_ESTIMATES = {
    "miller": "Miller (1967): gap fraction over all zenith angles, no assumption on leaf angles",
    "warren": "Warren Wilson (1963): gap fraction about 57.5 degrees, where leaf angles hardly matter",
}
# Name in the table made here -> names in the export of Google Earth Engine and in the files of the portal.
_PLACES = {
    "site": ("Site",),
    "station": ("PLOT_ID",),
    "network": ("Network",),
    "igbp": ("IGBP_class",),
    "time": ("system:time_start", "TIME_IS"),
    "latitude": ("latitude", "Lat_IS"),
    "longitude": ("longitude", "Lon_IS"),
    "elevation": ("Elevation",),
}
_TEXTS = ("site", "station", "network", "igbp")
_UNITS = {
    "latitude": "degrees_north",
    "longitude": "degrees_east",
    "elevation": "m",
    "lai": "m2 m-2",
    "lai_effective": "m2 m-2",
    "lai_up": "m2 m-2",
    "lai_down": "m2 m-2",
    "lai_other": "m2 m-2",
    "clumping_index": "1",
    "fipar": "1",
    "fipar_up": "1",
    "fipar_down": "1",
}
_DAMAGE = (
    UnicodeDecodeError,
    EOFError,
    gzip.BadGzipFile,
    zlib.error,
    pd.errors.ParserError,
    pd.errors.EmptyDataError,
)


class _Layers(NamedTuple):
    """A quantity of both layers, NaN where not measured, with one sigma."""

    up: Floats
    down: Floats
    up_error: Floats
    down_error: Floats

    def total(self) -> tuple[Floats, Floats]:
        """Return the sum of what was measured, and its error."""
        nothing = np.isnan(self.up) & np.isnan(self.down)
        value = np.nan_to_num(self.up) + np.nan_to_num(self.down)
        error = np.hypot(np.nan_to_num(self.up_error), np.nan_to_num(self.down_error))
        return np.where(nothing, np.nan, value), np.where(nothing, np.nan, error)

    def intercepted(self) -> tuple[Floats, Floats]:
        """Return the share of light that both layers keep, one below the other, and its error."""
        up, down = np.nan_to_num(self.up), np.nan_to_num(self.down)
        nothing = np.isnan(self.up) & np.isnan(self.down)
        error = np.hypot((1 - down) * np.nan_to_num(self.up_error), (1 - up) * np.nan_to_num(self.down_error))
        return np.where(nothing, np.nan, 1 - (1 - up) * (1 - down)), np.where(nothing, np.nan, error)


def open_gbov(path: str | Path, *, estimate: Estimate = "miller") -> pd.DataFrame:
    """Open a table of GBOV, RM7 (leaf area) or RM6 (intercepted PAR), with canonical names and units.

    Parameters
    ----------
    path : str or Path
        Comma- or semicolon-separated text, plain or compressed by gzip.
    estimate : {"miller", "warren"}
        Which estimate of the leaf area becomes ``lai``; the sum by the other is ``lai_other``.

    Returns
    -------
    pandas.DataFrame
        One row for a plot and a date, sorted by site, station and time: ``site``, ``station``, ``network``, ``igbp``
        (name) and ``igbp_class`` (number, missing where the name is none of the legend), ``time`` (UTC), ``latitude``,
        ``longitude`` (degrees), ``elevation`` (m); of RM7 ``lai``, ``lai_effective`` (m2 m-2), ``clumping_index`` (1),
        each with ``_uncertainty``, the layers ``lai_up`` and ``lai_down``, and ``lai_other``; of RM6 ``fipar`` (1) with
        ``_uncertainty``, ``fipar_up``, ``fipar_down``; ``layers`` (``both``, ``overstorey``, ``understorey`` or
        ``none``), ``flag_up``, ``flag_down`` (missing where the layer has none) and ``usable``. ``attrs`` hold units,
        the estimate and why, the rule of ``usable``, whose the coordinates are, and how many cells could not be read.

    Raises
    ------
    NotFoundError
        If there is no such file.
    InputError
        If the file is damaged, is no such table, has no rows, or an estimate is unknown.
    """
    if estimate not in _ESTIMATES:
        raise InputError(f"open_gbov() knows no estimate {estimate!r}.{closest(str(estimate), _ESTIMATES)}")
    path = Path(path)
    raw = _read(path)
    reader = _Reader(raw, path)
    table = _places(reader)
    if "FIPAR_up" in raw or "FIPAR_down" in raw:
        layers = reader.layers("FIPAR")
        table["fipar"], table["fipar_uncertainty"] = layers.intercepted()
        table["fipar_up"], table["fipar_down"] = layers.up, layers.down
    else:
        layers = _leaves(table, reader, estimate)
    _mark(table, layers, reader)
    table.attrs = {
        "source": path.name,
        "units": {name: unit for name, unit in _UNITS.items() if name in table},
        "coordinates": _whose(table),
        "usable": f"every measured layer has a flag below {_HIGH_IMPACT}",
        "unreadable": reader.unreadable,
    }
    if "lai" in table:
        table.attrs |= {"estimate": estimate, "why": _ESTIMATES[estimate]}
    return table.sort_values(["site", "station", "time"], ignore_index=True)


def summarize(table: pd.DataFrame, by: str = "igbp", *, variable: str = "", usable_only: bool = True) -> pd.DataFrame:
    """Summarize a table of ground measurements by class, site or any other column of names.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`open_gbov` returns it.
    by : str
        Column whose values make the groups: ``igbp``, ``site``, ``station``, ``network`` or ``layers``.
    variable : str
        Column to describe; ``lai`` or ``fipar``, whichever is there, by default.
    usable_only : bool
        Whether rows marked as not usable are left out.

    Returns
    -------
    pandas.DataFrame
        Index: the groups; columns ``count``, ``stations``, ``mean``, ``spread`` (standard deviation),
        ``median_uncertainty`` (one sigma; NaN for variables without), ``first`` and ``last`` date. Groups without a
        value are left out.

    Raises
    ------
    InputError
        If the table lacks a column that is needed.
    """
    name = variable or ("lai" if "lai" in table else "fipar")
    for column in (by, name, "station", "time"):
        if column not in table:
            raise InputError(f"summarize() finds no column {column!r} in the table.{closest(column, table.columns)}")
    chosen = table[table[name].notna()]
    if usable_only and "usable" in table:
        chosen = chosen[chosen["usable"]]
    groups = chosen.groupby(by, sort=True)
    sigma = f"{name}_uncertainty"
    found = pd.DataFrame(
        {
            "count": groups[name].count(),
            "stations": groups["station"].nunique(),
            "mean": groups[name].mean(),
            "spread": groups[name].std(),
            "median_uncertainty": groups[sigma].median() if sigma in table else np.nan,
            "first": groups["time"].min().dt.normalize(),
            "last": groups["time"].max().dt.normalize(),
        }
    )
    found.attrs = {"variable": name, "units": table.attrs.get("units", {}).get(name, "")}
    return found


def _read(path: Path) -> pd.DataFrame:
    """Return the table as text cells."""
    if not path.is_file():
        raise NotFoundError(f"There is no file {path}. Give the path of a GBOV table, RM6 or RM7, .csv or .csv.gz.")
    try:
        with path.open("rb") as file:
            # Compression is seen in the content, for files are renamed.
            packed = file.read(2) == _GZIP
        with gzip.open(path) if packed else path.open("rb") as file:
            head = file.readline()
        raw = pd.read_csv(
            path,
            sep=";" if b";" in head else ",",
            dtype=str,
            keep_default_na=False,
            compression="gzip" if packed else None,
        )
    except (*_DAMAGE, OSError) as error:
        raise InputError(f"{path} cannot be read as a table: {error}. Fetch the file again.") from None
    if raw.empty:
        raise InputError(f"{path} has a head but no rows. Fetch the file again.")
    return raw


def _places(reader: _Reader) -> pd.DataFrame:
    """Return where and when, with canonical names."""
    raw, path = reader.raw, reader.path
    found = {ours: next((name for name in theirs if name in raw), "") for ours, theirs in _PLACES.items()}
    missing = [" or ".join(_PLACES[ours]) for ours, name in found.items() if not name and ours != "elevation"]
    if missing:
        raise InputError(f"{path} is no table of GBOV: it has no column {', '.join(missing)}.")
    table = pd.DataFrame({ours: raw[found[ours]].str.strip() for ours in _TEXTS})
    numbers = [_class_number(name) for name in table["igbp"]]
    names = legend("igbp")
    table["igbp"] = [names.get(number, text) for number, text in zip(numbers, table["igbp"], strict=True)]
    table["igbp_class"] = pd.array([number or None for number in numbers], dtype="Int8")
    table["time"] = _time(raw[found["time"]], path)
    for ours, limit in (("latitude", 90.0), ("longitude", 360.0)):
        table[ours] = reader.numbers(found[ours])
        outside = ~(table[ours].abs() <= limit)
        if outside.any():
            raise InputError(f"{path}: {ours} is outside +-{limit:g} degrees, or missing, in {outside.sum()} rows.")
    table["elevation"] = reader.numbers(found["elevation"]) if found["elevation"] else np.nan
    return table


def _whose(table: pd.DataFrame) -> str:
    """Say whether the coordinates are those of stations or, one pair for several of them, of the site."""
    sites = table.groupby("site")
    pairs = (table["latitude"].astype(str) + " " + table["longitude"].astype(str)).groupby(table["site"]).nunique()
    shared = (sites["station"].nunique() > 1) & (pairs == 1)
    return "of the site, not of the station" if shared.any() else "of the station"


def _class_number(name: str) -> int:
    """Return the number of a class of the IGBP legend from a name as GBOV spells it, 0 where there is none.

    GBOV writes "Grasslands" and "Grassland", and "Evergreen Broadleaf" without the forest.
    """
    words = " ".join(word.removesuffix("s") for word in name.lower().split())
    known = {" ".join(w.removesuffix("s") for w in text.split()): number for number, text in legend("igbp").items()}
    return known.get(words) or known.get(f"{words} forest", 0)


def _time(cells: pd.Series[str], path: Path) -> pd.Series[pd.Timestamp]:
    """Return the times: milliseconds since 1970 or ISO 8601, UTC."""
    numbers = pd.to_numeric(cells, errors="coerce")
    parsed: Any = (
        pd.to_datetime(numbers, unit="ms", utc=True)
        if numbers.notna().all()
        else pd.to_datetime(cells, errors="coerce", utc=True, format="ISO8601")
    )
    if parsed.isna().any():
        wrong = cells[parsed.isna()].iloc[0]
        raise InputError(f"{path}: {wrong!r} is no time (milliseconds since 1970, or ISO 8601 such as 2018-06-01).")
    when: pd.Series[pd.Timestamp] = parsed.dt.tz_localize(None).astype("datetime64[ns]")
    return when


class _Reader:
    """Columns of numbers, -999 and unreadable cells as NaN."""

    def __init__(self, raw: pd.DataFrame, path: Path) -> None:
        """Keep the table; nothing is unreadable yet."""
        self.raw, self.path, self.unreadable = raw, path, 0

    def numbers(self, name: str) -> Floats:
        """Return a column; a few typing errors are left out and counted, a column of them is refused."""
        cells = self.raw[name].str.strip()
        values = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64)
        wrong = int((np.isnan(values) & ~cells.str.lower().isin(["", "na", "nan"]).to_numpy()).sum())
        if wrong > max(1, len(values) // 100):
            raise InputError(f"{self.path}: column {name!r} should hold numbers, but {wrong} cells do not.")
        self.unreadable += wrong
        return np.where(values <= _MISSING, np.nan, values)

    def layers(self, name: str) -> _Layers:
        """Return a quantity of both layers; a layer that the file lacks was not measured."""
        ends = ("_up", "_down", "_up_err", "_down_err")
        if not any(name + end in self.raw for end in ends[:2]):
            raise InputError(f"{self.path} is no table of GBOV's RM7 or RM6: it has neither {name}_up nor {name}_down.")
        nothing = np.full(len(self.raw), np.nan)
        return _Layers(*(self.numbers(name + end) if name + end in self.raw else nothing for end in ends))


def _leaves(table: pd.DataFrame, reader: _Reader, estimate: str) -> _Layers:
    """Add leaf area, effective leaf area and clumping to a table; return the layers of the leaf area."""
    chosen, other = (e.capitalize() for e in (estimate, *(e for e in _ESTIMATES if e != estimate)))
    whole, effective = reader.layers(f"LAI_{chosen}"), reader.layers(f"LAIe_{chosen}")
    table["lai"], table["lai_uncertainty"] = lai, sigma = whole.total()
    table["lai_effective"], table["lai_effective_uncertainty"] = lai_e, sigma_e = effective.total()
    with np.errstate(divide="ignore", invalid="ignore"):
        clumping = np.where(lai > 0, lai_e / lai, np.nan)
        # The file's own errors of the clumping of each layer are these two in quadrature.
        table["clumping_index"] = clumping
        table["clumping_index_uncertainty"] = clumping * np.hypot(sigma / lai, sigma_e / lai_e)
    table["lai_up"], table["lai_down"] = whole.up, whole.down
    table["lai_other"] = reader.layers(f"LAI_{other}").total()[0]
    return whole


def _mark(table: pd.DataFrame, layers: _Layers, reader: _Reader) -> None:
    """Add which layers were measured, their flags, and whether the row is usable."""
    up, down = ~np.isnan(layers.up), ~np.isnan(layers.down)
    table["layers"] = np.select([up & down, up, down], ["both", "overstorey", "understorey"], "none")
    usable: npt.NDArray[np.bool_] = up | down
    for name, measured in (("up", up), ("down", down)):
        flags = reader.numbers(f"{name}_flag") if f"{name}_flag" in reader.raw else np.full(len(table), np.nan)
        table[f"flag_{name}"] = pd.Series(flags).astype("Int16")
        usable = usable & (~measured | (flags < _HIGH_IMPACT))
    table["usable"] = usable
