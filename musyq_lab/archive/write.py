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

from musyq_lab.archive import encode, lineage, manifest
from musyq_lab.archive.draft import draft, plain, publish, write_text
from musyq_lab.archive.encode import Layer
from musyq_lab.archive.naming import FileName
from musyq_lab.archive.structure import create, global_attributes, prepare
from musyq_lab.core.errors import ArchiveError, InputError, NotFoundError
from musyq_lab.core.progress import track
from musyq_lab.core.spec import Product
from musyq_lab.files.digest import sha256
from musyq_lab.files.direct import write_chunk
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
        with the coordinate ``granule``) may come with them.
    root : str or pathlib.Path
        Folder, made if it does not exist.
    spec : Product, optional
        How to store it; by default the registered product ``ds.attrs["product"]``.
    edition, tile, period, version : str
        Fields of the name, such as ``"0p25deg"``, ``"global"``, ``"2015001"`` and ``"v1"``.
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
    ds = prepare(ds, layers)
    record = None if provenance is None else lineage.text_of(provenance)
    target = Path(root) / name.text
    started = datetime.now(UTC)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with draft(target) as path:
            _write(path, ds, layers, global_attributes(ds, spec, name), record)
            _read_back(path, ds, layers)
            _publish(path, target, started)
    except Exception as error:
        known = plain(error, target)
        if known is error:
            raise
        raise known from error
    return target


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


def _write(path: Path, ds: xr.Dataset, layers: Sequence[Layer], attributes: dict[str, Any], record: str | None) -> None:
    """Fill the draft. Fixed format versions, so that the bytes do not follow the defaults of a later HDF5."""
    pair = encode.spatial(ds)
    maps = {layer.name: layer for layer in layers if pair and set(pair) <= set(ds[layer.name].dims)}
    tile_shape = encode.tile(ds, list(maps)) if maps else (1, 1)
    with h5py.File(path, "w", libver=("v108", "v110"), locking=False) as file:
        stored = create(file, ds, layers, attributes, set(maps), tile_shape)
        for layer in layers:
            if layer.name not in maps:
                stored[layer.name][...] = layer.pack(np.asarray(ds[layer.name].values))
        if maps and pair:
            _write_maps(stored, ds, list(maps.values()), pair, tile_shape)
        if record is not None:
            lineage.store(file, record)


def _write_maps(
    stored: dict[str, h5py.Dataset],
    ds: xr.Dataset,
    maps: Sequence[Layer],
    pair: tuple[str, str],
    tile_shape: tuple[int, int],
) -> None:
    height, width = ds.sizes[pair[0]], ds.sizes[pair[1]]
    total = math.ceil(height / tile_shape[0])
    for first, block in track(_rows_of_tiles(ds, maps, pair[0], tile_shape[0]), "Writing the product", total):
        where = f" in rows {first} to {min(first + tile_shape[0], height) - 1}"
        for layer, values in zip(maps, block, strict=True):
            packed = layer.pack(values, where)
            rows = slice(first, first + packed.shape[-2])
            for column in range(0, width, tile_shape[1]):
                columns = slice(column, column + tile_shape[1])
                _store(stored[layer.name], packed[..., columns], rows, columns)


def _store(dataset: h5py.Dataset, block: NDArray[Any], rows: slice, columns: slice) -> None:
    """Write a tile: as one chunk, or through the library where its leading dimensions take several."""
    if block.shape[:-2] == dataset.chunks[:-2]:
        write_chunk(dataset, (*(0 for _ in block.shape[:-2]), rows.start, columns.start), block)
    else:
        dataset[..., rows, columns] = block


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


def _read_back(path: Path, ds: xr.Dataset, layers: Sequence[Layer]) -> None:
    """Open the closed draft again and compare shapes and the number of chunks on the disk."""
    with opened(path) as file:
        for layer in layers:
            stored = file[layer.name]
            whole = stored.chunks is None or stored.id.get_num_chunks() == math.prod(
                math.ceil(size / chunk) for size, chunk in zip(stored.shape, stored.chunks, strict=True)
            )
            if stored.shape != ds[layer.name].shape or not whole:
                raise ArchiveError(
                    f"{layer.name!r} came back incomplete from the disk. Check the disk, then write again."
                )


def _publish(path: Path, target: Path, started: datetime) -> None:
    """Give product, checksum and run record their names, the product first.

    A kill in between leaves a complete product whose checksum is absent or old; that counts as not done.
    """
    digest, size = sha256(path), path.stat().st_size
    drafts = {path: target}
    try:
        for suffix, text in (
            (manifest.SUFFIX, manifest.checksum_line(target, digest)),
            (manifest.RUN_SUFFIX, manifest.run_record(target, digest, size, started)),
        ):
            side = manifest.side_file(target, suffix)
            drafts[write_text(side, text)] = side
        publish(drafts)
    finally:
        for item in drafts:
            item.unlink(missing_ok=True)
