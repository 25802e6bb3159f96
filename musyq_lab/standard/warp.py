r"""Any scene onto any grid: exact area means, bilinear interpolation, or the nearest pixel.

Each pixel is a quadrilateral on the Earth: the cell of a raster (projected, sinusoidal, geostationary, geographic) or,
in a swath, what lies between the midpoints to its neighbours. ``method="area"`` takes the exact area that each
footprint shares with each cell of the target, in the target's own coordinates, so that

.. math:: \sum_c A_c y_c = \sum_p A_p x_p

over a region that is covered by valid pixels. Weights are made once for each block of the target and serve all bands.
Positions are exact for a swath on a geographic grid and elsewhere good to 1e-3 of a pixel (checked, tile by tile,
against the exact projection).
"""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import xarray as xr

from musyq_lab.core.errors import InputError, closest
from musyq_lab.core.grid import GeoGrid, ProjectedGrid
from musyq_lab.core.quality import SCENE_FLAGS
from musyq_lab.standard import layout
from musyq_lab.standard._warp_blocks import Job, Method, Plan
from musyq_lab.standard._warp_frames import GEOGRAPHIC, Frame, across, coordinates, frame_of, frame_of_data
from musyq_lab.standard._warp_source import Grid, Source, window_of

Target = str | GeoGrid | ProjectedGrid | xr.Dataset | xr.DataArray

_SURFACE = ("snow_ice", "water")  # flags that say what the surface is, not that the measurement is spoilt
_PAIRS = (("sun_zenith", "sun_azimuth"), ("view_zenith", "view_azimuth"))


def to_grid(
    scene: xr.Dataset,
    target: Target,
    *,
    method: str = "area",
    min_valid: float = 0.5,
    flag_share: float = 0.1,
    surface_share: float = 0.5,
    pixel_share: bool = False,
    scan_lines: int | None = None,
) -> xr.Dataset:
    """Bring a standard scene to a grid, lazily.

    Parameters
    ----------
    scene : xarray.Dataset
        Standard scene on its native pixels: a raster with a CRS, longitudes and latitudes, or a swath. Pixels that are
        NaN drop out of every mean; to average only clear ones, put NaN where :func:`~.layout.flagged` says so.
    target : str, GeoGrid, ProjectedGrid, Dataset or DataArray
        ``"1km"``, ``"5km"``, ``"0p25deg"``: the window of that global grid which the scene's outline touches (beyond
        180 degrees east for one across the antimeridian); ``"30m"`` or any number of metres: UTM in the zone of the
        scene's middle, edges on multiples of the size; a grid; or data that lie on the wanted grid.
    method : {"area", "bilinear", "nearest"}
        ``"area"`` keeps the area integral, and is the one for cells larger than pixels. ``"bilinear"`` interpolates
        between pixel centres, within a scan where scans of a swath overlap. ``"nearest"`` copies pixels.
    min_valid : float
        Share of a cell that valid pixels must cover (or weight they must have), else NaN and ``no_data``.
    flag_share : float
        Share of its seen area at which a cell has a flag of ``qa``, such as cloud.
    surface_share : float
        The same for what is not a fault: ``snow_ice`` and ``water``.
    pixel_share : bool
        Whether to add ``pixel_share``, the share (0 to 1) of each cell that pixels with data cover.
    scan_lines : int, optional
        Lines of a scan of a whiskbroom swath; known for MODIS, MERSI and VIIRS, none for other sensors.

    Returns
    -------
    xarray.Dataset
        The scene with dims (latitude, longitude) or (y, x) and ``spatial_ref``. ``*_random`` uncertainties shrink as
        those of a mean of independent pixels, others are averaged; angles are averaged as directions. Longitude and
        latitude of a swath are read once to find which pixels each block needs; nothing else is read.

    Raises
    ------
    InputError
        If scene and grid do not overlap, either lacks its place on the Earth, or an argument is out of range.
    NotFoundError
        If no grid has that name.
    """
    layout.require(scene, "warp.to_grid")
    if not isinstance(target, Target):
        raise InputError(f"{target!r} is no grid. Give a name such as '1km' or '30m', a grid, or data that lie on it.")
    chosen = _method(method)
    _check_shares(min_valid=min_valid, flag_share=flag_share, surface_share=surface_share)
    plane = layout.plane_of(scene)
    source = Source(scene, plane, scan_lines)
    grid = window_of(source, target) if isinstance(target, str) else target
    frame = frame_of(grid) if isinstance(grid, GeoGrid | ProjectedGrid) else frame_of_data(grid, "target")
    tiles = source.tiles(frame)
    if tiles.window((0, frame.rows), (0, frame.columns)) is None:
        raise InputError(_apart(source, frame))
    plan = Plan(source.geometry, frame, tiles, chosen, min_valid, source.place)
    least = _least(flag_share, surface_share)
    fields = _fields(scene, plane, least, pixel_share)
    jobs = [Job(data.transpose(..., *plane).data, kind, words) for data, kind, words in fields.values()]  # type: ignore[arg-type]
    new = coordinates(grid)
    dims = ("latitude", "longitude") if "latitude" in new else ("y", "x")
    made = {
        name: xr.Variable((*_lead(data, plane), *dims), out, _attributes(data))
        for (name, (data, _, _)), out in zip(fields.items(), plan.run(jobs), strict=True)
    }
    out = _assembled(scene, plane, made, new)
    parameters: dict[str, Any] = {"target": _named(target), "method": method, "min_valid": min_valid}
    return layout.add_step(out, "warp.to_grid", parameters | {"flag_share": flag_share, "surface_share": surface_share})


