"""Tables of parameters by class of the IGBP legend (``catalogs/biomes/*.csv``), looked up for arrays of classes."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import NotFoundError, closest
from musyq_lab.core.resources import read_table

Floats = NDArray[np.floating]

_CLASSES = 256  # what one byte of a land cover map can hold
_FOLDER = "catalogs/biomes"


def by_class(table: str, column: str, land_cover: Any) -> Floats:
    """Return a parameter for each pixel.

    Parameters
    ----------
    table : str
        Name of a file of ``catalogs/biomes`` without its ending; it has a column ``class``.
    column : str
        Which parameter.
    land_cover : array_like
        IGBP classes as numbers.

    Returns
    -------
    array
        Shape and float type of ``land_cover`` (float64 for integers); NaN where the table has no number, for what is
        no class, and for NaN.

    Raises
    ------
    NotFoundError
        If there is no such table or column.
    """
    classes = np.asarray(land_cover)
    dtype = classes.dtype if classes.dtype.kind == "f" else np.dtype(np.float64)
    row = parameters(table, column).astype(dtype)
    with np.errstate(invalid="ignore"):
        known = (classes >= 0) & (classes < _CLASSES) & (classes == np.floor(classes))
    found: Floats = row[np.where(known, classes, _CLASSES).astype(np.intp)]
    return found


def parameters(table: str, column: str) -> NDArray[np.float64]:
    """Return a column of a table, shape (257,): one number for each class that a byte can hold, and NaN at the end."""
    columns = _read(table)
    if column not in columns:
        raise NotFoundError(f"The table {table!r} has no column {column!r}.{closest(column, columns)}")
    return columns[column]


@lru_cache(maxsize=32)
def _read(table: str) -> MappingProxyType[str, NDArray[np.float64]]:
    """Read the numbers of a table; columns of text are left out."""
    rows = read_table(f"{_FOLDER}/{table}.csv")
    columns = {}
    for name in rows[0]:
        if name == "class" or not all(_number(row[name]) for row in rows):
            continue
        column = np.full(_CLASSES + 1, np.nan)
        for row in rows:
            column[int(row["class"])] = float(row[name] or "nan")
        column.flags.writeable = False
        columns[name] = column
    return MappingProxyType(columns)


def _number(text: str) -> bool:
    try:
        float(text or "nan")
    except ValueError:
        return False
    return True
