"""Tables of calibration: updates of gains, and how well a sensor is calibrated at all."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from musyq_lab.core.errors import InputError, NotFoundError, closest
from musyq_lab.core.resources import resource
from musyq_lab.core.sensor import Band
from musyq_lab.sensors._registry import SENSORS

UPDATES = "catalogs/calibration/updates.csv"
"""Updates that ship: gain and offset by sensor, platform, band and dates, each with its source."""
UNCERTAINTY = "catalogs/calibration/uncertainty.csv"
"""Absolute calibration uncertainty (relative, one sigma) by sensor, platform and band, each with its source."""

COLUMNS = ("sensor", "platform", "band", "from", "to", "gain", "offset", "uncertainty", "source")
"""Columns of a table of updates; ``sensor``, ``band``, ``gain`` and ``source`` must be there."""

_NEEDED = ("sensor", "band", "gain", "source")
_TEXTS = ("sensor", "platform", "band", "source")


def updates(table: str | Path | pd.DataFrame) -> pd.DataFrame:
    """Return a table of updates, checked.

    Parameters
    ----------
    table : str, path or DataFrame
        ``"shipped"``, a CSV file, or the rows themselves, with :data:`COLUMNS`.

    Raises
    ------
    InputError
        If a column or a source is missing, a sensor or band is not known, or a number or date is none.
    NotFoundError
        If there is no such file.
    """
    rows, name = _read(table)
    if missing := [column for column in _NEEDED if column not in rows]:
        raise InputError(f"{name} lacks the column {missing[0]!r}. It needs {', '.join(_NEEDED)}.")
    made = pd.DataFrame(index=rows.index)
    for column in COLUMNS:
        given = rows[column] if column in rows else pd.Series("", index=rows.index)
        made[column] = _column(given, column, name)
    for position, row in enumerate(made.to_dict("records"), start=1):
        _check(row, f"{name}, row {position}")
    return made


def _read(table: str | Path | pd.DataFrame) -> tuple[pd.DataFrame, str]:
    if isinstance(table, pd.DataFrame):
        return table.reset_index(drop=True), "The table of updates"
    path = resource(UPDATES) if str(table) == "shipped" else Path(table)
    if not path.is_file():
        raise NotFoundError(f"There is no table of calibration updates {str(path)!r}. Give 'shipped' or a CSV file.")
    return pd.read_csv(path, dtype=str, keep_default_na=False), str(path)


def _column(given: pd.Series[Any], column: str, name: str) -> pd.Series[Any]:
    if column in _TEXTS:
        return given.fillna("").astype(str).str.strip()
    empty = given.isna() | (given.astype(str).str.strip() == "")
    try:
        if column in ("from", "to"):
            return pd.to_datetime(given.mask(empty), errors="raise")
        default = {"gain": math.nan, "offset": 0.0, "uncertainty": math.nan}[column]
        return pd.to_numeric(given.mask(empty), errors="raise").astype(float).fillna(default)
    except (ValueError, TypeError) as fault:
        raise InputError(
            f"{name} has no {'date' if column in ('from', 'to') else 'number'} in {column!r}: {fault}"
        ) from None


def _check(row: dict[Any, Any], where: str) -> None:
    if row["sensor"] not in SENSORS:
        raise InputError(f"{where} names the sensor {row['sensor']!r}.{closest(row['sensor'], SENSORS)}")
    spec = SENSORS[row["sensor"]]
    known = (*spec.platforms, *(v for v in spec.variants if v))
    if row["platform"] and row["platform"] not in known:
        raise InputError(f"{where} names the platform {row['platform']!r}.{closest(row['platform'], known)}")
    names = {name for band in spec.bands for name in (band.name, band.native)}
    if row["band"] not in names:
        raise InputError(f"{where}: {spec.title} has no band {row['band']!r}.{closest(row['band'], names)}")
    if not row["source"]:
        raise InputError(f"{where} has no source. Say where the gain comes from: none is applied without.")
    if not (0.2 < row["gain"] < 5.0 and abs(row["offset"]) < 1.0):
        raise InputError(
            f"{where} has the gain {row['gain']} and the offset {row['offset']}: they act on reflectance (1), so a "
            "gain lies near 1 and an offset near 0."
        )
    if row["uncertainty"] < 0.0 or row["uncertainty"] > 1.0:
        raise InputError(
            f"{where} has the uncertainty {row['uncertainty']}: give it relative to the value (0.03 for 3 %)."
        )
    if row["from"] > row["to"]:
        raise InputError(f"{where} ends before it begins.")


def update_of(table: pd.DataFrame, sensor: str, platforms: tuple[str, ...], band: Band, when: pd.Timestamp) -> Any:
    """Return the row for a band at a time, None where there is none; one that names the platform goes first.

    Raises
    ------
    InputError
        If two rows hold equally.
    """
    mine = table[(table["sensor"] == sensor) & table["band"].isin([band.name, band.native])]
    mine = mine[mine["platform"].isin(["", *platforms])]
    mine = mine[~(mine["from"] > when) & ~(mine["to"] <= when)]
    for rows in (mine[mine["platform"] != ""], mine[mine["platform"] == ""]):
        if len(rows) > 1:
            raise InputError(
                f"{len(rows)} calibration updates hold for {sensor} {band.name} on {when:%Y-%m-%d}: "
                f"{'; '.join(rows['source'])}. Let the dates of one end where the next begins."
            )
        if len(rows):
            return rows.iloc[0]
    return None


def uncertainty_of(sensor: str, platforms: tuple[str, ...], band: Band) -> dict[str, Any]:
    """Return the row of calibration uncertainty that fits best: band before platform before the sensor's own.

    Raises
    ------
    NotFoundError
        If the sensor has none.
    """
    ranked = [
        ((row["band"] != "", row["platform"] != ""), row)
        for row in _uncertainty()
        if row["sensor"] == sensor
        and row["platform"] in ("", *platforms)
        and row["band"] in ("", band.name, band.native)
    ]
    if not ranked:
        raise NotFoundError(f"{UNCERTAINTY} has no row for {sensor} ({', '.join(platforms) or 'no platform'}).")
    return max(ranked, key=lambda item: item[0])[1]


@lru_cache(maxsize=1)
def _uncertainty() -> tuple[dict[str, Any], ...]:
    rows = pd.read_csv(resource(UNCERTAINTY), dtype=str, keep_default_na=False).to_dict("records")
    return tuple({str(k): float(v) if k == "uncertainty" else v for k, v in row.items()} for row in rows)
