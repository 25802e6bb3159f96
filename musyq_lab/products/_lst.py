"""Coefficients of surface temperature by sensor (``catalogs/lst``), and how far each method is from the truth.

Tables are read once. A platform that has no row of its own takes that of its sensor; a sensor that is not told is
assumed (:data:`ASSUMED`), and what was made for another instrument is marked, never silent.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError, closest
from musyq_lab.core.resources import read_table
from musyq_lab.kernels.radiometry import planck_constants
from musyq_lab.kernels.temperature import COEFFICIENTS, TERMS
from musyq_lab.sensors._registry import SENSORS

Floats = NDArray[np.floating]
Row = dict[str, str]

ASSUMED = {
    "gsw": "modis/Terra",
    "split_window": "modis/Terra",
    "single_channel": "landsat_oli/Landsat-8",
    "smw": "landsat_oli/Landsat-8",
    "radiative_transfer": "landsat_oli/Landsat-8",
    "tes": "modis/Terra",
}
"""Bands that are assumed where nobody says which they are, by method."""

SMW_STEP = 6.0
"""Width of a class of vapour of the mono-window (kg m-2)."""

_FOLDER = "catalogs/lst"
_PSI = tuple(f"psi{k}_{term}" for k in (1, 2, 3) for term in ("w2", "w", "1"))


class Chosen(NamedTuple):
    """Coefficients of a method for a sensor."""

    numbers: tuple[float, ...]
    """As the kernel takes them."""
    another: bool
    """Whether they were made for another instrument."""


def of(sensor: str, method: str) -> tuple[str, str]:
    """Return key and platform (or camera) of ``"<sensor>/<variant>"``, the assumed ones where it is empty.

    Raises
    ------
    InputError
        If the sensor has no such platform.
    """
    key, _, variant = (sensor or ASSUMED[method]).partition("/")
    known = [variant] if key not in SENSORS else [v for v in (*SENSORS[key].variants, *SENSORS[key].platforms) if v]
    if variant and variant not in known:
        raise InputError(f"{SENSORS[key].title} has no platform or camera {variant!r}.{closest(variant, known)}")
    return key, variant


def gsw(sensor: str, *, vapour: bool) -> Chosen:
    """Return the 72 numbers of the generalised split window, with the column of vapour or without.

    Raises
    ------
    InputError
        If the sensor is not known or has not two bands for it.
    """
    key, variant = of(sensor, "gsw")
    form = "vapour" if vapour else "none"
    rows = [row for row in _rows_of("gsw", "gsw", key, variant) if row["form"] == form]
    by_name = {row["coefficient"]: row for row in rows}
    return Chosen(tuple(float(by_name[c][term]) for c in COEFFICIENTS for term in TERMS), _another(rows[0], variant))


def published_split_window(sensor: str, published: str = "") -> Chosen:
    """Return c0 to c6 of a published split window.

    Parameters
    ----------
    sensor : str
        ``"<sensor>/<variant>"``.
    published : str
        Name of the set; the first of the sensor where empty.

    Raises
    ------
    InputError
        If there is none for the sensor, or no such set.
    """
    row = _published("split_window", sensor, published)
    return Chosen(tuple(float(row[f"c{k}"]) for k in range(7)), _another(row, of(sensor, "split_window")[1]))


def default_set(sensor: str) -> str:
    """Return the name of the published split window that a sensor takes."""
    return _published("split_window", sensor, "")["set"]


def single_channel(sensor: str, published: str = "") -> Chosen:
    """Return K1, K2 of the band's centre, b and nine coefficients of the atmospheric functions.

    Parameters
    ----------
    sensor : str
        ``"<sensor>/<variant>"``.
    published : str
        ``"2014"`` or ``"2009"`` for a published set, ``"package"`` for that of this package; where empty the first that
        there is.

    Raises
    ------
    InputError
        If the sensor is not known or has no thermal band, or there is no such set.
    """
    key, variant = of(sensor, "single_channel")
    own = _rows_of("psi", "single_channel", key, variant)[0]
    known = [row for row in _matching("single_channel", key, variant) if row["variant"] in ("", variant)]
    package = published == "package" or not (known or published)
    row = own if package else _published("single_channel", sensor, published)
    constants = planck_constants(SENSORS[key].band(own["band"], variant).centre)
    numbers = (*constants, float(row["b_gamma"]), *(float(row[name]) for name in _PSI))
    return Chosen(numbers, _another(row, variant))


def mono_window(sensor: str) -> Chosen:
    """Return A, B and C of the statistical mono-window for each class of vapour, one class after the other.

    Raises
    ------
    InputError
        If there are none for the sensor.
    """
    key, variant = of(sensor, "smw")
    rows = _matching("smw", key, variant) or _rows_of("mono_window", "smw", key, variant)
    return Chosen(tuple(float(row[name]) for row in rows for name in "ABC"), _another(rows[0], variant))


def by_class(numbers: tuple[float, ...], vapour: Any, *, between: bool) -> tuple[Floats, Floats, Floats]:
    """Return A, B and C for each pixel.

    Parameters
    ----------
    numbers : tuple of float
        Those of :func:`mono_window`.
    vapour : array
        Column (kg m-2).
    between : bool
        Linear between the middles of the classes, so that maps have no edges; else the numbers of the class.
    """
    table, column = np.reshape(numbers, (-1, 3)), np.asarray(vapour)
    if between:
        middles = SMW_STEP * (np.arange(len(table)) + 0.5)
        made = [np.interp(column, middles, row) for row in table.T]
    else:
        place = np.clip(np.nan_to_num(column) // SMW_STEP, 0, len(table) - 1).astype(np.intp)
        made = [np.where(np.isnan(column), np.nan, row[place]) for row in table.T]
    a, b, c = (np.asarray(m, column.dtype) for m in made)
    return a, b, c


def require_band(sensor: str, method: str, role: str) -> None:
    """Refuse a sensor that is not known or lacks a band.

    Raises
    ------
    InputError
        If the band is not there; it says which sensors have it.
    """
    key, variant = of(sensor, method)
    if key in SENSORS and any(band.name == role for band in SENSORS[key].bands_of(variant)):
        return
    having = [name for name in SENSORS if any(b.name == role for b in SENSORS[name].bands)]
    raise InputError(
        f'retrieve("lst", method="{method}") needs the band {role}, which {key!r} has not; {", ".join(having)} have it.'
    )


def error(method: str, sensor: str, vapour: Any, zenith: Any, *, form: str = "vapour") -> Floats:
    """Return the error of a method on simulated atmospheres with that of their continuum, one sigma (K).

    Parameters
    ----------
    method : str
        Of ``accuracy.csv``.
    sensor : str
        ``"<sensor>/<variant>"``.
    vapour, zenith : array
        Column (kg m-2; None where it is not known) and view zenith (degrees); linear between the nodes in vapour and
        in 1 / cos.
    form : str
        ``"vapour"``, ``"none"`` or the name of a published set.
    """
    key, variant = of(sensor, method)
    table = _errors(method, form, key, variant)
    columns, slants, sigma = table
    s = np.clip(1.0 / np.cos(np.radians(np.minimum(zenith, 75.0))), slants[0], slants[-1])
    j, v = _place(slants, s)
    if vapour is None:
        whole = np.sqrt((sigma**2).mean(1))
        found: Floats = (1 - v) * whole[j] + v * whole[j + 1]
        return found
    i, u = _place(columns, np.clip(vapour, columns[0], columns[-1]))
    low = (1 - u) * sigma[j, i] + u * sigma[j, i + 1]
    found = (1 - v) * low + v * ((1 - u) * sigma[j + 1, i] + u * sigma[j + 1, i + 1])
    return found


def _another(row: Row, variant: str) -> bool:
    """Return whether coefficients were made for another platform or instrument than the one that is named."""
    return bool(row.get("of")) or (bool(variant) and row["variant"] not in ("", variant))


def _place(nodes: NDArray[np.float64], values: Any) -> tuple[NDArray[np.intp], Floats]:
    values = np.nan_to_num(values, nan=nodes[0])
    index = np.clip(np.searchsorted(nodes, values, side="right") - 1, 0, nodes.size - 2)
    return index, (values - nodes[index]) / (nodes[index + 1] - nodes[index])


@lru_cache(maxsize=64)
def _errors(method: str, form: str, key: str, variant: str) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    rows = _matching("accuracy", key, variant, method=method, form=form)
    columns, angles = (sorted({float(row[name]) for row in rows}) for name in ("vapour", "angle"))
    sigma = np.zeros((len(angles), len(columns)))
    for row in rows:
        place = angles.index(float(row["angle"])), columns.index(float(row["vapour"]))
        sigma[place] = np.hypot(float(row["rmse"]), float(row["continuum"]))
    return np.array(columns), 1 / np.cos(np.radians(angles)), sigma


def _published(table: str, sensor: str, name: str) -> Row:
    key, variant = of(sensor, table)
    rows = {row["set"]: row for row in reversed(_rows_of(table, table, key, variant))}
    if not name:
        return _rows_of(table, table, key, variant)[0]
    if name not in rows:
        hint = closest(name, sorted(rows))
        raise InputError(f'retrieve("lst") has no published coefficients {name!r} for {key!r}.{hint}')
    return rows[name]


def _rows_of(table: str, method: str, key: str, variant: str) -> list[Row]:
    rows = _matching(table, key, variant)
    if not rows:
        known = sorted({row["sensor"] for row in _rows(table)})
        raise InputError(
            f'retrieve("lst", method="{method}") has no coefficients for the sensor {key!r}; it has some for '
            f"{', '.join(known)}. Choose another method, or name a sensor of like bands: sensor=..."
        )
    return rows


def _matching(table: str, key: str, variant: str, **columns: str) -> list[Row]:
    """Return the rows of a platform; those of all platforms, else of the first, where it has none."""
    wanted = {"sensor": key, **columns}
    rows = [row for row in _rows(table) if all(row[name] == value for name, value in wanted.items())]
    for name in (variant, "", rows[0]["variant"] if rows else ""):
        if found := [row for row in rows if row["variant"] == name]:
            return found
    return []


@lru_cache(maxsize=8)
def _rows(table: str) -> tuple[Row, ...]:
    return tuple(read_table(f"{_FOLDER}/{table}.csv"))
