r"""Atmospheric correction: from the reflectance at the top of the atmosphere to that of the surface, and its error.

The surface is taken as Lambertian and uniform, the aerosol as the continental one of 6S (see
:mod:`musyq_lab.standard.atmosphere`); gases are corrected too. What is not given of the air comes from
:mod:`musyq_lab.standard.climatology`.

The random part of the uncertainty is that of the scene times :math:`\partial\rho_s/\partial\rho_t`. The systematic
part joins that of the scene, the errors of aerosol, water vapour, ozone and pressure, each times its derivative, and
the error of the tables beside 6S. The type of the aerosol, the light of neighbours and the surface's directional shape
are not in it. Where aerosol is given, its own error is taken as 0.05 + 0.15 of it (that of MODIS over land, Levy et al.
2013, doi:10.5194/amt-6-2989-2013); for the other columns see :data:`GIVEN`.

The atmosphere is computed at the corners of cells of 16 pixels and interpolated between, in place and in the state of
the air; where that does not hold (see :mod:`musyq_lab.kernels.correction`), pixel by pixel. Beside the computation at
every pixel, with relief of 1 km within cells, that differs by 0.0002 (root mean square) over a full disk and by less
elsewhere, by 0.005 at most, near the ends of the tables; in bands within water vapour by 0.007.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from musyq_lab.core.errors import InputError
from musyq_lab.core.resources import resource
from musyq_lab.kernels import atmosphere as tables
from musyq_lab.standard import _correction_blocks as blocks
from musyq_lab.standard import atmosphere, climatology, layout
from musyq_lab.standard._correction_cells import corners, over_chunks, sample

GIVEN = {"aod": (0.05, 0.15), "water_vapour": (0.0, 0.1), "ozone": (10.0, 0.0), "pressure": (2.0, 0.0)}
"""One sigma of what is given without it: a constant and a share of the value. Those after the first are assumed."""

TABLE_ERROR = 5e-4
"""Error of the tables for a sensor that ``catalogs/atmosphere/accuracy.csv`` lacks: above that of most bands there."""

AIR = tuple(GIVEN)
_LIMITS = {
    "sun_zenith": (0.0, tables.MAX_SUN),
    "view_zenith": (0.0, tables.MAX_VIEW),
    "aod": (0.0, tables.MAX_AOD),
    "water_vapour": (0.0, tables.MAX_VAPOUR),
    "ozone": (0.0, tables.MAX_OZONE),
    "pressure": (tables.MIN_PRESSURE, tables.MAX_PRESSURE),
}
_UNITS = {"elevation": "m", "aod": "1", "water_vapour": "kg m-2", "ozone": "DU", "pressure": "hPa"}


def correct(
    scene: xr.Dataset,
    *,
    aod: Any = None,
    water_vapour: Any = None,
    ozone: Any = None,
    pressure: Any = None,
    elevation: Any = None,
    aod_uncertainty: Any = None,
    water_vapour_uncertainty: Any = None,
    ozone_uncertainty: Any = None,
    pressure_uncertainty: Any = None,
) -> xr.Dataset:
    """Return the scene with the reflectance of the surface, lazily.

    Parameters
    ----------
    scene : xarray.Dataset
        Standard scene with ``sun_zenith`` and, for all but nadir-looking sensors, the other angles. Without
        ``view_zenith`` the sensor is taken to look straight down; at the edge of a Landsat scene, 7.5 deg off, the
        blue reflectance then errs by up to 0.005.
    aod, water_vapour, ozone, pressure : float or DataArray, optional
        Optical depth at 550 nm, column of vapour (kg m-2), of ozone (Dobson unit), surface pressure (hPa): one number,
        or a DataArray over the pixels of the scene or one dimension of them. By default the climatology of the scene's
        place and time; pressure follows from the elevation.
    elevation : float or DataArray, optional
        Altitude of the surface (m), to which the climatology is brought. By default the scene's own ``elevation``, else
        a map of 5 arc-minutes.
    aod_uncertainty, water_vapour_uncertainty, ozone_uncertainty, pressure_uncertainty : float or DataArray, optional
        One sigma, in the same units. By default that of the climatology, or :data:`GIVEN` for what is given.

    Returns
    -------
    xarray.Dataset
        ``reflectance`` of the surface (float32) and ``reflectance_systematic``, ``reflectance_random`` too where the
        scene has it. NaN, and ``outside_atmosphere`` in ``qa``, where the Sun is beyond 80 deg, the view beyond 70 or
        the air outside the tables. Bands without tables are NaN and named in ``attrs["bands_not_corrected"]``. Values
        below zero are kept: they tell of too much assumed aerosol, and cutting them would bias every mean. A scene
        that holds surface reflectance comes back as it was.

    Raises
    ------
    InputError
        If angles or a place are missing, or what is given is in other units, impossible or of another shape.
    """
    layout.require(scene, "correct", variables=("reflectance",))
    if scene.attrs.get("reflectance_level") == layout.SURFACE:
        return layout.add_step(scene, "correct", {"skipped": "the reflectance is that of the surface"})
    if not scene["reflectance"].size:
        return layout.add_step(scene, "correct", {"skipped": "the scene is empty"})
    plane = layout.plane_of(scene)
    toa = scene["reflectance"].transpose("band", *plane)
    given = {"aod": aod, "water_vapour": water_vapour, "ozone": ozone, "pressure": pressure}
    sigma = dict(
        zip(AIR, (aod_uncertainty, water_vapour_uncertainty, ozone_uncertainty, pressure_uncertainty), strict=True)
    )
    canvas = _Canvas(scene, plane, toa.data)
    geometry = _geometry(scene, canvas)
    state, error = _air(canvas, given, sigma, elevation)
    keys, without = _keys(scene)
    made = _layers(scene, canvas, geometry, state, error, keys)
    out = scene.assign({name: (toa.dims, data, _attributes(name)) for name, data in made.items()})
    out["reflectance"].encoding = dict(scene["reflectance"].encoding)
    out = layout.with_flag(out, "outside_atmosphere", _outside(scene, canvas, geometry, state))
    out = out.assign_attrs(reflectance_level=layout.SURFACE)
    if without:
        out.attrs["bands_not_corrected"] = "; ".join(f"{band}: {why}" for band, why in without.items())
    told = {name: _told(value) for name, value in (given | {"elevation": elevation}).items()}
    return layout.add_step(out, "correct", told | {"bands_not_corrected": list(without)})


@dataclass(frozen=True)
class _Canvas:
    """The pixels of a scene, on which fields are laid."""

    scene: xr.Dataset
    plane: tuple[str, str]
    toa: Any

    def field(self, name: str, value: Any) -> Any:
        """Lay a number or a DataArray over all pixels, shape (1, y, x), float32."""
        if isinstance(value, xr.DataArray):
            return self._laid(name, value).astype(np.float32).data[None]
        if np.ndim(value) or isinstance(value, str | bytes):
            raise InputError(f"correct({name}=...) takes a number or a DataArray, got {type(value).__name__}.")
        shape = (1, *self.toa.shape[1:])
        if isinstance(self.toa, da.Array):
            return da.full(shape, np.float32(value), chunks=(1, *self.toa.chunks[1:]), dtype=np.float32)
        return np.full(shape, value, np.float32)

    def _laid(self, name: str, value: xr.DataArray) -> xr.DataArray:
        sizes = {dim: self.scene.sizes[dim] for dim in self.plane}
        if any(sizes.get(str(dim)) != size for dim, size in value.sizes.items()):
            raise InputError(
                f"correct({name}=...) must lie on the pixels of the scene {sizes} or one dimension of them; got "
                f"{dict(value.sizes)}. Interpolate it first, such as {name}.interp_like(scene.reflectance)."
            )
        for dim in (dim for dim in value.dims if dim in value.coords and dim in self.scene.coords):
            if not np.allclose(self.scene[dim], value[dim], rtol=1e-9, atol=1e-9):
                raise InputError(f"correct({name}=...) has other values of {dim!r} than the scene. Regrid it first.")
        bare = value.reset_coords(drop=True).drop_vars([dim for dim in value.dims if dim in value.coords])
        return bare.expand_dims({d: n for d, n in sizes.items() if d not in value.dims}).transpose(*self.plane)

    def spread(self, corners_: xr.DataArray) -> Any:
        """Interpolate a field at the corners of cells to all pixels, shape (1, y, x), float32."""
        like = self.toa[:1]
        return over_chunks(blocks.spread_block, like, corners_.transpose("y", "x").data[None])


def _geometry(scene: xr.Dataset, canvas: _Canvas) -> dict[str, Any]:
    """Return the three angles over all pixels."""
    if "sun_zenith" not in scene:
        raise InputError(
            "correct() needs the zenith angle of the Sun, which this scene lacks. Add it, for example with "
            "scene.assign(sun_zenith=...) in degrees over the pixels, or a number's worth from the time and place."
        )
    if "view_zenith" not in scene:
        angles = {"sun_zenith": scene["sun_zenith"], "view_zenith": 0.0, "relative_azimuth": 0.0}
    else:
        layout.require(scene, "correct", variables=("sun_azimuth", "view_azimuth"))
        angles = {name: scene[name] for name in ("sun_zenith", "view_zenith")}
        angles["relative_azimuth"] = layout.relative_azimuth(scene)
    return {name: canvas.field(name, angle) for name, angle in angles.items()}


def _air(
    canvas: _Canvas, given: dict[str, Any], sigma: dict[str, Any], elevation: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the state of the air over all pixels and its uncertainty."""
    state: dict[str, Any] = {}
    error: dict[str, Any] = {}
    for name in (name for name in AIR if given[name] is not None):
        atmosphere.check(name, given[name])
        state[name] = canvas.field(name, given[name])
        base, share = GIVEN[name]
        error[name] = np.float32(base) + np.float32(share) * state[name]
    if len(state) < len(AIR):
        for name, estimate in _expected(canvas, [n for n in AIR if n not in state], elevation).items():
            state[name], error[name] = estimate
    for name in (name for name in AIR if sigma[name] is not None):
        error[name] = canvas.field(f"{name}_uncertainty", sigma[name])
    return {name: state[name] for name in AIR}, {name: error[name] for name in AIR}


