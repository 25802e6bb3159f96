"""The planes that the tests of cloud read of a standard scene: by role, float32, NaN where there is no such band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from musyq_lab.core.errors import InputError
from musyq_lab.kernels import cloud as kernels
from musyq_lab.sensors._registry import SENSORS
from musyq_lab.standard import layout

Floats = NDArray[np.float32]

_REFLECTIVE = {
    # what the tests call it -> roles that may stand for it, the best first
    "blue": ("blue",),
    "green": ("green", "red", "red_edge_1"),
    "red": ("red", "red_edge_1"),
    "nir": ("nir", "nir_narrow"),
    "swir1": ("swir1",),
    "cirrus": ("cirrus",),
}
_THERMAL = {"temperature": ("tir1", "tir_10_4"), "second": ("tir2",)}
_ORDER = (
    "blue", "green", "red", "nir", "swir1", "temperature", "sun_zenith", "view_zenith", "turn", "cirrus", "second"
)  # fmt: skip
_COUNTED = 10  # the second temperature is not counted
_MANY = 5  # scenes from which on the second clearest counts, since the clearest may be a shadow
_HIGHEST_HAZE = 0.05  # as `musyq_lab.standard._cloud_background.HIGHEST_HAZE`: a pixel may be cloudy every day


@dataclass(frozen=True, eq=False)
class Planes:
    """What the tests read of a scene."""

    scene: xr.Dataset
    """Standard scene."""
    dims: tuple[str, str]
    """Rows and columns."""
    values: dict[str, Any]
    """Arrays of float32 by name, all of one shape and, of dask, of one chunking."""
    depths: tuple[float, ...]
    """Optical depth of molecules in the blue, the green and the red band."""
    blue: bool
    """Whether there is a blue band."""
    swir: bool
    """Whether there is a band at 1.6 um."""
    cirrus: bool
    """Whether there is a band at 1.38 um."""
    thermal: bool
    """Whether there is a band at 11 um."""

    def arrays(self) -> tuple[Any, ...]:
        """Return the planes in the order of :func:`musyq_lab.kernels.cloud.decide`."""
        return tuple(self.values[name] for name in _ORDER)

    def measured_by(self) -> tuple[Any, ...]:
        """Return the planes that are counted."""
        return self.arrays()[:_COUNTED]

    def measured(self) -> Any:
        """Return where there is reflectance or temperature."""
        parts = [self.values[name] == self.values[name] for name in ("red", "nir", "temperature")]
        return (parts[0] & parts[1]) | parts[2]

    def variable(self, data: Any) -> xr.Variable:
        """Return a plane with its dimensions."""
        return xr.Variable(self.dims, data)

    def array(self, variable: xr.Variable) -> xr.DataArray:
        """Return a plane with the coordinates of the scene."""
        coords = {name: c for name, c in self.scene.coords.items() if set(c.dims) <= set(self.dims)}
        return xr.DataArray(variable, coords)


def planes_of(scene: xr.Dataset, companions: Sequence[xr.Dataset] = ()) -> Planes:
    """Return what the tests read of a standard scene, bands that it lacks from its companions.

    Raises
    ------
    InputError
        If it lacks a red or a near infrared band.
    """
    rows, columns = layout.plane_of(scene)
    scenes = [scene, *(_onto(companion, scene, (rows, columns)) for companion in companions)]
    found = {plane: _best(scenes, roles, "reflectance", "band") for plane, roles in _REFLECTIVE.items()}
    heat = "brightness_temperature", "thermal_band"
    found |= {plane: _best(scenes, roles, *heat) for plane, roles in _THERMAL.items()}
    if (red := found["red"]) is None or found["nir"] is None:
        missing = "red" if red is None else "nir"
        layout.require(scene, "cloud.classify", bands=[missing])
        raise InputError(f"cloud.classify needs a {missing} band.")
    visible = ("blue", 0.48), ("green", 0.55), ("red", 0.65)
    depths = tuple(_depth(scene, found[name], centre) for name, centre in visible)
    found |= {name: scene.get(name) for name in ("sun_zenith", "view_zenith")}
    turned = "sun_azimuth" in scene and "view_azimuth" in scene
    found["turn"] = layout.relative_azimuth(scene) if turned else None
    values = _aligned({name: _plain(plane, red, (rows, columns)) for name, plane in found.items()})
    there = (found[name] is not None for name in ("blue", "swir1", "cirrus", "temperature"))
    return Planes(scene, (rows, columns), values, depths, *there)


def _onto(companion: xr.Dataset, scene: xr.Dataset, dims: tuple[str, str]) -> xr.Dataset:
    """Return the bands of a scene on another grid at the pixels of this one, from the nearest."""
    layout.require(companion, "cloud.classify(companions=...)", variables=["reflectance"], level=layout.TOP)
    if not all(dim in one.coords for dim in dims for one in (scene, companion)):
        raise InputError(
            "cloud.classify(companions=...) needs scenes on projected grids, with coordinates along rows and columns. "
            "Leave companions out for a swath."
        )
    if _crs_of(companion) != _crs_of(scene):
        raise InputError("cloud.classify(companions=...): the scenes have different coordinate reference systems.")
    names = [name for name in ("reflectance", "brightness_temperature") if name in companion]
    return companion[names].sel({dim: scene[dim] for dim in dims}, method="nearest")


def _crs_of(scene: xr.Dataset) -> str:
    return str(scene["spatial_ref"].attrs.get("crs_wkt", "")) if "spatial_ref" in scene.coords else ""


def _best(scenes: Sequence[xr.Dataset], roles: Sequence[str], name: str, dim: str) -> xr.DataArray | None:
    """Return the band of the first role that a scene has."""
    for role in roles:
        for scene in scenes:
            if name in scene and role in scene[dim].values:
                return scene[name].sel({dim: role})
    return None


def _depth(scene: xr.Dataset, band: xr.DataArray | None, otherwise: float) -> float:
    """Return the optical depth of molecules in a band: of the sensor's table, else of the scene's own wavelengths."""
    centre = otherwise
    if band is not None and (spec := SENSORS.get(str(scene.attrs.get("sensor", "")))) is not None:
        rows = (row for row in spec.bands_of(layout.variant_of(scene)) if row.name == str(band["band"].values))
        centre = next((row.centre for row in rows), otherwise)
    elif band is not None and "wavelength" in band.coords:
        centre = float(band["wavelength"])
    return kernels.rayleigh_depth(centre if centre > 0 else otherwise)


def _plain(plane: xr.DataArray | None, like: xr.DataArray, dims: tuple[str, str]) -> Any:
    given = xr.full_like(like, np.nan, dtype=np.float32) if plane is None else plane
    return given.transpose(*dims).data.astype(np.float32, copy=False)


def _aligned(planes: dict[str, Any]) -> dict[str, Any]:
    """Return the planes in one chunking where any is of dask."""
    if not any(isinstance(plane, da.Array) for plane in planes.values()):
        return {name: np.ascontiguousarray(plane) for name, plane in planes.items()}
    lazy = {name: da.asarray(plane) for name, plane in planes.items()}
    _, joined = da.core.unify_chunks(*(part for plane in lazy.values() for part in (plane, "yx")))
    return dict(zip(lazy, joined, strict=True))


def same_view(planes: Planes, previous: xr.Dataset | Sequence[xr.Dataset] | None) -> list[Planes]:
    """Return the planes of scenes of the same pixels.

    Raises
    ------
    InputError
        If one has another shape.
    """
    if previous is None:
        return []
    scenes = [previous] if isinstance(previous, xr.Dataset) else list(previous)
    single = [one for scene in scenes for one in _in_turn(scene)]
    shape = planes.values["red"].shape
    for scene in single:
        layout.require(scene, "cloud.classify(previous=...)", variables=["reflectance"], level=layout.TOP)
        if tuple(scene.sizes.get(dim, 0) for dim in planes.dims) != shape:
            raise InputError(
                f"cloud.classify(previous=...): a scene of {dict(scene.sizes)} pixels is not of the same view as one "
                f"of {shape[0]} x {shape[1]}. Give scenes of the same sensor and grid."
            )
    return [planes_of(scene) for scene in single]


def _in_turn(scene: xr.Dataset) -> list[xr.Dataset]:
    return [scene.isel(time=k) for k in range(scene.sizes["time"])] if "time" in scene.dims else [scene]


def clear_before(days: Sequence[Planes], planes: Planes) -> tuple[Any, Any]:
    """Return haze and temperature of each pixel when it was clear; NaN without other days.

    Parameters
    ----------
    days : sequence of Planes
        Of other days.
    planes : Planes
        Of the scene, for shape and chunks.
    """
    like = planes.values["red"]
    if not days:
        nothing = np.nan * like
        return nothing, nothing
    highest = _HIGHEST_HAZE if planes.blue else 2 * _HIGHEST_HAZE  # half the red of deserts is more
    names = "blue", "red", "sun_zenith", "view_zenith", "turn", "nir"
    clearest = _each(days, like, names, partial(_clearest, highest=highest))
    warmest = _each(days, like, ("temperature",), _warmest)
    return clearest, warmest


def _each(days: Sequence[Planes], like: Any, names: Sequence[str], make: Any) -> Any:
    """Return what is made, block by block, of some planes of every day."""
    depths = days[0].depths
    arrays = [day.values[name] for day in days for name in names]
    if not isinstance(like, da.Array):
        return make(*(np.asarray(array) for array in arrays), number=len(names), depths=depths)
    return da.map_blocks(
        make,
        *(da.asarray(array).rechunk(like.chunks) for array in arrays),
        number=len(names),
        depths=depths,
        dtype=np.float32,
        meta=np.empty((0, 0), np.float32),
    )


def _clearest(*arrays: Floats, number: int, depths: tuple[float, ...], highest: float) -> Floats:
    hazes = []
    molecules = [np.float32(depth) for depth in depths]
    for start in range(0, len(arrays), number):
        blue, red, sun, view, turn, nir = arrays[start : start + number]
        hazes.append(kernels.measures(blue, red, red, nir, red, red, sun, view, turn, *molecules)[0])
    return np.minimum(_ordered(hazes), np.float32(highest))


def _warmest(*arrays: Floats, number: int, depths: tuple[float, ...]) -> Floats:
    del number, depths
    return -_ordered([-array for array in arrays])


def _ordered(stack: Sequence[Floats]) -> Floats:
    """Return the least of each pixel, the second least of many; NaN counts last."""
    place = 1 if len(stack) >= _MANY else 0
    ordered = np.sort(np.stack(stack), axis=0)
    return np.asarray(np.where(np.isnan(ordered[place]), ordered[0], ordered[place]), np.float32)
