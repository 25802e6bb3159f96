"""``ml.standardize``: from a scene of any sensor to the one layout of standard scenes.

A standard scene holds ``reflectance (band, y, x)`` and ``brightness_temperature (thermal_band, y, x)`` with bands named
by role, the angles of Sun and sensor, and ``qa`` with the bits of :data:`musyq_lab.core.quality.SCENE_FLAGS`. Thermal
bands have a dimension of their own, so that neither stack is padded with empty layers of the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.attributes import extend_history, history_line
from musyq_lab.core.errors import InputError, closest
from musyq_lab.core.quality import QA_DTYPE, SCENE_FLAG
from musyq_lab.files.digest import digest

ANGLES = ("sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth")
"""Angles of a standard scene (degree), where the granule tells them."""

MASKED = ("no_data", "saturated")
"""Flags whose pixels are removed by default: there is no measurement."""

_STACKS = {
    # units of a band -> (stack, its dimension)
    "1": ("reflectance", "band"),
    "K": ("brightness_temperature", "thermal_band"),
}


def standardize(scene: xr.Dataset, *, mask: Sequence[str] = MASKED, fingerprint: bool = True) -> xr.Dataset:
    """Bring a scene of any sensor to the one layout of standard scenes, lazily, on its native grid.

    Parameters
    ----------
    scene : xarray.Dataset
        From ``ml.open_scene`` with reflectance and brightness temperature (its default).
    mask : sequence of str
        Flags of ``qa`` whose pixels become NaN in every band; ``()`` removes none. ``"cloud"``, ``"cloud_shadow"`` and
        so on say what the producer's own mask says, where the granule has one.
    fingerprint : bool
        Whether to record the sha256 of the granule's files, which reads them once.

    Returns
    -------
    xarray.Dataset
        ``reflectance`` (1), at the top of the atmosphere or of the surface as ``attrs["reflectance_level"]`` says;
        ``brightness_temperature`` (K); ``wavelength`` and ``fwhm`` (um) along the bands; angles (degree, dims (y, x));
        ``qa``; attributes sensor, platform, time, granule and its sha256, history.

    Raises
    ------
    InputError
        If the scene holds counts or radiance, no bands, or a flag is not known.
    """
    bands = _bands(scene)
    hidden = _hidden(scene, mask)
    variables = _stacks(bands, hidden) | _angles(scene, next(iter(bands.values())))
    if "qa" in scene:
        variables["qa"] = scene["qa"]
    standard = xr.Dataset(variables, attrs=dict(scene.attrs))
    standard.attrs["title"] = f"Standard scene: {scene.attrs.get('title', 'unnamed')}"
    if fingerprint and (files := scene.encoding.get("files")):
        standard.attrs["granule_sha256"] = digest(files)
    line = history_line("standardize", {"mask": list(mask)})
    standard.attrs["history"] = extend_history(str(scene.attrs.get("history", "")), line)
    return standard


def _bands(scene: xr.Dataset) -> dict[str, xr.DataArray]:
    bands = {str(name): data for name, data in scene.data_vars.items() if "wavelength" in data.attrs}
    if not bands:
        raise InputError(
            "standardize() needs a scene from ml.open_scene; this Dataset has no variable with a `wavelength` "
            f"attribute. It holds {', '.join(map(str, scene.data_vars)) or 'nothing'}."
        )
    wrong = [name for name, data in bands.items() if data.attrs.get("units") not in _STACKS]
    if wrong:
        raise InputError(
            f"standardize() needs reflectance (1) and brightness temperature (K); {wrong[0]!r} is in "
            f"{bands[wrong[0]].attrs.get('units')!r}. Open the scene with its default calibration: ml.open_scene(path)."
        )
    return bands


def _hidden(scene: xr.Dataset, mask: Sequence[str]) -> xr.DataArray | None:
    for name in mask:
        if name not in SCENE_FLAG:
            raise InputError(f"standardize(mask=...) knows no flag {name!r}.{closest(name, SCENE_FLAG)}")
    if not mask or "qa" not in scene:
        return None
    bits = reduce(or_, (SCENE_FLAG[name].mask for name in mask))
    return (scene["qa"] & QA_DTYPE.type(bits)).astype(bool)


def _stacks(bands: Mapping[str, xr.DataArray], hidden: xr.DataArray | None) -> dict[str, xr.DataArray]:
    made = {}
    for units, (name, dim) in _STACKS.items():
        chosen = {role: data for role, data in bands.items() if data.attrs["units"] == units}
        if chosen:
            made[name] = _stack(chosen, dim, hidden)
    return made


def _stack(bands: Mapping[str, xr.DataArray], dim: str, hidden: xr.DataArray | None) -> xr.DataArray:
    first = next(iter(bands.values()))
    layers = [data if hidden is None else data.where(~hidden) for data in bands.values()]
    stack = xr.concat([layer.drop_attrs(deep=False) for layer in layers], dim, coords="minimal", compat="override")
    along: dict[Any, Any] = {dim: (dim, list(bands), {"long_name": "role of the band"})}
    for key, words in (("wavelength", "centre of the band"), ("fwhm", "full width at half maximum of the band")):
        values = np.array([data.attrs[key] for data in bands.values()])
        name = key if dim == "band" else f"thermal_{key}"
        along[name] = (dim, values, {"long_name": words, "units": "um"})
    attrs = {key: first.attrs[key] for key in ("units", "standard_name") if key in first.attrs}
    return stack.assign_coords(along).assign_attrs(attrs)


def _angles(scene: xr.Dataset, like: xr.DataArray) -> dict[str, xr.DataArray]:
    return {name: _full(scene[name], like) for name in ANGLES if name in scene}


def _full(angle: xr.DataArray, like: xr.DataArray) -> xr.DataArray:
    """Spread the angle of a scene's centre over its pixels, lazily."""
    if angle.ndim:
        return angle
    return xr.full_like(like, float(angle), dtype=np.float32).drop_attrs(deep=False).assign_attrs(angle.attrs)
