"""What the Sentinel-3 optical sensors share: folders (SEN3) of netCDF-4 members.

satpy reads both sensors, but interpolates all tie points when it opens, takes SLSTR's solar irradiance from the
calibration of an earlier orbit and multiplies its radiances without being asked; so the members, which are plain HDF5,
are read here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Band
from musyq_lab.files.lazy import blocks, dask_array
from musyq_lab.files.safety import check_hdf5, damage, opened
from musyq_lab.files.stored import Packing, StoredLayer, attributes, packing
from musyq_lab.files.xml import read_xml
from musyq_lab.sensors._calibrate import Counts, Linear
from musyq_lab.sensors._granule import Granule
from musyq_lab.sensors._time import instant

Floats = NDArray[np.floating[Any]]

MANIFEST = "xfdumanifest.xml"
_EDGE = 1024  # rows and columns of a block: 4 MB as float32
_PLATFORM = "Sentinel-3"


@dataclass(frozen=True, slots=True)
class Folder:
    """A SEN3 folder."""

    granule: Granule
    """With the name of the product."""
    place: Path
    """The folder."""
    platform: str
    """Such as ``"Sentinel-3A"``."""
    start: datetime
    """First instant (UTC)."""
    end: datetime
    """Last instant (UTC)."""
    attributes: Mapping[str, str]
    """What is worth keeping of the manifest."""

    def member(self, name: str, what: str) -> Path:
        """Return the path of a member.

        Raises
        ------
        SceneError
            If the folder lacks it.
        """
        path = self.place / name
        if not path.is_file():
            raise SceneError(
                f"{self.place} lacks {name}, which holds {what}. The granule is incomplete: fetch it again."
            )
        return path

    def has(self, name: str) -> bool:
        """Return whether the folder has a member."""
        return (self.place / name).is_file()


def open_folder(granule: Granule, product: str) -> Folder:
    """Return the folder of a granule with what its manifest says.

    Parameters
    ----------
    granule : Granule
        Found by the folder, by a member, or as a zip file.
    product : str
        Regular expression of the product types to accept.

    Raises
    ------
    SceneError
        If it is zipped, lacks its manifest or is of another product.
    """
    path = granule.path
    if path.is_file() and path.suffix.lower() == ".zip":
        raise SceneError(f"{path} is a zip file. Unpack it (python -m zipfile -e {path.name} .) and open the folder.")
    place = path if path.is_dir() else path.parent
    if not (place / MANIFEST).is_file():
        raise SceneError(
            f"{place} lacks {MANIFEST}, which holds platform, time and product. The granule is incomplete: fetch it "
            "again, and give its whole folder."
        )
    entries = _manifest(place / MANIFEST)
    kind = entries.get("productType", "")
    if not re.fullmatch(product, kind.strip("_")):
        raise SceneError(
            f"{place} holds the product {kind or 'without a type'}, not {granule.sensor.title} Level-1 "
            f"({product.replace('|', ' or ')})."
        )
    platform = _PLATFORM + entries.get("number", "")
    if platform not in granule.sensor.platforms:
        raise SceneError(f"{place / MANIFEST} names the satellite {platform!r}. The manifest is damaged.")
    kept = {k: entries[v] for k, v in _KEPT.items() if v in entries}
    name = entries.get("productName", granule.name).removesuffix(".SEN3")
    return Folder(
        replace(granule, name=name),
        place,
        platform,
        _moment(entries, "startTime", place),
        _moment(entries, "stopTime", place),
        kept,
    )


_KEPT = {"orbit": "orbitNumber", "timeliness": "timeliness", "baseline_collection": "baselineCollection"}


def _manifest(path: Path) -> dict[str, str]:
    """Return the texts of the manifest's elements by their local names, the first of each; platform's come first."""
    root = read_xml(path)
    platform = [child for element in root.iter() if _local(element) == "platform" for child in element.iter()]
    entries: dict[str, str] = {}
    for element in (*platform, *root.iter()):
        if text := (element.text or "").strip():
            entries.setdefault(_local(element), text)
    return entries


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _moment(entries: Mapping[str, str], name: str, place: Path) -> datetime:
    if name not in entries:
        raise SceneError(f"{place / MANIFEST} lacks {name}. It is cut short or damaged.")
    return instant(entries[name])


@dataclass(frozen=True, slots=True)
class Stored:
    """A dataset of a member: where it lies and how it is packed."""

    path: Path
    """The member."""
    name: str
    """Dataset."""
    shape: tuple[int, ...]
    """As stored."""
    dtype: np.dtype[Any]
    """As stored."""
    chunks: tuple[int, ...] | None
    """As stored."""
    packing: Packing
    """How to decode."""
    attributes: Mapping[str, Any]
    """Its attributes."""


def look(path: Path, names: Sequence[str]) -> tuple[Stored, ...]:
    """Return datasets of a member, without reading them.

    Raises
    ------
    SceneError
        If one is not there.
    """
    check_hdf5(path)
    with opened(path) as file, damage(path):
        if missing := [name for name in names if name not in file]:
            raise SceneError(f"{path} lacks the dataset {missing[0]!r}. It is damaged or of an unknown version.")
        return tuple(_stored(path, name, file[name]) for name in names)


def _stored(path: Path, name: str, dataset: Any) -> Stored:
    attrs = attributes(dataset)
    return Stored(path, name, dataset.shape, dataset.dtype, dataset.chunks, packing(attrs), attrs)


def values(path: Path, name: str) -> Floats:
    """Return a small dataset that is metadata (solar irradiance by detector), decoded.

    Raises
    ------
    SceneError
        If it is not there.
    """
    (layer,) = look(path, [name])
    read = StoredLayer((str(path),), name, layer.shape, layer.dtype, layer.packing)
    return np.asarray(read[tuple(slice(None) for _ in layer.shape)], np.float64)


def global_attributes(path: Path) -> dict[str, Any]:
    """Return the global attributes of a member."""
    check_hdf5(path)
    with opened(path) as file, damage(path):
        return attributes(file)


@dataclass(frozen=True, slots=True)
class Grid:
    """Shape and blocks that all layers of a scene share."""

    shape: tuple[int, int]
    """Rows, columns."""
    chunks: tuple[int, ...]
    """Of a block."""

    @classmethod
    def of(cls, layer: Stored) -> Grid:
        """Return the grid of a band, in blocks that are whole chunks of its file.

        Raises
        ------
        SceneError
            If it is no image.
        """
        if len(layer.shape) != 2:
            raise SceneError(f"{layer.path}: {layer.name!r} has shape {layer.shape}, not rows and columns.")
        rows, columns = layer.shape  # one stored in one piece can be read by rows
        return cls((rows, columns), blocks(layer.shape, layer.chunks or (1, columns), least=_EDGE))

    def layer(self, stored: Stored, packed: Packing | None = None) -> xr.DataArray:
        """Return a dataset lazily in the grid's blocks, decoded with its own packing unless another is given.

        Raises
        ------
        SceneError
            If it is of another shape.
        """
        if stored.shape != self.shape:
            raise SceneError(
                f"{stored.path}: {stored.name!r} has shape {stored.shape}, the bands {self.shape}. The members do not "
                "belong together: fetch the granule again."
            )
        read = StoredLayer(
            (str(stored.path),), stored.name, stored.shape, stored.dtype, stored.packing if packed is None else packed
        )
        return self.lazily(read, [stored.path])

    def lazily(self, read: Any, paths: Sequence[Path]) -> xr.DataArray:
        """Return an array-like lazily in the grid's blocks."""
        # A short word: dask cuts the names of joined tasks at 115 letters, and with them what tells two bands apart.
        return xr.DataArray(dask_array(read, self.chunks, [str(p) for p in paths], "s3"), dims=("y", "x"))