def _expected(canvas: _Canvas, names: list[str], elevation: Any) -> dict[str, tuple[Any, Any]]:
    """Return what the climatology expects: columns at the level of the sea, brought to the altitude of each pixel."""
    scene = canvas.scene
    time = scene.attrs.get("time_coverage_start")
    if time is None and set(names) - {"pressure"}:
        raise InputError("correct() needs attrs['time_coverage_start'] for the climatology. Set it, or give the air.")
    given = scene.get("elevation") if elevation is None else elevation
    place = {} if names == ["pressure"] and given is not None else _place(canvas)
    height = canvas.spread(climatology.elevation(**place)) if given is None else canvas.field("elevation", given)
    found: dict[str, tuple[Any, Any]] = {}
    scales = {"aod": climatology.AEROSOL_HEIGHT, "water_vapour": climatology.VAPOUR_HEIGHT, "ozone": np.inf}
    for name in names:
        if name == "pressure":
            expected = climatology.pressure(xr.DataArray(height, dims=("one", "y", "x")))
            found[name] = tuple(part.data.astype(np.float32) for part in expected)
        else:
            above = np.exp(height * np.float32(-1.0 / scales[name]))
            expected = getattr(climatology, name)(**place, time=time)
            found[name] = tuple(canvas.spread(part) * above for part in expected)
    return found


