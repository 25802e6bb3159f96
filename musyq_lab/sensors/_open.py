"""``ml.open_scene`` and its kin: any raw granule of the programme as a lazy Dataset."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import xarray as xr

from musyq_lab.core import accessor as _accessor  # noqa: F401  # registers `.musyq`
from musyq_lab.core.errors import InputError, MusyqError, SceneError, closest
from musyq_lab.core.sensor import CALIBRATIONS, Calibration
from musyq_lab.sensors._granule import Granule, find
from musyq_lab.sensors._registry import OPENERS


def open_scene(
    path: str | Path | Sequence[str | Path],
    sensor: str | None = None,
    resolution: float | None = None,
    calibration: Calibration | None = None,
) -> xr.Dataset:
    """Open one granule of any sensor lazily, on one native grid.

    Parameters
    ----------
    path : str, pathlib.Path or sequence of them
        Any file of the granule, its folder, a folder that holds just one granule, or all files of one.
    sensor : str, optional
        Key of the sensor (``ml.SENSORS``) where neither name nor content tells.
    resolution : float, optional
        Sampling distance in metres of the grid to open; by default the sensor's nominal one, or the granule's finest
        where it lacks that (:func:`scene_grids` lists its grids). Bands of other grids are left out.
    calibration : {"reflectance", "radiance", "counts"}, optional
        ``"reflectance"``, the default, gives reflectance at the top of the atmosphere (1; divided by the cosine of the
        Sun's zenith angle) and brightness temperature (K); ``"radiance"`` gives W m-2 sr-1 um-1; ``"counts"`` the
        stored numbers.

    Returns
    -------
    xarray.Dataset
        Dims (y, x), in dask chunks: one variable a band, named by its role (``blue``, ``nir``, ``tir1`` ...), with
        ``units``, ``wavelength`` and ``fwhm`` (um); ``sun_zenith``, ``sun_azimuth``, ``view_zenith``, ``view_azimuth``
        (degree) where the granule tells; ``qa``, quality bits. Projected scenes carry a CRS; a swath carries
        ``longitude`` and ``latitude`` of each pixel.

    Raises
    ------
    NotFoundError
        If there is nothing at the path.
    InputError
        If the path holds several granules, or an argument is none of those allowed.
    SceneError
        If the granule is damaged, incomplete, of another sensor than it says, or lacks what the calibration needs.
    """
    chosen = check_calibration(calibration)
    granule = find(path, sensor)
    return open_granule(granule, resolution=resolution, calibration=chosen)


def open_granule(granule: Granule, *, resolution: float | None, calibration: Calibration) -> xr.Dataset:
    """Open a granule that is found already (see :func:`open_scene`)."""
    grid = check_resolution(granule, resolution)
    with plain_errors(granule):
        scene: xr.Dataset = OPENERS[granule.sensor.key](granule, resolution=grid, calibration=calibration)
    scene.encoding.setdefault("files", tuple(map(str, granule.files)))
    scene.encoding["source"] = str(granule.path)
    return scene


def scene_grids(path: str | Path | Sequence[str | Path], sensor: str | None = None) -> dict[float, list[str]]:
    """Return the grids of a granule: sampling distance (m) -> the bands on it, finest first.

    Parameters
    ----------
    path, sensor
        As for :func:`open_scene`.
    """
    return _grids(find(path, sensor))


def _grids(granule: Granule) -> dict[float, list[str]]:
    """Return the grids that the files of a granule hold, where its sensor's module tells; else those of the spec."""
    spec = granule.sensor
    own = getattr(sys.modules[OPENERS[spec.key].__module__], "grids", None)
    with plain_errors(granule):
        found: dict[float, list[str]] = own(granule) if own else {}
    return found or {r: [b.name for b in spec.bands_of() if b.resolution == r] for r in spec.resolutions}


def check_calibration(calibration: str | None) -> Calibration:
    """Return the calibration to use.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if calibration is None:
        return CALIBRATIONS[0]
    for known in CALIBRATIONS:
        if calibration == known:
            return known
    raise InputError(f"There is no calibration {calibration!r}.{closest(str(calibration), CALIBRATIONS)}")


def check_resolution(granule: Granule, resolution: float | None) -> float:
    """Return the sampling distance to open: by default the sensor's nominal one, or the first that the granule has.

    Raises
    ------
    InputError
        If the granule has no such grid.
    """
    grids = _grids(granule)
    if resolution is None:
        nominal = granule.sensor.resolution
        return nominal if nominal in grids else next(iter(grids))
    for known in grids:
        if float(resolution) == known:
            return known
    there = ", ".join(f"{r:g}" for r in grids)
    raise InputError(
        f"{granule.path}: this granule of {granule.sensor.title} has no grid of {resolution:g} m. It has {there} m."
    )


@contextmanager
def plain_errors(granule: Granule) -> Iterator[None]:
    """Turn whatever a damaged granule makes the readers raise (dozens of unrelated types) into one plain error.

    Raises
    ------
    SceneError
        In place of any error that is not one of ours.
    """
    try:
        yield
    except MusyqError as error:
        if str(granule.path) in str(error):
            raise
        raise SceneError(f"{granule.path}: {error}") from error
    except ImportError as error:
        raise SceneError(_lacking(granule, error)) from error
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error).strip()[:200]}"
        raise SceneError(
            f"{granule.path} cannot be read as {granule.sensor.title} ({reason}). It may be damaged, incomplete or "
            "of a version this package does not know. Fetch it again, or tell us its version."
        ) from error


def _lacking(granule: Granule, error: ImportError) -> str:
    name = (error.name or str(error)).partition(".")[0]
    return (
        f"{granule.path} is of {granule.sensor.title}, which needs the package {name!r} to be read. "
        f"Install it: python -m pip install {name}"
    )