def counts_of(grid: Grid, band: Band, stored: Stored) -> Counts:
    """Return a band's stored numbers with the line of its attributes (to radiance, or to temperature if thermal)."""
    return Counts(
        band,
        grid.layer(stored, Packing()),
        fills=stored.packing.fills,
        radiance=Linear(stored.packing.scale, stored.packing.offset),
    )


def reflectance(radiance: xr.DataArray, flux: Floats, detector: xr.DataArray, cosine: xr.DataArray) -> xr.DataArray:
    """Return the reflectance factor, the solar irradiance taken for each pixel's detector.

    Parameters
    ----------
    radiance : DataArray
        W m-2 sr-1 um-1.
    flux : array
        Solar irradiance of each detector (W m-2 um-1), for the day's distance to the Sun.
    detector : DataArray of int
        Index into ``flux``; anything outside has no reflectance.
    cosine : DataArray
        Of the Sun's zenith angle.
    """
    made: xr.DataArray = xr.apply_ufunc(
        _ratio,
        radiance,
        detector,
        cosine,
        kwargs={"flux": flux},
        dask="parallelized",
        output_dtypes=[np.float32],
    )
    return made.assign_attrs(units="1", standard_name="toa_bidirectional_reflectance")


def _ratio(radiance: Floats, detector: NDArray[np.integer[Any]], cosine: Floats, flux: Floats) -> Floats:
    known = np.where(flux > 0, flux, np.nan)
    inside = (detector >= 0) & (detector < known.size)
    irradiance = np.where(inside, known[np.where(inside, detector, 0)], np.nan)
    return np.asarray(np.pi * radiance / (irradiance * cosine), np.float32)
