r"""Illumination correction: the reflectance that slopes would have if they lay level.

With the solar zenith angle :math:`\theta`, the slope s and the angle i at which the Sun falls on it,

.. math:: \cos i = \cos\theta \cos s + \sin\theta \sin s \cos(\varphi_s - \varphi_a)

(azimuths of the Sun and of the aspect), reflectance is multiplied by

=========  ===================================================================================================
cosine     :math:`\cos\theta / \cos i` (Teillet, Guindon & Goodenough 1982, doi:10.1080/07038992.1982.10855028)
c          :math:`(\cos\theta + C) / (\cos i + C)` (the same)
scs_c      :math:`(\cos s \cos\theta + C) / (\cos i + C)`, for trees, which stand upright on a slope (Soenen,
           Peddle & Coburn 2005, doi:10.1109/TGRS.2005.852480)
minnaert   :math:`(\cos\theta / \cos i)^k` (Teillet et al. 1982)
=========  ===================================================================================================

C = b / m comes from a straight line :math:`\rho = b + m \cos i` over the sunlit pixels of the scene, one for each band;
it stands for the light of the sky, which the cosine leaves out and so brightens dark slopes too much. k is the slope of
:math:`\ln\rho` over :math:`\ln(\cos i / \cos\theta)`. Where no pixel is brighter for facing the Sun (m or k not
positive) the band stays as it is. The papers were not opened; the formulas are as reviews of the field give them.

A scene over flat land or of one slope has no line worth the name, and one of several covers has a line of their
arrangement too: a mask of one cover helps (``where``). Shadows cast by other slopes are not looked for.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import dask.array as da
import numpy as np
import xarray as xr

from musyq_lab.core.errors import InputError, closest
from musyq_lab.standard import layout

__all__ = ["MAX_FACTOR", "SHARE", "flatten", "slope_aspect"]

Method = Literal["cosine", "c", "scs_c", "minnaert"]

MAX_FACTOR = 3.0
"""Largest factor applied; pixels that would need more keep it and are flagged ``low_quality``. A choice of ours."""

SHARE = 0.5
"""One sigma of what is left wrong, as a share of the change of the reflectance. A choice of ours, not measured."""

_STEP = 1 << 14  # Sums in whole numbers are the same in any order; a unit is 6e-5, far below the scatter of pixels.
_UNLIT = ("cloud", "cloud_shadow", "snow_ice", "water", "cirrus", "terrain_shadow", "no_data", "saturated")
_MAJOR, _FLATTENING = 6378137.0, 1.0 / 298.257223563  # WGS 84
_FAINT = 0.01  # cosine of incidence and reflectance below which a pixel tells nothing of the line


def flatten(
    scene: xr.Dataset,
    elevation: xr.DataArray | None = None,
    *,
    slope: xr.DataArray | None = None,
    aspect: xr.DataArray | None = None,
    method: Method = "c",
    where: xr.DataArray | None = None,
) -> xr.Dataset:
    """Return the scene with the reflectance that its slopes would have if level, lazily.

    Parameters
    ----------
    scene : xarray.Dataset
        Standard scene on a grid, with the angles of the Sun.
    elevation : DataArray, optional
        Altitude of the surface (m) on the pixels of the scene; by default the scene's own ``elevation``.
    slope, aspect : DataArray, optional
        Degrees, in place of ``elevation``; the aspect clockwise from north, the direction a slope faces.
    method : {"cosine", "c", "scs_c", "minnaert"}
        As above.
    where : DataArray of bool, optional
        Pixels that the line is drawn through; by default all that are clear, land and without snow.

    Returns
    -------
    xarray.Dataset
        Where the Sun lies behind the slope reflectance is NaN and ``terrain_shadow`` is set; where the slope is not
        known it stays and ``low_quality`` is set. ``reflectance_systematic`` grows by :data:`SHARE` of the change
        where the scene has it.

    Raises
    ------
    InputError
        If the scene is no grid, lacks the Sun's angles, or the relief does not lie on its pixels.
    """
    layout.require(scene, "flatten", variables=("reflectance", "sun_zenith", "sun_azimuth"))
    if method not in get_args(Method):
        raise InputError(f"flatten has no method {method!r}.{closest(method, get_args(Method))}")
    slope, aspect = _relief(scene, elevation, slope, aspect)
    tilt, sun = np.cos(np.radians(slope)), np.cos(np.radians(scene["sun_zenith"]))
    turn = np.cos(np.radians(scene["sun_azimuth"] - aspect))
    incidence = sun * tilt + np.sin(np.radians(scene["sun_zenith"])) * np.sin(np.radians(slope)) * turn
    lit = ~layout.flagged(scene, *_UNLIT) & (incidence > _FAINT)
    factor = _factor(method, scene["reflectance"], incidence, sun, tilt, lit if where is None else lit & where)
    known, shadow = np.isfinite(incidence), incidence <= 0.0
    strong = (factor > MAX_FACTOR).any("band") & ~shadow
    factor = factor.clip(max=MAX_FACTOR).where(known, 1.0).where(~shadow)
    made = _applied(scene, factor)
    made = layout.with_flag(made, "terrain_shadow", shadow)
    made = layout.with_flag(made, "low_quality", strong | ~known)
    return layout.add_step(made, "flatten", {"method": method}).assign_attrs(illumination="level")


def slope_aspect(elevation: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Return slope and aspect (deg), lazily, on a map in metres or on longitude and latitude.

    Parameters
    ----------
    elevation : DataArray
        Metres, with one-dimensional coordinates: ``x, y`` (m) or ``longitude, latitude`` (deg).

    Returns
    -------
    slope : DataArray
        Angle to the level.
    aspect : DataArray
        Direction the slope faces, clockwise from the top of the grid, 0 where flat. On a map that is not true north: in
        a UTM zone they differ by up to some 3 degrees times the sine of the latitude.

    Notes
    -----
    Horn (1981, Proc. IEEE 69, 14-47, doi:10.1109/PROC.1981.11918): differences over three rows and columns with weights
    1, 2, 1. Outer rows and columns are as steep as the ones within.
    """
    rows, columns = _axes(elevation)
    padded = _padded(_padded(elevation.astype(np.float32), rows), columns).transpose(rows, columns)
    bare = elevation.drop_vars(list(elevation.coords)).transpose(rows, columns)
    across, along = (bare.copy(data=_difference(padded.data, bare.chunks, axis)) for axis in (1, 0))
    dx, dy = _steps(elevation, rows, columns)
    east, north = across / (8.0 * dx), along / (8.0 * dy)
    slope = np.degrees(np.arctan(np.hypot(east, north)))
    aspect = np.degrees(np.arctan2(-east, -north)) % 360.0
    aspect = aspect.where((east != 0.0) | (north != 0.0), 0.0).where(np.isfinite(slope))
    own = {name: c for name, c in elevation.coords.items()}
    words = ({"long_name": "slope"}, {"long_name": "direction the slope faces, clockwise from north"})
    made = [d.astype(np.float32).transpose(*elevation.dims).assign_coords(own) for d in (slope, aspect)]
    return made[0].assign_attrs(units="degree", **words[0]), made[1].assign_attrs(units="degree", **words[1])


