"""The four kinds of file: what is in them, and parts of it read inside a task.

Each kind answers the same three questions of a path, opens the file for each answer and keeps nothing open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from musyq_lab.core.errors import ArchiveError
from musyq_lab.files import bounded
from musyq_lab.files.lazy import BLOCK, blocks

ALL_BANDS = "*"
"""Name of the layer that all bands of a GeoTIFF make, along a first axis."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored layer, from the headers."""

    name: str
    """Whole name in the file."""
    shape: tuple[int, ...]
    """Length of each axis."""
    dtype: np.dtype[Any]
    """Stored type."""
    chunks: tuple[int, ...]
    """Blocks to read it in."""
    attributes: Mapping[str, Any]
    """Attributes."""

    @property
    def short(self) -> str:
        """Name without the group."""
        return self.name.rpartition("/")[2]


class Reader(Protocol):
    """One kind of file."""

    def attributes(self, path: str) -> dict[str, Any]:
        """Return the global attributes."""

    def layers(self, path: str) -> dict[str, Stored]:
        """Return the layers by whole name."""

    def read(self, path: str, name: str, key: tuple[Any, ...]) -> tuple[NDArray[Any], Mapping[str, Any]]:
        """Return a part of a layer as stored, and its attributes; ``key`` holds slices without a step."""


class Hdf4:
    """HDF4, with or without HDF-EOS2."""

    def attributes(self, path: str) -> dict[str, Any]:
        """Return the global attributes."""
        from musyq_lab.files.hdf4 import global_attributes

        return dict(global_attributes(path))

    def layers(self, path: str) -> dict[str, Stored]:
        """Return the layers by whole name."""
        from musyq_lab.files.hdf4 import chunks_of, datasets

        return {
            name: Stored(name, item.shape, item.dtype, chunks_of(item, path), item.attributes)
            for name, item in datasets(path).items()
            if item.dtype.kind in "iuf" and item.shape
        }

    def read(self, path: str, name: str, key: tuple[Any, ...]) -> tuple[NDArray[Any], Mapping[str, Any]]:
        """Return a part of a layer as stored, and its attributes."""
        from musyq_lab.files.hdf4 import Hdf4Layer, datasets

        item = _get(datasets(path), name, path)
        return Hdf4Layer(path, name, item.index, item.shape, item.dtype)[key], item.attributes


class Hdf5:
    """HDF5 and netCDF-4, with or without HDF-EOS5."""

    def attributes(self, path: str) -> dict[str, Any]:
        """Return the global attributes; HDF-EOS5 keeps its text in a dataset and granule names in a group."""
        from musyq_lab.files.safety import check_hdf5, damage, opened
        from musyq_lab.files.stored import attributes

        check_hdf5(path)
        with opened(path) as file, damage(path):
            found = attributes(file)
            for group in ("HDFEOS/ADDITIONAL/FILE_ATTRIBUTES", "HDFEOS INFORMATION"):
                if group in file:
                    found |= attributes(file[group])
            if "HDFEOS INFORMATION/StructMetadata.0" in file:
                text = file["HDFEOS INFORMATION/StructMetadata.0"][()]
                found["StructMetadata.0"] = text.decode("latin-1") if isinstance(text, bytes) else str(text)
        return found

    def layers(self, path: str) -> dict[str, Stored]:
        """Return the layers by whole name."""
        import h5py

        from musyq_lab.files.safety import check_hdf5, damage, opened
        from musyq_lab.files.stored import attributes

        check_hdf5(path)
        found: dict[str, Stored] = {}

        def visit(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset) and item.dtype.kind in "iuf" and item.shape is not None:
                chunks = blocks(item.shape, item.chunks or _default(item.shape), least=BLOCK)
                said = attributes(item)
                found[name] = Stored(name, item.shape, _declared(item.dtype, said), chunks, _positive(item.dtype, said))

        with opened(path) as file, damage(path):
            file.visititems(visit)
        return found

    def read(self, path: str, name: str, key: tuple[Any, ...]) -> tuple[NDArray[Any], Mapping[str, Any]]:
        """Return a part of a layer as stored, and its attributes."""
        from musyq_lab.files.safety import check_hdf5, damage, opened
        from musyq_lab.files.stored import attributes

        check_hdf5(path)
        with opened(path) as file, damage(path):
            item = file[name]
            said = attributes(item)
            raw = np.asarray(bounded.read(item, key))
            return raw.view(_declared(raw.dtype, said)), _positive(raw.dtype, said)


