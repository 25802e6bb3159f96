"""Coarser maps of a product in its own file, for looking at it from afar without reading it all.

Beside the map lie the groups ``/overview_2``, ``/overview_4`` ... ``/overview_32``, as long as the coarser map keeps
64 cells on its longer side. Each is a small product with coordinates of its own
(``xarray.open_dataset(path, group="overview_8")``), made by the rule that each layer asks for:

=================================  =====================================================================
values, shares, counts             mean of the valid cells
uncertainties (``_uncertainty``)   root mean square of the valid cells: errors of neighbours have common
                                   causes, so averaging does not remove them; whatever their correlation,
                                   the uncertainty of the mean is no larger than this
classes (``flag_values``)          mode of the valid cells, the smallest number where several tie
bits (``flag_masks``, lineage)     OR of all cells: what holds somewhere in the cell
=================================  =====================================================================

Values and classes have a companion ``<name>_valid_share``: how many of the cells were valid.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr

from musyq_lab.archive import encode, manifest
from musyq_lab.archive._layout import coordinates, dimension_names, layer_names
from musyq_lab.archive._overview_writer import PREFIX, Overviews
from musyq_lab.archive._publish import publish_product
from musyq_lab.archive._pyramid import FACTORS
from musyq_lab.archive.draft import draft, plain
from musyq_lab.archive.encode import Layer
from musyq_lab.archive.structure import LIBVER
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError
from musyq_lab.files.safety import check_hdf5, damage, opened
from musyq_lab.files.stored import attributes

LEAST_CELLS = 64
"""Cells that the longer side of an overview has at least: less than that is no map."""
_ROWS = 512


def factors_in(file: h5py.File) -> list[int]:
    """Return the factors of the overviews that a file holds, ascending."""
    names = (name.removeprefix(PREFIX) for name in file if name.startswith(PREFIX))
    return sorted(int(name) for name in names if name.isdecimal())


def chosen(shape: tuple[int, int], wanted: bool | Sequence[int]) -> tuple[int, ...]:
    """Return the factors to make, ascending.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the map.
    wanted : bool or sequence of int
        True for those that leave a map, False for none, or some of 2, 4, 8, 16, 32.

    Raises
    ------
    InputError
        If a factor is none of these.
    """
    if isinstance(wanted, bool):
        return tuple(f for f in FACTORS if wanted and math.ceil(max(shape) / f) >= LEAST_CELLS)
    if unknown := sorted(set(wanted) - set(FACTORS)):
        raise InputError(f"overviews={unknown[0]!r} is no factor. Give True, False or some of {FACTORS}.")
    return tuple(sorted(set(wanted)))


def selected(file: h5py.File, overview: int | str | None, shape: tuple[int, int] | None) -> int:
    """Return the factor of the map to open, 1 for the map itself.

    Parameters
    ----------
    file : h5py.File
        A product file.
    overview : int, "auto" or None
        See :func:`musyq_lab.archive.open.open_product`.
    shape : tuple of int or None
        Rows and columns that ``"auto"`` is to have at least.

    Raises
    ------
    InputError
        If ``"auto"`` has no shape, a shape no ``"auto"``, or the overview is neither a number nor ``"auto"``.
    NotFoundError
        If the file has no such overview.
    """
    if (overview == "auto") != (shape is not None):
        raise InputError("overview='auto' and shape=(rows, columns) go together: the least that the map should have.")
    if overview is None or (overview == 1 and not isinstance(overview, bool)):
        return 1
    there = factors_in(file)
    if overview == "auto":
        assert shape is not None
        rows, columns = _map_shape(file)
        return max(f for f in (1, *there) if f == 1 or (rows / f >= shape[0] and columns / f >= shape[1]))
    if not isinstance(overview, int) or isinstance(overview, bool):
        raise InputError(f"overview={overview!r} must be one of {FACTORS}, or 'auto' with shape=(rows, columns).")
    if overview not in there:
        has = f"It has {', '.join(map(str, there))}" if there else "It has none"
        raise NotFoundError(
            f"{file.filename} has no overview {overview}. {has}; archive.overviews.add(path) adds those of its size."
        )
    return overview


def _map_shape(file: h5py.File) -> tuple[int, int]:
    """Return rows and columns of a file's map, (1, 1) where it has none."""
    for pair in encode.SPATIAL:
        if all(isinstance(file.get(name), h5py.Dataset) for name in pair):
            return int(file[pair[0]].shape[0]), int(file[pair[1]].shape[0])
    return 1, 1


def described(attributes: dict[str, Any], factor: int) -> dict[str, Any]:
    """Return the attributes of a product as its overview of a factor has them."""
    if factor == 1:
        return attributes
    steps = ("geospatial_lat_resolution", "geospatial_lon_resolution")
    coarser = {name: attributes[name] * factor for name in steps if isinstance(attributes.get(name), float)}
    return {**attributes, **coarser, "overview": factor}


def add(path: str | Path, factors: bool | Sequence[int] = True) -> Path:
    """Add the overviews to a product file that has none, and return its path.

    The file is replaced by a complete new one with a checksum of its own; what it held stays as it is. They are those
    that writing the product with them would have made.

    Parameters
    ----------
    path : str or pathlib.Path
        A product file.
    factors : bool or sequence of int
        As ``overviews`` of :func:`musyq_lab.archive.write.write_product`.

    Raises
    ------
    InputError
        If it has other overviews already.
    NotFoundError
        If there is no such file.
    ArchiveError
        If the file is damaged, not what was written, or cannot be replaced; it stays as it is.
    """
    path = Path(path)
    check_hdf5(path)
    with opened(path) as file, damage(path):
        there, wanted = factors_in(file), chosen(_map_shape(file), factors)
    if set(wanted) <= set(there):
        return path
    if there:
        raise InputError(f"{path.name} has the overviews {there} already. Write the product again to have {wanted}.")
    if (finding := manifest.check(path)).state == "changed":
        raise ArchiveError(f"{finding.message}.")
    started = datetime.now(UTC)
    try:
        with draft(path) as copy:
            shutil.copyfile(path, copy)
            with h5py.File(copy, "r+", libver=LIBVER, locking=False) as file, damage(path):
                _build(file, wanted)
            publish_product(copy, path, started)
    except Exception as error:
        raise plain(error, path) from error
    return path


def _build(file: h5py.File, factors: Sequence[int]) -> None:
    """Make the overviews of a complete file from the numbers it stores."""
    coords = coordinates(file)
    items = {name: file[name] for name in layer_names(file, coords)}
    dims = {name: dimension_names(item) for name, item in items.items()}
    empty = np.zeros((), np.uint8)
    ds = xr.Dataset({n: (dims[n], np.broadcast_to(empty, item.shape)) for n, item in items.items()}, coords)
    pair = encode.spatial(ds)
    assert pair is not None
    maps = {name: item for name, item in items.items() if set(pair) <= set(dims[name]) and item.chunks}
    layers = [_layer(name, item) for name, item in maps.items()]
    compression = "gzip" if all(item.compression == "gzip" for item in maps.values()) else "zstd"
    made = Overviews(file, ds, layers, factors, compression)
    for first in range(0, ds.sizes[pair[0]], _ROWS):
        made.add([item[..., first : first + _ROWS, :] for item in maps.values()])
    made.finish()


def _layer(name: str, item: h5py.Dataset) -> Layer:
    known = attributes(item)
    fill = known.pop("_FillValue", None)
    scale, offset = float(known.get("scale_factor", 1.0)), float(known.get("add_offset", 0.0))
    return Layer(name, item.dtype, scale, offset, None if fill is None else fill.item(), attributes=known)