def _relief(
    scene: xr.Dataset, elevation: xr.DataArray | None, slope: xr.DataArray | None, aspect: xr.DataArray | None
) -> tuple[xr.DataArray, xr.DataArray]:
    """Return slope and aspect on the pixels of the scene."""
    if (slope is None) != (aspect is None) or (slope is not None and elevation is not None):
        raise InputError("flatten takes either `elevation` or both `slope` and `aspect`.")
    if slope is None or aspect is None:
        if elevation is None and "elevation" not in scene:
            raise InputError("flatten needs `elevation` (m), or `slope` and `aspect`; the scene holds no elevation.")
        slope, aspect = slope_aspect(_on_pixels(scene, scene["elevation"] if elevation is None else elevation))
    return _on_pixels(scene, slope), _on_pixels(scene, aspect)


def _on_pixels(scene: xr.Dataset, layer: xr.DataArray) -> xr.DataArray:
    plane = layout.plane_of(scene)
    name = layer.name or "The relief"
    if set(layer.dims) != set(plane) or any(layer.sizes[dim] != scene.sizes[dim] for dim in plane):
        sizes = dict(scene["reflectance"].sizes)
        raise InputError(f"{name} has {dict(layer.sizes)}; it must lie on the pixels of the scene, {sizes}.")
    for dim in plane:
        if (
            dim in layer.coords
            and dim in scene.coords
            and not np.allclose(layer[dim], scene[dim], rtol=1e-9, atol=1e-9)
        ):
            raise InputError(f"{name} lies at other {dim} than the scene. Bring it to the scene's grid first.")
    coords = {dim: scene[dim] for dim in plane if dim in scene.coords}
    return layer.transpose(*plane).assign_coords(coords)


def _axes(elevation: xr.DataArray) -> tuple[str, str]:
    for names in (("y", "x"), ("latitude", "longitude")):
        if set(elevation.dims) == set(names) and all(d in elevation.coords and elevation.sizes[d] > 1 for d in names):
            return names
    raise InputError(
        "Slopes need elevation on a grid with coordinates x and y (m), or longitude and latitude (deg), two at least; "
        f"got the dims {elevation.dims}, coordinates {', '.join(map(str, elevation.coords)) or 'none'}. Bring a "
        "swath to a grid first."
    )


def _steps(elevation: xr.DataArray, rows: str, columns: str) -> tuple[Any, Any]:
    """Return how far east a column and how far north a row leads (m)."""
    dx, dy = (_step(elevation, dim) for dim in (columns, rows))
    if rows == "y":
        return np.float32(dx), np.float32(dy)
    latitude = np.radians(elevation[rows].variable.values.astype(np.float64))
    square = _FLATTENING * (2.0 - _FLATTENING)
    w = np.sqrt(1.0 - square * np.sin(latitude) ** 2)
    east = np.maximum(_MAJOR * np.cos(latitude) / w, 1.0) * np.radians(dx)
    north = _MAJOR * (1.0 - square) / w**3 * np.radians(dy)
    return xr.DataArray(east.astype(np.float32), dims=rows), xr.DataArray(north.astype(np.float32), dims=rows)


