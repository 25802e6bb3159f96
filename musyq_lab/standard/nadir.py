r"""Angular normalisation: the reflectance that the sensor would have seen from straight above.

The reflectance is multiplied by the ratio of what the kernels of :mod:`musyq_lab.kernels.brdf` give for the wanted and
for the actual directions,

.. math:: \rho' = c\,\rho, \qquad c = \frac{f \cdot K(i', v', \varphi)}{f \cdot K(i, v, \varphi)}

``c_factor``: one set of weights f for each band serves all land, everywhere and always (Roy et al. 2016): only the
proportions of the weights matter. ``kernels``: weights of each pixel, from looks at it
(:func:`musyq_lab.composite.multiangle.invert`) or from MCD43A1; pixels without them take the fixed ones.

The kernels are computed for a Sun at most 75 degrees and a view at most 65 degrees from the zenith, as 6S V1.1 does
(``rlmaignanbrdf``); pixels beyond keep the factor of that limit and are flagged ``low_quality``.

The shape of a surface is not that of all land. Over 200 canopies of PROSPECT-D and 4SAIL (leaf area 0 to 5, Sun at 20
to 60, views to 60 degrees) the root mean square of the error left was, in shares of that of the change, 0.6 (green,
nir), 0.75 (swir1) and 0.95 to 1 (blue, red, swir2) with the fixed weights, where they hardly help beyond 40 degrees;
with weights fitted to 15 looks at the canopy itself it was 0.3 to 0.6. These shares join the systematic uncertainty
(:func:`shares`). Weights that depend on NDVI (Vermote et al. 2009, doi:
10.1109/TGRS.2008.2005977) are published for sites, not for all land, and are not offered.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import xarray as xr

from musyq_lab.core.errors import InputError, closest
from musyq_lab.kernels import brdf
from musyq_lab.standard import layout

__all__ = ["FIXED", "MAX_SUN", "MAX_VIEW", "SHARES", "fixed_weights", "normalize", "shares"]

FIXED = MappingProxyType(
    {
        "blue": (0.0774, 0.0372, 0.0079),
        "green": (0.1306, 0.0580, 0.0178),
        "red": (0.1690, 0.0574, 0.0227),
        "red_edge_1": (0.2085, 0.0845, 0.0256),
        "red_edge_2": (0.2316, 0.1003, 0.0273),
        "red_edge_3": (0.2599, 0.1197, 0.0294),
        "nir": (0.3093, 0.1535, 0.0330),
        "nir_narrow": (0.3093, 0.1535, 0.0330),
        "swir1": (0.3430, 0.1154, 0.0453),
        "swir2": (0.2658, 0.0639, 0.0387),
    }
)
"""Weights (iso, vol, geo) by role: means of MODIS over land, all seasons.

