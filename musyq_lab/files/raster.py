"""What GDAL reads, GeoTIFF and JPEG 2000: one band as a lazy DataArray on its native grid."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import NotFoundError, SceneError
from musyq_lab.files.cut import missing_bytes
from musyq_lab.files.lazy import BLOCK, blocks, dask_array

# First bytes -> driver of GDAL. Others are not let in: VRT and its like lead to files elsewhere.
_DRIVERS = {
    b"II*\0": "GTiff",
    b"MM\0*": "GTiff",
    b"II+\0": "GTiff",
    b"MM\0+": "GTiff",
    b"\0\0\0\x0c": "JP2OpenJPEG",
    b"\xff\x4f\xff\x51": "JP2OpenJPEG",
}
_SUFFIXES = {".tif": "GTiff", ".tiff": "GTiff", ".jp2": "JP2OpenJPEG"}

# No look at neighbours such as .aux.xml and .ovr. One thread, since errors of GDAL's own threads that decode JPEG 2000
# get lost (3.10): a damaged tile would give whatever was in memory. Dask's threads read different blocks.
_GDAL = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_NUM_THREADS": "1"}

MAX_BLOCK = 256 * 2**20
"""Bytes of one stored block: what reading a single value may cost."""

_MAX_EDGE = 400_000  # pixels: ten times the largest image of the programme


@dataclass(frozen=True, slots=True)
class RasterLayer:
    """One band of one file, opened inside the task (see :class:`musyq_lab.files.lazy.Layer`)."""

    path: str
    """File, or an address inside a zip file (``/vsizip/...``)."""
    band: int
    """Number of the band, from 1."""
    shape: tuple[int, int]
    """Rows and columns."""
    dtype: np.dtype[Any]
    """Stored type."""

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return 2

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Read a part."""
        from rasterio.windows import Window

        # A key may step, or go backwards; the window is what it spans, and numpy picks from it.
        parts = key if isinstance(key, tuple) else (key,)
        parts += (slice(None),) * (2 - len(parts))
        rows, columns = (_Span.of(part, size) for part, size in zip(parts, self.shape, strict=True))
        if not rows.size or not columns.size:
            return np.empty((rows.size, columns.size), self.dtype)[rows.pick, columns.pick]
        with opened(self.path) as file:
            self._compare(file)
            window = Window(columns.first, rows.first, columns.size, rows.size)
            data: NDArray[Any] = file.read(self.band, window=window)
        return data[rows.pick, columns.pick]

    def _compare(self, file: Any) -> None:
        found = file.shape, np.dtype(file.dtypes[self.band - 1]) if self.band <= file.count else None
        if found != (self.shape, self.dtype):
            raise SceneError(
                f"{self.path} holds {found[1]} of shape {found[0]}, not {self.dtype} of shape {self.shape}: it was "
                "changed after it was opened. Open it again."
            )


@dataclass(frozen=True, slots=True)
class _Span:
    """The stretch of an axis that a slice or a whole number reaches, and how to pick from it."""

    first: int
    size: int
    pick: slice | int

    @classmethod
    def of(cls, part: slice | int, length: int) -> _Span:
        """Return the span along an axis."""
        if not isinstance(part, slice):
            return cls(range(length)[part], 1, 0)
        chosen = range(*part.indices(length))
        if not chosen:
            return cls(0, 0, slice(None))
        first, last = min(chosen[0], chosen[-1]), max(chosen[0], chosen[-1])
        return cls(first, last - first + 1, slice(None, None, chosen.step))


