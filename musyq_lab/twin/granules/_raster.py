"""Counts and the raster files that hold them: GeoTIFF and JPEG 2000, the same bytes for the same counts."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import from_origin

from musyq_lab.twin.granules._map import Frame


def counts(
    values: NDArray[np.float32],
    gain: float,
    offset: float,
    limits: tuple[int, int],
    *,
    fill: int = 0,
    dtype: str = "uint16",
) -> NDArray[Any]:
    """Return values as stored numbers: (value - offset) / gain to the nearest, kept within the limits.

    Parameters
    ----------
    values
        Physical values, NaN where there are none.
    gain, offset
        value = gain x count + offset.
    limits
        Least and largest count that is a measurement.
    fill
        Count where there is no value.
    dtype
        Type of the counts.
    """
    made = np.asarray(values, np.float32) * np.float32(1 / gain) - np.float32(offset / gain)
    np.rint(made, out=made)
    np.clip(made, *limits, out=made)
    gone = np.isnan(made)
    made[gone] = fill
    return made.astype(dtype)


def write_tiff(
    path: Path, data: NDArray[Any], frame: Frame | None, resolution: float = 1.0, *, point: bool = False, **more: Any
) -> None:
    """Write a GeoTIFF, compressed.

    Parameters
    ----------
    path
        File.
    data
        Counts, (y, x) or (band, y, x).
    frame
        Where it lies; None for an image in sensor geometry, without place.
    resolution
        Edge of a pixel (m).
    point
        Whether the file says that map coordinates are those of the pixels' centres (as Landsat's do).
    **more
        Further entries of rasterio's profile, such as ``nodata``.
    """
    stack = data if data.ndim == 3 else data[np.newaxis]
    profile: dict[str, Any] = {"driver": "GTiff", "dtype": stack.dtype.name, "count": stack.shape[0]}
    profile |= {"height": stack.shape[1], "width": stack.shape[2], **more}
    profile |= {"compress": "deflate", "zlevel": 1, "predictor": 2}
    if min(stack.shape[1:]) >= 256:
        profile |= {"tiled": True, "blockxsize": 256, "blockysize": 256}
    if frame is not None:
        profile |= {
            "crs": f"EPSG:{frame.epsg}",
            "transform": from_origin(frame.left, frame.top, resolution, resolution),
        }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", **profile) as file:
            if point:
                file.update_tags(AREA_OR_POINT="Point")
            file.write(stack)


def write_jp2(path: Path, data: NDArray[Any], frame: Frame, resolution: float) -> None:
    """Write a lossless JPEG 2000 in tiles of 1024 pixels with the place in it (GML and GeoTIFF boxes).

    Parameters
    ----------
    path, data, frame, resolution
        As for :func:`write_tiff`.
    """
    stack = data if data.ndim == 3 else data[np.newaxis]
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="JP2OpenJPEG",
        dtype=stack.dtype.name,
        count=stack.shape[0],
        height=stack.shape[1],
        width=stack.shape[2],
        crs=f"EPSG:{frame.epsg}",
        transform=from_origin(frame.left, frame.top, resolution, resolution),
        QUALITY="100",
        REVERSIBLE="YES",
        YCC="NO",
        BLOCKXSIZE="1024",
        BLOCKYSIZE="1024",
    ) as file:
        file.write(stack)


def block_mean(values: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return means of squares of ``factor`` pixels, NaN where one is missing.

    Parameters
    ----------
    values
        Array (y, x) whose sides are multiples of ``factor``.
    factor
        Pixels along an edge of a square.
    """
    rows, columns = (size // factor for size in values.shape)
    made: NDArray[np.float32] = values.reshape(rows, factor, columns, factor).mean(axis=(1, 3))
    return made