Roy et al. (2016), Remote Sens. Environ. 176, 255-271, doi:10.1016/j.rse.2016.01.023, table 5; red edge: Roy et al.
(2017), Remote Sens. Environ. 199, 25-38, doi:10.1016/j.rse.2017.06.019, table 1. The papers were not opened: values as
in sen2nbar and other public code, which agree.
"""

# Other bands lie between those of MODIS (um), as Roy et al. (2017) made the red edge: that gives theirs to 0.0004.
_NODES = {"blue": 0.469, "green": 0.555, "red": 0.645, "nir": 0.8585, "swir1": 1.64, "swir2": 2.13}

MAX_SUN, MAX_VIEW = 75.0, 65.0
"""Zenith angles (deg) up to which the kernels follow the angles."""

SHARES = MappingProxyType({"c_factor": 0.7, "kernels": 0.3})
"""One sigma of what is left wrong, as a share of the change of the reflectance, for all bands alike."""

# The same band by band: fixed weights, weights of the pixel; the red edge lies between red and nir.
_LEFT = {
    "blue": (1.0, 0.3),
    "green": (0.63, 0.26),
    "red": (1.0, 0.47),
    "red_edge_1": (0.88, 0.45),
    "red_edge_2": (0.81, 0.44),
    "red_edge_3": (0.72, 0.43),
    "nir": (0.57, 0.41),
    "nir_narrow": (0.57, 0.41),
    "swir1": (0.74, 0.45),
    "swir2": (0.93, 0.64),
}

PARAMETERS = ("iso", "vol", "geo")
Method = Literal["c_factor", "kernels"]


def normalize(
    scene: xr.Dataset,
    *,
    sun_zenith: float | Literal["mean"] | xr.DataArray | None = None,
    view_zenith: float = 0.0,
    method: Method = "c_factor",
    parameters: xr.Dataset | xr.DataArray | None = None,
) -> xr.Dataset:
    """Return the scene with its reflectance brought to one direction of view, lazily.

    Parameters
    ----------
    scene : xarray.Dataset
        Standard scene with reflectance of the surface and the four angles.
    sun_zenith : float, "mean" or DataArray, optional
        Zenith angle of the Sun that it is brought to (deg): a number, the mean of the scene, or one for each pixel. By
        default each pixel's own.
    view_zenith : float
        Zenith angle of the view that it is brought to (deg); the azimuths stay.
    method : "c_factor" or "kernels"
        With one set of weights for all land, or with ``parameters``.
    parameters : Dataset or DataArray, optional
        Weights for ``kernels``: a DataArray with dims ``parameter`` (iso, vol, geo), ``band`` (roles) and those of the
        pixels or fewer; or a Dataset that holds it as ``brdf``, or ``brdf_<role>`` with a dim ``kernel`` as MCD43A1
        opened by ``ml.open_product``.

    Returns
    -------
    xarray.Dataset
        The angles are those it was brought to; ``reflectance_systematic`` grows by :func:`shares` of the change where
        the scene has it. Pixels without an angle have no value.

    Raises
    ------
    InputError
        If the scene lacks an angle or holds reflectance at the top of the atmosphere, or a parameter does not fit.
    """
    layout.require(scene, "normalize", variables=("reflectance", *layout.ANGLES), level=layout.SURFACE)
    _check(view_zenith, sun_zenith, method, parameters)
    sun_zenith = float(sun_zenith) if isinstance(sun_zenith, np.number) else sun_zenith
    target = _target(scene, sun_zenith)
    bands = [str(name) for name in scene["band"].values]
    fixed = fixed_weights(bands, scene["wavelength"])
    azimuth = layout.relative_azimuth(scene)
    seen = _kernels(scene["sun_zenith"], scene["view_zenith"], azimuth)
    wanted = _kernels(target, xr.full_like(scene["view_zenith"], view_zenith), azimuth)
    factor = _ratio(fixed, wanted, seen)
    left = shares(bands, scene["wavelength"], "c_factor")
    if parameters is not None:
        own = _ratio(_weights(parameters, scene), wanted, seen)
        usable = (own > 0.0) & np.isfinite(own)
        factor, left = own.where(usable, factor), (shares(bands, scene["wavelength"], method).where(usable, left))
    made = _applied(scene, factor, left)
    made = _with_angles(made, target, view_zenith)
    beyond = (scene["sun_zenith"] > MAX_SUN) | (scene["view_zenith"] > MAX_VIEW) | (target > MAX_SUN)
    made = layout.with_flag(made, "low_quality", beyond)
    told = sun_zenith if isinstance(sun_zenith, int | float | str | None) else "given"
    return layout.add_step(made, "normalize", {"sun_zenith": told, "view_zenith": view_zenith, "method": method})


def fixed_weights(bands: Sequence[str], wavelength: Any) -> xr.DataArray:
    """Return the weights that serve all land, dims (parameter, band).

    Parameters
    ----------
    bands : sequence of str
        Roles.
    wavelength : array_like, shape (band,)
        Centres (um): a role without weights of its own lies between the bands of MODIS, the last beyond them.
    """
    rows = [FIXED.get(name) for name in bands]
    if None in rows:
        nodes, centres = np.array([FIXED[name] for name in _NODES]), np.asarray(wavelength, float)
        between = np.stack([np.interp(centres, list(_NODES.values()), nodes[:, k]) for k in range(3)], axis=-1)
        rows = [row or tuple(own) for row, own in zip(rows, between.tolist(), strict=True)]
    return xr.DataArray(
        np.array(rows, np.float32).reshape(-1, 3).T,
        dims=("parameter", "band"),
        coords={"parameter": list(PARAMETERS), "band": list(bands)},
    )


def shares(bands: Sequence[str], wavelength: Any, method: Method) -> xr.DataArray:
    """Return one sigma of what is left wrong, as a share of the change of the reflectance, dims (band).

    Parameters
    ----------
    bands : sequence of str
        Roles.
    wavelength : array_like, shape (band,)
        Centres (um): the share of a role without one of its own lies between those of the bands of MODIS.
    method : "c_factor" or "kernels"
        With one set of weights for all land, or with weights of the pixel.
    """
    column = list(SHARES).index(method)
    values = [_LEFT[name][column] if name in _LEFT else np.nan for name in bands]
    if np.isnan(values).any():
        between = np.interp(np.asarray(wavelength, float), list(_NODES.values()), [_LEFT[n][column] for n in _NODES])
        values = np.where(np.isnan(values), between, values).tolist()
    return xr.DataArray(np.array(values, np.float32), dims="band")


def _check(view_zenith: float, sun_zenith: Any, method: str, parameters: Any) -> None:
    if method not in SHARES:
        raise InputError(f"normalize has no method {method!r}.{closest(method, SHARES)}")
    if (method == "kernels") != (parameters is not None):
        raise InputError("normalize takes `parameters` with method='kernels', and needs them there.")
    if not 0.0 <= view_zenith <= MAX_VIEW:
        raise InputError(f"normalize takes a view zenith angle of 0 to {MAX_VIEW:g} degrees, got {view_zenith}.")
    if isinstance(sun_zenith, str) and sun_zenith != "mean":
        raise InputError(f"normalize takes sun_zenith as degrees, 'mean' or None, got {sun_zenith!r}.")
    if isinstance(sun_zenith, int | float | np.number) and not 0.0 <= sun_zenith <= MAX_SUN:
        raise InputError(f"normalize takes a Sun zenith angle of 0 to {MAX_SUN:g} degrees, got {sun_zenith}.")


def _target(scene: xr.Dataset, sun_zenith: Any) -> xr.DataArray:
    """Return the zenith angle of the Sun for each pixel."""
    own: xr.DataArray = scene["sun_zenith"]
    if sun_zenith is None:
        return own
    if isinstance(sun_zenith, str):
        # Angles are smooth: whole hundredths add up to the same mean in any order, and are exact enough.
        counts = (own.where(np.isfinite(own), 0.0) * 100.0).round().astype(np.int64).sum()
        sun_zenith = counts / (100.0 * np.isfinite(own).sum())
    given: xr.DataArray = xr.zeros_like(own).where(np.isfinite(own)) + sun_zenith
    if given.dims != own.dims or given.shape != own.shape:
        raise InputError(f"sun_zenith has dims {tuple(sun_zenith.dims)}; it must lie on the pixels {own.dims}.")
    there: xr.DataArray = given.astype(np.float32)
    return there.assign_attrs(own.attrs)


def _kernels(sun: xr.DataArray, view: xr.DataArray, azimuth: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Return the kernels for angles within their limits, lazily."""
    vol, geo = xr.apply_ufunc(
        _block,
        sun,
        view,
        azimuth,
        output_core_dims=[[], []],
        dask="parallelized",
        output_dtypes=[np.float32, np.float32],
        keep_attrs="drop",
    )
    return vol, geo