def grid_of(scene: xr.Dataset, name: str, *, scan_lines: int | None = None) -> Grid:
    """Return the window of a grid that a scene's outline touches, to put several scenes on one window.

    Parameters
    ----------
    scene : xarray.Dataset
        Standard scene.
    name : str
        ``"1km"``, ``"5km"``, ``"0p25deg"`` or a number of metres such as ``"30m"`` (UTM).
    scan_lines : int, optional
        As for :func:`to_grid`.

    Returns
    -------
    GeoGrid or ProjectedGrid
        Of a geostationary disk the outermost pixels, which see the Earth at a grazing angle, may be left out.

    Raises
    ------
    InputError, NotFoundError
        As :func:`to_grid`.
    """
    return window_of(Source(scene, layout.plane_of(scene), scan_lines), name)


def _method(name: str) -> Method:
    for known in get_args(Method):
        if name == known:
            return known  # type: ignore[no-any-return]
    raise InputError(f"There is no method {name!r} of regridding.{closest(str(name), get_args(Method))}")


def _check_shares(**shares: float) -> None:
    for name, share in shares.items():
        if not 0.0 <= share <= 1.0:
            raise InputError(f"{name}={share} is no share. Give a number from 0 to 1.")


def _least(flag_share: float, surface_share: float) -> tuple[float, ...]:
    shares = [flag_share] * 16
    for flag in SCENE_FLAGS:
        if flag.name in _SURFACE:
            shares[flag.bit] = surface_share
    return tuple(shares)


def _fields(
    scene: xr.Dataset, plane: tuple[str, str], least: tuple[float, ...], pixel_share: bool
) -> dict[str, tuple[xr.DataArray, str, tuple[float, ...]]]:
    """Return what is brought to the grid, and how: angles as the components of directions."""
    fields: dict[str, tuple[xr.DataArray, str, tuple[float, ...]]] = {}
    paired = {name for pair in _PAIRS if all(n in scene for n in pair) for name in pair}
    for key, data in scene.data_vars.items():
        name = str(key)
        if not set(plane) <= set(data.dims) or name in paired:
            continue
        if name == "qa":
            fields[name] = data, "bits", least
        elif data.dtype.kind not in "fb":
            raise InputError(f"{name!r} is of whole numbers ({data.dtype}), which have no mean. Leave it out first.")
        else:
            fields[name] = data, "noise" if name.endswith("_random") else "mean", ()
    for zenith, azimuth in _PAIRS:
        if zenith in paired:
            for part, data in _components(scene[zenith], scene[azimuth]).items():
                fields[f"{zenith}.{part}"] = data, "mean", ()
    if pixel_share:
        fields["pixel_share"] = _with_data(scene, plane), "cover", ()
    return fields