def _place(canvas: _Canvas) -> dict[str, xr.DataArray]:
    """Return latitude and longitude of the corners of cells (deg)."""
    scene, (y, x) = canvas.scene, canvas.plane
    if "latitude" in scene.coords and "longitude" in scene.coords:
        laid = [_corners_of(scene[name], y, x) for name in ("latitude", "longitude")]
    elif "spatial_ref" in scene.coords and y in scene.coords and x in scene.coords:
        laid = _from_map(scene, y, x)
    else:
        raise InputError(
            "correct() needs the place of the scene for the climatology: coordinates latitude and longitude, or y, x "
            "and spatial_ref. Add them, or give aod, water_vapour, ozone and pressure."
        )
    return dict(zip(("latitude", "longitude"), xr.broadcast(*laid), strict=True))


def _corners_of(coordinate: xr.DataArray, y: str, x: str) -> xr.DataArray:
    """Return a coordinate of one or two dimensions at the corners, its dimensions named y and x."""
    names = {dim: name for dim, name in ((y, "y"), (x, "x")) if dim in coordinate.dims}
    bare = coordinate.variable.isel({dim: corners(coordinate.sizes[dim]) for dim in names})
    return xr.DataArray(bare.to_base_variable()).rename({dim: new for dim, new in names.items() if dim != new})


