"""Parameters of carbon models by class of land cover, as their kernels take them; a user's table may stand in."""

from __future__ import annotations

import csv
import math
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError, NotFoundError
from musyq_lab.core.resources import resource
from musyq_lab.kernels._classes import ClassTable

_FOLDER = "catalogs/biomes"


def biome_table(table: str, columns: tuple[str, ...], own: str = "") -> ClassTable:
    """Return the classes and parameters of a table.

    Parameters
    ----------
    table : str
        Name of a file of ``catalogs/biomes`` without its ending.
    columns : tuple of str
        Parameters, in the order in which the kernel takes them.
    own : str, optional
        Path of a CSV file to read in its place: a line of names, one of them ``class``, then one line a class; lines
        that begin with ``#`` are comments.

    Returns
    -------
    tuple of (int, tuple of float)
        Classes for which all parameters are given, rising.

    Raises
    ------
    NotFoundError
        If the file is not there.
    InputError
        If it lacks a column, names a class twice, or a value is no number.
    """
    path = Path(own) if own else resource(f"{_FOLDER}/{table}.csv")
    # A user changes a table and runs again: the time and size of the file tell.
    return _table(table, columns, str(path), _stamp(path) if own else ())


@lru_cache(maxsize=64)
def _table(table: str, columns: tuple[str, ...], path: str, stamp: tuple[int, ...]) -> ClassTable:
    rows = []
    for number, row in sorted(_read(path, stamp).items()):
        if missing := [name for name in columns if name not in row]:
            raise InputError(f"{path} has no column {missing}. The model {table!r} needs {list(columns)} by class.")
        values = tuple(_number(row[name], f"{path}, class {number}, {name}") for name in columns)
        if not any(math.isnan(value) for value in values):
            rows.append((number, values))
    return tuple(rows)


def without_parameters(land_cover: Any, table: ClassTable, value: Any) -> NDArray[np.bool_]:
    """Return where a result is missing because its class is one that the table does not have.

    Parameters
    ----------
    land_cover : array_like
        Classes, broadcastable to the shape of ``value``.
    table : tuple of (int, tuple of float)
        As of :func:`biome_table`.
    value : array_like
        The result; only where it is NaN, which is rare, are classes compared with those of the table.
    """
    missing: NDArray[np.bool_] = np.array(np.isnan(value))
    classes = np.broadcast_to(land_cover, missing.shape)[missing]
    missing[missing] = np.isfinite(classes) & ~np.isin(classes, [number for number, _ in table])
    return missing


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError as error:
        raise _unreadable(str(path), error) from None
    return status.st_mtime_ns, status.st_size


def _unreadable(path: str, error: OSError) -> NotFoundError:
    return NotFoundError(f"The table of parameters {path!r} cannot be read ({error}). Give the path of a CSV.")


@lru_cache(maxsize=16)
def _read(path: str, stamp: tuple[int, ...]) -> MappingProxyType[int, dict[str, str]]:  # a stamp is a part of the key
    try:
        # Spreadsheets begin a file in UTF-8 with a byte order mark.
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    except OSError as error:
        raise _unreadable(path, error) from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not text in UTF-8. Save it as a CSV in UTF-8.") from None
    if not rows or "class" not in rows[0]:
        raise InputError(f"{path} needs a column 'class' and at least one line below its names.")
    table = {_class(row["class"], path): row for row in rows}
    if len(table) < len(rows):
        raise InputError(f"{path} names a class twice. Give one line a class.")
    return MappingProxyType(table)


def _class(text: str | None, path: str) -> int:
    number = _number(text, f"{path}, class")
    if not number.is_integer():  # NaN for an empty cell
        raise InputError(f"{path}: {text!r} is no class. Give a whole number in every line.")
    return int(number)


def _number(text: str | None, where: str) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        raise InputError(f"{where}: {text!r} is no number.") from None
