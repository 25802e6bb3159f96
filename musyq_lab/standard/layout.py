"""The one layout of standard scenes, and what every step of standardization shares.

A standard scene holds ``reflectance (band, y, x)`` and ``brightness_temperature (thermal_band, y, x)`` with bands named
by role, the angles of Sun and sensor, and ``qa`` with the bits of :data:`musyq_lab.core.quality.SCENE_FLAGS`. Thermal
bands have a dimension of their own, so that neither stack is padded with empty layers of the other. On the programme's
geographic grids ``y`` and ``x`` are ``latitude`` and ``longitude``.

A step takes a standard scene and returns one, lazily; it leaves its line in the history (:func:`add_step`), and where
the scene carries uncertainties (:data:`UNCERTAINTIES`) it propagates them and adds its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

import numpy as np
import xarray as xr

from musyq_lab.core.attributes import extend_history, history_line
from musyq_lab.core.errors import InputError, closest
from musyq_lab.core.quality import QA_DTYPE, SCENE_FLAG, scene_attributes
from musyq_lab.sensors._registry import SENSORS

ANGLES = ("sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth")
"""Angles of a standard scene (degree), where the granule tells them."""

UNCERTAINTIES = ("reflectance_random", "reflectance_systematic")
"""One sigma of the reflectance: what is independent from pixel to pixel, and what is common to a scene."""

MASKED = ("no_data", "saturated")
"""Flags whose pixels are removed by default: there is no measurement."""

# Files of these write a saturated sample as a number that is no measurement (MODIS Level 1B User's Guide: 65533, 65529;
# Sentinel-2 Special_Values: SATURATED): NaN in its own band already, it says nothing against the other bands. MERSI
# also flags its highest valid count, which has a value, and is not among them.
_MARKED = ("modis", "sentinel2_msi")
_BROAD = ("blue", "green", "red", "nir", "swir1", "swir2")
"""Bands that make up a spectrum of land; bands for the ocean saturate over most land."""

TOP, SURFACE = "top of atmosphere", "surface"
"""Where a reflectance holds: ``attrs["reflectance_level"]``."""

_STACKS = {
    # units of a band -> (stack, its dimension)
    "1": ("reflectance", "band"),
    "K": ("brightness_temperature", "thermal_band"),
}


def stack(scene: xr.Dataset, *, mask: Sequence[str] = MASKED) -> xr.Dataset:
    """Bring a scene of any sensor to the layout of standard scenes, lazily, on its native grid.

    Parameters
    ----------
    scene : xarray.Dataset
        From ``ml.open_scene`` with reflectance and brightness temperature (its default).
    mask : sequence of str
        Flags of ``qa`` whose pixels become NaN in every band; ``()`` removes none. Where the files mark a saturated
        sample itself (MODIS, Sentinel-2), only its own band is NaN, and the flag ``saturated`` stays where that
        is one of blue, green, red, nir, swir1 and swir2.

    Raises
    ------
    InputError
        If the scene holds counts or radiance, no bands, or a flag is not known.
    """
    bands = _bands(scene)
    marked = scene.attrs.get("sensor") in _MARKED and "qa" in scene
    if marked:
        scene = scene.assign(qa=_unsaturated(scene["qa"], bands))
    hidden = _hidden(scene, [name for name in mask if not (marked and name == "saturated")])
    variables = _stacks(bands, hidden) | _angles(scene, next(iter(bands.values())))
    if "qa" in scene:
        variables["qa"] = scene["qa"]
    standard = xr.Dataset(variables, attrs=dict(scene.attrs))
    standard.attrs["title"] = f"Standard scene: {scene.attrs.get('title', 'unnamed')}"
    standard.encoding = dict(scene.encoding)
    return add_step(standard, "stack", {"mask": list(mask)})


def is_standard(scene: xr.Dataset) -> bool:
    """Tell whether a Dataset has the layout already."""
    return any(name in scene and dim in scene[name].dims for name, dim in _STACKS.values())


def add_step(scene: xr.Dataset, function: str, parameters: Mapping[str, Any]) -> xr.Dataset:
    """Return the scene with one more line of history; see :func:`musyq_lab.core.attributes.history_line`."""
    previous = str(scene.attrs.get("history", ""))
    return scene.assign_attrs(history=extend_history(previous, history_line(function, parameters)))


def variant_of(scene: xr.Dataset) -> str:
    """Return the platform or camera whose rows of the sensor's bands hold, ``""`` where one set serves all.

    Raises
    ------
    InputError
        If the scene does not say its sensor.
    NotFoundError
        If there is no such sensor.
    """
    if "sensor" not in scene.attrs:
        raise InputError("The scene does not say its sensor. Add scene.attrs['sensor'], such as 'landsat_oli'.")
    known = SENSORS[str(scene.attrs["sensor"])].variants
    given = (str(scene.attrs.get(name, "")) for name in ("camera", "platform"))
    return next((name for name in given if name and name in known), "")


def plane_of(scene: xr.Dataset) -> tuple[str, str]:
    """Return the two dimensions of the scene's pixels, rows first."""
    for name, dim in _STACKS.values():
        if name in scene:
            rows, columns = (str(d) for d in scene[name].dims if d != dim)
            return rows, columns
    raise InputError(f"This is no standard scene: it holds {_holds(scene)}. Bring it there with ml.standardize(scene).")