def _step(elevation: xr.DataArray, dim: str) -> float:
    values = elevation[dim].values.astype(np.float64)
    step = (values[-1] - values[0]) / (values.size - 1)
    if not np.allclose(np.diff(values), step, rtol=1e-3, atol=0.0):
        raise InputError(f"Slopes need even steps along {dim}.")
    return float(step)


def _padded(elevation: xr.DataArray, dim: str) -> xr.DataArray:
    """Go on beyond both ends as steep as before."""
    bare = elevation.drop_vars(list(elevation.coords))
    ends = [bare.isel({dim: [a]}) * 2 - bare.isel({dim: [b]}) for a, b in ((0, 1), (-1, -2))]
    return xr.concat([ends[0], bare, ends[1]], dim)


def _difference(padded: Any, chunks: Any, axis: int) -> Any:
    """Return Horn's sum of differences along an axis, without the rim."""
    if chunks is None:
        return _horn(padded, axis)[1:-1, 1:-1]
    # The rim joins the outer chunks, so that chunks come out as they were.
    joined = padded.rechunk(tuple(_with_rim(sizes) for sizes in chunks))
    made = da.map_overlap(_horn, joined, axis=axis, depth=1, boundary="none", dtype=np.float32, meta=padded._meta)
    return made[1:-1, 1:-1]


def _with_rim(sizes: tuple[int, ...]) -> tuple[int, ...]:
    return (sizes[0] + 2,) if len(sizes) == 1 else (sizes[0] + 1, *sizes[1:-1], sizes[-1] + 1)


def _horn(z: Any, axis: int) -> Any:
    """Difference along the axis of sums 1, 2, 1 across it; 0 on the rim of the block, which is cut off."""
    turned = z if axis == 1 else z.T
    made = np.zeros_like(turned)
    wide = turned[:-2] + 2 * turned[1:-1] + turned[2:]
    made[1:-1, 1:-1] = wide[:, 2:] - wide[:, :-2]
    return made if axis == 1 else made.T


def _factor(
    method: Method, reflectance: xr.DataArray, incidence: Any, sun: Any, tilt: Any, lit: xr.DataArray
) -> xr.DataArray:
    """Return what each band is multiplied with."""
    level = tilt * sun if method == "scs_c" else sun
    if method in ("cosine", "minnaert"):
        ratio = (sun / incidence).where(incidence > 0.0)
        power: Any = 1.0
        if method == "minnaert":
            fits = lit & (reflectance > _FAINT)
            slope, _ = _line(np.log((incidence / sun).where(fits)), np.log(reflectance.where(fits)))
            power = slope.clip(0.0, 1.0)
        made: xr.DataArray = (ratio**power).broadcast_like(reflectance)
        return made.transpose(*reflectance.dims)
    slope, base = _line(incidence.where(lit & np.isfinite(reflectance)), reflectance.where(lit))
    c = (base / slope).clip(min=0.0)
    corrected: xr.DataArray = ((level + c) / (incidence + c)).where(slope > 0.0, 1.0).astype(np.float32)
    return corrected.transpose(*reflectance.dims)


def _line(x: Any, y: Any) -> tuple[xr.DataArray, xr.DataArray]:
    """Return slope and base of the least-squares line of each band, lazily, from sums of whole numbers.

    The sums and so the line are the same to the last bit for any chunking.
    """
    plane = [str(dim) for dim in y.dims if dim != "band"]
    valid = np.isfinite(x) & np.isfinite(y)
    a, b = ((d.where(valid, 0.0).clip(-8.0, 8.0) * _STEP).round().astype(np.int64) for d in (x, y))
    n, sa, sb, saa, sab = (d.sum(plane).astype(np.float64) for d in (valid.astype(np.int64), a, b, a * a, a * b))
    spread, joint = saa - sa * sa / n, sab - sa * sb / n
    slope = joint / spread
    base = (sb - slope * sa) / n / _STEP
    return slope.astype(np.float32), base.astype(np.float32)


def _applied(scene: xr.Dataset, factor: xr.DataArray) -> xr.Dataset:
    before = scene["reflectance"]
    plain = factor.drop_vars([name for name in factor.coords if name not in before.coords]).astype(np.float32)
    after = (before * plain).transpose(*before.dims).assign_attrs(before.attrs)
    made = {"reflectance": after}
    for name in layout.UNCERTAINTIES:
        if name in scene:
            sigma = scene[name] * plain
            if name == "reflectance_systematic":
                sigma = (sigma**2 + (np.float32(SHARE) * (after - before)) ** 2) ** 0.5
            made[name] = sigma.astype(np.float32).assign_attrs(scene[name].attrs)
    return scene.assign(made)
