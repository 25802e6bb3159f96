"""The bridge to satpy's readers: its names, percent and wavenumbers turned into this package's.

satpy is an optional extra (GPL) and imported nowhere else. Its faults that are mended are named where they are mended,
in the sensor's own file.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.errors import SceneError
from musyq_lab.core.sensor import Calibration
from musyq_lab.sensors._granule import Granule

CHUNK = "32MiB"
"""Most bytes of a block that satpy's readers make."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What satpy read, in this package's terms."""

    bands: dict[str, xr.DataArray]
    """Band name -> data with ``units``; reflectance as a ratio, not yet divided by the cosine of the Sun's zenith."""
    extra: dict[str, xr.DataArray]
    """Further datasets by their satpy names, as they came."""
    longitude: xr.DataArray | None
    """Of each pixel, for a swath."""
    latitude: xr.DataArray | None
    """Of each pixel, for a swath."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """satpy's attributes of the first band (times, orbital parameters, platform)."""


def read(
    granule: Granule,
    reader: str,
    wanted: Mapping[str, str],
    *,
    calibration: Calibration,
    files: Sequence[Path] | None = None,
    resolution: float | None = None,
    extra: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
) -> Loaded:
    """Read bands of a granule lazily with one of satpy's readers.

    Parameters
    ----------
    granule : Granule
        For its sensor's bands and for messages.
    reader : str
        satpy's name of the reader.
    wanted : mapping of str to str
        Our name of a band -> satpy's name.
    calibration : {"counts", "radiance", "reflectance"}
        What to make; thermal bands become brightness temperature for ``"reflectance"``.
    files : sequence of Path, optional
        Files to hand over; all of the granule by default.
    resolution : float, optional
        In metres, where satpy offers a dataset at several.
    extra : sequence of str
        Further datasets, such as angles.
    options : mapping, optional
        The reader's own keyword arguments.

    Returns
    -------
    Loaded
        A band that the files lack is left out.

    Raises
    ------
    SceneError
        If satpy is not installed, knows none of the files, or none of the bands is in them.
    """
    check_installed(granule)
    with quiet():
        scene = _scene(granule, reader, files or granule.files, options)
        names = _queries(granule, wanted, calibration, resolution)
        scene.load([*names.values(), *_extra_queries(scene, extra, resolution)], generate=False, unload=False)
        bands = {name: scene[query] for name, query in names.items() if query in scene}
        further = {name: scene[name] for name in extra if name in scene}
    if not bands:
        raise SceneError(f"{granule.path}: none of the bands {', '.join(wanted)} is in the files of {granule.name}.")
    first = next(iter(bands.values()))
    longitude, latitude = _geolocation(first)
    return Loaded(
        {name: _placed(_plain(data, granule, name, calibration), data) for name, data in bands.items()},
        {name: _placed(_bare(data), data) for name, data in further.items()},
        longitude,
        latitude,
        dict(first.attrs),
    )


def check_installed(granule: Granule) -> None:
    """Raise a SceneError that tells what to install where satpy is missing."""
    if importlib.util.find_spec("satpy") is None:
        raise SceneError(
            f"{granule.path} is of {granule.sensor.title}, which satpy reads; it is not installed. "
            'Install it: python -m pip install "musyq-lab[satpy]"'
        )


@contextmanager
def quiet() -> Iterator[None]:
    """Keep satpy's and its libraries' remarks out of the user's sight, and its blocks small."""
    import dask

    logger = logging.getLogger("satpy")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), dask.config.set({"array.chunk-size": CHUNK}):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _scene(granule: Granule, reader: str, files: Sequence[Path], options: Mapping[str, Any] | None) -> Any:
    satpy: Any = importlib.import_module("satpy")
    try:
        return satpy.Scene([str(file) for file in files], reader=reader, reader_kwargs=dict(options or {}))
    except ValueError as error:
        raise SceneError(
            f"{granule.path}: satpy's reader {reader} finds nothing it knows among {len(files)} files ({error}). "
            "Keep the names the producer gave them, and all files of the granule in one folder."
        ) from error


def _queries(
    granule: Granule, wanted: Mapping[str, str], calibration: Calibration, resolution: float | None
) -> dict[str, Any]:
    satpy: Any = importlib.import_module("satpy")

    def query(name: str, theirs: str) -> Any:
        kind = "brightness_temperature" if granule.sensor.band(name).thermal else "reflectance"
        chosen = kind if calibration == "reflectance" else calibration
        return satpy.DataQuery(name=theirs, calibration=chosen, **({"resolution": resolution} if resolution else {}))

    return {name: query(name, theirs) for name, theirs in wanted.items()}


