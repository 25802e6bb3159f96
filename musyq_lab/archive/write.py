"""Writing a product: lazily, in bounded memory, all or nothing, and byte for byte the same each time.

Tiles are computed in horizontal bands (all layers of a band at once, since they share their graph) and written in one
fixed order, whatever the chunks of the data or the number of threads were. With an active dask client the bands are
computed on it; HDF5 is written by the calling process alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.archive import encode, lineage
from musyq_lab.archive._chunks import filters, store_rows
from musyq_lab.archive._overview_writer import Overviews, group_name
from musyq_lab.archive._publish import publish_product
from musyq_lab.archive.draft import draft, plain
from musyq_lab.archive.encode import Layer
from musyq_lab.archive.naming import FileName
from musyq_lab.archive.overviews import chosen
from musyq_lab.archive.structure import LIBVER, create, global_attributes, prepare
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError
from musyq_lab.core.progress import track
from musyq_lab.core.spec import Product
from musyq_lab.files.safety import opened

BAND_BYTES = 128 * 2**20
"""Most of the arrays computed at once; a single chunk of the data that is larger sets it instead."""
LEAST_BYTES = 32 * 2**20
"""Least of them where the data allow: every computation costs some tenths of a second of scheduling."""


def write_product(
    ds: xr.Dataset,
    root: str | Path,
    *,
    spec: Product | None = None,
    edition: str,
    tile: str = "global",
    period: str,
    version: str = "v1",
    overviews: bool | Sequence[int] = True,
    compression: str = "gzip",
    provenance: Mapping[str, Any] | None = None,
) -> Path:
    """Write a product to ``root/MuSyQ.<KEY>.<edition>.<tile>.<period>.<version>.h5`` and return the path.

    The file is HDF5 with dimension scales and CF-1.11 attributes: xarray, netCDF and h5py read it as it is. It appears
    under its name only when it is complete and on the disk, with its checksum in ``<name>.h5.sha256`` and times, host
    and versions in ``<name>.h5.run.json``. The same data give the same bytes. A file of the same name is replaced.

    Parameters
    ----------
    ds : xarray.Dataset
        Variables of the product (with ``units``), their ``<name>_uncertainty`` and ``<key>_qa``, on dimensions
        latitude and longitude (or y and x) and any others; in memory or backed by dask. The layers of a composite
        that say what it was made of (``n_obs``, ``window_length``, ``time_offset``, ``sensor_share``, ``lineage``
        with the coordinate ``granule``) may come with them. Of ``ds.attrs``, ``time_coverage_start`` and
        ``time_coverage_end`` (ISO 8601, UTC) say the period where ``period`` leaves its end open: ``"2015001"`` is a
        day in some products and five in others.
    root : str or pathlib.Path
        Folder, made if it does not exist.
    spec : Product, optional
        How to store it; by default the registered product ``ds.attrs["product"]``.
    edition, tile, period, version : str
        Fields of the name, such as ``"0p25deg"``, ``"global"``, ``"2015001"`` and ``"v1"``.
    overviews : bool or sequence of int
        Coarser maps in the same file (:mod:`musyq_lab.archive.overviews`): those that leave a map, none, or some of
        the factors 2, 4, 8, 16, 32.
    compression : str
        ``"gzip"``, which every HDF5 library reads; or ``"zstd"``, somewhat smaller and faster, which needs the plug-in
        ``hdf5plugin`` here and wherever the file is read.
    provenance : mapping, optional
        PROV-JSON of how it was made, without anything that differs from run to run;
        :func:`musyq_lab.archive.lineage.provenance` reads it.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        If a variable is unknown, in other units, or has values that cannot be stored.
    ArchiveError
        If the folder cannot be written to, the disk is full, or computing the data fails. Nothing is left behind.
    """
    spec = spec or _registered(ds)
    name = FileName(spec.key, edition, tile, period, version)
    layers = encode.layers(ds, spec)
    plan = _Plan(prepare(ds, layers), layers, overviews, compression)
    record = None if provenance is None else lineage.text_of(provenance)
    target = Path(root) / name.text
    started = datetime.now(UTC)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with draft(target) as path:
            _write(path, plan, global_attributes(plan.ds, spec, name), record)
            _read_back(path, plan)
            publish_product(path, target, started)
    except Exception as error:
        known = plain(error, target)
        if known is error:
            raise
        raise known from error
    return target


class _Plan:
    """What goes into a file."""

    def __init__(
        self, ds: xr.Dataset, layers: Sequence[Layer], overviews: bool | Sequence[int], compression: str
    ) -> None:
        filters(compression)  # refused before anything is computed
        self.ds, self.layers, self.compression = ds, layers, compression
        self.pair = encode.spatial(ds)
        self.maps = [layer for layer in layers if self.pair and set(self.pair) <= set(ds[layer.name].dims)]
        self.tile = encode.tile(ds, [layer.name for layer in self.maps]) if self.maps else (1, 1)
        self.factors: tuple[int, ...] = ()
        if self.pair and self.maps:
            self.factors = chosen((ds.sizes[self.pair[0]], ds.sizes[self.pair[1]]), overviews)


def _registered(ds: xr.Dataset) -> Product:
    key = ds.attrs.get("product")
    if not key:
        raise InputError(
            "The Dataset does not say which product it holds. Set ds.attrs['product'], or pass spec=Product(...)."
        )
    from musyq_lab.products._registry import PRODUCTS

    try:
        return PRODUCTS[str(key)]
    except NotFoundError as error:
        raise NotFoundError(f"{error} For a product of your own pass spec=Product(...).") from None


def _write(path: Path, plan: _Plan, attributes: dict[str, Any], record: str | None) -> None:
    """Fill the draft. Fixed format versions, so that the bytes do not follow the defaults of a later HDF5."""
    names = {layer.name for layer in plan.maps}
    with h5py.File(path, "w", libver=LIBVER, locking=False) as file:
        stored = create(file, plan.ds, plan.layers, attributes, names, plan.tile, plan.compression)
        for layer in plan.layers:
            if layer.name not in names:
                stored[layer.name][...] = layer.pack(np.asarray(plan.ds[layer.name].values))
        if plan.maps:
            _write_maps(stored, plan, Overviews(file, plan.ds, plan.maps, plan.factors, plan.compression))
        if record is not None:
            lineage.store(file, record)


def _write_maps(stored: dict[str, h5py.Dataset], plan: _Plan, coarser: Overviews) -> None:
    assert plan.pair is not None
    height, rows = plan.ds.sizes[plan.pair[0]], plan.tile[0]
    bands = _rows_of_tiles(plan.ds, plan.maps, plan.pair[0], rows)
    for first, block in track(bands, "Writing the product", math.ceil(height / rows)):
        where = f" in rows {first} to {min(first + rows, height) - 1}"
        packed = [layer.pack(values, where) for layer, values in zip(plan.maps, block, strict=True)]
        for layer, numbers in zip(plan.maps, packed, strict=True):
            store_rows(stored[layer.name], numbers, first)
        coarser.add(packed)
    coarser.finish()


def _rows_of_tiles(
    ds: xr.Dataset, maps: Sequence[Layer], dimension: str, rows: int
) -> Iterator[tuple[int, list[NDArray[Any]]]]:
    """Yield the first row and the arrays of each row of tiles; several are computed together where that saves work."""
    from dask.base import compute

    for start, stop in _bands(ds[[layer.name for layer in maps]], dimension, rows):
        band = ds.isel({dimension: slice(start, stop)})
        arrays = compute(*(band[layer.name].data for layer in maps))
        for first in range(start, stop, rows):
            part = slice(first - start, first - start + rows)
            yield first, [np.asarray(array)[..., part, :] for array in arrays]


def _bands(ds: xr.Dataset, dimension: str, rows: int) -> Iterator[tuple[int, int]]:
    """Yield stretches of rows to compute at once: large enough, ending where no chunk is cut, or at the budget."""
    height = ds.sizes[dimension]
    cuts = [set(np.cumsum(sizes)) for sizes in _chunks(ds, dimension)]
    per_row = sum(array.size * array.dtype.itemsize for array in ds.values()) / max(height, 1)
    budget = max(BAND_BYTES, sum(_largest_chunk(array) for array in ds.values()))
    start = 0
    for stop in (*range(rows, height, rows), height):
        enough = (stop - start) * per_row >= LEAST_BYTES and all(stop in cut for cut in cuts)
        if stop == height or enough or (stop - start + rows) * per_row > budget:
            if stop > start:
                yield start, stop
            start = stop


def _chunks(ds: xr.Dataset, dimension: str) -> list[tuple[int, ...]]:
    return [array.chunksizes[dimension] for array in ds.values() if dimension in array.chunksizes]


def _largest_chunk(array: xr.DataArray) -> int:
    sizes = (max(chunk, default=0) for chunk in array.chunksizes.values())
    return math.prod(sizes) * array.dtype.itemsize if array.chunksizes else 0


def _read_back(path: Path, plan: _Plan) -> None:
    """Open the closed draft again and compare shapes and the number of chunks on the disk."""
    with opened(path) as file:
        for layer in plan.layers:
            if file[layer.name].shape != plan.ds[layer.name].shape or not _is_whole(file[layer.name]):
                raise _incomplete(layer.name)
        for factor in plan.factors:
            for name, item in file[group_name(factor)].items():
                if not item.is_scale and not _is_whole(item):
                    raise _incomplete(f"{group_name(factor)}/{name}")


def _is_whole(stored: h5py.Dataset) -> bool:
    if stored.chunks is None:
        return True
    counts = (math.ceil(size / chunk) for size, chunk in zip(stored.shape, stored.chunks, strict=True))
    return bool(stored.id.get_num_chunks() == math.prod(counts))


def _incomplete(name: str) -> ArchiveError:
    return ArchiveError(f"{name!r} came back incomplete from the disk. Check the disk, then write again.")