class GeoTiff:
    """GeoTIFF: the one band, or all bands along a first axis."""

    def attributes(self, path: str) -> dict[str, Any]:
        """Return the tags."""
        from musyq_lab.files.raster import opened

        with opened(path) as file:
            return dict(file.tags())

    def layers(self, path: str) -> dict[str, Stored]:
        """Return the layers by whole name: one, whose axes are (band, y, x) for several bands."""
        from musyq_lab.files.raster import open_band, opened

        checked = open_band(path)
        with opened(path) as file:
            edges = tuple(int(size[0]) for size in checked.chunks or ())
            several = file.count > 1
            shape = (file.count, *file.shape) if several else file.shape
            chunks = (file.count, *edges) if several else edges
            return {ALL_BANDS: Stored(ALL_BANDS, shape, np.dtype(file.dtypes[0]), chunks, _tags(file))}

    def read(self, path: str, name: str, key: tuple[Any, ...]) -> tuple[NDArray[Any], Mapping[str, Any]]:
        """Return a part of a layer as stored, and its attributes."""
        from rasterio.windows import Window

        from musyq_lab.files.raster import opened

        with opened(path) as file:
            rows, columns = key[-2:]
            bands = [b + 1 for b in range(key[0].start, key[0].stop)] if len(key) == 3 else 1
            window = Window(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
            return file.read(bands, window=window), _tags(file)


def _tags(file: Any) -> dict[str, Any]:
    """Return tags and what the format itself holds; scale and offset only where they say something."""
    found = {**file.tags(), **file.tags(1)}
    if file.nodatavals[0] is not None:
        found["nodata"] = file.nodatavals[0]
    if (file.scales[0], file.offsets[0]) != (1.0, 0.0):
        found |= {"scale_factor": file.scales[0], "add_offset": file.offsets[0]}
    return found


class Zarr:
    """Zarr stores of version 2 or 3, where the package zarr is installed."""

    def attributes(self, path: str) -> dict[str, Any]:
        """Return the global attributes."""
        return dict(_store(path).attrs)

    def layers(self, path: str) -> dict[str, Stored]:
        """Return the layers by whole name."""
        return {
            name: Stored(name, item.shape, item.dtype, blocks(item.shape, item.chunks), dict(item.attrs))
            for name, item in sorted(_store(path).arrays())
            if item.shape
        }

    def read(self, path: str, name: str, key: tuple[Any, ...]) -> tuple[NDArray[Any], Mapping[str, Any]]:
        """Return a part of a layer as stored, and its attributes."""
        from musyq_lab.files.safety import damage

        with damage(path):
            item: Any = _store(path)[name]
            return np.asarray(item[key]), dict(item.attrs)


def _store(path: str) -> Any:
    from musyq_lab.files.safety import damage

    try:
        import zarr
    except ImportError as error:
        raise ArchiveError(f"{path} is a Zarr store. Install the package that reads it: pip install zarr") from error
    with damage(path):
        return zarr.open_group(path, mode="r")


def _declared(dtype: np.dtype[Any], said: Mapping[str, Any]) -> np.dtype[Any]:
    """Return the type that ``_Unsigned`` makes of a signed one (netCDF conventions; BEAM, GOES)."""
    if dtype.kind == "i" and str(said.get("_Unsigned", "")).lower() == "true":
        return np.dtype(f"{dtype.byteorder}u{dtype.itemsize}".replace("|", ""))
    return dtype


def _positive(dtype: np.dtype[Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes with fill and range of the type they are meant in."""
    if _declared(dtype, said) == dtype:
        return dict(said)
    signed = ("_FillValue", "valid_range", "valid_min", "valid_max", "missing_value")
    return {k: np.asarray(v, np.int64) % (1 << 8 * dtype.itemsize) if k in signed else v for k, v in said.items()}


def _default(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(min(size, BLOCK) for size in shape)


def _get(found: Mapping[str, Any], name: str, path: str) -> Any:
    if name not in found:
        raise ArchiveError(f"{path} has no layer {name!r}, unlike the first file of its series.")
    return found[name]


READERS: Mapping[str, Reader] = {"hdf4": Hdf4(), "hdf5": Hdf5(), "geotiff": GeoTiff(), "zarr": Zarr()}
"""Kind of file -> its reader."""


def exists(path: Path) -> None:
    """Refuse an empty file before any reader meets it.

    Raises
    ------
    ArchiveError
        If it holds nothing.
    """
    if path.is_file() and not path.stat().st_size:
        raise ArchiveError(f"{path} is empty (0 bytes). Fetch it again.")