def _components(zenith: xr.DataArray, azimuth: xr.DataArray) -> dict[str, xr.DataArray]:
    z: Any = np.deg2rad(zenith)
    a: Any = np.deg2rad(azimuth)
    sine = np.sin(z)
    parts: dict[str, xr.DataArray] = {"north": sine * np.cos(a), "east": sine * np.sin(a), "up": np.cos(z)}
    return parts


def _with_data(scene: xr.Dataset, plane: tuple[str, str]) -> xr.DataArray:
    """Return 1 where a pixel has data, NaN elsewhere."""
    if "qa" in scene:
        good = ~layout.flagged(scene, "no_data")
    else:
        stack = scene["reflectance" if "reflectance" in scene else "brightness_temperature"]
        good = stack.notnull().any([d for d in stack.dims if d not in plane])
    return (
        xr.ones_like(good, dtype=np.float32)
        .where(good)
        .assign_attrs(units="1", long_name="share of the cell that pixels with data cover")
    )


def _lead(data: xr.DataArray, plane: tuple[str, str]) -> tuple[Any, ...]:
    return tuple(d for d in data.dims if d not in plane)


def _attributes(data: xr.DataArray) -> dict[Any, Any]:
    return {k: v for k, v in data.attrs.items() if k != "grid_mapping"}


def _assembled(
    scene: xr.Dataset, plane: tuple[str, str], made: dict[str, xr.Variable], new: xr.Coordinates
) -> xr.Dataset:
    """Return the scene with new variables in the old order, and directions as angles again."""
    kept = {k: v for k, v in scene.coords.items() if not set(plane) & set(v.dims) and k not in ("spatial_ref", "crs")}
    variables: dict[str, Any] = {}
    for key, data in scene.data_vars.items():
        name = str(key)
        if name in made:
            variables[name] = made[name]
        elif not set(plane) & set(data.dims):
            variables[name] = data.variable
    variables |= {name: data for name, data in made.items() if "." not in name}
    for zenith, azimuth in _PAIRS:
        if f"{zenith}.up" in made:
            north, east, up = (made[f"{zenith}.{part}"].data for part in ("north", "east", "up"))
            angles = np.rad2deg(np.arctan2(np.hypot(north, east), up)), np.rad2deg(np.arctan2(east, north)) % 360.0
            for name, angle in zip((zenith, azimuth), angles, strict=True):
                dims = made[f"{zenith}.up"].dims
                variables[name] = xr.Variable(dims, angle.astype(scene[name].dtype), _attributes(scene[name]))
    # Coordinates that are made share their index: nothing is compared or copied.
    coords = xr.Dataset(coords={k: v.variable for k, v in kept.items()}).coords.assign(new) if kept else new
    out = xr.Dataset(variables, coords=coords, attrs=scene.attrs)
    out.encoding = dict(scene.encoding)
    return out


def _apart(source: Source, frame: Frame) -> str:
    """Say where scene and grid lie."""
    whole = Frame(GEOGRAPHIC, -180.0, 1.0, 90.0, -1.0, 180, 360)
    boxes = source.tiles(whole).boxes
    here = "nowhere on the Earth"
    if len(boxes):
        here = _box(
            boxes[:, 2].min() - 180.0, 90.0 - boxes[:, 1].max(), boxes[:, 3].max() - 180.0, 90.0 - boxes[:, 0].min()
        )
    v, u = np.meshgrid(np.linspace(0, frame.rows, 9), np.linspace(0, frame.columns, 9), indexing="ij")
    x, y = across(frame, GEOGRAPHIC, *frame.place(v, u))
    there = _box(np.nanmin(x), np.nanmin(y), np.nanmax(x), np.nanmax(y)) if np.isfinite(x).any() else "nowhere"
    return f"Scene and grid do not overlap: the scene covers {here}, the grid {there}. Use warp.grid_of(scene, '1km')."


def _box(west: float, south: float, east: float, north: float) -> str:
    return f"{west:.2f} to {east:.2f} degrees east and {south:.2f} to {north:.2f} degrees north"


def _named(target: Target) -> str:
    if isinstance(target, xr.Dataset | xr.DataArray):
        return "grid of given data"
    return target if isinstance(target, str) else repr(target)