def _extra_queries(scene: Any, names: Sequence[str], resolution: float | None) -> list[Any]:
    satpy: Any = importlib.import_module("satpy")
    known = {identity["name"] for identity in scene.available_dataset_ids()}
    there = [name for name in names if name in known]
    return [
        satpy.DataQuery(name=name, resolution=resolution) if resolution else satpy.DataQuery(name=name)
        for name in there
    ]


def _plain(data: xr.DataArray, granule: Granule, name: str, calibration: Calibration) -> xr.DataArray:
    """Return a band in our units and types."""
    units = str(data.attrs.get("units", "1"))
    bare = _bare(data)
    if calibration == "counts":
        return bare.assign_attrs(units="count")
    if calibration == "radiance":
        factor = radiance_factor(units, granule.sensor.band(name).centre)
        return _scaled(bare, factor).assign_attrs(
            units="W m-2 sr-1 um-1", standard_name="toa_outgoing_radiance_per_unit_wavelength"
        )
    if granule.sensor.band(name).thermal:
        return _scaled(bare, 1.0).assign_attrs(units="K", standard_name="toa_brightness_temperature")
    factor = 0.01 if units == "%" else 1.0
    return _scaled(bare, factor).assign_attrs(units="1", standard_name="toa_bidirectional_reflectance")


def _bare(data: xr.DataArray) -> xr.DataArray:
    """Drop what satpy adds that cannot be stored or pickled (areas, CRS objects, handles)."""
    coords = [name for name in data.coords if name not in data.dims or name in ("x", "y", "bands")]
    plain = data.drop_vars(coords).drop_attrs(deep=False)
    return plain.transpose("y", "x") if set(plain.dims) == {"y", "x"} else plain


def _scaled(data: xr.DataArray, factor: float) -> xr.DataArray:
    values: xr.DataArray = data if factor == 1.0 else data * np.float64(factor)
    return values.astype(np.float32)


def radiance_factor(units: str, wavelength: float) -> float:
    """Return what turns a radiance of satpy's into W m-2 sr-1 um-1.

    Parameters
    ----------
    units : str
        As satpy spells them.
    wavelength : float
        Centre of the band (um), for radiance per wavenumber.

    Raises
    ------
    SceneError
        If the units are none of those known.
    """
    compact = units.replace("µ", "u").replace(" ", "").replace("^", "").replace("*", "")
    per_wavelength = {"Wm-2um-1sr-1", "Wm-2sr-1um-1", "W/m2/um/sr", "Wum-1m-2sr-1", "Watts/m2/micrometer/steradian"}
    per_wavenumber = {"mWm-2sr-1(cm-1)-1", "mW/m2sr(cm-1)", "mWm-2(cm-1)-1sr-1", "mW/(m2cm-1sr)", "mW/m2/sr/(cm-1)"}
    if compact in per_wavelength:
        return 1.0
    if compact in {"mWm-2sr-1nm-1", "mW.m-2.sr-1.nm-1", "mWm-2nm-1sr-1"}:
        return 1.0  # mW per nm is W per um
    if compact in per_wavenumber:
        # dnu = 1e4 / lambda^2 dlambda (cm-1, um), and mW to W.
        return 10.0 / wavelength**2
    raise SceneError(f"satpy gives radiance in {units!r}, which this package does not know how to convert.")


def _geolocation(data: xr.DataArray) -> tuple[xr.DataArray | None, xr.DataArray | None]:
    area = data.attrs.get("area")
    if area is None or hasattr(area, "get_proj_vectors") or getattr(area, "lons", None) is None:
        return None, None  # a projected image has an area whose lons are None
    return _lonlat(area.lons), _lonlat(area.lats)


def _lonlat(values: Any) -> xr.DataArray:
    if isinstance(values, xr.DataArray):
        return _bare(values)
    return xr.DataArray(values, dims=("y", "x"))


def _placed(plain: xr.DataArray, data: xr.DataArray) -> xr.DataArray:
    """Give a band of a projected image its coordinates (centres of the pixels) and CRS."""
    area = data.attrs.get("area")
    if area is None or not hasattr(area, "get_proj_vectors") or plain.ndim != 2:
        return plain
    import rioxarray  # noqa: F401  # registers `.rio`

    x, y = area.get_proj_vectors()
    attrs = plain.attrs
    placed: xr.DataArray = plain.assign_coords(x=np.asarray(x), y=np.asarray(y)).rio.write_crs(area.crs)
    return placed.assign_attrs(attrs)