def open_band(path: str | Path, band: int = 1) -> xr.DataArray:
    """Return one band of a file, in dask chunks, with its CRS and the coordinates of the pixels' centres.

    Parameters
    ----------
    path : str or pathlib.Path
        GeoTIFF or JPEG 2000; ``/vsizip/archive.zip/inner`` reaches into a zip file.
    band : int
        Number of the band, from 1.

    Returns
    -------
    xarray.DataArray, dims (y, x)
        Stored numbers as they are. ``x`` and ``y`` and the CRS (``.rio.crs``) are there for a georeferenced file that
        is not rotated. ``attrs["nodata"]`` is what the file declares, if it does.

    Raises
    ------
    NotFoundError
        If there is no such file.
    SceneError
        If it is no such raster, is damaged, or declares more than this package reads.
    """
    import rioxarray  # noqa: F401  # registers `.rio`, for the CRS

    with opened(str(path)) as file:
        _check(file, band, path)
        _check_whole(file, band, path)
        layer = RasterLayer(str(path), band, file.shape, np.dtype(file.dtypes[band - 1]))
        chunks = blocks(file.shape, file.block_shapes[band - 1], least=BLOCK)
        transform, crs, nodata = file.transform, file.crs, file.nodatavals[band - 1]
    data = dask_array(layer, chunks, [_outer(str(path))], Path(str(path)).stem)
    attrs = {} if nodata is None else {"nodata": nodata}
    array = xr.DataArray(data, dims=("y", "x"), attrs=attrs)
    if crs is None or transform.b or transform.d:
        return array
    rows, columns = layer.shape
    array = array.assign_coords(
        y=transform.f + transform.e * (np.arange(rows) + 0.5), x=transform.c + transform.a * (np.arange(columns) + 0.5)
    )
    placed: xr.DataArray = array.rio.write_crs(crs).rio.write_transform(transform).rio.write_coordinate_system()
    return placed


def count(path: str | Path) -> int:
    """Return how many bands a file has."""
    with opened(str(path)) as file:
        return int(file.count)


@contextmanager
def opened(path: str) -> Iterator[Any]:
    """Open a raster for reading; whatever goes wrong while it is open gives one plain error.

    Raises
    ------
    NotFoundError
        If there is no such file.
    SceneError
        In place of any error of GDAL's.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError, RasterioIOError

    outer = Path(_outer(path))
    if not outer.is_file():
        raise NotFoundError(f"There is no file {outer}.")
    if not outer.stat().st_size:
        raise SceneError(f"{outer} is empty (0 bytes). Fetch it again.")
    driver = _driver(path, outer)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.Env(**_GDAL), rasterio.open(path, driver=driver) as file:
                yield file
    except (RasterioError, RasterioIOError, ValueError, MemoryError) as error:
        if isinstance(error, SceneError):
            raise
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise SceneError(f"{path} cannot be read as a raster ({reason[:200]}). Fetch it again.") from error


def _driver(path: str, outer: Path) -> str:
    """Return the driver for a file: by its first bytes, or by its name inside a zip file."""
    if path != str(outer):
        driver = _SUFFIXES.get(Path(path).suffix.lower())
    else:
        with outer.open("rb") as file:
            driver = _DRIVERS.get(file.read(4))
    if driver is None:
        raise SceneError(f"{path} is neither GeoTIFF nor JPEG 2000. It is of another kind, or damaged: fetch it again.")
    return driver


def _outer(path: str) -> str:
    """Return the file of the local disk that a path lies in."""
    if not path.startswith("/vsizip/"):
        return path
    inner = path.removeprefix("/vsizip/")
    head, dot, _ = inner.lower().partition(".zip")
    if not dot:
        raise SceneError(f"{path} names no zip file (/vsizip/archive.zip/inner).")
    return inner[: len(head) + len(dot)]


def _check(file: Any, band: int, path: str | Path) -> None:
    if not 1 <= band <= file.count:
        raise SceneError(f"{path} has {file.count} bands, not {band}. The file is of another kind.")
    dtype = np.dtype(file.dtypes[band - 1])
    if max(file.shape) > _MAX_EDGE or math.prod(file.block_shapes[band - 1]) * dtype.itemsize > MAX_BLOCK:
        raise SceneError(
            f"{path} declares {file.shape[0]} x {file.shape[1]} pixels in blocks of {file.block_shapes[band - 1]}, "
            "more than this package reads. Its header is damaged, or it must be rewritten in tiles (gdal_translate -co "
            "TILED=YES)."
        )


def _check_whole(file: Any, band: int, path: str | Path) -> None:
    outer = _outer(str(path))
    if outer != str(path):
        return  # what a zip file holds has a checksum of its own
    if lacking := missing_bytes(file, Path(outer), band):
        raise SceneError(f"{path} is cut short: at least {lacking} bytes are missing at its end. Fetch it again.")