def _block(sun: Any, view: Any, azimuth: Any) -> tuple[Any, Any]:
    angles = (np.minimum(sun, MAX_SUN), np.minimum(view, MAX_VIEW), azimuth)
    vol, geo = brdf.values(*(np.ascontiguousarray(angle, np.float32) for angle in angles))
    return vol, geo


def _ratio(weights: xr.DataArray, wanted: Sequence[xr.DataArray], seen: Sequence[xr.DataArray]) -> xr.DataArray:
    iso, vol, geo = (weights.sel(parameter=name, drop=True) for name in PARAMETERS)
    ratio: xr.DataArray = (iso + vol * wanted[0] + geo * wanted[1]) / (iso + vol * seen[0] + geo * seen[1])
    return ratio


def _weights(parameters: xr.Dataset | xr.DataArray, scene: xr.Dataset) -> xr.DataArray:
    """Bring given weights to dims (parameter, band, ...), in the order of the bands of the scene."""
    bands = [str(name) for name in scene["band"].values]
    given = parameters if isinstance(parameters, xr.DataArray) else _stacked(parameters, bands)
    if not {"parameter", "band"} <= set(given.dims):
        raise InputError(f"Kernel weights need the dims parameter and band, got {given.dims}.")
    known = [str(name) for name in given["band"].values]
    if missing := [name for name in bands if name not in known]:
        raise InputError(f"There are no kernel weights for the band {missing[0]!r}; given are {', '.join(known)}.")
    plane = layout.plane_of(scene)
    for dim in given.dims:
        if dim not in ("parameter", "band") and (dim not in plane or given.sizes[dim] != scene.sizes[dim]):
            raise InputError(f"Kernel weights have {dim} = {given.sizes[dim]}; bring them to the pixels of the scene.")
    there = given.sel(band=bands).astype(np.float32)
    return there.drop_vars([name for name in there.coords if name not in ("parameter", "band")])