def _from_map(scene: xr.Dataset, y: str, x: str) -> list[xr.DataArray]:
    from pyproj import CRS, Transformer

    crs = (
        CRS.from_cf(scene["spatial_ref"].attrs)
        if "crs_wkt" not in scene["spatial_ref"].attrs
        else CRS.from_wkt(scene["spatial_ref"].attrs["crs_wkt"])
    )
    rows, columns = (scene[d].values[corners(scene.sizes[d])].astype(np.float64) for d in (y, x))
    east, north = np.meshgrid(columns, rows)
    longitude, latitude = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(east, north)
    return [xr.DataArray(np.where(np.isfinite(part), part, np.nan), dims=("y", "x")) for part in (latitude, longitude)]


def _keys(scene: xr.Dataset) -> tuple[list[Any], dict[str, str]]:
    """Return what names the tables of each band, None where there are none, and why."""
    sensor, variant = str(scene.attrs["sensor"]), layout.variant_of(scene)
    keys: list[Any] = []
    without = {}
    for role in map(str, scene["band"].values):
        key = atmosphere.key_of(sensor, role, variant)
        why = "its light is absorbed before it reaches the surface" if role == "cirrus" else atmosphere.gap(key)
        keys.append(None if why else key)
        if why:
            without[role] = why
    return keys, without


def _layers(
    scene: xr.Dataset,
    canvas: _Canvas,
    geometry: dict[str, Any],
    state: dict[str, Any],
    error: dict[str, Any],
    keys: Any,
) -> dict[str, Any]:
    """Return the reflectance of the surface and its uncertainties, shape (band, y, x)."""
    fields = [*geometry.values(), *state.values()]
    parts = [sample(field[0]) for field in fields]
    nodes = da.stack(parts) if any(isinstance(part, da.Array) for part in parts) else np.stack(parts)
    toa = canvas.toa.astype(np.float32)
    made = {"reflectance": over_chunks(blocks.surface_block, toa, nodes, toa, *fields, keys=keys)}
    told = (*fields, *error.values())
    own = [None if key is None else table_error(key) for key in keys]
    order = ("band", *canvas.plane)
    for kind in ("random", "systematic"):
        name = f"reflectance_{kind}"
        before = [scene[name].transpose(*order).data.astype(np.float32)] if name in scene else []
        if before or kind == "systematic":
            made[name] = over_chunks(
                blocks.sigma_block, toa, nodes, toa, *told, *before, keys=keys, table_error=own, random=kind == "random"
            )
    return made


def _outside(scene: xr.Dataset, canvas: _Canvas, geometry: dict[str, Any], state: dict[str, Any]) -> xr.DataArray:
    """Return where there is a measurement, but the tables do not reach."""
    inside: Any = True
    for name, values in (geometry | state).items():
        if name in _LIMITS:
            low, high = _LIMITS[name]
            inside = inside & (values[0] >= low) & (values[0] <= high)
    outside = xr.DataArray(~inside, dims=canvas.plane, coords={d: scene[d] for d in canvas.plane if d in scene.coords})
    return outside & ~layout.flagged(scene, "no_data").reset_coords(drop=True)


@lru_cache(maxsize=1)
def _accuracy() -> dict[tuple[str, str], float]:
    text = resource("catalogs/atmosphere/accuracy.csv").read_text("utf-8")
    return {(row["sensor"], row["band"]): float(row["rmse"]) for row in csv.DictReader(text.splitlines())}


def table_error(key: tuple[str, str, str]) -> float:
    """Return the root mean square error of a band's tables in reflectance at the top of the atmosphere."""
    return _accuracy().get(key[:2], TABLE_ERROR)


def _attributes(name: str) -> dict[str, str]:
    words = {
        "reflectance": "reflectance of the surface",
        "reflectance_random": "random standard uncertainty of the reflectance of the surface",
        "reflectance_systematic": "systematic standard uncertainty of the reflectance of the surface",
    }
    standard = {"standard_name": "surface_bidirectional_reflectance"} if name == "reflectance" else {}
    return {"units": "1", "long_name": words[name], **standard}


def _told(value: Any) -> Any:
    """Return what the history says of an argument."""
    if value is None:
        return "climatology"
    return f"field {value.name or ''}".strip() if isinstance(value, xr.DataArray) else float(value)
