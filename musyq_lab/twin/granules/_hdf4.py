"""HDF4 files written with pyhdf: datasets, HDF-EOS swaths and tables, the same bytes for the same content.

The HDF4 library is not thread-safe: one file is written at a time. Reading runs in processes of its own
(:mod:`musyq_lab.files.hdf4`), because damaged files crash the library; what is written here is our own.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import ArchiveError

_LOCK = threading.Lock()
_LEVEL = 1  # of deflate: scaled integers hardly shrink further, and the time doubles
_SMALL = 4096  # bytes below which packing costs more than it saves
_NAME_LENGTH = 512  # bytes, and whole multiples of them for longer ones
_DATASET = 720  # DFTAG_NDG, what a Vgroup calls a dataset by


@dataclass(frozen=True)
class Layer:
    """One dataset."""

    name: str
    """Name."""
    data: NDArray[Any]
    """Values as stored."""
    dims: tuple[str, ...] = ()
    """Names of the axes; none to leave them to the library."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Text, or an array of the type to store."""
    geo: bool = False
    """Whether a swath calls it a geolocation field."""


@dataclass(frozen=True)
class Table:
    """One Vdata: records of named columns."""

    name: str
    """Name."""
    columns: Mapping[str, NDArray[Any]]
    """Name -> one value a record; texts as arrays of bytes of one length."""


def write(
    path: Path,
    attributes: Mapping[str, Any],
    layers: Sequence[Layer],
    *,
    swath: str = "",
    tables: Sequence[Table] = (),
) -> None:
    """Write a file.

    Parameters
    ----------
    path
        New file.
    attributes
        Of the file: text, or arrays of the type to store.
    layers
        Datasets, in order.
    swath
        Name of the HDF-EOS swath they belong to.
    tables
        Vdata, in order.

    Raises
    ------
    ArchiveError
        If pyhdf is missing or the library cannot write.
    """
    try:
        from pyhdf.error import HDF4Error
    except ImportError:
        raise ArchiveError(f"{path} is HDF4, which needs pyhdf. Install it: python -m pip install pyhdf") from None
    name = _long_name(path)
    with _LOCK:
        try:
            references = _datasets(name, attributes, layers)
            if swath or tables:
                _groups(name, swath, references, tables)
        except HDF4Error as error:
            raise ArchiveError(f"{path} cannot be written as HDF4: {error}") from error
    # The library writes the name by which it opened the file into it: the folder must not change the bytes.
    data = path.read_bytes()
    path.write_bytes(
        data.replace(os.fsencode(name), b"." + os.fsencode(path.name).rjust(len(os.fsencode(name)) - 1, b"/"))
    )


def _long_name(path: Path) -> str:
    """Return a name of the file whose length does not depend on its folder: more separators than are needed."""
    name = str(path.absolute())
    length = len(os.fsencode(name))
    spare = -length % _NAME_LENGTH
    return f"{name[: len(name) - len(path.name)]}{os.sep * spare}{path.name}"


def _datasets(name: str, attributes: Mapping[str, Any], layers: Sequence[Layer]) -> list[tuple[int, bool]]:
    from pyhdf.SD import SD, SDC

    file = SD(name, SDC.WRITE | SDC.CREATE | SDC.TRUNC)
    for key, value in attributes.items():
        _attribute(file.attr(key), value)
    references = [_dataset(file, layer) for layer in layers]
    file.end()
    return references


def _dataset(file: Any, layer: Layer) -> tuple[int, bool]:
    from pyhdf.SD import SDC

    sds = file.create(layer.name, _kind(layer.data.dtype), layer.data.shape)
    for axis, dim in enumerate(layer.dims):
        sds.dim(axis).setname(dim)
    for name, value in layer.attributes.items():
        _attribute(sds.attr(name), value)
    if layer.data.nbytes > _SMALL:
        sds.setcompress(SDC.COMP_DEFLATE, _LEVEL)
    sds[:] = np.ascontiguousarray(layer.data)
    reference = int(sds.ref())
    sds.endaccess()
    return reference, layer.geo


def _attribute(target: Any, value: Any) -> None:
    from pyhdf.SD import SDC

    if isinstance(value, str):
        target.set(SDC.CHAR, value)
        return
    array = np.asarray(value)
    target.set(_kind(array.dtype), array.tolist())


def _kind(dtype: np.dtype[Any]) -> int:
    from pyhdf.SD import SDC

    kinds = {
        "int8": SDC.INT8,
        "uint8": SDC.UINT8,
        "int16": SDC.INT16,
        "uint16": SDC.UINT16,
        "int32": SDC.INT32,
        "uint32": SDC.UINT32,
        "float32": SDC.FLOAT32,
        "float64": SDC.FLOAT64,
    }
    return int(kinds[dtype.name])


def _groups(path: str, swath: str, references: Sequence[tuple[int, bool]], tables: Sequence[Table]) -> None:
    """Write the Vgroups by which the HDF-EOS library finds a swath, and the tables."""
    import pyhdf.V
    import pyhdf.VS  # noqa: F401  # both add to HDF what is called below
    from pyhdf.HDF import HC, HDF

    file = HDF(path, HC.WRITE)
    records, groups = file.vstart(), file.vgstart()
    if swath:
        top = _group(groups, swath, "SWATH")
        for name, geo in (("Geolocation Fields", True), ("Data Fields", False), ("Swath Attributes", None)):
            part = _group(groups, name, "SWATH Vgroup")
            for reference, own in references:
                if own is geo:
                    part.add(_DATASET, reference)
            top.insert(part)
            part.detach()
        top.detach()
    for table in tables:
        _table(records, table)
    groups.end()
    records.end()
    file.close()


def _group(groups: Any, name: str, kind: str) -> Any:
    group = groups.create(name)
    group._class = kind
    return group


def _table(records: Any, table: Table) -> None:
    from pyhdf.HDF import HC

    kinds = {"i4": HC.INT32, "u4": HC.UINT32, "f4": HC.FLOAT32, "f8": HC.FLOAT64}
    fields, values = [], []
    for name, column in table.columns.items():
        text = column.dtype.kind == "S"
        fields.append((name, HC.CHAR8 if text else kinds[column.dtype.str[1:]], column.dtype.itemsize if text else 1))
        values.append([v.decode() for v in column.tolist()] if text else column.tolist())
    vdata = records.create(table.name, fields)
    vdata.write([list(record) for record in zip(*values, strict=True)])
    vdata.detach()
