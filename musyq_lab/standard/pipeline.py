"""``ml.standardize``: from counts of any sensor to the reflectance of the surface, on its pixels or on a grid.

One call runs the steps of this package in their order (science: calibration, clouds, atmosphere, band adjustment,
direction, grid); each is public and can be called alone.

==================================================  ==========================================================
:func:`musyq_lab.standard.layout.stack`             one layout
:func:`musyq_lab.standard.calibrate.recalibrate`    updates of the calibration, uncertainty of the radiometry
:func:`musyq_lab.standard.cloud.classify`           cloud, shadow, snow, water as quality bits
:func:`musyq_lab.standard.aerosol.estimate`         aerosol of the scene itself, where asked for
:func:`musyq_lab.standard.correction.correct`       top of the atmosphere to surface
:func:`musyq_lab.standard.terrain.flatten`          illumination of slopes, where a terrain is given
:func:`musyq_lab.standard.bandpass.adjust`          bands of a reference sensor, where asked for
:func:`musyq_lab.standard.nadir.normalize`          one direction of view, where asked for
:func:`musyq_lab.standard.warp.to_grid`             a grid, where asked for
==================================================  ==========================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import xarray as xr

from musyq_lab.core.attributes import extend_history, history_line
from musyq_lab.core.errors import InputError
from musyq_lab.core.grid import GRIDS, METRES_PER_DEGREE, GeoGrid, ProjectedGrid
from musyq_lab.files.digest import digest
from musyq_lab.standard import (
    aerosol,
    bandpass,
    calibrate,
    climatology,
    cloud,
    correction,
    layout,
    nadir,
    terrain,
    vapour,
    warp,
)
from musyq_lab.standard._warp_source import metres
from musyq_lab.standard.granule import open_granule
from musyq_lab.standard.layout import ANGLES, MASKED

__all__ = ["ANGLES", "HIDDEN", "MASKED", "standardize"]

HIDDEN = (*MASKED, "cloud", "cloud_shadow")
"""Flags whose pixels are left out of the mean of a grid cell by default."""

Grid = GeoGrid | ProjectedGrid | xr.Dataset | xr.DataArray | str


def standardize(
    scene: xr.Dataset | str | Path,
    *,
    surface: bool = True,
    grid: Grid | None = None,
    method: Literal["area", "bilinear", "nearest"] = "area",
    clouds: cloud.Source = "either",
    aod: Any = None,
    water_vapour: Any = None,
    ozone: Any = None,
    pressure: Any = None,
    elevation: Any = None,
    slopes: xr.DataArray | None = None,
    adjust_to: str = "",
    to_nadir: bool = False,
    uncertainty: bool = True,
    mask: Sequence[str] | None = None,
    fingerprint: bool = True,
) -> xr.Dataset:
    """Make a scene of any sensor ready for analysis, lazily: the reflectance of the surface and its quality.

    Parameters
    ----------
    scene : Dataset, str or Path
        From ``ml.open_scene`` with reflectance and brightness temperature (its default), or the path of a granule,
        which is then opened with all its bands on one native grid (:func:`musyq_lab.standard.granule.open_granule`).
    surface : bool
        Whether to correct for the atmosphere; else reflectance stays as the granule has it. Without it, bands are not
        adjusted nor directions changed.
    grid : str, GeoGrid, ProjectedGrid, Dataset or DataArray, optional
        Grid to bring it to, such as ``"1km"`` or ``"30m"`` (:func:`musyq_lab.standard.warp.to_grid`); the scene's own
        pixels by default.
    method : {"area", "bilinear", "nearest"}
        How.
    clouds : {"either", "tests", "producer"}
        Whose cloud mask counts (:func:`musyq_lab.standard.cloud.classify`).
    aod : float, DataArray or "scene", optional
        Optical depth of the aerosol at 550 nm; ``"scene"`` estimates it from the scene itself
        (:func:`musyq_lab.standard.aerosol.estimate`); the climatology by default.
    water_vapour : float, DataArray or "scene", optional
        Column (kg m-2); ``"scene"`` needs a band that vapour absorbs (:func:`musyq_lab.standard.vapour.estimate`); the
        climatology by default.
    ozone, pressure, elevation : float or DataArray, optional
        Of the air (DU, hPa) and the ground (m), see :func:`musyq_lab.standard.correction.correct`.
    slopes : DataArray, optional
        Elevation (m) of each pixel, to even out the illumination of slopes
        (:func:`musyq_lab.standard.terrain.flatten`).
    adjust_to : str
        Sensor in whose bands reflectance is expressed, such as ``"modis"``
        (:func:`musyq_lab.standard.bandpass.adjust`).
    to_nadir : bool
        Whether to bring reflectance to the view from above (:func:`musyq_lab.standard.nadir.normalize`).
    uncertainty : bool
        Whether to add ``reflectance_random`` and ``reflectance_systematic`` (one sigma each).
    mask : sequence of str, optional
        Flags of ``qa`` whose pixels become NaN in every band; by default no data and saturation, with a grid clouds and
        their shadows too, so that cells hold the mean of their clear pixels.
    fingerprint : bool
        Whether to record the sha256 of the granule's files, which reads them once.

    Returns
    -------
    xarray.Dataset
        ``reflectance`` (1), of the surface or at the top of the atmosphere as ``attrs["reflectance_level"]`` says, with
        ``reflectance_random`` and ``reflectance_systematic``; ``brightness_temperature`` (K); ``wavelength`` and
        ``fwhm`` (um) along the bands; angles (degree); ``qa`` with the bits of a scene; attributes sensor, platform,
        time, granule and its sha256, history with a line for each step.

    Raises
    ------
    InputError
        If the scene holds counts or radiance, no bands or no angles, or an argument makes no sense; it says which and
        what to do.
    """
    if isinstance(scene, (str, Path)):
        scene = open_granule(scene, resolution=_size(grid))
    hidden = mask if mask is not None else (HIDDEN if grid is not None else MASKED)
    layout.bits_of(hidden)  # unknown flags are refused before anything is read
    if not surface and (adjust_to or to_nadir or slopes is not None):
        raise InputError("adjust_to, to_nadir and slopes need the reflectance of the surface. Leave surface=True.")
    standard = layout.stack(scene, mask=sorted({"no_data"} & set(hidden)))
    if fingerprint and (files := scene.encoding.get("files")):
        standard.attrs["granule_sha256"] = digest(files)
    standard = _measured(standard, clouds, uncertainty)
    # After the search for clouds, whose bright hearts saturate.
    standard = layout.hide(standard, sorted({"saturated"} & set(hidden)))
    if surface and "reflectance" in standard:
        air = {"ozone": ozone, "pressure": pressure, "elevation": elevation}
        standard = _corrected(standard, aod, water_vapour, air)
        if slopes is not None:
            standard = terrain.flatten(standard, slopes)
        if adjust_to:
            standard = bandpass.adjust(standard, adjust_to)
        if to_nadir:
            standard = nadir.normalize(standard)
    if not uncertainty:
        standard = standard.drop_vars(layout.UNCERTAINTIES, errors="ignore")
    standard = layout.hide(standard, [name for name in hidden if name not in MASKED])
    if grid is not None:
        standard = warp.to_grid(standard, grid, method=method)
    line = history_line("standardize", {"mask": list(hidden), "surface": surface})
    return standard.assign_attrs(history=extend_history(str(standard.attrs["history"]), line))


def _size(grid: Grid | None) -> float | None:
    """Return the size (m) of a cell, None where it is not known before the scene is."""
    if isinstance(grid, str):
        if grid in GRIDS:
            return GRIDS[grid].resolution * METRES_PER_DEGREE
        return metres(grid)
    if isinstance(grid, ProjectedGrid):
        return grid.resolution
    return grid.resolution * METRES_PER_DEGREE if isinstance(grid, GeoGrid) else None


def _measured(scene: xr.Dataset, clouds: cloud.Source, uncertainty: bool) -> xr.Dataset:
    """Update the calibration and find clouds, where there is reflectance at the top of the atmosphere."""
    if "reflectance" not in scene or scene.attrs.get("reflectance_level") != layout.TOP:
        return scene
    scene = calibrate.recalibrate(scene, uncertainty=uncertainty)
    if not {"red"} <= set(scene["band"].values) or not {"nir", "nir_narrow"} & set(scene["band"].values):
        return layout.add_step(scene, "classify", {"source": "producer", "why": "no red and near infrared bands"})
    return cloud.classify(scene, source=clouds)


def _corrected(scene: xr.Dataset, aod: Any, water_vapour: Any, air: dict[str, Any]) -> xr.Dataset:
    """Correct for the atmosphere, whose aerosol and vapour may come from the scene itself."""
    given: dict[str, Any] = {"aod": aod, "water_vapour": water_vapour}
    top = scene.attrs.get("reflectance_level") == layout.TOP
    known = {name: air[name] for name in ("ozone", "pressure")}
    if known["pressure"] is None and air["elevation"] is not None:
        known["pressure"] = climatology.pressure(air["elevation"]).value
    if isinstance(water_vapour, str):
        found = vapour.estimate(scene, aod=None if isinstance(aod, str) else aod, **known) if top else None
        given |= _pair(found, "water_vapour", water_vapour)
    if isinstance(aod, str):
        found = aerosol.estimate(scene, water_vapour=given["water_vapour"], **known) if top else None
        given |= _pair(found, "aod", aod)
    return correction.correct(scene, **given, **air)


def _pair(found: xr.Dataset | None, name: str, word: str) -> dict[str, Any]:
    """Return an estimate and its uncertainty as arguments of the correction."""
    if word != "scene":
        raise InputError(f"{name}={word!r} is not known. Give a number, a DataArray, 'scene', or leave it out.")
    if found is None:
        return {name: None}
    return {name: found[name], f"{name}_uncertainty": found[f"{name}_uncertainty"]}