def _stacked(parameters: xr.Dataset, bands: Sequence[str]) -> xr.DataArray:
    if "brdf" in parameters:
        return parameters["brdf"]
    found = {name: parameters[f"brdf_{name}"] for name in bands if f"brdf_{name}" in parameters}
    if not found:
        raise InputError(f"These parameters hold neither `brdf` nor `brdf_<role>`: {', '.join(map(str, parameters))}.")
    joined = xr.concat(list(found.values()), xr.Variable("band", list(found)), coords="minimal", compat="override")
    return joined.rename(kernel="parameter").assign_coords(parameter=list(PARAMETERS))


def _applied(scene: xr.Dataset, factor: xr.DataArray, share: xr.DataArray) -> xr.Dataset:
    """Multiply the reflectance and its uncertainties, and add the share of the change to the systematic one."""
    before = scene["reflectance"]
    factor = factor.transpose(*before.dims)
    share = share.drop_vars(list(share.coords)).transpose(*(dim for dim in before.dims if dim in share.dims))
    plain = factor.drop_vars([name for name in factor.coords if name not in factor.dims]).astype(np.float32)
    plain = plain.assign_coords({name: before[name] for name in plain.dims if name in before.coords})
    made = {"reflectance": (before * plain).assign_attrs(before.attrs)}
    for name in layout.UNCERTAINTIES:
        if name in scene:
            sigma = scene[name] * plain
            if name == "reflectance_systematic":
                own = share * (made["reflectance"] - before)
                sigma = ((sigma**2 + own**2) ** 0.5).transpose(*before.dims)
            made[name] = sigma.astype(np.float32).assign_attrs(scene[name].attrs)
    return scene.assign(made)


def _with_angles(scene: xr.Dataset, sun: xr.DataArray, view_zenith: float) -> xr.Dataset:
    view = scene["view_zenith"]
    there = xr.full_like(view, view_zenith).where(np.isfinite(view)).assign_attrs(view.attrs)
    attrs = {"reflectance_view_zenith": float(view_zenith), "reflectance_direction": "normalised"}
    return scene.assign(sun_zenith=sun, view_zenith=there).assign_attrs(attrs)