def flagged(scene: xr.Dataset, *names: str) -> xr.DataArray:
    """Return where any of the flags is set, lazily; nowhere for a scene without ``qa``."""
    if "qa" not in scene:
        plane = plane_of(scene)
        first = scene[next(name for name, _ in _STACKS.values() if name in scene)]
        return xr.zeros_like(first.isel({d: 0 for d in first.dims if d not in plane}, drop=True), dtype=bool)
    return (scene["qa"] & QA_DTYPE.type(bits_of(names))).astype(bool)


def with_flag(scene: xr.Dataset, name: str, where: xr.DataArray) -> xr.Dataset:
    """Return the scene with a flag set where the condition holds, and as it was elsewhere."""
    bit = where.astype(QA_DTYPE) * QA_DTYPE.type(bits_of([name]))
    qa = (scene["qa"] | bit) if "qa" in scene else bit
    return scene.assign(qa=qa.astype(QA_DTYPE).assign_attrs(scene_attributes()))


def hide(scene: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    """Return the scene with NaN in every band, and in its uncertainty, where any of the flags is set, lazily.

    Where the files mark a saturated sample itself, it is missing in its own band already and costs no other.
    """
    if scene.attrs.get("sensor") in _MARKED:
        names = [name for name in names if name != "saturated"]
    if not bits_of(names) or "qa" not in scene:
        return scene
    hidden = flagged(scene, *names)
    stacks = [name for name in (*(stack for stack, _ in _STACKS.values()), *UNCERTAINTIES) if name in scene]
    return scene.assign({name: scene[name].where(~hidden).assign_attrs(scene[name].attrs) for name in stacks})


def between_azimuths(sun: Any, view: Any) -> Any:
    """Return the angle between two azimuths (deg, 0 to 180), 0 with both on one side; arrays of any kind."""
    turn = abs(view - sun) % 360.0
    return np.minimum(turn, 360.0 - turn)


def relative_azimuth(scene: xr.Dataset) -> xr.DataArray:
    """Return the angle between the azimuths of Sun and sensor (deg, 0 to 180), 0 with both on one side."""
    folded: xr.DataArray = between_azimuths(scene["sun_azimuth"], scene["view_azimuth"])
    return folded.rename("relative_azimuth").assign_attrs(
        units="degree", long_name="azimuth of the sensor less that of the Sun"
    )


def require(
    scene: xr.Dataset, step: str, *, bands: Collection[str] = (), variables: Collection[str] = (), level: str = ""
) -> None:
    """Refuse a scene that a step cannot work on.

    Parameters
    ----------
    scene : xarray.Dataset
        Standard scene.
    step : str
        Name of the step, for the message.
    bands : collection of str
        Roles that must be among its reflective bands.
    variables : collection of str
        Variables it must hold.
    level : str
        What ``attrs["reflectance_level"]`` must be, any by default.

    Raises
    ------
    InputError
        Which says what is missing and what the scene holds.
    """
    if not is_standard(scene):
        raise InputError(
            f"{step} needs a standard scene; this Dataset holds {_holds(scene)}. Bring it there with "
            "ml.standardize(scene)."
        )
    own = [str(name) for name in scene["band"].values] if "band" in scene.coords else []
    if missing := [name for name in bands if name not in own]:
        raise InputError(f"{step} needs the band {missing[0]!r}; this scene has {', '.join(own) or 'none'}.")
    if missing := [name for name in variables if name not in scene]:
        raise InputError(f"{step} needs {missing[0]!r}, which this scene lacks. It holds {_holds(scene)}.")
    if level and (given := scene.attrs.get("reflectance_level")) != level:
        raise InputError(f"{step} needs reflectance at the {level}; this scene holds that at the {given}.")


def _holds(scene: xr.Dataset) -> str:
    return ", ".join(map(str, scene.data_vars)) or "nothing"


def bits_of(names: Sequence[str]) -> int:
    """Return the bits of some flags of a scene as one number; unknown ones are refused."""
    for name in names:
        if name not in SCENE_FLAG:
            raise InputError(f"There is no flag {name!r} of a scene.{closest(name, SCENE_FLAG)}")
    return reduce(or_, (SCENE_FLAG[name].mask for name in names), 0)


def _bands(scene: xr.Dataset) -> dict[str, xr.DataArray]:
    bands = {str(name): data for name, data in scene.data_vars.items() if "wavelength" in data.attrs}
    if not bands:
        raise InputError(
            "standardize() needs a scene from ml.open_scene; this Dataset has no variable with a `wavelength` "
            f"attribute. It holds {_holds(scene)}."
        )
    wrong = [name for name, data in bands.items() if data.attrs.get("units") not in _STACKS]
    if wrong:
        raise InputError(
            f"standardize() needs reflectance (1) and brightness temperature (K); {wrong[0]!r} is in "
            f"{bands[wrong[0]].attrs.get('units')!r}. Open the scene with its default calibration: ml.open_scene(path)."
        )
    return bands


def _hidden(scene: xr.Dataset, mask: Sequence[str]) -> xr.DataArray | None:
    bits = bits_of(mask)
    if not bits or "qa" not in scene:
        return None
    return (scene["qa"] & QA_DTYPE.type(bits)).astype(bool)


def _unsaturated(qa: xr.DataArray, bands: Mapping[str, xr.DataArray]) -> xr.DataArray:
    """Return the quality without ``saturated`` where every broad band has its value."""
    missing = [bands[name].isnull() for name in _BROAD if name in bands]
    lost = reduce(or_, missing, xr.zeros_like(qa, dtype=bool))
    bit = QA_DTYPE.type(bits_of(["saturated"]))
    return qa.where(lost, qa & ~bit).astype(QA_DTYPE).assign_attrs(qa.attrs)


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
    joined = xr.concat([layer.drop_attrs(deep=False) for layer in layers], dim, coords="minimal", compat="override")
    along: dict[Any, Any] = {dim: (dim, list(bands), {"long_name": "role of the band"})}
    for key, words in (("wavelength", "centre of the band"), ("fwhm", "full width at half maximum of the band")):
        values = np.array([data.attrs[key] for data in bands.values()])
        name = key if dim == "band" else f"thermal_{key}"
        along[name] = (dim, values, {"long_name": words, "units": "um"})
    attrs = {key: first.attrs[key] for key in ("units", "standard_name") if key in first.attrs}
    return joined.assign_coords(along).assign_attrs(attrs)


def _angles(scene: xr.Dataset, like: xr.DataArray) -> dict[str, xr.DataArray]:
    return {name: _full(scene[name], like) for name in ANGLES if name in scene}


def _full(angle: xr.DataArray, like: xr.DataArray) -> xr.DataArray:
    """Spread the angle of a scene's centre over its pixels, lazily."""
    if angle.ndim:
        return angle
    return xr.full_like(like, float(angle), dtype=np.float32).drop_attrs(deep=False).assign_attrs(angle.attrs)
